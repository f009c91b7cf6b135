//! What only the inside of a workbook can show: the turn of a sheet without a million rows.
//! Nothing here repeats what tests/export.rs establishes from outside.

use super::*;
use calamine::{Reader, Xlsx};
use std::io::Cursor;

#[test]
fn a_full_sheet_is_continued_on_the_next_with_its_own_header() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = Vec::new();
    let mut rows =
        SheetRows::with_sheets_of(2, ExportKind::Participants, Box::new(&mut bytes), folder.path())
            .unwrap();
    for user in ["a", "b", "c", "d", "e"] {
        let row = [Cell::Text(user), Cell::Text(""), Cell::Text(""), Cell::Absent, Cell::Absent];
        rows.write(&row).unwrap();
    }
    rows.finish().unwrap();

    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    assert_eq!(book.sheet_names(), ["participants", "participants 2", "participants 3"]);
    let users = |book: &mut Xlsx<_>, sheet: &str| -> Vec<String> {
        let range = book.worksheet_range(sheet).unwrap();
        range.rows().map(|row| row[0].to_string()).collect()
    };
    assert_eq!(users(&mut book, "participants"), ["user", "a", "b"]);
    assert_eq!(users(&mut book, "participants 2"), ["user", "c", "d"]);
    assert_eq!(users(&mut book, "participants 3"), ["user", "e"]);
}
