//! The OpenAPI document against the code: every route is in it and nothing else, references resolve, numbers and
//! bounds are those of the contract, and every example is what its schema says.

use sale::{
    ActivityState, BASKET_UNITS_MAX, KEY_CHARS_MAX, OrderState, PaymentState, Refusal,
    export::{ExportFormat, ExportKind},
    pay::NoticeRefused,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

#[path = "documents/schema.rs"]
mod schema;

/// Every `ret` that the contract has.
const RETS: [i64; 23] = [
    0, 1, -1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -400, -401, -403, -404, -405, -409, -413,
    -415, -429, -503,
];

/// Where routes that are not of the main listener live.
const CONTROL_SOCKET: &str = "/control/";

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn document() -> Value {
    let text = fs::read_to_string(source().join("documents/openapi.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Every operation: path, method, what is said of it.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap();
            methods.iter().map(move |(method, said)| (path.as_str(), method.as_str(), said))
        })
        .collect()
}

/// Every node of the document, with its place.
fn walk<'a>(node: &'a Value, place: &str, visit: &mut impl FnMut(&str, &'a Value)) {
    visit(place, node);
    match node {
        Value::Object(entries) => {
            for (key, value) in entries {
                walk(value, &format!("{place}/{key}"), visit);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                walk(value, &format!("{place}/{index}"), visit);
            }
        }
        _ => {}
    }
}

type Routes = BTreeMap<String, BTreeSet<String>>;

/// The routes of the router, as the source says: `.route("/path", at.call(GET, …` .
fn cold_routes() -> Routes {
    let mut routes = Routes::new();
    for file in fs::read_dir(source().join("cold")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for call in text.split(".route(").skip(1) {
            let (path, rest) =
                call.trim_start().strip_prefix('"').unwrap().split_once('"').unwrap();
            let (methods, _) = rest.split_once("at.call(").unwrap().1.split_once(',').unwrap();
            let methods: &[&str] = match methods {
                "GET" => &["get"],
                "POST" => &["post"],
                "READ_ADD_REMOVE" => &["get", "post", "delete"],
                other => panic!("{path}: {other}"),
            };
            routes.insert(path.to_owned(), methods.iter().map(|&one| one.to_owned()).collect());
        }
    }
    routes
}

/// The calls that are answered without the router: the arms of `hot_call`.
fn hot_routes() -> Routes {
    let text = fs::read_to_string(source().join("service.rs")).unwrap();
    let (_, body) = text.split_once("fn hot_call").unwrap();
    let (body, _) = body.split_once("_ => return None").unwrap();
    let arms = body.lines().filter_map(|line| line.trim().strip_prefix("\"/"));
    let path = |arm: &str| format!("/{}", arm.split_once("\" =>").unwrap().0);
    let both = BTreeSet::from(["get".to_owned(), "post".to_owned()]);
    arms.map(|arm| (path(arm), both.clone())).collect()
}

#[test]
fn every_route_is_in_the_document_and_nothing_else() {
    let hot = hot_routes();
    assert_eq!(hot.len(), 7, "the five calls, the result and the pulse: {hot:?}");
    let mut expected = cold_routes();
    assert!(expected.len() > 20, "the scan finds routes");
    expected.retain(|path, _| !path.starts_with(CONTROL_SOCKET));
    expected.extend(hot);
    // The pulse alone of these is read and takes nothing.
    expected.insert("/healthz".to_owned(), BTreeSet::from(["get".to_owned()]));
    let document = document();
    let mut documented = Routes::new();
    for (path, method, _) in operations(&document) {
        documented.entry(path.to_owned()).or_default().insert(method.to_owned());
    }
    assert_eq!(documented, expected);
}

#[test]
fn the_document_is_of_this_version_and_says_something_of_everything() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let tags: Vec<&Value> =
        document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut ids = BTreeSet::new();
    for (path, method, said) in operations(&document) {
        let place = format!("{method} {path}");
        assert!(ids.insert(said["operationId"].as_str().unwrap()), "{place}: id twice");
        assert!(said["summary"].as_str().is_some_and(|text| !text.is_empty()), "{place}");
        assert!(said["description"].as_str().is_some_and(|text| text.ends_with('.')), "{place}");
        assert!(said["tags"].as_array().unwrap().iter().all(|tag| tags.contains(&tag)), "{place}");
        let samples = said["x-codeSamples"].as_array().unwrap();
        let shown = samples.iter().any(|one| one["source"].as_str().unwrap().contains(path));
        assert!(shown, "{place}: no sample");
    }
}

#[test]
fn every_reference_resolves_and_every_component_is_used() {
    let document = document();
    let mut used = BTreeSet::new();
    walk(&document, "", &mut |place, node| {
        if place.ends_with("/$ref") {
            let reference = node.as_str().unwrap();
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} at {place}");
            used.insert(reference);
        }
    });
    for kind in ["schemas", "parameters", "headers", "responses", "requestBodies"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(used.contains(reference.as_str()), "{reference} is not used");
        }
    }
}

#[test]
fn every_number_of_the_contract_is_there_with_its_status() {
    let document = document();
    let table = document["x-ret"].as_array().unwrap();
    let listed: Vec<i64> = table.iter().map(|row| row["ret"].as_i64().unwrap()).collect();
    assert_eq!(listed, RETS);
    for row in table {
        let (ret, status) = (row["ret"].as_i64().unwrap(), row["status"].as_i64().unwrap());
        assert!(if ret <= -400 { status == -ret } else { [200, 403, 500].contains(&status) });
    }
    for refusal in Refusal::ALL {
        let number = i64::from(refusal.number());
        let row = table.iter().find(|row| row["ret"] == number).unwrap();
        assert_eq!((&row["name"], &row["status"]), (&refusal.name().into(), &200.into()));
    }
    for (path, method, said) in operations(&document) {
        let status_of = |ret: &Value| {
            let row = table.iter().find(|row| row["ret"] == *ret);
            row.unwrap_or_else(|| panic!("{ret} of {method} {path}"))["status"].to_string()
        };
        let rets = said["x-ret"].as_array().unwrap();
        let mut statuses: BTreeSet<String> = rets.iter().map(status_of).collect();
        statuses.insert("200".to_owned());
        let answers: BTreeSet<String> =
            said["responses"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(statuses, answers, "{method} {path}");
    }
}

#[test]
fn names_and_bounds_are_those_of_the_code() {
    let document = document();
    let at = |pointer: &str| document.pointer(pointer).cloned().unwrap();
    let states = ActivityState::ALL.map(ActivityState::name);
    let formats = ExportFormat::ALL.map(ExportFormat::name);
    let kinds = ExportKind::ALL.map(ExportKind::name);
    let key = "/components/parameters/IdempotencyKeyClaim/schema/maxLength";
    let names = "/components/schemas/Names/properties/users/maxItems";
    let basket = "/components/schemas/ClaimTicketBody/properties/items/maxItems";
    let reasons = "/components/schemas/Notice/properties/reason/enum";
    let orders = OrderState::ALL.map(OrderState::name);
    let payments = PaymentState::ALL.map(PaymentState::name);
    let table: [(&str, Value); 11] = [
        ("/components/schemas/OrderState/enum", orders.to_vec().into()),
        ("/components/schemas/PaymentState/enum", payments.to_vec().into()),
        ("/components/schemas/EventType/enum", web::EVENT_TYPES.to_vec().into()),
        (reasons, NoticeRefused::ALL.map(NoticeRefused::name).to_vec().into()),
        (basket, BASKET_UNITS_MAX.into()),
        ("/components/schemas/ActivityState/enum", states.to_vec().into()),
        ("/components/parameters/format/schema/enum", formats.to_vec().into()),
        ("/components/parameters/what/schema/enum", kinds.to_vec().into()),
        (key, KEY_CHARS_MAX.into()),
        (names, door::VOUCH_NAMES_MAX.into()),
        ("/components/parameters/pageSize/schema/maximum", 100.into()),
    ];
    for (pointer, expected) in table {
        assert_eq!(at(pointer), expected, "{pointer}");
    }
    for (kind, row) in [
        (ExportKind::Orders, "OrderRow"),
        (ExportKind::Participants, "ParticipantRow"),
        (ExportKind::Payments, "PaymentRow"),
    ] {
        let columns: BTreeSet<&str> = kind.columns().collect();
        let schema = &document["components"]["schemas"][row]["properties"];
        let fields: BTreeSet<&str> =
            schema.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, columns, "{row}");
    }
}

#[test]
fn every_example_is_what_its_schema_says() {
    let document = document();
    let mut checked = 0;
    walk(&document, "", &mut |place, node| {
        if !place.ends_with("/application~1json") && !place.ends_with("/application/json") {
            return;
        }
        let named = node["examples"].as_object().into_iter().flat_map(|all| all.values());
        let named = named.map(|one| &one["value"]);
        for example in node.get("example").into_iter().chain(named) {
            let wrong = schema::wrong(&document, &node["schema"], example);
            assert_eq!(wrong, None, "{place}: {example}");
            checked += 1;
        }
    });
    assert!(checked > 50, "only {checked} examples");
}
