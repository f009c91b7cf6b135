//! The waiting lists: a place is kept until it is left or offered a unit, and is given anew after that.
//! Nothing here may know which ledger is under test.

use crate::given::{NOW, activity, add, change, done, draft, entry, held, plain, write};
use crate::subject::Subject;
use ledger::{Change, Changed, Ledger, NewUnits};
use rules::{
    ActivityNo, Claim, Epoch, EventKind, EventNo, JoinNo, TypeNo, UnitKind, UnitNo, UserNo,
};

const ALREADY: Changed = Changed::Already { payment: None, state: None };

fn join(activity: ActivityNo, ticket_type: u16, user: u32) -> Change {
    Change::LineUp { activity, ticket_type: TypeNo(ticket_type), user: UserNo(user) }
}

fn leave(activity: ActivityNo, ticket_type: u16, user: u32) -> Change {
    Change::LeaveLine { activity, ticket_type: TypeNo(ticket_type), user: UserNo(user) }
}

/// Joins, and returns the place.
fn joins(ledger: &dyn Ledger, epoch: Epoch, no: ActivityNo, user: u32) -> JoinNo {
    let (events, payment) = done(ledger, epoch, NOW, join(no, 0, user));
    assert_eq!((events.len(), payment), (1, None));
    let lined_up = EventKind::LinedUp { ticket_type: TypeNo(0), user: UserNo(user) };
    assert_eq!(events[0].kind, lined_up);
    JoinNo(events[0].no)
}

fn line(ledger: &dyn Ledger, no: ActivityNo) -> Vec<(JoinNo, u16, u32)> {
    let mut all = Vec::new();
    ledger.line(no, &mut |join, kind, user| all.push((join, kind.0, user.0))).unwrap();
    all
}

/// An activity with a second type, beside one with another number.
fn two_types(ledger: &dyn Ledger) -> (Epoch, ActivityNo) {
    let (epoch, _) = plain(ledger);
    let mut new = activity("two types", NewUnits::Plain(9));
    new.activity.types.push(crate::given::ticket("sofa", UnitKind::Plain));
    new.units.push(NewUnits::Plain(9));
    (epoch, add(ledger, epoch, new))
}

/// C22: people stand in the order in which they joined, and asking again moves nobody.
pub fn a_place_in_line_is_kept(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = two_types(&*ledger);
    let batch = [join(no, 0, 9), join(no, 1, 3), join(no, 0, 3), join(no, 0, 9), join(no, 0, 5)];
    let answers = change(&*ledger, epoch, NOW, &batch);
    assert_eq!(answers[3], ALREADY);
    assert_eq!(change(&*ledger, epoch, NOW, &[join(no, 1, 3)]), [ALREADY]);
    let at = |no| JoinNo(EventNo(no));
    let expected = [(at(1), 0, 9), (at(2), 1, 3), (at(3), 0, 3), (at(4), 0, 5)];
    assert_eq!(line(&*ledger, no), expected);
    drop(ledger);
    let ledger = subject.open();
    assert_eq!(line(&*ledger, no), expected);
    assert_eq!(line(&*ledger, ActivityNo(no.0 - 1)), []);
    assert_eq!(ledger.activity(no).unwrap().unwrap().through, EventNo(4));
}

/// C22: who left and comes again stands at the end.
pub fn whoever_left_and_comes_again_stands_at_the_end(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = two_types(&*ledger);
    let [first, second] = [1, 2].map(|user| joins(&*ledger, epoch, no, user));
    let (events, _) = done(&*ledger, epoch, NOW, leave(no, 0, 1));
    let left = EventKind::LeftLine { ticket_type: TypeNo(0), user: UserNo(1), join: first };
    assert_eq!(events[0].kind, left);
    assert_eq!(line(&*ledger, no), [(second, 0, 2)]);
    let nowhere = [leave(no, 0, 1), leave(no, 1, 2), leave(no, 0, 7)];
    assert_eq!(change(&*ledger, epoch, NOW, &nowhere), [ALREADY; 3]);
    let again = joins(&*ledger, epoch, no, 1);
    assert!(again > second);
    assert_eq!(line(&*ledger, no), [(second, 0, 2), (again, 0, 1)]);
    drop(ledger);
    let ledger = subject.open();
    assert_eq!(line(&*ledger, no), [(second, 0, 2), (again, 0, 1)]);
}

/// O5, C22: a place that was offered a unit is used up; its owner may only join anew.
pub fn a_place_that_was_offered_a_unit_is_used_up(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = two_types(&*ledger);
    let [first, second] = [1, 2].map(|user| joins(&*ledger, epoch, no, user));
    let offer = Claim { offer: Some(first), ..held(no, epoch, 1) };
    write(&*ledger, epoch, &[offer]);
    assert_eq!(line(&*ledger, no), [(first, 0, 1), (second, 0, 2)], "its claim says the rest");
    assert_eq!(change(&*ledger, epoch, NOW, &[leave(no, 0, 1)]), [ALREADY]);
    let again = joins(&*ledger, epoch, no, 1);
    assert_eq!(line(&*ledger, no), [(first, 0, 1), (second, 0, 2), (again, 0, 1)]);
    assert_eq!(change(&*ledger, epoch, NOW, &[join(no, 0, 1)]), [ALREADY], "they wait again");
    done(&*ledger, epoch, NOW, leave(no, 0, 1));
    assert_eq!(line(&*ledger, no), [(first, 0, 1), (second, 0, 2)]);
    assert_eq!(ledger.audit().unwrap(), []);
}

/// Somebody may leave while the claim made for them is on its way to the ledger; both are true.
pub fn an_offer_may_meet_a_place_that_was_left(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = two_types(&*ledger);
    let first = joins(&*ledger, epoch, no, 1);
    done(&*ledger, epoch, NOW, leave(no, 0, 1));
    let offer = Claim { offer: Some(first), unit: UnitNo(0), ..held(no, epoch, 1) };
    write(&*ledger, epoch, &[offer]);
    assert_eq!(line(&*ledger, no), []);
    assert_eq!(change(&*ledger, epoch, NOW, &[leave(no, 0, 1)]), [ALREADY]);
    joins(&*ledger, epoch, no, 1);
    assert_eq!(ledger.audit().unwrap(), []);
}

/// Closing sends nobody home, and lets nobody in.
pub fn nobody_lines_up_for_what_is_closed(subject: &dyn Subject) {
    let ledger = subject.open();
    let (epoch, no) = two_types(&*ledger);
    let first = joins(&*ledger, epoch, no, 1);
    ledger.append(epoch, &draft(no, EventKind::Closed), &entry("close")).unwrap();
    let closed = [join(no, 0, 2), join(no, 0, 1)];
    assert_eq!(change(&*ledger, epoch, NOW, &closed), [Changed::Closed, Changed::Closed]);
    assert_eq!(line(&*ledger, no), [(first, 0, 1)]);
    done(&*ledger, epoch, NOW, leave(no, 0, 1));
    assert_eq!(line(&*ledger, no), []);
    let stranger = ActivityNo(no.0 + 1);
    let open = ActivityNo(no.0 - 1);
    let unknown =
        [join(stranger, 0, 1), leave(stranger, 0, 1), join(open, 1, 1), leave(open, 1, 1)];
    assert_eq!(change(&*ledger, epoch, NOW, &unknown), [const { Changed::Unknown }; 4]);
}
