//! A CSV file as rows of the columns that are asked for, with the line on which each row begins.
//! It never guesses: a row with too many cells or an open quote is a problem, not data.

use super::FileLimits;
use super::encoding::{BrokenAt, decode_table};
use super::nearest::nearest;
use super::problem::{HIDDEN, Place, Problems, Reason};
use csv::StringRecord;
use std::io::{Chain, Read};
use std::sync::Arc;

/// Appended to the text as a last row. If it does not come back as a row of its own, a quoted cell
/// swallowed it: the quote was never closed, which the parser itself does not report.
const LAST_ROW: &[u8] = b"\n\x01";

/// What becomes of a column that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strangers {
    /// It is left out.
    Ignored,
    /// It is left out, unless it looks like a column that is missing.
    IgnoredUnlessMisspelt,
}

/// A row with a cell for each column asked for, trimmed; empty where the row has none.
pub(super) struct Row<'r, const N: usize> {
    pub(super) line: u32,
    pub(super) cells: [&'r str; N],
}

/// A file that is read as a table; the first of the columns must be in its header.
pub(super) struct TableSource<'s, const N: usize> {
    pub(super) file: &'s Arc<str>,
    pub(super) columns: [&'static str; N],
    pub(super) strangers: Strangers,
    pub(super) limits: &'s FileLimits,
}

impl<const N: usize> TableSource<'_, N> {
    /// Hands every sound row to `visit`, and what is wrong to `problems`.
    pub(super) fn read(
        &self,
        bytes: &[u8],
        problems: &mut Problems,
        mut visit: impl FnMut(&mut Problems, Row<'_, N>),
    ) {
        let text = match decode_table(bytes) {
            Ok(text) => text,
            Err(BrokenAt { line, reason }) => {
                return problems.add(self.place(line, ""), "", reason);
            }
        };
        let mut rows = Rows::new(&text);
        let mut record = StringRecord::new();
        let header =
            if rows.next(&mut record) == Next::Row { &record } else { &StringRecord::new() };
        let Some(header) = self.header(header, rows.line, problems) else { return };
        self.each_row(&header, &mut rows, problems, &mut visit);
    }

    fn each_row(
        &self,
        header: &Header<N>,
        rows: &mut Rows<'_>,
        problems: &mut Problems,
        visit: &mut impl FnMut(&mut Problems, Row<'_, N>),
    ) {
        let mut record = StringRecord::new();
        let mut count = 0u32;
        loop {
            let read = rows.next(&mut record);
            let at = self.place(Some(rows.line), "");
            match read {
                Next::End => return,
                Next::OpenQuote => return problems.add(at, HIDDEN, Reason::QuoteNotClosed),
                Next::Row if record.iter().all(|cell| cell.trim().is_empty()) => continue,
                Next::Row => count += 1,
            }
            if count > self.limits.rows_max {
                return problems.add(at, "", Reason::TooMany { max: self.limits.rows_max });
            }
            if record.iter().skip(header.width).any(|cell| !cell.trim().is_empty()) {
                let columns = u32::try_from(header.width).unwrap_or(u32::MAX);
                problems.add(at, HIDDEN, Reason::RowTooLong { columns });
                continue;
            }
            visit(problems, Row { line: rows.line, cells: header.cells(&record) });
        }
    }

    /// Finds the columns, whatever their order and case.
    fn header(
        &self,
        record: &StringRecord,
        line: u32,
        problems: &mut Problems,
    ) -> Option<Header<N>> {
        let before = problems.count();
        let mut header = Header { width: record.len(), at: [None; N] };
        for (place, cell) in record.iter().enumerate() {
            let name = cell.trim().to_lowercase();
            let Some(column) = self.columns.iter().position(|one| *one == name) else { continue };
            if header.at[column].replace(place).is_some() {
                problems.add(self.place(Some(line), self.columns[column]), "", Reason::ColumnTwice);
            }
        }
        // Without its first column this may be no header at all but a row with a secret: nothing of
        // it is shown.
        if header.at[0].is_none() {
            let reason = Reason::MissingColumn { column: self.columns[0] };
            problems.add(self.place(Some(line), self.columns[0]), "", reason);
        } else if self.strangers == Strangers::IgnoredUnlessMisspelt {
            self.misspelt(record, &header, line, problems);
        }
        (problems.count() == before).then_some(header)
    }

    fn misspelt(
        &self,
        record: &StringRecord,
        header: &Header<N>,
        line: u32,
        problems: &mut Problems,
    ) {
        let absent: Vec<&'static str> = (0..N)
            .filter(|column| header.at[*column].is_none())
            .map(|column| self.columns[column])
            .collect();
        let taken = |place: usize| header.at.contains(&Some(place));
        for (_, cell) in record.iter().enumerate().filter(|(place, _)| !taken(*place)) {
            if let Some(nearest) = nearest(cell.trim(), &absent) {
                let reason = Reason::UnknownColumn { nearest };
                problems.add(self.place(Some(line), cell.trim()), "", reason);
            }
        }
    }

    fn place(&self, line: Option<u32>, key: &str) -> Place {
        Place { file: Arc::clone(self.file), line, key: key.to_owned() }
    }
}

struct Header<const N: usize> {
    /// Columns of the file, the unknown ones included.
    width: usize,
    /// Where each column asked for stands.
    at: [Option<usize>; N],
}

impl<const N: usize> Header<N> {
    fn cells<'r>(&self, record: &'r StringRecord) -> [&'r str; N] {
        self.at.map(|place| place.and_then(|place| record.get(place)).unwrap_or("").trim())
    }
}

#[derive(PartialEq, Eq)]
enum Next {
    Row,
    OpenQuote,
    End,
}

/// The records of a text and their lines.
struct Rows<'t> {
    text: &'t [u8],
    reader: csv::Reader<Chain<&'t [u8], &'static [u8]>>,
    /// The line on which the last record began, from 1.
    line: u32,
    /// Up to here lines are counted.
    counted: usize,
}

impl<'t> Rows<'t> {
    fn new(text: &'t str) -> Self {
        let text = text.as_bytes();
        let mut builder = csv::ReaderBuilder::new();
        builder.has_headers(false).flexible(true);
        Self { text, reader: builder.from_reader(text.chain(LAST_ROW)), line: 1, counted: 0 }
    }

    fn next(&mut self, record: &mut StringRecord) -> Next {
        // The text is valid UTF-8 and lies in memory, and rows may have any length: nothing can fail.
        if !self.reader.read_record(record).unwrap_or(false) {
            return Next::End;
        }
        let begins = record.position().map_or(0, csv::Position::byte);
        self.count_to(usize::try_from(begins).unwrap_or(usize::MAX));
        if self.counted >= self.text.len() {
            return Next::End;
        }
        let ends = usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX);
        if ends > self.text.len() + 1 { Next::OpenQuote } else { Next::Row }
    }

    /// The parser's own line numbers count from before the empty lines it skips; these do not.
    fn count_to(&mut self, begins: usize) {
        while let Some(byte) = self.text.get(self.counted) {
            let in_gap = matches!(byte, b'\r' | b'\n');
            if self.counted >= begins && !in_gap {
                return;
            }
            let pair = *byte == b'\r' && self.text.get(self.counted + 1) == Some(&b'\n');
            self.line += u32::from(in_gap && !pair);
            self.counted += 1;
        }
    }
}
