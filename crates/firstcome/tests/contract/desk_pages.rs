//! The operators' desk as a browser without scripts uses it: from a form to an activity with codes, and what comes back
//! when something is wrong. What the live screen shows is tested elsewhere.

use super::{
    forms::{Browser, FORM, Fields, encoded, gone_to, page},
    stage::{Stage, claim, data, eventually, text},
};
use crate::world::{names, now_s};
use serde_json::{Value, json};

/// What an operator types for a giveaway of codes, sent by this button.
fn giveaway<'a>(button: &'a str, codes: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("do", button),
        ("types", "1"),
        ("id", "movie"),
        ("name", "电影之夜 <1>"),
        ("desc", "第一行\n第二行"),
        ("start_time", "2030-12-01T10:00"),
        ("end_time", "2030-12-01T12:00"),
        ("t0.name", "电影票"),
        ("t0.kind", "codes"),
        ("t0.codes", codes),
        ("t0.limit_per_user", "1"),
    ]
}

fn with<'a>(
    mut fields: Vec<(&'a str, &'a str)>,
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    fields.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    fields.extend(more);
    fields
}

fn listed(stage: &mut Stage) -> Vec<Value> {
    data(&stage.op.get("/admin/act/list"))["list"].as_array().expect("a list").clone()
}

#[test]
fn a_pasted_spreadsheet_becomes_an_activity_with_its_codes_in_order() {
    let mut stage = Stage::new();
    let mut desk = Browser::operator(&stage);
    let empty = page(&desk.get("/zh/desk"), 200);
    assert!(empty.contains("创建第一个活动"), "an empty desk says how to begin");

    let codes = names("CODE", 500);
    let rows: Vec<String> =
        codes.iter().enumerate().map(|(at, code)| format!("{at}\t{code}\t")).collect();
    let pasted = format!("序号\t兑换码\t备注\n{}\n500\tCODE00007\t重复", rows.join("\n"));
    let roster = "姓名\t工号\n张三\t1001\n李四\t1002";
    let fields = with(giveaway("create", &pasted), &[("roster", roster)]);
    let place = gone_to(&desk.post("/zh/desk/new", &fields));
    assert_eq!(place, "/zh/desk/act/movie/made?codes_repeated=1&names_repeated=0");

    let report = page(&desk.get(&place), 200);
    let address = format!("http://{}/zh/act/movie", stage.world.address());
    for said in ["500 个兑换码", "1 个重复的兑换码", "2 个名字", &address, "/zh/desk/act/movie\""]
    {
        assert!(report.contains(said), "{said}: {report}");
    }
    let detail = data(&stage.op.get("/act/detail?actId=movie"));
    // Typed in the zone of the pages, which is UTC+8 by default.
    assert_eq!(detail["start_time"], 1_922_320_800);
    assert_eq!(detail["name"], "电影之夜 <1>");
    assert_eq!(detail["desc"], "第一行\n第二行");
    assert_eq!(detail["tickets"][0]["name"], "电影票");
    assert_eq!(detail["tickets"][0]["total"], 500);
    let list = page(&desk.get("/zh/desk"), 200);
    assert!(list.contains("电影之夜 &#60;1&#62;") && list.contains("未开始"), "{list}");
    assert!(list.contains("/zh/desk/act/movie\""));
    assert!(!list.contains("CODE0") && !report.contains("CODE0"), "no page shows a code");
    eventually("the import in the audit log", || {
        let rows = data(&stage.op.get("/admin/audit"));
        let mut rows = rows["list"].as_array()?.iter();
        rows.find(|row| row["action"] == "admin/act/import" && row["target"] == "movie").map(|_| ())
    });
    assert!(!stage.world.log().contains("CODE0"), "no code is in a log");
}

/// C8: in the order of import.
#[test]
fn what_was_pasted_is_given_out_in_its_order_to_those_on_the_list() {
    let mut stage = Stage::new();
    let mut desk = Browser::operator(&stage);
    let fields = with(
        giveaway("create", "B-2\nA-1"),
        &[("start_time", "2020-01-01T00:00"), ("roster", "buyer、other")],
    );
    gone_to(&desk.post("/en/desk/new", &fields));
    let (mut buyer, mut stranger) = (stage.person("buyer"), stage.person("nobody"));
    assert_eq!(data(&buyer.get("/ticket/get?actId=movie"))["code"], "B-2");
    assert_eq!(stranger.get("/ticket/get?actId=movie").ret(), -6);
}

#[test]
fn what_is_wrong_comes_back_at_its_field_with_everything_that_was_typed() {
    let mut stage = Stage::new();
    stage.open("taken", json!({"codes": ["KNOWN-1"]}));
    let mut desk = Browser::operator(&stage);
    let plain = ("t0.kind", "plain");
    // What is typed in place of what is right, the field, the sentence.
    let table: [(&Fields<'_>, &str, &str, u16); 14] = [
        (&[("name", " ")], "name", "请填写此项", 400),
        (&[("start_time", "")], "start_time", "请填写此项", 400),
        (&[("start_time", "明天")], "start_time", "2026-12-01 10:00", 400),
        (&[("end_time", "2030-12-01T10:00")], "end_time", "必须晚于开始时间", 400),
        (&[("id", "电影")], "id", "标识只能包含", 400),
        (&[("id", "taken")], "id", "已有活动使用此地址", 409),
        (&[("limit_per_user", "0")], "limit_per_user", "应在 1 到", 400),
        (&[("t0.limit_per_user", "两个")], "t0.limit_per_user", "整数", 400),
        (&[plain, ("t0.stock", "")], "t0.stock", "请填写数量", 400),
        (&[plain, ("t0.stock", "-1")], "t0.stock", "应在 0 到", 400),
        (&[("t0.codes", "1\tX1\n2\tX2")], "t0.codes", "共有 2 列", 400),
        (&[("t0.codes", "code\nNEW-1\n\nKNOWN-1")], "t0.codes", "第 4 行：此兑换码此前已导入", 400),
        (&[("t0.end_time", "2030-12-01T13:00")], "t0.end_time", "场次时间超出", 400),
        (&[("roster", "部门\t手机\n技术部\t1")], "roster", "姓名", 400),
    ];
    for (typed, field, sentence, status) in table {
        let html =
            page(&desk.post("/zh/desk/new", &with(giveaway("create", "N-1\nN-2"), typed)), status);
        let told = html
            .find(&format!("id=\"{field}-wrong\""))
            .unwrap_or_else(|| panic!("{field}: {html}"));
        assert!(html[told..].split("</ul>").next().unwrap().contains(sentence), "{field}: {html}");
        assert!(html.contains(&format!("<a href=\"#{field}\">")), "{field} is in the summary");
        let typed = |name: &str| typed.iter().all(|(other, _)| *other != name);
        assert!(!typed("name") || html.contains("value=\"电影之夜 &#60;1&#62;\""), "{field}");
        assert!(!typed("t0.codes") || html.contains(">\nN-1\nN-2</textarea>"), "{field}");
        assert!(html.contains("第一行\n第二行</textarea>"), "{field}");
    }
    assert_eq!(listed(&mut stage).len(), 1, "nothing of it was created");
}

/// C13, C27: what people typed is text wherever it stands.
#[test]
fn what_was_typed_never_becomes_part_of_the_page() {
    let stage = Stage::new();
    let mut desk = Browser::operator(&stage);
    let evil = "\"><script>x</script></textarea>";
    let names =
        ["name", "desc", "image", "start_time", "id", "roster", "t0.name", "t0.codes", "types"];
    let fields: Vec<(&str, &str)> = names.iter().map(|name| (*name, evil)).collect();
    for button in ["create", "preview", "add", "remove-0", evil] {
        let answer = desk.post("/en/desk/new", &with(fields.clone(), &[("do", button)]));
        let html = String::from_utf8(answer.body).unwrap();
        assert!(
            html.contains("&#60;script&#62;") && !html.contains("<script>x"),
            "{button}: {html}"
        );
    }
}

#[test]
fn a_preview_shows_the_buyers_page_and_saves_nothing() {
    let mut stage = Stage::new();
    let mut desk = Browser::operator(&stage);
    let html = page(&desk.post("/zh/desk/new", &giveaway("preview", "code\nA1\nA2\nA2")), 200);
    assert!(html.contains("data-act=\"movie\"") && html.contains("class=\"press\""), "{html}");
    assert!(html.contains("2 个兑换码；“code”列为兑换码；1 个重复，只计一次"), "{html}");
    assert!(html.contains("尚未保存") && html.contains(">\ncode\nA1\nA2\nA2</textarea>"));
    let nothing = with(giveaway("preview", ""), &[("start_time", "2020-01-01T00:00")]);
    let html = page(&desk.post("/zh/desk/new", &nothing), 200);
    assert!(html.contains("创建后立即开抢") && html.contains("追加兑换码或库存"), "{html}");
    assert!(listed(&mut stage).is_empty());
    assert_eq!(stage.op.get("/act/detail?actId=movie").status, 404);
}

#[test]
fn ticket_types_come_and_go_with_what_was_typed_into_the_others() {
    let mut stage = Stage::new();
    let mut desk = Browser::operator(&stage);
    let html = page(&desk.post("/zh/desk/new", &giveaway("add", "A1")), 200);
    assert!(html.contains("name=\"t1.name\"") && html.contains(">\nA1</textarea>"), "{html}");
    assert!(!html.contains("role=\"alert\""), "nobody is told off for what is not filled in yet");
    let second = [
        ("types", "3"),
        ("t1.name", "咖啡券"),
        ("t1.kind", "plain"),
        ("t1.stock", "30"),
        ("t1.start_time", "2030-12-01T11:00"),
        ("t1.valid_until", "2031-01-01T00:00"),
        ("t2.name", "周边"),
        ("t2.kind", "plain"),
        ("t2.stock", "7"),
    ];
    let html = page(&desk.post("/zh/desk/new", &with(giveaway("remove-0", "A1"), &second)), 200);
    assert!(
        html.contains("id=\"t0.name\"")
            && html.contains("value=\"咖啡券\"")
            && !html.contains("A1")
    );
    assert!(html.contains("name=\"t1.name\"") && !html.contains("name=\"t2.name\""), "{html}");
    gone_to(&desk.post("/zh/desk/new", &with(giveaway("create", "A1"), &second)));
    let detail = data(&stage.op.get("/act/detail?actId=movie"));
    let totals: Vec<(&str, &Value)> = detail["tickets"]
        .as_array()
        .expect("types")
        .iter()
        .map(|kind| (text(&kind["name"]), &kind["total"]))
        .collect();
    assert_eq!(totals, [("电影票", &json!(1)), ("咖啡券", &json!(30)), ("周边", &json!(7))]);
    assert_eq!(detail["tickets"][1]["start_time"], 1_922_324_400);
}

#[test]
fn pressing_create_twice_makes_one_activity() {
    let mut stage = Stage::new();
    let mut desk = Browser::operator(&stage);
    let plain = [("t0.kind", "plain"), ("t0.stock", "5"), ("t0.name", ""), ("roster", "a\nb")];
    let fields = with(giveaway("create", ""), &plain);
    let first = gone_to(&desk.post("/zh/desk/new", &fields));
    assert_eq!(gone_to(&desk.post("/zh/desk/new", &fields)), first);
    let other = with(fields, &[("t0.stock", "6")]);
    let html = page(&desk.post("/zh/desk/new", &other), 409);
    assert!(html.contains("已有活动使用此地址"), "another activity at the same address: {html}");
    assert_eq!(listed(&mut stage).len(), 1);
    let detail = data(&stage.op.get("/act/detail?actId=movie"));
    assert_eq!(detail["tickets"][0]["name"], "电影之夜 <1>", "an unnamed type is called like it");
    assert_eq!(detail["tickets"][0]["total"], 5);
}

/// C33: whoever registered under a name before it was listed is told apart, and said to the organiser.
#[test]
fn names_that_registered_themselves_are_in_the_report() {
    let stage = Stage::new();
    let account = json!({"name": "early", "password": "a-password"});
    assert_eq!(stage.stranger().post_json("/user/register", &account).ret(), 0);
    let mut desk = Browser::operator(&stage);
    let fields = with(giveaway("create", "A1"), &[("roster", "late\nearly\n")]);
    let place = gone_to(&desk.post("/en/desk/new", &fields));
    let report = page(&desk.get(&place), 200);
    assert!(report.contains("<li>early</li>") && !report.contains("<li>late</li>"), "{report}");
    assert!(report.contains("2 names"), "{report}");
}

#[test]
fn a_file_of_activities_goes_in_whole_or_not_at_all() {
    let mut stage = Stage::new();
    let mut desk = Browser::operator(&stage);
    let toml = |second: &str| {
        format!(
            "[[activity]]\nid = \"one\"\nname = \"One\"\nstart_time = 2030-12-01T10:00:00+08:00\n\
             end_time = 2030-12-02T10:00:00+08:00\n[[activity.ticket]]\nname = \"T\"\ncodes = [\"SECRET-1\"]\n\
             [[activity]]\nid = \"two\"\nname = \"Two\"\nstart_time = 2030-12-01T10:00:00+08:00\n\
             end_time = 2030-12-02T10:00:00+08:00\n[[activity.ticket]]\nname = \"T\"\n{second}\n"
        )
    };
    let wrong = toml("codes = [\"SECRET-1\"]\nstok = 3");
    let html = page(&desk.post("/zh/desk/file", &[("do", "create"), ("file", &wrong)]), 400);
    let told = html.split("</ul>").next().unwrap();
    assert!(
        told.contains("第 17 行 activity[1].ticket[0].stok：未知的键；是否想写 stock"),
        "{told}"
    );
    assert!(told.contains("第 16 行 activity[1].ticket[0].codes[0]：与第 8 行重复"), "{told}");
    assert!(!told.contains("SECRET-1") && html.contains("stok = 3\n</textarea>"), "{html}");
    let sound = toml("stock = 3");
    let html = page(&desk.post("/zh/desk/file", &[("do", "preview"), ("file", &sound)]), 200);
    assert!(html.contains("data-act=\"one\"") && html.contains("data-act=\"two\""), "{html}");
    assert!(listed(&mut stage).is_empty());
    let create = [("do", "create"), ("file", &*sound)];
    assert_eq!(gone_to(&desk.post("/zh/desk/file", &create)), "/zh/desk?made=2");
    assert!(page(&desk.post("/zh/desk/file", &create), 409).contains("已存在"));
    let json = json!({"activity": [{"id": "three", "name": "Three", "start_time": now_s(),
        "end_time": now_s() + 60, "ticket": [{"name": "T", "stock": 1}]}]});
    let place = desk.post("/en/desk/file", &[("do", "create"), ("file", &json.to_string())]);
    assert_eq!(gone_to(&place), "/en/desk/act/three/made");
    assert_eq!(listed(&mut stage).len(), 3);
}

#[test]
fn a_change_takes_texts_and_a_later_end_and_nothing_else() {
    let mut stage = Stage::new();
    let mut desk = Browser::operator(&stage);
    let session = [("t0.start_time", "2030-12-01T10:30"), ("t0.end_time", "2030-12-01T11:00")];
    let created = with(giveaway("create", "A1\nA2"), &[("roster", "x,y")]);
    gone_to(&desk.post("/zh/desk/new", &with(created, &session)));
    let path = "/zh/desk/act/movie/edit";
    let form = page(&desk.get(path), 200);
    for said in ["value=\"2030-12-01T12:00:00\"", "value=\"2030-12-01T11:00:00\"", "不能修改的内容"]
    {
        assert!(form.contains(said), "{said}: {form}");
    }
    let typed = [
        ("do", "save"),
        ("name", "新名字"),
        ("desc", ""),
        ("image", "https://example.com/x.png"),
        ("end_time", "2030-12-01T13:00:00"),
        ("t0.name", "新票名"),
        ("t0.end_time", "2030-12-01T11:00:00"),
        // What is no field of this form changes nothing.
        ("start_time", "2031-01-01T00:00"),
        ("t0.codes", "B1"),
        ("roster", "z"),
    ];
    let preview = with(typed.to_vec(), &[("do", "preview")]);
    assert!(page(&desk.post(path, &preview), 200).contains("data-act=\"movie\""));
    assert_eq!(data(&stage.op.get("/act/detail?actId=movie"))["name"], "电影之夜 <1>");
    assert_eq!(gone_to(&desk.post(path, &typed)), format!("{path}?saved=1"));
    assert!(page(&desk.get(&format!("{path}?saved=1")), 200).contains("已保存"));
    let detail = data(&stage.op.get("/act/detail?actId=movie"));
    assert_eq!((&detail["name"], &detail["desc"]), (&json!("新名字"), &json!("")));
    assert_eq!(detail["start_time"], 1_922_320_800);
    assert_eq!(detail["end_time"], 1_922_331_600);
    assert_eq!(
        (&detail["tickets"][0]["name"], &detail["tickets"][0]["total"]),
        (&json!("新票名"), &json!(2))
    );
    let refused: [(&Fields<'_>, &str, &str); 3] = [
        (&[("end_time", "2030-12-01T12:59:59")], "end_time", "只能推迟"),
        (&[("t0.end_time", "")], "t0.end_time", "2026-12-01 10:00"),
        (&[("name", "")], "name", "请填写"),
    ];
    for (wrong, field, sentence) in refused {
        let html = page(&desk.post(path, &with(typed.to_vec(), wrong)), 400);
        assert!(
            html.contains(&format!("id=\"{field}-wrong\"")) && html.contains(sentence),
            "{html}"
        );
    }
    assert_eq!(stage.desk("/admin/act/close?actId=movie").ret(), 0);
    let html = page(&desk.post(path, &typed), 400);
    assert!(html.contains("永久关闭") && !html.contains("<form"), "{html}");
    assert_eq!(desk.get("/zh/desk/act/none/edit").status, 404);
}

#[test]
fn codes_are_added_with_a_report_of_every_line() {
    let mut stage = Stage::new();
    stage.open("a", json!({"codes": ["OLD-1"]}));
    stage.open("plain", json!({"stock": 1}));
    let mut desk = Browser::operator(&stage);
    let path = "/zh/desk/act/a/codes";
    let add = |codes: &'static str| [("typeId", "seat"), ("codes", codes)];
    assert_eq!(
        gone_to(&desk.post(path, &add("兑换码\nNEW-1\nNEW-2\nNEW-2"))),
        format!("{path}?typeId=seat&added=2")
    );
    let html = page(&desk.get(&format!("{path}?typeId=seat&added=2")), 200);
    assert!(
        html.contains("已导入： <span class=\"numbers\">2</span>") && html.contains("3 / 3"),
        "{html}"
    );
    let html = page(
        &desk.post(path, &add("序号\tcode\n1\tNEW-3\n2\tOLD-1\n3\t\n4\t\"A\nB\"\n5\tNEW-1")),
        200,
    );
    for said in
        ["\"numbers\">1</span>", "行号： 3, 7", "第 4 行：不能为空", "第 5 行：含有控制字符"]
    {
        assert!(html.contains(said), "{said}: {html}");
    }
    assert_eq!(stage.stats("a")["total"], 4);
    let html = page(&desk.post(path, &add("1\tX\n2\tY")), 400);
    assert!(html.contains("共有 2 列") && html.contains(">\n1\tX\n2\tY</textarea>"), "{html}");
    assert_eq!(desk.post(path, &[("typeId", "none"), ("codes", "Z")]).status, 400);
    assert!(page(&desk.get("/zh/desk/act/plain/codes"), 200).contains("没有使用兑换码的票种"));
    assert_eq!(stage.stats("a")["total"], 4);
    stage.desk("/admin/act/close?actId=a");
    assert!(page(&desk.get(path), 200).contains("永久关闭"));
}

/// Every page of this half of the desk, and what its form would do.
const PAGES: [(&str, &[(&str, &str)]); 6] = [
    ("/desk", &[]),
    ("/desk/new", &[("do", "create"), ("name", "x")]),
    ("/desk/file", &[("do", "create"), ("file", "{}")]),
    ("/desk/act/a/made", &[]),
    ("/desk/act/a/edit", &[("do", "save"), ("name", "x")]),
    ("/desk/act/a/codes", &[("typeId", "seat"), ("codes", "STOLEN")]),
];

#[test]
fn the_desk_is_for_operators_and_its_forms_for_its_own_pages() {
    let mut stage = Stage::selling(json!({"codes": ["A1"]}));
    let person = stage.person("buyer");
    let mut buyer = Browser::of(&stage, &person);
    let mut elsewhere =
        Browser { origin: "https://evil.example".into(), ..Browser::operator(&stage) };
    let mut stranger = stage.stranger();
    for root in ["/zh", "/en"] {
        for (path, fields) in PAGES {
            let path = format!("{root}{path}");
            let html = page(&buyer.get(&path), 403);
            assert!(html.contains(if root == "/zh" {
                "仅限主办方"
            } else {
                "For organisers only"
            }));
            let place = format!("{root}/sign-in?next={path}");
            assert_eq!(gone_to(&stranger.get(&path)), place);
            if !fields.is_empty() {
                page(&buyer.post(&path, fields), 403);
                page(&elsewhere.post(&path, fields), 403);
                let headers = [("content-type", FORM)];
                let body = encoded(fields);
                let sent = stranger.send("POST", &path, &headers, body.as_bytes()).unwrap();
                assert_eq!(gone_to(&sent), place);
            }
        }
    }
    assert_eq!(listed(&mut stage).len(), 1);
    assert_eq!(
        (&stage.stats("a")["total"], &listed(&mut stage)[0]["name"]),
        (&json!(1), &json!("a"))
    );
}

/// A form with more than a call's parameters and body may have, and a spreadsheet's bytes.
#[test]
fn large_forms_and_spreadsheets_are_taken_from_operators_alone() {
    let mut stage = Stage::new();
    let mut desk = Browser::operator(&stage);
    let codes = names("LONG-CODE-OF-A-CINEMA", 20_000).join("\n");
    gone_to(&desk.post("/zh/desk/new", &giveaway("create", &codes)));
    assert_eq!(stage.stats("movie")["total"], 20_000);
    let many: Vec<(String, String)> =
        (0..600).map(|at| (format!("f{at}"), String::new())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (&**name, &**value)).collect();
    page(&desk.post("/zh/desk/new", &many), 400);

    // The program's own export is a spreadsheet.
    stage.open("a", json!({"codes": ["X1"]}));
    let mut person = stage.person("buyer");
    data(&claim(&mut person, "a"));
    let bytes = stage.op.get("/admin/export?actId=a&format=xlsx").body;
    let send = |browser: &mut Browser, bytes: &[u8]| {
        let headers = [("cookie", &*browser.cookie), ("origin", &*browser.origin)];
        browser.client.send("POST", "/zh/desk/sheet", &headers, bytes).expect("an answer")
    };
    let answer = send(&mut desk, &bytes);
    let sheet = String::from_utf8(answer.body.clone()).expect("UTF-8");
    let lines: Vec<&str> = sheet.lines().collect();
    assert_eq!((answer.status, lines.len()), (200, 2), "{sheet}");
    assert!(lines[0].starts_with("order_id\tticket_id\t"), "{sheet}");
    assert!(lines[1].split('\t').any(|cell| cell == "X1"), "{sheet}");
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
    assert_eq!(send(&mut desk, b"no spreadsheet").status, 400);
    let mut buyer = Browser::of(&stage, &person);
    assert_eq!(send(&mut buyer, &bytes).status, 403);
    let mut elsewhere = Browser { origin: "https://evil.example".into(), ..desk };
    assert_eq!(send(&mut elsewhere, &bytes).status, 403);
}
