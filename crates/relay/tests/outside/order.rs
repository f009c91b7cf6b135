//! Order and signatures: what is taken is whole and in order, whatever happens on the way.
//! A test asserts numbers as the receiver saw them, never as the relay remembers them.

use crate::receiver::{Answer, Receiver};
use crate::stage::{Stage, settings, until, up_to};
use ledger::OutNo;
use relay::NewWebhook;
use rules::EventKind;

#[tokio::test]
async fn every_event_arrives_once_in_order_and_signed() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let receiver = Receiver::willing().await;
    let running = stage.run(settings());
    let added = running.listen(&receiver.url()).await;
    for round in 0..10 {
        stage.claims(activity, 20);
        stage.happen(activity, [EventKind::Paused, EventKind::Resumed][round % 2].clone());
        running.relay.wake();
    }
    until("210 events", || receiver.count() >= 210).await;
    assert_eq!(receiver.taken("night"), up_to(210));
    for one in receiver.received() {
        assert!(one.is_signed_with(&added.secret));
        assert_eq!(one.header("content-type"), "application/cloudevents+json; charset=utf-8");
        assert_eq!(
            (one.path.as_str(), one.json()["id"].as_str()),
            ("/hook", Some(one.header("webhook-id")))
        );
    }
    assert_eq!(receiver.connections(), 1, "one connection carries them all");
    running.stop().await;
}

#[tokio::test]
async fn order_is_kept_over_failures() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let receiver = Receiver::scripted(|_, before| match before % 7 {
        1 => Answer::Status(500),
        3 => Answer::Status(429),
        5 => Answer::With(200, "connection", "close".into()),
        _ => Answer::Status(200),
    })
    .await;
    let running = stage.run(settings());
    running.listen(&receiver.url()).await;
    stage.claims(activity, 60);
    running.relay.wake();
    until("60 events taken", || receiver.taken("night").len() >= 60).await;
    assert_eq!(receiver.taken("night"), up_to(60));
    let mut next = 1;
    for one in receiver.received() {
        assert_eq!(one.number().1, next, "nothing is tried before its turn");
        next += u64::from(one.answered == 200);
    }
    running.stop().await;
}

/// C29: one event that is never taken holds up its own activity and no other; the operator can pass it over.
#[tokio::test]
async fn a_poisoned_event_holds_up_its_own_activity_alone() {
    let stage = Stage::new();
    let (night, day) = (stage.activity("night"), stage.activity("day"));
    let receiver = Receiver::scripted(|one, _| match one.header("webhook-id") {
        "night/3" => Answer::Status(500),
        _ => Answer::Status(204),
    })
    .await;
    let running = stage.run(settings());
    let added = running.listen(&receiver.url()).await;
    stage.claims(night, 5);
    stage.claims(day, 50);
    running.relay.wake();
    until("the other activity", || receiver.taken("day").len() == 50).await;
    until("the poison", || receiver.received().iter().any(|one| one.answered == 500)).await;
    assert_eq!((receiver.taken("night"), receiver.taken("day")), (up_to(2), up_to(50)));
    running.relay.replay(&added.id, night, OutNo(4)).await.unwrap();
    until("what comes after it", || receiver.taken("night").len() == 4).await;
    assert_eq!(receiver.taken("night"), [1, 2, 4, 5]);
    running.stop().await;
}

#[tokio::test]
async fn an_endpoint_hears_of_what_it_asked_for_only() {
    let stage = Stage::new();
    let (night, day) = (stage.activity("night"), stage.activity("day"));
    let receiver = Receiver::willing().await;
    let everything = Receiver::willing().await;
    let running = stage.run(settings());
    let new = NewWebhook {
        url: receiver.url(),
        activity: Some(day),
        types: vec!["order.paid".into(), "activity.closed".into()],
        note: String::new(),
    };
    running.relay.add(new).await.unwrap();
    running.listen(&everything.url()).await;
    stage.claims(night, 3);
    stage.happen(day, EventKind::Paused);
    stage.claims(day, 2);
    stage.happen(day, EventKind::Resumed);
    let order = stage.held(day, 2);
    stage.pay(order, "a");
    stage.happen(day, EventKind::Closed);
    running.relay.wake();
    until("everything", || everything.count() == 10).await;
    until("the end", || receiver.count() >= 4).await;
    let kinds: Vec<String> = receiver
        .received()
        .iter()
        .map(|one| format!("{} {}", one.number().1, one.json()["type"].as_str().unwrap()))
        .collect();
    let paid = "firstcome.order.paid";
    let expected = [format!("2 {paid}"), format!("3 {paid}"), format!("6 {paid}")];
    assert_eq!(kinds[..3], expected);
    assert_eq!(kinds[3], "7 firstcome.activity.closed");
    running.stop().await;
}

#[tokio::test]
async fn what_is_replayed_comes_again_with_the_same_ids_and_bodies() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let receiver = Receiver::willing().await;
    let running = stage.run(settings());
    let added = running.listen(&receiver.url()).await;
    stage.claims(activity, 8);
    running.relay.wake();
    until("8 events", || receiver.count() == 8).await;
    running.relay.replay(&added.id, activity, OutNo(6)).await.unwrap();
    until("3 of them again", || receiver.count() == 11).await;
    let all = receiver.received();
    assert_eq!(receiver.taken("night"), [1, 2, 3, 4, 5, 6, 7, 8, 6, 7, 8]);
    for (first, again) in all[5..8].iter().zip(&all[8..]) {
        assert_eq!(
            (first.header("webhook-id"), &first.body),
            (again.header("webhook-id"), &again.body)
        );
    }
    // While one of them is on its way, too.
    stage.claims(activity, 200);
    running.relay.wake();
    until("some more", || receiver.count() > 40).await;
    running.relay.replay(&added.id, activity, OutNo(1)).await.unwrap();
    until("all of them", || receiver.taken("night").ends_with(&up_to(208))).await;
    running.stop().await;
}

/// A sale that nobody listens to pays nothing for it.
#[tokio::test]
async fn nothing_is_numbered_until_somebody_listens() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let receiver = Receiver::willing().await;
    let running = stage.run(settings());
    stage.claims(activity, 5);
    for _ in 0..20 {
        running.relay.wake();
        tokio::task::yield_now().await;
    }
    let unnumbered = || stage.ledger.unnumbered().unwrap();
    assert_eq!(unnumbered(), [activity]);
    running.listen(&receiver.url()).await;
    assert_eq!(unnumbered(), [], "what was before has its numbers");
    stage.claims(activity, 1);
    running.relay.wake();
    until("what comes now is heard of", || receiver.count() == 1).await;
    assert_eq!((receiver.taken("night"), unnumbered()), (vec![6], vec![]));
    running.stop().await;
}

/// Whether or not what was before had its numbers when the endpoint was added.
#[tokio::test]
async fn an_endpoint_that_comes_late_hears_of_what_was_only_if_it_is_replayed() {
    for numbered in [false, true] {
        let stage = Stage::new();
        let (night, day) = (stage.activity("night"), stage.activity("day"));
        let (early, late) = (Receiver::willing().await, Receiver::willing().await);
        let running = stage.run(settings());
        if numbered {
            running.listen(&early.url()).await;
        }
        stage.claims(night, 1_500);
        stage.claims(day, 3);
        running.relay.wake();
        if numbered {
            until("the early one", || early.count() == 1_503).await;
        }
        let added = running.listen(&late.url()).await;
        stage.claims(night, 2);
        running.relay.wake();
        until("what happens from now on", || late.count() >= 2).await;
        assert_eq!((late.taken("night"), late.taken("day")), (vec![1_501, 1_502], vec![]));
        running.relay.replay(&added.id, night, OutNo(1)).await.unwrap();
        until("what was before", || late.taken("night").len() >= 1_504).await;
        running.relay.replay(&added.id, day, OutNo(2)).await.unwrap();
        until("the other activity's", || late.taken("day").len() >= 2).await;
        assert_eq!(late.taken("night")[2..], up_to(1_502));
        assert_eq!(late.taken("day"), [2, 3]);
        running.stop().await;
    }
}

/// Whoever reads events gives them numbers, and whoever comes late gives numbers to all that was: those who listened
/// before hear of it all the same, without waiting for the next event.
#[tokio::test]
async fn what_got_its_number_from_a_reader_is_sent() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let (receiver, late) = (Receiver::willing().await, Receiver::willing().await);
    let running = stage.run(settings());
    running.listen(&receiver.url()).await;
    stage.claims(activity, 5);
    // Nobody has woken the relay: the reader is first.
    let read = running.relay.events(activity, OutNo(0), 10, usize::MAX).await.unwrap();
    assert_eq!((read.bodies.len(), read.more), (5, false));
    until("what the reader numbered", || receiver.count() == 5).await;
    stage.claims(activity, 5);
    running.listen(&late.url()).await;
    until("what was numbered for one who came late", || receiver.count() == 10).await;
    assert_eq!((receiver.taken("night"), late.count()), (up_to(10), 0));
    running.stop().await;
}
