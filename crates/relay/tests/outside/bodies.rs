//! What an event says: every kind once, as readers of the stream and receivers get it.
//! A redemption code is in none of them.

use crate::stage::{Stage, settings};
use ledger::{Change, OutNo};
use relay::{EventBody, FactKind};
use rules::{EventKind, OrderStep, TypeNo, UserNo};
use serde_json::{Value, json};

async fn events(stage: &Stage, activity: rules::ActivityNo) -> Vec<EventBody> {
    let relay = relay::Relay::start(stage.parts(relay::SystemResolver), settings()).unwrap();
    relay.events(activity, OutNo(0), 100, usize::MAX).await.unwrap().bodies
}

fn read(one: &EventBody) -> Value {
    serde_json::from_slice(&one.json).unwrap()
}

#[tokio::test]
async fn an_event_is_a_cloud_event_with_the_fact_as_its_data() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    stage.held(activity, 2);
    let all = events(&stage, activity).await;
    let event = read(&all[0]);
    let time = event["time"].as_str().unwrap().to_owned();
    assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    let pay_by = event["data"]["pay_by"].as_u64().unwrap();
    assert_eq!(pay_by, all[0].at.seconds() + 900);
    let expected = json!({
        "specversion": "1.0",
        "id": "night/1",
        "source": "firstcome",
        "type": "firstcome.order.held",
        "subject": "order-1-1",
        "time": time,
        "datacontenttype": "application/json",
        "sequence": "00000000000000000001",
        "data": {
            "activity_id": "night",
            "no": 1,
            "order_id": "order-1-1",
            "user": "person-3",
            "state": "held",
            "price": "19.80",
            "currency": "CNY",
            "pay_by": pay_by,
            "tickets": [
                {"id": "order-1-1-1", "type_id": "seat", "claim_no": 1, "unit": 0},
                {"id": "order-1-1-2", "type_id": "seat", "claim_no": 2, "unit": 1},
            ],
        },
    });
    assert_eq!(event, expected);
}

#[tokio::test]
async fn every_kind_of_fact_has_its_event() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let (ticket_type, user) = (TypeNo(0), UserNo(2));
    let cancelled = stage.held(activity, 1);
    let expired = stage.held(activity, 1);
    let paid = stage.held(activity, 2);
    stage.change(Change::Step { order: cancelled, step: OrderStep::Cancel });
    stage.change(Change::Step { order: expired, step: OrderStep::Expire });
    stage.pay(expired, "late");
    stage.pay(paid, "a");
    stage.change(Change::Step { order: paid, step: OrderStep::OweRefund });
    stage.change(Change::RefuseLate(ledger::PaymentNo(1)));
    stage.change(Change::RefundDone(ledger::PaymentNo(1)));
    stage.change(Change::RefundDone(ledger::PaymentNo(2)));
    let again = stage.held(activity, 1);
    stage.pay(cancelled, "later");
    stage.change(Change::ConfirmLate { payment: ledger::PaymentNo(3), order: again });
    stage.change(Change::LineUp { activity, ticket_type, user });
    stage.change(Change::LeaveLine { activity, ticket_type, user });
    stage.happen(activity, EventKind::Paused);
    stage.happen(activity, EventKind::Resumed);
    stage.happen(activity, EventKind::UnitsAdded { ticket_type, units: 0..7 });
    let units = [5..7, 0..1].map(|range: std::ops::Range<u32>| range);
    stage.happen(activity, EventKind::UnitsTakenBack { ticket_type, units: units.into() });
    let mut changed = stage.ledger.activity(activity).unwrap().unwrap().activity;
    changed.name = "又一夜".into();
    stage.happen(activity, EventKind::Changed(Box::new(changed)));
    stage.happen(activity, EventKind::Closed);
    let all = events(&stage, activity).await;
    for kind in FactKind::ALL {
        let found = all.iter().find(|one| one.kind == kind);
        let found = found.unwrap_or_else(|| panic!("no {} among {all:?}", kind.name()));
        let event = read(found);
        assert_eq!(event["type"], format!("firstcome.{}", kind.name()));
        assert!(!found.json.windows(6).any(|bytes| bytes == b"\"code\""), "no codes");
    }
    let data = |kind: FactKind| {
        let found = all.iter().find(|one| one.kind == kind).unwrap();
        read(found)["data"].clone()
    };
    let late = data(FactKind::PaymentLate);
    let payment = json!({
        "id": "1", "provider": "test", "reference": "late", "amount": "9.90", "currency": "CNY",
        "state": "late",
    });
    assert_eq!((&late["payment"], &late["order_id"]), (&payment, &json!("order-1-2")));
    let confirmed = data(FactKind::PaymentConfirmed);
    let new = format!("order-1-{}", again.seq);
    assert_eq!(confirmed["payment"]["paid_order_id"], json!(new));
    assert_eq!(confirmed["order_id"], json!("order-1-1"));
    assert_eq!(data(FactKind::StandbyJoined)["user"], "person-2");
    assert_eq!(data(FactKind::StandbyJoined)["type_id"], "seat");
    assert_eq!(data(FactKind::UnitsAdded)["units"], 7);
    assert_eq!(data(FactKind::UnitsTakenBack)["units"], 3);
    assert_eq!(data(FactKind::ActivityChanged)["name"], "又一夜");
    assert_eq!(data(FactKind::OrderRefunded)["state"], "refunded");
    assert_eq!(
        data(FactKind::ActivityPaused),
        json!({
            "activity_id": "night", "no": data(FactKind::ActivityPaused)["no"],
        })
    );
}

#[tokio::test]
async fn events_are_read_in_pages_by_number() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    stage.claims(activity, 1_200);
    let relay = relay::Relay::start(stage.parts(relay::SystemResolver), settings()).unwrap();
    for (after, most, expected) in
        [(0, 5, 1..6), (1_195, 100, 1_196..1_201), (1_200, 5, 0..0), (0, 5_000, 1..1_001)]
    {
        let more = expected.end == 6 || expected.end == 1_001;
        let page = relay.events(activity, OutNo(after), most, usize::MAX).await.unwrap();
        assert!(page.bodies.iter().map(|one| one.no.0).eq(expected), "{after} {most}");
        assert_eq!(page.more, more, "{after} {most}");
    }
}

/// An event may be an order of a hundred lines, so a number of events bounds no memory.
#[tokio::test]
async fn what_is_read_at_once_is_bounded_in_bytes() {
    const ORDERS: u64 = 12;
    let stage = Stage::new();
    let activity = stage.activity("night");
    for _ in 0..ORDERS {
        stage.held(activity, 100);
    }
    let relay = relay::Relay::start(stage.parts(relay::SystemResolver), settings()).unwrap();
    for (bytes_max, least) in [(1, 1), (20_000, 2), (usize::MAX, ORDERS)] {
        let mut read = Vec::new();
        loop {
            let after = OutNo(read.len() as u64);
            let page = relay.events(activity, after, 500, bytes_max).await.unwrap();
            let (last, before) = page.bodies.split_last().unwrap();
            let bytes: usize = before.iter().map(|one| one.json.len()).sum();
            assert!(bytes < bytes_max && last.json.len() < 20_000, "{bytes} of {bytes_max}");
            assert!(page.bodies.len() as u64 >= least.min(ORDERS - read.len() as u64));
            read.extend(page.bodies.iter().map(|one| one.no.0));
            assert_eq!(page.more, (read.len() as u64) < ORDERS);
            if !page.more {
                break;
            }
        }
        assert!(read.into_iter().eq(1..=ORDERS));
    }
}
