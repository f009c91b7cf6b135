//! GET /admin/export: what is in it, in each format, and that a spreadsheet runs nothing of it.
//! The files are read back by other libraries than those that wrote them.

use super::stage::{Stage, claim, data, fails, refused, text};
use crate::world::{Answer, Client, export, import, now_s, open_activity};
use calamine::{Data, Reader, Xlsx};
use serde_json::{Value, json};
use std::io::Cursor;

const ORDER_COLUMNS: [&str; 14] = [
    "order_id",
    "ticket_id",
    "claim_no",
    "user",
    "display_name",
    "department",
    "type_id",
    "code",
    "state",
    "price",
    "currency",
    "decided_at",
    "paid_at",
    "redeemed_at",
];
const PARTICIPANT_COLUMNS: [&str; 6] =
    ["user", "display_name", "department", "first_seen", "outcome", "claim_no"];

fn get(op: &mut Client, format: &str, what: &str) -> Answer {
    let answer = op.get(&format!("/admin/export?actId=a&format={format}&what={what}"));
    assert_eq!(answer.status, 200, "{format} {what}");
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    answer
}

fn csv_rows(answer: &Answer) -> Vec<Vec<String>> {
    let content = answer.body.strip_prefix(b"\xef\xbb\xbf").expect("CSV begins with a BOM");
    let reader = csv::ReaderBuilder::new().has_headers(false).from_reader(content);
    let rows = reader.into_records().map(|row| row.expect("a row"));
    rows.map(|row| row.iter().map(str::to_owned).collect()).collect()
}

fn sheet_rows(answer: &Answer) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(answer.body.clone())).expect("a workbook");
    let name = book.sheet_names()[0].clone();
    let range = book.worksheet_range(&name).expect("a sheet");
    range.rows().map(<[Data]>::to_vec).collect()
}

/// A giveaway of two codes with a roster: two win, one is late, one is not on the roster.
fn giveaway() -> (Stage, Vec<Value>) {
    let mut stage = Stage::new();
    let roster = json!([
        {"name": "E1", "display_name": "=cmd|' /C calc'!A0", "department": "+R&D"},
        {"name": "=cmd()", "display_name": "张三", "department": "@sales"},
        {"name": "E3", "display_name": "a, \"b\"; c"},
    ]);
    let mut activity = open_activity("a", json!({"codes": ["=K-1", "-K-2"]}));
    activity["roster"] = roster;
    import(&mut stage.op, json!([activity]));
    let mut people = stage.people(&["E1", "=cmd()", "E3", "@out"]);
    let won = people[..2].iter_mut().map(|one| data(&claim(one, "a"))).collect();
    refused(&claim(&mut people[2], "a"), -2);
    refused(&claim(&mut people[3], "a"), -6);
    (stage, won)
}

/// C27: names that begin like a formula are guarded; codes stay exactly as they are.
#[test]
fn orders_as_csv() {
    let (mut stage, won) = giveaway();
    let before = now_s();
    let answer = get(&mut stage.op, "csv", "orders");
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/csv")));
    let rows = csv_rows(&answer);
    assert_eq!(rows[0], ORDER_COLUMNS);
    assert_eq!(rows.len(), 3);
    let expected = [
        ["1", "E1", "'=cmd|' /C calc'!A0", "'+R&D", "seat", "=K-1", "paid", "0", "CNY"],
        ["2", "'=cmd()", "张三", "'@sales", "seat", "-K-2", "paid", "0", "CNY"],
    ];
    for ((row, won), expected) in rows[1..].iter().zip(&won).zip(expected) {
        assert_eq!(row[2..11], expected.map(str::to_owned));
        let guarded = |id: &Value| {
            let id = text(id);
            if id.starts_with('-') { format!("'{id}") } else { id.to_owned() }
        };
        assert_eq!((&row[0], &row[1]), (&guarded(&won["order_id"]), &guarded(&won["id"])));
        assert_eq!(row[11], row[12], "a free order is paid at once");
        assert!(!row[11].is_empty() && row[13].is_empty());
    }
    assert!(before <= now_s());
    let default = stage.op.get("/admin/export?actId=a&format=csv");
    assert_eq!(default.body, answer.body, "orders are the default");
}

/// C27, in the other two formats.
#[test]
fn orders_as_workbook_and_as_json_lines() {
    let (mut stage, won) = giveaway();
    let answer = get(&mut stage.op, "jsonl", "orders");
    let lines = export(&mut stage.op, "a", "orders");
    assert_eq!(String::from_utf8(answer.body).expect("UTF-8").lines().count(), 2);
    for (line, won) in lines.iter().zip(&won) {
        let mut keys: Vec<&String> = line.as_object().expect("an object").keys().collect();
        keys.sort_unstable();
        let mut columns = ORDER_COLUMNS;
        columns.sort_unstable();
        assert_eq!(keys, columns);
        assert_eq!((&line["order_id"], &line["ticket_id"]), (&won["order_id"], &won["id"]));
        assert_eq!((&line["code"], &line["claim_no"]), (&won["code"], &won["claim_no"]));
        assert_eq!(line["redeemed_at"], Value::Null);
    }
    assert_eq!((&lines[1]["user"], &lines[1]["department"]), (&json!("=cmd()"), &json!("@sales")));
    let rows = sheet_rows(&get(&mut stage.op, "xlsx", "orders"));
    let header: Vec<String> = rows[0].iter().map(ToString::to_string).collect();
    assert_eq!(header, ORDER_COLUMNS);
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[1][7], Data::String("=K-1".to_owned()), "a code is a text, not a formula");
    assert!(
        matches!(&rows[2][3], Data::String(name) if name.ends_with("=cmd()")),
        "{:?}",
        rows[2][3]
    );
    assert_eq!(rows[1][0].to_string().trim_start_matches('\''), text(&won[0]["order_id"]));
}

#[test]
fn participants_are_all_who_tried_with_their_outcome() {
    let (mut stage, _) = giveaway();
    let mut late = stage.person("E3");
    data(&stage.codes("a", "K-3"));
    data(&claim(&mut late, "a"));
    let mut rows = export(&mut stage.op, "a", "participants");
    rows.sort_by_key(|row| text(&row["user"]).to_owned());
    let shown: Vec<_> = rows
        .iter()
        .map(|row| json!([row["user"], row["display_name"], row["outcome"], row["claim_no"]]))
        .collect();
    let expected = [
        json!(["=cmd()", "张三", "won", 2]),
        json!(["@out", "", "not_eligible", null]),
        json!(["E1", "=cmd|' /C calc'!A0", "won", 1]),
        json!(["E3", "a, \"b\"; c", "won", 3]),
    ];
    assert_eq!(shown, expected, "whoever won in the end has won");
    let csv = csv_rows(&get(&mut stage.op, "csv", "participants"));
    assert_eq!(csv[0], PARTICIPANT_COLUMNS);
    let names: Vec<&str> = csv[1..].iter().map(|row| row[0].as_str()).collect();
    for name in ["'=cmd()", "'@out", "E1", "E3"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(csv[1..].iter().all(|row| !row[3].is_empty()), "first seen");
    let book = sheet_rows(&get(&mut stage.op, "xlsx", "participants"));
    assert_eq!((book.len(), book[0].len()), (5, 6));
    stage.restart();
    let mut after = export(&mut stage.op, "a", "participants");
    after.sort_by_key(|row| text(&row["user"]).to_owned());
    assert_eq!(after, rows, "an export waits until it is written");
}

/// The outcome is the first refusal other than not_started; with that alone, somebody was seen and nothing more.
#[test]
fn coming_too_early_is_seen_but_is_no_outcome() {
    let mut stage = Stage::new();
    let start = now_s() + 3;
    let mut activity = open_activity("a", json!({"stock": 1}));
    activity["start_time"] = json!(start);
    import(&mut stage.op, json!([activity]));
    let mut people = stage.people(&["early", "winner", "loser"]);
    let seen = now_s();
    for person in &mut people {
        refused(&claim(person, "a"), -4);
    }
    super::stage::eventually("the start", || (claim(&mut people[1], "a").ret() == 0).then_some(()));
    refused(&claim(&mut people[2], "a"), -2);
    data(&stage.desk("/admin/act/pause?actId=a"));
    refused(&claim(&mut people[2], "a"), -11);
    let rows = export(&mut stage.op, "a", "participants");
    let find = |name: &str| rows.iter().find(|row| row["user"] == name).expect("they tried");
    assert_eq!(find("early")["outcome"], Value::Null);
    assert_eq!(find("winner")["outcome"], "won");
    assert_eq!(find("loser")["outcome"], "sold_out", "the first, not the last");
    for row in &rows {
        let moment: jiff::Timestamp = text(&row["first_seen"]).parse().expect("a moment");
        let second = u64::try_from(moment.as_second()).expect("after 1970");
        assert!((seen..start).contains(&second), "the first time, before the start: {row}");
    }
    let csv = csv_rows(&get(&mut stage.op, "csv", "participants"));
    let early = csv.iter().find(|row| row[0] == "early").expect("a row");
    assert_eq!((early[4].as_str(), early[5].as_str()), ("", ""));
}

#[test]
fn an_export_of_nothing_or_of_an_unknown_kind_says_so() {
    let mut stage = Stage::selling(json!({"stock": 1}));
    assert_eq!(csv_rows(&get(&mut stage.op, "csv", "orders")), [ORDER_COLUMNS]);
    assert_eq!(csv_rows(&get(&mut stage.op, "csv", "participants")), [PARTICIPANT_COLUMNS]);
    assert_eq!(sheet_rows(&get(&mut stage.op, "xlsx", "orders")).len(), 1);
    assert!(export(&mut stage.op, "a", "orders").is_empty());
    for (query, name) in [
        ("actId=a", "format"),
        ("format=csv", "actId"),
        ("actId=a&format=pdf", "format"),
        ("actId=a&format=csv&what=all", "what"),
        ("actId=a&format=csv&format=csv", "format"),
    ] {
        assert!(
            fails(&stage.op.get(&format!("/admin/export?{query}")), 400).contains(name),
            "{query}"
        );
    }
    fails(&stage.op.get("/admin/export?actId=none&format=csv"), 404);
}
