//! How many events a second one local receiver gets: of one activity strictly one after the other, and of several.
//! It prints what it measured and asserts a floor far below it, for the machine may be busy.

use crate::receiver::Receiver;
use crate::stage::{Stage, settings, until, up_to};
use relay::RelaySettings;
use std::sync::Arc;
use std::time::Instant;

const EVENTS: u32 = 10_000;
/// Events a second.
const FLOOR: f64 = 1_000.0;

/// Sends everything of so many activities to one receiver; events a second.
async fn measure(activities: u32) -> f64 {
    let stage = Stage::new();
    // The receiver has a thread of its own, as any other program would.
    let (started, receiver) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let receiver = Arc::new(Receiver::willing().await);
            started.send(receiver.clone()).unwrap();
            let _ = stopped.await;
        });
    });
    let receiver = receiver.recv().unwrap();
    stage.listen(&receiver.url()).await;
    let names: Vec<String> = (0..activities).map(|n| format!("night-{n}")).collect();
    for name in &names {
        stage.claims(stage.activity(name), EVENTS / activities);
    }
    let shipped = RelaySettings { reachable: settings().reachable, ..RelaySettings::default() };
    let began = Instant::now();
    let running = stage.run(shipped);
    until("all of them", || receiver.count() >= EVENTS as usize).await;
    let rate = f64::from(EVENTS) / began.elapsed().as_secs_f64();
    for name in &names {
        assert_eq!(receiver.taken(name), up_to(u64::from(EVENTS / activities)));
    }
    running.stop().await;
    drop(stop);
    serving.join().unwrap();
    rate
}

#[tokio::test]
async fn a_local_receiver_gets_more_than_a_thousand_a_second() {
    for activities in [1, 4] {
        let rate = measure(activities).await;
        println!("relay: {EVENTS} events of {activities} activities, in order: {rate:.0} a second");
        assert!(rate > FLOOR, "{rate:.0} a second");
    }
}
