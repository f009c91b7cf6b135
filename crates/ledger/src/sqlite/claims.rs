//! Claims: appended in batches by the one owner, read back in the order of decision.
//! Nothing here judges a claim; `contradictions.rs` finds what a bug of the judge would have left.

use super::fault::{Fail, is_constraint};
use super::numbers::{STATE_PAID, of_place, place, stored, time};
use super::{SqliteLedger, contradictions, current_epoch, demand_epoch, exports};
use crate::contract::{
    Cause, ClaimLedger, Detection, Finding, LedgerFault, OrderRow, ParticipantRow, Settled, Written,
};
use rules::{
    ActivityNo, Claim, ClaimNo, Epoch, KeyHash, Part, Refusal, Seq, TypeNo, UnitNo, UserNo,
};
use rusqlite::{Connection, Error, OptionalExtension, Row, Transaction, TransactionBehavior};

/// The columns of a claim, in the order in which `claim` reads them.
pub(super) const COLUMNS: &str = "claims.place, claims.ticket_type, claims.unit, claims.user_no, \
    claims.claim_no, claims.ordinal_in_type, claims.ordinal_in_activity, claims.decided_at, \
    claims.epoch, claims.key";

/// A claim from a row that begins with `COLUMNS`.
pub(super) fn claim(row: &Row<'_>) -> rusqlite::Result<Claim> {
    let place: i64 = row.get(0)?;
    let (activity, seq) = of_place(place).ok_or(Error::IntegralValueOutOfRange(0, place))?;
    let key: Option<[u8; 16]> = row.get(9)?;
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
    })
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

fn append(
    connection: &Connection,
    claims: &[Claim],
    answers: &mut Vec<Written>,
) -> Result<(), Fail> {
    let sql = "INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut tally = Tally::default();
    for claim in claims {
        let row = (
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
            STATE_PAID,
        );
        answers.push(match statement.execute(row) {
            Ok(_) => {
                tally.count(claim.activity);
                Written::Written
            }
            Err(error) if is_constraint(&error) => clash(connection, claim)?,
            Err(error) => return Err(error.into()),
        });
    }
    tally.write(connection)
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

/// Visits an activity's claims in the order of seq.
pub(super) fn visit_claims(
    connection: &Connection,
    activity: ActivityNo,
    visit: &mut dyn FnMut(Claim),
) -> Result<(), Fail> {
    let sql = format!("SELECT {COLUMNS} FROM claims WHERE place BETWEEN ? AND ? ORDER BY place");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(places(activity))?;
    while let Some(row) = rows.next()? {
        visit(claim(row)?);
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
        visit: &mut dyn FnMut(Claim),
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
             WHERE place BETWEEN ? AND ? AND ticket_type = ? AND unit = ? LIMIT 1"
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
