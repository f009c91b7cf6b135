//! Facts on their way out: numbered when they leave, read in that order, and how far each endpoint has heard.
//! A number once given stays with its fact; nothing here changes a claim, an event or a payment.

use super::fault::Fail;
use super::numbers::{place, stored, time};
use super::{SqliteLedger, claims, demand_epoch, endpoints, events, payments};
use crate::contract::{
    Cause, Cursor, Delivery, Endpoint, EndpointNo, LedgerFault, NewEndpoint, OutFact, OutNo,
    OutRow, PaymentNo, RelayLedger,
};
use rules::{ActivityNo, Claim, Epoch, Event, EventKind, EventNo, OrderNo, Seq, TimeMs, UserNo};
use rusqlite::{Connection, OptionalExtension, Rows};

/// The last number given in an activity, and what it reaches.
#[derive(Clone, Copy, Default)]
struct Marks {
    no: i64,
    /// The last line that belongs to a numbered order.
    seq: u32,
    /// The last event that has a number.
    event: i64,
}

fn marks(connection: &Connection, activity: ActivityNo) -> Result<Marks, Fail> {
    let sql = "SELECT no, seq, event FROM outgoing_marks WHERE activity = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([activity.0], |row| {
        Ok(Marks { no: row.get(0)?, seq: row.get(1)?, event: row.get(2)? })
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// The activities, of those in a range of numbers, that have facts without a number.
const UNNUMBERED: &str = "
    SELECT activities.no FROM activities
    LEFT JOIN tallies ON tallies.activity = activities.no
    LEFT JOIN outgoing_marks AS marks ON marks.activity = activities.no
    WHERE (coalesce(tallies.claims, 0) > coalesce(marks.seq, 0)
           OR activities.through > coalesce(marks.event, 0))
      AND activities.no BETWEEN ? AND ?
    ORDER BY activities.no";

fn unnumbered(connection: &Connection, from: u32, to: u32) -> Result<Vec<ActivityNo>, Fail> {
    let mut statement = connection.prepare_cached(UNNUMBERED)?;
    let found = statement.query_map((from, to), |row| row.get(0).map(ActivityNo))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The first line of the next order.
fn next_order(rows: &mut Rows<'_>) -> Result<Option<Claim>, Fail> {
    while let Some(row) = rows.next()? {
        let line = claims::claim(row)?;
        if line.line == 0 {
            return Ok(Some(line));
        }
    }
    Ok(None)
}

/// Whether an event leaves before an order: whatever is about the order, or about one after it, leaves later.
fn leaves_first(event: &Event, order: &Claim) -> bool {
    match event.kind {
        EventKind::Order { order: about, .. } | EventKind::Payment { order: about, .. }
            if about >= order.seq =>
        {
            false
        }
        // An offer is made to somebody who had joined, whatever the clocks said.
        _ if order.offer.is_some_and(|join| event.no <= join.0) => true,
        _ => event.at <= order.decided_at,
    }
}

/// Merges new orders, by seq, with new events, by number, and gives the next numbers to the first `most`.
fn number(connection: &Connection, activity: ActivityNo, most: u32) -> Result<Marks, Fail> {
    let mut marks = marks(connection, activity)?;
    let sql = format!(
        "SELECT {} FROM claims WHERE place BETWEEN ? AND ? ORDER BY place",
        claims::COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let first = place(activity, Seq(marks.seq + 1));
    let mut orders = statement.query((first, place(activity, Seq(u32::MAX))))?;
    let mut news = events_after(connection, activity, marks.event, most)?.into_iter().peekable();
    let mut order = next_order(&mut orders)?;
    let mut insert = connection.prepare_cached("INSERT INTO outgoing VALUES (?, ?, ?, ?)")?;
    for _ in 0..most {
        let event = match (news.peek(), &order) {
            (None, None) => break,
            (Some(event), Some(order)) => leaves_first(event, order),
            (event, None) => event.is_some(),
            (None, Some(_)) => false,
        };
        marks.no += 1;
        if event {
            let event = news.next().expect("there is one");
            marks.event = number_of(event.no)?;
            insert.execute((activity.0, marks.no, None::<u32>, marks.event))?;
        } else {
            let claim = order.expect("there is one");
            marks.seq = claim.seq.0 + u32::from(claim.lines) - 1;
            insert.execute((activity.0, marks.no, claim.seq.0, None::<i64>))?;
            order = next_order(&mut orders)?;
        }
    }
    Ok(marks)
}

fn events_after(
    connection: &Connection,
    activity: ActivityNo,
    after: i64,
    most: u32,
) -> Result<Vec<Event>, Fail> {
    let sql = format!(
        "SELECT {} FROM events WHERE activity = ? AND no > ? ORDER BY no LIMIT ?",
        events::COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query((activity.0, after, most))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(events::event(connection, activity, row)?);
    }
    Ok(found)
}

fn event_at(connection: &Connection, activity: ActivityNo, no: i64) -> Result<Event, Fail> {
    let sql = format!("SELECT {} FROM events WHERE no = ?", events::COLUMNS);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([no])?;
    let row = rows.next()?.ok_or(Fail::Because(Cause::Corrupt))?;
    events::event(connection, activity, row)
}

fn number_of(event: EventNo) -> Result<i64, Fail> {
    i64::try_from(event.0).map_err(|_| Fail::Because(Cause::Full))
}

fn number_and_mark(
    connection: &Connection,
    activity: ActivityNo,
    most: u32,
) -> Result<OutNo, Fail> {
    let marks = number(connection, activity, most)?;
    let sql = "INSERT INTO outgoing_marks VALUES (?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET no = excluded.no, seq = excluded.seq,
                                         event = excluded.event";
    let row = (activity.0, marks.no, marks.seq, marks.event);
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(OutNo(marks.no.unsigned_abs()))
}

/// A bound of SQLite's numbers, past which nothing lies.
fn bounded(no: u64) -> i64 {
    i64::try_from(no).unwrap_or(i64::MAX)
}

fn facts(
    connection: &Connection,
    activity: ActivityNo,
    after: OutNo,
    most: u32,
) -> Result<Vec<OutRow>, Fail> {
    // One transaction: a fact and what it is about are read as of one moment.
    let reading = connection.unchecked_transaction()?;
    let sql = "SELECT no, seq, event FROM outgoing
               WHERE activity = ? AND no > ? ORDER BY no LIMIT ?";
    let mut statement = reading.prepare_cached(sql)?;
    let mut rows = statement.query((activity.0, bounded(after.0), most))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let no: i64 = row.get(0)?;
        let (seq, event): (Option<u32>, Option<i64>) = (row.get(1)?, row.get(2)?);
        let (at, fact, user) = match (seq, event) {
            (Some(seq), None) => claimed(&reading, activity, Seq(seq))?,
            (None, Some(event)) => happened(&reading, activity, event)?,
            _ => return Err(Fail::Because(Cause::Corrupt)),
        };
        let user = user.map_or_else(|| Ok(String::new()), |user| name_of(&reading, user))?;
        found.push(OutRow { activity, no: OutNo(no.unsigned_abs()), at, fact, user });
    }
    Ok(found)
}

type Told = (TimeMs, OutFact, Option<UserNo>);

fn claimed(connection: &Connection, activity: ActivityNo, order: Seq) -> Result<Told, Fail> {
    let lines = demand_lines(connection, activity, order)?;
    let (at, user) = (lines[0].decided_at, lines[0].user);
    Ok((at, OutFact::Claimed(lines), Some(user)))
}

fn happened(connection: &Connection, activity: ActivityNo, event: i64) -> Result<Told, Fail> {
    let event = event_at(connection, activity, event)?;
    let at = event.at;
    let (fact, user) = match event.kind {
        EventKind::Order { order, .. } => {
            let lines = demand_lines(connection, activity, order)?;
            let user = lines[0].user;
            (OutFact::Order(event, lines), Some(user))
        }
        EventKind::Payment { payment, order, .. } => {
            let payment = payments::by_no(connection, PaymentNo(payment))?
                .ok_or(Fail::Because(Cause::Corrupt))?;
            let user = demand_lines(connection, activity, order)?[0].user;
            (OutFact::Payment(event, payment), Some(user))
        }
        EventKind::LinedUp { user, .. } | EventKind::LeftLine { user, .. } => {
            (OutFact::Activity(event), Some(user))
        }
        _ => (OutFact::Activity(event), None),
    };
    Ok((at, fact, user))
}

fn name_of(connection: &Connection, user: UserNo) -> Result<String, Fail> {
    let mut statement = connection.prepare_cached("SELECT name FROM names WHERE no = ?")?;
    // A claim of a number without a name is a bug that `contradictions` speaks of; facts go on.
    Ok(statement.query_row([user.0], |row| row.get(0)).optional()?.unwrap_or_default())
}

/// Every line of an order that was written: there is at least one.
fn demand_lines(
    connection: &Connection,
    activity: ActivityNo,
    order: Seq,
) -> Result<Vec<Claim>, Fail> {
    let found = lines(connection, activity, order)?;
    let whole = found.first().is_some_and(|first| usize::from(first.lines) == found.len());
    if whole { Ok(found) } else { Err(Fail::Because(Cause::Corrupt)) }
}

fn lines(connection: &Connection, activity: ActivityNo, order: Seq) -> Result<Vec<Claim>, Fail> {
    let sql = format!("SELECT {} FROM claims WHERE place = ?", claims::COLUMNS);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut at = |seq: u32| -> Result<Option<Claim>, Fail> {
        Ok(statement.query_row([place(activity, Seq(seq))], claims::claim).optional()?)
    };
    let Some(first) = at(order.0)? else { return Ok(Vec::new()) };
    let count = u32::from(first.lines);
    let mut found = vec![first];
    for line in 1..count {
        found.extend(at(order.0 + line)?);
    }
    let ours = OrderNo { activity, seq: order };
    found.retain(|claim| claim.order() == ours);
    Ok(found)
}

fn cursors(connection: &Connection, no: EndpointNo) -> Result<Vec<Cursor>, Fail> {
    let sql = "SELECT activity, after, failures, not_before FROM cursors WHERE endpoint = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map([no.0], |row| {
        let after: i64 = row.get(1)?;
        Ok(Cursor {
            endpoint: no,
            activity: ActivityNo(row.get(0)?),
            after: OutNo(after.unsigned_abs()),
            failures: row.get(2)?,
            not_before: time(row, 3)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

impl RelayLedger for SqliteLedger {
    fn number_facts(
        &self,
        epoch: Epoch,
        activity: ActivityNo,
        most: u32,
    ) -> Result<OutNo, LedgerFault> {
        // Whoever writes waits for nobody who only asks whether there is something new.
        let (fresh, last) = self.read("looking for new facts", |connection| {
            let fresh = !unnumbered(connection, activity.0, activity.0)?.is_empty();
            Ok((fresh, OutNo(marks(connection, activity)?.no.unsigned_abs())))
        })?;
        if !fresh || most == 0 {
            return Ok(last);
        }
        self.write("numbering facts", |connection| {
            demand_epoch(connection, epoch)?;
            number_and_mark(connection, activity, most)
        })
    }

    fn unnumbered(&self) -> Result<Vec<ActivityNo>, LedgerFault> {
        self.read("looking for new facts", |connection| unnumbered(connection, 0, u32::MAX))
    }

    fn facts(
        &self,
        activity: ActivityNo,
        after: OutNo,
        most: u32,
    ) -> Result<Vec<OutRow>, LedgerFault> {
        self.read("reading facts", |connection| facts(connection, activity, after, most))
    }

    fn last_fact(&self, activity: ActivityNo) -> Result<OutNo, LedgerFault> {
        self.read("reading the last fact", |connection| {
            Ok(OutNo(marks(connection, activity)?.no.unsigned_abs()))
        })
    }

    fn add_endpoint(
        &self,
        epoch: Epoch,
        new: &NewEndpoint,
        at: TimeMs,
    ) -> Result<Option<EndpointNo>, LedgerFault> {
        self.write("adding an endpoint", |connection| {
            demand_epoch(connection, epoch)?;
            endpoints::add(connection, new, at)
        })
    }

    fn endpoints(&self) -> Result<Vec<Endpoint>, LedgerFault> {
        self.read("reading endpoints", endpoints::all)
    }

    fn remove_endpoint(&self, epoch: Epoch, no: EndpointNo) -> Result<bool, LedgerFault> {
        self.write("removing an endpoint", |connection| {
            demand_epoch(connection, epoch)?;
            endpoints::remove(connection, no)
        })
    }

    fn rotate_secret(
        &self,
        epoch: Epoch,
        no: EndpointNo,
        secret: &[u8],
        old_until: TimeMs,
    ) -> Result<bool, LedgerFault> {
        let sql = "UPDATE endpoints SET old_secret = secret, old_until = ?, secret = ?
                   WHERE no = ?";
        self.write("rotating a secret", |connection| {
            demand_epoch(connection, epoch)?;
            let row = (stored(old_until), secret, no.0);
            Ok(connection.prepare_cached(sql)?.execute(row)? == 1)
        })
    }

    fn park_endpoint(
        &self,
        epoch: Epoch,
        no: EndpointNo,
        parked: bool,
    ) -> Result<bool, LedgerFault> {
        self.write("parking an endpoint", |connection| {
            demand_epoch(connection, epoch)?;
            endpoints::park(connection, no, parked)
        })
    }

    fn cursors(&self, no: EndpointNo) -> Result<Vec<Cursor>, LedgerFault> {
        self.read("reading cursors", |connection| cursors(connection, no))
    }

    fn record_deliveries(
        &self,
        epoch: Epoch,
        cursors: &[Cursor],
        deliveries: &[Delivery],
    ) -> Result<(), LedgerFault> {
        if cursors.is_empty() && deliveries.is_empty() {
            return Ok(());
        }
        self.write("recording deliveries", |connection| {
            demand_epoch(connection, epoch)?;
            endpoints::set_cursors(connection, cursors)?;
            endpoints::log(connection, deliveries)
        })
    }

    fn deliveries(&self, no: EndpointNo, most: u32) -> Result<Vec<Delivery>, LedgerFault> {
        self.read("reading deliveries", |connection| endpoints::deliveries(connection, no, most))
    }

    fn lines(&self, activity: ActivityNo, order: Seq) -> Result<Vec<Claim>, LedgerFault> {
        self.read("reading an order's lines", |connection| lines(connection, activity, order))
    }
}
