//! The one place that says no: a claim's facts against the rules, in a fixed order of precedence.
//! It decides and never changes anything; whoever keeps the stock acts on what it returns.

use crate::{
    ActivityState, Moment, Refusal, TimeMs, Window,
    limits::{ENDED_LINES_MAX, LIMIT_PER_USER_MAX},
};

/// What is known when a claim arrives. Counts are of units, pending ones included.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The moment of arrival.
    pub now: TimeMs,
    /// The window of the type: its own, else the activity's.
    pub window: Window,
    /// Closed for good by the operator.
    pub closed: bool,
    /// Paused by the operator.
    pub paused: bool,
    /// On the roster, or there is none.
    pub eligible: bool,
    /// Asked for because its payment came late: the window, a pause and what ended before are not asked, but whoever
    /// waits comes first.
    pub late: bool,
    /// Units of the type that are wanted, at least 1.
    pub want_in_type: u32,
    /// Units of the activity that are wanted, all types together.
    pub want_in_activity: u32,
    /// Units of the type the user has.
    pub had_in_type: u32,
    /// Units of the type a user may have.
    pub limit_in_type: u32,
    /// Units of the activity the user has.
    pub had_in_activity: u32,
    /// Units of the activity a user may have; none set: `LIMIT_PER_USER_MAX`.
    pub limit_in_activity: Option<u32>,
    /// Units of the activity that the user had in orders that were cancelled or expired: others may have them again, but
    /// what was is kept for ever.
    pub ended: u32,
    /// Free units of the type.
    pub free: u32,
    /// People who wait in line for the type.
    pub waiting: u32,
    /// Units of the type that unpaid orders hold.
    pub unpaid: u32,
}

impl Facts {
    /// Units of the type that this claim may take. While a line stands still, in a pause or before its window, a late
    /// payment comes behind those who wait in it; others are refused then, and at any other time whoever waits and may
    /// have a unit has been offered it before.
    pub fn free_to_it(&self) -> u32 {
        let stands_still = match self.window.at(self.now) {
            Moment::Before => true,
            Moment::Within => self.paused,
            // Nobody is offered anything any more.
            Moment::After => false,
        };
        let theirs = if self.late && stands_still { self.waiting } else { 0 };
        self.free.saturating_sub(theirs)
    }
}

/// Whether the claim is granted. The order of the questions is part of the contract:
/// ended, paused, not started, not eligible, limit reached, held by others, sold out.
pub fn judge(facts: &Facts) -> Result<(), Refusal> {
    let moment = if facts.late { Moment::Within } else { facts.window.at(facts.now) };
    if facts.closed || moment == Moment::After {
        return Err(Refusal::Ended);
    }
    if facts.paused && !facts.late {
        return Err(Refusal::Paused);
    }
    if moment == Moment::Before {
        return Err(Refusal::NotStarted);
    }
    if !facts.eligible {
        return Err(Refusal::NotEligible);
    }
    let beyond =
        |had: u32, want: u32, most: u32| u64::from(had) + u64::from(want) > u64::from(most);
    let type_full = beyond(facts.had_in_type, facts.want_in_type, facts.limit_in_type);
    let most = facts.limit_in_activity.unwrap_or(LIMIT_PER_USER_MAX);
    let activity_full = beyond(facts.had_in_activity, facts.want_in_activity, most);
    let gave_back_too_much = facts.ended >= ENDED_LINES_MAX && !facts.late;
    if type_full || activity_full || gave_back_too_much {
        return Err(Refusal::LimitReached);
    }
    if facts.free_to_it() < facts.want_in_type {
        let may_return = facts.unpaid > 0;
        return Err(if may_return { Refusal::HeldByOthers } else { Refusal::SoldOut });
    }
    Ok(())
}

/// An activity's units over all its types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Supply {
    /// Every unit on sale: `available + held + sold`.
    pub total: u32,
    /// Free to claim.
    pub available: u32,
    /// Decided, not durable yet (with prices: unpaid too).
    pub held: u32,
    /// Durable and paid.
    pub sold: u32,
}

impl Supply {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            total: self.total + other.total,
            available: self.available + other.available,
            held: self.held + other.held,
            sold: self.sold + other.sold,
        }
    }

    /// Whether promise 1 holds: stock = available + held + sold.
    pub fn balances(self) -> bool {
        let parts = u64::from(self.available) + u64::from(self.held) + u64::from(self.sold);
        u64::from(self.total) == parts
    }
}

/// How an activity stands for those who look at it.
pub fn standing(
    now: TimeMs,
    window: Window,
    closed: bool,
    paused: bool,
    supply: Supply,
) -> ActivityState {
    let moment = window.at(now);
    if closed || moment == Moment::After {
        ActivityState::Ended
    } else if paused {
        ActivityState::Paused
    } else if moment == Moment::Before {
        ActivityState::Upcoming
    } else if supply.available == 0 && supply.held == 0 {
        ActivityState::SoldOut
    } else {
        ActivityState::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(now: u64) -> Facts {
        Facts {
            now: TimeMs(now),
            window: Window::new(TimeMs(1000), TimeMs(2000)).unwrap(),
            closed: false,
            paused: false,
            eligible: true,
            late: false,
            want_in_type: 1,
            want_in_activity: 1,
            had_in_type: 0,
            limit_in_type: 1,
            had_in_activity: 0,
            limit_in_activity: None,
            ended: 0,
            free: 1,
            waiting: 0,
            unpaid: 0,
        }
    }

    type Change = fn(&mut Facts);

    /// Judges each row: the moment, what is other than in the plainest case, and the answer.
    #[track_caller]
    fn decides(table: &[(u64, Change, Result<(), Refusal>)]) {
        for (row, (now, change, expected)) in table.iter().enumerate() {
            let mut facts = facts(*now);
            change(&mut facts);
            assert_eq!(judge(&facts), *expected, "row {row}");
        }
    }

    /// Every refusal at least once, with time as a column; each row breaks one more rule than the last.
    #[test]
    fn refusals_come_in_their_order_of_precedence() {
        let table: [(u64, Change, Result<(), Refusal>); 23] = [
            (1000, |_| {}, Ok(())),
            (1999, |_| {}, Ok(())),
            (999, |_| {}, Err(Refusal::NotStarted)),
            (2000, |_| {}, Err(Refusal::Ended)),
            (1000, |f| f.free = 0, Err(Refusal::SoldOut)),
            (1000, |f| (f.free, f.had_in_type) = (0, 1), Err(Refusal::LimitReached)),
            (
                1000,
                |f| (f.had_in_activity, f.limit_in_activity) = (2, Some(2)),
                Err(Refusal::LimitReached),
            ),
            (1000, |f| (f.had_in_activity, f.limit_in_activity) = (1, Some(2)), Ok(())),
            (1000, |f| (f.had_in_type, f.eligible) = (1, false), Err(Refusal::NotEligible)),
            (999, |f| f.eligible = false, Err(Refusal::NotStarted)),
            (999, |f| f.paused = true, Err(Refusal::Paused)),
            (1000, |f| f.paused = true, Err(Refusal::Paused)),
            (1000, |f| (f.paused, f.closed) = (true, true), Err(Refusal::Ended)),
            (2000, |f| f.paused = true, Err(Refusal::Ended)),
            (1000, |f| (f.free, f.unpaid) = (0, 1), Err(Refusal::HeldByOthers)),
            (1000, |f| (f.free, f.want_in_type) = (2, 3), Err(Refusal::LimitReached)),
            (
                1000,
                |f| (f.free, f.want_in_type, f.limit_in_type) = (2, 3, 3),
                Err(Refusal::SoldOut),
            ),
            (1000, |f| (f.free, f.want_in_type, f.limit_in_type) = (3, 3, 3), Ok(())),
            (
                1000,
                |f| (f.want_in_activity, f.limit_in_activity) = (3, Some(2)),
                Err(Refusal::LimitReached),
            ),
            (2000, |f| f.late = true, Ok(())),
            (1000, |f| (f.late, f.paused) = (true, true), Ok(())),
            (1000, |f| (f.late, f.closed) = (true, true), Err(Refusal::Ended)),
            (1000, |f| (f.late, f.free) = (true, 0), Err(Refusal::SoldOut)),
        ];
        decides(&table);
    }

    /// What ended, what no limit bounds, and late payments: they come behind those in line.
    #[test]
    fn bounds_and_late_payments_are_judged_by_all_that_is_known() {
        let table: [(u64, Change, Result<(), Refusal>); 15] = [
            // What ended is bounded, also where no limit would be reached; a late payment is no new attempt.
            (1000, |f| f.ended = 999, Ok(())),
            (1000, |f| f.ended = 1000, Err(Refusal::LimitReached)),
            (1000, |f| (f.ended, f.free) = (1000, 0), Err(Refusal::LimitReached)),
            (1000, |f| (f.ended, f.late) = (1000, true), Ok(())),
            // Without a limit of the activity there is still the greatest.
            (1000, |f| (f.had_in_activity, f.limit_in_type) = (9_999, 10_000), Ok(())),
            (1000, |f| f.had_in_activity = 10_000, Err(Refusal::LimitReached)),
            (1000, |f| (f.had_in_activity, f.late) = (10_000, true), Err(Refusal::LimitReached)),
            // A late payment comes behind a line that stands still, and before one that is over.
            (1000, |f| (f.late, f.free, f.waiting) = (true, 1, 1), Ok(())),
            (1000, |f| (f.late, f.paused, f.free, f.waiting) = (true, true, 2, 1), Ok(())),
            (
                1000,
                |f| (f.late, f.paused, f.free, f.waiting) = (true, true, 1, 1),
                Err(Refusal::SoldOut),
            ),
            (
                1000,
                |f| (f.late, f.paused, f.waiting, f.unpaid) = (true, true, 9, 1),
                Err(Refusal::HeldByOthers),
            ),
            (999, |f| (f.late, f.waiting) = (true, 1), Err(Refusal::SoldOut)),
            (2000, |f| (f.late, f.waiting) = (true, 1), Ok(())),
            (2000, |f| (f.late, f.paused, f.waiting) = (true, true, 1), Ok(())),
            (1000, |f| f.waiting = 1, Ok(())),
        ];
        decides(&table);
    }

    #[test]
    fn an_activity_is_sold_out_only_when_nothing_is_held() {
        let window = Window::new(TimeMs(1000), TimeMs(2000)).unwrap();
        let supply =
            |available, held| Supply { total: 2, available, held, sold: 2 - available - held };
        let table = [
            (999, false, false, supply(2, 0), ActivityState::Upcoming),
            (1000, false, false, supply(1, 0), ActivityState::Open),
            (1000, false, false, supply(0, 1), ActivityState::Open),
            (1000, false, false, supply(0, 0), ActivityState::SoldOut),
            (1000, false, true, supply(0, 0), ActivityState::Paused),
            (1000, true, true, supply(1, 0), ActivityState::Ended),
            (2000, false, false, supply(1, 0), ActivityState::Ended),
        ];
        for (now, closed, paused, supply, expected) in table {
            assert_eq!(standing(TimeMs(now), window, closed, paused, supply), expected, "at {now}");
        }
    }
}
