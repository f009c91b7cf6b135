//! Schemas of the interface as HTML: what a value is in one line, and the fields of an object as a list.
//! Every named schema is shown once and linked to from wherever it is used.

use super::{
    html::{Text, add, line, prose},
    tree::Node,
};
use crate::language::Language;

/// The name that a `$ref` ends with.
pub fn name_of(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

/// What a value is, in a few words, with links to named schemas.
pub fn kind(schema: &Node) -> String {
    if let Some(reference) = schema.get("$ref").and_then(Node::as_text) {
        let name = Text(name_of(reference));
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    if let Some(value) = schema.get("const") {
        return format!("<code>{}</code>", Text(&value.flat()));
    }
    if !schema.list("enum").is_empty() {
        return joined(schema.list("enum"), |one| format!("<code>{}</code>", Text(&one.flat())));
    }
    if !schema.list("oneOf").is_empty() {
        return joined(schema.list("oneOf"), kind);
    }
    if let Some(items) = schema.get("items") {
        return format!("list of {}", kind(items));
    }
    if let Some(values) = schema.get("additionalProperties").filter(|one| !one.entries().is_empty())
    {
        return format!("object of {} by name", kind(values));
    }
    let types = match schema.get("type") {
        Some(Node::List(types)) => types.iter().filter_map(Node::as_text).collect(),
        Some(one) => vec![one.as_text().unwrap_or_default()],
        None => vec!["object"],
    };
    format!("{}{}", types.join(" or "), Text(&bounds(schema)))
}

fn joined(nodes: &[Node], each: impl Fn(&Node) -> String) -> String {
    nodes.iter().map(each).collect::<Vec<_>>().join(" or ")
}

/// Format, bounds, pattern and default, where a schema has them.
fn bounds(schema: &Node) -> String {
    let value = |key: &str| schema.get(key).map(Node::flat);
    let mut out = String::new();
    if let Some(format) = schema.get("format").and_then(Node::as_text) {
        add(&mut out, format_args!(", {format}"));
    }
    match (value("minimum"), value("maximum")) {
        (Some(least), Some(most)) => add(&mut out, format_args!(", {least} to {most}")),
        (Some(least), None) => add(&mut out, format_args!(", at least {least}")),
        (None, Some(most)) => add(&mut out, format_args!(", at most {most}")),
        (None, None) => {}
    }
    if let Some(most) = value("maxLength") {
        add(&mut out, format_args!(", at most {most} characters"));
    }
    if let Some(pattern) = schema.get("pattern").and_then(Node::as_text) {
        add(&mut out, format_args!(", {pattern}"));
    }
    if let Some(default) = value("default") {
        add(&mut out, format_args!(", default {default}"));
    }
    out
}

/// One entry of a list of fields or parameters.
pub fn field(out: &mut String, name: &str, place: &str, schema: &Node, description: &str) {
    add(
        out,
        format_args!(
            "<dt><code>{}</code> <span class=\"kind\">{}{}</span></dt><dd>{}</dd>",
            Text(name),
            kind(schema),
            Text(place),
            line(description),
        ),
    );
}

/// The fields of an object, those it takes from other schemas as links first.
fn fields(schema: &Node, language: Language) -> String {
    let mut out = String::new();
    let whole = schema.list("allOf").iter().chain(schema.list("oneOf"));
    for other in whole {
        let text = language.pick("everything of", "包含");
        add(&mut out, format_args!("<dt class=\"kind\">{text} {}</dt>", kind(other)));
    }
    let required: Vec<&str> = schema.list("required").iter().filter_map(Node::as_text).collect();
    let all_there = schema.get("required").is_none();
    for (name, one) in schema.table("properties") {
        let there = all_there || required.contains(&name.as_str());
        let place = if there { "" } else { language.pick(", optional", "，可选") };
        field(&mut out, name, place, one, one.text("description"));
    }
    if out.is_empty() {
        return format!("<p class=\"kind\">{}</p>", kind(schema));
    }
    format!("<dl>{out}</dl>")
}

/// Every named schema. The anchor is inside, so that following a link opens what was closed.
pub fn all(document: &Node, language: Language) -> String {
    let schemas = document.find("#/components/schemas").map_or(&[][..], Node::entries);
    let mut out = String::new();
    for (name, schema) in schemas {
        let name = Text(name);
        let (text, fields) = (prose(schema.text("description")), fields(schema, language));
        add(
            &mut out,
            format_args!(
                "<details class=\"schema\"><summary><code>{name}</code></summary>\
                 <div id=\"schema-{name}\">{text}{fields}</div></details>\n"
            ),
        );
    }
    out
}
