//! One person, one limit: whatever they send, from wherever, and however much of it at once.
//! The number of requests is fixed; which of them win is not.

use super::stage::{Stage, claim, data, refused, texts};
use crate::world::{import, open_activity};
use serde_json::json;

/// C3: 1,000 parallel requests of one user take exactly the limit, and burn nothing.
#[test]
fn a_thousand_parallel_requests_of_one_user_take_exactly_their_limit() {
    const THREADS: usize = 40;
    const EACH: usize = 25;
    const LIMIT: usize = 3;
    let mut stage = Stage::selling(json!({"stock": 100, "limit_per_user": LIMIT}));
    let person = stage.person("p");
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let mut connection = person.again();
            std::thread::spawn(move || {
                let answers = (0..EACH).map(|_| claim(&mut connection, "a"));
                answers.map(|answer| (answer.status, answer.ret())).collect::<Vec<_>>()
            })
        })
        .collect();
    let answers: Vec<(u16, i64)> =
        threads.into_iter().flat_map(|thread| thread.join().expect("answers")).collect();
    let count = |wanted| answers.iter().filter(|answer| **answer == wanted).count();
    assert_eq!(answers.len(), THREADS * EACH);
    assert_eq!((count((200, 0)), count((200, -5))), (LIMIT, THREADS * EACH - LIMIT));
    let full = refused(&claim(&mut person.again(), "a"), -5);
    assert_eq!(texts(&full["tickets"], "id").len(), LIMIT);
    let stats = stage.stats("a");
    assert_eq!((&stats["sold"], &stats["available"]), (&json!(LIMIT), &json!(100 - LIMIT)));
}

/// C3, C2: parallel retries with one key are one claim.
#[test]
fn parallel_retries_with_one_key_take_one_unit() {
    let mut stage = Stage::selling(json!({"stock": 100, "limit_per_user": 100}));
    let person = stage.person("p");
    let threads: Vec<_> = (0..20)
        .map(|_| {
            let mut connection = person.again();
            std::thread::spawn(move || {
                let answer = super::stage::claim_with(&mut connection, "a", "k");
                data(&answer)["id"].clone()
            })
        })
        .collect();
    let ids: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("an answer")).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(stage.stats("a")["sold"], 1);
}

/// C4: the limit is on the signed-in user, whatever else is in the request.
#[test]
fn nothing_that_the_client_sends_makes_another_person() {
    let mut stage = Stage::selling(json!({"stock": 100}));
    let mut person = stage.person("p");
    let won = data(&claim(&mut person, "a"));
    let other = stage.person("other");
    let cookie = format!("firstcome_session={}", other.token.as_deref().expect("signed in"));
    let headers = [
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9"),
        ("x-real-ip", "203.0.113.9"),
        ("user-agent", "another phone"),
        ("x-device-id", "2"),
        ("x-user-id", "other"),
        ("cookie", cookie.as_str()),
        ("idempotency-key", "fresh"),
    ];
    let mut answers: Vec<_> =
        headers.iter().map(|one| person.get_with("/ticket/get?actId=a", &[*one])).collect();
    for query in
        ["user=other", "userId=2", "phone=13800000000", "deviceId=2", "name=other", "limit=5"]
    {
        answers.push(person.get(&format!("/ticket/get?actId=a&{query}")));
        answers.push(
            person.again().send("POST", &format!("/ticket/get?actId=a&{query}"), &[], b"").unwrap(),
        );
    }
    for answer in &answers {
        assert_eq!(
            texts(&refused(answer, -5)["tickets"], "id"),
            [won["id"].as_str().expect("an id")]
        );
    }
    assert_eq!(stage.stats("a")["sold"], 1);
    data(&claim(&mut other.again(), "a"));
}

#[test]
fn a_limit_of_the_activity_counts_over_all_its_types() {
    let mut stage = Stage::new();
    let mut activity = open_activity("a", json!({}));
    activity["limit_per_user"] = json!(3);
    activity["ticket"] = json!([
        {"id": "one", "name": "one", "stock": 9, "limit_per_user": 2},
        {"id": "two", "name": "two", "stock": 9, "limit_per_user": 9},
    ]);
    import(&mut stage.op, json!([activity]));
    let mut person = stage.person("p");
    let mut get = |kind: &str| person.get(&format!("/ticket/get?actId=a&typeId={kind}"));
    data(&get("one"));
    data(&get("one"));
    refused(&get("one"), -5);
    data(&get("two"));
    for kind in ["one", "two"] {
        assert_eq!(refused(&get(kind), -5)["tickets"].as_array().map(Vec::len), Some(3), "{kind}");
    }
}
