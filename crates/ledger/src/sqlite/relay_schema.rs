//! The tables of what leaves for the outside, drawn once: a step of the schema, never edited once released.
//! Nothing here is read on the way of a claim, and no claim writes here.
//!
//! ```text
//! outgoing       (activity, no) · seq? · event?   a fact's number; an accepted order by the seq of its
//!                                                 first line, or an event: one of the two
//! outgoing_marks activity · no · seq · event      the last number given, and what it reaches: the last
//!                                                 line and the last event that have one
//! endpoints      no · id! · url · secret · old_secret? · old_until? · activity? · types · note
//!                · parked · created_at            types: names with spaces between; no: never reused
//! cursors        (endpoint, activity) · after · failures · not_before
//! deliveries     (endpoint, n) · at · activity · fact · outcome · status? · took_ms
//!                                                 n from 1; the newest are kept
//! ```
//!
//! `events_of_activity` finds an activity's next events wherever those of others lie between.

/// What the step does.
pub(super) const RELAY: &str = "
CREATE TABLE outgoing (
    activity INTEGER NOT NULL,
    no INTEGER NOT NULL,
    seq INTEGER,
    event INTEGER,
    PRIMARY KEY (activity, no),
    CHECK ((seq IS NULL) <> (event IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TABLE outgoing_marks (
    activity INTEGER PRIMARY KEY,
    no INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    event INTEGER NOT NULL
) STRICT;
CREATE TABLE endpoints (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    secret BLOB NOT NULL,
    old_secret BLOB,
    old_until INTEGER,
    activity INTEGER,
    types TEXT NOT NULL,
    note TEXT NOT NULL,
    parked INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE cursors (
    endpoint INTEGER NOT NULL,
    activity INTEGER NOT NULL,
    after INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    PRIMARY KEY (endpoint, activity)
) STRICT, WITHOUT ROWID;
CREATE TABLE deliveries (
    endpoint INTEGER NOT NULL,
    n INTEGER NOT NULL,
    at INTEGER NOT NULL,
    activity INTEGER NOT NULL,
    fact INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    status INTEGER,
    took_ms INTEGER NOT NULL,
    PRIMARY KEY (endpoint, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX events_of_activity ON events (activity);
";
