//! The seam to rehearsals of an activity, which the desk starts and shows and the binary makes. What is rehearsed is a
//! copy: nothing behind this seam touches the sale that is served here.

use bytes::Bytes;
use sale::{Activity, TimeMs};

/// People of one rehearsal, at least and at most.
pub const PEOPLE: (u32, u32) = (10, 20_000);
/// Connections that they share, at least and at most.
pub const CONNECTIONS: (u32, u32) = (1, 1_000);
/// Seconds during which its sale is open, at least and at most.
pub const SECONDS: (u32, u32) = (3, 60);

/// Makes rehearsals, at most one at a time, and keeps the last until the next.
pub trait Rehearsals: Send + Sync {
    /// Starts one; may block for a moment.
    fn start(&self, wanted: &RehearsalWanted) -> Result<(), RehearsalRefused>;

    /// The one that runs, or else the last.
    fn latest(&self) -> Option<Rehearsal>;

    /// Gives up the one that runs, if one does.
    fn stop(&self);
}

/// What is to be rehearsed, within the bounds above.
#[derive(Clone, Debug)]
pub struct RehearsalWanted {
    /// The definition that is copied.
    pub activity: Activity,
    /// Units of each type, in the order of the definition.
    pub units: Vec<u32>,
    /// People in the crowd.
    pub people: u32,
    /// Connections that they share.
    pub connections: u32,
    /// Seconds during which the sale is open.
    pub seconds: u32,
    /// Whether to find out how many requests a second the machine takes as well.
    pub learn: bool,
    /// Now.
    pub now: TimeMs,
}

/// Why none was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RehearsalRefused {
    /// One runs already.
    Running,
    /// The system did not let it start; the log has the reason.
    System,
}

/// A rehearsal.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The id of the activity that was copied.
    pub act_id: String,
    /// People in its crowd.
    pub people: u32,
    /// Connections that they share.
    pub connections: u32,
    /// When it was started.
    pub began_at: TimeMs,
    /// How it stands.
    pub state: RehearsalState,
}

/// How a rehearsal stands.
#[derive(Clone, Debug)]
pub enum RehearsalState {
    /// It runs.
    Running(RehearsalPhase),
    /// It was given up.
    Stopped,
    /// It came to nothing: the last lines that it said.
    Failed(Vec<String>),
    /// It was judged.
    Judged(RehearsalVerdict),
}

/// What is going on in one that runs, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RehearsalPhase {
    /// Its server starts.
    Starting,
    /// The crowd is signed in.
    SigningIn,
    /// The copy is made.
    Preparing,
    /// The crowd gathers before the opening.
    Gathering,
    /// The sale is open.
    Open,
    /// The last answers are awaited.
    Settling,
    /// The exports are read.
    Exporting,
    /// The machine's limits are found out.
    Learning,
}

impl RehearsalPhase {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Starting,
        Self::SigningIn,
        Self::Preparing,
        Self::Gathering,
        Self::Open,
        Self::Settling,
        Self::Exporting,
        Self::Learning,
    ];
}

/// How something was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It held.
    Held,
    /// It is broken.
    Broken,
    /// There was nothing to look at.
    NothingLookedAt,
}

/// The verdict on a rehearsal, with the figures that a person asks for first.
#[derive(Clone, Debug)]
pub struct RehearsalVerdict {
    /// All promises together.
    pub whole: Judged,
    /// Each promise, from the first.
    pub promises: Vec<Judged>,
    /// Claims that were made.
    pub claims: u64,
    /// Tickets that were won.
    pub tickets: u64,
    /// Claims a second in the busiest moment.
    pub peak_per_s: f64,
    /// Milliseconds within which 99 of 100 winners knew.
    pub winners_p99_ms: Option<f64>,
    /// Claims a second that the machine refuses within its bound, where that was to be found out.
    pub takes_per_s: Option<u64>,
    /// The whole report: HTML without a script, whose one style stands in it.
    pub page: Bytes,
}
