//! The first sheet of a spreadsheet file as text with tabs, for the desk's text areas: nobody has to save it as CSV first.
//! It unpacks no more than a bound, whatever the file says of itself, and keeps nothing.

use crate::{
    body::ReplyBody,
    cold::{Asked, POST, Takes, blocking},
    envelope::{Problem, Reply},
    pages::Pages,
};
use axum::Router;
use bytes::Bytes;
use calamine::{Data, Reader, Xlsx};
use http::{HeaderValue, Response, header};
use serde_json::json;
use std::io::{self, Cursor, Read};
use zip::ZipArchive;

/// Bytes of the parts of a file, unpacked, together.
const UNPACKED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of the shortest text that a part can share between cells, `<si/>`.
const SHARED_TEXT_BYTES_MIN: u64 = 5;
/// Bytes of the text that is given back.
const TEXT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Columns that are read; what stands further right is no list.
const COLUMNS_MAX: u32 = 64;

/// The route of spreadsheets.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/desk/sheet"), pages.page(POST, Takes::Import, sheet))
}

async fn sheet(asked: Asked) -> Result<Reply, Problem> {
    asked.operator().await?;
    let bytes = asked.body.clone();
    let text = blocking(move || text_of(&bytes)).await?.ok_or_else(|| {
        let (en, zh) = ("this is no spreadsheet that can be read", "无法读取此表格文件");
        Problem::Content(asked.language.pick(en, zh).to_owned(), json!({}))
    })?;
    let mut response = Response::new(ReplyBody::Ready(text.into()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(Reply { ret: 0, response })
}

/// The cells of the first sheet, a row a line; nothing where the file is broken, or larger than its bounds.
fn text_of(bytes: &Bytes) -> Option<String> {
    if !unpacks_within(bytes, UNPACKED_BYTES_MAX) {
        return None;
    }
    let mut book = Xlsx::new(Cursor::new(bytes)).ok()?;
    let name = book.sheet_names().into_iter().next()?;
    let mut cells = book.worksheet_cells_reader(&name).ok()?;
    let (mut text, mut at) = (String::new(), (0u32, 0u32));
    // Cell by cell: a single one far down or far to the right must not make a table of all that lies between.
    while let Some(cell) = cells.next_cell().ok()? {
        let (row, column) = cell.get_position();
        if column >= COLUMNS_MAX {
            continue;
        }
        if row > at.0 {
            // Empty rows are left out, as they are when a list is pasted.
            text.push('\n');
            at = (row, 0);
        }
        while at.1 < column {
            text.push('\t');
            at.1 += 1;
        }
        push_cell(&mut text, &Data::from(cell.get_value().clone()).to_string());
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
    }
    Some(text)
}

/// Whether all parts together unpack to no more than this, found out by unpacking them, and none says that it shares
/// more texts than it can hold: what it says is what memory is reserved for.
fn unpacks_within(bytes: &[u8], bytes_max: u64) -> bool {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return false };
    let mut left = bytes_max;
    for at in 0..archive.len() {
        let Ok(part) = archive.by_index(at) else { return false };
        let Ok(name) = part.name() else { return false };
        let shares = name.to_ascii_lowercase().ends_with("sharedstrings.xml");
        let (mut part, mut text) = (part.take(left + 1), Vec::new());
        let unpacked = if shares {
            part.read_to_end(&mut text).map(|bytes| bytes as u64)
        } else {
            io::copy(&mut part, &mut io::sink())
        };
        match unpacked {
            Ok(unpacked) if unpacked <= left && shares_what_it_says(&text) => left -= unpacked,
            _ => return false,
        }
    }
    true
}

/// Whether every `sst` tag of a part says no more texts than the part has room for. Also what only looks like such a
/// tag counts: a reader must not find one that was not judged here.
fn shares_what_it_says(part: &[u8]) -> bool {
    // No XML has these, except in encodings where a tag is not found by its bytes (UTF-16, ISO-2022).
    if part.contains(&0) || part.contains(&0x1b) {
        return false;
    }
    let count_max = part.len() as u64 / SHARED_TEXT_BYTES_MIN;
    part.split(|byte| *byte == b'<').skip(1).all(|tag| {
        let name = tag.split(|byte| byte.is_ascii_whitespace() || b"/>".contains(byte)).next();
        let name = name.unwrap_or_default();
        let is_sst = name == b"sst" || name.ends_with(b":sst");
        !is_sst || counts_within(&tag[name.len()..], count_max)
    })
}

/// Whether the attributes at the beginning of this can be read, and the number of texts with them.
fn counts_within(mut rest: &[u8], count_max: u64) -> bool {
    loop {
        rest = rest.trim_ascii_start();
        match rest.first() {
            Some(b'>' | b'/') => return true,
            None => return false,
            Some(_) => {}
        }
        let Some((name, value, after)) = attribute(rest) else { return false };
        let count = || str::from_utf8(value).ok()?.parse::<u64>().ok();
        if name == b"uniqueCount" && count().is_none_or(|count| count > count_max) {
            return false;
        }
        rest = after;
    }
}

/// The name and the value of the first attribute, and what follows it.
fn attribute(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let equals = text.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (text[..equals].trim_ascii(), text[equals + 1..].trim_ascii_start());
    let (quote, value) = value.split_first().filter(|(quote, _)| b"\"'".contains(quote))?;
    let end = value.iter().position(|byte| byte == quote)?;
    Some((name, &value[..end], &value[end + 1..]))
}

/// A cell with quotes around it where it has to have some.
fn push_cell(text: &mut String, cell: &str) {
    if cell.contains(['\t', '\n', '\r', '"']) {
        text.push('"');
        text.push_str(&cell.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_xlsxwriter::Workbook;
    use std::io::Write;
    use zip::{ZipWriter, write::SimpleFileOptions};

    fn book(cells: &[(u32, u16, &str)], number: f64) -> Bytes {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for (row, column, text) in cells {
            sheet.write(*row, *column, *text).unwrap();
        }
        sheet.write(1, 0, number).unwrap();
        book.add_worksheet().write(0, 0, "another sheet").unwrap();
        book.save_to_buffer().unwrap().into()
    }

    #[test]
    fn the_first_sheet_is_read_as_it_would_be_pasted() {
        let cells =
            [(0, 0, "工号"), (0, 2, "兑换码"), (1, 2, "A\"1"), (70_000, 2, "B2"), (2, 900, "x")];
        let text = text_of(&book(&cells, 1001.0)).unwrap();
        assert_eq!(text, "工号\t\t兑换码\n1001\t\t\"A\"\"1\"\n\t\tB2");
    }

    #[test]
    fn what_is_no_spreadsheet_or_unpacks_to_too_much_is_refused() {
        let sound = book(&[(0, 0, "x")], 1.0);
        assert!(unpacks_within(&sound, 1 << 20));
        assert!(!unpacks_within(&sound, 1_000), "more than the bound");
        for wrong in [&b"code\nA1"[..], b"PK\x03\x04", b"", &sound[..sound.len() / 2]] {
            assert!(text_of(&Bytes::copy_from_slice(wrong)).is_none());
        }
    }

    /// The same file with another part of shared texts.
    fn sharing(book: &[u8], shared: &str) -> Bytes {
        let mut from = ZipArchive::new(Cursor::new(book)).unwrap();
        let mut to = ZipWriter::new(Cursor::new(Vec::new()));
        for at in 0..from.len() {
            let part = from.by_index(at).unwrap();
            if part.name().unwrap() != "xl/sharedStrings.xml" {
                to.raw_copy_file(part).unwrap();
            }
        }
        to.start_file("xl/SharedStrings.xml", SimpleFileOptions::default()).unwrap();
        to.write_all(shared.as_bytes()).unwrap();
        to.finish().unwrap().into_inner().into()
    }

    #[test]
    fn a_file_that_says_it_shares_more_texts_than_it_holds_is_refused() {
        let sound = book(&[(0, 0, "x")], 1.0);
        let texts = "<si><t>x</t></si><si><t>another sheet</t></si>";
        let tags = [
            ("sst count=\"70000\" uniqueCount=\"2\"", true),
            ("sst", true),
            ("sst uniqueCount=\"1000000000000\"", false),
            ("x:sst\tuniqueCount = '1000000000000'", false),
            ("sst a=\">\" uniqueCount=\"1000000000000\"", false),
            ("sst a=\"<\" uniqueCount=\"1000000000000\"", false),
            ("sst uniqueCount=\"99999999999999999999999\"", false),
            ("sst uniqueCount=\"many\"", false),
            ("sst uniqueCount=\"\"", false),
            ("sst uniqueCount=1000000000000", false),
            ("!-- <sst> --><sst uniqueCount=\"1000000000000\"", false),
        ];
        for (tag, expected) in tags {
            let text = text_of(&sharing(&sound, &format!("<{tag}>{texts}</sst>")));
            assert_eq!(text, expected.then(|| "x\n1".to_owned()), "{tag}");
        }
    }
}
