//! Rows as CSV: UTF-8 with a byte order mark, CRLF, quoted where RFC 4180 asks.
//! A text that a spreadsheet would run gets a leading apostrophe; a code stays exactly as it is (C27).

use super::rows::{Cell, time_text};
use super::{ExportFault, ExportKind};
use std::io::Write;

/// How Excel recognises UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// What a text must not begin with in a spreadsheet.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A CSV file being written.
pub(super) struct CsvRows<'s> {
    writer: csv::Writer<Box<dyn Write + Send + 's>>,
    text: String,
}

impl<'s> CsvRows<'s> {
    /// Writes mark and header.
    pub(super) fn new(
        kind: ExportKind,
        mut sink: Box<dyn Write + Send + 's>,
    ) -> Result<Self, ExportFault> {
        sink.write_all(BYTE_ORDER_MARK).map_err(|error| ExportFault::Sink(error.kind()))?;
        let mut builder = csv::WriterBuilder::new();
        builder.terminator(csv::Terminator::CRLF);
        let mut rows = Self { writer: builder.from_writer(sink), text: String::new() };
        rows.writer.write_record(kind.columns()).map_err(fault)?;
        Ok(rows)
    }

    /// Writes one row.
    pub(super) fn write(&mut self, cells: &[Cell<'_>]) -> Result<(), ExportFault> {
        for cell in cells {
            self.write_cell(*cell)?;
        }
        self.writer.write_record(None::<&[u8]>).map_err(fault)
    }

    fn write_cell(&mut self, cell: Cell<'_>) -> Result<(), ExportFault> {
        let text = match cell {
            Cell::Code(code) => code,
            Cell::Absent => "",
            Cell::Text(text) if !text.starts_with(FORMULA_STARTS) => text,
            Cell::Text(text) => {
                self.text.clear();
                self.text.push('\'');
                self.text.push_str(text);
                &self.text
            }
            Cell::Number(number) => {
                self.text = number.to_string();
                &self.text
            }
            Cell::Time(time) => {
                time_text(time, &mut self.text);
                &self.text
            }
        };
        self.writer.write_field(text).map_err(fault)
    }

    /// Hands everything on.
    pub(super) fn finish(mut self) -> Result<(), ExportFault> {
        self.writer.flush().map_err(|error| ExportFault::Sink(error.kind()))
    }
}

fn fault(error: csv::Error) -> ExportFault {
    ExportFault::Sink(match error.into_kind() {
        csv::ErrorKind::Io(error) => error.kind(),
        _ => std::io::ErrorKind::Other,
    })
}
