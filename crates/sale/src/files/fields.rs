//! Single values of an activity file, each judged against its bounds.
//! `None` always means that the problem has been reported: nothing is left out in silence.

use super::nearest::nearest;
use super::origin::TableOrigin;
use super::problem::{Expected, Place, Problems, Reason};
use super::tree::{Entry, Node, Value};
use jiff::Timestamp;
use rules::{ID_BYTES_MAX, TimeMs, WindowError};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// 2000-01-01T00:00:00Z in milliseconds.
const TIME_MS_MIN: u64 = 946_684_800_000;
/// 2200-01-01T00:00:00Z in milliseconds, the first that is refused.
const TIME_MS_END: u64 = 7_258_118_400_000;

/// A table of the file under the path that names it.
pub(super) struct Section<'n> {
    pub(super) file: Arc<str>,
    pub(super) path: String,
    line: Option<u32>,
    entries: &'n [Entry],
}

/// A value under the path that names it.
pub(super) struct Field<'n> {
    pub(super) node: &'n Node,
    pub(super) place: Place,
}

/// What a text may be.
#[derive(Clone, Copy)]
pub(super) struct TextRule {
    pub(super) bytes_max: usize,
    pub(super) may_be_empty: bool,
    pub(super) may_have_lines: bool,
}

impl<'n> Section<'n> {
    /// The node as a table of which only these keys are known.
    pub(super) fn open(
        field: &Field<'n>,
        expected: Expected,
        known: &[&'static str],
        problems: &mut Problems,
    ) -> Option<Self> {
        let Value::Table(entries) = &field.node.value else {
            return field.refuse(Reason::WrongType(expected), problems);
        };
        let Place { file, line, key } = field.place.clone();
        let section = Self { file, path: key, line, entries };
        section.check_keys(known, problems);
        Some(section)
    }

    fn check_keys(&self, known: &[&'static str], problems: &mut Problems) {
        for (index, entry) in self.entries.iter().enumerate() {
            let place = self.place_at(&entry.key, entry.line);
            if !known.contains(&entry.key.as_str()) {
                let nearest = nearest(&entry.key, known);
                problems.add(place, "", Reason::UnknownKey { nearest });
            } else if self.entries[..index].iter().any(|other| other.key == entry.key) {
                problems.add(place, "", Reason::KeyTwice);
            }
        }
    }

    /// The value of a key; JSON's null counts as not there.
    pub(super) fn field(&self, key: &str) -> Option<Field<'n>> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        let place = self.place_at(key, entry.line);
        let there = !matches!(entry.node.value, Value::Null);
        there.then_some(Field { node: &entry.node, place })
    }

    /// Where a key stands, or would.
    pub(super) fn place(&self, key: &str) -> Place {
        let line = self.entries.iter().find(|entry| entry.key == key).and_then(|entry| entry.line);
        self.place_at(key, line.or(self.line))
    }

    /// Where its keys stand and what they say, for what turns out later.
    pub(super) fn origin(&self) -> TableOrigin {
        TableOrigin::of(&self.file, &self.path, self.line, self.entries)
    }

    fn place_at(&self, key: &str, line: Option<u32>) -> Place {
        let key =
            if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Place { file: Arc::clone(&self.file), line, key }
    }

    /// A text; the default where it is not there, and a problem where there is no default.
    pub(super) fn text(
        &self,
        key: &str,
        rule: TextRule,
        default: Option<&str>,
        problems: &mut Problems,
    ) -> Option<String> {
        let Some(field) = self.field(key) else {
            return self.value_or_missing(key, default.map(str::to_owned), problems);
        };
        let text = field.text(problems)?;
        match judge_text(text, rule) {
            Ok(()) => Some(text.to_owned()),
            Err(reason) => field.refuse(reason, problems),
        }
    }

    /// An id, if one is given.
    pub(super) fn id(&self, key: &str, problems: &mut Problems) -> Option<Option<String>> {
        let Some(field) = self.field(key) else { return Some(None) };
        let text = field.text(problems)?;
        match judge_id(text) {
            Ok(()) => Some(Some(text.to_owned())),
            Err(reason) => field.refuse(reason, problems),
        }
    }

    /// A whole number within bounds, if one is given.
    pub(super) fn count(
        &self,
        key: &str,
        bounds: RangeInclusive<u32>,
        problems: &mut Problems,
    ) -> Option<Option<u32>> {
        let Some(field) = self.field(key) else { return Some(None) };
        let Value::Integer(number) = field.node.value else {
            return field.refuse(Reason::WrongType(Expected::Integer), problems);
        };
        match u32::try_from(number).ok().filter(|number| bounds.contains(number)) {
            Some(number) => Some(Some(number)),
            None => {
                let reason = Reason::OutOfBounds { min: *bounds.start(), max: *bounds.end() };
                field.refuse(reason, problems)
            }
        }
    }

    /// Yes or no, if it is given.
    pub(super) fn boolean(&self, key: &str, problems: &mut Problems) -> Option<Option<bool>> {
        let Some(field) = self.field(key) else { return Some(None) };
        match field.node.value {
            Value::Boolean(yes) => Some(Some(yes)),
            _ => field.refuse(Reason::WrongType(Expected::Boolean), problems),
        }
    }

    /// A time, if one is given.
    pub(super) fn time(&self, key: &str, problems: &mut Problems) -> Option<Option<TimeMs>> {
        let Some(field) = self.field(key) else { return Some(None) };
        match time_of(&field.node.value) {
            Ok(time) => Some(Some(time)),
            Err(reason) => field.refuse(reason, problems),
        }
    }

    /// A time that must be given.
    pub(super) fn needed_time(&self, key: &str, problems: &mut Problems) -> Option<TimeMs> {
        let time = self.time(key, problems)?;
        self.value_or_missing(key, time, problems)
    }

    /// Both ends are there, and the window has none or less than a millisecond.
    pub(super) fn refuse_window(&self, error: WindowError, problems: &mut Problems) {
        let WindowError::EndNotAfterStart = error;
        self.refuse_order("end_time", "start_time", problems);
    }

    /// What `key` says must be later than what `other` says.
    pub(super) fn refuse_order(&self, key: &str, other: &'static str, problems: &mut Problems) {
        self.refuse(key, Reason::NotAfter { other }, problems);
    }

    /// Reports a problem with a key, whether it is there or not.
    pub(super) fn refuse(&self, key: &str, reason: Reason, problems: &mut Problems) {
        let value = self.field(key).map_or_else(String::new, |field| field.node.shown());
        problems.add(self.place(key), &value, reason);
    }

    fn value_or_missing<T>(
        &self,
        key: &str,
        value: Option<T>,
        problems: &mut Problems,
    ) -> Option<T> {
        if value.is_none() {
            problems.add(self.place(key), "", Reason::Missing);
        }
        value
    }
}

impl<'n> Field<'n> {
    /// The text, if it is one.
    pub(super) fn text(&self, problems: &mut Problems) -> Option<&'n str> {
        match &self.node.value {
            Value::Text(text) => Some(text),
            _ => self.refuse(Reason::WrongType(Expected::Text), problems),
        }
    }

    /// An element of the list that stands here.
    pub(super) fn element(&self, node: &'n Node, index: usize) -> Self {
        let key = format!("{}[{index}]", self.place.key);
        let place = Place { file: Arc::clone(&self.place.file), line: node.line, key };
        Self { node, place }
    }

    /// Reports a problem and gives nothing.
    pub(super) fn refuse<T>(&self, reason: Reason, problems: &mut Problems) -> Option<T> {
        problems.add(self.place.clone(), &self.node.shown(), reason);
        None
    }
}

/// Whether a text keeps to its rule.
pub(super) fn judge_text(text: &str, rule: TextRule) -> Result<(), Reason> {
    let allowed = |one: char| !one.is_control() || (rule.may_have_lines && "\n\r\t".contains(one));
    if !rule.may_be_empty && text.trim().is_empty() {
        return Err(Reason::Empty);
    }
    if text.len() > rule.bytes_max {
        return Err(Reason::TooLong { bytes_max: rule.bytes_max });
    }
    if text.chars().all(allowed) { Ok(()) } else { Err(Reason::ControlCharacter) }
}

fn judge_id(text: &str) -> Result<(), Reason> {
    if text.is_empty() {
        return Err(Reason::Empty);
    }
    if text.len() > ID_BYTES_MAX {
        return Err(Reason::TooLong { bytes_max: ID_BYTES_MAX });
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if text.bytes().all(allowed) { Ok(()) } else { Err(Reason::NotAnId) }
}

/// A time of any of the three spellings. Fractions of a millisecond are cut off.
fn time_of(value: &Value) -> Result<TimeMs, Reason> {
    let ms = match value {
        Value::Integer(seconds) => seconds.checked_mul(1000).ok_or(Reason::TimeOutOfRange)?,
        Value::Text(text) | Value::Moment(text) => timestamp_of(text)?.as_millisecond(),
        _ => return Err(Reason::WrongType(Expected::Time)),
    };
    let ms = u64::try_from(ms).ok().filter(|ms| (TIME_MS_MIN..TIME_MS_END).contains(ms));
    ms.map(TimeMs).ok_or(Reason::TimeOutOfRange)
}

fn timestamp_of(text: &str) -> Result<Timestamp, Reason> {
    text.parse().map_err(|_| match text.parse::<jiff::civil::DateTime>() {
        Ok(_) => Reason::TimeWithoutOffset,
        Err(_) => Reason::NotATime,
    })
}
