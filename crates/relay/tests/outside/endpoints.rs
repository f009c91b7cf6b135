//! What operators do with endpoints: adding, parking, removing, rotating secrets, trying them.
//! A secret is shown once, and no text that a log could hold shows it again.

use crate::receiver::Receiver;
use crate::stage::{Stage, settings, until, until_asked, up_to};
use ledger::{DeliveryOutcome, OutNo};
use relay::{NewWebhook, RelayFault, RelaySettings, UrlRefused};

#[tokio::test]
async fn both_secrets_sign_while_a_rotation_lasts() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let receiver = Receiver::willing().await;
    let running = stage.run(settings());
    let added = running.listen(&receiver.url()).await;
    let mut signed = Vec::new();
    let mut secrets = vec![added.secret.clone()];
    for phase in 0..3 {
        match phase {
            1 => secrets.push(running.relay.rotate(&added.id).await.unwrap()),
            2 => stage.pass(RelaySettings::default().old_secret_ms + 1),
            _ => {}
        }
        stage.claims(activity, 1);
        running.relay.wake();
        until("another event", || receiver.count() > phase).await;
        let one = receiver.received()[phase].clone();
        let count = one.header("webhook-signature").split(' ').count();
        let by: Vec<bool> = secrets.iter().map(|secret| one.is_signed_with(secret)).collect();
        signed.push((count, by));
    }
    let expected = [(1, vec![true]), (2, vec![true, true]), (1, vec![false, true])];
    assert_eq!(signed, expected);
    running.stop().await;
}

#[tokio::test]
async fn a_parked_endpoint_hears_nothing_and_then_everything() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let (parked, other) = (Receiver::willing().await, Receiver::willing().await);
    let running = stage.run(settings());
    let added = running.listen(&parked.url()).await;
    running.listen(&other.url()).await;
    running.relay.park(&added.id).await.unwrap();
    stage.claims(activity, 30);
    running.relay.wake();
    until("the other one", || other.count() == 30).await;
    assert_eq!(parked.count(), 0);
    running.relay.resume(&added.id).await.unwrap();
    until("what it missed", || parked.count() == 30).await;
    assert_eq!(parked.taken("night"), up_to(30));
    running.relay.park(&added.id).await.unwrap();
    running.relay.replay(&added.id, activity, OutNo(29)).await.unwrap();
    running.relay.resume(&added.id).await.unwrap();
    until("the last two again", || parked.count() == 32).await;
    running.relay.remove(&added.id).await.unwrap();
    stage.claims(activity, 1);
    running.relay.wake();
    until("the other one", || other.count() == 31).await;
    assert_eq!(parked.count(), 32, "a removed one hears nothing");
    assert_eq!(running.relay.park(&added.id).await, Err(RelayFault::Unknown));
    running.stop().await;
}

#[tokio::test]
async fn attempts_and_places_are_on_record() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let receiver = Receiver::willing().await;
    let running = stage.run(settings());
    let added = running.listen(&receiver.url()).await;
    stage.claims(activity, 3);
    running.relay.wake();
    until_asked("three attempts on record", || async {
        running.relay.deliveries(&added.id, 10).await.unwrap().len() == 3
    })
    .await;
    let log = running.relay.deliveries(&added.id, 2).await.unwrap();
    let seen: Vec<_> = log.iter().map(|one| (one.no, one.outcome)).collect();
    let taken = DeliveryOutcome::Taken(204);
    assert_eq!(seen, [(OutNo(3), taken), (OutNo(2), taken)], "newest first");
    let cursors = running.relay.cursors(&added.id).await.unwrap();
    assert_eq!((cursors.len(), cursors[0].after, cursors[0].failures), (1, OutNo(3), 0));
    assert_eq!(running.relay.counts().taken, 3);
    running.stop().await;
}

#[tokio::test]
async fn an_endpoint_is_tried_with_an_event_that_is_in_no_sale() {
    let stage = Stage::new();
    let receiver = Receiver::willing().await;
    let running = stage.run(settings());
    let added = running.listen(&receiver.url()).await;
    running.relay.park(&added.id).await.unwrap();
    let tried = running.relay.test(&added.id).await.unwrap();
    assert_eq!(tried.outcome, DeliveryOutcome::Taken(204), "a parked one too");
    let one = receiver.received()[0].clone();
    assert!(one.is_signed_with(&added.secret));
    assert_eq!(one.json()["type"], "firstcome.test");
    assert_eq!(running.relay.deliveries(&added.id, 10).await.unwrap(), []);
    running.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_is_refused() {
    let stage = Stage::new();
    let night = stage.activity("night");
    let day = stage.activity("day");
    let running = stage.run(RelaySettings { endpoints_max: 1, ..settings() });
    let new = |url: &str| NewWebhook { url: url.to_owned(), ..NewWebhook::default() };
    let good = NewWebhook { activity: Some(night), ..new("https://example.org/hook") };
    let types = vec!["order.paid".into(), "firstcome.order.paid".into()];
    let table = [
        (new("ftp://example.org"), RelayFault::Url(UrlRefused::Scheme)),
        (new("https://a:b@example.org"), RelayFault::Url(UrlRefused::Credentials)),
        (new("http://10.0.0.1/"), RelayFault::Url(UrlRefused::Address)),
        (new("http://[::ffff:10.0.0.1]/"), RelayFault::Url(UrlRefused::Address)),
        (NewWebhook { types, ..good.clone() }, RelayFault::Type(1)),
        (NewWebhook { note: "x".repeat(1_025), ..good.clone() }, RelayFault::Note),
    ];
    for (new, expected) in table {
        assert_eq!(running.relay.add(new).await, Err(expected));
    }
    let added = running.relay.add(good.clone()).await.unwrap();
    assert_eq!(running.relay.add(good).await, Err(RelayFault::Full));
    let other = running.relay.replay(&added.id, day, OutNo(1)).await;
    assert_eq!(other, Err(RelayFault::OtherActivity));
    running.stop().await;
}

#[tokio::test]
async fn a_secret_is_in_no_text_that_a_log_could_hold() {
    let stage = Stage::new();
    let running = stage.run(settings());
    let added = running.listen("https://example.org/hook?token=hidden").await;
    running.relay.park(&added.id).await.unwrap();
    let endpoint = running.relay.find(&added.id).await.unwrap();
    let bytes = relay::secret_bytes(&added.secret).unwrap();
    let text = format!("{added:?} {endpoint:?}");
    for hidden in [added.secret.clone(), format!("{bytes:?}"), "hidden".to_owned()] {
        assert!(!text.contains(&hidden), "{text}");
    }
    running.stop().await;
}
