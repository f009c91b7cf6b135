//! Claims are written once, durably, under the running ownership; whatever contradicts another is found.
//! Whether at commit or at the audit is for the ledger to declare, never for a test to assume.

use crate::given::{basket, claim, claims, commit, held, key, plain, write, written};
use crate::subject::Subject;
use ledger::{Detection, Finding, Ledger, Settled, Written};
use rules::{
    ActivityNo, BASKET_UNITS_MAX, CLAIMS_MAX, Claim, ClaimNo, EventNo, JoinNo, Seq, TimeMs, TypeNo,
    UnitNo, UserNo,
};

pub fn claims_come_back_as_written_in_the_order_of_their_seq(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let largest = Claim {
        unit: UnitNo(rules::UNITS_MAX - 1),
        ticket_type: TypeNo(rules::TYPES_MAX - 1),
        user: UserNo(rules::USERS_MAX),
        claim_no: ClaimNo(CLAIMS_MAX),
        ordinal_in_type: 9_999,
        ordinal_in_activity: 10_000,
        decided_at: TimeMs(253_402_300_799_999),
        key: Some(rules::KeyHash::from_bytes([0xff; 16])),
        priced: true,
        offer: Some(JoinNo(EventNo(i64::MAX as u64))),
        ..claim(activity, epoch, 3)
    };
    let first = Claim { key: Some(key(1)), ..claim(activity, epoch, 1) };
    write(&*ledger, epoch, &[first, claim(activity, epoch, 2)]);
    write(&*ledger, epoch, &[largest]);
    assert_eq!(written(&*ledger, activity), [first, claim(activity, epoch, 2), largest]);
    assert_eq!(ledger.audit().unwrap(), []);
}

pub fn claims_survive_reopening(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let all = claims(activity, epoch, 1_234);
    for batch in all.chunks(100) {
        write(&*ledger, epoch, batch);
    }
    drop(ledger);
    let ledger = subject.open();
    assert_eq!(written(&*ledger, activity), all);
    let epoch = ledger.own().unwrap();
    write(&*ledger, epoch, &[claim(activity, epoch, 1_235)]);
    assert_eq!(ledger.audit().unwrap(), []);
}

pub fn activities_do_not_see_each_others_claims(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, one) = plain(&*ledger);
    let two = ActivityNo(one.0 + 1);
    let mixed = [claim(two, epoch, 1), claim(one, epoch, 1), claim(two, epoch, 2)];
    write(&*ledger, epoch, &mixed);
    assert_eq!(written(&*ledger, one), [mixed[1]]);
    assert_eq!(written(&*ledger, two), [mixed[0], mixed[2]]);
    assert_eq!(written(&*ledger, ActivityNo(two.0 + 1)), []);
}

pub fn an_empty_batch_writes_nothing(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    assert_eq!(commit(&*ledger, epoch, &[]), []);
    assert_eq!(written(&*ledger, activity), []);
}

pub fn the_same_claim_again_finds_itself(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let all = claims(activity, epoch, 2);
    write(&*ledger, epoch, &all[..1]);
    assert_eq!(commit(&*ledger, epoch, &all), [Written::Already(all[0]), Written::Written]);
    let twice = [all[1], claim(activity, epoch, 3), claim(activity, epoch, 3)];
    let answers = commit(&*ledger, epoch, &twice);
    assert_eq!(answers, [Written::Already(all[1]), Written::Written, Written::Already(twice[2])]);
    assert_eq!(written(&*ledger, activity), claims(activity, epoch, 3));
    assert_eq!(ledger.audit().unwrap(), []);
}

/// The second of two claims contradicts the first: at commit it is answered and not written; at audit it is found.
fn contradiction(
    ledger: &dyn Ledger,
    first: Claim,
    second: Claim,
    answer: Written,
    finding: Finding,
) {
    write(ledger, first.epoch, &[first]);
    match ledger.detection() {
        Detection::AtCommit => {
            assert_eq!(commit(ledger, first.epoch, &[second]), [answer]);
            assert_eq!(written(ledger, first.activity), [first]);
            assert_eq!(ledger.audit().unwrap(), []);
        }
        Detection::AtAudit => {
            assert_eq!(ledger.audit().unwrap(), []);
            write(ledger, first.epoch, &[second]);
            assert_eq!(ledger.audit().unwrap(), [finding]);
        }
    }
}

pub fn a_unit_taken_twice_is_found(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let first = claim(activity, epoch, 1);
    let second = Claim { unit: first.unit, ..claim(activity, epoch, 2) };
    let finding = Finding::UnitTwice(activity, first.ticket_type, first.unit);
    contradiction(&*ledger, first, second, Written::UnitTaken, finding);
}

pub fn an_ordinal_twice_in_a_type_is_found(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let first = claim(activity, epoch, 1);
    let second = Claim { user: first.user, ordinal_in_activity: 2, ..claim(activity, epoch, 2) };
    let finding = Finding::OrdinalTwice(activity, Seq(2));
    contradiction(&*ledger, first, second, Written::OrdinalTaken, finding);
}

pub fn an_ordinal_twice_in_an_activity_is_found(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let first = claim(activity, epoch, 1);
    let second = Claim { user: first.user, ticket_type: TypeNo(1), ..claim(activity, epoch, 2) };
    let finding = Finding::OrdinalTwice(activity, Seq(2));
    contradiction(&*ledger, first, second, Written::OrdinalTaken, finding);
}

pub fn a_key_twice_is_found(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let first = Claim { key: Some(key(1)), ..claim(activity, epoch, 1) };
    let second = Claim {
        user: first.user,
        key: first.key,
        ordinal_in_type: 2,
        ordinal_in_activity: 2,
        ..claim(activity, epoch, 2)
    };
    let finding = Finding::KeyTwice(activity, Seq(2));
    contradiction(&*ledger, first, second, Written::Already(first), finding);
}

pub fn one_bad_claim_never_fails_its_batch(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let all = claims(activity, epoch, 4);
    write(&*ledger, epoch, &all[..2]);
    let same_unit = Claim { user: UserNo(77), ..all[0] };
    let same_ordinal = Claim { unit: UnitNo(77), ..all[1] };
    let answers = commit(&*ledger, epoch, &[all[2], same_unit, same_ordinal, all[3]]);
    let expected = [Written::Written, Written::UnitTaken, Written::OrdinalTaken, Written::Written];
    assert_eq!(answers, expected);
    assert_eq!(written(&*ledger, activity), all);
    assert_eq!(ledger.audit().unwrap(), []);
}

/// An order's lines are one row each, and one order all together.
pub fn the_lines_of_an_order_are_written_together(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let mut all = vec![claim(activity, epoch, 1)];
    all.extend(basket(activity, epoch, 2, 3));
    all.push(held(activity, epoch, 5));
    let largest = basket(activity, epoch, 6, BASKET_UNITS_MAX);
    all.extend(&largest);
    write(&*ledger, epoch, &all);
    assert_eq!(written(&*ledger, activity), all);
    assert_eq!(largest.last().unwrap().order().seq, Seq(6));
    let again: Vec<_> = all.iter().map(|line| Written::Already(*line)).collect();
    assert_eq!(commit(&*ledger, epoch, &all), again);
    assert_eq!(ledger.audit().unwrap(), []);
}

/// None of an order's lines is written where one cannot be.
pub fn an_order_is_written_whole_or_not_at_all(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let all = claims(activity, epoch, 3);
    write(&*ledger, epoch, &all);
    // A bug of the decider: the first line stands where another claim does.
    let broken = basket(activity, epoch, 3, 3);
    let answers = commit(&*ledger, epoch, &broken);
    assert!(!answers.contains(&Written::Written), "{answers:?}");
    assert_eq!(written(&*ledger, activity), all);
    write(&*ledger, epoch, &basket(activity, epoch, 4, 2));
    assert_eq!(ledger.audit().unwrap(), []);
}

/// A lost line is found wherever it was in its order, once.
pub fn an_order_that_lost_a_line_is_found(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let all: Vec<_> = [1, 4, 7].iter().flat_map(|n| basket(activity, epoch, *n, 3)).collect();
    write(&*ledger, epoch, &all);
    drop(ledger);
    let mut expected = Vec::new();
    for lost in [1, 5, 9] {
        subject.lose(activity, Seq(lost));
        expected.push(Finding::SeqGap(activity, Seq(lost)));
    }
    assert_eq!(subject.open().audit().unwrap(), expected);
}

pub fn a_place_in_line_offered_twice_is_found(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let offer = |n| Claim { offer: Some(JoinNo(EventNo(7))), ..held(activity, epoch, n) };
    let finding = Finding::OfferTwice(activity, Seq(2));
    contradiction(&*ledger, offer(1), offer(2), Written::UnitTaken, finding);
}

pub fn the_same_numbers_in_other_activities_contradict_nothing(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let with_key = Claim { key: Some(key(1)), ..claim(activity, epoch, 1) };
    let elsewhere = Claim { activity: ActivityNo(activity.0 + 1), ..with_key };
    let someone_else = Claim { key: Some(key(1)), ..claim(activity, epoch, 2) };
    write(&*ledger, epoch, &[with_key, elsewhere, someone_else]);
    assert_eq!(ledger.audit().unwrap(), []);
}

/// Nothing that was acknowledged goes missing unnoticed, not even the very last claim.
pub fn a_lost_claim_is_found_wherever_it_was(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    write(&*ledger, epoch, &claims(activity, epoch, 9));
    drop(ledger);
    let mut expected = Vec::new();
    for lost in [1, 5, 9] {
        subject.lose(activity, Seq(lost));
        expected.push(Finding::SeqGap(activity, Seq(lost)));
    }
    // That the ninth, the last, is missing shows in the tally alone.
    let found = subject.open().audit().unwrap();
    assert_eq!(found, expected);

    let other = ActivityNo(activity.0 + 1);
    let ledger = subject.open();
    let epoch = ledger.own().unwrap();
    write(&*ledger, epoch, &claims(other, epoch, 1));
    drop(ledger);
    subject.lose(other, Seq(1));
    assert!(subject.open().audit().unwrap().contains(&Finding::SeqGap(other, Seq(1))));
}

pub fn an_ended_owner_commits_nothing(subject: &dyn Subject) {
    let ledger = subject.open();
    let (ended, activity) = plain(&*ledger);
    write(&*ledger, ended, &claims(activity, ended, 1));
    let running = ledger.own().unwrap();
    let late = [claim(activity, ended, 2), claim(activity, ended, 3)];
    assert_eq!(commit(&*ledger, ended, &late), [Written::StaleEpoch; 2]);
    assert_eq!(written(&*ledger, activity), claims(activity, ended, 1));
    write(&*ledger, running, &[claim(activity, running, 2)]);
}

/// Otherwise "never" could be answered about a claim that is written later.
pub fn a_claim_decided_under_an_ended_ownership_is_not_written(subject: &dyn Subject) {
    let ledger = subject.open();
    let (ended, activity) = plain(&*ledger);
    let running = ledger.own().unwrap();
    let late = [claim(activity, running, 1), claim(activity, ended, 2)];
    assert_eq!(commit(&*ledger, running, &late), [Written::StaleEpoch; 2]);
    assert_eq!(written(&*ledger, activity), []);
}

/// The question about a claim that is missing has a final answer.
pub fn a_missing_claim_of_an_ended_ownership_is_never_written(subject: &dyn Subject) {
    let ledger = subject.open();
    let (ended, activity) = plain(&*ledger);
    let first = claim(activity, ended, 1);
    write(&*ledger, ended, &[first]);
    assert_eq!(ledger.settle(activity, ended, Seq(1)), Ok(Settled::Written(first)));

    let second = claim(activity, ended, 2);
    match ledger.detection() {
        Detection::AtAudit => {
            assert_eq!(ledger.settle(activity, ended, Seq(2)), Ok(Settled::Open));
        }
        Detection::AtCommit => {
            assert_eq!(ledger.settle(activity, ended, Seq(2)), Ok(Settled::Never));
            assert_eq!(commit(&*ledger, ended, &[second]), [Written::Tombstoned]);
        }
    }
    let running = ledger.own().unwrap();
    assert_eq!(ledger.settle(activity, ended, Seq(2)), Ok(Settled::Never));
    // Another claim in its place does not bring it back.
    let other = Claim { user: UserNo(9), ..claim(activity, running, 2) };
    write(&*ledger, running, &[other]);
    assert_eq!(ledger.settle(activity, ended, Seq(2)), Ok(Settled::Never));
    assert_eq!(ledger.settle(activity, running, Seq(2)), Ok(Settled::Written(other)));
    assert_eq!(ledger.settle(activity, ended, Seq(1)), Ok(Settled::Written(first)));
}

pub fn recovery_takes_ownership_anew_and_keeps_what_was_written(subject: &dyn Subject) {
    let ledger = subject.open();
    let (before, activity) = plain(&*ledger);
    write(&*ledger, before, &claims(activity, before, 3));
    let after = ledger.recover().unwrap();
    assert!(after > before);
    assert_eq!(commit(&*ledger, before, &[claim(activity, before, 4)]), [Written::StaleEpoch]);
    assert_eq!(written(&*ledger, activity), claims(activity, before, 3));
    write(&*ledger, after, &[claim(activity, after, 4)]);
}

pub fn a_units_claim_is_found(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, activity) = plain(&*ledger);
    let all = claims(activity, epoch, 3);
    write(&*ledger, epoch, &all);
    let find = |ticket_type, unit| {
        ledger.claim_of_unit(activity, TypeNo(ticket_type), UnitNo(unit)).unwrap()
    };
    assert_eq!(find(0, 1), Some(all[1]));
    // What came back and went to somebody else is theirs.
    let later = Claim { unit: UnitNo(1), ..claim(activity, epoch, 4) };
    write(&*ledger, epoch, &[later]);
    assert_eq!(find(0, 1), Some(later));
    assert_eq!(find(0, 3), None);
    assert_eq!(find(1, 1), None);
}
