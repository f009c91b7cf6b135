//! Claims: written in batches, read back in order, exported as orders and participants.
//! Nothing that was acknowledged is ever changed or removed by a call of this contract.

use super::{LedgerFault, OrderMark};
use rules::{ActivityNo, Claim, Epoch, Part, Refusal, Seq, TimeMs, TypeNo, UnitNo};

/// What became of one claim of a batch. One bad claim never fails the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// On disk now.
    Written,
    /// This claim, or another of the same user, activity and key, was on disk before.
    Already(Claim),
    /// The unit belongs to another live claim.
    UnitTaken,
    /// The user has a claim with this ordinal already.
    OrdinalTaken,
    /// The claim was declared never written; it can no longer be.
    Tombstoned,
    /// Decided under an ownership that has ended; nothing of the batch was written.
    StaleEpoch,
}

/// When an implementation finds two claims that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detection {
    /// Many deciders: constraints say so at commit.
    AtCommit,
    /// One owner, whose stock is the judge: rows are appended, and an audit says so.
    AtAudit,
}

/// The last word on a claim the caller cannot find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was written.
    Written(Claim),
    /// It was not and never will be: its epoch has ended (one owner), or it is tombstoned now (many).
    Never,
    /// Its epoch is still running, and it may be on its way.
    Open,
}

/// A contradiction that an audit found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Two lines of one unit that both have it: live ones, and for codes those of orders whose code was shown.
    UnitTwice(ActivityNo, TypeNo, UnitNo),
    /// Two live lines of one user with the same ordinal, in the type or in the activity.
    OrdinalTwice(ActivityNo, Seq),
    /// Two claims of one user and activity with the same key.
    KeyTwice(ActivityNo, Seq),
    /// The activity's sequence is not 1, 2, 3, … up to the number of claims ever acknowledged, or a line does not
    /// continue the order it is in.
    SeqGap(ActivityNo, Seq),
    /// Two claims made for one place in a waiting line.
    OfferTwice(ActivityNo, Seq),
    /// The events of an order do not lead to the state it is in, or tell of an order that is not there.
    StepImpossible(ActivityNo, Seq),
}

/// One exported order. Texts are borrowed from the row being read.
#[derive(Clone, Debug)]
pub struct OrderRow<'a> {
    /// The line.
    pub claim: Claim,
    /// How its order stands, and since when.
    pub mark: OrderMark,
    /// Whose it is.
    pub user: &'a str,
    /// As the roster or the import gave it; may be empty.
    pub display_name: &'a str,
    /// As the roster gave it; may be empty.
    pub department: &'a str,
    /// The code of the unit, for types with codes.
    pub code: Option<&'a str>,
}

/// One exported participant.
#[derive(Clone, Debug)]
pub struct ParticipantRow<'a> {
    /// The name.
    pub user: &'a str,
    /// As the roster or the import gave it; may be empty.
    pub display_name: &'a str,
    /// As the roster gave it; may be empty.
    pub department: &'a str,
    /// When first seen.
    pub first_seen: TimeMs,
    /// The first refusal other than `NotStarted`; meaningless where `won`.
    pub refusal: Option<Refusal>,
    /// The number of the user's first accepted claim, if there is one: then the outcome is "won".
    pub won: Option<rules::ClaimNo>,
}

/// Claims and people's parts.
pub trait ClaimLedger: Send + Sync {
    /// Takes ownership: raises the epoch, durably, and returns it. Earlier owners can commit no more.
    fn own(&self) -> Result<Epoch, LedgerFault>;

    /// After `LedgerFault::Unknown`: gives up what was in doubt, reads what is really on disk, takes ownership anew.
    fn recover(&self) -> Result<Epoch, LedgerFault>;

    /// Whether an earlier fault left it unknown what is on disk: nothing is written until `recover`.
    fn in_doubt(&self) -> bool;

    /// Writes a batch, in order, durably, and fills `answers` with one answer for each claim.
    /// An activity's claims come in the order of their seq, continuing what is written; the lines of an order come
    /// together, and none of them is written without the others.
    fn commit(
        &self,
        epoch: Epoch,
        claims: &[Claim],
        answers: &mut Vec<Written>,
    ) -> Result<(), LedgerFault>;

    /// When contradictions are found.
    fn detection(&self) -> Detection;

    /// Looks for contradictions over everything written; empty if there is none.
    fn audit(&self) -> Result<Vec<Finding>, LedgerFault>;

    /// The last word on a claim.
    fn settle(&self, activity: ActivityNo, epoch: Epoch, seq: Seq) -> Result<Settled, LedgerFault>;

    /// Records changes of people's parts: the earliest `seen_at` and the first refusal stay.
    fn record_parts(&self, epoch: Epoch, parts: &[Part]) -> Result<(), LedgerFault>;

    /// Visits an activity's lines in the order of seq, each with how its order stands.
    fn claims(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(Claim, OrderMark),
    ) -> Result<(), LedgerFault>;

    /// Visits an activity's recorded parts, in any order.
    fn parts(&self, activity: ActivityNo, visit: &mut dyn FnMut(Part)) -> Result<(), LedgerFault>;

    /// The newest line that has this unit, live or not.
    fn claim_of_unit(
        &self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        unit: UnitNo,
    ) -> Result<Option<Claim>, LedgerFault>;

    /// Visits an activity's orders in the order of seq until `visit` returns false.
    fn orders(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(&OrderRow<'_>) -> bool,
    ) -> Result<(), LedgerFault>;

    /// Visits everyone who has a claim or a recorded part, by user number, until `visit` returns false.
    fn participants(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(&ParticipantRow<'_>) -> bool,
    ) -> Result<(), LedgerFault>;
}
