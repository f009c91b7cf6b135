//! An activity while it is being written: the form's fields, turned into the activity file that an import reads, so that
//! every rule and every sentence is the import's own. What is wrong is told at the field where it stands.

use super::{
    fields::Fields,
    pasted::{self, Understood},
    telling::{self, Trouble},
};
use crate::{language::Language, pages::moments::Zone};
use jiff::Timestamp;
use sale::{
    DeskRefused,
    files::{ActivityFormat, FileLimits, Problem, ReadActivities, read_activity_bytes},
};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Ticket types on one form; more come by a file.
pub const TYPES_ON_FORM_MAX: usize = 20;

/// The fields of a ticket type, without the `t0.` in front.
const TYPE_FIELDS: [&str; 13] = [
    "name",
    "desc",
    "limit_per_user",
    "kind",
    "stock",
    "codes",
    "start_time",
    "end_time",
    "valid_from",
    "valid_until",
    "price",
    "pay_within_s",
    "offer_within_s",
];
/// Fields of one form at most; they fit into what is read of one.
const _: () =
    assert!(TYPES_ON_FORM_MAX * (TYPE_FIELDS.len() + 1) + 14 <= super::fields::FIELDS_MAX);

/// The form as it was typed, and what is known of it.
pub struct Draft {
    fields: Fields,
    zone: Zone,
    language: Language,
    understood: HashMap<String, Understood>,
    /// The line of each item of the pasted lists.
    lines: HashMap<String, Vec<u32>>,
    trouble: Trouble,
}

/// The name of a field of the type in this place.
pub fn type_field(at: usize, name: &str) -> String {
    format!("t{at}.{name}")
}

impl Draft {
    /// A form with these fields; one without an id gets this one, so that sending it twice makes one activity.
    pub fn new(mut fields: Fields, zone: Zone, language: Language, id: String) -> Self {
        if fields.trimmed("id").is_empty() {
            fields.set("id", id);
        }
        let (understood, lines, trouble) = Default::default();
        Self { fields, zone, language, understood, lines, trouble }
    }

    /// How many ticket types the form has.
    pub fn type_count(&self) -> usize {
        let count = self.fields.trimmed("types").parse().unwrap_or(1);
        usize::clamp(count, 1, TYPES_ON_FORM_MAX)
    }

    /// One more type, empty; its place.
    pub fn add_type(&mut self) -> Option<usize> {
        let count = self.type_count();
        if count == TYPES_ON_FORM_MAX {
            return None;
        }
        self.fields.set("types", (count + 1).to_string());
        self.fields.set(&type_field(count, "limit_per_user"), "1");
        Some(count)
    }

    /// Without the type in this place; one always stays.
    pub fn remove_type(&mut self, gone: usize) {
        let count = self.type_count();
        if count == 1 || gone >= count {
            return;
        }
        for at in gone..count {
            for name in TYPE_FIELDS {
                let next = self.fields.take(&type_field(at + 1, name)).unwrap_or_default();
                self.fields.set(&type_field(at, name), next);
            }
        }
        self.fields.set("types", (count - 1).to_string());
    }

    /// What stands in a field.
    pub fn value(&self, name: &str) -> &str {
        self.fields.get(name)
    }

    /// Whether the type in this place has codes: what a new form begins with.
    pub fn has_codes(&self, at: usize) -> bool {
        self.fields.get(&type_field(at, "kind")) != "plain"
    }

    /// What is wrong with a field.
    pub fn wrong(&self, name: &str) -> &[String] {
        self.trouble.of(name)
    }

    /// The attributes of a field's element as HTML: names come from here and from the templates, never from people.
    pub fn attributes(&self, name: &str, hint: &str) -> String {
        let named = format!("id=\"{name}\" name=\"{name}\"");
        let wrong = !self.wrong(name).is_empty();
        let parts = [(!hint.is_empty(), "hint"), (wrong, "wrong")];
        let parts = parts.into_iter().filter(|(there, _)| *there);
        let parts: Vec<String> = parts.map(|(_, part)| format!("{name}-{part}")).collect();
        let invalid = if wrong { " aria-invalid=\"true\"" } else { "" };
        match &parts[..] {
            [] => named,
            parts => format!("{named} aria-describedby=\"{}\"{invalid}", parts.join(" ")),
        }
    }

    /// What a field is called where its trouble is listed.
    pub fn label(&self, name: &str) -> String {
        telling::label(name, self.type_count(), self.language)
    }

    /// Everything that is wrong: the field, and the sentence.
    pub fn trouble(&self) -> &Trouble {
        &self.trouble
    }

    /// What was understood of a pasted list, for people to check.
    pub fn understood(&self, name: &str) -> Option<String> {
        let understood = self.understood.get(name)?;
        (understood.count > 0).then(|| telling::understood(understood, self.language))
    }

    /// Items left out of the pasted lists because the same stands above.
    pub fn repeated(&self, is_roster: bool) -> usize {
        let lists = self.understood.iter().filter(|(name, _)| (*name == "roster") == is_roster);
        lists.map(|(_, understood)| understood.repeated).sum()
    }

    /// The activity, or nothing: then what is wrong stands at the fields.
    pub fn read(&mut self) -> Option<ReadActivities> {
        let activity = self.activity();
        self.read_table(activity)
    }

    /// The same of a table that has the fields already.
    pub fn read_table(&mut self, activity: Value) -> Option<ReadActivities> {
        let file = json!({ "activity": [activity] }).to_string();
        let read = read_activity_bytes(file.as_bytes(), ActivityFormat::Json, &FileLimits::DEFAULT);
        match read {
            Ok(read) if self.trouble.is_empty() => Some(read),
            Ok(_) => None,
            Err(problems) => {
                problems.iter().for_each(|problem| self.refuse(problem));
                None
            }
        }
    }

    /// Why the ledger refused what was read, at its field; what no field is to blame for is given back.
    pub fn refused(&mut self, read: &ReadActivities, refused: DeskRefused) -> Option<DeskRefused> {
        match refused {
            DeskRefused::IdExists(at) => self.refuse(&read.id_exists(at)),
            DeskRefused::CodeExists(at, kind, code) => {
                self.refuse(&read.code_exists(at, kind, code));
            }
            DeskRefused::NotChangeable(keys) => {
                for (at, key) in &keys {
                    self.refuse(&read.not_changeable(*at, key));
                }
            }
            DeskRefused::ClosedAt(at) => self.refuse(&read.closed(at)),
            other => return Some(other),
        }
        None
    }

    /// Adds a sentence that belongs to no field.
    pub fn tell(&mut self, sentence: String) {
        self.trouble.add("", sentence);
    }

    fn refuse(&mut self, problem: &Problem) {
        let place = telling::field_of(&problem.key);
        let sentence = telling::sentence(&place, &problem.reason, &self.lines, self.language);
        self.trouble.add(&place.field, sentence);
    }

    fn activity(&mut self) -> Value {
        let mut table = Map::new();
        self.text(&mut table, "id", "id");
        self.text(&mut table, "name", "name");
        self.text(&mut table, "desc", "desc");
        self.text(&mut table, "image", "image");
        self.time(&mut table, "start_time", "start_time");
        self.time(&mut table, "end_time", "end_time");
        self.number(&mut table, "limit_per_user", "limit_per_user");
        put(&mut table, "standby", self.fields.trimmed("standby"), |text| match text {
            "on" => true.into(),
            "off" => false.into(),
            other => other.into(),
        });
        if let Some(roster) = self.roster() {
            table.insert("roster".to_owned(), roster);
        }
        let types: Vec<Value> = (0..self.type_count()).map(|at| self.ticket_type(at)).collect();
        table.insert("ticket".to_owned(), types.into());
        table.into()
    }

    fn ticket_type(&mut self, at: usize) -> Value {
        let mut table = Map::new();
        table.insert("id".to_owned(), format!("t{}", at + 1).into());
        let name = type_field(at, "name");
        // What gives out one kind of thing need not be named twice.
        let alone = self.type_count() == 1 && self.fields.trimmed(&name).is_empty();
        self.text(&mut table, "name", if alone { "name" } else { &name });
        self.text(&mut table, "desc", &type_field(at, "desc"));
        self.number(&mut table, "limit_per_user", &type_field(at, "limit_per_user"));
        self.text(&mut table, "price", &type_field(at, "price"));
        // All that costs something in an activity is in one currency, so there is one field of it.
        self.text(&mut table, "currency", "currency");
        for key in ["pay_within_s", "offer_within_s"] {
            self.minutes(&mut table, key, &type_field(at, key));
        }
        for key in ["start_time", "end_time", "valid_from", "valid_until"] {
            self.time(&mut table, key, &type_field(at, key));
        }
        if self.has_codes(at) {
            let codes = self.codes(&type_field(at, "codes"));
            table.insert("codes".to_owned(), codes.into());
        } else {
            self.number(&mut table, "stock", &type_field(at, "stock"));
        }
        table.into()
    }

    fn codes(&mut self, name: &str) -> Vec<String> {
        match pasted::codes(self.fields.get(name)) {
            Ok(pasted) => {
                self.lines.insert(name.to_owned(), pasted.lines);
                self.understood.insert(name.to_owned(), pasted.understood);
                pasted.items
            }
            Err(fault) => {
                self.trouble.add(name, telling::paste_fault(&fault, self.language));
                Vec::new()
            }
        }
    }

    fn roster(&mut self) -> Option<Value> {
        if self.fields.trimmed("roster").is_empty() {
            return None;
        }
        match pasted::roster(self.fields.get("roster")) {
            Ok(pasted) => {
                self.lines.insert("roster".to_owned(), pasted.lines);
                self.understood.insert("roster".to_owned(), pasted.understood);
                let row = |line: pasted::RosterLine| {
                    let pasted::RosterLine { name, display_name, department } = line;
                    json!({ "name": name, "display_name": display_name, "department": department })
                };
                Some(pasted.items.into_iter().map(row).collect())
            }
            Err(fault) => {
                self.trouble.add("roster", telling::paste_fault(&fault, self.language));
                None
            }
        }
    }

    fn text(&self, table: &mut Map<String, Value>, key: &str, field: &str) {
        put(table, key, self.fields.trimmed(field), |text| text.into());
    }

    fn time(&self, table: &mut Map<String, Value>, key: &str, field: &str) {
        put(table, key, self.fields.trimmed(field), |text| time_value(self.zone, text));
    }

    /// A field in minutes, of a key in seconds.
    fn minutes(&self, table: &mut Map<String, Value>, key: &str, field: &str) {
        let seconds = |text: &str| {
            let minutes = text.parse::<i64>().ok();
            minutes.map_or_else(|| text.into(), |minutes| minutes.saturating_mul(60).into())
        };
        put(table, key, self.fields.trimmed(field), seconds);
    }

    fn number(&self, table: &mut Map<String, Value>, key: &str, field: &str) {
        let number = |text: &str| text.parse::<i64>().map_or_else(|_| text.into(), Value::from);
        put(table, key, self.fields.trimmed(field), number);
    }
}

/// A field in which nothing stands is not in the file.
fn put(table: &mut Map<String, Value>, key: &str, text: &str, value: impl Fn(&str) -> Value) {
    if !text.is_empty() {
        table.insert(key.to_owned(), value(text));
    }
}

/// A time of a field as an activity file has it; what is no time is left to be refused.
pub fn time_value(zone: Zone, text: &str) -> Value {
    let time = zone.read_field(text);
    let stamp = time.and_then(|time| Timestamp::from_millisecond(time.0.try_into().ok()?).ok());
    stamp.map_or_else(|| text.into(), |stamp| stamp.to_string().into())
}
