//! Looks through every claim and every order on disk for what must never be there, one activity at a time.
//! It shares nothing with the code that writes them, so that it cannot share its mistakes.
//!
//! Sorting in memory finds in a second what grouping in SQL takes ten for; it takes about 80 bytes for each
//! claim of the largest activity, and gives them back.

use super::fault::Fail;
use crate::contract::Finding;
use rules::{ActivityNo, OrderState, OrderStep, Seq, TypeNo, UnitNo};
use rusqlite::{Connection, Row, Transaction, TransactionBehavior};
use std::collections::{BTreeMap, BTreeSet};

/// Each activity that has claims, orders or a tally, and how many claims were ever acknowledged.
const ACTIVITIES: &str = "
    WITH RECURSIVE claimed (activity) AS (
        SELECT min(place) >> 32 FROM claims
        UNION ALL
        SELECT (SELECT min(place) >> 32 FROM claims WHERE place > (activity << 32 | 0xffffffff))
        FROM claimed WHERE activity IS NOT NULL)
    SELECT activity, coalesce((SELECT claims FROM tallies WHERE activity = found.activity), 0)
    FROM (SELECT activity FROM claimed WHERE activity IS NOT NULL
          UNION SELECT activity FROM tallies
          UNION SELECT place >> 32 FROM orders
          UNION SELECT activity FROM events WHERE kind = 7) AS found
    ORDER BY activity";

const CLAIMS: &str = "
    SELECT place & 0xffffffff, ticket_type, unit, user_no, ordinal_in_type, ordinal_in_activity, key,
        line, lines, state, offer
    FROM claims WHERE place BETWEEN (?1 << 32) AND (?1 << 32 | 0xffffffff) ORDER BY place";

const ORDERS: &str = "
    SELECT place & 0xffffffff, state FROM orders
    WHERE place BETWEEN (?1 << 32) AND (?1 << 32 | 0xffffffff) ORDER BY place";

/// The steps of all orders, in the order in which they were taken: `events` has no index of activities.
const STEPS: &str = "SELECT activity, order_seq, step FROM events WHERE kind = 7 ORDER BY no";

/// The types of an activity whose units carry codes.
const CODED: &str = "SELECT no FROM ticket_types WHERE activity = ? AND unit_kind = 2";

/// Of an activity: order and step, in the order in which they were taken.
type Steps = Vec<(u32, u8)>;

/// Every contradiction, from one state of the ledger.
pub(super) fn find(connection: &Connection) -> Result<Vec<Finding>, Fail> {
    let reading = Transaction::new_unchecked(connection, TransactionBehavior::Deferred)?;
    let steps = read_steps(&reading)?;
    let mut findings = Vec::new();
    let mut statement = reading.prepare(ACTIVITIES)?;
    let mut activities = statement.query([])?;
    while let Some(row) = activities.next()? {
        let activity = ActivityNo(row.get(0)?);
        let mut seen = Seen::default();
        let mut fates = read_orders(&reading, activity)?;
        let coded = read_coded(&reading, activity)?;
        read(&reading, activity, &mut fates, &coded, &mut seen)?;
        seen.judge(activity, row.get(1)?, &mut findings);
        let steps = steps.get(&activity.0).map_or(&[][..], Vec::as_slice);
        let wrong = wrong_steps(fates, steps);
        findings.extend(wrong.into_iter().map(|seq| Finding::StepImpossible(activity, Seq(seq))));
    }
    Ok(findings)
}

fn read_steps(connection: &Connection) -> Result<BTreeMap<u32, Steps>, Fail> {
    let mut statement = connection.prepare(STEPS)?;
    let mut rows = statement.query([])?;
    let mut steps: BTreeMap<u32, Steps> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        steps.entry(row.get(0)?).or_default().push((row.get(1)?, row.get(2)?));
    }
    Ok(steps)
}

/// An order with a row: how it began, by its first line, and how it stands.
struct Fate {
    began: Option<OrderState>,
    stands: Option<OrderState>,
}

/// By the seq of the first line.
type Fates = BTreeMap<u32, Fate>;

fn read_orders(connection: &Connection, activity: ActivityNo) -> Result<Fates, Fail> {
    let mut statement = connection.prepare_cached(ORDERS)?;
    let fates = statement.query_map([activity.0], |row| {
        let stands = OrderState::from_number(row.get(1)?);
        Ok((row.get(0)?, Fate { began: None, stands }))
    })?;
    Ok(fates.collect::<Result<_, _>>()?)
}

fn read_coded(connection: &Connection, activity: ActivityNo) -> Result<BTreeSet<u16>, Fail> {
    let mut statement = connection.prepare_cached(CODED)?;
    let coded = statement.query_map([activity.0], |row| row.get(0))?;
    Ok(coded.collect::<Result<_, _>>()?)
}

/// What is compared across the claims of one activity.
#[derive(Default)]
struct Seen {
    /// In the order of the table, which is the order of seq.
    seqs: Vec<u32>,
    /// Type, unit; of those lines that have theirs.
    units: Vec<(u16, u32)>,
    /// User, type or `IN_ACTIVITY`, ordinal, seq; of live lines.
    ordinals: Vec<(u32, u16, u32, u32)>,
    /// User, key, seq.
    keys: Vec<(u32, [u8; 16], u32)>,
    /// Place in a line, seq.
    offers: Vec<(i64, u32)>,
    /// Lines that do not continue the order they stand in.
    torn: Vec<u32>,
    /// The line that was read last.
    last: Option<Line>,
}

/// A line as far as the next one has to continue it.
#[derive(Clone, Copy)]
struct Line {
    seq: u32,
    line: u32,
    lines: u32,
    user: u32,
    state: i64,
}

impl Line {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (seq, user) = (row.get(0)?, row.get(3)?);
        Ok(Self { seq, line: row.get(7)?, lines: row.get(8)?, user, state: row.get(9)? })
    }

    /// The line before it in the table fits. What a gap left out is a finding of its own.
    fn continues(self, before: Option<Self>) -> bool {
        let before = before.filter(|before| before.seq + 1 == self.seq);
        match before {
            Some(before) if before.line + 1 < before.lines => {
                let expected = (before.line + 1, before.lines, before.user, before.state);
                (self.line, self.lines, self.user, self.state) == expected
            }
            Some(_) => self.line == 0,
            None => self.seq > 1 || self.line == 0,
        }
    }

    /// How its order began; `None`: nothing that this program writes.
    const fn began(self) -> Option<OrderState> {
        match self.state {
            1 => Some(OrderState::Paid),
            2 => Some(OrderState::Held),
            _ => None,
        }
    }
}

/// Stands where an ordinal's type stands for ordinals of the whole activity; no type has this number.
const IN_ACTIVITY: u16 = u16::MAX;
const _: () = assert!(rules::TYPES_MAX < IN_ACTIVITY);

fn read(
    connection: &Connection,
    activity: ActivityNo,
    fates: &mut Fates,
    coded: &BTreeSet<u16>,
    seen: &mut Seen,
) -> Result<(), Fail> {
    let mut statement = connection.prepare_cached(CLAIMS)?;
    let mut rows = statement.query([activity.0])?;
    while let Some(row) = rows.next()? {
        let line = Line::read(row)?;
        let fate = line.seq.checked_sub(line.line).and_then(|order| fates.get_mut(&order));
        let state = match fate {
            Some(fate) => {
                fate.began = fate.began.or(line.began());
                fate.stands
            }
            None => line.began(),
        };
        let live = matches!(state, Some(OrderState::Held | OrderState::Paid));
        // A code that was shown stays with whom it was shown to, whatever became of the money.
        let shown = matches!(state, Some(OrderState::RefundDue | OrderState::Refunded));
        seen.line(row, line, live, live || (shown && coded.contains(&row.get(1)?)))?;
    }
    Ok(())
}

impl Seen {
    fn line(
        &mut self,
        row: &Row<'_>,
        line: Line,
        live: bool,
        has_unit: bool,
    ) -> rusqlite::Result<()> {
        let Line { seq, user, .. } = line;
        let ticket_type = row.get(1)?;
        self.seqs.push(seq);
        if !line.continues(self.last.replace(line)) {
            self.torn.push(seq);
        }
        if has_unit {
            self.units.push((ticket_type, row.get(2)?));
        }
        if live {
            self.ordinals.push((user, ticket_type, row.get(4)?, seq));
            self.ordinals.push((user, IN_ACTIVITY, row.get(5)?, seq));
        }
        if let Some(key) = row.get(6)? {
            self.keys.push((user, key, seq));
        }
        if let Some(join) = row.get(10)? {
            self.offers.push((join, seq));
        }
        Ok(())
    }

    fn judge(mut self, activity: ActivityNo, acknowledged: u32, findings: &mut Vec<Finding>) {
        self.units.sort_unstable();
        let units: BTreeSet<_> = repeated(&self.units, |a, b| a == b).collect();
        let unit =
            |(ticket_type, unit)| Finding::UnitTwice(activity, TypeNo(ticket_type), UnitNo(unit));
        findings.extend(units.into_iter().map(unit));

        self.ordinals.sort_unstable();
        let same =
            |a: &(u32, u16, u32, u32), b: &(u32, u16, u32, u32)| (a.0, a.1, a.2) == (b.0, b.1, b.2);
        // A claim that repeats an ordinal both in its type and in its activity is one finding.
        let seqs: BTreeSet<_> = repeated(&self.ordinals, same).map(|later| later.3).collect();
        findings.extend(seqs.into_iter().map(|seq| Finding::OrdinalTwice(activity, Seq(seq))));

        self.keys.sort_unstable();
        let same = |a: &(u32, [u8; 16], u32), b: &(u32, [u8; 16], u32)| (a.0, a.1) == (b.0, b.1);
        let keys = repeated(&self.keys, same);
        findings.extend(keys.map(|later| Finding::KeyTwice(activity, Seq(later.2))));

        self.offers.sort_unstable();
        let offers = repeated(&self.offers, |a, b| a.0 == b.0);
        findings.extend(offers.map(|later| Finding::OfferTwice(activity, Seq(later.1))));

        let mut gaps: BTreeSet<u32> = gaps(&self.seqs, acknowledged).into_iter().collect();
        gaps.extend(self.torn);
        // The last order of all has nothing behind it that would show what it lacks.
        gaps.extend(self.last.filter(|last| last.line + 1 < last.lines).map(|last| last.seq + 1));
        findings.extend(gaps.into_iter().map(|seq| Finding::SeqGap(activity, Seq(seq))));
    }
}

/// Everything in a sorted list that repeats what stands before it.
fn repeated<T: Copy>(sorted: &[T], same: impl Fn(&T, &T) -> bool) -> impl Iterator<Item = T> {
    sorted.windows(2).filter(move |pair| same(&pair[0], &pair[1])).map(|pair| pair[1])
}

/// The orders whose steps do not lead from how they began to how they stand.
fn wrong_steps(fates: Fates, steps: &[(u32, u8)]) -> BTreeSet<u32> {
    let mut wrong = BTreeSet::new();
    let mut reached: BTreeMap<u32, Option<OrderState>> =
        fates.iter().map(|(order, fate)| (*order, fate.began)).collect();
    for (order, step) in steps {
        match reached.get_mut(order) {
            Some(state) => {
                let step = OrderStep::from_number(*step);
                *state = state.zip(step).and_then(|(state, step)| state.after(step));
            }
            // A step leaves a row, so without one there is nothing that could have taken it.
            None => wrong.extend([*order]),
        }
    }
    wrong.extend(fates.into_iter().filter_map(|(order, fate)| {
        let led = reached[&order];
        (led.is_none() || led != fate.stands || led == fate.began).then_some(order)
    }));
    wrong
}

/// The first seq of each gap, the one after the last row included where more were acknowledged;
/// and the first one that nobody acknowledged.
fn gaps(seqs: &[u32], acknowledged: u32) -> Vec<u32> {
    let mut gaps = Vec::new();
    let mut expected = 1;
    for &seq in seqs {
        if seq != expected {
            gaps.push(expected);
        }
        expected = seq.saturating_add(1);
    }
    let last = expected - 1;
    let whole = gaps.is_empty();
    if acknowledged > last || (whole && acknowledged < last) {
        gaps.push(last.min(acknowledged) + 1);
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_found_wherever_it_is() {
        let table: [(&[u32], u32, &[u32]); 7] = [
            (&[1, 2, 3], 3, &[]),
            (&[], 0, &[]),
            (&[1, 2], 3, &[3]),
            (&[], 2, &[1]),
            (&[2, 3], 3, &[1]),
            (&[1, 3, 5], 6, &[2, 4, 6]),
            (&[1, 2, 3], 2, &[3]),
        ];
        for (seqs, acknowledged, expected) in table {
            assert_eq!(gaps(seqs, acknowledged), expected, "{seqs:?} of {acknowledged}");
        }
    }
}
