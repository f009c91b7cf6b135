//! The contract of Stock, the first of the two seams. Nothing above it may know which stock is in use;
//! `tests/conformance` runs over every implementation.

use rules::{
    Activity, ActivityNo, Claim, Epoch, Event, EventNo, Item, JoinNo, KeyHash, OrderNo, OrderState,
    Part, Refusal, Seq, Supply, TimeMs, TypeNo, UserNo,
};
use std::{future::Future, ops::Range, pin::Pin};

/// Lines that [`Stock::claims_of`] reads at once, at most: whoever has a long history never holds the others up.
pub const LINES_READ_MAX: usize = 256;

/// An answer that is there at once (memory), or one that has to travel (Redis).
/// A caller that decides inline pays nothing for the other case.
pub enum Answer<T> {
    /// Decided before the call returned.
    Now(T),
    /// Decided elsewhere; the order of arrival is the order in which the other side takes it.
    Later(Pin<Box<dyn Future<Output = T> + Send>>),
}

impl<T> Answer<T> {
    /// The answer, waiting for it if it has to travel.
    pub async fn get(self) -> T {
        match self {
            Self::Now(answer) => answer,
            Self::Later(answer) => answer.await,
        }
    }
}

/// A place in the order in which claims are handed to the ledger; `Place::DURABLE` is on disk already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place(pub u64);

impl Place {
    /// Rests on nothing that is not on disk.
    pub const DURABLE: Self = Self(0);
}

/// One person's request for units, all or nothing. Its arrival is the moment Stock takes it in.
#[derive(Clone, Copy, Debug)]
pub struct ClaimAsk<'a> {
    /// The activity.
    pub activity: ActivityNo,
    /// What is wanted: each type at most once, `BASKET_UNITS_MAX` units at most, at least one.
    pub items: &'a [Item],
    /// Who asks.
    pub user: UserNo,
    /// A payment that came too late for its own order asks for its units again: see `rules::Facts`.
    pub late: bool,
    /// The key that makes a repetition recognisable.
    pub key: Option<KeyHash>,
    /// The moment of arrival, from the one clock. Where the activity has decided at a later one already, that one
    /// counts: time goes back neither for who waited on the way here nor over a load.
    pub now: TimeMs,
}

/// What Stock decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Units were set aside: the first line of the order. They are theirs once the order is durable.
    Accepted(Recorded),
    /// The key was known: the first line of its order, decided earlier, as it stands now. Nothing changed.
    Known(Recorded),
    /// The rules said no.
    Refused {
        /// Which rule.
        refusal: Refusal,
        /// The no is final only once this place is durable (C32).
        grounds: Place,
        /// With `LimitReached`: the user's live lines in this activity, oldest first. Otherwise empty.
        had: Vec<Recorded>,
        /// With `HeldByOthers`: the earliest deadline of an unpaid order that holds units of what is lacking.
        retry_at: Option<TimeMs>,
    },
}

/// A line of an order as it was found in Stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The line.
    pub claim: Claim,
    /// `Place::DURABLE`, or where the last line of its order stands.
    pub place: Place,
    /// How the order stands.
    pub state: OrderState,
    /// While it is held: until when it is to be paid.
    pub pay_by: Option<TimeMs>,
}

/// An unpaid order whose deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The order.
    pub order: OrderNo,
    /// Its deadline.
    pub pay_by: TimeMs,
}

/// Somebody's place in a waiting list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InLine {
    /// By which event they joined.
    pub join: JoinNo,
    /// People before them.
    pub ahead: u32,
}

/// The world failed, or Stock has to say "later". Nothing happened, in every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockFault {
    /// Not loaded, frozen while the ledger recovers, or the no would rest on a take-back that is not written yet.
    Frozen,
    /// Too many claims wait for the ledger; the newest is turned away (C12).
    Full,
    /// The activity or the type is not loaded.
    Unknown,
}

/// What a load found that contradicts the rules: the ledger is damaged or was written by a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// A claim of an activity or type that does not exist, or of a unit that was never made.
    Stranger(Claim),
    /// Two live claims of one unit.
    UnitTwice(Claim),
    /// Two live lines of one user with the same ordinal, or one that nothing explains.
    OrdinalTwice(Claim),
    /// A line whose order is not whole, or whose lines contradict each other.
    Torn(Claim),
    /// An event about an order that is not there, or a step that is not possible in its state.
    Step(OrderNo),
    /// Two claims of one user and activity with the same key.
    KeyTwice(Claim),
    /// Claims did not come in the order of their sequence numbers, 1, 2, 3, …
    SeqGap(Claim),
    /// An event's units do not follow the last unit made, or name units that are not free.
    Units(ActivityNo, TypeNo),
}

/// An activity as the ledger knows it, before its claims.
#[derive(Clone, Debug)]
pub struct ActivitySetup {
    /// Its number.
    pub no: ActivityNo,
    /// Its definition.
    pub activity: Activity,
    /// The last event already contained in this setup.
    pub through: EventNo,
    /// Closed for good.
    pub closed: bool,
    /// Paused.
    pub paused: bool,
    /// One for each type of the definition, in its order.
    pub types: Vec<TypeSetup>,
    /// Who may claim, where `activity.has_roster`; otherwise empty. In any order.
    pub roster: Vec<UserNo>,
    /// Who joined a waiting list and has not left it, in the order of joining. Those who were offered a unit since
    /// are in it too: the claims that are loaded next say so (`Claim::offer`).
    pub line: Vec<(JoinNo, TypeNo, UserNo)>,
}

/// The units of one ticket type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeSetup {
    /// Units ever made: their numbers are `0..made`.
    pub made: u32,
    /// Units taken back since: ranges without overlap, in any order.
    pub void: Vec<Range<u32>>,
}

/// What lists show of an activity, read under one lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// All types together.
    pub supply: Supply,
    /// Closed for good.
    pub closed: bool,
    /// Paused.
    pub paused: bool,
}

/// Counts of one ticket type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypeCounts {
    /// The units.
    pub supply: Supply,
    /// Of those held, units that unpaid orders hold: they come back if nobody pays.
    pub unpaid: u32,
    /// People in the waiting list.
    pub waiting: u32,
}

/// Counts of one activity, all read under one lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityCounts {
    /// For each type, in order.
    pub types: Vec<TypeCounts>,
    /// Closed for good.
    pub closed: bool,
    /// Paused.
    pub paused: bool,
    /// People who tried, won or not.
    pub participants: u32,
    /// People by outcome: the first refusal other than `NotStarted` of those who have won nothing.
    pub refused: Vec<(Refusal, u32)>,
    /// Accepted in the last ten full seconds.
    pub accepted_in_10_s: u32,
    /// Claims ever accepted: the highest seq, so those withdrawn later are in it. It falls only where a load gave up
    /// claims that were not durable.
    pub accepted: u64,
    /// Refusals decided, each answer anew. A load keeps them, but they are of this process only and on no disk:
    /// a pace can be made of them, and no books.
    pub refusals: u64,
    /// When the last free unit went; `None` while one is free.
    pub sold_out_at: Option<TimeMs>,
}

impl ActivityCounts {
    /// All types together.
    pub fn supply(&self) -> Supply {
        self.types.iter().map(|one| one.supply).fold(Supply::default(), Supply::plus)
    }
}

/// Decides claims and keeps the counts. Calls never block longer than a lock held for microseconds.
///
/// Invariants, for every type, at every instant, after every call:
/// S1 total = available + held + sold. S2 a unit is free, void or in exactly one live claim.
/// S3 the ordinals of a user's live lines are distinct, and a new line gets the lowest that is not in use: 1..n without
/// gaps for whoever gave nothing back. S4 the pending queue holds an activity's claims in the order of their seq, the
/// lines of an order together. S8 while claims are taken, no unit is free that somebody waits in line for, unless the
/// rules refuse it to everybody who waits or the queue before the ledger is full.
pub trait Stock: Send + Sync {
    /// Decides one claim; idempotent by its key.
    fn claim(&self, ask: &ClaimAsk) -> Answer<Result<Decision, StockFault>>;

    /// Moves every pending claim into `into`, in order, and returns the place of the last one
    /// (`Place::DURABLE` if there was none). Blocks until there is one, at most `wait_ms`.
    fn take_pending(&self, into: &mut Vec<Claim>, wait_ms: u32) -> Place;

    /// The ledger has these claims: everything up to and including `through`. What is free counts as sold; what costs
    /// something stays held until an event says that it was paid.
    fn confirm(&self, claims: &[Claim], through: Place);

    /// The ledger does not have this order and never will: its units, ordinals and key are free again. `claim` is its
    /// first line. Only the newest order of its user may be withdrawn; returns whether it was there.
    fn withdraw(&self, claim: &Claim) -> bool;

    /// Takes up to `most` changes of people's parts that are to be recorded, oldest first.
    fn take_parts(&self, into: &mut Vec<Part>, most: usize);

    /// Applies an event of the ledger; once for each number. Units that come back go to those who wait in line, as
    /// claims in the queue of `take_pending`, before anybody else can ask for them.
    fn apply(&self, event: &Event) -> Result<(), Conflict>;

    /// Sets `count` free units of a plain type aside to be voided, highest first; fewer free: `Err(free)`.
    /// The total shrinks at once. `apply` of the event ends it; `undo_take_back` if it was not written.
    fn take_back(
        &self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        count: u32,
    ) -> Result<Box<[Range<u32>]>, u32>;

    /// Puts units that `take_back` set aside back on sale; those a load has put back already stay.
    fn undo_take_back(&self, activity: ActivityNo, ticket_type: TypeNo, units: &[Range<u32>]);

    /// Adds one activity to what is loaded (after an import).
    fn open(&self, setup: &ActivitySetup) -> Result<(), Conflict>;

    /// No claim is accepted any more; refusals that rest on durable claims still are, and their parts are queued.
    /// Ends with a load.
    fn freeze(&self);

    /// Begins to load everything anew under `epoch`; the old state serves until `Load::finish`.
    fn load(&self, epoch: Epoch) -> Box<dyn Load + '_>;

    /// A number that grows before anybody is told of a change to any activity's [`Summary`]: while it stays the
    /// same, summaries read after it do too. A stock that cannot know gives another number each time.
    fn changes(&self) -> u64;

    /// What lists show of one activity.
    fn summary(&self, activity: ActivityNo) -> Option<Summary>;

    /// The counts of one activity; `now` ends the span of `accepted_in_10_s`.
    fn counts(&self, activity: ActivityNo, now: TimeMs) -> Option<ActivityCounts>;

    /// Unpaid orders whose deadline is `by` or earlier, durable ones only, at most `most`; earliest first within
    /// an activity. Units that returned while the queue was full are offered now.
    fn due(&self, by: TimeMs, into: &mut Vec<Due>, most: usize);

    /// Whether any durable order is unpaid.
    fn any_unpaid(&self) -> bool;

    /// The lines of an order, first to last; empty: there is none.
    fn order(&self, order: OrderNo) -> Vec<Recorded>;

    /// Somebody's place in the line for a type; `None`: they do not wait, or have been offered a unit.
    fn in_line(&self, activity: ActivityNo, ticket_type: TypeNo, user: UserNo) -> Option<InLine>;

    /// Whether the rules would let this person line up now: `Ok`, or what a claim would be refused by other than
    /// that nothing is free; `Err(None)`: a unit is free, or nobody may line up for this.
    fn may_line_up(
        &self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        user: UserNo,
        now: TimeMs,
    ) -> Result<(), Option<Refusal>>;

    /// A user's lines in an activity, newest first, whatever became of their orders: those before `before`, at most
    /// `most`, which is `LINES_READ_MAX` at most. Going on before the last line of the page before costs no search.
    fn claims_of(
        &self,
        activity: ActivityNo,
        user: UserNo,
        before: Option<Seq>,
        most: usize,
    ) -> Vec<Recorded>;

    /// A user's live lines in an activity, oldest first.
    fn live_of(&self, activity: ActivityNo, user: UserNo) -> Vec<Recorded>;

    /// The newest line of a type that was offered to a user out of the waiting list and is theirs: to be paid, or free.
    fn offer_of(&self, activity: ActivityNo, ticket_type: TypeNo, user: UserNo)
    -> Option<Recorded>;

    /// What a user's claim with this key became: the first line of its order.
    fn known(&self, activity: ActivityNo, user: UserNo, key: KeyHash) -> Option<Recorded>;

    /// The claim at a place in an activity's order of decisions.
    fn claim_at(&self, activity: ActivityNo, seq: Seq) -> Option<Recorded>;

    /// Whether the user has tried for something in this activity, won or not.
    fn joined(&self, activity: ActivityNo, user: UserNo) -> bool;

    /// Claims decided and not yet confirmed.
    fn pending(&self) -> u64;
}

/// A load in progress. Dropped without `finish`, nothing has changed.
pub trait Load {
    /// Adds an activity; its claims and parts follow.
    fn activity(&mut self, setup: ActivitySetup) -> Result<(), Conflict>;
    /// Adds a durable line of the activity added last, in the order of seq, with the state of its order and, while it
    /// is held, until when it is to be paid.
    fn claim(
        &mut self,
        claim: Claim,
        state: OrderState,
        pay_by: Option<TimeMs>,
    ) -> Result<(), Conflict>;
    /// Adds a recorded part of the activity added last.
    fn part(&mut self, part: &Part);
    /// The moment of the load, if the caller knows one: what `finish` offers is decided no earlier, and so has its
    /// whole time to be paid. A stock that knows no moment offers with the first claim or event instead.
    fn at(&mut self, now: TimeMs);
    /// Puts what was loaded in the place of what was there. Claims that wait for the ledger are given up;
    /// parts that wait stay queued. Units that are free go to those who wait in line.
    fn finish(self: Box<Self>);
}
