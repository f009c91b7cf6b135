//! One owner at a time, anyone may read beside it, and a backup is taken while everything goes on.
//! Nothing here may know which ledger is under test, nor rely on how fast it is.

use crate::given::{NOW, activity, claim, claims, commit, draft, entry, plain, write, written};
use crate::subject::Subject;
use ledger::{
    Cause, Change, Lateness, Ledger, LedgerFault, NewPerson, NewUnits, NoticeRecord, Role, Source,
    Written,
};
use rules::{EventKind, Part, TypeNo, UserNo};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

pub fn a_second_owner_is_refused_until_the_first_has_gone(subject: &dyn Subject) {
    let first = subject.open();
    let (epoch, activity) = plain(&*first);
    for _ in 0..3 {
        let second = subject.try_open().err();
        assert_eq!(second, Some(LedgerFault::NothingHappened(Cause::Busy)));
    }
    write(&*first, epoch, &claims(activity, epoch, 1));
    drop(first);
    let second = subject.open();
    assert_eq!(written(&*second, activity).len(), 1);
}

pub fn every_ownership_has_its_own_epoch(subject: &dyn Subject) {
    let mut last = None;
    for _ in 0..3 {
        let ledger = subject.open();
        for _ in 0..2 {
            let epoch = ledger.own().unwrap();
            assert!(Some(epoch) > last, "raised at every start, durably");
            last = Some(epoch);
        }
        last = last.max(Some(ledger.recover().unwrap()));
    }
}

pub fn a_reader_beside_the_owner_sees_what_is_written_and_writes_nothing(subject: &dyn Subject) {
    let owner = subject.open();
    let (epoch, no) = plain(&*owner);
    let secret = owner.secret("known").unwrap();
    let reader = subject.open_for_reading();
    for n in 1..=3 {
        write(&*owner, epoch, &[claim(no, epoch, n)]);
        assert_eq!(written(&*reader, no), claims(no, epoch, n));
    }
    assert_eq!(reader.secret("known").unwrap(), secret);
    assert_eq!(reader.audit().unwrap(), []);
    refuses_every_write(&*reader, epoch, no);
    drop(owner);
    assert_eq!(written(&*reader, no).len(), 3, "the owner's end is not the reader's");
    drop(reader);
    let owner = subject.open();
    assert_eq!(owner.last_user().unwrap(), UserNo(0));
    assert_eq!(written(&*owner, no).len(), 3);
}

fn refuses_every_write(reader: &dyn Ledger, epoch: rules::Epoch, no: rules::ActivityNo) {
    let closed = LedgerFault::NothingHappened(Cause::Closed);
    let names = ["zhang".to_owned()];
    let person = NewPerson {
        name: "zhang".into(),
        display_name: String::new(),
        role: Role::Buyer,
        password_hash: None,
    };
    let part = Part { activity: no, user: UserNo(1), seen_at: NOW, refusal: None };
    let log = entry("none");
    assert_eq!(reader.own(), Err(closed));
    assert_eq!(reader.recover(), Err(closed));
    assert_eq!(reader.commit(epoch, &[claim(no, epoch, 9)], &mut Vec::new()), Err(closed));
    assert_eq!(reader.record_parts(epoch, &[part]), Err(closed));
    let (ticket_type, user) = (TypeNo(0), UserNo(1));
    let line_up = Change::LineUp { activity: no, ticket_type, user };
    assert_eq!(reader.change(epoch, NOW, &[line_up], &mut Vec::new()), Err(closed));
    let notice = NoticeRecord {
        at: NOW,
        provider: "test".into(),
        reason: "none",
        order: None,
        stray: false,
    };
    assert_eq!(reader.record_notices(&[notice]), Err(closed));
    assert_eq!(reader.heartbeat(epoch, NOW), Err(closed));
    assert_eq!(reader.extend(epoch, Lateness { from: NOW, by_ms: 1 }), Err(closed));
    let new = activity("new", NewUnits::Plain(1));
    assert_eq!(reader.add_activities(epoch, &[new], &log), Err(closed.into()));
    assert_eq!(reader.append(epoch, &draft(no, EventKind::Paused), &log), Err(closed));
    assert_eq!(reader.add_codes(epoch, no, TypeNo(0), &names, &log), Err(closed));
    assert_eq!(reader.write_audit(&[log]), Err(closed));
    assert_eq!(reader.register("zhang", "hash", NOW), Err(closed));
    assert_eq!(reader.adopt(&names, Source::Issuer, NOW), Err(closed));
    assert_eq!(reader.add_people(&[person], NOW), Err(closed));
    assert_eq!(reader.set_password(UserNo(1), "hash"), Err(closed));
    assert_eq!(reader.end_sessions(UserNo(1)), Err(closed));
    assert_eq!(reader.revoke(UserNo(1), [0; 16], NOW), Err(closed));
    assert_eq!(reader.secret("unknown"), Err(closed));
}

/// Commits batches of 50 until told to stop; returns how many claims were written.
fn keep_writing(
    ledger: &dyn Ledger,
    no: rules::ActivityNo,
    epoch: rules::Epoch,
    acknowledged: &AtomicU32,
    stop: &AtomicBool,
) -> u32 {
    let mut last = 0;
    while !stop.load(Ordering::Acquire) {
        let batch: Vec<_> = (last + 1..=last + 50).map(|n| claim(no, epoch, n)).collect();
        assert_eq!(commit(ledger, epoch, &batch), [Written::Written; 50]);
        last += 50;
        acknowledged.store(last, Ordering::Release);
    }
    last
}

pub fn a_backup_while_claims_are_written_is_whole(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    let (acknowledged, stop) = (AtomicU32::new(0), AtomicBool::new(false));
    let mut backups = Vec::new();
    let all = std::thread::scope(|scope| {
        let writer = scope.spawn(|| keep_writing(&*ledger, no, epoch, &acknowledged, &stop));
        for n in 0..5u32 {
            // Each backup begins in the middle of a sale that has gone on since the last.
            while acknowledged.load(Ordering::Acquire) < (n + 1) * 200 && !writer.is_finished() {
                std::thread::yield_now();
            }
            let before = acknowledged.load(Ordering::Acquire);
            let to = subject.files().join(format!("backup-{n}"));
            let done = ledger.backup(&to);
            backups.push((to, before, done));
        }
        stop.store(true, Ordering::Release);
        writer.join().unwrap()
    });
    assert_eq!(written(&*ledger, no).len(), all as usize);
    for (to, before, done) in backups {
        assert_eq!(done, Ok(()));
        let restored = subject.restored(&to);
        let copy = restored.open();
        let copied = written(&*copy, no);
        assert!(copied.len() >= before as usize, "what was acknowledged before is in it");
        assert_eq!(copied, claims(no, epoch, copied.len() as u32));
        assert_eq!(copy.audit().unwrap(), []);
        assert!(copy.own().unwrap() > epoch);
    }
}

pub fn a_backup_never_overwrites(subject: &dyn Subject) {
    let ledger = subject.open();
    let to = subject.files().join("backup");
    std::fs::write(&to, "mine").unwrap();
    assert_eq!(ledger.backup(&to), Err(LedgerFault::NothingHappened(Cause::Exists)));
    assert_eq!(std::fs::read(&to).unwrap(), b"mine");
    let nowhere = subject.files().join("missing").join("backup");
    assert_eq!(ledger.backup(&nowhere), Err(LedgerFault::NothingHappened(Cause::Io)));
    std::fs::remove_file(&to).unwrap();
    ledger.backup(&to).unwrap();
    let left = std::fs::read_dir(subject.files()).unwrap().count();
    assert_eq!(left, 2, "the data and the backup, and nothing half-written");
}

pub fn readers_and_writers_do_not_wait_for_each_other(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = plain(&*ledger);
    write(&*ledger, epoch, &claims(no, epoch, 10));
    let mut visited = 0;
    let visit = &mut |seen: rules::Claim, _| {
        visited += 1;
        // Writing, and reading what was just written, in the middle of a visit.
        write(&*ledger, epoch, &[claim(no, epoch, 10 + seen.seq.0)]);
        assert_eq!(written(&*ledger, no).len() as u32, 10 + seen.seq.0);
    };
    ledger.claims(no, visit).unwrap();
    assert_eq!(visited, 10, "a visit sees the ledger as it was when it began");
}
