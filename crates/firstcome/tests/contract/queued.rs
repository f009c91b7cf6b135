//! Claims whose commit is late, and a queue that is full: commits come a tenth of a second apart here, so that
//! what is decided stays undurable for a while. No test relies on how long: it asks until it has seen the case.

use super::stage::{Stage, claim, claim_with, data, eventually, fails, refused, text};
use crate::world::{Answer, Client, World, export, names, tokens};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Commits as far apart as the configuration allows.
fn slow_commits() -> World {
    World::cheap().set("FIRSTCOME_SALE_COMMIT_INTERVAL_US", "100000")
}

/// Replies that do not wait for them.
fn impatient() -> World {
    slow_commits().set("FIRSTCOME_SALE_ANSWER_WITHIN_MS", "10")
}

/// Somebody whose claim was answered "queued", and its id.
struct Queued {
    client: Client,
    key: String,
    claim_id: String,
}

impl Queued {
    fn ask(&mut self) -> Answer {
        self.client.get(&format!("/ticket/result?claimId={}", self.claim_id))
    }

    /// The answer once it is not "queued" any more.
    fn final_answer(&mut self) -> Answer {
        eventually("a final answer", || {
            let answer = self.ask();
            if answer.ret() == 1 {
                is_queued(&answer, Some(&self.claim_id));
                return None;
            }
            Some(answer)
        })
    }
}

fn is_queued(answer: &Answer, id: Option<&str>) -> String {
    let data = refused(answer, 1);
    assert!(data["retry_after_ms"].as_u64().is_some(), "{data}");
    let claim_id = text(&data["claim_id"]).to_owned();
    assert!(id.is_none_or(|id| id == claim_id), "{data}");
    claim_id
}

/// Lets people claim until this many heard "queued".
fn queue(stage: &mut Stage, word: &str, wanted: usize) -> Vec<Queued> {
    let tokens = tokens(&mut stage.op, &names(word, 300));
    let mut queued = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let (mut client, key) = (stage.op.with_token(token), format!("key-{at}"));
        let answer = claim_with(&mut client, "a", &key);
        if answer.ret() != 0 {
            let claim_id = is_queued(&answer, None);
            queued.push(Queued { client, key, claim_id });
        }
        if queued.len() == wanted {
            return queued;
        }
    }
    panic!("only {} of {} claims were queued", queued.len(), tokens.len());
}

fn same(one: &Answer, other: &Answer) {
    assert_eq!((one.status, one.json()), (other.status, other.json()));
}

/// C11: every queued claim comes to an answer, which can be read any number of times, also after a crash.
#[test]
fn a_queued_claim_reaches_a_final_answer_that_stays() {
    let mut stage = Stage::on(impatient());
    stage.open("a", json!({"stock": 1000}));
    let mut other = stage.person("other");
    let mut finals = Vec::new();
    for mut one in queue(&mut stage, "p", 5) {
        fails(&other.get(&format!("/ticket/result?claimId={}", one.claim_id)), 404);
        let answer = one.final_answer();
        let ticket = data(&answer);
        assert_eq!(ticket["order_id"], one.claim_id, "a claim and its order have one id");
        for _ in 0..20 {
            same(&one.ask(), &answer);
        }
        assert_eq!(
            data(&claim_with(&mut one.client, "a", &one.key)),
            ticket,
            "the key finds it too"
        );
        refused(&claim(&mut one.client, "a"), -5);
        finals.push((one, answer));
    }
    for _ in 0..2 {
        stage.restart();
        for (one, answer) in &mut finals {
            one.client = stage.follow(&one.client);
            same(&one.ask(), answer);
            assert_eq!(data(&claim_with(&mut one.client, "a", &one.key)), answer.data());
        }
    }
}

/// C11, C28: the process dies while claims are queued. Each was written or never was; which, is said for ever.
#[test]
fn a_claim_queued_at_a_crash_is_settled_after_it() {
    let mut stage = Stage::on(impatient());
    stage.open("a", json!({"stock": 10_000}));
    let mut lost = 0;
    let mut rounds = 0;
    let mut settled: Vec<(Queued, Answer)> = Vec::new();
    while lost == 0 {
        rounds += 1;
        assert!(rounds <= 20, "no kill came before a commit");
        let queued = queue(&mut stage, &format!("r{rounds}-"), 2);
        let mut asking = queued;
        let shown =
            asking.iter_mut().map(|one| data(&one.client.get("/ticket/list"))["list"].clone());
        let shown: Vec<Value> = shown.collect();
        stage.restart();
        for (mut one, shown) in asking.into_iter().zip(shown) {
            one.client = stage.follow(&one.client);
            let listed = data(&one.client.get("/ticket/list"))["list"].clone();
            assert!(shown == json!([]) || shown == listed, "a list showed what was not on disk");
            let answer = one.ask();
            match answer.ret() {
                0 => assert_eq!(answer.data()["order_id"], one.claim_id),
                -3 => {
                    assert_eq!((answer.status, &answer.data()["effect"]), (500, &json!("none")));
                    lost += 1;
                }
                _ => panic!("not final after a crash: {}", answer.json()),
            }
            settled.push((one, answer));
        }
    }
    stage.restart();
    let orders = export(&mut stage.op, "a", "orders");
    let ids: BTreeSet<&str> = orders.iter().map(|row| text(&row["order_id"])).collect();
    for (one, answer) in &mut settled {
        one.client = stage.follow(&one.client);
        same(&one.ask(), answer);
        assert_eq!(ids.contains(&*one.claim_id), answer.ret() == 0, "the ledger says the same");
        let again = claim_with(&mut one.client, "a", &one.key);
        if answer.ret() == 0 {
            assert_eq!(again.data()["order_id"], one.claim_id);
            continue;
        }
        let fresh = if again.ret() == 1 {
            is_queued(&again, None)
        } else {
            text(&data(&again)["order_id"]).to_owned()
        };
        assert_ne!(fresh, one.claim_id, "a fault without effect: the same key decides anew");
        same(&one.ask(), answer);
    }
}

/// C12: a full queue refuses the newest and says so; whoever was accepted is in the ledger.
#[test]
fn a_full_queue_turns_away_the_newest_and_drops_nobody() {
    let mut stage = Stage::on(slow_commits().set("FIRSTCOME_SALE_PENDING_CLAIMS_MAX", "1"));
    stage.open("a", json!({"stock": 1000}));
    let mut busy = 0;
    let mut won = BTreeSet::new();
    let mut people: Vec<Client> = Vec::new();
    for round in 0..20 {
        let fresh = tokens(&mut stage.op, &names(&format!("r{round}-"), 12));
        let threads: Vec<_> = fresh
            .iter()
            .map(|token| {
                let mut client = stage.op.with_token(token);
                std::thread::spawn(move || (claim(&mut client, "a"), client))
            })
            .collect();
        for thread in threads {
            let (answer, client) = thread.join().expect("an answer");
            if answer.status == 503 {
                fails(&answer, 503);
                let wait: u64 =
                    answer.header("retry-after").expect("a time").parse().expect("seconds");
                assert!(wait > 0);
                busy += 1;
                people.push(client);
            } else {
                won.insert(text(&data(&answer)["order_id"]).to_owned());
            }
        }
        if busy > 0 {
            break;
        }
    }
    assert!(busy > 0, "the queue of one was never full");
    stage.restart();
    let orders = |stage: &mut Stage| -> BTreeSet<String> {
        let rows = export(&mut stage.op, "a", "orders");
        rows.iter().map(|row: &Value| text(&row["order_id"]).to_owned()).collect()
    };
    assert_eq!(orders(&mut stage), won, "nobody accepted is lost, nobody refused is in");
    for client in &people {
        let mut client = stage.follow(client);
        eventually("room in the queue", || (claim(&mut client, "a").ret() == 0).then_some(()));
    }
    assert_eq!(orders(&mut stage).len(), won.len() + busy);
}

/// C32: whoever hears "sold out", or "limit reached", hears it after the claims it rests on are on disk.
#[test]
fn a_final_refusal_is_never_heard_before_its_grounds_are_durable() {
    let mut stage = Stage::on(slow_commits());
    for round in 0..6 {
        let (first, last) = (format!("first{round}"), format!("last{round}"));
        stage.open(&first, json!({"stock": 9}));
        stage.open(&last, json!({"stock": 1}));
        let words = ["prime", "winner", "late"].map(|word| format!("{word}{round}"));
        let mut people = stage.people(&words.each_ref().map(String::as_str));
        // From this commit on the next one is a tenth of a second away.
        data(&claim(&mut people[0], &first));
        let (winner, activity) = (people[1].again(), last.clone());
        let in_flight = std::thread::spawn(move || {
            let target = format!("/ticket/get?actId={activity}");
            let mut winner = winner;
            winner.send("GET", &target, &[], b"").ok().map(|answer| answer.ret())
        });
        eventually("the last unit is decided", || {
            let detail = data(&people[0].get(&format!("/act/detail?actId={last}")));
            (detail["left"] == 0).then_some(())
        });
        // A holder's "limit reached" rests on a claim just as "sold out" does.
        let (at, ret) = [(2, -2), (1, -5)][round % 2];
        refused(&claim(&mut people[at], &last), ret);
        stage.restart();
        let _ = in_flight.join().expect("an answer, or none");
        let orders = export(&mut stage.op, &last, "orders");
        assert_eq!(orders.len(), 1, "\"{ret}\" rested on a claim that was not on disk");
    }
}

/// C32: while its grounds are not on disk a refusal is "busy, nothing happened", and then it is final.
#[test]
fn a_refusal_whose_grounds_are_late_is_busy() {
    let mut stage = Stage::on(impatient());
    let mut busy = 0;
    for round in 0..40 {
        let (first, last) = (format!("first{round}"), format!("last{round}"));
        stage.open(&first, json!({"stock": 9}));
        stage.open(&last, json!({"stock": 1}));
        let words = ["prime", "winner", "late"].map(|word| format!("{word}{round}"));
        let mut people = stage.people(&words.each_ref().map(String::as_str));
        claim(&mut people[0], &first);
        let won = claim(&mut people[1], &last);
        let result = match won.ret() {
            0 => format!("/ticket/result?claimId={}", text(&won.data()["order_id"])),
            _ => format!("/ticket/result?claimId={}", is_queued(&won, None)),
        };
        eventually("sold out", || {
            let answer = claim(&mut people[2], &last);
            if answer.status == 503 {
                fails(&answer, 503);
                assert!(answer.header("retry-after").is_some());
                busy += 1;
                return None;
            }
            refused(&answer, -2);
            Some(())
        });
        assert_eq!(people[1].get(&result).ret(), 0, "sold out, and the winner still waits");
        if busy > 0 {
            return;
        }
    }
    panic!("no refusal ever came before its grounds");
}

/// Promise 1: stock = available + held + sold, whenever somebody looks; what is decided and not on disk is held.
#[test]
fn stock_is_always_what_is_free_and_held_and_sold() {
    const STOCK: u64 = 5000;
    let mut stage = Stage::on(impatient());
    stage.open("a", json!({"stock": STOCK, "limit_per_user": 1000}));
    let count = |value: &Value| value.as_u64().expect("a count");
    let mut held_seen = false;
    let mut people = stage.people(&["p1", "p2", "p3"]);
    eventually("a claim that is decided and not on disk", || {
        for person in &mut people {
            claim(person, "a");
            let stats = stage.stats("a");
            let [free, held, sold] = ["available", "held", "sold"].map(|key| count(&stats[key]));
            assert_eq!((free + held + sold, count(&stats["total"])), (STOCK, STOCK), "{stats}");
            let detail = data(&person.get("/act/detail?actId=a"));
            let kind = &detail["tickets"][0];
            assert!(count(&kind["left"]) + count(&kind["held"]) <= STOCK, "{detail}");
            held_seen |= held > 0;
        }
        held_seen.then_some(())
    });
    eventually("everything is on disk", || (stage.stats("a")["held"] == 0).then_some(()));
    let orders = export(&mut stage.op, "a", "orders");
    assert_eq!(stage.stats("a")["sold"], orders.len());
}
