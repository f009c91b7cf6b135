//! A deliverer that dies: whatever it knew is gone, and the next one goes on where the ledger says.
//! It dies by losing its runtime at any point, with nothing tidied up.

use crate::receiver::Receiver;
use crate::stage::{Stage, settings, until, up_to};
use relay::{Relay, SystemResolver};

const EVENTS: u32 = 3_000;
const DEATHS: u64 = 6;

#[tokio::test]
async fn a_killed_deliverer_leaves_no_gap() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let receiver = Receiver::willing().await;
    let added = stage.listen(&receiver.url()).await;
    stage.claims(activity, EVENTS);
    for death in 1..=DEATHS {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let relay = Relay::start(stage.parts(SystemResolver), settings()).unwrap();
        let (die, dying) = tokio::sync::oneshot::channel::<()>();
        let dead = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = relay.run(std::future::pending()) => {}
                    _ = dying => {}
                }
            });
            runtime.shutdown_background();
        });
        let target = usize::try_from(death * u64::from(EVENTS) / (DEATHS + 2)).unwrap();
        until("some more of them", || receiver.count() >= target).await;
        drop(die);
        until("it is dead", || dead.is_finished()).await;
    }
    let before = receiver.count();
    assert!(receiver.taken("night").last() < Some(&u64::from(EVENTS)), "it died in the middle");
    let running = stage.run(settings());
    let last = u64::from(EVENTS);
    until("the last one", || receiver.taken("night").last() == Some(&last)).await;
    running.stop().await;
    let taken = receiver.taken("night");
    let mut reached = 0;
    for no in &taken {
        assert!(*no <= reached + 1, "{no} came after {reached}");
        reached = reached.max(*no);
    }
    assert_eq!(reached, last);
    assert!(before > 0 && taken.len() >= EVENTS as usize);
    assert!(receiver.received().iter().all(|one| one.is_signed_with(&added.secret)));
}

/// What was delivered when it was told to stop is on disk: nothing is repeated.
#[tokio::test]
async fn a_deliverer_that_is_stopped_repeats_nothing() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let receiver = Receiver::willing().await;
    stage.listen(&receiver.url()).await;
    stage.claims(activity, 1_000);
    let mut running = stage.run(settings());
    for target in [100, 300, 500] {
        until("some more of them", || receiver.count() >= target).await;
        running.stop().await;
        running = stage.run(settings());
    }
    until("all of them", || receiver.count() >= 1_000).await;
    running.stop().await;
    assert_eq!(receiver.taken("night"), up_to(1_000));
}
