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

/// Whether all parts together unpack to no more than this, found out by unpacking them.
fn unpacks_within(bytes: &[u8], bytes_max: u64) -> bool {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return false };
    let mut left = bytes_max;
    for at in 0..archive.len() {
        let Ok(part) = archive.by_index(at) else { return false };
        match io::copy(&mut part.take(left + 1), &mut io::sink()) {
            Ok(unpacked) if unpacked <= left => left -= unpacked,
            _ => return false,
        }
    }
    true
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
}
