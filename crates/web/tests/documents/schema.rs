//! As much of JSON Schema as the document uses, so that its examples are held against it.
//! A keyword that is not known here is an error: nothing is passed over.

use serde_json::{Map, Value};

/// Keywords that say something to people and nothing of a value, or only of texts.
const SILENT: [&str; 8] = [
    "description",
    "default",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "contentMediaType",
    "properties",
];

/// What is wrong with a value, if anything.
pub fn wrong(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    let Some(keywords) = schema.as_object() else { return Some("not a schema".to_owned()) };
    let unkept = keywords.iter().find_map(|(keyword, rule)| {
        let kept = keeps(document, keywords, keyword, rule, value);
        (!kept).then(|| format!("{value} breaks {keyword}: {rule}"))
    });
    unkept.or_else(|| {
        let properties = schema.get("properties")?.as_object()?;
        let fields = value.as_object()?;
        let known = fields.iter().filter_map(|(name, one)| Some((properties.get(name)?, one)));
        known.into_iter().find_map(|(schema, one)| wrong(document, schema, one))
    })
}

fn keeps(
    document: &Value,
    schema: &Map<String, Value>,
    keyword: &str,
    rule: &Value,
    value: &Value,
) -> bool {
    let fits = |schema: &Value| wrong(document, schema, value).is_none();
    let rules = || rule.as_array().expect("a list");
    match keyword {
        "$ref" => fits(document.pointer(&rule.as_str().expect("a text")[1..]).expect("resolves")),
        "allOf" => rules().iter().all(fits),
        "oneOf" => rules().iter().filter(|one| fits(one)).count() == 1,
        "const" => rule == value,
        "enum" => rules().contains(value),
        "type" => match rule {
            Value::Array(types) => types.iter().any(|one| is(one, value)),
            one => is(one, value),
        },
        "required" => rules().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
        "items" => value
            .as_array()
            .is_none_or(|list| list.iter().all(|one| wrong(document, rule, one).is_none())),
        "minItems" => value.as_array().is_none_or(|list| list.len() as u64 >= number(rule)),
        "maxItems" => value.as_array().is_none_or(|list| list.len() as u64 <= number(rule)),
        "maxProperties" => value.as_object().is_none_or(|all| all.len() as u64 <= number(rule)),
        "minimum" => value.as_f64().is_none_or(|value| value >= rule.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|value| value <= rule.as_f64().unwrap()),
        "additionalProperties" => others(document, schema, rule, value),
        other => SILENT.contains(&other),
    }
}

/// Whether the fields that are not among the properties are what they may be.
fn others(document: &Value, schema: &Map<String, Value>, rule: &Value, value: &Value) -> bool {
    let Some(fields) = value.as_object() else { return true };
    let named = |name: &str| schema.get("properties").is_some_and(|all| all.get(name).is_some());
    let mut others = fields.iter().filter(|(name, _)| !named(name));
    match rule {
        Value::Bool(allowed) => *allowed || others.next().is_none(),
        rule => others.all(|(_, one)| wrong(document, rule, one).is_none()),
    }
}

fn number(rule: &Value) -> u64 {
    rule.as_u64().expect("a whole number")
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => false,
    }
}

#[test]
fn what_breaks_a_schema_is_found() {
    let document = serde_json::json!({"s": {"n": {"type": "integer", "minimum": 1}}});
    let schema = serde_json::json!({
        "type": "object", "required": ["n"], "additionalProperties": false,
        "properties": {"n": {"$ref": "#/s/n"}, "l": {"items": {"enum": ["a"]}, "maxItems": 1}},
    });
    let table = [
        (r#"{"n":1}"#, true),
        (r#"{"n":1,"l":["a"]}"#, true),
        (r#"{"n":0}"#, false),
        (r#"{"n":"1"}"#, false),
        (r#"{}"#, false),
        (r#"{"n":1,"x":1}"#, false),
        (r#"{"n":1,"l":["b"]}"#, false),
        (r#"{"n":1,"l":["a","a"]}"#, false),
        ("[]", false),
    ];
    for (value, holds) in table {
        let value: Value = serde_json::from_str(value).unwrap();
        assert_eq!(wrong(&document, &schema, &value).is_none(), holds, "{value}");
    }
    let unknown = serde_json::json!({"uniqueItems": true});
    assert!(wrong(&document, &unknown, &Value::Null).is_some());
}
