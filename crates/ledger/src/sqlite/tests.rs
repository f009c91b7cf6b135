//! What is SQLite's own: faults of the disk, the length of the log, files and modes, the version of the format.
//! What every ledger has to do stands in the conformance suite, never here.

use super::*;
use crate::contract::{ActivityLedger, ClaimLedger, Settled, Written};
use rules::{ActivityNo, Claim, ClaimNo, Seq, TimeMs, TypeNo, UnitNo, UserNo};
use rusqlite::Transaction;
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc;
use tempfile::TempDir;

const ACTIVITY: ActivityNo = ActivityNo(1);

fn claim(epoch: Epoch, n: u32) -> Claim {
    Claim {
        activity: ACTIVITY,
        seq: Seq(n),
        epoch,
        ticket_type: TypeNo(0),
        unit: UnitNo(n - 1),
        user: UserNo(n),
        claim_no: ClaimNo(n),
        ordinal_in_type: 1,
        ordinal_in_activity: 1,
        decided_at: TimeMs(1_796_090_400_000),
        key: None,
    }
}

fn open(dir: &TempDir, settings: SqliteSettings) -> SqliteLedger {
    SqliteLedger::open(&dir.path().join("data"), settings).expect("the ledger opens")
}

fn fresh() -> (TempDir, SqliteLedger) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let ledger = open(&dir, SqliteSettings::default());
    (dir, ledger)
}

/// Writes claims `from..=to` in one batch.
fn commit(
    ledger: &SqliteLedger,
    epoch: Epoch,
    from: u32,
    to: u32,
) -> Result<Vec<Written>, LedgerFault> {
    let batch: Vec<_> = (from..=to).map(|n| claim(epoch, n)).collect();
    let mut answers = Vec::new();
    ledger.commit(epoch, &batch, &mut answers).map(|()| answers)
}

fn count(ledger: &SqliteLedger) -> usize {
    let mut count = 0;
    ledger.claims(ACTIVITY, &mut |_| count += 1).unwrap();
    count
}

fn with_writer(ledger: &SqliteLedger, change: impl FnOnce(&mut Connection)) {
    match &mut *ledger.writer.lock() {
        Writer::Open(connection) => change(connection),
        Writer::InDoubt { .. } | Writer::Absent => panic!("the writer is open"),
    }
}

/// C31: after a commit in doubt nothing is written until the ledger has recovered; then all is certain again.
#[test]
fn a_commit_in_doubt_stops_all_writing_until_recovery() {
    let (_dir, ledger) = fresh();
    let before = ledger.own().unwrap();
    commit(&ledger, before, 1, 3).unwrap();
    // `true`: SQLite's COMMIT fails.
    with_writer(&ledger, |writer| writer.commit_hook(Some(|| true)).unwrap());
    let doubt = commit(&ledger, before, 4, 5).unwrap_err();
    assert!(matches!(doubt, LedgerFault::Unknown(_)), "{doubt:?}");
    let closed = LedgerFault::NothingHappened(Cause::Closed);
    assert_eq!(commit(&ledger, before, 4, 5), Err(closed));
    assert_eq!(ledger.own(), Err(closed));
    assert_eq!(ledger.write_audit(&[]), Err(closed));
    assert_eq!(ledger.settle(ACTIVITY, before, Seq(4)), Ok(Settled::Open));
    assert_eq!(count(&ledger), 3, "what is certain is still read");

    let after = ledger.recover().unwrap();
    assert!(after > before);
    assert_eq!(ledger.settle(ACTIVITY, before, Seq(3)), Ok(Settled::Written(claim(before, 3))));
    assert_eq!(ledger.settle(ACTIVITY, before, Seq(4)), Ok(Settled::Never));
    assert_eq!(commit(&ledger, after, 4, 5), Ok(vec![Written::Written; 2]));
    assert_eq!(ledger.audit().unwrap(), []);
}

/// C31: a full disk refuses a batch whole, and takes the next one once there is room.
#[test]
fn a_full_disk_writes_nothing_and_is_only_passing() {
    let (_dir, ledger) = fresh();
    let epoch = ledger.own().unwrap();
    commit(&ledger, epoch, 1, 10).unwrap();
    let limit = |pages: u32| {
        with_writer(&ledger, |writer| {
            writer.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        });
    };
    limit(1);
    let full = commit(&ledger, epoch, 11, 5_000);
    assert_eq!(full, Err(LedgerFault::NothingHappened(Cause::DiskFull)));
    assert_eq!(count(&ledger), 10);
    limit(1_000_000);
    commit(&ledger, epoch, 11, 5_000).unwrap();
    assert_eq!(count(&ledger), 5_000);
    assert_eq!(ledger.audit().unwrap(), []);
}

/// Someone who reads keeps the log; until it is empty nothing is certain, and the ledger stays closed.
#[test]
fn recovery_fails_while_another_process_is_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let settings = SqliteSettings { busy_wait_ms: 20, ..SqliteSettings::default() };
    let ledger = open(&dir, settings);
    let epoch = ledger.own().unwrap();
    commit(&ledger, epoch, 1, 3).unwrap();
    let other = SqliteLedger::open_for_reading(&dir.path().join("data")).unwrap();
    let busy = LedgerFault::NothingHappened(Cause::Busy);
    let mut visited = 0;
    let visit = &mut |_| {
        visited += 1;
        assert_eq!(ledger.recover(), Err(busy));
        let closed = LedgerFault::NothingHappened(Cause::Closed);
        assert_eq!(commit(&ledger, epoch, 4, 4), Err(closed));
    };
    other.claims(ACTIVITY, visit).unwrap();
    assert_eq!(visited, 3);
    let epoch = ledger.recover().unwrap();
    commit(&ledger, epoch, 4, 4).unwrap();
    assert_eq!(count(&ledger), 4);
}

/// A power cut while the log is moved is only harmless where all of it is on the disk, and that only an owner sees to.
#[test]
fn a_reader_that_is_the_last_to_go_leaves_the_log_where_it_is() {
    let (dir, ledger) = fresh();
    let epoch = ledger.own().unwrap();
    commit(&ledger, epoch, 1, 3).unwrap();
    // As a process that dies leaves it: nothing is closed in order.
    let dead = tempfile::tempdir().unwrap();
    let data = dead.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let names = ["ledger.sqlite3", "ledger.sqlite3-wal"];
    let bytes = |from: &Path| names.map(|name| std::fs::read(from.join(name)).unwrap());
    let before = bytes(&dir.path().join("data"));
    names
        .iter()
        .zip(&before)
        .for_each(|(name, bytes)| std::fs::write(data.join(name), bytes).unwrap());
    let reader = SqliteLedger::open_for_reading(&data).unwrap();
    assert_eq!(count(&reader), 3);
    drop(reader);
    assert!(bytes(&data) == before, "a reader has moved the log");
    assert_eq!(count(&open(&dead, SqliteSettings::default())), 3);
}

#[test]
fn a_log_written_anew_says_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let database = files::database(dir.path());
    assert_eq!(files::write_log_anew(&database), Ok(()), "there is none");
    let log: Vec<u8> = (0_u32..700_001).flat_map(u32::to_le_bytes).collect();
    let path = dir.path().join("ledger.sqlite3-wal");
    std::fs::write(&path, &log).unwrap();
    assert_eq!(files::write_log_anew(&database), Ok(()));
    assert!(std::fs::read(&path).unwrap() == log);
}

const SMALL_LOG: u32 = 128;

fn log_pages(dir: &TempDir) -> u64 {
    let log = dir.path().join("data").join("ledger.sqlite3-wal");
    std::fs::metadata(log).map_or(0, |log| log.len() / connection::PAGE_BYTES as u64)
}

#[test]
fn the_log_stays_bounded_under_constant_writing() {
    let dir = tempfile::tempdir().unwrap();
    let (checkpoint_pages, wal_pages_max) = (SMALL_LOG / 4, SMALL_LOG);
    let ledger =
        open(&dir, SqliteSettings { checkpoint_pages, wal_pages_max, ..Default::default() });
    let epoch = ledger.own().unwrap();
    let mut longest = 0;
    for batch in 0..400 {
        commit(&ledger, epoch, batch * 500 + 1, batch * 500 + 500).unwrap();
        longest = longest.max(log_pages(&dir));
    }
    assert!(longest >= u64::from(checkpoint_pages), "the log was written: {longest} pages");
    // A batch of 500 is at most 20 pages, and the log is looked at after each.
    assert!(longest <= u64::from(SMALL_LOG + 32), "{longest} pages");
    assert_eq!(ledger.audit().unwrap(), []);
}

#[test]
fn a_log_that_a_reader_made_long_is_cut_when_the_reader_has_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (checkpoint_pages, wal_pages_max) = (SMALL_LOG / 4, SMALL_LOG);
    let ledger =
        open(&dir, SqliteSettings { checkpoint_pages, wal_pages_max, ..Default::default() });
    let epoch = ledger.own().unwrap();
    let write = |batch: u32| commit(&ledger, epoch, batch * 500 + 1, batch * 500 + 500).unwrap();
    {
        let reader = ledger.readers.reader().unwrap();
        let reading = Transaction::new_unchecked(&reader, rusqlite::TransactionBehavior::Deferred);
        let reading = reading.unwrap();
        current_epoch(&reading).unwrap();
        (0..100).for_each(|batch| drop(write(batch)));
        assert!(log_pages(&dir) > u64::from(2 * SMALL_LOG), "{} pages", log_pages(&dir));
    }
    (100..120).for_each(|batch| drop(write(batch)));
    assert!(log_pages(&dir) <= u64::from(SMALL_LOG + 32), "{} pages", log_pages(&dir));
}

#[test]
fn more_readers_than_allowed_wait_and_are_then_told_busy() {
    let dir = tempfile::tempdir().unwrap();
    let settings = SqliteSettings { readers_max: 2, busy_wait_ms: 20, ..Default::default() };
    let ledger = open(&dir, settings);
    let one = ledger.readers.reader().unwrap();
    let two = ledger.readers.reader().unwrap();
    let busy = LedgerFault::NothingHappened(Cause::Busy);
    assert_eq!(ledger.activities(), Err(busy));
    drop(one);
    assert_eq!(ledger.activities(), Ok(Vec::new()));
    drop(two);
}

#[test]
fn a_newcomer_waits_for_the_owner_to_go() {
    let (dir, first) = fresh();
    let (tell, told) = mpsc::channel();
    std::thread::scope(|scope| {
        let newcomer = scope.spawn(|| {
            tell.send(()).unwrap();
            let settings = SqliteSettings { owner_wait_ms: 60_000, ..Default::default() };
            open(&dir, settings).own().unwrap()
        });
        told.recv().unwrap();
        let epoch = first.own().unwrap();
        drop(first);
        assert!(newcomer.join().unwrap() > epoch);
    });
}

/// They hold secrets, password hashes and codes.
#[test]
fn nobody_else_may_read_the_files() {
    let (dir, ledger) = fresh();
    let epoch = ledger.own().unwrap();
    commit(&ledger, epoch, 1, 1).unwrap();
    let data = dir.path().join("data");
    ledger.backup(&data.join("backup")).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> =
        std::fs::read_dir(&data).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 4, "database, log, lock and backup: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn only_what_this_program_wrote_is_opened() {
    let table: [(&str, Cause); 3] = [
        ("PRAGMA user_version = 1000", Cause::NewerFormat),
        ("PRAGMA application_id = 1", Cause::Corrupt),
        ("DROP TABLE owner", Cause::Corrupt),
    ];
    for (change, expected) in table {
        let (dir, ledger) = fresh();
        drop(ledger);
        let data = dir.path().join("data");
        Connection::open(files::database(&data)).unwrap().execute_batch(change).unwrap();
        let opened = SqliteLedger::open(&data, SqliteSettings::default())
            .and_then(|ledger| ledger.own().map(drop));
        assert_eq!(opened.unwrap_err().cause(), expected, "{change}");
    }
    let dir = tempfile::tempdir().unwrap();
    let nothing = SqliteLedger::open_for_reading(dir.path()).err();
    assert_eq!(nothing, Some(LedgerFault::NothingHappened(Cause::Io)));
    std::fs::write(files::database(dir.path()), [b'x'; 8192]).unwrap();
    let garbage = SqliteLedger::open(dir.path(), SqliteSettings::default()).err();
    assert_eq!(garbage, Some(LedgerFault::NothingHappened(Cause::Corrupt)));
}

#[test]
fn the_schema_is_what_its_version_says() {
    let (_dir, ledger) = fresh();
    let tables: String = ledger
        .read("reading the schema", |connection| {
            let sql = "SELECT group_concat(name, ' ') FROM
                       (SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name)";
            Ok(connection.query_row(sql, [], |row| row.get(0))?)
        })
        .unwrap();
    let expected = "activities audit claims codes events names owner participants \
                    revoked_sessions rosters secrets taken_back tallies ticket_types";
    assert_eq!(tables, expected);
}
