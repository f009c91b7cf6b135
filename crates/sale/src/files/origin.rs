//! Where each code or name of a list came from, so that a problem found later still names its line.
//! Kept small, because a list may have millions of lines.

use super::problem::{HIDDEN, Place, shown};
use super::tree::Entry;
use std::sync::Arc;

/// Where the items of one list stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    file: Arc<str>,
    /// A column of a CSV file, or the path of a list.
    key: String,
    kind: OriginKind,
    /// For each item its line (0: not known) and its place in the list.
    items: Vec<(u32, u32)>,
}

/// What the items were read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OriginKind {
    /// Lines of a file: the key is the column.
    Lines,
    /// Elements of a list inside the activity file: the key has the place appended.
    Elements,
}

impl Origin {
    /// No item yet.
    pub(super) fn new(file: Arc<str>, key: String, kind: OriginKind) -> Self {
        Self { file, key, kind, items: Vec::new() }
    }

    /// The next item stands here.
    pub(super) fn push(&mut self, line: Option<u32>, place: u32) {
        self.items.push((line.unwrap_or(0), place));
    }

    /// Where the item with this index stands.
    pub(super) fn place(&self, index: usize) -> Place {
        let (line, place) = self.items.get(index).copied().unwrap_or_default();
        let key = match self.kind {
            OriginKind::Lines => self.key.clone(),
            OriginKind::Elements => format!("{}[{place}]", self.key),
        };
        Place { file: Arc::clone(&self.file), line: (line != 0).then_some(line), key }
    }

    /// The line of the item with this index; 0 where it is not known.
    pub(super) fn line(&self, index: usize) -> u32 {
        self.items.get(index).map_or(0, |(line, _)| *line)
    }
}

/// Where the keys of one table stand and what they say, as a problem may show it.
#[derive(Clone, Debug)]
pub(super) struct TableOrigin {
    file: Arc<str>,
    path: String,
    line: Option<u32>,
    /// Key, line and value.
    keys: Vec<(String, Option<u32>, String)>,
}

impl TableOrigin {
    /// The table under this path, which stands on this line.
    pub(super) fn of(file: &Arc<str>, path: &str, line: Option<u32>, entries: &[Entry]) -> Self {
        let value = |entry: &Entry| match entry.key.as_str() {
            "codes" => HIDDEN.to_owned(),
            _ => shown(&entry.node.shown()),
        };
        let keys = entries.iter().map(|entry| (entry.key.clone(), entry.line, value(entry)));
        Self { file: Arc::clone(file), path: path.to_owned(), line, keys: keys.collect() }
    }

    /// Where a key stands, or would, and its value.
    pub(super) fn place(&self, key: &str) -> (Place, &str) {
        let found = self.keys.iter().find(|(one, ..)| one == key);
        let line = found.and_then(|(_, line, _)| *line).or(self.line);
        let key = format!("{}.{key}", self.path);
        let place = Place { file: Arc::clone(&self.file), line, key };
        (place, found.map_or("", |(.., value)| value))
    }
}

/// Items and where they stand, in step.
#[derive(Clone, Debug)]
pub(super) struct Listed<T> {
    pub(super) items: Vec<T>,
    pub(super) origin: Origin,
}

impl<T> Listed<T> {
    /// An empty list.
    pub(super) fn new(origin: Origin) -> Self {
        Self { items: Vec::new(), origin }
    }

    /// Adds an item.
    pub(super) fn push(&mut self, item: T, line: Option<u32>, place: u32) {
        self.items.push(item);
        self.origin.push(line, place);
    }
}
