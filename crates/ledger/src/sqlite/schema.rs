//! What is in the file, drawn once, and the numbered steps that bring an older file up to date.
//! A step that has been released is never edited: whatever changes comes as a step of its own.
//!
//! Times are unix milliseconds. `activity`, `user_no`, `ticket_type`, `unit`: the numbers of `rules`.
//! Numbers with a meaning (`state`, `kind`, `role`, `source`, `unit_kind`) are listed in `numbers.rs`;
//! `refusal` is the permanent number of the refusal.
//!
//! ```text
//! owner          one=1 · epoch                    raised by each owner, checked by each commit
//! secrets        name · value                     32 random bytes each
//!
//! names          no · name! · display_name · role · source? · password_hash? · generation · created_at
//!                                                 dense from 1; source NULL: only on rosters so far
//! revoked_sessions (user_no, mark) · until        sessions ended before their time
//!
//! activities     no · id! · name · description · image · start_at · end_at · limit_per_user?
//!                · has_roster · paused · closed · through          through: its last event, 0 if none
//! ticket_types   (activity, no) · id · name · description · image · price_minor · currency
//!                · limit_per_user · unit_kind · start_at? · end_at? · pay_within_s · valid_from
//!                · valid_until? · made                             made: units 0..made exist
//! codes          (activity, ticket_type, unit) · code!             for types with codes only
//! rosters        (activity, user_no) · display_name · department
//! events         no · activity · at · kind · ticket_type? · first_unit? · past_unit?
//!                · operator? · key?             (activity, operator, key)! where there is a key
//! taken_back     (activity, ticket_type, first_unit) · past_unit · event
//!                                                 units first_unit..past_unit are void
//! audit          no · at · who · action · target · detail
//!
//! claims         place · ticket_type · unit · user_no · claim_no · ordinal_in_type
//!                · ordinal_in_activity · decided_at · epoch · key? · state
//!                                                 place = activity << 32 | seq: an activity's rows
//!                                                 lie together, in the order of decision
//! tallies        activity · claims                claims ever written: a lost last row shows
//! participants   (activity, user_no) · first_seen · refusal?
//!
//! (a, b) primary key of a table without rowid · ! unique · ? may be NULL
//! ```
//!
//! `claims` has no second index and no constraint but its key: the one owner's stock, loaded from this very
//! table, is the judge, and a random index would cost ten times the append. `contradictions.rs` checks it.

use super::fault::Fail;
use crate::contract::Cause;
use rusqlite::{Connection, Transaction, TransactionBehavior};

/// `FcLg`: tells a ledger from any other SQLite file.
const APPLICATION_ID: i32 = 0x4663_4c67;

/// Step n brings a file of version n to version n + 1.
const STEPS: [&str; 1] = [FIRST];

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
