//! Orders and participants for exports, some rows at a time: whoever receives an export may be slow, and
//! a reading transaction that stays open would keep the log from being emptied.
//! A roster's names go with the account they were meant for, never with one that registered itself (C33).

use super::claims::{COLUMNS, COLUMNS_COUNT, claim, places, visit_parts};
use super::fault::Fail;
use super::numbers::{SOURCE_PASSWORD, named, order_state_of, place, time};
use super::{SqliteLedger, orders};
use crate::contract::{LedgerFault, OrderMark, OrderRow, ParticipantRow};
use rules::{ActivityNo, Claim, ClaimNo, OrderState, Part, Refusal, TimeMs, UserNo};
use rusqlite::{Connection, OptionalExtension, Row};

/// Rows read at a time.
const ROWS_AT_A_TIME: usize = 1_000;

/// Who somebody is in an export.
#[derive(Default)]
struct Who {
    name: String,
    display_name: String,
    department: String,
}

impl Who {
    const COLUMNS: &str = "coalesce(names.name, ''),
        coalesce(nullif(rosters.display_name, ''), names.display_name, ''),
        coalesce(rosters.department, '')";

    /// From three columns beginning with `first`.
    fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get(first)?,
            display_name: row.get(first + 1)?,
            department: row.get(first + 2)?,
        })
    }
}

struct Order {
    claim: Claim,
    mark: OrderMark,
    who: Who,
    code: Option<String>,
}

pub(super) fn orders(
    ledger: &SqliteLedger,
    activity: ActivityNo,
    visit: &mut dyn FnMut(&OrderRow<'_>) -> bool,
) -> Result<(), LedgerFault> {
    let (mut after, _) = places(activity);
    // What is written from now on is left for the next export: this one ends.
    let last = ledger.read("reading orders", |connection| last_place(connection, activity))?;
    while after < last {
        let orders = ledger
            .read("reading orders", |connection| some_orders(connection, activity, after, last))?;
        let Some(newest) = orders.last() else { break };
        after = place(activity, newest.claim.seq);
        for Order { claim, mark, who, code } in &orders {
            let more = visit(&OrderRow {
                claim: *claim,
                mark: *mark,
                user: &who.name,
                display_name: &who.display_name,
                department: &who.department,
                code: code.as_deref(),
            });
            if !more {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn last_place(connection: &Connection, activity: ActivityNo) -> Result<i64, Fail> {
    let (first, last) = places(activity);
    let sql = "SELECT coalesce(max(place), ?1) FROM claims WHERE place BETWEEN ?1 AND ?2";
    Ok(connection.query_row(sql, (first, last), |row| row.get(0))?)
}

/// After a claim's columns come three about a person and one with a code.
const FIRST_OF_MARK: usize = COLUMNS_COUNT + 4;

fn some_orders(
    connection: &Connection,
    activity: ActivityNo,
    after: i64,
    last: i64,
) -> Result<Vec<Order>, Fail> {
    let sql = format!(
        "SELECT {COLUMNS}, {}, codes.code, {} FROM claims
         LEFT JOIN orders ON orders.place = claims.place - claims.line
         LEFT JOIN names ON names.no = claims.user_no
         LEFT JOIN rosters ON rosters.activity = ?1 AND rosters.user_no = claims.user_no
             AND names.source IS NOT {SOURCE_PASSWORD}
         LEFT JOIN codes ON codes.activity = ?1 AND codes.ticket_type = claims.ticket_type
             AND codes.unit = claims.unit
         WHERE claims.place > ?2 AND claims.place <= ?3
         ORDER BY claims.place LIMIT {ROWS_AT_A_TIME}",
        Who::COLUMNS,
        orders::COLUMNS,
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let orders = statement.query_map((activity.0, after, last), |row| {
        let claim = claim(row)?;
        let mark = orders::mark(row, FIRST_OF_MARK)?.unwrap_or(orders::first_mark(&claim));
        let (who, code) = (Who::read(row, COLUMNS_COUNT)?, row.get(FIRST_OF_MARK - 1)?);
        Ok(Order { claim, mark, who, code })
    })?;
    Ok(orders.collect::<Result<_, _>>()?)
}

/// One person's part in an activity; 24 bytes, for a million people are held at a time.
#[derive(Clone, Copy)]
struct Participant {
    user: UserNo,
    won: Option<ClaimNo>,
    refusal: Option<Refusal>,
    first_seen: TimeMs,
}

const _: () = assert!(size_of::<Participant>() <= 24);

pub(super) fn participants(
    ledger: &SqliteLedger,
    activity: ActivityNo,
    visit: &mut dyn FnMut(&ParticipantRow<'_>) -> bool,
) -> Result<(), LedgerFault> {
    let everyone =
        ledger.read("reading participants", |connection| everyone(connection, activity))?;
    for some in everyone.chunks(ROWS_AT_A_TIME) {
        let who =
            ledger.read("reading participants", |connection| names(connection, activity, some))?;
        for (participant, who) in some.iter().zip(&who) {
            let more = visit(&ParticipantRow {
                user: &who.name,
                display_name: &who.display_name,
                department: &who.department,
                first_seen: participant.first_seen,
                refusal: participant.refusal,
                won: participant.won,
            });
            if !more {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Everyone with a claim or a recorded part, once each, by user number.
fn everyone(connection: &Connection, activity: ActivityNo) -> Result<Vec<Participant>, Fail> {
    let mut everyone = winners(connection, activity)?;
    visit_parts(connection, activity, &mut |part: Part| {
        let Part { user, seen_at: first_seen, refusal, .. } = part;
        everyone.push(Participant { user, won: None, refusal, first_seen });
    })?;
    // Stable: a user's first claim stays in front of the later ones, and they in front of the part.
    everyone.sort_by_key(|participant| participant.user);
    everyone.dedup_by(|later, first| {
        let same = later.user == first.user;
        if same {
            first.first_seen = first.first_seen.min(later.first_seen);
            first.won = first.won.or(later.won);
            first.refusal = first.refusal.or(later.refusal);
        }
        same
    });
    Ok(everyone)
}

fn winners(connection: &Connection, activity: ActivityNo) -> Result<Vec<Participant>, Fail> {
    let sql = "SELECT claims.user_no, claims.claim_no, claims.decided_at, orders.state FROM claims
               LEFT JOIN orders ON orders.place = claims.place - claims.line
               WHERE claims.place BETWEEN ? AND ? ORDER BY claims.place";
    let mut statement = connection.prepare_cached(sql)?;
    let winners = statement.query_map(places(activity), |row| {
        let (user, claim_no) = (UserNo(row.get(0)?), ClaimNo(row.get(1)?));
        let state: Option<i64> = row.get(3)?;
        let state = state.map(|_| named(row, 3, order_state_of)).transpose()?;
        // Who gave an order up, or let it expire, has won nothing by it.
        let lost = matches!(state, Some(OrderState::Cancelled | OrderState::Expired));
        let won = (!lost).then_some(claim_no);
        Ok(Participant { user, won, refusal: None, first_seen: time(row, 2)? })
    })?;
    Ok(winners.collect::<Result<_, _>>()?)
}

fn names(
    connection: &Connection,
    activity: ActivityNo,
    some: &[Participant],
) -> Result<Vec<Who>, Fail> {
    let sql = format!(
        "SELECT {} FROM names
         LEFT JOIN rosters ON rosters.activity = ?1 AND rosters.user_no = names.no
             AND names.source IS NOT {SOURCE_PASSWORD}
         WHERE names.no = ?2",
        Who::COLUMNS
    );
    // One transaction: taking and giving back SQLite's lock costs more than finding a name.
    let reading = connection.unchecked_transaction()?;
    let mut statement = reading.prepare_cached(&sql)?;
    let mut name = |participant: &Participant| {
        let wanted = (activity.0, participant.user.0);
        let who = statement.query_row(wanted, |row| Who::read(row, 0)).optional()?;
        Ok(who.unwrap_or_default())
    };
    some.iter().map(&mut name).collect()
}
