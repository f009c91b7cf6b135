//! The driver over HTTP: a crowd at a running server, and what it saw. It asks as people and operators ask,
//! through the published interface alone, and never looks inside the server.

mod answer;
mod fault;
mod kills;
mod ladder;
mod learn;
mod learnt;
mod line;
mod operator;
mod paying;
mod progress;
mod request;
mod run;
mod rung;
mod sale;
mod seat;
mod seen;
mod setting;
mod target;
mod time;

pub use fault::{Doing, RehearseFault};
pub use kills::Mortal;
pub use learn::learn;
pub use learnt::{Capacity, LearnPlan, Learnt, LimitedBy, Rung, Suggested};
pub use progress::{Phase, Progress, Stop};
pub use run::run;
pub use seen::{Late, Note, Seen};
pub use target::{Operator, Target};
