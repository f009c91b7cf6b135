//! kill -9 while a sale goes on and a receiver is told of it: what it has in the end is whole and in order.
//! What it should have is asked of the server itself, which numbers its events without gaps.

use crate::{
    crowd::{AT_ONCE, Chance, Crowd, Errand, Manner, Progress},
    receiver::{Received, Receiver},
    stage::{Stage, two_lots, wait_count, wait_for},
    world::{Client, World, now_s},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::atomic::Ordering};

const ACTIVITIES: usize = 3;
const PEOPLE_EACH: usize = 400;
const KILLS: usize = 6;
/// Longer than the test may take: whoever waited for the dead one would wait until it fails.
const ANSWER_WITHIN_MS: &str = "600000";

fn act_id(at: usize) -> String {
    format!("act-{at}")
}

fn listen(operator: &mut Client, receiver: &Receiver) {
    let added = operator.post_json("/admin/webhooks", &json!({ "url": receiver.url() }));
    assert_eq!(added.ret(), 0, "{}", added.json());
}

/// All events of an activity, by the pages that operators read.
fn events(operator: &mut Client, activity: &str) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let after = all.len();
        let target = format!("/admin/events?actId={activity}&after={after}&most=500");
        let page = operator.get(&target).data();
        all.extend(page["list"].as_array().expect("a list").iter().cloned());
        assert_eq!(page["after"], json!(all.len()), "numbers have no gaps");
        if page["hasMore"] == json!(false) {
            return all;
        }
    }
}

/// The numbers that came of each activity, in the order in which they came, with what came.
fn told(received: &[Received]) -> BTreeMap<String, Vec<(usize, Value)>> {
    let mut told: BTreeMap<String, Vec<(usize, Value)>> = BTreeMap::new();
    for one in received {
        let (activity, no) = one.header("webhook-id").split_once('/').expect("an event's id");
        let no = no.parse().expect("a number");
        told.entry(activity.to_owned()).or_default().push((no, one.json()));
    }
    told
}

/// Each number comes after the one before it; what comes again is what it was.
fn is_whole(told: &[(usize, Value)], expected: &[Value]) {
    let mut reached = 0;
    for (no, body) in told {
        assert!(*no <= reached + 1, "{no} came after {reached}");
        assert_eq!(body, &expected[no - 1]);
        reached = reached.max(*no);
    }
    assert_eq!(reached, expected.len());
}

/// C29
#[test]
fn kills_leave_a_receiver_no_gap_and_a_dead_one_holds_up_nobody() {
    let mut chance = Chance::of("kills_leave_a_receiver_no_gap_and_a_dead_one_holds_up_nobody");
    let (receiver, dead) = (Receiver::willing(), Receiver::dead());
    let world = World::cheap()
        .set("FIRSTCOME_WEBHOOKS_REACHABLE", "127.0.0.0/8")
        .set("FIRSTCOME_WEBHOOKS_RETRY_FIRST_MS", "50")
        .set("FIRSTCOME_WEBHOOKS_RETRY_LONGEST_MS", "200")
        .set("FIRSTCOME_WEBHOOKS_ANSWER_WITHIN_MS", ANSWER_WITHIN_MS);
    let mut stage = Stage::open(world, ACTIVITIES * PEOPLE_EACH);
    // The dead one first: were there a turn to wait for, the other one would wait.
    listen(&mut stage.operator, &dead);
    listen(&mut stage.operator, &receiver);
    let mut errands = Vec::new();
    for at in 0..ACTIVITIES {
        stage.sell(two_lots(&act_id(at), PEOPLE_EACH / 2, 1), now_s() - 1);
        let errand = |nth: usize| {
            let (person, lot) = (at * PEOPLE_EACH + nth, 2 * at + nth % 2);
            Errand { person, lot, manner: Manner::Patient }
        };
        errands.extend((0..PEOPLE_EACH).map(errand));
    }
    chance.shuffle(&mut errands);

    let progress = Progress::default();
    let address = stage.world.address().to_owned();
    let Stage { world, people, lots, .. } = &mut stage;
    let crowd = Crowd { address: &address, people, lots, errands: &errands, at_once: AT_ONCE };
    let history = std::thread::scope(|scope| {
        let crowd = scope.spawn(|| crowd.run(&progress));
        let step = errands.len() / (KILLS + 1);
        for kill in 0..KILLS {
            wait_count("the crowd goes on", &progress.begun, kill * step + chance.below(step));
            // Not before this server has told something: a kill is to hit what is on its way.
            let before = receiver.count();
            wait_for("the receiver hears more, or all is over", || {
                receiver.count() > before || progress.ended.load(Ordering::Acquire) == errands.len()
            });
            world.kill();
            world.serve();
        }
        crowd.join().expect("everybody was answered")
    });
    let expected = all_are_told(&mut stage, &receiver);
    assert_eq!(expected, ACTIVITIES * PEOPLE_EACH, "an event for each ticket");
    let (heard, tried) = (receiver.count(), dead.count());
    println!("{heard} deliveries of {expected} events over {KILLS} kills; the dead one: {tried}");
    assert!(tried > 0, "the dead one was tried");
    assert!(dead.received().iter().all(|one| one.header("webhook-id").ends_with("/1")));
    stage.judge(history);
}

/// Waits until the receiver has heard of everything, and looks at all that it heard; how many events there are.
fn all_are_told(stage: &mut Stage, receiver: &Receiver) -> usize {
    let mut operator = stage.operator.again();
    let expected: Vec<_> =
        (0..ACTIVITIES).map(|at| (act_id(at), events(&mut operator, &act_id(at)))).collect();
    let has_all = |(activity, events): &(String, Vec<Value>)| {
        let told = told(&receiver.received());
        told.get(activity).is_some_and(|told| told.iter().any(|(no, _)| *no == events.len()))
    };
    wait_for("the last number of each activity", || expected.iter().all(has_all));
    let told = told(&receiver.received());
    for (activity, events) in &expected {
        is_whole(&told[activity], events);
    }
    expected.iter().map(|(_, events)| events.len()).sum()
}
