//! The fields of the desk's large forms: as many as many ticket types need, each as long as an import may be.
//! They may hold redemption codes: nothing here prints them, and no problem quotes a value.

use crate::{
    cold::Asked,
    envelope::Problem,
    params::{Reason, bad, decode},
};
use std::collections::HashMap;

/// Fields of one form: a form of the most types has about two thirds of it.
pub const FIELDS_MAX: usize = 512;

/// Named texts; what is not there is empty.
#[derive(Clone, Default)]
pub struct Fields(HashMap<String, String>);

impl Fields {
    /// The fields that one of our own pages sent.
    pub fn of(asked: &Asked) -> Result<Self, Problem> {
        Self::read(asked.form_text()?)
    }

    /// Reads `application/x-www-form-urlencoded`. Lines end with `\n` from here on, however they were sent.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let mut fields = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).ok_or_else(|| bad("", Reason::Encoding))?;
            let value = decode(value).ok_or_else(|| bad(&name, Reason::Encoding))?;
            if fields.0.contains_key(&*name) {
                return Err(bad(&name, Reason::Twice).into());
            }
            if fields.0.len() == FIELDS_MAX {
                return Err(bad(&name, Reason::TooMany).into());
            }
            fields.0.insert(name.into_owned(), lines(&value));
        }
        Ok(fields)
    }

    /// The text of a field as it was typed.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The text without the white space around it.
    pub fn trimmed(&self, name: &str) -> &str {
        self.get(name).trim()
    }

    /// Sets a field.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Takes a field out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }
}

fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_stands_once_and_its_lines_end_in_one_way() {
        let fields = Fields::read("a=1%0D%0A2%0D3&b=%E6%8A%A2&c").ok().unwrap();
        assert_eq!(fields.get("a"), "1\n2\n3");
        assert_eq!(fields.get("b"), "抢");
        assert_eq!((fields.get("c"), fields.get("d")), ("", ""));
        for wrong in ["a=1&a=2", "a=%zz", "a=%ff"] {
            assert!(Fields::read(wrong).is_err(), "{wrong}");
        }
        let many: String = (0..=FIELDS_MAX).map(|at| format!("f{at}=&")).collect();
        assert!(Fields::read(&many).is_err());
    }

    /// The field is named, what stands in it is not: it may be a code.
    #[test]
    fn a_problem_never_quotes_a_value() {
        let problem = Fields::read("t0.codes=SECRET%zz").err().unwrap();
        let message = problem.message(crate::language::Language::En);
        assert!(message.contains("t0.codes") && !message.contains("SECRET"), "{message}");
    }
}
