//! Orders, payments and the line as a browser without scripts uses them: every form, sent as it should be and in every
//! wrong way. What the pages look like is tested in a browser.

use super::{
    forms::{Browser, gone_to, page},
    orders::{order, order_id, paid, priced, reaches, selling, shop},
    stage::{Stage, claim, data, eventually},
};
use crate::world::{Client, World};
use serde_json::json;
use std::{
    io::{Read, Write},
    net::TcpStream,
};

/// Presses the button of `a` and gets something that is to be paid: the path of its order.
#[track_caller]
fn takes(browser: &mut Browser, key: &str) -> String {
    let path = gone_to(&browser.post("/en/act/a/claim", &[("typeId", "seat"), ("key", key)]));
    assert!(path.starts_with("/en/order/"), "{path}");
    path
}

fn id_of(path: &str) -> &str {
    path.rsplit('/').next().expect("an id")
}

/// C21: the way to the provider and back changes nothing; the provider's word does.
#[test]
fn a_form_claims_another_pays_and_coming_back_alone_changes_nothing() {
    let mut stage = selling(json!({"codes": ["K-1", "K-2"]}));
    let mut ann = stage.person("ann");
    let mut browser = Browser::of(&stage, &ann);
    let path = takes(&mut browser, "form-1");
    assert_eq!(takes(&mut browser, "form-1"), path, "pressed twice is one order");
    let id = id_of(&path).to_owned();
    let held = page(&browser.get(&path), 200);
    assert!(held.contains("¥9.90") && held.contains("set aside"), "{held}");
    assert!(!held.contains("K-1"), "what is not paid shows no code");
    let ticket = page(&browser.get(&format!("/en/ticket/{id}-1")), 200);
    assert!(!ticket.contains("K-1") && ticket.contains("to be paid"), "{ticket}");

    let company = gone_to(&browser.post(&format!("{path}/pay"), &[]));
    assert_eq!(company, format!("/pay/test/{id}"));
    assert!(page(&browser.get(&company), 200).contains("pretend"), "it says what it is");
    let back = format!("{path}?back=1");
    let waits = page(&browser.get(&back), 200);
    assert!(waits.contains("waiting for the provider") && waits.contains("http-equiv"), "{waits}");
    assert_eq!(order(&mut ann, &id)["state"], "held");

    assert_eq!(gone_to(&browser.post(&company, &[("how", "at_once")])), back);
    reaches(&mut ann, &id, "paid");
    let paid = page(&browser.get(&path), 200);
    assert!(paid.contains("Paid: it is yours") && !paid.contains("http-equiv"), "{paid}");
    assert!(page(&browser.get(&format!("/en/ticket/{id}-1")), 200).contains("K-1"));
    assert!(page(&browser.get("/en/orders"), 200).contains(&id));
    // Paid is paid: neither form does anything any more.
    assert_eq!(gone_to(&browser.post(&format!("{path}/pay"), &[])), path);
    assert_eq!(gone_to(&browser.post(&format!("{path}/cancel"), &[])), path);
    assert_eq!(order(&mut ann, &id)["state"], "paid");
}

/// A form may not lead to another host, redirects included: a page of ours does, by itself and by a link.
#[test]
fn the_way_to_a_company_on_another_host_and_back_is_a_page_of_ours() {
    let world = World::cheap()
        .set("FIRSTCOME_PAYMENTS_TEST_PROVIDER", "true")
        .set("FIRSTCOME_PAYMENTS_TEST_PROVIDER_AT", "https://pay.example");
    let mut stage = Stage::on(world);
    stage.open("a", priced(json!({"stock": 1})));
    let mut ann = stage.person("ann");
    let mut browser = Browser::of(&stage, &ann);
    let path = takes(&mut browser, "form-1");
    let id = id_of(&path).to_owned();
    let company = format!("https://pay.example/pay/test/{id}");
    let shop = format!("{}{path}?back=1", browser.origin);

    let sent = browser.post(&format!("{path}/pay"), &[]);
    let leaving = page(&sent, 200);
    assert_eq!(sent.header("refresh"), Some(&*format!("0; url={company}")));
    assert!(leaving.contains(&format!("href=\"{company}\"")), "{leaving}");
    assert!(leaving.contains("To the payment") && leaving.contains(&shop), "{leaving}");
    let policy = sent.header("content-security-policy").expect("a policy");
    assert!(policy.contains("form-action 'self'"), "{policy}");
    let api = data(&ann.send("POST", &format!("/order/pay?orderId={id}"), &[], b"").expect("one"));
    assert_eq!(api["pay_url"], json!(company));

    // The company's page, which its host asks this server for: it leads back to the shop and nowhere else.
    let there = format!("/pay/test/{id}");
    assert!(page(&browser.get(&there), 200).contains(&format!("href=\"{shop}\"")));
    let paid = browser.post(&there, &[("how", "at_once")]);
    assert_eq!(paid.header("refresh"), Some(&*format!("0; url={shop}")));
    assert!(page(&paid, 200).contains("Back to the shop"));
    reaches(&mut ann, &id, "paid");
}

/// Goes to pay with a request that names this host.
#[track_caller]
fn pays_from(stage: &Stage, person: &Client, id: &str, host: &str) {
    let token = person.token.as_deref().expect("signed in");
    let head = format!(
        "POST /order/pay?orderId={id} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n"
    );
    let mut stream = TcpStream::connect(stage.world.address()).expect("it listens");
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.contains("/pay/test/"), "{answer}");
}

/// The host that a request names is whatever its sender likes: it makes no link to elsewhere on the company's page.
#[test]
fn the_company_leads_to_no_host_that_somebody_made_up() {
    let world = World::cheap()
        .set("FIRSTCOME_PAYMENTS_TEST_PROVIDER", "true")
        .set("FIRSTCOME_PAYMENTS_TEST_PROVIDER_AT", "https://pay.example");
    let mut stage = Stage::on(world);
    stage.open("a", priced(json!({"stock": 1})));
    let mut ann = stage.person("ann");
    let id = order_id(&claim(&mut ann, "a"));
    pays_from(&stage, &ann, &id, "evil.example");
    let there = format!("/pay/test/{id}");
    let mut browser = Browser::of(&stage, &ann);
    let company = page(&browser.get(&there), 200);
    assert!(company.contains(&format!("/order/{id}")), "{company}");
    assert!(!company.contains("evil.example"), "{company}");
    let back = gone_to(&browser.post(&there, &[("how", "at_once")]));
    assert!(back.starts_with('/') && back.ends_with(&format!("/order/{id}")), "{back}");
}

/// The provider's word has come, and it was of another amount: nothing is waited for, and it can still be paid.
#[test]
fn whoever_paid_another_amount_reads_that_it_goes_back_and_can_still_pay() {
    for (failures, english, chinese) in
        [(100, "Your money is on its way back", "正在退款"), (0, "Your money is back", "已退款")]
    {
        let mut stage = selling(json!({"stock": 1}));
        let mut ann = stage.person("ann");
        let id = order_id(&claim(&mut ann, "a"));
        data(&ann.send("POST", &format!("/order/pay?orderId={id}"), &[], b"").expect("one"));
        let way = json!({"how": "wrong_amount", "refund_failures": failures});
        data(&ann.post_json(&format!("/pay/test/{id}"), &way));
        let mut browser = Browser::of(&stage, &ann);
        let back = format!("/order/{id}?back=1");
        let told = eventually("the payment", || {
            let told = page(&browser.get(&format!("/en{back}")), 200);
            told.contains(english).then_some(told)
        });
        assert!(told.contains("set aside for you") && told.contains("/pay\""), "{told}");
        for waits in ["http-equiv", "data-back", "waiting for the provider", "Look again"] {
            assert!(!told.contains(waits), "{waits}: {told}");
        }
        let told = page(&browser.get(&format!("/zh{back}")), 200);
        assert!(told.contains(chinese) && told.contains("已为您保留"), "{told}");
        assert_eq!(order(&mut ann, &id)["state"], "held");
    }
}

#[test]
fn an_order_is_given_back_once_and_can_be_had_again_with_the_form_on_its_page() {
    let mut stage = selling(json!({"stock": 1}));
    let mut ann = stage.person("ann");
    let mut browser = Browser::of(&stage, &ann);
    let path = takes(&mut browser, "form-1");
    let sure = page(&browser.get(&format!("{path}/cancel")), 200);
    assert!(sure.contains("Give it back?"), "{sure}");
    assert_eq!(order(&mut ann, id_of(&path))["state"], "held", "looking changes nothing");
    for _ in 0..2 {
        assert_eq!(gone_to(&browser.post(&format!("{path}/cancel"), &[])), path);
    }
    assert_eq!(order(&mut ann, id_of(&path))["state"], "cancelled");
    // The page of the activity has the same key for ever: it finds what is over, and that has a new key.
    assert_eq!(takes(&mut browser, "form-1"), path);
    let over = page(&browser.get(&path), 200);
    assert!(over.contains("name=\"qty.seat\" value=\"1\""), "{over}");
    assert!(over.contains("name=\"key\" value=\"form-2\""), "{over}");
    let again = gone_to(&browser.post("/en/act/a/claim", &[("qty.seat", "1"), ("key", "form-2")]));
    assert_ne!(again, path);
    assert_eq!(order(&mut ann, id_of(&again))["state"], "held");
}

/// C23, and that another site's page cannot send these forms.
#[test]
fn somebody_elses_order_is_not_there_and_other_sites_can_send_nothing() {
    let mut stage = selling(json!({"stock": 2}));
    let (mut ann, eve) = (stage.person("ann"), stage.person("eve"));
    let id = order_id(&claim(&mut ann, "a"));
    let path = format!("/en/order/{id}");
    let mut other = Browser::of(&stage, &eve);
    for below in ["", "/cancel"] {
        page(&other.get(&format!("{path}{below}")), 404);
    }
    for below in ["/pay", "/cancel"] {
        page(&other.post(&format!("{path}{below}"), &[]), 404);
    }
    let mut elsewhere = Browser::of(&stage, &ann);
    elsewhere.origin = "https://evil.example".to_owned();
    for form in [format!("{path}/pay"), format!("{path}/cancel"), "/en/act/a/line".to_owned()] {
        page(&elsewhere.post(&form, &[("do", "join")]), 403);
    }
    assert_eq!(order(&mut ann, &id)["state"], "held");
}

#[test]
fn several_units_by_form_are_one_order_and_nonsense_is_refused() {
    let mut stage = shop();
    let activity = json!({
        "id": "a", "name": "a", "start_time": 1_600_000_000, "end_time": 4_100_000_000u64,
        "ticket": [
            {"id": "x", "name": "x", "stock": 5, "limit_per_user": 3, "price": "2.50"},
            {"id": "y", "name": "y", "stock": 5, "limit_per_user": 3},
        ],
    });
    crate::world::import(&mut stage.op, json!([activity]));
    let mut ann = stage.person("ann");
    let mut browser = Browser::of(&stage, &ann);
    let fields = [("typeId", "x"), ("qty.x", "2"), ("qty.y", "1"), ("key", "form-1")];
    let path = gone_to(&browser.post("/en/act/a/claim", &fields));
    let made = order(&mut ann, id_of(&path));
    assert_eq!(
        (&made["price"], made["tickets"].as_array().map(Vec::len)),
        (&json!("5.00"), Some(3))
    );
    // Nothing chosen in the basket: one of the chosen type, as ever.
    let fields = [("typeId", "y"), ("qty.x", "0"), ("qty.y", "0"), ("key", "form-1")];
    let one = gone_to(&browser.post("/en/act/a/claim", &fields));
    assert!(one.starts_with("/en/ticket/"), "{one}");
    for wrong in ["-1", "101", "x", "1.5", ""] {
        let fields = [("typeId", "x"), ("qty.x", wrong), ("key", "form-9")];
        page(&browser.post("/en/act/a/claim", &fields), 400);
    }
    let too_many = [("qty.x", "3"), ("key", "form-8")];
    let refused = page(&browser.post("/en/act/a/claim", &too_many), 200);
    assert!(refused.contains("had your share"), "{refused}");
}

/// C22.
#[test]
fn the_line_by_form_is_joined_looked_at_and_left() {
    let mut stage = selling(json!({"stock": 1}));
    let mut holder = stage.person("holder");
    let held = order_id(&claim(&mut holder, "a"));
    let ann = stage.person("ann");
    let mut browser = Browser::of(&stage, &ann);
    let no = page(&browser.post("/en/act/a/claim", &[("typeId", "seat"), ("key", "form-1")]), 200);
    assert!(no.contains("held by others") && no.contains("action=\"/en/act/a/line\""), "{no}");
    let form = |wanted| [("typeId", "seat"), ("do", wanted)];
    let place = gone_to(&browser.post("/en/act/a/line", &form("join")));
    assert_eq!(place, "/en/act/a/line?typeId=seat");
    assert_eq!(gone_to(&browser.post("/en/act/a/line", &form("join"))), place);
    let answer = browser.get(&place);
    assert!(answer.header("refresh").is_some(), "it looks again by itself");
    assert!(page(&answer, 200).contains("You are next"));
    let left = gone_to(&browser.post("/en/act/a/line", &form("leave")));
    assert!(page(&browser.get(&left), 200).contains("You left the line"));
    page(&browser.post("/en/act/a/line", &form("dance")), 400);

    gone_to(&browser.post("/en/act/a/line", &form("join")));
    let gone = holder.send("POST", &format!("/order/cancel?orderId={held}"), &[], b"");
    data(&gone.expect("an answer"));
    let offer = eventually("an offer", || {
        let answer = browser.get(&place);
        (answer.status == 303).then(|| gone_to(&answer))
    });
    assert!(page(&browser.get(&offer), 200).contains("It is your turn"));
    // Whoever was offered one is sent to it.
    assert_eq!(gone_to(&browser.post("/en/act/a/line", &form("join"))), place);
    assert_eq!(gone_to(&browser.get(&place)), offer);
}

#[test]
fn where_something_is_free_or_there_is_no_line_the_page_says_so() {
    let mut stage = selling(json!({"stock": 1}));
    stage.open("gift", json!({"stock": 1}));
    let mut first = stage.person("first");
    data(&claim(&mut first, "gift"));
    let ann = stage.person("ann");
    let mut browser = Browser::of(&stage, &ann);
    for (act, says) in [("a", "free right now"), ("gift", "no line here")] {
        let fields = [("typeId", "seat"), ("do", "join")];
        let told = page(&browser.post(&format!("/en/act/{act}/line"), &fields), 200);
        assert!(told.contains(says), "{told}");
    }
    let no = browser.post("/en/act/gift/claim", &[("typeId", "seat"), ("key", "form-1")]);
    assert!(!page(&no, 200).contains("/line\""), "nobody is sent to a line that is not there");
}

/// The pretend company is there only where the configuration says so, and answers calls with the envelope.
#[test]
fn the_pretend_company_takes_calls_and_is_absent_where_it_is_not_switched_on() {
    let mut stage = selling(json!({"stock": 1}));
    let mut ann = stage.person("ann");
    let id = order_id(&claim(&mut ann, "a"));
    let at = format!("/pay/test/{id}");
    assert_eq!(ann.post_json(&at, &json!({"how": "at_once"})).status, 404, "nobody was sent there");
    data(&ann.send("POST", &format!("/order/pay?orderId={id}"), &[], b"").expect("an answer"));
    for wrong in [json!({"how": "gladly"}), json!({}), json!({"how": "late", "after_s": 1e9})] {
        assert_eq!(ann.post_json(&at, &wrong).status, 400, "{wrong}");
    }
    data(&ann.post_json(&at, &json!({"how": "at_once"})));
    let again = ann.post_json(&at, &json!({"how": "at_once"}));
    assert_eq!((again.ret(), &again.data()["state"]), (-10, &json!("paid")));
    reaches(&mut ann, &id, "paid");

    let mut plain = Stage::selling(priced(json!({"stock": 1})));
    let mut bob = plain.person("bob");
    let id = order_id(&claim(&mut bob, "a"));
    assert_eq!(bob.get(&format!("/pay/test/{id}")).status, 404);
    // Nothing to pay with is no dead end: the page says so and the order is as it was.
    let mut browser = Browser::of(&plain, &bob);
    let told = page(&browser.post(&format!("/en/order/{id}/pay"), &[]), 503);
    assert!(told.contains("cannot be paid now"), "{told}");
    assert_eq!(order(&mut bob, &id)["state"], "held");
}

#[test]
fn operators_see_orders_and_payments_and_give_money_back_after_a_page_that_says_what_it_does() {
    let mut stage = selling(json!({"codes": ["K-1", "K-2"]}));
    let mut ann = stage.person("ann");
    let id = order_id(&claim(&mut ann, "a"));
    let mut desk = Browser::operator(&stage);
    let list = "/en/desk/act/a/orders";
    assert!(page(&desk.get(list), 200).contains(&id));
    assert!(page(&desk.get(&format!("{list}?state=held")), 200).contains(&id));
    assert!(!page(&desk.get(&format!("{list}?state=paid")), 200).contains(&id));
    page(&desk.get(&format!("{list}?state=gone")), 400);
    let one = format!("/en/desk/order/{id}");
    assert!(!page(&desk.get(&one), 200).contains("K-1"), "nobody sees a code that is not paid");

    paid(&mut ann, &id);
    let shown = page(&desk.get(&one), 200);
    assert!(shown.contains("K-1") && shown.contains("¥9.90") && shown.contains("/refund\""));
    let asks = page(&desk.get(&format!("{one}/refund")), 200);
    assert!(asks.contains("codes are lost"), "{asks}");
    page(&desk.post(&format!("{one}/refund"), &[]), 400);
    assert_eq!(order(&mut ann, &id)["state"], "paid", "a box that is not ticked does nothing");
    for _ in 0..2 {
        gone_to(&desk.post(&format!("{one}/refund"), &[("sure", "1")]));
    }
    reaches(&mut ann, &id, "refunded");
    let money = page(&desk.get("/en/desk/payments"), 200);
    assert!(money.contains(&id) && money.contains("refunded"), "{money}");
    let mut eve = Browser::of(&stage, &ann);
    for path in [list, one.as_str(), "/en/desk/payments", "/en/desk/webhooks"] {
        page(&eve.get(path), 403);
    }
    let told = page(&eve.get(&format!("/en/order/{id}")), 200);
    assert!(told.contains("Your money is back") && !told.contains("K-1"), "{told}");
}

/// What is due stays in sight until it is done, and refused notices are shown (C16).
#[test]
fn the_desk_shows_what_is_due_and_what_was_refused() {
    let mut stage = selling(json!({"stock": 2}));
    let mut ann = stage.person("ann");
    let id = order_id(&claim(&mut ann, "a"));
    data(&ann.send("POST", &format!("/order/pay?orderId={id}"), &[], b"").expect("an answer"));
    let mut desk = Browser::operator(&stage);
    data(&ann.post_json(&format!("/pay/test/{id}"), &json!({"how": "forged"})));
    eventually("the refused notice", || {
        let money = page(&desk.get("/en/desk/payments"), 200);
        money.contains("not signed by the provider").then_some(())
    });
    assert_eq!(order(&mut ann, &id)["state"], "held");
    let way = json!({"how": "twice", "refund_failures": 100});
    data(&ann.post_json(&format!("/pay/test/{id}"), &way));
    reaches(&mut ann, &id, "paid");
    eventually("the refund that is due", || {
        let money = page(&desk.get("/en/desk/payments"), 200);
        let (_, due) = money.split_once("Still to be settled").expect("a heading");
        let (due, _) = due.split_once("All payments").expect("a heading");
        (due.contains("refund on its way") && due.contains("times; next")).then_some(())
    });
    let told = page(&Browser::of(&stage, &ann).get(&format!("/en/order/{id}")), 200);
    assert!(told.contains("refund on its way") && told.contains("Paid: it is yours"), "{told}");
}

/// A receiver that takes everything, at an address of this machine.
fn receiver() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || take_all(stream));
        }
    });
    format!("http://{address}/hook")
}

/// Answers what begins like a request; whoever sends more is answered all the same.
fn take_all(mut stream: TcpStream) {
    let mut part = [0; 16_384];
    while stream.read(&mut part).is_ok_and(|read| read > 0) {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    }
}

/// The secret on a page, where there is one.
fn secret(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("whsec_")?;
    rest.split('<').next()
}

#[test]
fn endpoints_are_added_tried_out_and_removed_by_forms_and_a_secret_is_shown_once() {
    let world = World::cheap().set("FIRSTCOME_WEBHOOKS_REACHABLE", "127.0.0.0/8");
    let mut stage = Stage::on(world);
    stage.open("a", json!({"stock": 2}));
    let mut desk = Browser::operator(&stage);
    let list = "/en/desk/webhooks";
    assert!(page(&desk.get(list), 200).contains("Add an endpoint"));
    for wrong in ["", "ftp://example.com/", "http://10.1.2.3/hook"] {
        let fields = [("url", wrong), ("note", "kept")];
        let told = page(&desk.post(list, &fields), 400);
        assert!(told.contains("role=\"alert\"") && told.contains("value=\"kept\""), "{told}");
    }
    let url = receiver();
    let fields = [("url", url.as_str()), ("actId", "a"), ("type.order.paid", "1"), ("note", "n")];
    let made = page(&desk.post(list, &fields), 200);
    let first = secret(&made).expect("a secret").to_owned();
    let shown = page(&desk.get(list), 200);
    assert!(shown.contains(&url) && secret(&shown).is_none(), "{shown}");
    let (_, rest) = shown.split_once("/en/desk/webhooks/").expect("a link");
    let one = format!("{list}/{}", rest.split('"').next().expect("an id"));
    assert!(made.contains(&format!("action=\"{one}\"")), "the page with the secret has its forms");
    assert!(secret(&page(&desk.get(&one), 200)).is_none(), "a secret is shown once");

    let tested = page(&desk.post(&one, &[("do", "test")]), 200);
    assert!(tested.contains("taken (200)"), "{tested}");
    let turned = page(&desk.post(&one, &[("do", "rotate")]), 200);
    assert_ne!(secret(&turned).expect("a new secret"), first);
    let parked = gone_to(&desk.post(&one, &[("do", "park")]));
    assert!(page(&desk.get(&parked), 200).contains("parked"));
    let resumed = gone_to(&desk.post(&one, &[("do", "resume")]));
    assert!(page(&desk.get(&resumed), 200).contains("active"));

    let mut ann = stage.person("ann");
    data(&claim(&mut ann, "a"));
    eventually("a delivery", || {
        let log = page(&desk.get(&one), 200);
        log.contains("#1").then_some(())
    });
    let fields = [("do", "replay"), ("actId", "a"), ("after", "0")];
    gone_to(&desk.post(&one, &fields));
    page(&desk.post(&one, &[("do", "replay"), ("actId", "a"), ("after", "x")]), 400);
    page(&desk.post(&one, &[("do", "remove")]), 400);
    gone_to(&desk.post(&one, &[("do", "remove"), ("sure", "1")]));
    page(&desk.get(&one), 404);
    assert!(!stage.world.log().contains(&first), "a secret is in no log");
}

#[test]
fn an_activity_that_costs_something_is_written_in_the_form() {
    let mut stage = shop();
    let mut desk = Browser::operator(&stage);
    let fields = |price: &'static str, currency: &'static str| {
        [
            ("id", "gala"),
            ("types", "1"),
            ("name", "Gala"),
            ("start_time", "2026-01-01T10:00"),
            ("end_time", "2099-01-01T10:00"),
            ("t0.kind", "plain"),
            ("t0.stock", "3"),
            ("t0.limit_per_user", "1"),
            ("t0.price", price),
            ("t0.pay_within_s", "20"),
            ("t0.offer_within_s", "5"),
            ("currency", currency),
            ("standby", "on"),
            ("do", "create"),
        ]
    };
    for (price, currency, says) in [
        ("much", "CNY", "an amount such as 9.90"),
        ("9.901", "CNY", "an amount such as 9.90"),
        ("9.90", "yuan", "three letters such as CNY"),
    ] {
        let told = page(&desk.post("/en/desk/new", &fields(price, currency)), 400);
        assert!(told.contains(says), "{price} {currency}: {told}");
    }
    gone_to(&desk.post("/en/desk/new", &fields("19.80", "CNY")));
    let detail = data(&stage.op.get("/act/detail?actId=gala"));
    let kind = &detail["tickets"][0];
    assert_eq!((&kind["price"], &kind["standby"]), (&json!("19.80"), &json!(true)));
    let edit = page(&desk.get("/en/desk/act/gala/edit"), 200);
    assert!(edit.contains("¥19.80") && edit.contains("20 minutes") && edit.contains("5 minutes"));
    let live = page(&desk.get("/en/desk/act/gala"), 200);
    assert!(live.contains("people in line") && live.contains("held, to be paid"), "{live}");
}
