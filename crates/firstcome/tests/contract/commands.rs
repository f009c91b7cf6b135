//! The command line, alone and beside a running server: what it prints, and its exit codes (0 done, 1 said no,
//! 2 used wrongly). What an import or an export may hold is tested over HTTP; here, that these ways do the same.

use super::stage::{Stage, claim, data, eventually, fails, refused, text};
use crate::world::{World, export, now_s};
use serde_json::{Value, json};
use std::process::Output;

fn activity(id: &str, ticket: &str) -> String {
    let (start, end) = (now_s() - 60, now_s() + 3600);
    format!(
        "[[activity]]\nid = \"{id}\"\nname = \"{id}\"\nstart_time = {start}\nend_time = {end}\n\
         [[activity.ticket]]\nid = \"seat\"\nname = \"Seat\"\n{ticket}\n"
    )
}

fn shown(path: &std::path::Path) -> String {
    path.display().to_string()
}

/// The exit code and everything that was printed.
fn outcome(output: &Output) -> (Option<i32>, String) {
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), format!("{out}{err}"))
}

#[track_caller]
fn says_no(world: &World, arguments: &[&str]) -> String {
    let (code, text) = outcome(&world.run(arguments, ""));
    assert_eq!(code, Some(1), "firstcome {arguments:?}: {text}");
    text
}

#[test]
fn an_import_names_file_line_key_value_and_reason() {
    let world = World::cheap();
    let good = shown(&world.file("good.toml", activity("good", "stock = 1")));
    let table = [
        ("stock = -5", vec![":9", "stock", "-5"]),
        ("stock = 1\nprice = \"9.901\"", vec![":10", "price", "9.901"]),
        ("stock = 1\nlimit_per_usr = 2", vec![":10", "limit_per_usr"]),
        ("codes = \"missing.csv\"", vec!["missing.csv"]),
        ("codes = \"twice.csv\"", vec!["twice.csv:4", "code"]),
        ("codes = \"headless.csv\"", vec!["headless.csv:1", "code"]),
        ("stock = 1\nstock = 2", vec![":10"]),
    ];
    world.file("twice.csv", "code\nK-SECRET-1\nK-2\nK-SECRET-1\n");
    world.file("headless.csv", "K-SECRET-1\nK-2\n");
    for (ticket, expected) in table {
        let bad = shown(&world.file("bad.toml", activity("bad", ticket)));
        let said = says_no(&world, &["import", &good, &bad]);
        for part in expected.iter().chain(
            ["bad.toml", "missing.csv", "twice.csv", "headless.csv"]
                .iter()
                .filter(|file| said.contains(**file))
                .take(1),
        ) {
            assert!(said.contains(part), "{ticket}: {part} is not in: {said}");
        }
        assert!(!said.contains("K-SECRET"), "{said}");
        let found = world.run(&["export", "good", "--format", "csv"], "");
        assert_ne!(found.status.code(), Some(0), "{ticket}: nothing is imported");
    }
    says_no(&world, &["import", "no-such-file.toml"]);
    world.must(&["import", &good], "");
    let said = says_no(&world, &["import", &good]);
    assert!(said.contains("good.toml") && said.contains("id") && said.contains("good"), "{said}");
}

/// All or nothing over all files of one command, also where the ledger is what says no.
#[test]
fn an_import_of_several_files_is_all_or_nothing() {
    let world = World::cheap();
    let first = shown(&world.file("first.toml", activity("first", "codes = [\"K-1\"]")));
    let second = shown(&world.file("second.toml", activity("second", "stock = 1")));
    let third = shown(&world.file("third.toml", activity("third", "codes = [\"K-1\"]")));
    world.must(&["import", &second], "");
    says_no(&world, &["import", &first, &second]);
    let found = world.run(&["export", "first", "--format", "csv"], "");
    assert_eq!(
        found.status.code(),
        Some(1),
        "the first file went in although the second was refused"
    );
    says_no(&world, &["import", &first, &third]);
    let found = world.run(&["export", "first", "--format", "csv"], "");
    assert_eq!(
        found.status.code(),
        Some(1),
        "the first file went in although the other shares its code"
    );
}

/// Spreadsheets save CSV as UTF-8 with or without a mark, or as GBK.
#[test]
fn files_come_in_the_encodings_that_spreadsheets_save() {
    let world = World::cheap();
    world.file("codes.csv", b"\xef\xbb\xbfcode\r\nK-1\r\nK-2\r\n");
    // 姓名 "张三" and department "技术" in GBK.
    world.file(
        "staff.csv",
        b"name,display_name,department\r\nE1,\xd5\xc5\xc8\xfd,\xbc\xbc\xca\xf5\r\n",
    );
    let toml = activity("a", "codes = \"codes.csv\"")
        .replace("[[activity.ticket]]", "roster = \"staff.csv\"\n[[activity.ticket]]");
    let file = shown(&world.file("a.toml", toml));
    let said = world.must(&["import", &file], "");
    assert!(said.contains('a'), "{said}");
    let mut stage = Stage::on(world);
    let mut person = stage.person("E1");
    assert_eq!(data(&claim(&mut person, "a"))["code"], "K-1");
    refused(&claim(&mut stage.person("E2"), "a"), -6);
    let orders = export(&mut stage.op, "a", "orders");
    assert_eq!(
        (&orders[0]["display_name"], &orders[0]["department"]),
        (&json!("张三"), &json!("技术"))
    );
}

#[test]
fn an_import_goes_through_a_running_server() {
    let mut stage = Stage::new();
    let registered = stage
        .stranger()
        .post_json("/user/register", &json!({"name": "E7", "password": "correct horse"}));
    data(&registered);
    stage.world.file("codes.csv", "code\nK-1\n");
    stage.world.file("staff.csv", "name\nE7\nE8\n");
    let toml = activity("a", "codes = \"codes.csv\"")
        .replace("[[activity.ticket]]", "roster = \"staff.csv\"\n[[activity.ticket]]");
    let file = shown(&stage.world.file("a.toml", toml.clone()));
    let said = stage.world.must(&["import", &file], "");
    assert!(
        said.contains("E7") && !said.contains("E8"),
        "who registered before the roster came: {said}"
    );
    assert_eq!(data(&claim(&mut stage.person("E8"), "a"))["code"], "K-1");
    let said = says_no(&stage.world, &["import", &file]);
    assert!(said.contains('a'), "{said}");
    let changed = toml.replace("name = \"a\"", "name = \"renamed\"");
    let file = shown(&stage.world.file("a.toml", changed));
    stage.world.must(&["import", "--update", &file], "");
    let detail = data(&stage.op.get("/act/detail?actId=a"));
    assert_eq!((&detail["name"], &detail["left"]), (&json!("renamed"), &json!(0)));
    let page = data(&stage.op.get("/admin/audit?pageSize=100"));
    let rows = page["list"].as_array().expect("a list");
    assert!(rows.iter().any(|row| text(&row["action"]).starts_with("admin/act/import")), "{page}");
}

/// Beside a running server and alone: the same words, with file, line, key and value, and no code.
#[test]
fn what_only_the_ledger_knows_is_told_with_file_and_line_through_a_server_too() {
    let world = World::cheap();
    let staff = "name\nE1\nE2\n";
    world.file("codes.csv", "code\nK-SECRET-1\nK-SECRET-2\n");
    world.file("staff.csv", staff);
    let coded = activity("coded", "codes = \"codes.csv\"")
        .replace("[[activity.ticket]]", "roster = \"staff.csv\"\n[[activity.ticket]]");
    let coded_file = shown(&world.file("coded.toml", &coded));
    let plain_file = shown(&world.file("plain.toml", activity("plain", "stock = 3")));
    let closed_file = shown(&world.file("closed.toml", activity("closed", "stock = 3")));
    world.must(&["import", &coded_file, &plain_file, &closed_file], "");
    let good = shown(&world.file("good.toml", activity("good", "stock = 1")));
    let used = shown(&world.file("used.toml", activity("used", "codes = \"used.csv\"")));
    world.file("used.csv", "code\nK-OTHER\nK-SECRET-2\n");
    let inline = shown(&world.file("inline.toml", activity("inline", "codes = [\"K-SECRET-1\"]")));
    let more = shown(&world.file("more.toml", activity("plain", "stock = 600")));
    let limited = activity("plain", "stock = 3")
        .replace("[[activity.ticket]]", "limit_per_user = 2\n[[activity.ticket]]");
    let limited = shown(&world.file("limited.toml", limited));
    let other = shown(&world.file("other.toml", coded.replace("codes.csv", "swapped.csv")));
    world.file("swapped.csv", "code\nK-SECRET-1\nK-SECRET-3\n");
    let roster = shown(&world.file("roster.toml", coded.replace("staff.csv", "others.csv")));
    world.file("others.csv", "name\nE1\nE3\n");
    let open = shown(&world.file("open.toml", coded.replace("roster = \"staff.csv\"\n", "")));
    let table: [(&[&str], &[&str]); 9] = [
        (&[&good, &plain_file], &["plain.toml:2: activity[0].id = plain"]),
        (&[&good, &used], &["used.csv:3: code"]),
        (&[&good, &inline], &["inline.toml:9: activity[0].ticket[0].codes[0]"]),
        (&["--update", &good, &more], &["more.toml:9: activity[0].ticket[0].stock = 600", "plain"]),
        (&["--update", &good, &limited], &["limited.toml:6: activity[0].limit_per_user = 2"]),
        (&["--update", &good, &other], &["swapped.csv:3: code", "coded", "row 2"]),
        (&["--update", &good, &roster], &["roster.toml:6: activity[0].roster", "coded"]),
        (&["--update", &good, &open], &["open.toml:1: activity[0].roster", "coded"]),
        (&["--update", &good, &closed_file], &["closed.toml:2: activity[0].id = closed"]),
    ];
    let mut stage = Stage::on(world);
    data(&stage.desk("/admin/act/close?actId=closed"));
    let say_all = |stage: &Stage| {
        table.map(|(arguments, expected)| {
            let said = says_no(&stage.world, &[&["import"][..], arguments].concat());
            for part in expected {
                assert!(said.contains(part), "{arguments:?}: {part} is not in: {said}");
            }
            assert!(!said.contains("K-") && !said.contains("request body"), "{said}");
            said
        })
    };
    let through_it = say_all(&stage);
    fails(&stage.op.get("/act/detail?actId=good"), 404);
    let is_refusal = |row: &&Value| row["action"] == "admin/act/import" && row["target"] == "";
    eventually("every refusal in the audit log", || {
        let page = data(&stage.op.get("/admin/audit?pageSize=100"));
        let refused = page["list"].as_array().expect("a list").iter().filter(is_refusal).count();
        (refused == table.len()).then_some(())
    });
    stage.world.terminate();
    assert_eq!(say_all(&stage), through_it);
}

/// As above, for what two files of one command share: neither has to be looked for.
#[test]
fn files_that_share_an_id_or_a_code_are_both_named() {
    let world = World::cheap();
    let first = shown(&world.file("first.toml", activity("first", "codes = [\"K-1\"]")));
    let again = shown(&world.file("again.toml", activity("first", "stock = 1")));
    let third = shown(&world.file("third.toml", activity("third", "codes = \"codes.csv\"")));
    world.file("codes.csv", "code\nK-2\nK-1\n");
    let table = [
        (&again, "again.toml:2: activity[0].id = first", "first.toml:2: activity[0].id"),
        (&third, "codes.csv:3: code", "first.toml:9: activity[0].ticket[0].codes[0]"),
    ];
    let mut stage = Stage::on(world);
    for server in [true, false] {
        for (second, there, before) in table {
            let said = says_no(&stage.world, &["import", &first, second]);
            assert!(said.contains(there) && said.contains(before), "{server}: {said}");
            assert!(!said.contains("K-"), "{said}");
        }
        if server {
            stage.world.terminate();
        }
    }
}

#[test]
fn people_are_added_and_listed_with_and_without_a_server() {
    let mut world = World::cheap();
    world.must(
        &["user", "add", "boss", "--role", "operator", "--password-stdin"],
        "boss-password\n",
    );
    let people =
        "name,display_name,role,password\nanna,Anna A.,buyer,anna-password\nB2,,operator,\n";
    let file = shown(&world.file("people.csv", people));
    let check = |world: &World, expected: &[&str]| {
        let list = world.must(&["user", "list"], "");
        let rows: Vec<&str> = list.lines().collect();
        for name in expected {
            assert!(rows.iter().any(|row| row.starts_with(name)), "{name}: {list}");
        }
        assert_eq!(rows.len(), expected.len(), "{list}");
        assert!(!list.contains("password") && !list.contains("argon2"), "{list}");
    };
    world.must(&["user", "import", &file], "");
    check(&world, &["boss", "anna", "B2"]);
    says_no(&world, &["user", "add", "anna"]);
    world.serve();
    world.must(&["user", "add", "late", "--password-stdin"], "late-password\n");
    let more = shown(&world.file("more.csv", "name\nfresh\nanna\n"));
    let said = says_no(&world, &["user", "import", &more]);
    assert!(said.contains("more.csv:3: name = anna"), "{said}");
    check(&world, &["boss", "anna", "B2", "late"]);
    let wrong = shown(&world.file("wrong.csv", "name,role\nx,chief\n"));
    let said = says_no(&world, &["user", "import", &wrong]);
    assert!(
        said.contains("wrong.csv:2") && said.contains("role") && said.contains("operator"),
        "{said}"
    );
    let mut client = world.client();
    for (name, role) in [("boss", "operator"), ("anna", "buyer"), ("late", "buyer")] {
        let body = json!({"name": name, "password": format!("{name}-password")});
        assert_eq!(data(&client.post_json("/user/login", &body))["user"]["role"], role, "{name}");
    }
    fails(&client.post_json("/user/login", &json!({"name": "B2", "password": ""})), 401);
}

#[test]
fn exports_are_the_same_as_over_http() {
    let mut stage = Stage::selling(json!({"codes": ["K-1", "K-2"]}));
    for person in &mut stage.people(&["=p1", "p2", "p3"]) {
        claim(person, "a");
    }
    for what in ["orders", "participants"] {
        let over_http = stage.op.get(&format!("/admin/export?actId=a&format=csv&what={what}"));
        let beside = stage.world.must(&["export", "a", "--format", "csv", "--what", what], "");
        assert_eq!(beside.as_bytes(), over_http.body, "{what}");
        let lines = stage.world.must(&["export", "a", "--format", "jsonl", "--what", what], "");
        let rows: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(rows, export(&mut stage.op, "a", what));
    }
    let target = shown(&stage.world.file("out.xlsx", ""));
    stage.world.must(&["export", "a", "--format", "xlsx", "-o", &target], "");
    assert!(std::fs::read(&target).expect("a file").starts_with(b"PK"));
    stage.world.terminate();
    let alone = stage.world.must(&["export", "a", "--format", "jsonl"], "");
    assert_eq!(alone.lines().count(), 2);
    let said = says_no(&stage.world, &["export", "none", "--format", "csv"]);
    assert!(said.contains("none"), "{said}");
}

#[test]
fn a_backup_beside_a_running_server_can_be_served() {
    let mut stage = Stage::selling(json!({"codes": ["K-1", "K-2"]}));
    let mut winner = stage.person("winner");
    let ticket = data(&claim(&mut winner, "a"));
    let copy = World::cheap();
    std::fs::create_dir_all(copy.data()).expect("a folder");
    let target = shown(&copy.data().join("ledger.sqlite3"));
    stage.world.must(&["backup", &target], "");
    let said = says_no(&stage.world, &["backup", &target]);
    assert!(said.contains(&format!("{target}: the file exists already")), "{said}");
    let nowhere = shown(&copy.data().join("missing").join("ledger.sqlite3"));
    let said = says_no(&stage.world, &["backup", &nowhere]);
    assert!(said.contains(&format!("{nowhere}: ")) && !said.contains("no ledger"), "{said}");
    data(&claim(&mut stage.person("after"), "a"));
    let mut copy = copy;
    copy.serve();
    let token = winner.token.as_deref().expect("signed in");
    let mut winner = copy.client().with_token(token);
    assert_eq!(
        data(&winner.get(&format!("/ticket/detail?ticketId={}", text(&ticket["id"]))))["code"],
        "K-1"
    );
    let op = stage.op.token.as_deref().expect("signed in");
    let mut op = copy.client().with_token(op);
    assert_eq!(export(&mut op, "a", "orders").len(), 1);
    copy.terminate();
}

#[test]
fn a_ledger_has_one_server() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    stage.world.change("FIRSTCOME_LEDGER_OWNER_WAIT_MS", "0");
    let said = says_no(&stage.world, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("another process"), "it says why: {said}");
    data(&claim(&mut stage.person("p"), "a"));
    stage.world.terminate();
}

#[test]
fn a_wrong_use_is_exit_code_2() {
    let world = World::cheap();
    let config =
        shown(&world.file("wrong.toml", "[server]\nlisten = \"nowhere\"\ncolour = \"red\"\n"));
    let missing = shown(&world.data().join("none.toml"));
    for arguments in [
        &["sell"][..],
        &["import"],
        &["export"],
        &["export", "a", "--format", "pdf"],
        &["export", "a"],
        &["user", "add"],
        &["user", "add", "x", "--role", "chief"],
        &["serve", "--port", "80"],
        &["backup"],
        &["user", "list", "--config", &config],
        &["user", "list", "--config", &missing],
    ] {
        let (code, text) = outcome(&world.run(arguments, ""));
        assert_eq!(code, Some(2), "firstcome {arguments:?}: {text}");
    }
    let (_, said) = outcome(&world.run(&["user", "list", "--config", &config], ""));
    for part in ["listen", "nowhere", "colour"] {
        assert!(said.contains(part), "key, value and reason: {said}");
    }
    assert!(world.must(&["--help"], "").contains("serve"));
    assert!(world.must(&["--version"], "").contains("firstcome"));
}

/// As above.
#[test]
fn an_address_that_is_none_is_a_wrong_use() {
    let world = World::cheap();
    let (code, text) = outcome(&world.run(&["serve", "--listen", "nowhere"], ""));
    assert_eq!(code, Some(2), "{text}");
}

#[test]
fn commands_that_read_say_when_there_is_no_ledger() {
    let world = World::cheap();
    for arguments in [&["user", "list"][..], &["export", "a", "--format", "csv"], &["check"]] {
        let said = says_no(&world, arguments);
        assert!(said.contains("ledger"), "{said}");
    }
    assert!(!world.data().exists(), "reading makes nothing");
}
