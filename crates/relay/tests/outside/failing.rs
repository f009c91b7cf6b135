//! Receivers that fail: they are tried again, later and later, given up in the end, and cost nobody else anything.
//! How long something takes is asserted only where it is a bound that must hold.

use crate::receiver::{Answer, Received, Receiver};
use crate::stage::{Stage, now, settings, until, until_asked, up_to};
use ledger::DeliveryOutcome;
use relay::RelaySettings;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// A receiver that takes everything but the first so many requests, which it answers so.
async fn failing_first(count: usize, answer: fn() -> Answer) -> Receiver {
    let script = move |_: &Received, before| {
        if before < count { answer() } else { Answer::Status(200) }
    };
    Receiver::scripted(script).await
}

/// The answer of a receiver that wants to be left alone for a second.
fn in_a_second() -> Answer {
    Answer::With(503, "retry-after", "1".into())
}

/// C29: a receiver that takes connections and never answers holds up nobody else.
#[tokio::test]
async fn a_dead_endpoint_slows_no_other() {
    let stage = Stage::new();
    let activities: Vec<_> = (0..6).map(|n| stage.activity(&format!("night-{n}"))).collect();
    let dead = Receiver::scripted(|_, _| Answer::Never).await;
    let alive = Receiver::willing().await;
    // The dead one's attempts last longer than the whole test may.
    let running = stage.run(RelaySettings { answer_within_ms: 60_000, ..settings() });
    running.listen(&dead.url()).await;
    running.listen(&alive.url()).await;
    for activity in &activities {
        stage.claims(*activity, 100);
    }
    running.relay.wake();
    until("all that the living one is to hear", || alive.count() == 600).await;
    for n in 0..6 {
        assert_eq!(alive.taken(&format!("night-{n}")), up_to(100));
    }
    let bound = RelaySettings::default().per_endpoint_max as usize;
    assert!((1..=bound).contains(&dead.count()), "{} at a time", dead.count());
    running.stop().await;
}

/// C29: what an endpoint is at may take long to end; nobody else waits for that.
#[tokio::test]
async fn parking_a_dead_endpoint_holds_up_no_other() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let dead = failing_first(1, || Answer::Never).await;
    let alive = Receiver::willing().await;
    let slow = RelaySettings { answer_within_ms: 60_000, stop_within_ms: 5_000, ..settings() };
    let running = stage.run(slow);
    let silent = running.listen(&dead.url()).await;
    running.listen(&alive.url()).await;
    stage.claims(activity, 1);
    running.relay.wake();
    until("both hear of it", || dead.count() == 1 && alive.count() == 1).await;
    let relay = running.relay.clone();
    let id = silent.id.clone();
    let parking = tokio::spawn(async move { relay.park(&id).await });
    until_asked("it is about to be parked", || async {
        running.relay.find(&silent.id).await.unwrap().parked
    })
    .await;
    for count in 2..=5 {
        stage.claims(activity, 1);
        running.relay.wake();
        until("the other one hears", || alive.count() == count).await;
    }
    assert!(!parking.is_finished(), "the dead one was not waited for");
    // Whoever lets it go on at once is not overtaken by what it was at.
    running.relay.resume(&silent.id).await.unwrap();
    assert!(parking.await.unwrap().is_ok());
    until("all of it, again from the first", || dead.taken("night") == up_to(5)).await;
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_comes_back_hears_everything_in_order() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let running = stage.run(settings());
    let added = running.listen(&format!("http://{address}/")).await;
    stage.claims(activity, 20);
    running.relay.wake();
    until("some failures", || running.relay.counts().failed >= 3).await;
    let listener = TcpListener::bind(address).await.unwrap();
    let receiver = Receiver::at(listener, None, |_, _| Answer::Status(200));
    until("everything", || receiver.count() == 20).await;
    assert_eq!(receiver.taken("night"), up_to(20));
    until_asked("it on record", || async {
        running.relay.deliveries(&added.id, 100).await.unwrap().len() >= 23
    })
    .await;
    let log = running.relay.deliveries(&added.id, 100).await.unwrap();
    let first = log.last().unwrap();
    assert_eq!((first.no.0, first.outcome), (1, DeliveryOutcome::Unreachable));
    running.stop().await;
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_a_failure() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let receiver = failing_first(1, || Answer::Never).await;
    let quick = RelaySettings { answer_within_ms: 150, connect_within_ms: 150, ..settings() };
    let running = stage.run(quick);
    let added = running.listen(&receiver.url()).await;
    stage.claims(activity, 2);
    running.relay.wake();
    until("both", || receiver.taken("night").len() == 2).await;
    running.stop().await;
    let relay = relay::Relay::start(stage.parts(relay::SystemResolver), settings()).unwrap();
    let log = relay.deliveries(&added.id, 10).await.unwrap();
    let outcomes: Vec<_> = log.iter().rev().map(|one| (one.no.0, one.outcome)).collect();
    let taken = DeliveryOutcome::Taken(200);
    assert_eq!(outcomes, [(1, DeliveryOutcome::TimedOut), (1, taken), (2, taken)]);
    assert!(log[2].took_ms >= 150 && log[2].at <= now());
}

#[tokio::test]
async fn a_redirection_is_a_failure_and_leads_nowhere() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let elsewhere = Receiver::willing().await;
    let target = elsewhere.url();
    let receiver = Receiver::scripted(move |_, before| {
        let status = [301, 302, 303, 307, 308][before % 5];
        Answer::With(status, "location", target.clone())
    })
    .await;
    let running = stage.run(settings());
    let added = running.listen(&receiver.url()).await;
    stage.claims(activity, 1);
    running.relay.wake();
    until("each of them", || receiver.count() >= 5).await;
    assert_eq!(running.relay.test(&added.id).await.unwrap().outcome, {
        let answered = receiver
            .received()
            .iter()
            .rfind(|one| one.header("webhook-id").starts_with("test/"))
            .unwrap()
            .answered;
        DeliveryOutcome::Status(answered)
    });
    assert_eq!((elsewhere.connections(), running.relay.counts().taken), (0, 0));
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_parked_at_once() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let gone = Receiver::scripted(|_, _| Answer::Status(410)).await;
    let other = Receiver::willing().await;
    let running = stage.run(settings());
    let added = running.listen(&gone.url()).await;
    running.listen(&other.url()).await;
    stage.claims(activity, 5);
    running.relay.wake();
    until_asked("it is parked", || async { running.relay.find(&added.id).await.unwrap().parked })
        .await;
    until("the other one", || other.count() == 5).await;
    assert_eq!((gone.count(), running.relay.counts().given_up), (1, 1));
    running.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_fails_too_often_is_parked_and_can_go_on() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let receiver = failing_first(6, || Answer::Status(503)).await;
    let running = stage.run(RelaySettings { attempts_max: 6, ..settings() });
    let added = running.listen(&receiver.url()).await;
    stage.claims(activity, 4);
    running.relay.wake();
    until_asked("it is parked", || async { running.relay.find(&added.id).await.unwrap().parked })
        .await;
    assert_eq!(receiver.count(), 6);
    let cursors = running.relay.cursors(&added.id).await.unwrap();
    assert_eq!((cursors[0].after.0, cursors[0].failures), (0, 6));
    running.relay.resume(&added.id).await.unwrap();
    until("everything", || receiver.taken("night").len() == 4).await;
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_wants_to_be_left_alone_is() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let receiver = failing_first(1, in_a_second).await;
    let running = stage.run(settings());
    running.listen(&receiver.url()).await;
    stage.claims(activity, 1);
    running.relay.wake();
    until("the second attempt", || receiver.count() == 2).await;
    let all = receiver.received();
    let waited = all[1].at - all[0].at;
    assert!(waited >= Duration::from_millis(990), "{waited:?}");
    running.stop().await;
}

/// What a failure costs is remembered over a restart: it is no way to try sooner.
#[tokio::test]
async fn a_restart_does_not_shorten_the_wait() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let receiver = failing_first(1, in_a_second).await;
    let running = stage.run(settings());
    running.listen(&receiver.url()).await;
    stage.claims(activity, 1);
    running.relay.wake();
    until("the first attempt", || running.relay.counts().failed == 1).await;
    running.stop().await;
    let began = Instant::now();
    let running = stage.run(settings());
    until("the second attempt", || receiver.count() == 2).await;
    assert!(receiver.received()[1].at - receiver.received()[0].at >= Duration::from_millis(990));
    assert!(began.elapsed() < Duration::from_secs(10));
    running.stop().await;
}
