//! What an import with `update=1` may change of an activity that exists: texts, pictures, a later end.
//! Everything else that differs is named, and then nothing changes.

use rules::{Activity, TicketType, UnitKind, Window};

/// A key whose difference is no permitted change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChangeable {
    /// The place of its ticket type, from 0; `None`: it is a key of the activity itself.
    pub ticket: Option<usize>,
    /// `limit_per_user`, `stock`.
    pub key: String,
    /// What is known of the difference.
    pub difference: Difference,
}

impl NotChangeable {
    /// The path of the key within its activity: `limit_per_user`, `ticket[0].price`.
    pub fn path(&self) -> String {
        let Self { ticket, key, .. } = self;
        ticket.map_or_else(|| key.clone(), |ticket| format!("ticket[{ticket}].{key}"))
    }
}

/// How a key differs from what is in the ledger. Never holds a code or a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It has another value, or stands on one side only.
    Value,
    /// The number is neither that of the units imported nor that of those there are now.
    Stock {
        /// Units the type was imported with.
        imported: u32,
        /// Units there are now: those added since and without those taken back.
        total: u32,
    },
    /// As many codes were neither imported nor are there now.
    CodeCount {
        /// Codes of the file.
        given: u32,
        /// Codes the type was imported with.
        imported: u32,
        /// Codes there are now.
        total: u32,
    },
    /// Another code stands in a row.
    CodeAt {
        /// The first such row of the list, from 1, its header not counted.
        row: u32,
    },
    /// Other names are on the roster.
    Roster {
        /// Names of the file that are not on it.
        added: u32,
        /// Names on it that the file lacks.
        missing: u32,
    },
}

impl Difference {
    /// In English.
    pub(super) fn en(self) -> String {
        let rule = "an update changes texts, image and a later end_time only";
        match self {
            Self::Value => rule.to_owned(),
            Self::Stock { imported, total } => {
                format!("{rule}; {imported} were imported and there are {total} now")
            }
            Self::CodeCount { given, imported, total } => format!(
                "{rule}; here are {given} codes, {imported} were imported and there are {total} now"
            ),
            Self::CodeAt { row } => {
                format!("{rule}; row {row} is not the code that was imported in its place")
            }
            Self::Roster { added, missing } => {
                format!("{rule}; names that are new: {added}, that are missing: {missing}")
            }
        }
    }

    /// In Chinese.
    pub(super) fn zh(self) -> String {
        let rule = "更新只能修改文字、图片，或推迟 end_time";
        match self {
            Self::Value => rule.to_owned(),
            Self::Stock { imported, total } => {
                format!("{rule}；导入时为 {imported} 份，现有 {total} 份")
            }
            Self::CodeCount { given, imported, total } => {
                format!("{rule}；此处有 {given} 个兑换码，导入时为 {imported} 个，现有 {total} 个")
            }
            Self::CodeAt { row } => format!("{rule}；第 {row} 行与当时导入的兑换码不同"),
            Self::Roster { added, missing } => {
                format!("{rule}；新增姓名 {added} 个，缺少 {missing} 个")
            }
        }
    }
}

/// The activity as it will be, or every key of the definition that differs and may not.
///
/// Names, descriptions and images may differ, and ends of windows may be later. How many units,
/// codes or names the file brings is no part of a definition and is compared with the ledger elsewhere.
pub fn diff_for_update(old: &Activity, new: &Activity) -> Result<Activity, Vec<NotChangeable>> {
    let mut kept = Kept { ticket: None, changed: Vec::new() };
    kept.same("id", old.id == new.id);
    kept.window(old.window, new.window);
    kept.same("limit_per_user", old.limit_per_user == new.limit_per_user);
    kept.same("roster", old.has_roster == new.has_roster);
    kept.same("standby", old.standby == new.standby);
    kept.same("ticket", old.types.len() == new.types.len());
    for (index, (old, new)) in old.types.iter().zip(&new.types).enumerate() {
        kept.ticket = Some(index);
        kept.ticket_type(old, new);
    }
    if kept.changed.is_empty() { Ok(new.clone()) } else { Err(kept.changed) }
}

/// What must not change, of the activity or of one of its types.
struct Kept {
    ticket: Option<usize>,
    changed: Vec<NotChangeable>,
}

impl Kept {
    fn same(&mut self, key: &str, is_same: bool) {
        if !is_same {
            let (key, difference) = (key.to_owned(), Difference::Value);
            self.changed.push(NotChangeable { ticket: self.ticket, key, difference });
        }
    }

    fn window(&mut self, old: Window, new: Window) {
        self.same("start_time", old.start() == new.start());
        self.same("end_time", old.end() <= new.end());
    }

    fn ticket_type(&mut self, old: &TicketType, new: &TicketType) {
        self.same("id", old.id == new.id);
        self.same("price", old.price.minor == new.price.minor);
        self.same("currency", old.price.currency == new.price.currency);
        self.same("limit_per_user", old.limit_per_user == new.limit_per_user);
        self.same(unit_key(new.kind), old.kind == new.kind);
        match (old.window, new.window) {
            (Some(old), Some(new)) => self.window(old, new),
            (None, None) => {}
            _ => self.same("start_time", false),
        }
        self.same("pay_within_s", old.pay_within_s == new.pay_within_s);
        self.same("offer_within_s", old.offer_within_s == new.offer_within_s);
        self.same("valid_from", old.validity.from == new.validity.from);
        self.same("valid_until", old.validity.until == new.validity.until);
    }
}

/// The key that says what units a type of this kind has.
pub(crate) const fn unit_key(kind: UnitKind) -> &'static str {
    match kind {
        UnitKind::Plain => "stock",
        UnitKind::Codes => "codes",
    }
}
