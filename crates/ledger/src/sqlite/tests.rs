//! What is SQLite's own: faults of the disk, the length of the log, files and modes, the version of the format.
//! What every ledger has to do stands in the conformance suite, never here.

use super::*;
use crate::contract::{
    ActivityLedger, AuditEntry, Change, Changed, ClaimLedger, NewActivity, NewPayment, NewUnits,
    OrderLedger, OrderMark, Settled, Written,
};
use rules::{
    Activity, ActivityNo, Claim, ClaimNo, EventNo, Money, OrderNo, OrderState, OrderStep, Seq,
    TicketType, TimeMs, TypeNo, UnitKind, UnitNo, UserNo, Validity, Window,
};
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
        line: 0,
        lines: 1,
        priced: false,
        offer: None,
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
    ledger.claims(ACTIVITY, &mut |_, _| count += 1).unwrap();
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
    let visit = &mut |_, _| {
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
    let expected = "activities audit claims codes cursors deliveries endpoints events extensions \
                    names notices offers orders outgoing outgoing_marks owner participants \
                    pay_starts payments revoked_sessions rosters secrets sqlite_sequence taken_back \
                    tallies ticket_types";
    assert_eq!(tables, expected);
}

const AT: TimeMs = TimeMs(1_796_090_500_000);

/// An activity with one priced type, and ten unpaid orders.
fn with_orders(ledger: &SqliteLedger) -> Epoch {
    let price = Money { minor: 990, currency: "CNY".into() };
    let seat = TicketType {
        id: "seat".into(),
        name: "Seat".into(),
        desc: String::new(),
        image: String::new(),
        price,
        limit_per_user: 1,
        kind: UnitKind::Plain,
        window: None,
        pay_within_s: 900,
        offer_within_s: 300,
        validity: Validity { from: AT, until: None },
    };
    let activity = Activity {
        id: "night".into(),
        name: "Night".into(),
        desc: String::new(),
        image: String::new(),
        window: Window::new(TimeMs(0), AT).unwrap(),
        limit_per_user: None,
        has_roster: false,
        standby: true,
        types: vec![seat],
    };
    let (action, target, detail) = ("import".into(), String::new(), String::new());
    let entry = AuditEntry { at: AT, who: "operator".into(), action, target, detail };
    let epoch = ledger.own().unwrap();
    let new = NewActivity { activity, units: vec![NewUnits::Plain(10)], roster: Vec::new() };
    let added = ledger.add_activities(epoch, &[new], &entry).unwrap();
    assert_eq!(added[0].no, ACTIVITY);
    let held: Vec<_> = (1..=10).map(|n| Claim { priced: true, ..claim(epoch, n) }).collect();
    ledger.commit(epoch, &held, &mut Vec::new()).unwrap();
    epoch
}

/// A change of every kind of thing, each of which leaves something behind.
fn batch() -> Vec<Change> {
    let order = |n| OrderNo { activity: ACTIVITY, seq: Seq(n) };
    let pay = |n: u32| {
        let amount = Money { minor: 990, currency: "CNY".into() };
        let (provider, reference) = ("test".into(), n.to_string());
        Change::Receive(NewPayment { provider, reference, order: order(n), amount })
    };
    let (activity, ticket_type, user) = (ACTIVITY, TypeNo(0), UserNo(11));
    vec![
        pay(1),
        Change::Step { order: order(2), step: OrderStep::Expire },
        pay(2),
        pay(3),
        Change::Step { order: order(3), step: OrderStep::OweRefund },
        Change::LineUp { activity, ticket_type, user },
    ]
}

/// What a batch leaves behind: states, payments, people in line, the activity's last event, events.
fn left(ledger: &SqliteLedger) -> (Vec<OrderState>, usize, u32, EventNo, u32) {
    let mut states = Vec::new();
    ledger.claims(ACTIVITY, &mut |_, mark| states.push(mark.state)).unwrap();
    let mut line = 0;
    ledger.line(ACTIVITY, &mut |_, _, _| line += 1).unwrap();
    let events = "SELECT count(*) FROM events";
    let events = |connection: &Connection| Ok(connection.query_row(events, [], |row| row.get(0))?);
    (
        states,
        ledger.payments(None, None, 100).unwrap().len(),
        line,
        ledger.activity(ACTIVITY).unwrap().unwrap().through,
        ledger.read("counting events", events).unwrap(),
    )
}

fn change(ledger: &SqliteLedger, epoch: Epoch) -> Result<Vec<Changed>, LedgerFault> {
    let mut answers = vec![Changed::Closed];
    ledger.change(epoch, AT, &batch(), &mut answers).map(|()| answers)
}

/// C31, O3: changes in doubt are there with their events or not at all, and proposed again they are decided anew.
#[test]
fn changes_in_doubt_leave_nothing_without_their_events() {
    let (_dir, ledger) = fresh();
    let before = with_orders(&ledger);
    let nothing = left(&ledger);
    with_writer(&ledger, |writer| writer.commit_hook(Some(|| true)).unwrap());
    let doubt = change(&ledger, before).unwrap_err();
    assert!(matches!(doubt, LedgerFault::Unknown(_)), "{doubt:?}");
    let closed = LedgerFault::NothingHappened(Cause::Closed);
    assert_eq!(change(&ledger, before), Err(closed));
    assert_eq!(ledger.heartbeat(before, AT), Err(closed));
    let after = ledger.recover().unwrap();
    assert_eq!(left(&ledger), nothing);
    let answers = change(&ledger, after).unwrap();
    assert!(answers.iter().all(|answer| matches!(answer, Changed::Done { .. })), "{answers:?}");
    assert_eq!(ledger.audit().unwrap(), []);
}

/// C19, O3: a process that dies at any point of writing a batch leaves all of it or nothing.
#[test]
fn a_batch_of_changes_is_whole_wherever_the_process_died() {
    let (dir, ledger) = fresh();
    let epoch = with_orders(&ledger);
    let data = dir.path().join("data");
    let names = ["ledger.sqlite3", "ledger.sqlite3-wal"];
    let log = || std::fs::read(data.join(names[1])).unwrap();
    let (nothing, before) = (left(&ledger), log());
    change(&ledger, epoch).unwrap();
    let (all, log) = (left(&ledger), log());
    let database = std::fs::read(data.join(names[0])).unwrap();
    assert_ne!(all, nothing);
    // The log was used before: behind what was written of the batch stands what stood there.
    let differs = |at: &usize| before.get(*at) != Some(&log[*at]);
    let first = (0..log.len()).find(differs).unwrap();
    let past = (0..log.len()).rfind(differs).unwrap() + 1;
    // A frame of the log is a page with 24 bytes in front of it.
    let frame = connection::PAGE_BYTES as usize + 24;
    assert!(past - first > 4 * frame, "the batch is of several pages");
    for cut in (first..past).step_by(frame / 2).chain([past - 1, past]) {
        let mut found = log[..cut].to_vec();
        found.extend(before.iter().skip(cut));
        let dead = tempfile::tempdir().unwrap();
        let there = dead.path().join("data");
        std::fs::create_dir(&there).unwrap();
        std::fs::write(there.join(names[0]), &database).unwrap();
        std::fs::write(there.join(names[1]), &found).unwrap();
        let found = open(&dead, SqliteSettings::default());
        let expected = if cut == past { &all } else { &nothing };
        assert_eq!(left(&found), *expected, "cut at {cut} of {first}..{past}");
        assert_eq!(found.audit().unwrap(), []);
    }
}

/// An older file's claims are single lines of free orders, and its types offer as long as they hold.
#[test]
fn a_file_of_the_first_release_is_read_as_it_was_meant() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let old = Connection::open(files::database(&data)).unwrap();
    schema::make_version(&old, 1).unwrap();
    let rows = "
        UPDATE owner SET epoch = 3;
        INSERT INTO activities VALUES (1, 'old', 'Old', '', '', 0, 9, NULL, 0, 0, 0, 1);
        INSERT INTO ticket_types
            VALUES (1, 0, 'seat', 'Seat', '', '', 0, 'CNY', 1, 1, NULL, NULL, 77, 0, NULL, 9);
        INSERT INTO events VALUES (1, 1, 5, 4, 0, 7, 9, 4, x'00112233445566778899aabbccddeeff');
        INSERT INTO tallies VALUES (1, 2);
        INSERT INTO claims VALUES ((1 << 32) + 1, 0, 0, 1, 1, 1, 1, 1796090400000, 3, NULL, 1);
        INSERT INTO claims VALUES ((1 << 32) + 2, 0, 1, 2, 2, 1, 1, 1796090400000, 3, NULL, 1);";
    old.execute_batch(rows).unwrap();
    drop(old);
    let closed = LedgerFault::NothingHappened(Cause::Closed);
    assert_eq!(SqliteLedger::open_for_reading(&data).err(), Some(closed), "its owner comes first");

    let ledger = open(&dir, SqliteSettings::default());
    let mut read = Vec::new();
    ledger.claims(ACTIVITY, &mut |claim, mark| read.push((claim, mark))).unwrap();
    let free = OrderMark { state: OrderState::Paid, paid_at: None, ended_at: None };
    assert_eq!(read, [(claim(Epoch(3), 1), free), (claim(Epoch(3), 2), free)]);
    let stored = ledger.activity(ACTIVITY).unwrap().unwrap();
    let seat = &stored.activity.types[0];
    assert_eq!((stored.activity.standby, seat.pay_within_s, seat.offer_within_s), (false, 77, 77));
    let key = rules::KeyHash::from_bytes([
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee,
        0xff,
    ]);
    let key = crate::contract::OperatorKey { operator: UserNo(4), key };
    let event = ledger.known_event(ACTIVITY, key).unwrap().unwrap();
    let units = rules::EventKind::UnitsAdded { ticket_type: TypeNo(0), units: 7..9 };
    assert_eq!((event.no, event.kind), (EventNo(1), units));
    assert_eq!(ledger.last_alive(), Ok(TimeMs(1_796_090_400_000)));
    let epoch = ledger.own().unwrap();
    assert_eq!(epoch, Epoch(4));
    commit(&ledger, epoch, 3, 3).unwrap();
    assert_eq!(ledger.audit().unwrap(), []);
}

/// Notices that were kept in one ring are told apart, and stay in their order.
#[test]
fn refused_notices_of_an_older_file_are_kept_by_their_sort() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let old = Connection::open(files::database(&data)).unwrap();
    schema::make_version(&old, 3).unwrap();
    let rows = "
        INSERT INTO notices VALUES (7, 10, 'test', 'bad_signature', NULL);
        INSERT INTO notices VALUES (8, 20, 'test', 'unknown_order', NULL);
        INSERT INTO notices VALUES (9, 30, 'test', 'too_old', (1 << 32) + 2);";
    old.execute_batch(rows).unwrap();
    drop(old);

    let ledger = open(&dir, SqliteSettings::default());
    let reasons = |strays_only| -> Vec<String> {
        let kept = ledger.notices(strays_only, 9).unwrap();
        kept.into_iter().map(|(_, _, reason, _)| reason).collect()
    };
    assert_eq!(reasons(false), ["too_old", "unknown_order", "bad_signature"]);
    assert_eq!(reasons(true), ["unknown_order"]);
}

/// What only a bug or damage could leave is found: each row is changed behind the ledger's back.
#[test]
fn what_contradicts_an_orders_events_is_found() {
    use crate::contract::Finding;
    let place = |n: u32| numbers::place(ACTIVITY, Seq(n));
    let table = [
        (format!("UPDATE orders SET state = 3 WHERE place = {}", place(1)), 1),
        (format!("DELETE FROM orders WHERE place = {}", place(2)), 2),
        (format!("INSERT INTO orders VALUES ({}, 2, 5, NULL)", place(4)), 4),
        (format!("INSERT INTO orders VALUES ({}, 1, NULL, NULL)", place(4)), 4),
        (format!("INSERT INTO orders VALUES ({}, 4, 5, NULL)", place(99)), 99),
        (format!("UPDATE orders SET state = 9 WHERE place = {}", place(1)), 1),
        ("UPDATE events SET step = 5 WHERE kind = 7 AND order_seq = 1".to_owned(), 1),
        ("DELETE FROM events WHERE kind = 7 AND step = 4".to_owned(), 3),
        ("UPDATE events SET order_seq = 98 WHERE kind = 7 AND order_seq = 2".to_owned(), 98),
    ];
    for (damage, seq) in table {
        let (_dir, ledger) = fresh();
        let epoch = with_orders(&ledger);
        change(&ledger, epoch).unwrap();
        assert_eq!(ledger.audit().unwrap(), []);
        with_writer(&ledger, |writer| writer.execute_batch(&damage).unwrap());
        let found = ledger.audit().unwrap();
        assert!(
            found.contains(&Finding::StepImpossible(ACTIVITY, Seq(seq))),
            "{damage}: {found:?}"
        );
    }
}

/// An order whose lines do not belong together is found at the line that shows it.
#[test]
fn a_torn_order_is_found() {
    use crate::contract::Finding;
    let line = |n: u32, line: u8, lines: u8| Claim {
        user: UserNo(1),
        ordinal_in_type: n,
        ordinal_in_activity: n,
        line,
        lines,
        ..claim(Epoch(1), n)
    };
    let table = [
        ("lines = 3, line = 1", 2, 2),
        ("line = 0", 3, 3),
        ("user_no = 9", 3, 3),
        ("state = 2", 3, 3),
        ("lines = 1", 2, 3),
        ("line = 1", 1, 1),
    ];
    for (damage, at, found) in table {
        let (_dir, ledger) = fresh();
        assert_eq!(ledger.own(), Ok(Epoch(1)));
        let order = [line(2, 0, 2), line(3, 1, 2)];
        let all = [line(1, 0, 1), order[0], order[1], line(4, 0, 1)];
        ledger.commit(Epoch(1), &all, &mut Vec::new()).unwrap();
        assert_eq!(ledger.audit().unwrap(), []);
        let sql = format!("UPDATE claims SET {damage} WHERE place & 0xffffffff = {at}");
        with_writer(&ledger, |writer| assert_eq!(writer.execute(&sql, []).unwrap(), 1));
        let findings = ledger.audit().unwrap();
        assert!(
            findings.contains(&Finding::SeqGap(ACTIVITY, Seq(found))),
            "{damage}: {findings:?}"
        );
    }
}
