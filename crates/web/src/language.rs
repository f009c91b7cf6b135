//! The languages people are answered in, and which one a request asks for.
//! A header that cannot be read is never an error: it is English.

use http::{HeaderMap, header::ACCEPT_LANGUAGE};

/// A language of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// Chinese.
    Zh,
}

impl Language {
    /// The one of the two that Accept-Language prefers; English where it says neither.
    pub fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(ACCEPT_LANGUAGE) else { return Self::En };
        let Ok(value) = value.to_str() else { return Self::En };
        let mut best = (0, Self::En);
        for range in value.split(',') {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim();
            let language = match tag.get(..2) {
                Some(two) if two.eq_ignore_ascii_case("zh") => Self::Zh,
                Some(two) if two.eq_ignore_ascii_case("en") => Self::En,
                _ => continue,
            };
            let weight = parts.find_map(weight_of).unwrap_or(1000);
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    /// The text for this language.
    pub fn pick<T>(self, en: T, zh: T) -> T {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

/// `q=0.8` in thousandths.
fn weight_of(part: &str) -> Option<u32> {
    let value = part.trim().strip_prefix("q=")?;
    let weight: f32 = value.parse().ok()?;
    (0.0..=1.0).contains(&weight).then_some((weight * 1000.0) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_of_the_two_languages_answers() {
        let table = [
            ("", Language::En),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Zh),
            ("en-US,en;q=0.9,zh;q=0.8", Language::En),
            ("fr, zh;q=0.5", Language::Zh),
            ("en;q=0.1, ZH-tw;q=0.2", Language::Zh),
            ("zh;q=0", Language::En),
            ("é", Language::En),
        ];
        for (value, expected) in table {
            let mut headers = HeaderMap::new();
            headers
                .insert(ACCEPT_LANGUAGE, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
            assert_eq!(Language::of(&headers), expected, "{value}");
        }
    }
}
