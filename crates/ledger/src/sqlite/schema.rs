//! What is in the file, drawn once, and the numbered steps that bring an older file up to date.
//! A step that has been released is never edited: whatever changes comes as a step of its own.
//!
//! Times are unix milliseconds. `activity`, `user_no`, `ticket_type`, `unit`: the numbers of `rules`.
//! Numbers with a meaning (`state`, `kind`, `role`, `source`, `unit_kind`) are listed in `numbers.rs`;
//! `refusal` is the permanent number of the refusal.
//!
//! ```text
//! owner          one=1 · epoch · alive_at         epoch: raised by each owner, checked by each commit
//! secrets        name · value                     32 random bytes each
//!
//! names          no · name! · display_name · role · source? · password_hash? · generation · created_at
//!                                                 dense from 1; source NULL: only on rosters so far
//! revoked_sessions (user_no, mark) · until        sessions ended before their time
//!
//! activities     no · id! · name · description · image · start_at · end_at · limit_per_user?
//!                · has_roster · paused · closed · through · standby
//!                                                 through: its last event, 0 if none
//! ticket_types   (activity, no) · id · name · description · image · price_minor · currency
//!                · limit_per_user · unit_kind · start_at? · end_at? · pay_within_s · valid_from
//!                · valid_until? · made · offer_within_s            made: units 0..made exist
//! codes          (activity, ticket_type, unit) · code!             for types with codes only
//! rosters        (activity, user_no) · display_name · department
//! events         no · activity · at · kind · ticket_type? · first_unit? · past_unit?
//!                · operator? · key? · order_seq? · step? · user_no? · join_no? · payment?
//!                · payment_state?               (activity, operator, key)! where there is a key
//! taken_back     (activity, ticket_type, first_unit) · past_unit · event
//!                                                 units first_unit..past_unit are void
//! audit          no · at · who · action · target · detail
//!
//! claims         place · ticket_type · unit · user_no · claim_no · ordinal_in_type
//!                · ordinal_in_activity · decided_at · epoch · key? · state · line · lines
//!                · offer?                        place = activity << 32 | seq: an activity's rows
//!                                                 lie together, in the order of decision;
//!                                                 state: how the order began, for rows never change
//! offers         join_no · place                  the claim made for a place in a waiting line
//! tallies        activity · claims                claims ever written: a lost last row shows
//! participants   (activity, user_no) · first_seen · refusal?
//!
//! orders         place · state · paid_at? · ended_at?
//!                                                 place: of its first line; no row: as it began
//! payments       no · (provider, reference)! · order_place · amount_minor · currency · state
//!                · paid_order? · received_at · changed_at · refund_attempts · refund_after
//! pay_starts     (place, provider) · started_at   until it is paid from there, or closed there
//! notices        (stray, no) · at · provider · reason · place?     the newest of each sort
//! extensions     no · from_at · by_ms             deadlines of orders held since then are so much later
//!
//! (a, b) primary key of a table without rowid · ! unique · ? may be NULL
//! ```
//!
//! `claims` has no second index and no constraint but its key: the one owner's stock, loaded from this very
//! table, is the judge, and a random index would cost ten times the append. `contradictions.rs` checks it.
//! What is looked up by other things than its place, an offer, has a table of its own for the same reason.
//! The deadline of a held order is not stored: it follows from its lines, their types and `extensions`.

use super::fault::Fail;
use super::relay_schema;
use crate::contract::Cause;
use rusqlite::{Connection, Transaction, TransactionBehavior};

/// `FcLg`: tells a ledger from any other SQLite file.
const APPLICATION_ID: i32 = 0x4663_4c67;

/// Step n brings a file of version n to version n + 1.
const STEPS: [&str; 4] = [FIRST, ORDERS, relay_schema::RELAY, STRAYS];

const FIRST: &str = "
CREATE TABLE owner (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL) STRICT;
INSERT INTO owner VALUES (1, 0);
CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE names (
    no INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    role INTEGER NOT NULL,
    source INTEGER,
    password_hash TEXT,
    generation INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE revoked_sessions (
    user_no INTEGER NOT NULL,
    mark BLOB NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (user_no, mark)
) STRICT, WITHOUT ROWID;
CREATE TABLE activities (
    no INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    image TEXT NOT NULL,
    start_at INTEGER NOT NULL,
    end_at INTEGER NOT NULL,
    limit_per_user INTEGER,
    has_roster INTEGER NOT NULL,
    paused INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    through INTEGER NOT NULL
) STRICT;
CREATE TABLE ticket_types (
    activity INTEGER NOT NULL,
    no INTEGER NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    image TEXT NOT NULL,
    price_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    limit_per_user INTEGER NOT NULL,
    unit_kind INTEGER NOT NULL,
    start_at INTEGER,
    end_at INTEGER,
    pay_within_s INTEGER NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_until INTEGER,
    made INTEGER NOT NULL,
    PRIMARY KEY (activity, no)
) STRICT, WITHOUT ROWID;
CREATE TABLE codes (
    activity INTEGER NOT NULL,
    ticket_type INTEGER NOT NULL,
    unit INTEGER NOT NULL,
    code TEXT NOT NULL UNIQUE,
    PRIMARY KEY (activity, ticket_type, unit)
) STRICT, WITHOUT ROWID;
CREATE TABLE rosters (
    activity INTEGER NOT NULL,
    user_no INTEGER NOT NULL,
    display_name TEXT NOT NULL,
    department TEXT NOT NULL,
    PRIMARY KEY (activity, user_no)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    no INTEGER PRIMARY KEY,
    activity INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    ticket_type INTEGER,
    first_unit INTEGER,
    past_unit INTEGER,
    operator INTEGER,
    key BLOB
) STRICT;
CREATE UNIQUE INDEX event_keys ON events (activity, operator, key) WHERE key IS NOT NULL;
CREATE TABLE taken_back (
    activity INTEGER NOT NULL,
    ticket_type INTEGER NOT NULL,
    first_unit INTEGER NOT NULL,
    past_unit INTEGER NOT NULL,
    event INTEGER NOT NULL,
    PRIMARY KEY (activity, ticket_type, first_unit)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
    no INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE TABLE claims (
    place INTEGER PRIMARY KEY,
    ticket_type INTEGER NOT NULL,
    unit INTEGER NOT NULL,
    user_no INTEGER NOT NULL,
    claim_no INTEGER NOT NULL,
    ordinal_in_type INTEGER NOT NULL,
    ordinal_in_activity INTEGER NOT NULL,
    decided_at INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    key BLOB,
    state INTEGER NOT NULL
);
CREATE TABLE tallies (activity INTEGER PRIMARY KEY, claims INTEGER NOT NULL) STRICT;
CREATE TABLE participants (
    activity INTEGER NOT NULL,
    user_no INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    refusal INTEGER,
    PRIMARY KEY (activity, user_no)
) STRICT, WITHOUT ROWID;
";

/// Orders with a price, payments and the waiting list. An older file's claims are single lines of free orders.
///
/// The line's index is of its events only, as few as the people who line up. Payments that wait for something are
/// few too, and an index of them costs a confirmed one nothing.
const ORDERS: &str = "
ALTER TABLE owner ADD COLUMN alive_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE activities ADD COLUMN standby INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ticket_types ADD COLUMN offer_within_s INTEGER NOT NULL DEFAULT 0;
UPDATE ticket_types SET offer_within_s = pay_within_s;
ALTER TABLE claims ADD COLUMN line INTEGER NOT NULL DEFAULT 0;
ALTER TABLE claims ADD COLUMN lines INTEGER NOT NULL DEFAULT 1;
ALTER TABLE claims ADD COLUMN offer INTEGER;
CREATE TABLE offers (join_no INTEGER PRIMARY KEY, place INTEGER NOT NULL) STRICT;
ALTER TABLE events ADD COLUMN order_seq INTEGER;
ALTER TABLE events ADD COLUMN step INTEGER;
ALTER TABLE events ADD COLUMN user_no INTEGER;
ALTER TABLE events ADD COLUMN join_no INTEGER;
ALTER TABLE events ADD COLUMN payment INTEGER;
ALTER TABLE events ADD COLUMN payment_state INTEGER;
CREATE INDEX line_events ON events (activity, ticket_type, user_no) WHERE kind IN (8, 9);
CREATE TABLE orders (
    place INTEGER PRIMARY KEY,
    state INTEGER NOT NULL,
    paid_at INTEGER,
    ended_at INTEGER
) STRICT;
CREATE TABLE payments (
    no INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    reference TEXT NOT NULL,
    order_place INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    state INTEGER NOT NULL,
    paid_order INTEGER,
    received_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    refund_attempts INTEGER NOT NULL,
    refund_after INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX payment_references ON payments (provider, reference);
CREATE INDEX payment_orders ON payments (order_place);
CREATE INDEX payments_for_later_orders ON payments (paid_order) WHERE paid_order <> order_place;
CREATE INDEX payments_unusual ON payments (state, refund_after) WHERE state IN (1, 3, 4);
CREATE TABLE pay_starts (
    place INTEGER NOT NULL,
    provider TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    PRIMARY KEY (place, provider)
) STRICT, WITHOUT ROWID;
CREATE TABLE notices (
    no INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    provider TEXT NOT NULL,
    reason TEXT NOT NULL,
    place INTEGER
) STRICT;
CREATE TABLE extensions (
    no INTEGER PRIMARY KEY,
    from_at INTEGER NOT NULL,
    by_ms INTEGER NOT NULL
) STRICT;
";

/// Refused notices of each sort have a ring of their own, and refunds are looked for by their provider.
const STRAYS: &str = "
ALTER TABLE notices RENAME TO notices_before;
CREATE TABLE notices (
    stray INTEGER NOT NULL,
    no INTEGER NOT NULL,
    at INTEGER NOT NULL,
    provider TEXT NOT NULL,
    reason TEXT NOT NULL,
    place INTEGER,
    PRIMARY KEY (stray, no)
) STRICT, WITHOUT ROWID;
INSERT INTO notices
    SELECT reason = 'unknown_order', no, at, provider, reason, place FROM notices_before;
DROP TABLE notices_before;
CREATE INDEX payments_owed ON payments (provider, refund_after) WHERE state = 3;
";

/// Brings the file to the version this program writes, in one transaction.
pub(super) fn migrate(connection: &Connection) -> Result<(), Fail> {
    let version = version(connection)?;
    if version == STEPS.len() {
        return Ok(());
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for step in &STEPS[version..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", STEPS.len() as i64)?;
    Ok(transaction.commit()?)
}

/// A file of an older version.
#[cfg(test)]
pub(super) fn make_version(connection: &Connection, version: usize) -> Result<(), Fail> {
    STEPS[..version].iter().try_for_each(|step| connection.execute_batch(step))?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(connection.pragma_update(None, "user_version", version as i64)?)
}

/// Refuses a file that cannot be read as it stands; bringing it up to date would take a write.
pub(super) fn demand_current(connection: &Connection) -> Result<(), Fail> {
    if version(connection)? == STEPS.len() { Ok(()) } else { Err(Fail::Because(Cause::Closed)) }
}

fn version(connection: &Connection) -> Result<usize, Fail> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = version as usize;
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: u32 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let empty = version == 0 && tables == 0;
    if !empty && application != APPLICATION_ID {
        return Err(Fail::Because(Cause::Corrupt));
    }
    if version > STEPS.len() {
        return Err(Fail::Because(Cause::NewerFormat));
    }
    Ok(version)
}
