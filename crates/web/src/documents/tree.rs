//! JSON that keeps the order in which it was written, so that the page shows fields as the document has them.
//! Only for documents that are compiled in: nothing from outside is read with this.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value};
use std::fmt::{self, Formatter};

/// A JSON value.
#[derive(Clone, Debug)]
pub enum Node {
    /// `null`, `true` or `false`, a number, a text: anything without parts.
    Leaf(Value),
    /// A list.
    List(Vec<Node>),
    /// An object, in the order of the file.
    Table(Vec<(String, Node)>),
}

impl Node {
    /// The value of a key, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The text of a key; empty where there is none.
    pub fn text(&self, key: &str) -> &str {
        self.get(key).and_then(Self::as_text).unwrap_or_default()
    }

    /// The text, if this is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Leaf(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The entries, if this is an object.
    pub fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The entries of the object under a key.
    pub fn table(&self, key: &str) -> &[(String, Self)] {
        self.get(key).map_or(&[], Self::entries)
    }

    /// The elements of the list under a key.
    pub fn list(&self, key: &str) -> &[Self] {
        match self.get(key) {
            Some(Self::List(nodes)) => nodes,
            _ => &[],
        }
    }

    /// What a `$ref` of the document under `self` names.
    pub fn find(&self, reference: &str) -> Option<&Self> {
        let path = reference.strip_prefix("#/")?;
        path.split('/').try_fold(self, |node, key| node.get(key))
    }

    /// As JSON in lines: what fits `LINE_CHARS` stays on one line.
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        self.print(&mut out, 0);
        out
    }

    /// As JSON on one line.
    pub fn flat(&self) -> String {
        match self {
            Self::Leaf(value) => value.to_string(),
            Self::List(nodes) => {
                let nodes: Vec<String> = nodes.iter().map(Self::flat).collect();
                format!("[{}]", nodes.join(", "))
            }
            Self::Table(entries) => {
                let entry =
                    |(key, node): &(String, Self)| format!("{}: {}", quoted(key), node.flat());
                let entries: Vec<String> = entries.iter().map(entry).collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }

    fn print(&self, out: &mut String, indent: usize) {
        let flat = self.flat();
        if indent > 0 && flat.chars().count() + indent <= LINE_CHARS {
            return out.push_str(&flat);
        }
        let (open, close, parts): (_, _, Vec<(String, &Self)>) = match self {
            Self::Table(entries) if !entries.is_empty() => {
                let part = |(key, node)| (format!("{}: ", quoted(key)), node);
                ('{', '}', entries.iter().map(|(key, node)| part((key, node))).collect())
            }
            Self::List(nodes) if !nodes.is_empty() => {
                ('[', ']', nodes.iter().map(|node| (String::new(), node)).collect())
            }
            _ => return out.push_str(&flat),
        };
        out.push(open);
        for (index, (key, node)) in parts.iter().enumerate() {
            out.push_str(if index > 0 { ",\n" } else { "\n" });
            out.push_str(&" ".repeat(indent + INDENT));
            out.push_str(key);
            node.print(out, indent + INDENT);
        }
        out.push('\n');
        out.push_str(&" ".repeat(indent));
        out.push(close);
    }
}

/// Characters of a line that stays whole in an example.
const LINE_CHARS: usize = 60;
/// Spaces of one level.
const INDENT: usize = 2;

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Leaf(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Table(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_file_is_kept() {
        let node: Node =
            serde_json::from_str(r#"{"z":1,"a":[null,-2,1.5,"x\"y",{}],"m":true}"#).unwrap();
        assert_eq!(node.flat(), r#"{"z": 1, "a": [null, -2, 1.5, "x\"y", {}], "m": true}"#);
        assert_eq!(node.pretty().lines().next(), Some("{"));
        let again: Value = serde_json::from_str(&node.pretty()).unwrap();
        assert_eq!(again, serde_json::from_str::<Value>(&node.flat()).unwrap());
    }

    #[test]
    fn references_lead_somewhere_or_nowhere() {
        let node: Node = serde_json::from_str(r#"{"a":{"b":{"c":"d"}}}"#).unwrap();
        assert_eq!(node.find("#/a/b").unwrap().text("c"), "d");
        assert!(node.find("#/a/x").is_none() && node.find("a/b").is_none());
    }
}
