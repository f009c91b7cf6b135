//! The waiting lists: who joined and who left are events, and an offer is a claim. Nothing here is ever changed.
//! A place in a line is offered a unit once at most (O5); the claim that did is the first one written.

use super::SqliteLedger;
use super::events::join;
use super::fault::Fail;
use super::numbers::kind;
use crate::contract::{Cause, LedgerFault};
use rules::{ActivityNo, JoinNo, TypeNo, UserNo};
use rusqlite::{Connection, OptionalExtension};

/// Notes for which place in a line a claim was made. Another claim for the same one is a bug of the decider:
/// the first one stays, and the audit finds the other.
pub(super) fn offered(connection: &Connection, join: JoinNo, place: i64) -> Result<(), Fail> {
    let sql = "INSERT INTO offers VALUES (?, ?) ON CONFLICT DO NOTHING";
    connection.prepare_cached(sql)?.execute((join.0.0.cast_signed(), place))?;
    Ok(())
}

/// The place in which somebody waits: one they took and have not left, and for which no claim was made.
pub(super) fn waits(
    connection: &Connection,
    activity: ActivityNo,
    ticket_type: TypeNo,
    user: UserNo,
) -> Result<Option<JoinNo>, Fail> {
    let sql = "SELECT events.no, events.kind = 8 AND offers.place IS NULL FROM events
               LEFT JOIN offers ON offers.join_no = events.no
               WHERE events.kind IN (8, 9) AND events.activity = ? AND events.ticket_type = ?
                   AND events.user_no = ?
               ORDER BY events.no DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let last = statement.query_row((activity.0, ticket_type.0, user.0), |row| {
        Ok((join(row, 0)?, row.get::<_, bool>(1)?))
    });
    Ok(last.optional()?.and_then(|(join, waits)| waits.then_some(join)))
}

/// Whether an activity has a type.
pub(super) fn is_type(
    connection: &Connection,
    activity: ActivityNo,
    ticket_type: TypeNo,
) -> Result<bool, Fail> {
    let sql = "SELECT 1 FROM ticket_types WHERE activity = ? AND no = ?";
    Ok(connection.prepare_cached(sql)?.exists((activity.0, ticket_type.0))?)
}

/// Places of an activity's lines that were not left, in the order of joining.
fn places(
    connection: &Connection,
    activity: ActivityNo,
) -> Result<Vec<(JoinNo, TypeNo, UserNo)>, Fail> {
    let sql = "SELECT no, kind, ticket_type, user_no, join_no FROM events
               WHERE kind IN (8, 9) AND activity = ? ORDER BY ticket_type, user_no, no";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([activity.0])?;
    let mut places: Vec<(JoinNo, TypeNo, UserNo)> = Vec::new();
    while let Some(row) = rows.next()? {
        match row.get(1)? {
            kind::LINED_UP => {
                places.push((join(row, 0)?, TypeNo(row.get(2)?), UserNo(row.get(3)?)));
            }
            // Whoever leaves gives up the place they took last.
            _ => {
                let left = join(row, 4)?;
                let last = places.pop().filter(|(join, _, _)| *join == left);
                last.ok_or(Fail::Because(Cause::Corrupt))?;
            }
        }
    }
    places.sort_unstable_by_key(|(join, _, _)| *join);
    Ok(places)
}

pub(super) fn visit(
    ledger: &SqliteLedger,
    activity: ActivityNo,
    visit: &mut dyn FnMut(JoinNo, TypeNo, UserNo),
) -> Result<(), LedgerFault> {
    let places = ledger.read("reading a line", |connection| places(connection, activity))?;
    places.into_iter().for_each(|(join, ticket_type, user)| visit(join, ticket_type, user));
    Ok(())
}

// The schema's index of the line's events, and the questions that use it, name them by number.
const _: () = assert!(kind::LINED_UP == 8 && kind::LEFT_LINE == 9);
