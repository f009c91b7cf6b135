//! What an import with `update=1` may change of an activity that exists: texts, pictures, a later end.
//! Everything else that differs is named, and then nothing changes.

use rules::{Activity, TicketType, UnitKind, Window};
use std::fmt;

/// A key whose difference is no permitted change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChangeable {
    /// Its path: `limit_per_user`, `ticket[0].price`.
    pub key: String,
}

impl NotChangeable {
    /// One line in English.
    pub fn en(&self) -> String {
        format!("{}: an update changes texts, image and a later end_time only", self.key)
    }

    /// One line in Chinese.
    pub fn zh(&self) -> String {
        format!("{}：更新只能修改文字、图片，或推迟 end_time", self.key)
    }
}

impl fmt::Display for NotChangeable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en())
    }
}

/// The activity as it will be, or every key that differs and may not.
///
/// Names, descriptions and images may differ, and ends of windows may be later. How many units,
/// codes or names the file brings is no part of an activity and is not looked at: an update ignores them.
pub fn diff_for_update(old: &Activity, new: &Activity) -> Result<Activity, Vec<NotChangeable>> {
    let mut kept = Kept { path: String::new(), changed: Vec::new() };
    kept.same("id", old.id == new.id);
    kept.window(old.window, new.window);
    kept.same("limit_per_user", old.limit_per_user == new.limit_per_user);
    kept.same("roster", old.has_roster == new.has_roster);
    kept.same("ticket", old.types.len() == new.types.len());
    for (index, (old, new)) in old.types.iter().zip(&new.types).enumerate() {
        kept.path = format!("ticket[{index}].");
        kept.ticket_type(old, new);
    }
    if kept.changed.is_empty() { Ok(new.clone()) } else { Err(kept.changed) }
}

/// What must not change, under a path.
struct Kept {
    path: String,
    changed: Vec<NotChangeable>,
}

impl Kept {
    fn same(&mut self, key: &str, is_same: bool) {
        if !is_same {
            self.changed.push(NotChangeable { key: format!("{}{key}", self.path) });
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
        self.same("valid_from", old.validity.from == new.validity.from);
        self.same("valid_until", old.validity.until == new.validity.until);
    }
}

const fn unit_key(kind: UnitKind) -> &'static str {
    match kind {
        UnitKind::Plain => "stock",
        UnitKind::Codes => "codes",
    }
}
