//! The section `[pages]`: what an operator may say about the pages.
//! Whether pages look right with it is theirs; here are only names and bounds.

use super::{Wrongs, server::is_origin};
use serde::Deserialize;
use web::PageSettings;

/// As it is written.
#[derive(Deserialize)]
pub struct Pages {
    asset_base: String,
    utc_offset: String,
}

/// Makes settings of it, and complains of what cannot be.
pub fn settings(pages: Pages, wrongs: &mut Wrongs) -> PageSettings {
    let Pages { asset_base, utc_offset } = pages;
    if !asset_base.is_empty() && !is_origin(&asset_base) {
        wrongs.add("pages.asset_base", &asset_base, "must be like https://cdn.example, or empty");
    }
    let offset = minutes(&utc_offset);
    if offset.is_none() {
        wrongs.add("pages.utc_offset", &utc_offset, "must be like +08:00, up to 14 hours");
    }
    PageSettings { asset_base, utc_offset_min: offset.unwrap_or_default() }
}

/// The minutes of an offset as RFC 3339 writes it.
fn minutes(text: &str) -> Option<i32> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i32>().ok().filter(|_| digits)
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= 14 * 60).then_some(sign * total)
}

#[cfg(test)]
mod tests {
    use super::minutes;

    #[test]
    fn an_offset_is_read_as_rfc_3339_writes_it() {
        let table = [
            ("+08:00", Some(480)),
            ("-03:30", Some(-210)),
            ("+00:00", Some(0)),
            ("+14:00", Some(840)),
            ("+14:01", None),
            ("+8:00", None),
            ("08:00", None),
            ("+08:60", None),
            ("+0é:00", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(minutes(text), expected, "{text}");
        }
    }
}
