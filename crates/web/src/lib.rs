//! Firstcome over HTTP: the wire contract, metrics and the machine room's calls.
//! The only place that knows JSON, HTML and status codes; it decides nothing about a sale.

mod app;
mod body;
mod cold;
mod cores;
mod documents;
mod edge;
mod envelope;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod hot;
mod json;
mod language;
mod metrics;
mod orders;
mod outside;
mod pages;
mod params;
mod prepared;
mod rehearsals;
mod service;
mod settings;
mod who;

pub use app::App;
pub use cold::{COMMAND_LINE, ImportRefused, control_routes};
pub use cores::{Bound, Server, Stop};
pub use edge::{ClientAddress, EdgeSettings, ForwardedHeader, Network, NetworkError};
pub use metrics::Metrics;
pub use outside::{
    Asking, Attempt, AttemptOutcome, EVENT_TYPES, NewSecret, NewWebhook, Outside, OutsideFact,
    OutsideFacts, OutsideFault, Reached, Webhook,
};
pub use rehearsals::{
    Judged, Rehearsal, RehearsalPhase, RehearsalRefused, RehearsalState, RehearsalVerdict,
    RehearsalWanted, Rehearsals,
};
pub use settings::{PageSettings, WebSettings};
