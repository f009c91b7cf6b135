//! Bytes of a file into text: UTF-8 with or without a byte order mark, UTF-16 with one, else GBK.
//! It never replaces a byte it does not understand: a broken line is a problem with its number.

use super::problem::Reason;
use encoding_rs::{Encoding, GB18030, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// How a spreadsheet begins that was not saved as text (a ZIP archive).
const ZIP_SIGNATURE: &[u8] = b"PK\x03\x04";

/// A line that stops the whole file from being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BrokenAt {
    pub(super) line: Option<u32>,
    pub(super) reason: Reason,
}

impl BrokenAt {
    fn line(line: u32, reason: Reason) -> Self {
        Self { line: Some(line), reason }
    }
}

/// The text of a CSV or plain file in any encoding that Chinese spreadsheets save.
pub(super) fn decode_table(bytes: &[u8]) -> Result<Cow<'_, str>, BrokenAt> {
    if bytes.starts_with(ZIP_SIGNATURE) {
        return Err(BrokenAt { line: None, reason: Reason::Binary });
    }
    let text = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) if encoding == UTF_16LE || encoding == UTF_16BE => {
            decode_utf16(&bytes[mark..], encoding)?
        }
        Some((_, mark)) => utf8(&bytes[mark..], Reason::BrokenEncoding)?.into(),
        None => decode_unmarked(bytes)?,
    };
    if text.contains('\0') {
        Err(BrokenAt { line: None, reason: Reason::Binary })
    } else {
        Ok(text)
    }
}

/// The text of an activity file: UTF-8, with or without a byte order mark.
pub(super) fn decode_utf8(bytes: &[u8]) -> Result<&str, BrokenAt> {
    let text = utf8(bytes, Reason::NotUtf8)?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn utf8(bytes: &[u8], reason: Reason) -> Result<&str, BrokenAt> {
    std::str::from_utf8(bytes)
        .map_err(|error| BrokenAt::line(line_at(bytes, error.valid_up_to()), reason))
}

fn decode_utf16<'b>(
    bytes: &'b [u8],
    encoding: &'static Encoding,
) -> Result<Cow<'b, str>, BrokenAt> {
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        return Ok(text);
    }
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let broken = text.find(char::REPLACEMENT_CHARACTER).unwrap_or(text.len());
    Err(BrokenAt::line(line_at(text.as_bytes(), broken), Reason::BrokenEncoding))
}

fn decode_unmarked(bytes: &[u8]) -> Result<Cow<'_, str>, BrokenAt> {
    let Err(broken) = utf8(bytes, Reason::BrokenEncoding) else {
        return utf8(bytes, Reason::BrokenEncoding).map(Cow::Borrowed);
    };
    // GB18030 gives a meaning to nearly every pair of bytes, so a UTF-8 file with one bad byte would
    // be read as nonsense. Lines of GBK are hardly ever valid UTF-8: the majority of lines decides.
    if mostly_utf8(bytes) {
        return Err(broken);
    }
    GB18030
        .decode_without_bom_handling_and_without_replacement(bytes)
        .ok_or_else(|| BrokenAt::line(first_broken_gbk(bytes), Reason::BrokenEncoding))
}

/// Whether more lines with letters beyond ASCII are valid UTF-8 than not.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let beyond_ascii = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_ascii());
    let (mut valid, mut broken) = (0usize, 0usize);
    for line in beyond_ascii {
        let count = if std::str::from_utf8(line).is_ok() { &mut valid } else { &mut broken };
        *count += 1;
    }
    valid > broken
}

/// A line feed is never part of a longer character of GB18030, so each line can be tried alone.
fn first_broken_gbk(bytes: &[u8]) -> u32 {
    let lines = bytes.split(|byte| *byte == b'\n');
    let sound = lines.take_while(|line| {
        GB18030.decode_without_bom_handling_and_without_replacement(line).is_some()
    });
    u32::try_from(sound.count()).unwrap_or(u32::MAX).saturating_add(1)
}

/// The line, from 1, in which the byte at `offset` stands.
pub(super) fn line_at(bytes: &[u8], offset: usize) -> u32 {
    let before = &bytes[..offset.min(bytes.len())];
    let feeds = before.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(feeds).unwrap_or(u32::MAX).saturating_add(1)
}
