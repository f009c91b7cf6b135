//! The redemption codes of one ticket type, by unit: code n belongs to unit n for good.
//! They are worth money: nothing here prints them.

use parking_lot::RwLock;

#[derive(Default)]
struct Arena {
    text: String,
    /// The end of each code in `text`.
    ends: Vec<u32>,
}

/// Codes by unit number, packed into one text.
#[derive(Default)]
pub struct Codes(RwLock<Arena>);

impl Codes {
    /// Adds the code of the next unit.
    pub fn push(&self, code: &str) {
        let mut arena = self.0.write();
        arena.text.push_str(code);
        let end = u32::try_from(arena.text.len()).expect("units and code lengths are bounded");
        arena.ends.push(end);
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.0.read().ends.len() as u32
    }

    /// Hands the code of a unit to `read`.
    pub fn with<T>(&self, unit: rules::UnitNo, read: impl FnOnce(&str) -> T) -> Option<T> {
        let arena = self.0.read();
        let index = unit.0 as usize;
        let end = *arena.ends.get(index)? as usize;
        let start = if index == 0 { 0 } else { arena.ends[index - 1] as usize };
        Some(read(&arena.text[start..end]))
    }
}

const _: () = assert!(
    rules::UNITS_MAX as u64 * rules::CODE_BYTES_MAX as u64 <= u32::MAX as u64,
    "every code's end fits 32 bits"
);
