//! One tree for both formats of an activity file, with lines where the format tells them.
//! It keeps everything as written, a key that stands twice included; judging comes later.

use super::encoding::BrokenAt;
use super::problem::{HIDDEN, Reason};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Bytes of TOML of which every syntax error is told, of a longer text only the first: each byte may be an error or
/// two, and an error takes a hundred times as much memory as a byte.
const RECOVERED_BYTES_MAX: usize = 64 * 1024;

/// A value and its line.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) line: Option<u32>,
}

/// What was written.
#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    /// A number that is no 64-bit integer.
    Number(String),
    Boolean(bool),
    /// A date or time of TOML, as written there.
    Moment(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
    Null,
}

/// A key with its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: Option<u32>,
    pub(super) node: Node,
}

impl Node {
    /// As a problem may show it.
    pub(super) fn shown(&self) -> String {
        match &self.value {
            Value::Text(text) | Value::Number(text) | Value::Moment(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Boolean(yes) => yes.to_string(),
            Value::List(_) | Value::Table(_) => HIDDEN.to_owned(),
            Value::Null => "null".to_owned(),
        }
    }
}

/// Reads TOML; every value has its line.
pub(super) fn from_toml(text: &str) -> Result<Node, Vec<BrokenAt>> {
    let lines = LineStarts::of(text);
    let (table, errors) = if text.len() > RECOVERED_BYTES_MAX {
        DeTable::parse(text).map_or_else(|error| (None, vec![error]), |table| (Some(table), vec![]))
    } else {
        let (table, errors) = DeTable::parse_recoverable(text);
        (errors.is_empty().then_some(table), errors)
    };
    match table {
        Some(table) => Ok(Node { value: toml_table(table.into_inner(), &lines), line: Some(1) }),
        None => Err(errors.iter().map(|error| toml_fault(&lines, error)).collect()),
    }
}

fn toml_fault(lines: &LineStarts, error: &toml::de::Error) -> BrokenAt {
    let line = error.span().map(|span| lines.line_of(span.start));
    BrokenAt { line, reason: Reason::Syntax { detail: error.message().to_owned() } }
}

fn toml_node(value: Spanned<DeValue<'_>>, lines: &LineStarts) -> Node {
    let line = Some(lines.line_of(value.span().start));
    Node { value: toml_value(value.into_inner(), lines), line }
}

fn toml_value(value: DeValue<'_>, lines: &LineStarts) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::Number(number.to_string()), Value::Integer),
        DeValue::Float(number) => Value::Number(number.as_str().to_owned()),
        DeValue::Boolean(yes) => Value::Boolean(yes),
        DeValue::Datetime(moment) => Value::Moment(moment.to_string()),
        DeValue::Array(list) => {
            Value::List(list.into_iter().map(|one| toml_node(one, lines)).collect())
        }
        DeValue::Table(table) => toml_table(table, lines),
    }
}

fn toml_table(table: DeTable<'_>, lines: &LineStarts) -> Value {
    let entry = |(key, value): (Spanned<std::borrow::Cow<'_, str>>, _)| Entry {
        line: Some(lines.line_of(key.span().start)),
        key: key.into_inner().into_owned(),
        node: toml_node(value, lines),
    };
    Value::Table(table.into_iter().map(entry).collect())
}

/// Where each line of a text begins, so that looking one up costs no second walk.
struct LineStarts(Vec<usize>);

impl LineStarts {
    fn of(text: &str) -> Self {
        let feeds = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(std::iter::once(0).chain(feeds.map(|(place, _)| place + 1)).collect())
    }

    fn line_of(&self, offset: usize) -> u32 {
        u32::try_from(self.0.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }
}

/// Reads JSON; only a syntax error has a line.
pub(super) fn from_json(text: &str) -> Result<Node, Vec<BrokenAt>> {
    serde_json::from_str(text).map_err(|error| {
        let line = u32::try_from(error.line()).ok();
        vec![BrokenAt { line, reason: Reason::Syntax { detail: error.to_string() } }]
    })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(ValueVisitor)?;
        Ok(Self { value, line: None })
    }
}

/// Takes every JSON value; the standard one would drop the first of two equal keys unseen.
struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or_else(|_| Value::Number(number.to_string()), Value::Integer))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number.to_string()))
    }

    fn visit_bool<E: Error>(self, yes: bool) -> Result<Value, E> {
        Ok(Value::Boolean(yes))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = access.next_element()? {
            list.push(node);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, node)) = access.next_entry()? {
            entries.push(Entry { key, line: None, node });
        }
        Ok(Value::Table(entries))
    }
}
