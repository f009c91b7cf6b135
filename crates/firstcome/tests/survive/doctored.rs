//! Shows that the judge can find fault: each rule is given a record in which exactly that promise is broken.
//! Beside them stands what concurrency explains, which the judge must let pass.

use crate::{
    history::{Asked, Heard, Lot, Order, Participant, Question, Record, Ticket},
    judge::{Broken, judge},
};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

fn ticket(no: u64) -> Ticket {
    Ticket {
        order_id: format!("order-{no}"),
        ticket_id: format!("order-{no}-1"),
        code: Some(format!("code-{no}")),
        claim_no: no,
    }
}

/// A sale of three codes, one each, told in milliseconds since its beginning.
struct Tale {
    begun: Instant,
    record: Record,
}

impl Tale {
    /// Persons 0, 1 and 2 win one after the other, person 3 hears "sold out".
    fn sound() -> Self {
        let lot = Lot {
            activity: "act".to_owned(),
            ticket_type: "seat".to_owned(),
            units: 3,
            limit: 1,
            limit_in_activity: 1,
            codes: (1..=3).map(|no| format!("code-{no}")).collect(),
        };
        let record = Record { lots: vec![lot], ..Record::default() };
        let mut tale = Self { begun: Instant::now(), record };
        for person in 0..3 {
            let no = person as u64 + 1;
            tale.ask(person, (no * 100, no * 100 + 10), Heard::Won(ticket(no)));
            tale.record.orders.push(Order { person, lot: 0, ticket: ticket(no) });
            tale.take_part(person, Some("won"), Some(no));
        }
        tale.ask(3, (400, 410), Heard::Refused(-2, Vec::new()));
        tale.take_part(3, Some("sold_out"), None);
        tale
    }

    fn say(&mut self, person: usize, question: Question, when: (u64, u64), heard: Heard) {
        let at = |ms| self.begun + Duration::from_millis(ms);
        let (sent, answered) = (at(when.0), at(when.1));
        self.record.history.push(Asked { person, lot: 0, question, sent, answered, heard });
    }

    fn ask(&mut self, person: usize, when: (u64, u64), heard: Heard) {
        self.say(person, Question::Claim(Some("key".to_owned())), when, heard);
    }

    fn ask_result(&mut self, person: usize, claim: &str, when: (u64, u64), heard: Heard) {
        self.say(person, Question::Result(claim.to_owned()), when, heard);
    }

    fn take_part(&mut self, person: usize, outcome: Option<&str>, claim_no: Option<u64>) {
        let (activity, outcome) = ("act".to_owned(), outcome.map(str::to_owned));
        self.record.participants.push(Participant { person, activity, outcome, claim_no });
    }

    /// The request of this person in the sound tale.
    fn of(&mut self, person: usize) -> &mut Asked {
        &mut self.record.history[person]
    }

    fn finds(&self, expected: &[Broken]) {
        let expected: BTreeSet<Broken> = expected.iter().cloned().collect();
        assert_eq!(judge(&self.record), expected);
    }
}

#[test]
fn a_sound_sale_is_found_sound() {
    Tale::sound().finds(&[]);
}

#[test]
fn what_two_requests_at_the_same_time_explain_is_let_pass() {
    let mut tale = Tale::sound();
    // Person 2's first request was lost and may have been decided before person 3 was refused.
    let late = tale.of(2);
    late.heard = Heard::Lost;
    tale.ask(2, (500, 510), Heard::Won(ticket(3)));
    // Person 1 asked before person 0 was answered.
    tale.of(1).sent = tale.begun + Duration::from_millis(105);
    tale.record.orders[0].ticket.claim_no = 2;
    tale.record.orders[1].ticket.claim_no = 1;
    tale.of(0).heard = Heard::Won(Ticket { claim_no: 2, ..ticket(1) });
    tale.of(1).heard = Heard::Won(Ticket { claim_no: 1, ..ticket(2) });
    tale.record.lots[0].codes.swap(0, 1);
    tale.finds(&[]);
}

#[test]
fn a_lost_acknowledged_ticket_is_found() {
    let lost = Broken::AcknowledgedLost("order-3-1".to_owned());
    let mut gone = Tale::sound();
    gone.record.orders.pop();
    gone.record.participants.remove(2);
    gone.record.lots[0].units = 2;
    gone.finds(std::slice::from_ref(&lost));
    let changes: [fn(&mut Order); 2] =
        [|order| order.ticket.order_id = "other".to_owned(), |order| order.ticket.claim_no = 9];
    for change in changes {
        let mut changed = Tale::sound();
        change(&mut changed.record.orders[2]);
        changed.finds(std::slice::from_ref(&lost));
    }
    let mut strangers = Tale::sound();
    strangers.record.orders[2].person = 4;
    strangers.ask(4, (300, 310), Heard::Lost);
    strangers.record.participants[2].person = 4;
    strangers.finds(&[lost]);
}

#[test]
fn a_unit_sold_twice_is_found() {
    type Change = fn(&mut Ticket);
    let changes: [(&str, Change); 4] = [
        ("ticket order-1-1", |ticket| ticket.ticket_id = "order-1-1".to_owned()),
        ("order order-1", |ticket| ticket.order_id = "order-1".to_owned()),
        ("claim 1 of lot 0", |ticket| ticket.claim_no = 1),
        ("code code-1", |ticket| ticket.code = Some("code-1".to_owned())),
    ];
    for (mark, change) in changes {
        let mut tale = Tale::sound();
        change(&mut tale.record.orders[1].ticket);
        let found = judge(&tale.record);
        assert!(found.contains(&Broken::SoldTwice(mark.to_owned())), "{mark}: {found:?}");
    }
}

#[test]
fn an_oversold_lot_is_found() {
    let mut tale = Tale::sound();
    tale.record.lots[0].units = 2;
    tale.finds(&[Broken::Oversold(0)]);
}

#[test]
fn a_person_above_the_limit_is_found() {
    let mut tale = Tale::sound();
    tale.of(1).person = 0;
    tale.of(1).question = Question::Claim(Some("another key".to_owned()));
    tale.record.orders[1].person = 0;
    tale.record.participants.remove(1);
    tale.finds(&[Broken::LimitExceeded(0, 0)]);
    // Two types of one each are within their own limits, and above the activity's.
    let mut other = tale.record.lots[0].clone();
    other.ticket_type = "other".to_owned();
    (other.units, other.codes) = (1, vec!["code-2".to_owned()]);
    tale.record.lots.push(other);
    (tale.record.lots[0].units, tale.of(1).lot, tale.record.orders[1].lot) = (2, 1, 1);
    tale.finds(&[Broken::LimitExceeded(0, 0), Broken::LimitExceeded(0, 1)]);
    tale.record.lots.iter_mut().for_each(|lot| lot.limit_in_activity = 2);
    tale.finds(&[]);
}

#[test]
fn a_code_out_of_order_is_found() {
    let mut tale = Tale::sound();
    tale.record.lots[0].codes.swap(0, 1);
    tale.finds(&[Broken::CodesOutOfOrder(0)]);
    let mut foreign = Tale::sound();
    foreign.record.lots[0].codes[1] = "of another lot".to_owned();
    foreign.finds(&[Broken::CodesOutOfOrder(0)]);
}

/// C32
#[test]
fn a_sold_out_that_was_proved_wrong_is_found() {
    let mut latecomer = Tale::sound();
    latecomer.ask(4, (50, 60), Heard::Refused(-2, Vec::new()));
    latecomer.finds(&[Broken::SoldOutProvedWrong(4, 0)]);
    let mut left = Tale::sound();
    left.record.lots[0].units = 4;
    left.finds(&[Broken::SoldOutProvedWrong(3, 0)]);
}

#[test]
fn a_limit_reached_by_nothing_is_found() {
    let refused = |tickets: &[&str]| {
        Heard::Refused(-5, tickets.iter().map(|&ticket| ticket.to_owned()).collect())
    };
    let mut right = Tale::sound();
    right.ask(0, (500, 510), refused(&["order-1-1"]));
    right.finds(&[]);
    let wrong: [(usize, &[&str]); 4] =
        [(3, &["order-1-1"]), (0, &["order-2-1"]), (0, &[]), (0, &["unheard of"])];
    for (person, tickets) in wrong {
        let mut tale = Tale::sound();
        tale.ask(person, (500, 510), refused(tickets));
        tale.finds(&[Broken::LimitProvedWrong(person, 0)]);
    }
}

/// C11
#[test]
fn a_queued_claim_without_one_true_end_is_found() {
    let queued = || {
        let mut tale = Tale::sound();
        tale.of(2).heard = Heard::Queued("order-3".to_owned());
        tale
    };
    let mut well = queued();
    well.ask_result(2, "order-3", (320, 330), Heard::Queued("order-3".to_owned()));
    well.ask_result(2, "order-3", (340, 350), Heard::Busy);
    well.ask_result(2, "order-3", (360, 370), Heard::Won(ticket(3)));
    well.finds(&[]);
    let mut silent = queued();
    silent.ask_result(2, "order-3", (320, 330), Heard::Busy);
    silent.finds(&[Broken::NeverEnded("order-3".to_owned())]);
    let mut risen = queued();
    risen.ask_result(2, "order-3", (320, 330), Heard::Nothing);
    risen.finds(&[Broken::RoseFromTheDead("order-3".to_owned())]);
    let mut fickle = well;
    fickle.ask_result(2, "order-3", (380, 390), Heard::Nothing);
    fickle.finds(&[Broken::ChangedItsMind("order-3".to_owned())]);
}

#[test]
fn an_inversion_is_found() {
    let mut tale = Tale::sound();
    tale.record.lots[0].codes.clear();
    for at in 0..3 {
        let no = [2, 1, 3][at];
        let ticket = Ticket { claim_no: no, code: None, ..ticket(at as u64 + 1) };
        tale.of(at).heard = Heard::Won(ticket.clone());
        tale.record.orders[at].ticket = ticket;
    }
    tale.finds(&[Broken::Inversion(0, 1, 0)]);
}

#[test]
fn a_key_with_two_tickets_is_found() {
    let mut tale = Tale::sound();
    tale.of(1).person = 0;
    tale.record.orders[1].person = 0;
    tale.record.participants.remove(1);
    (tale.record.lots[0].limit, tale.record.lots[0].limit_in_activity) = (2, 2);
    tale.finds(&[Broken::KeyTwice(0, "key".to_owned())]);
}

#[test]
fn an_order_after_nothing_happened_is_found() {
    for heard in [Heard::Nothing, Heard::Busy, Heard::Refused(-4, Vec::new())] {
        let mut tale = Tale::sound();
        tale.of(2).heard = heard;
        tale.finds(&[Broken::Phantom(2, 0)]);
    }
    // Told that nothing happened, and given a number from before the next attempt.
    let mut tale = Tale::sound();
    tale.of(1).heard = Heard::Nothing;
    tale.ask(1, (390, 395), Heard::Won(ticket(2)));
    tale.finds(&[Broken::Inversion(2, 1, 0)]);
}

#[test]
fn participants_that_contradict_the_orders_are_found() {
    let broken = |person| Broken::Participation(person, "act".to_owned());
    let mut missing = Tale::sound();
    missing.record.participants.remove(1);
    missing.finds(&[broken(1)]);
    let mut twice = Tale::sound();
    twice.take_part(3, Some("sold_out"), None);
    twice.finds(&[broken(3)]);
    let wrong: [(usize, Option<&str>, Option<u64>); 5] = [
        (3, Some("won"), Some(4)),
        (0, Some("sold_out"), None),
        (0, Some("won"), None),
        (3, Some("not_eligible"), None),
        (3, Some("unheard of"), None),
    ];
    for (person, outcome, claim_no) in wrong {
        let mut tale = Tale::sound();
        tale.record.participants.remove(person);
        tale.take_part(person, outcome, claim_no);
        tale.finds(&[broken(person)]);
    }
}
