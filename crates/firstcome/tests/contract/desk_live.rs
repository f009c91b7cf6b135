//! The live screen of the desk and what is done from it: figures, switches with their confirmation, the search, the
//! audit log, a rehearsal to its verdict. Who is no operator, or comes from another site, changes and sees nothing.

use super::stage::{Stage, claim, claim_with, data, eventually, fails, refused};
use crate::world::{Answer, Client, World, import, now_s};
use serde_json::{Value, json};

const PAGES: [&str; 9] = [
    "/en/desk/act/a",
    "/zh/desk/act/a",
    "/en/desk/act/a/pause",
    "/en/desk/act/a/resume",
    "/en/desk/act/a/close",
    "/en/desk/act/a/refill",
    "/en/desk/act/a/rehearse",
    "/en/desk/find",
    "/en/desk/audit",
];

fn live(op: &mut Client, act: &str) -> Value {
    data(&op.get(&format!("/admin/act/live?actId={act}")))
}

fn html(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).expect("UTF-8")
}

/// A page that is there.
#[track_caller]
fn page(client: &mut Client, path: &str) -> String {
    let answer = client.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", html(&answer));
    assert_eq!(answer.header("cache-control"), Some("private, no-store"), "{path}");
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    html(&answer)
}

/// Sends a form as a page of the server's own does.
fn send(client: &mut Client, path: &str, fields: &str) -> Answer {
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let own = ("sec-fetch-site", "same-origin");
    client.send("POST", path, &[kind, own], fields.as_bytes()).expect("an answer")
}

/// A form that did what it was for: the page that it sends on to.
#[track_caller]
fn sent(client: &mut Client, path: &str, fields: &str) -> String {
    let answer = send(client, path, fields);
    assert_eq!(answer.status, 303, "{path}: {}", html(&answer));
    let next = answer.header("location").expect("a place").to_owned();
    page(client, &next)
}

/// What the search of the desk shows; the question is in no address.
#[track_caller]
fn found(client: &mut Client, language: &str, question: &str) -> String {
    let answer = send(client, &format!("/{language}/desk/find"), &format!("q={question}"));
    assert_eq!(answer.status, 200, "{question}: {}", html(&answer));
    assert_eq!(answer.header("cache-control"), Some("private, no-store"), "{question}");
    html(&answer)
}

/// The refusals of the desk that the audit log has of the activity `a`, once all of them are there.
fn refusals(op: &mut Client, expected: usize) -> Vec<(String, String)> {
    eventually("the refusals in the audit log", || {
        let rows = data(&op.get("/admin/audit?pageSize=100"))["list"].clone();
        let rows = rows.as_array().expect("a list").clone();
        let text = |row: &Value, key: &str| row[key].as_str().expect("a text").to_owned();
        let of_a = rows.iter().filter(|row| row["target"] == "a");
        let told = of_a.map(|row| (text(row, "action"), text(row, "detail")));
        let mut refused: Vec<_> = told.filter(|(_, detail)| detail.starts_with("ret ")).collect();
        refused.reverse();
        (refused.len() >= expected).then_some(refused)
    })
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&mark).unwrap_or_else(|| panic!("no {name} in {page}"));
    rest.split('"').next().expect("it is closed").to_owned()
}

#[test]
fn the_figures_of_a_sale_grow_with_its_answers() {
    let mut stage = Stage::selling(json!({"stock": 2}));
    let first = live(&mut stage.op, "a");
    assert_eq!(
        (&first["accepted"], &first["refusals"], &first["state"]),
        (&json!(0), &json!(0), &json!("open"))
    );
    let mut people = stage.people(&["anna", "ben", "carl"]);
    for person in &mut people[..2] {
        data(&claim_with(person, "a", "k"));
        data(&claim_with(person, "a", "k"));
    }
    for _ in 0..3 {
        refused(&claim(&mut people[2], "a"), -2);
    }
    refused(&claim(&mut people[0], "a"), -5);
    let figures = live(&mut stage.op, "a");
    let expected = json!({"accepted": 2, "refusals": 4, "participants": 3, "state": "sold_out",
        "closed": false, "paused": false, "refused": {"sold_out": 1}});
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&figures[name], value, "{name}");
    }
    assert_eq!(
        figures["types"][0],
        json!({"id": "seat", "total": 2, "available": 0, "held": 0, "sold": 2, "unpaid": 0, "waiting": 0})
    );
    assert!(figures["opened_at"].is_u64() && figures["sold_out_at"].is_u64(), "{figures}");
    let all = |figures: &Value| -> u64 {
        let counts = figures["latency"]["counts"].as_array().expect("a list");
        counts.iter().map(|count| count.as_u64().expect("a count")).sum()
    };
    assert_eq!(all(&figures) - all(&first), 8, "every answer to a claim has its time");
    let bounds = figures["latency"]["bounds_ms"].as_array().expect("a list");
    assert_eq!(bounds.len() + 1, figures["latency"]["counts"].as_array().expect("a list").len());
    data(&stage.refill("a", 5));
    let refilled = live(&mut stage.op, "a");
    assert_eq!((&refilled["accepted"], &refilled["sold_out_at"]), (&json!(2), &Value::Null));
}

/// A screen that is left open asks every second: the log has its opening, and not its questions.
#[test]
fn opening_the_screen_is_in_the_audit_log_and_its_questions_are_not() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    for _ in 0..5 {
        live(&mut stage.op, "a");
    }
    page(&mut stage.op, "/en/desk/act/a");
    let rows = eventually("the opening in the audit log", || {
        let rows = data(&stage.op.get("/admin/audit?pageSize=100"))["list"].clone();
        let rows = rows.as_array().expect("a list").clone();
        rows.iter().any(|row| row["action"] == "admin/act/live").then_some(rows)
    });
    assert_eq!(rows.iter().filter(|row| row["action"] == "admin/act/live").count(), 1);
}

#[test]
fn the_screen_shows_the_figures_of_its_moment_in_both_languages() {
    let mut stage = Stage::selling(json!({"stock": 3}));
    let mut anna = stage.person("anna");
    data(&claim(&mut anna, "a"));
    for (path, words) in
        [("/en/desk/act/a", "People who got nothing"), ("/zh/desk/act/a", "未抢到的人")]
    {
        let shown = page(&mut stage.op, path);
        assert!(shown.contains(words) && shown.contains("/assets/desk."), "{shown}");
        for figure in ["<b id=\"available\">2</b>", "<b id=\"sold\">1</b>", "<b id=\"total\">3</b>"]
        {
            assert!(shown.contains(figure), "{figure}: {shown}");
        }
        for format in ["csv", "xlsx", "jsonl"] {
            let target = format!("/admin/export?actId=a&amp;format={format}");
            assert_eq!(shown.matches(&target).count(), 2, "{format}");
        }
    }
    assert_eq!(stage.op.get("/en/desk/act/none").status, 404);
}

#[test]
fn whoever_is_no_operator_sees_and_changes_nothing() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    let (mut buyer, mut stranger) = (stage.person("buyer"), stage.stranger());
    for path in PAGES {
        page(&mut stage.op, path);
        assert_eq!(buyer.get(path).status, 403, "{path}");
        let answer = stranger.get(path);
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.header("location").is_some_and(|to| to.contains("/sign-in?next=")));
    }
    fails(&buyer.get("/admin/act/live?actId=a"), 403);
    fails(&stranger.get("/admin/act/live?actId=a"), 401);
    fails(&stage.op.get("/admin/act/live?actId=none"), 404);
    fails(&stage.op.get("/admin/act/live"), 400);
    let before = live(&mut stage.op, "a");
    for (path, fields) in switches() {
        assert_eq!(send(&mut buyer, path, fields).status, 403, "{path}");
        for site in ["cross-site", "same-site", "none"] {
            let kind = ("content-type", "application/x-www-form-urlencoded");
            let headers = [kind, ("sec-fetch-site", site)];
            let answer =
                stage.op.send("POST", path, &headers, fields.as_bytes()).expect("an answer");
            assert_eq!(answer.status, 403, "{path} from {site}");
        }
    }
    let after = live(&mut stage.op, "a");
    for name in ["state", "types", "closed", "paused"] {
        assert_eq!(before[name], after[name]);
    }
}

fn switches() -> [(&'static str, &'static str); 6] {
    [
        ("/en/desk/act/a/pause", ""),
        ("/en/desk/act/a/resume", ""),
        ("/en/desk/act/a/refill", "typeId=seat&units=5&key=k"),
        ("/en/desk/act/a/close", "sure=1"),
        ("/en/desk/act/a/rehearse", "people=10&connections=1&seconds=3&anyway=1"),
        ("/en/desk/find", "q=anna"),
    ]
}

#[test]
fn a_switch_says_what_it_will_do_and_does_it_only_when_it_is_sent() {
    let mut stage = Stage::selling(json!({"stock": 2}));
    let mut anna = stage.person("anna");
    let asks = page(&mut stage.op, "/en/desk/act/a/pause");
    assert!(asks.contains("nobody can claim") && asks.contains("keep it"), "{asks}");
    assert_eq!(live(&mut stage.op, "a")["paused"], false, "asking does nothing");
    for _ in 0..2 {
        let shown = sent(&mut stage.op, "/en/desk/act/a/pause", "");
        assert!(shown.contains("It is paused: nobody can claim now."), "{shown}");
    }
    refused(&claim(&mut anna, "a"), -11);
    let shown = sent(&mut stage.op, "/zh/desk/act/a/resume", "");
    assert!(shown.contains("已继续：可以抢了。"), "{shown}");
    data(&claim(&mut anna, "a"));
    let answer = send(&mut stage.op, "/en/desk/act/a/close", "");
    assert_eq!((answer.status, live(&mut stage.op, "a")["closed"].clone()), (400, json!(false)));
    let shown = sent(&mut stage.op, "/en/desk/act/a/close", "sure=1");
    assert!(shown.contains("It is closed for good."), "{shown}");
    refused(&claim(&mut anna, "a"), -1);
    for (path, fields) in &switches()[..3] {
        let answer = send(&mut stage.op, path, fields);
        assert_eq!(answer.status, 409, "{path}");
        assert!(html(&answer).contains("It is closed for good; nothing was changed."));
    }
    let expected = [("close", -400), ("pause", -10), ("resume", -10), ("refill", -10)];
    let expected = expected.map(|(name, ret)| (format!("admin/act/{name}"), format!("ret {ret}")));
    assert_eq!(refusals(&mut stage.op, 4), expected, "as the calls of the same names");
    assert_eq!(data(&anna.get("/ticket/list"))["list"][0]["is_effective"], true, "a ticket stays");
}

/// What only takes a form cannot be opened: no link of its answers leads back to it.
#[test]
fn the_answer_of_a_form_links_to_pages_that_can_be_opened() {
    let mut stage = Stage::selling(json!({"stock": 2}));
    let mut stranger = stage.stranger();
    let table = [
        ("/act/a/claim", "typeId=seat&key=k", "/act/a", 403),
        ("/account/password", "old=a&new=b", "/account", 403),
        ("/desk/sheet", "", "/desk", 400),
        ("/sign-out", "", "/", 403),
    ];
    for (path, fields, belongs_to, status) in table {
        let answer = send(&mut stranger, &format!("/en{path}"), fields);
        if path != "/sign-out" {
            let next = format!("/en/sign-in?next=/en{belongs_to}");
            assert_eq!(answer.header("location"), Some(&*next), "{path}");
        }
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let headers = [kind, ("sec-fetch-site", "cross-site")];
        let target = format!("/en{path}");
        let answer =
            stage.op.send("POST", &target, &headers, fields.as_bytes()).expect("an answer");
        assert_eq!(answer.status, status, "{path}");
        let switch = format!("<a href=\"/zh{belongs_to}\" lang=\"zh-CN\"");
        assert!(html(&answer).contains(&switch), "{path}: {}", html(&answer));
        assert_eq!(stage.op.get(&format!("/zh{belongs_to}")).status, 200, "{belongs_to}");
    }
}

#[test]
fn who_presses_too_often_is_shown_the_way_back_to_the_button() {
    let world = World::cheap()
        .set("FIRSTCOME_LIMITS_CLAIMS_BY_ACCOUNT_PER_MIN", "1")
        .set("FIRSTCOME_LIMITS_CLAIMS_BY_ACCOUNT_BURST", "1");
    let mut stage = Stage::on(world);
    stage.open("a", json!({"stock": 1}));
    let mut anna = stage.person("anna");
    assert_eq!(send(&mut anna, "/en/act/a/claim", "typeId=seat&key=k").status, 303);
    let answer = send(&mut anna, "/en/act/a/claim", "typeId=seat&key=other");
    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    let again = "<a class=\"button strong\" href=\"/en/act/a\">Try again</a>";
    assert!(html(&answer).contains(again), "{}", html(&answer));
}

#[test]
fn a_refill_is_done_once_however_often_its_page_is_sent() {
    let mut stage = Stage::selling(json!({"stock": 2}));
    let path = "/en/desk/act/a/refill";
    let total = |stage: &mut Stage| stage.stats("a")["total"].clone();
    let key = hidden(&page(&mut stage.op, path), "key");
    let fields = |units: &str, key: &str| format!("typeId=seat&units={units}&key={key}");
    for _ in 0..3 {
        let shown = sent(&mut stage.op, path, &fields("5", &key));
        assert!(shown.contains("Units added: 5."), "{shown}");
        assert_eq!(total(&mut stage), 7);
    }
    let answer = send(&mut stage.op, path, &fields("6", &key));
    assert_eq!(answer.status, 409);
    let again = hidden(&html(&answer), "key");
    assert!(again != key && total(&mut stage) == 7, "the page offers to do it anew");
    let shown = sent(&mut stage.op, path, &fields("-4", &again));
    assert!(shown.contains("Units taken back: 4.") && total(&mut stage) == 3, "{shown}");
    let key = hidden(&page(&mut stage.op, path), "key");
    let answer = send(&mut stage.op, path, &fields("-9", &key));
    assert_eq!(answer.status, 409);
    assert!(html(&answer).contains("Free now: 3.") && html(&answer).contains("value=\"-9\""));
    for wrong in ["", "0", "x", "1.5", "99999999999999999999"] {
        assert_eq!(send(&mut stage.op, path, &fields(wrong, &key)).status, 400, "{wrong}");
    }
    assert_eq!(send(&mut stage.op, path, &fields("4294967296", &key)).status, 409, "too many");
    assert_eq!(send(&mut stage.op, path, &fields("1", "")).status, 400, "a page without a key");
    assert_eq!(total(&mut stage), 3);
}

#[test]
fn a_type_with_codes_is_sent_to_its_codes_instead() {
    let mut stage = Stage::selling(json!({"codes": ["C-1"]}));
    let shown = page(&mut stage.op, "/en/desk/act/a/refill");
    assert!(shown.contains("/en/desk/act/a/codes") && !shown.contains("<form method=\"post\""));
    let answer = send(&mut stage.op, "/en/desk/act/a/refill", "typeId=seat&units=5&key=k");
    assert_eq!(answer.status, 400, "{}", html(&answer));
    assert_eq!(stage.stats("a")["total"], 1);
}

/// C23: what the search finds for operators is the whole of it, and a code that was asked for is in no log.
#[test]
fn a_person_a_code_and_an_order_are_found() {
    let mut stage = Stage::selling(json!({"codes": ["CODE-<b>-1"]}));
    let mut people = stage.people(&["anna", "ben"]);
    let ticket = data(&claim(&mut people[0], "a"));
    refused(&claim(&mut people[1], "a"), -2);
    let id = ticket["id"].as_str().expect("an id").to_owned();
    let order = ticket["order_id"].as_str().expect("an id").to_owned();
    for question in ["anna", "CODE-%3Cb%3E-1", &id, &order] {
        let shown = found(&mut stage.op, "en", question);
        for part in [id.as_str(), "anna", "CODE-&#60;b&#62;-1", "valid now"] {
            assert!(shown.contains(part), "{part} of {question}: {shown}");
        }
        assert!(!shown.contains("<b>-1"), "what somebody wrote is escaped");
    }
    let shown = found(&mut stage.op, "zh", "ben");
    assert!(shown.contains("还没有票") && shown.contains("参与过但未抢到"), "{shown}");
    let shown = found(&mut stage.op, "en", "nobody");
    assert!(shown.contains("Nothing has exactly this name or number."), "{shown}");
    let shown = page(&mut stage.op, "/en/desk/find?q=anna");
    assert!(!shown.contains("anna") && shown.contains("method=\"post\""), "{shown}");
    let log = eventually("the searches in the audit log", || {
        let log = page(&mut stage.op, "/en/desk/audit");
        log.contains("searched for a person or an order").then_some(log)
    });
    assert!(!log.contains("CODE-"), "{log}");
}

#[test]
fn the_audit_log_is_read_newest_first_page_by_page_in_words() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    for _ in 0..60 {
        data(&stage.desk("/admin/act/pause?actId=a"));
    }
    sent(&mut stage.op, "/en/desk/act/a/resume", "");
    fails(&stage.op.get("/admin/act/stats?actId=none"), 404);
    let first = eventually("the refusal in the audit log", || {
        let shown = page(&mut stage.op, "/en/desk/audit");
        shown.contains("did nothing: -404").then_some(shown)
    });
    assert!(first.contains(">resumed<") && first.contains("was so already"), "{first}");
    let chinese = page(&mut stage.op, "/zh/desk/audit");
    assert!(chinese.contains(">继续<") && chinese.contains(">暂停<"), "{chinese}");
    // Looking is in the log as well, so how many pages there are depends on how often it was looked at.
    let (mut shown, mut resumed) = (first, 1);
    while !shown.contains(">created<") {
        let (_, rest) = shown.split_once("/en/desk/audit?before=").expect("there is more");
        let before = rest.split('"').next().expect("a number").to_owned();
        shown = page(&mut stage.op, &format!("/en/desk/audit?before={before}"));
        resumed += shown.matches(">resumed<").count();
    }
    assert_eq!(resumed, 1, "each entry is on one page");
    assert_eq!(stage.op.get("/en/desk/audit?before=x").status, 400);
}

/// A world whose scratch folders are made below a folder of its own, with an activity that is not open yet.
fn upcoming() -> (World, tempfile::TempDir, Client) {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let mut world = World::cheap().set("TMPDIR", &scratch.path().display().to_string());
    let mut op = world.serve_with_operator();
    let later = |id: &str, kinds: Value| {
        let (start, end) = (now_s() + 3_600, now_s() + 7_200);
        json!({"id": id, "name": id, "start_time": start, "end_time": end, "ticket": kinds, "roster": ["anna"]})
    };
    let seat = json!({"id": "seat", "name": "Seat", "codes": ["REAL-CODE-1", "REAL-CODE-2"]});
    let stand = json!({"id": "stand", "name": "Stand", "stock": 20, "limit_per_user": 2});
    import(&mut op, json!([later("a", json!([seat, stand]))]));
    (world, scratch, op)
}

const SMALL: &str = "people=60&connections=10&seconds=3";

#[test]
fn a_rehearsal_of_a_copy_comes_to_its_verdict_and_leaves_the_sale_alone() {
    let (_world, scratch, mut op) = upcoming();
    let before = data(&op.get("/admin/act/stats?actId=a"));
    let path = "/en/desk/act/a/rehearse";
    assert_eq!(op.get(&format!("{path}/report")).status, 404, "nothing was rehearsed yet");
    let answer = send(&mut op, path, "people=5&connections=10&seconds=3");
    assert_eq!(answer.status, 400, "too few people");
    let shown = sent(&mut op, path, SMALL);
    assert!(shown.contains("It runs"), "{shown}");
    let answer = send(&mut op, path, SMALL);
    assert_eq!(answer.status, 409, "one at a time");
    let shown = eventually("a verdict", || {
        let answer = op.get(path);
        let running = answer.header("refresh").is_some();
        (!running).then(|| html(&answer))
    });
    assert!(shown.contains("Every promise held"), "{shown}");
    assert_eq!(shown.matches("<span class=\"tag valid\">held</span>").count(), 6, "{shown}");
    let chinese = page(&mut op, "/zh/desk/act/a/rehearse");
    assert!(chinese.contains("所有承诺均已兑现"), "{chinese}");
    let answer = op.get(&format!("{path}/report"));
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.contains("style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let report = html(&answer);
    assert!(report.contains("Every promise held.") && report.contains("seat"), "{report}");
    assert!(!report.contains("REAL-CODE"), "codes stay where they are");
    let saved = op.get(&format!("{path}/report?download=1"));
    assert_eq!(
        saved.header("content-disposition"),
        Some("attachment; filename=\"rehearsal-a.html\"")
    );
    assert_eq!(
        data(&op.get("/admin/act/stats?actId=a")),
        before,
        "nothing of the sale has changed"
    );
    let left: Vec<_> = std::fs::read_dir(scratch.path()).expect("it is there").flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn no_rehearsal_begins_beside_an_open_sale_unless_it_is_said_twice() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    let path = "/en/desk/act/a/rehearse";
    let answer = send(&mut stage.op, path, SMALL);
    assert_eq!(answer.status, 409);
    assert!(html(&answer).contains("Not now: an activity is open"), "{}", html(&answer));
    let refused = ("admin/rehearse".to_owned(), "ret -409".to_owned());
    assert_eq!(refusals(&mut stage.op, 1), [refused]);
    let shown = sent(&mut stage.op, path, &format!("{SMALL}&anyway=1"));
    assert!(shown.contains("It runs"), "{shown}");
    sent(&mut stage.op, path, "stop=1");
    eventually("its end", || {
        page(&mut stage.op, path).contains("The last rehearsal was given up").then_some(())
    });
}

/// An upgrade replaces the file of a program that runs: what runs rehearses itself and nothing else.
#[test]
fn a_rehearsal_is_made_also_where_the_programs_file_is_gone() {
    let mut world = World::cheap();
    let own = world.file("own", "");
    world.wrap(&format!("cp \"$0\" '{0}' && chmod +x '{0}' && exec '{0}' \"$@\"", own.display()));
    let mut stage = Stage::on(world);
    stage.open("a", json!({"stock": 1}));
    std::fs::remove_file(own).expect("it was there");
    let path = "/en/desk/act/a/rehearse";
    sent(&mut stage.op, path, &format!("{SMALL}&anyway=1"));
    // Everything after "a server for it starts" needs that server.
    let later = ["the crowd signs in", "the copy is made", "the crowd gathers", "the sale is open"];
    eventually("a crowd at its own server", || {
        let shown = page(&mut stage.op, path);
        later.iter().any(|phase| shown.contains(phase)).then_some(())
    });
    sent(&mut stage.op, path, "stop=1");
}

/// Whatever ends the server ends the rehearsal that it holds, and the rehearsal its own server.
#[test]
fn a_rehearsal_ends_with_the_server_however_that_ends() {
    for kill in [true, false] {
        let (mut world, scratch, mut op) = upcoming();
        sent(&mut op, "/en/desk/act/a/rehearse", "people=60&connections=10&seconds=60");
        let left = || std::fs::read_dir(scratch.path()).expect("it is there").flatten().count();
        eventually("a scratch folder", || (left() > 0).then_some(()));
        if kill {
            world.kill()
        } else {
            world.terminate()
        }
        eventually("nothing left of it", || (left() == 0).then_some(()));
    }
}
