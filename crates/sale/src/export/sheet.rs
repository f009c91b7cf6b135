//! Rows as a workbook: texts as texts, never as formulas, and times as dates in UTC.
//! Rows wait in a temporary file, never in memory; a full sheet is continued on the next.

use super::rows::{Cell, Column};
use super::{ExportFault, ExportKind};
use rules::TimeMs;
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use std::io::{ErrorKind, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Rows of one sheet below its header: Excel's limit of 1,048,576 with it.
const SHEET_ROWS_MAX: u32 = 1_048_575;
/// How a moment looks; the column says no time zone, all are UTC.
const TIME_FORMAT: &str = "yyyy-mm-dd hh:mm:ss.000";
/// Excel counts days from 1899-12-30; this is 1970-01-01.
const EPOCH_DAYS: f64 = 25_569.0;
/// Milliseconds of a day.
const DAY_MS: f64 = 86_400_000.0;

/// A workbook being written.
pub(super) struct SheetRows<'s> {
    kind: ExportKind,
    workbook: Workbook,
    sink: Box<dyn Write + Send + 's>,
    time_format: Format,
    /// Rows on the last sheet, without its header.
    rows: u32,
    rows_max: u32,
}

impl<'s> SheetRows<'s> {
    /// Begins the first sheet.
    pub(super) fn new(
        kind: ExportKind,
        sink: Box<dyn Write + Send + 's>,
        temp_dir: &Path,
    ) -> Result<Self, ExportFault> {
        Self::with_sheets_of(SHEET_ROWS_MAX, kind, sink, temp_dir)
    }

    /// As `new`, with sheets of at most `rows_max` rows.
    pub(super) fn with_sheets_of(
        rows_max: u32,
        kind: ExportKind,
        sink: Box<dyn Write + Send + 's>,
        temp_dir: &Path,
    ) -> Result<Self, ExportFault> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(temp_dir).map_err(temp_fault)?;
        let time_format = Format::new().set_num_format(TIME_FORMAT);
        let mut rows = Self { kind, workbook, sink, time_format, rows: 0, rows_max };
        rows.begin_sheet()?;
        Ok(rows)
    }

    /// Writes one row.
    pub(super) fn write(&mut self, cells: &[Cell<'_>]) -> Result<(), ExportFault> {
        if self.rows == self.rows_max {
            self.begin_sheet()?;
        }
        self.rows += 1;
        let row = self.rows;
        let Self { workbook, time_format, .. } = self;
        guarded(|| write_row(last_sheet(workbook)?, row, cells, time_format))
    }

    /// Packs the workbook into the sink.
    pub(super) fn finish(self) -> Result<(), ExportFault> {
        let Self { mut workbook, mut sink, .. } = self;
        let mut sink = Latched { sink: &mut sink, fault: None };
        let saved = guarded(|| workbook.save_to_writer(&mut sink));
        let flushed = sink.flush();
        match sink.fault {
            Some(kind) => Err(ExportFault::Sink(kind)),
            None => saved.and(flushed.map_err(|error| ExportFault::Sink(error.kind()))),
        }
    }

    fn begin_sheet(&mut self) -> Result<(), ExportFault> {
        let number = self.workbook.worksheets().len() + 1;
        let plain = self.kind.name();
        let name = if number == 1 { plain.to_owned() } else { format!("{plain} {number}") };
        let columns = self.kind.layout();
        self.rows = 0;
        let workbook = &mut self.workbook;
        guarded(|| {
            write_header(workbook.add_worksheet_with_constant_memory()?.set_name(name)?, columns)
        })
    }
}

fn last_sheet(workbook: &mut Workbook) -> Result<&mut Worksheet, XlsxError> {
    let last = workbook.worksheets().len().saturating_sub(1);
    workbook.worksheet_from_index(last)
}

fn write_header(sheet: &mut Worksheet, columns: &[Column]) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    sheet.set_freeze_panes(1, 0)?;
    for (place, column) in (0u16..).zip(columns) {
        sheet.set_column_width(place, column.width)?;
        sheet.write_string_with_format(0, place, column.name, &bold)?;
    }
    Ok(())
}

fn write_row(
    sheet: &mut Worksheet,
    row: u32,
    cells: &[Cell<'_>],
    time_format: &Format,
) -> Result<(), XlsxError> {
    for (place, cell) in (0u16..).zip(cells) {
        match cell {
            Cell::Text(text) | Cell::Code(text) => sheet.write_string(row, place, *text)?,
            Cell::Number(number) => sheet.write_number(row, place, *number as f64)?,
            Cell::Time(time) => {
                sheet.write_number_with_format(row, place, serial_of(*time), time_format)?
            }
            Cell::Absent => continue,
        };
    }
    Ok(())
}

/// Days since Excel's day 0; exact to well below a millisecond until the year 9999.
fn serial_of(time: TimeMs) -> f64 {
    time.0 as f64 / DAY_MS + EPOCH_DAYS
}

/// The library panics where its temporary file cannot be written (the disk is full). That is this
/// export's fault and no bug of ours, so it ends here; the workbook is thrown away afterwards.
fn guarded(step: impl FnOnce() -> Result<(), XlsxError>) -> Result<(), ExportFault> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(done) => done.map_err(temp_fault),
        Err(_) => Err(ExportFault::TempFile(ErrorKind::Other)),
    }
}

/// The sink's own faults are latched, so what the library reports is of its temporary files.
fn temp_fault(error: XlsxError) -> ExportFault {
    ExportFault::TempFile(match error {
        XlsxError::TempFileError(_, error) | XlsxError::IoError(error) => error.kind(),
        _ => ErrorKind::Other,
    })
}

/// A sink that keeps its first fault and then swallows what comes: the library panics when the sink
/// of its XML fails, and a reader who goes away must not look like a bug.
struct Latched<'w> {
    sink: &'w mut (dyn Write + Send),
    fault: Option<ErrorKind>,
}

impl Write for Latched<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.fault.is_none()
            && let Err(error) = self.sink.write_all(bytes)
        {
            self.fault = Some(error.kind());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.fault.is_some() { Ok(()) } else { self.sink.flush() }
    }
}

#[cfg(test)]
mod tests;
