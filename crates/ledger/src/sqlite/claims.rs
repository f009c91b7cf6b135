//! Claims: appended in batches by the one owner, read back in the order of decision.
//! Nothing here judges a claim; `contradictions.rs` finds what a bug of the judge would have left.

use super::fault::{Fail, is_constraint};
use super::numbers::{STATE_HELD, STATE_PAID, named, of_place, place, stored, time};
use super::{SqliteLedger, contradictions, current_epoch, demand_epoch, exports, line, orders};
use crate::contract::{
    Cause, ClaimLedger, Detection, Finding, LedgerFault, OrderMark, OrderRow, ParticipantRow,
    Settled, Written,
};
use rules::{
    ActivityNo, Claim, ClaimNo, Epoch, EventNo, JoinNo, KeyHash, Part, Refusal, Seq, TypeNo,
    UnitNo, UserNo,
};
use rusqlite::{
    Connection, Error, OptionalExtension, Row, Statement, Transaction, TransactionBehavior,
};

/// The columns of a claim, in the order in which `claim` reads them.
pub(super) const COLUMNS: &str = "claims.place, claims.ticket_type, claims.unit, claims.user_no, \
    claims.claim_no, claims.ordinal_in_type, claims.ordinal_in_activity, claims.decided_at, \
    claims.epoch, claims.key, claims.state, claims.line, claims.lines, claims.offer";
/// How many they are.
pub(super) const COLUMNS_COUNT: usize = 14;

/// A claim from a row that begins with `COLUMNS`.
pub(super) fn claim(row: &Row<'_>) -> rusqlite::Result<Claim> {
    let place: i64 = row.get(0)?;
    let (activity, seq) = of_place(place).ok_or(Error::IntegralValueOutOfRange(0, place))?;
    let key: Option<[u8; 16]> = row.get(9)?;
    let offer: Option<i64> = row.get(13)?;
    let line: u8 = row.get(11)?;
    if u32::from(line) >= seq.0 {
        // Its order would begin before the first place there is.
        return Err(Error::IntegralValueOutOfRange(11, line.into()));
    }
    Ok(Claim {
        activity,
        seq,
        ticket_type: TypeNo(row.get(1)?),
        unit: UnitNo(row.get(2)?),
        user: UserNo(row.get(3)?),
        claim_no: ClaimNo(row.get(4)?),
        ordinal_in_type: row.get(5)?,
        ordinal_in_activity: row.get(6)?,
        decided_at: time(row, 7)?,
        epoch: Epoch(row.get(8)?),
        key: key.map(KeyHash::from_bytes),
        line,
        lines: row.get(12)?,
        priced: named(row, 10, priced_of)?,
        offer: offer.map(|join| JoinNo(EventNo(join.unsigned_abs()))),
    })
}

/// What `claims.state` says of an order's price.
fn priced_of(state: i64) -> Option<bool> {
    match state {
        STATE_PAID => Some(false),
        STATE_HELD => Some(true),
        _ => None,
    }
}

/// The first and the last place of an activity.
pub(super) fn places(activity: ActivityNo) -> (i64, i64) {
    (place(activity, Seq(0)), place(activity, Seq(u32::MAX)))
}

/// Claims of an activity written by one batch, for its tally.
#[derive(Default)]
struct Tally(Vec<(ActivityNo, u32)>);

impl Tally {
    fn count(&mut self, activity: ActivityNo) {
        // A batch is of few activities, mostly of one.
        match self.0.iter_mut().rev().find(|(counted, _)| *counted == activity) {
            Some((_, count)) => *count += 1,
            None => self.0.push((activity, 1)),
        }
    }

    /// Written with the rows it counts, so that an audit can tell a lost last row.
    fn write(&self, connection: &Connection) -> Result<(), Fail> {
        let sql = "INSERT INTO tallies (activity, claims) VALUES (?, ?)
                   ON CONFLICT DO UPDATE SET claims = claims + excluded.claims";
        let mut statement = connection.prepare_cached(sql)?;
        for (activity, count) in &self.0 {
            statement.execute((activity.0, count))?;
        }
        Ok(())
    }
}

/// A line with all there is to it.
const INSERT_LINE: &str = "INSERT INTO claims (place, ticket_type, unit, user_no, claim_no,
        ordinal_in_type, ordinal_in_activity, decided_at, epoch, key, state, line, lines, offer)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// The one line of an order that is no offer: what it leaves out are the defaults of the columns, which cost a
/// third of what three more bound values do.
const INSERT_ONLY_LINE: &str = "INSERT INTO claims (place, ticket_type, unit, user_no, claim_no,
        ordinal_in_type, ordinal_in_activity, decided_at, epoch, key, state)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

fn insert_line(connection: &Connection, claim: &Claim) -> rusqlite::Result<usize> {
    connection.prepare_cached(INSERT_LINE)?.execute((
        place(claim.activity, claim.seq),
        claim.ticket_type.0,
        claim.unit.0,
        claim.user.0,
        claim.claim_no.0,
        claim.ordinal_in_type,
        claim.ordinal_in_activity,
        stored(claim.decided_at),
        claim.epoch.0,
        claim.key.map(KeyHash::to_bytes),
        state_of(claim),
        claim.line,
        claim.lines,
        claim.offer.map(|join| join.0.0.cast_signed()),
    ))
}

fn insert_only_line(statement: &mut Statement<'_>, claim: &Claim) -> rusqlite::Result<usize> {
    statement.execute((
        place(claim.activity, claim.seq),
        claim.ticket_type.0,
        claim.unit.0,
        claim.user.0,
        claim.claim_no.0,
        claim.ordinal_in_type,
        claim.ordinal_in_activity,
        stored(claim.decided_at),
        claim.epoch.0,
        claim.key.map(KeyHash::to_bytes),
        state_of(claim),
    ))
}

const fn state_of(claim: &Claim) -> i64 {
    if claim.priced { STATE_HELD } else { STATE_PAID }
}

fn append(
    connection: &Connection,
    claims: &[Claim],
    answers: &mut Vec<Written>,
) -> Result<(), Fail> {
    let mut statement = connection.prepare_cached(INSERT_ONLY_LINE)?;
    let mut tally = Tally::default();
    let mut rest = claims;
    while let Some(first) = rest.first() {
        let (order, later) = rest.split_at(demand_whole(first, rest));
        if order.len() == 1 {
            answers.push(append_one(connection, &mut statement, first, &mut tally)?);
        } else {
            append_lines(connection, &mut statement, order, &mut tally, answers)?;
        }
        rest = later;
    }
    tally.write(connection)
}

/// How many lines the order that begins here has; all of them are there.
fn demand_whole(first: &Claim, rest: &[Claim]) -> usize {
    let lines = usize::from(first.lines);
    assert!((1..=rest.len()).contains(&lines), "an order comes with all of its lines");
    for (place, line) in rest[..lines].iter().enumerate() {
        let same = (line.lines, line.order(), line.user, line.priced)
            == (first.lines, first.order(), first.user, first.priced);
        assert!(same && usize::from(line.line) == place, "an order's lines come together");
        assert!(line.key.is_none() || place == 0, "the key stands on the first line");
        assert!(line.offer.is_none() || lines == 1, "an offer is of one line");
    }
    lines
}

fn append_one(
    connection: &Connection,
    statement: &mut Statement<'_>,
    claim: &Claim,
    tally: &mut Tally,
) -> Result<Written, Fail> {
    let inserted = if claim.lines == 1 && claim.offer.is_none() {
        insert_only_line(statement, claim)
    } else {
        insert_line(connection, claim)
    };
    match inserted {
        Ok(_) => {
            if let Some(join) = claim.offer {
                line::offered(connection, join, place(claim.activity, claim.seq))?;
            }
            tally.count(claim.activity);
            Ok(Written::Written)
        }
        Err(error) if is_constraint(&error) => clash(connection, claim),
        Err(error) => Err(error.into()),
    }
}

/// All lines of an order, or none: where one cannot be written, the others are not either.
fn append_lines(
    connection: &Connection,
    statement: &mut Statement<'_>,
    order: &[Claim],
    tally: &mut Tally,
    answers: &mut Vec<Written>,
) -> Result<(), Fail> {
    let (first, last) = (&order[0], &order[order.len() - 1]);
    let places = (place(first.activity, first.seq), place(last.activity, last.seq));
    let sql = "SELECT 1 FROM claims WHERE place BETWEEN ? AND ?";
    let met = connection.prepare_cached(sql)?.exists(places)?;
    for line in order {
        let answer = match met {
            false => append_one(connection, statement, line, tally)?,
            // A line whose own place is free is held back by what the others met.
            true if at(connection, line.activity, line.seq)?.is_none() => Written::UnitTaken,
            true => clash(connection, line)?,
        };
        answers.push(answer);
    }
    Ok(())
}

/// Another row has this activity and seq. The same claim once more, or one of the same user and key, was
/// written before. Anything else is a bug of the decider: it is answered by what the two have in common,
/// and as `UnitTaken` where they have nothing in common but their place, for then no unit can be given.
fn clash(connection: &Connection, claim: &Claim) -> Result<Written, Fail> {
    let there = at(connection, claim.activity, claim.seq)?.ok_or(Fail::Because(Cause::Corrupt))?;
    let same_user = there.user == claim.user;
    let same_type = there.ticket_type == claim.ticket_type;
    if there == *claim || (same_user && claim.key.is_some() && there.key == claim.key) {
        return Ok(Written::Already(there));
    }
    let ordinal = there.ordinal_in_activity == claim.ordinal_in_activity
        || (same_type && there.ordinal_in_type == claim.ordinal_in_type);
    let unit = same_type && there.unit == claim.unit;
    Ok(if same_user && ordinal && !unit { Written::OrdinalTaken } else { Written::UnitTaken })
}

fn at(connection: &Connection, activity: ActivityNo, seq: Seq) -> Result<Option<Claim>, Fail> {
    let sql = format!("SELECT {COLUMNS} FROM claims WHERE place = ?");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([place(activity, seq)], claim).optional()?)
}

fn settle(
    connection: &Connection,
    activity: ActivityNo,
    epoch: Epoch,
    seq: Seq,
) -> Result<Settled, Fail> {
    // One transaction: where it sees the epoch ended, it sees all that was ever written under it.
    let reading = Transaction::new_unchecked(connection, TransactionBehavior::Deferred)?;
    let current = current_epoch(&reading)?;
    Ok(match at(&reading, activity, seq)? {
        Some(claim) if claim.epoch == epoch => Settled::Written(claim),
        _ if epoch < current => Settled::Never,
        _ => Settled::Open,
    })
}

fn record(connection: &Connection, parts: &[Part]) -> Result<(), Fail> {
    let sql =
        "INSERT INTO participants (activity, user_no, first_seen, refusal) VALUES (?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET first_seen = min(first_seen, excluded.first_seen),
                                         refusal = coalesce(refusal, excluded.refusal)";
    let mut statement = connection.prepare_cached(sql)?;
    for part in parts {
        let refusal = part.refusal.filter(|refusal| *refusal != Refusal::NotStarted);
        let number = refusal.map(Refusal::number);
        statement.execute((part.activity.0, part.user.0, stored(part.seen_at), number))?;
    }
    Ok(())
}

/// Visits an activity's recorded parts, by user number.
pub(super) fn visit_parts(
    connection: &Connection,
    activity: ActivityNo,
    visit: &mut dyn FnMut(Part),
) -> Result<(), Fail> {
    let sql = "SELECT user_no, first_seen, refusal FROM participants WHERE activity = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([activity.0])?;
    while let Some(row) = rows.next()? {
        let user = UserNo(row.get(0)?);
        let number: Option<i8> = row.get(2)?;
        let refusal = number.map(|number| {
            Refusal::from_number(number).ok_or(Error::IntegralValueOutOfRange(2, number.into()))
        });
        visit(Part { activity, user, seen_at: time(row, 1)?, refusal: refusal.transpose()? });
    }
    Ok(())
}

/// Visits an activity's lines in the order of seq, each with how its order stands.
pub(super) fn visit_claims(
    connection: &Connection,
    activity: ActivityNo,
    visit: &mut dyn FnMut(Claim, OrderMark),
) -> Result<(), Fail> {
    // One transaction: the lines and the marks of their orders are read as of one moment.
    let reading = Transaction::new_unchecked(connection, TransactionBehavior::Deferred)?;
    let sql = format!("SELECT {COLUMNS} FROM claims WHERE place BETWEEN ? AND ? ORDER BY place");
    let mut statement = reading.prepare_cached(&sql)?;
    let mut rows = statement.query(places(activity))?;
    let mut marks = reading.prepare_cached(orders::MARKS)?;
    let mut marks = orders::Marks::of(&mut marks, activity)?;
    while let Some(row) = rows.next()? {
        let claim = claim(row)?;
        let mark = marks.of_line(&claim)?;
        visit(claim, mark);
    }
    Ok(())
}

impl ClaimLedger for SqliteLedger {
    fn own(&self) -> Result<Epoch, LedgerFault> {
        super::raise_epoch(&mut self.writer.lock())
    }

    fn recover(&self) -> Result<Epoch, LedgerFault> {
        self.start_over()
    }

    fn commit(
        &self,
        epoch: Epoch,
        claims: &[Claim],
        answers: &mut Vec<Written>,
    ) -> Result<(), LedgerFault> {
        struct Stale;
        answers.clear();
        if claims.is_empty() {
            return Ok(());
        }
        let written = self.try_write("writing claims", |connection| {
            // A claim decided under another ownership than the one that writes it would make `settle` lie.
            let ours = claims.iter().all(|claim| claim.epoch == epoch);
            if !ours || current_epoch(connection)? != epoch {
                return Ok(Err(Stale));
            }
            append(connection, claims, answers).map(Ok)
        });
        match written {
            Ok(Ok(())) => assert_eq!(answers.len(), claims.len(), "one answer for each claim"),
            Ok(Err(Stale)) => answers.resize(claims.len(), Written::StaleEpoch),
            Err(fault) => {
                answers.clear();
                return Err(fault);
            }
        }
        Ok(())
    }

    fn in_doubt(&self) -> bool {
        self.writer.lock().in_doubt()
    }

    fn detection(&self) -> Detection {
        Detection::AtAudit
    }

    fn audit(&self) -> Result<Vec<Finding>, LedgerFault> {
        self.read("looking for contradictions", contradictions::find)
    }

    fn settle(&self, activity: ActivityNo, epoch: Epoch, seq: Seq) -> Result<Settled, LedgerFault> {
        self.read("settling a claim", |connection| settle(connection, activity, epoch, seq))
    }

    fn record_parts(&self, epoch: Epoch, parts: &[Part]) -> Result<(), LedgerFault> {
        if parts.is_empty() {
            return Ok(());
        }
        self.write("recording parts", |connection| {
            demand_epoch(connection, epoch)?;
            record(connection, parts)
        })
    }

    fn claims(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(Claim, OrderMark),
    ) -> Result<(), LedgerFault> {
        self.read("reading claims", |connection| visit_claims(connection, activity, visit))
    }

    fn parts(&self, activity: ActivityNo, visit: &mut dyn FnMut(Part)) -> Result<(), LedgerFault> {
        self.read("reading parts", |connection| visit_parts(connection, activity, visit))
    }

    fn claim_of_unit(
        &self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        unit: UnitNo,
    ) -> Result<Option<Claim>, LedgerFault> {
        let sql = format!(
            "SELECT {COLUMNS} FROM claims
             WHERE place BETWEEN ? AND ? AND ticket_type = ? AND unit = ?
             ORDER BY place DESC LIMIT 1"
        );
        let (first, last) = places(activity);
        self.read("looking for a unit's claim", |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let wanted = (first, last, ticket_type.0, unit.0);
            Ok(statement.query_row(wanted, claim).optional()?)
        })
    }

    fn orders(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(&OrderRow<'_>) -> bool,
    ) -> Result<(), LedgerFault> {
        exports::orders(self, activity, visit)
    }

    fn participants(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(&ParticipantRow<'_>) -> bool,
    ) -> Result<(), LedgerFault> {
        exports::participants(self, activity, visit)
    }
}
