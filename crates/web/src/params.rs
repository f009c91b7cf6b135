//! The parameters of a call: percent-decoded strictly, bounded, and each given once.
//! Whatever is malformed is named in the answer and never guessed at (C13).

use std::borrow::Cow;

/// Parameters of one request.
pub const PARAMS_MAX: usize = 32;

/// Why parameters cannot be used: the parameter, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadParam {
    /// Its name; empty where even that cannot be read.
    pub name: String,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Given twice.
    Twice,
    /// Not given.
    Missing,
    /// Broken percent encoding or UTF-8.
    Encoding,
    /// More than `PARAMS_MAX`.
    TooMany,
    /// Not a whole number within its bounds.
    Number,
    /// Not one of the values it can have.
    Choice,
    /// Cannot be together with another one.
    Together,
    /// Longer than it may be, or with characters it may not have.
    Form,
    /// More units than one request may ask for.
    Units,
}

/// The parameters.
#[derive(Debug, Default)]
pub struct Params<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Params<'a> {
    /// Reads a query string or a form body.
    pub fn read(text: &'a str) -> Result<Self, BadParam> {
        let mut params = Self::default();
        params.extend(text)?;
        Ok(params)
    }

    /// Adds those of a form body to those of the query.
    pub fn extend(&mut self, text: &'a str) -> Result<(), BadParam> {
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).ok_or_else(|| bad("", Reason::Encoding))?;
            let value = decode(value).ok_or_else(|| bad(&name, Reason::Encoding))?;
            self.add(name, value)?;
        }
        Ok(())
    }

    /// Adds one.
    pub fn add(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) -> Result<(), BadParam> {
        if self.get(&name).is_some() {
            return Err(bad(&name, Reason::Twice));
        }
        if self.pairs.len() == PARAMS_MAX {
            return Err(bad(&name, Reason::TooMany));
        }
        self.pairs.push((name, value));
        Ok(())
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(one, _)| one == name).map(|(_, value)| &**value)
    }

    /// The value of one that must be given, and not be empty.
    pub fn need(&self, name: &str) -> Result<&str, BadParam> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| bad(name, Reason::Missing))
    }

    /// A whole number from `least` to `most`, if given.
    pub fn number(&self, name: &str, least: u64, most: u64) -> Result<Option<u64>, BadParam> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && (least..=most).contains(number));
        number.map(Some).ok_or_else(|| bad(name, Reason::Number))
    }
}

/// A problem with this parameter.
pub fn bad(name: &str, reason: Reason) -> BadParam {
    BadParam { name: name.chars().take(64).collect(), reason }
}

/// A name or value as it was before it was sent; `None`: broken percent encoding or UTF-8.
pub fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C13: non-numeric, negative, huge, doubled and broken parameters are each named.
    #[test]
    fn parameters_are_read_strictly() {
        let read = |text: &'static str| Params::read(text).map_err(|bad| bad.reason);
        assert_eq!(read("a=1&b=%E6%8A%A2+x").unwrap().get("b"), Some("抢 x"));
        assert_eq!(read("a=1&a=2").unwrap_err(), Reason::Twice);
        assert_eq!(read("a=1&%61=2").unwrap_err(), Reason::Twice);
        assert_eq!(read("a=%ff").unwrap_err(), Reason::Encoding);
        assert_eq!(read("a=%4").unwrap_err(), Reason::Encoding);
        assert_eq!(read("a=%zz").unwrap_err(), Reason::Encoding);
        let many: String = (0..=PARAMS_MAX).map(|at| format!("p{at}=1&")).collect();
        assert_eq!(Params::read(&many).unwrap_err().reason, Reason::TooMany);
    }

    #[test]
    fn numbers_keep_their_bounds() {
        let table = [
            ("n=1", Some(1)),
            ("n=100", Some(100)),
            ("n=0", None),
            ("n=101", None),
            ("n=-1", None),
            ("n=+1", None),
            ("n=1.5", None),
            ("n=", None),
            ("n=99999999999999999999999", None),
            ("n=%EF%BC%91", None),
        ];
        for (text, expected) in table {
            let number = Params::read(text).unwrap().number("n", 1, 100);
            assert_eq!(number.ok().flatten(), expected, "{text}");
        }
        assert_eq!(Params::read("").unwrap().number("n", 1, 100), Ok(None));
    }
}
