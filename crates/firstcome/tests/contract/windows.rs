//! Windows are half-open and judged by the server at the moment of arrival, to the millisecond.
//! The tests ask all the time while a window opens and closes; what they demand holds however slow they are.

use super::stage::{Stage, claim, data, refused, text};
use crate::world::{PATIENCE, World, export, import, now_s, open_activity};
use serde_json::{Value, json};
use std::time::Instant;

fn decided_ms(order: &Value) -> u64 {
    let at = &order["decided_at"];
    if let Some(seconds) = at.as_u64() {
        return seconds * 1000;
    }
    let moment: jiff::Timestamp = text(at).parse().expect("a moment");
    u64::try_from(moment.as_millisecond()).expect("after 1970")
}

/// C5: somebody asks without a pause from before the start until after the end, each time as another person.
#[test]
fn a_window_opens_and_closes_at_its_second() {
    // No account may ask that often by default.
    let world = World::cheap().set("FIRSTCOME_LIMITS_CLAIMS_BY_ACCOUNT_PER_MIN", "0");
    let mut stage = Stage::on(world);
    let (start, end) = (now_s() + 2, now_s() + 4);
    let mut activity = open_activity("a", json!({"stock": 10_000, "limit_per_user": 10_000}));
    activity["start_time"] = json!(start);
    activity["end_time"] = json!(end);
    import(&mut stage.op, json!([activity]));
    let mut person = stage.person("p");
    let begun = Instant::now();
    let (mut early, mut won) = (0, 0);
    loop {
        let answer = claim(&mut person, "a");
        match answer.ret() {
            -4 => {
                assert_eq!(won, 0, "what has opened does not close again");
                let server_ms = answer.data()["server_time"].as_u64().expect("milliseconds");
                assert!(server_ms < start * 1000, "refused at {server_ms}, when it was open");
                assert_eq!(answer.data()["start_time"], start);
                early += 1;
            }
            0 => won += 1,
            -5 => {}
            -1 => break,
            _ => panic!("{}", answer.json()),
        }
        assert!(begun.elapsed() < PATIENCE);
    }
    assert!(now_s() >= end, "ended before its end");
    assert!(early > 0, "the test came too late to see the time before the start");
    refused(&claim(&mut person, "a"), -1);
    let orders = export(&mut stage.op, "a", "orders");
    assert_eq!(orders.len(), won);
    let times: Vec<u64> = orders.iter().map(decided_ms).collect();
    let inside = start * 1000..end * 1000;
    assert!(times.iter().all(|at| inside.contains(at)), "{:?} outside {inside:?}", times.first());
}

#[test]
fn a_session_has_a_window_of_its_own() {
    let mut stage = Stage::new();
    let now = now_s();
    let kind = |id: &str, start: u64, end: u64| json!({"id": id, "name": id, "stock": 1, "start_time": start, "end_time": end});
    let mut activity = open_activity("a", json!({}));
    activity["ticket"] = json!([
        kind("early", now - 50, now - 10),
        kind("now", now - 50, now + 1000),
        kind("later", now + 500, now + 1000),
    ]);
    import(&mut stage.op, json!([activity]));
    let mut person = stage.person("p");
    let mut get = |kind: &str| person.get(&format!("/ticket/get?actId=a&typeId={kind}"));
    refused(&get("early"), -1);
    data(&get("now"));
    assert_eq!(refused(&get("later"), -4)["start_time"], now + 500, "the session's own start");
}
