//! Reports on small histories made by hand: the words of the verdict, what is escaped, what never appears, and
//! that no plot holds a number that is none.

use super::*;
use crate::{
    history::{
        Announced, AnnouncedType, Asked, Call, Effect, Key, Micros, OrderRow, Person, Refused,
        Shown, TypeIndex,
    },
    http::{Capacity, LimitedBy, Rung, Suggested},
    verdict::FINDINGS_MAX,
};

const CODE: &str = "SECRET-CODE-7";
const OPENING: Micros = Micros(2_000_000);

fn ticket(number: u32) -> Ticket {
    Ticket {
        order: Some(format!("order-{number}")),
        id: format!("ticket-{number}"),
        type_id: "seat".to_owned(),
        code: Some(format!("{CODE}{number}")),
        claim_no: number,
    }
}

fn call(person: u32, asked: Asked, sent: u64, took: u64, heard: Heard) -> Call {
    let sent = Micros(OPENING.0 + sent);
    Call { person: Person(person), asked, sent, ended: Micros(sent.0 + took), heard }
}

fn claim(person: u32, sent: u64, took: u64, heard: Heard) -> Call {
    let asked = Asked::Claim { ticket_type: TypeIndex(0), key: Some(Key(1)) };
    call(person, asked, sent, took, heard)
}

fn announced(stock: u32) -> Announced {
    let seat = AnnouncedType {
        id: "seat".to_owned(),
        stock,
        codes: (1..=stock).map(|number| format!("{CODE}{number}")).collect(),
        limit_per_person: 1,
        opens: OPENING,
        ends: Micros(60_000_000),
    };
    Announced { activity: "re<hearsal".to_owned(), types: vec![seat], ..Announced::default() }
}

/// Three winners, one of them after a lost reply; refusals and troubles of every kind.
fn small() -> History {
    let unit = |number| Heard::Won(ticket(number));
    let early = claim(9, 0, 700, Heard::Refused(Refused::NotStarted, Vec::new()));
    let early = Call { sent: Micros(1_500_000), ended: Micros(1_500_700), ..early };
    let calls = vec![
        early,
        call(7, Asked::List, 10, 300, Heard::Shown(Shown::default())),
        claim(1, 1_000, 2_000, unit(1)),
        claim(2, 1_500, 2_500, Heard::Lost),
        claim(3, 2_000, 2_400, unit(3)),
        claim(4, 3_000, 900, Heard::Refused(Refused::SoldOut, Vec::new())),
        claim(5, 3_100, 900, Heard::Refused(Refused::SoldOut, Vec::new())),
        claim(1, 9_000, 400, Heard::Refused(Refused::LimitReached, vec![ticket(1)])),
        claim(6, 9_100, 400, Heard::Busy { retry_after: false }),
        claim(6, 9_200, 400, Heard::Failed(Effect::Unknown)),
        claim(6, 9_300, 400, Heard::Strange { status: 418, ret: None }),
        claim(2, 50_000, 600, unit(2)),
    ];
    let order = OrderRow { code: Some(format!("{CODE}1")), ..OrderRow::default() };
    let names = (0..10).map(|person| format!("<b>person-{person}</b>")).collect();
    History { announced: announced(3), names, calls, orders: vec![order], ..History::default() }
}

fn facts() -> Facts {
    Facts {
        version: "0.1.0".to_owned(),
        server: "http://[::1]:3000 & \"others\"".to_owned(),
        machine: "<script>alert(1)</script>".to_owned(),
        began_at: 1_796_118_245,
        seed: 7,
        connections: 4,
        mix: vec![("reader".to_owned(), 80), ("frantic".to_owned(), 0)],
        command: "firstcome rehearse --seed 7".to_owned(),
        notes: vec!["A <note>.".to_owned()],
        ..Facts::default()
    }
}

fn learnt() -> Learnt {
    let rung = Rung { offered_per_s: 1_000, answered_per_s: 998, ..Rung::default() };
    let capacity =
        Capacity { requests_per_s: 12_345, limited_by: LimitedBy::Latency, rungs: vec![rung] };
    let suggested =
        Suggested { connections_max: 20_000, pending_claims_max: 50_000, requests_per_s: 9_000 };
    let refusals = Capacity::default();
    Learnt { connections: 256, p99_bound_ms: 100, detail: capacity, refusals, suggested }
}

fn green() -> Verdict {
    let looked_at = CHECKS.iter().map(|(name, ..)| (*name, 12)).collect();
    Verdict { looked_at, ..Verdict::default() }
}

fn red() -> Verdict {
    let what = format!(
        "<i>person-4</i> was shown {CODE}2, and \"{CODE}3\". {} {CODE}1",
        "Again and again. ".repeat(10)
    );
    let of = |promise, check| Finding { promise, check, what: what.clone() };
    let mut verdict = green();
    verdict.findings =
        vec![of(Promise::InOrder, "inversion"), of(Promise::OneLimit, "limit-of-type")];
    verdict.more = vec![("inversion", 40)];
    verdict
}

fn all(report: &Report<'_>) -> [String; 3] {
    [report.text(), report.json(), report.html()]
}

/// Every number in a drawing is one, and every tag of the page is harmless.
#[track_caller]
fn assert_page_is_sound(html: &str) {
    for part in html.split("<svg").skip(1) {
        let (svg, _) = part.split_once("</svg>").expect("every drawing ends");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        for attribute in [" d=\"", " x=\"", " y=\"", "viewBox=\""] {
            for value in svg.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
                let numbers = value.split(|c: char| c.is_ascii_alphabetic() || c == ' ');
                for number in numbers.filter(|number| !number.is_empty()) {
                    assert!(number.parse::<f64>().is_ok_and(f64::is_finite), "{number} in {value}");
                }
            }
        }
    }
    for refused in ["<script", "javascript:", "<link", "<img", "<iframe", "@import", "url(", "src="]
    {
        assert!(!html.contains(refused), "{refused}");
    }
    let hosts = html.matches("://").count();
    assert_eq!(hosts, html.matches("http://[::1]:3000").count(), "no host but the rehearsed one");
}

#[test]
fn a_held_rehearsal_says_so_first_in_every_form() {
    let (history, facts, learnt) = (small(), facts(), learnt());
    let report = Report::new(&history, &green(), Some(&learnt), &facts);
    assert_eq!(report.conclusion(), Conclusion::Held);
    assert!(report.conclusion().is_success());
    let text = report.text();
    assert!(
        text.starts_with("EVERY PROMISE HELD. 10 people made 11 claims for 3 units."),
        "{text}"
    );
    assert_eq!(text.matches("PASS").count(), 7, "{text}");
    assert!(!text.contains("FAIL") && !text.contains("Findings"), "{text}");
    assert!(text.contains("connections_max = 20000"), "{text}");
    let wide = text.lines().map(|line| line.chars().count()).max();
    assert!(wide.is_some_and(|wide| wide <= 100), "{text}");
    let html = report.html();
    assert!(html.contains("<h1>Every promise held.</h1>") && html.contains("7/7"), "{html}");
    assert_page_is_sound(&html);
}

#[test]
fn a_broken_promise_is_named_with_its_findings() {
    let (history, facts) = (small(), facts());
    let report = Report::new(&history, &red(), None, &facts);
    assert_eq!(report.conclusion(), Conclusion::Broken);
    assert!(!report.conclusion().is_success());
    let text = report.text();
    assert!(text.starts_with("2 PROMISES ARE BROKEN."), "{text}");
    assert_eq!(text.matches("FAIL").count(), 2, "{text}");
    assert!(text.contains("FAIL  5 First come, first served"), "{text}");
    assert!(text.contains(", 41 findings"), "{text}");
    assert!(text.contains("5 inversion: ") && text.contains("and 40 more"), "{text}");
    let html = report.html();
    assert!(html.contains("class=\"stub broken\"") && html.contains("<code>inversion</code>"));
    assert_page_is_sound(&html);
}

/// Nothing found is no success where nothing was decided, or nothing looked at.
#[test]
fn what_was_not_looked_at_is_no_success() {
    let facts = facts();
    let lost = claim(1, 10, 10, Heard::Lost);
    let unheard = History { calls: vec![lost], announced: announced(3), ..History::default() };
    let table = [
        (History::default(), green()),
        (History::default(), Verdict::default()),
        (small(), Verdict::default()),
        (unheard, green()),
    ];
    for (history, verdict) in table {
        let report = Report::new(&history, &verdict, None, &facts);
        assert_eq!(report.conclusion(), Conclusion::NothingLookedAt);
        assert!(!report.conclusion().is_success());
        assert!(report.text().starts_with("NOTHING WAS LOOKED AT."));
        assert_page_is_sound(&report.html());
    }
}

#[test]
fn no_code_appears_in_any_report() {
    let (history, facts) = (small(), facts());
    for verdict in [green(), red()] {
        for report in all(&Report::new(&history, &verdict, None, &facts)) {
            assert!(!report.contains(CODE), "{report}");
        }
    }
    let report = Report::new(&history, &red(), None, &facts).text();
    assert_eq!(report.matches("(a code)").count(), 6, "{report}");
}

#[test]
fn every_text_is_escaped() {
    let (history, facts) = (small(), facts());
    let html = Report::new(&history, &red(), None, &facts).html();
    for raw in ["<script", "<i>person", "re<hearsal", "<note>", "& \"others\""] {
        assert!(!html.contains(raw), "{raw}");
    }
    for escaped in
        ["&lt;script&gt;", "&lt;i&gt;person", "re&lt;hearsal", "&lt;note&gt;", "&amp; &quot;"]
    {
        assert!(html.contains(escaped), "{escaped}");
    }
}

/// Plots of nothing, of one call, and of calls at impossible moments.
#[test]
fn plots_hold_finite_numbers_whatever_was_seen() {
    let facts = facts();
    let one = |heard| vec![claim(1, 5, 0, heard)];
    let mut backwards = claim(1, 5, 0, Heard::Won(ticket(1)));
    (backwards.sent, backwards.ended) = (Micros(u64::MAX), Micros(0));
    let first = Call { sent: Micros(0), ended: Micros(u64::MAX), ..backwards.clone() };
    let unannounced = History { calls: one(Heard::Won(ticket(9))), ..History::default() };
    let of = |calls| History { announced: announced(2), calls, ..History::default() };
    let table = [
        History::default(),
        of(Vec::new()),
        of(one(Heard::Won(ticket(1)))),
        of(one(Heard::Lost)),
        of(vec![backwards.clone()]),
        of(vec![first, backwards]),
        unannounced,
    ];
    for history in table {
        let report = Report::new(&history, &green(), None, &facts);
        assert_page_is_sound(&report.html());
        let document: serde_json::Value = serde_json::from_str(&report.json()).expect("JSON");
        assert_eq!(document["schema"], SCHEMA);
        report.text();
    }
}

#[test]
fn numbers_are_those_of_the_history() {
    let (history, facts, learnt) = (small(), facts(), learnt());
    let report = Report::new(&history, &green(), Some(&learnt), &facts);
    let document: serde_json::Value = serde_json::from_str(&report.json()).expect("JSON");
    assert_eq!(document["verdict"], "held");
    assert_eq!(document["promises"][4]["name"], "in_order");
    assert_eq!(document["promises"][4]["looked_at"]["inversion"], 12);
    let numbers = &document["numbers"];
    assert_eq!((&numbers["calls"], &numbers["claims"]), (&12.into(), &11.into()));
    assert_eq!((&numbers["units"], &numbers["tickets"]), (&3.into(), &3.into()));
    assert_eq!(numbers["last_ticket_ms"], 4.4);
    let refused = serde_json::json!({"limit_reached": 1, "not_started": 1, "sold_out": 2});
    assert_eq!(numbers["refused"], refused);
    assert_eq!(numbers["busy"], serde_json::json!({"count": 1, "without_retry_after": 1}));
    assert_eq!(numbers["failed"], serde_json::json!({"none": 0, "unknown": 1}));
    assert_eq!(numbers["lost"], 1);
    assert_eq!(numbers["strange"], serde_json::json!([{"status": 418, "ret": null, "count": 1}]));
    let won = numbers["latency_ms"].as_array().and_then(|rows| {
        rows.iter().find(|row| (&row["call"], &row["answer"]) == (&"claim".into(), &"won".into()))
    });
    let won = won.expect("there were winners");
    assert_eq!((&won["count"], &won["max"]), (&3.into(), &2.4.into()));
    let accepted = document["over_time"]["accepted"].as_array().expect("bins");
    assert_eq!(accepted.iter().filter_map(serde_json::Value::as_u64).sum::<u64>(), 3);
    assert_eq!(document["learnt"]["suggested"]["connections_max"], 20_000);
    let fragment = document["learnt"]["configuration"].as_str().expect("a text");
    assert!(fragment.contains("[server]\nconnections_max = 20000\n"), "{fragment}");
    assert_eq!(report.numbers.winners.iter().filter(|winner| winner.again).count(), 1);
}

/// A hold that was paid, one that expired and went to the line, and their payments.
fn with_payers() -> History {
    use crate::history::paying::{
        Minor, Order, PayAsked, PayCall, PayHeard, Paying, PaymentRow, PaymentState, PricedRow,
        PricedSale, PricedType, State,
    };
    let order = |id: &str, state| Order { id: id.to_owned(), state, ..Order::default() };
    let call = |person, at: u64, heard| PayCall {
        person: Person(person),
        asked: PayAsked::Place(TypeIndex(0)),
        sent: Micros(OPENING.0 + at),
        ended: Micros(OPENING.0 + at + 1_000),
        heard,
    };
    let row =
        |order: &str, state| PricedRow { order: order.to_owned(), state, ..PricedRow::default() };
    let payment =
        |state, amount| PaymentRow { state, amount: Minor(amount), ..PaymentRow::default() };
    let codes = vec![format!("{CODE}-priced")];
    let paying = Paying {
        sale: PricedSale {
            currency: "CNY".to_owned(),
            types: vec![PricedType { codes, ..PricedType::default() }],
            ..PricedSale::default()
        },
        names: vec!["a".to_owned(), "b".to_owned()],
        calls: vec![
            call(0, 1_000, PayHeard::Order(order("x", State::Held))),
            call(1, 2_000, PayHeard::Order(order("y", State::Held))),
            call(1, 3_000, PayHeard::HeldByOthers),
            call(1, 4_000, PayHeard::InLine { ahead: 0 }),
            call(0, 9_000, PayHeard::Order(order("x", State::Paid))),
            call(1, 12_000, PayHeard::Order(order("y", State::Expired))),
            call(1, 13_000, PayHeard::NotInLine { offer: Some("z".to_owned()) }),
        ],
        orders: vec![row("x", State::Paid), row("y", State::Expired)],
        payments: vec![
            payment(PaymentState::Confirmed, 9_900),
            payment(PaymentState::Refunded, 100),
        ],
        ..Paying::default()
    };
    History { paying: Some(Box::new(paying)), ..small() }
}

#[test]
fn payers_are_told_of_in_every_form_and_only_where_there_were_any() {
    let (history, facts) = (with_payers(), facts());
    let report = Report::new(&history, &green(), None, &facts);
    let text = report.text();
    for line in [
        "payers           2, 7 calls",
        "orders           paid 1, expired 1",
        "payments         confirmed 1 (99.00 CNY), refunded 1 (1.00 CNY)",
        "hold to paid     8.00 ms (p50), 8.00 ms (p99)",
        "came back        1 unit of orders that ended unpaid",
        "in line          1 person; 1 offer made",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let document: serde_json::Value = serde_json::from_str(&report.json()).expect("JSON");
    assert_eq!(document["paying"]["orders"], serde_json::json!({"paid": 1, "expired": 1}));
    assert_eq!(document["paying"]["payments"]["confirmed"]["minor"], 9_900);
    let html = report.html();
    assert!(html.contains("<h2>Paying</h2>") && html.contains("Orders over time"), "{html}");
    assert_page_is_sound(&html);
    for form in all(&report) {
        assert!(!form.contains(CODE), "{form}");
    }
    let (history, verdict) = (small(), green());
    let report = Report::new(&history, &verdict, None, &facts);
    assert!(!report.html().contains("Paying") && !report.text().contains("Paying"));
    let document: serde_json::Value = serde_json::from_str(&report.json()).expect("JSON");
    assert!(document["paying"].is_null());
}

#[test]
fn a_measurement_that_was_stopped_suggests_no_settings() {
    let (history, facts, verdict) = (small(), facts(), green());
    let stopped = Capacity { limited_by: LimitedBy::Stopped, ..Capacity::default() };
    let learnt = Learnt { refusals: stopped, ..learnt() };
    let report = Report::new(&history, &verdict, Some(&learnt), &facts);
    for text in all(&report) {
        assert!(text.contains("12,345") || text.contains("12345"), "what is known is told: {text}");
        assert!(text.contains("before it had learnt") && !text.contains("[server]"), "{text}");
        assert!(!text.contains("no rate that was tried"), "nothing was tried: {text}");
    }
    let document: serde_json::Value = serde_json::from_str(&report.json()).expect("JSON");
    assert_eq!(document["learnt"]["suggested"], serde_json::Value::Null);
    assert_eq!(document["learnt"]["capacity"]["refusals"]["limited_by"], "stopped");
}

/// A long rehearsal of many people makes no longer page than a short one of some.
#[test]
fn a_report_is_bounded_however_much_was_seen() {
    let facts = facts();
    let mut calls: Vec<Call> = (0..40_000_u32)
        .map(|at| {
            claim(at, u64::from(at) * 90_000, u64::from(at % 977) * 50, Heard::Won(ticket(at)))
        })
        .collect();
    calls.sort_by_key(|call| call.ended);
    let history = History { announced: announced(0), calls, ..History::default() };
    let finding =
        Finding { promise: Promise::AnswersKept, check: "lost-award", what: "x".repeat(100_000) };
    let verdict =
        Verdict { findings: vec![finding; CHECKS.len() * FINDINGS_MAX], ..Verdict::default() };
    let report = Report::new(&history, &verdict, None, &facts);
    let left_out = CHECKS.len() * FINDINGS_MAX - FINDINGS_SHOWN_MAX;
    assert!(report.text().contains(&format!("and {} more", figures::thousands(left_out as u64))));
    for form in all(&report) {
        assert!(form.len() < 200_000, "{}", form.len());
    }
}
