//! The activity file: the sales an operator defines, as TOML or JSON.
//! All problems are reported together, and if there is one, nothing of the file is used.

use super::FileLimits;
use super::codes::{CodesNo, REQUEST_BODY};
use super::encoding::{BrokenAt, decode_utf8};
use super::fields::{Field, Section};
use super::origin::{Origin, TableOrigin};
use super::problem::{Expected, HIDDEN, Place, Problem, Problems, Reason};
use super::roster::roster_of;
use super::source::{Reading, read_file, within};
use super::ticket::{DESC, IMAGE, NAME, ReadTicket, ticket_of};
use super::tree::{Node, Value, from_json, from_toml};
use super::update::{Difference, NotChangeable};
use ledger::{NewActivity, NewUnits, RosterName};
use rules::{Activity, LIMIT_PER_USER_MAX, TYPES_MAX, TypeNo, Window};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// The keys of the file itself.
const FILE_KEYS: [&str; 1] = ["activity"];
/// The keys of an activity.
const KEYS: [&str; 10] = [
    "id",
    "name",
    "desc",
    "image",
    "start_time",
    "end_time",
    "limit_per_user",
    "roster",
    "standby",
    "ticket",
];
/// Characters of an id made here: 60 bits, so that two never meet by chance.
const RANDOM_ID_CHARS: usize = 12;
/// What an id made here consists of; 32 letters, so that each byte gives one without bias.
const RANDOM_ID_ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// How an activity file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityFormat {
    /// TOML 1.1.
    Toml,
    /// JSON.
    Json,
}

/// The activities of a file, ready to be added, and where each came from.
#[derive(Clone, Debug)]
pub struct ReadActivities {
    /// In the order of the file.
    pub activities: Vec<NewActivity>,
    origins: Vec<ActivityOrigin>,
    codes: Vec<Origin>,
}

/// Where an activity and its types stand, and which list the codes of each type are.
#[derive(Clone, Debug)]
struct ActivityOrigin {
    table: TableOrigin,
    tickets: Vec<TicketOrigin>,
}

/// Where a type stands, and which list its codes are.
#[derive(Clone, Debug)]
struct TicketOrigin {
    table: TableOrigin,
    codes: Option<CodesNo>,
}

impl ReadActivities {
    /// The activities of several files, so that all go in together or none does; what stands in one file and
    /// again in another is a problem of the second.
    pub fn joined(files: Vec<Self>, limits: &FileLimits) -> Result<Self, Vec<Problem>> {
        let several = files.len() > 1;
        let mut all = Self { activities: Vec::new(), origins: Vec::new(), codes: Vec::new() };
        for file in files {
            all.append(file);
        }
        let problems = if several { all.repeated(limits) } else { Vec::new() };
        if problems.is_empty() { Ok(all) } else { Err(problems) }
    }

    fn append(&mut self, other: Self) {
        let before = self.codes.len();
        self.activities.extend(other.activities);
        self.codes.extend(other.codes);
        let mut origins = other.origins;
        for ticket in origins.iter_mut().flat_map(|origin| &mut origin.tickets) {
            ticket.codes = ticket.codes.map(|CodesNo(at)| CodesNo(at + before));
        }
        self.origins.extend(origins);
    }

    /// Ids and codes that stand twice.
    fn repeated(&self, limits: &FileLimits) -> Vec<Problem> {
        let mut problems = Problems::new(limits.problems_max);
        let mut ids = HashMap::new();
        let mut codes = HashMap::new();
        for (at, new) in self.activities.iter().enumerate() {
            let id = new.activity.id.as_str();
            if let Some(first) = ids.insert(id, at) {
                let first = self.origins[first].table.place("id").0;
                let (place, _) = self.origins[at].table.place("id");
                problems.add(place, id, Reason::Repeated { first });
            }
            for (kind, code, text) in listed_codes(new) {
                if let Some(first) = codes.insert(text, (at, kind, code)) {
                    let first = self.code_place(first);
                    let place = self.code_place((at, kind, code));
                    problems.add(place, HIDDEN, Reason::Repeated { first });
                }
            }
        }
        problems.into_vec()
    }

    /// Where a code stands: of the activity in this place, of its type in this place, in this place.
    fn code_place(&self, (activity, ticket, code): (usize, usize, usize)) -> Place {
        let TicketOrigin { table, codes } = &self.origins[activity].tickets[ticket];
        codes.map_or_else(|| table.place("codes").0, |CodesNo(list)| self.codes[list].place(code))
    }

    /// The ledger has the id of the activity in this place already.
    ///
    /// # Panics
    /// If there is no such place: the caller's bug.
    pub fn id_exists(&self, activity: usize) -> Problem {
        let id = &self.activities[activity].activity.id;
        Problem::new(self.origins[activity].table.place("id").0, id, Reason::IdExists)
    }

    /// The ledger has a code already: of the activity in this place, of this type, in this place.
    ///
    /// # Panics
    /// If there is no such activity or type: the caller's bug.
    pub fn code_exists(&self, activity: usize, ticket_type: TypeNo, code: usize) -> Problem {
        let place = self.code_place((activity, usize::from(ticket_type.0), code));
        Problem::new(place, HIDDEN, Reason::CodeExists)
    }

    /// A key of the activity in this place differs from what the ledger has, and an update may not change it.
    ///
    /// # Panics
    /// If there is no such activity or type: the caller's bug.
    pub fn not_changeable(&self, activity: usize, differs: &NotChangeable) -> Problem {
        let NotChangeable { ticket, key, difference } = differs;
        let origin = &self.origins[activity];
        let table = ticket.map_or(&origin.table, |ticket| &origin.tickets[ticket].table);
        let (place, value) = match (*ticket, *difference) {
            (Some(ticket), Difference::CodeAt { row }) => {
                (self.code_place((activity, ticket, row as usize - 1)), HIDDEN)
            }
            _ => table.place(key),
        };
        let activity = self.activities[activity].activity.id.clone();
        Problem::new(place, value, Reason::NotChangeable { activity, difference: *difference })
    }

    /// The activity in this place is to be changed and is closed for good.
    ///
    /// # Panics
    /// If there is no such place: the caller's bug.
    pub fn closed(&self, activity: usize) -> Problem {
        let id = &self.activities[activity].activity.id;
        Problem::new(self.origins[activity].table.place("id").0, id, Reason::ActivityClosed)
    }
}

/// The codes of an activity: the place of their type, their own, and what they are.
fn listed_codes(new: &NewActivity) -> impl Iterator<Item = (usize, usize, &str)> {
    new.units.iter().enumerate().flat_map(|(kind, units)| {
        let codes = match units {
            NewUnits::Codes(codes) => codes.as_slice(),
            NewUnits::Plain(_) => &[],
        };
        codes.iter().enumerate().map(move |(code, text)| (kind, code, text.as_str()))
    })
}

/// Reads an activity file for the command line: `.toml` or `.json`; paths in it are relative to it.
pub fn read_activity_file(
    path: &Path,
    limits: &FileLimits,
) -> Result<ReadActivities, Vec<Problem>> {
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let reading = Reading::new(&path.display().to_string(), Some(folder), limits);
    let extension = path.extension().and_then(|extension| extension.to_str());
    let format = match extension.map(str::to_lowercase).as_deref() {
        Some("toml") => ActivityFormat::Toml,
        Some("json") => ActivityFormat::Json,
        _ => return Err(refused(reading, Reason::UnknownExtension)),
    };
    match read_file(path, limits) {
        Ok(bytes) => read_with(reading, &bytes, format),
        Err(reason) => Err(refused(reading, reason)),
    }
}

/// Reads an activity file that came over HTTP: `codes` and `roster` are lists, never paths.
pub fn read_activity_bytes(
    bytes: &[u8],
    format: ActivityFormat,
    limits: &FileLimits,
) -> Result<ReadActivities, Vec<Problem>> {
    let reading = Reading::new(REQUEST_BODY, None, limits);
    match within(bytes, limits) {
        Ok(()) => read_with(reading, bytes, format),
        Err(reason) => Err(refused(reading, reason)),
    }
}

fn refused(mut reading: Reading<'_>, reason: Reason) -> Vec<Problem> {
    reading.refuse_line(None, reason);
    reading.problems.into_vec()
}

fn read_with(
    mut reading: Reading<'_>,
    bytes: &[u8],
    format: ActivityFormat,
) -> Result<ReadActivities, Vec<Problem>> {
    let tree = decode_utf8(bytes).map_err(|broken| vec![broken]).and_then(|text| match format {
        ActivityFormat::Toml => from_toml(text),
        ActivityFormat::Json => from_json(text),
    });
    let root = match tree {
        Ok(root) => root,
        Err(faults) => {
            for BrokenAt { line, reason } in faults {
                reading.refuse_line(line, reason);
            }
            return Err(reading.problems.into_vec());
        }
    };
    let read = activities_of(&mut reading, &root);
    if reading.problems.count() > 0 {
        return Err(reading.problems.into_vec());
    }
    let (activities, origins) = read.into_iter().unzip();
    Ok(ReadActivities { activities, origins, codes: reading.codes.into_origins() })
}

type ReadActivity = (NewActivity, ActivityOrigin);

fn activities_of(reading: &mut Reading<'_>, root: &Node) -> Vec<ReadActivity> {
    let place = Place { file: Arc::clone(&reading.file), line: root.line, key: String::new() };
    let root = Field { node: root, place };
    let problems = &mut reading.problems;
    let Some(section) = Section::open(&root, Expected::Table, &FILE_KEYS, problems) else {
        return Vec::new();
    };
    let max = reading.limits.activities_max;
    let mut ids = Ids::default();
    let mut read = Vec::new();
    for field in tables_of(reading, &section, "activity", max) {
        read.extend(activity_of(reading, &field, &mut ids));
    }
    read
}

/// The tables of a list that must have one at least.
fn tables_of<'n>(
    reading: &mut Reading<'_>,
    section: &Section<'n>,
    key: &str,
    max: u32,
) -> Vec<Field<'n>> {
    let problems = &mut reading.problems;
    let Some(list) = section.field(key) else {
        section.refuse(key, Reason::Missing, problems);
        return Vec::new();
    };
    let Value::List(nodes) = &list.node.value else {
        section.refuse(key, Reason::WrongType(Expected::Tables), problems);
        return Vec::new();
    };
    if nodes.is_empty() {
        section.refuse(key, Reason::Empty, problems);
    }
    if nodes.len() > max as usize {
        section.refuse(key, Reason::TooMany { max }, problems);
    }
    let fields = nodes.iter().enumerate().map(|(index, node)| list.element(node, index));
    fields.take(max as usize).collect()
}

fn activity_of(
    reading: &mut Reading<'_>,
    field: &Field<'_>,
    ids: &mut Ids,
) -> Option<ReadActivity> {
    let section = Section::open(field, Expected::Table, &KEYS, &mut reading.problems)?;
    let id = ids.id_of(reading, &section);
    let problems = &mut reading.problems;
    let name = section.text("name", NAME, None, problems);
    let desc = section.text("desc", DESC, Some(""), problems);
    let image = section.text("image", IMAGE, Some(""), problems);
    let limit = section.count("limit_per_user", 1..=LIMIT_PER_USER_MAX, problems);
    let standby = section.boolean("standby", problems);
    let window = window_of(reading, &section);
    let roster = roster_field(reading, &section);
    let tickets = tickets_of(reading, &section, window);
    let (roster, tickets) = (roster?, tickets?);
    one_currency(reading, &tickets)?;
    let costs = tickets.iter().any(|ticket| !ticket.ticket_type.price.is_free());
    let activity = Activity {
        id: id?,
        name: name?,
        desc: desc?,
        image: image?,
        window: window?,
        limit_per_user: limit?,
        has_roster: roster.is_some(),
        // Units that nobody pays for come back, and then a line is fairer than whoever asks most often.
        standby: standby?.unwrap_or(costs),
        types: tickets.iter().map(|ticket| ticket.ticket_type.clone()).collect(),
    };
    let (units, tickets) = tickets
        .into_iter()
        .map(|one| (one.units, TicketOrigin { table: one.origin, codes: one.codes }))
        .unzip();
    let new = NewActivity { activity, units, roster: roster.unwrap_or_default() };
    Some((new, ActivityOrigin { table: section.origin(), tickets }))
}

fn window_of(reading: &mut Reading<'_>, section: &Section<'_>) -> Option<Window> {
    let problems = &mut reading.problems;
    let start = section.needed_time("start_time", problems);
    let end = section.needed_time("end_time", problems);
    match Window::new(start?, end?) {
        Ok(window) => Some(window),
        Err(error) => {
            section.refuse_window(error, problems);
            None
        }
    }
}

fn roster_field(
    reading: &mut Reading<'_>,
    section: &Section<'_>,
) -> Option<Option<Vec<RosterName>>> {
    match section.field("roster") {
        Some(field) => roster_of(reading, &field).map(Some),
        None => Some(None),
    }
}

fn tickets_of(
    reading: &mut Reading<'_>,
    section: &Section<'_>,
    window: Option<Window>,
) -> Option<Vec<ReadTicket>> {
    let before = reading.problems.count();
    let mut ids = Ids::default();
    let mut tickets = Vec::new();
    for field in tables_of(reading, section, "ticket", u32::from(TYPES_MAX)) {
        tickets.extend(ticket_of(reading, &field, &mut ids, window));
    }
    (reading.problems.count() == before).then_some(tickets)
}

/// What costs something is all in one currency: a basket of several types has one amount.
fn one_currency(reading: &mut Reading<'_>, tickets: &[ReadTicket]) -> Option<()> {
    let mut priced = tickets.iter().filter(|ticket| !ticket.ticket_type.price.is_free());
    let Some(first) = priced.next() else { return Some(()) };
    let currency = &first.ticket_type.price.currency;
    let before = reading.problems.count();
    for other in priced.filter(|ticket| ticket.ticket_type.price.currency != *currency) {
        let reason = Reason::OtherCurrency { first: first.origin.place("currency").0 };
        let place = other.origin.place("currency").0;
        reading.problems.add(place, &other.ticket_type.price.currency, reason);
    }
    (reading.problems.count() == before).then_some(())
}

/// The ids of one level of the file and where each stands.
#[derive(Default)]
pub(super) struct Ids(HashMap<String, Place>);

impl Ids {
    /// The id of a table, made here where it gives none; none where it is wrong or stands twice.
    pub(super) fn id_of(
        &mut self,
        reading: &mut Reading<'_>,
        section: &Section<'_>,
    ) -> Option<String> {
        let Some(id) = section.id("id", &mut reading.problems)? else { return Some(random_id()) };
        if let Some(first) = self.0.get(&id) {
            let reason = Reason::Repeated { first: first.clone() };
            section.refuse("id", reason, &mut reading.problems);
            return None;
        }
        self.0.insert(id.clone(), section.place("id"));
        Some(id)
    }
}

/// An id for what the operator gave none.
fn random_id() -> String {
    let mut bytes = [0u8; RANDOM_ID_CHARS];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes.iter().map(|byte| char::from(RANDOM_ID_ALPHABET[usize::from(byte % 32)])).collect()
}
