//! What a rehearsal saw: the sale as it was announced, every call with its answer, and the exports afterwards.
//! Both drivers write it and every check reads it; nothing here judges.

pub mod paying;

/// Microseconds since the rehearsal began, by one monotonic clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

/// A person of the crowd, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person(pub u32);

/// A ticket type by its place in [`Announced::types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeIndex(pub usize);

/// An idempotency key of one person, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u32);

/// The sale as its operator announced it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// The activity's id.
    pub activity: String,
    /// Units a person may have in the whole activity.
    pub limit_per_person: Option<u32>,
    /// Only these may claim; `None`: everybody.
    pub roster: Option<Vec<Person>>,
    /// The ticket types.
    pub types: Vec<AnnouncedType>,
    /// How far `opens` and `ends` may be from the moments at which the server itself opens and ends a type:
    /// by so much its clock is not known. Nothing in virtual time.
    pub clock_within: Micros,
}

/// A ticket type as it was announced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnnouncedType {
    /// Its id.
    pub id: String,
    /// Units at the start.
    pub stock: u32,
    /// The codes in the order of import; empty for plain units.
    pub codes: Vec<String>,
    /// Units a person may have of this type.
    pub limit_per_person: u32,
    /// When claims are taken, in the rehearsal's time: from the first up to, and without, the second.
    pub opens: Micros,
    /// See `opens`.
    pub ends: Micros,
}

/// Something an operator did in the middle of the sale. Each may have taken effect at any instant between the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intervention {
    /// When it was asked for.
    pub sent: Micros,
    /// When it was known to be done; `None`: never, so it may or may not have happened at any time after.
    pub heard: Option<Micros>,
    /// What.
    pub what: Change,
}

/// What an operator can change while a sale runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Claims stop.
    Paused,
    /// Claims go on.
    Resumed,
    /// Claims stop for good.
    Closed,
    /// Units were added to a type.
    Added(TypeIndex, u32),
    /// Free units were taken back from a type.
    TakenBack(TypeIndex, u32),
    /// The server was killed, or lost its ledger, and served again at the end: what was not on disk is gone.
    Restarted,
}

/// One call of one person and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who.
    pub person: Person,
    /// What was asked.
    pub asked: Asked,
    /// When the request was complete on its way: taken just before its last byte was handed over, so that
    /// whatever the server made of it came later.
    pub sent: Micros,
    /// When the answer, or the end of the connection, was there.
    pub ended: Micros,
    /// The answer.
    pub heard: Heard,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// One unit.
    Claim {
        /// Of this type.
        ticket_type: TypeIndex,
        /// With this key.
        key: Option<Key>,
    },
    /// What became of a queued claim.
    Result {
        /// Its id.
        claim: String,
        /// The type that was claimed.
        ticket_type: TypeIndex,
        /// The key it was claimed with.
        key: Option<Key>,
    },
    /// The list of activities.
    List,
    /// The activity.
    Detail,
    /// The person's own tickets.
    Tickets,
}

/// A ticket as somebody was shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The order's id, where the answer holds one.
    pub order: Option<String>,
    /// The ticket's id.
    pub id: String,
    /// The type's id.
    pub type_id: String,
    /// The code, if its type has them.
    pub code: Option<String>,
    /// Its place among the accepted claims of its type, from 1.
    pub claim_no: u32,
}

/// The business refusals that a crowd can hear, by their permanent numbers on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refused {
    /// -1
    Ended,
    /// -2
    SoldOut,
    /// -4
    NotStarted,
    /// -5
    LimitReached,
    /// -6
    NotEligible,
    /// -11
    Paused,
}

/// What is known of the effect of a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing happened.
    None,
    /// It is not known.
    Unknown,
}

/// What a call was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A ticket: now, or since an earlier claim with the same key.
    Won(Ticket),
    /// Decided, not yet on disk.
    Queued {
        /// The id to ask after.
        claim: String,
    },
    /// The rules said no; with `LimitReached`, the tickets the person has.
    Refused(Refused, Vec<Ticket>),
    /// 503 or 429: nothing happened.
    Busy {
        /// Whether the answer said when to ask again.
        retry_after: bool,
    },
    /// -3.
    Failed(Effect),
    /// Lists: what was shown of the activity, where it was shown.
    Shown(Shown),
    /// The person's own tickets of this activity, newest first; of longer lists the first 20.
    Tickets(Vec<Ticket>),
    /// No whole answer came: the connection broke or the wait was over. It may have taken effect.
    Lost,
    /// An answer that the contract does not have here: its HTTP status and `ret`.
    Strange {
        /// The HTTP status.
        status: u16,
        /// The envelope's number, if there was an envelope.
        ret: Option<i32>,
    },
}

/// An activity as a list or its detail showed it; one that its list leaves out has no state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Its state, as the wire names it.
    pub state: String,
    /// Units shown as left, all types together.
    pub left: u32,
    /// By type, where the detail was asked for: total, left, held.
    pub types: Vec<(u32, u32, u32)>,
}

/// A row of the orders' export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderRow {
    /// The order's id.
    pub order: String,
    /// The ticket's id.
    pub ticket: String,
    /// The user's name.
    pub user: String,
    /// The type's id.
    pub type_id: String,
    /// The code.
    pub code: Option<String>,
    /// Its place among the accepted claims of its type.
    pub claim_no: u32,
}

/// A row of the participants' export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParticipantRow {
    /// The user's name.
    pub user: String,
    /// `won`, or the name of the first refusal other than `not_started`; nothing for who heard only that.
    pub outcome: Option<String>,
    /// The place of the first claim, for who won.
    pub claim_no: Option<u32>,
}

/// Everything a rehearsal saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The sale.
    pub announced: Announced,
    /// The names of the crowd, by [`Person`].
    pub names: Vec<String>,
    /// What operators did meanwhile, in the order of asking.
    pub interventions: Vec<Intervention>,
    /// The calls, in the order in which they ended.
    pub calls: Vec<Call>,
    /// The orders' export after everything was over, in its order.
    pub orders: Vec<OrderRow>,
    /// The participants' export.
    pub participants: Vec<ParticipantRow>,
    /// What the payers saw, where there were any.
    pub paying: Option<Box<paying::Paying>>,
}
