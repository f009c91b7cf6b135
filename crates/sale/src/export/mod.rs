//! Exports of orders, participants and payments as CSV, XLSX and JSON lines, row by row into any sink.
//! A row is never held back for another, and no text of a person becomes a formula (C27).

mod csv_rows;
mod fault;
mod json_rows;
mod rows;
mod sheet;

pub use fault::ExportFault;
pub use rows::{OrderOut, ParticipantOut, PaymentOut};

use csv_rows::CsvRows;
use json_rows::JsonRows;
use rows::{Cell, Column, ORDER_COLUMNS, PARTICIPANT_COLUMNS, PAYMENT_COLUMNS};
use sheet::SheetRows;
use std::io::Write;
use std::path::Path;

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// UTF-8 with a byte order mark, CRLF (RFC 4180).
    Csv,
    /// A workbook for Excel.
    Xlsx,
    /// One JSON object a line.
    JsonLines,
}

impl ExportFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Xlsx, Self::JsonLines];

    /// The permanent name, which is also the extension of its files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::JsonLines => "jsonl",
        }
    }

    /// The format with this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// What an export holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportKind {
    /// Accepted claims: one row for each ticket, whatever became of its order.
    Orders,
    /// Everyone who tried, won or not.
    Participants,
    /// Every authentic payment.
    Payments,
}

impl ExportKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Orders, Self::Participants, Self::Payments];

    /// The permanent name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Participants => "participants",
            Self::Payments => "payments",
        }
    }

    /// The kind with this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The names of the columns, in order: those of the header, and of the fields in JSON lines.
    pub fn columns(self) -> impl Iterator<Item = &'static str> {
        self.layout().iter().map(|column| column.name)
    }

    const fn layout(self) -> &'static [Column] {
        match self {
            Self::Orders => &ORDER_COLUMNS,
            Self::Participants => &PARTICIPANT_COLUMNS,
            Self::Payments => &PAYMENT_COLUMNS,
        }
    }
}

/// An export that is being written.
pub struct ExportWriter<'s> {
    kind: ExportKind,
    rows: Rows<'s>,
}

enum Rows<'s> {
    Csv(Box<CsvRows<'s>>),
    Xlsx(Box<SheetRows<'s>>),
    JsonLines(JsonRows<'s>),
}

impl<'s> ExportWriter<'s> {
    /// Begins an export; the header goes out at once. A workbook collects its rows in a file without
    /// a name in `temp_dir` and reaches the sink at the end; the other formats stream.
    pub fn new(
        format: ExportFormat,
        kind: ExportKind,
        sink: Box<dyn Write + Send + 's>,
        temp_dir: &Path,
    ) -> Result<Self, ExportFault> {
        let rows = match format {
            ExportFormat::Csv => Rows::Csv(Box::new(CsvRows::new(kind, sink)?)),
            ExportFormat::Xlsx => Rows::Xlsx(Box::new(SheetRows::new(kind, sink, temp_dir)?)),
            ExportFormat::JsonLines => Rows::JsonLines(JsonRows::new(kind, sink)),
        };
        Ok(Self { kind, rows })
    }

    /// Writes an order.
    ///
    /// # Panics
    /// If this is no export of orders: the caller's bug.
    pub fn order(&mut self, order: &OrderOut<'_>) -> Result<(), ExportFault> {
        assert_eq!(self.kind, ExportKind::Orders, "an order in an export of something else");
        self.row(&order.cells())
    }

    /// Writes a participant.
    ///
    /// # Panics
    /// If this is no export of participants: the caller's bug.
    pub fn participant(&mut self, one: &ParticipantOut<'_>) -> Result<(), ExportFault> {
        assert_eq!(self.kind, ExportKind::Participants, "a participant among something else");
        self.row(&one.cells())
    }

    /// Writes a payment.
    ///
    /// # Panics
    /// If this is no export of payments: the caller's bug.
    pub fn payment(&mut self, one: &PaymentOut<'_>) -> Result<(), ExportFault> {
        assert_eq!(self.kind, ExportKind::Payments, "a payment in an export of something else");
        self.row(&one.cells())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ExportFault> {
        match &mut self.rows {
            Rows::Csv(rows) => rows.write(cells),
            Rows::Xlsx(rows) => rows.write(cells),
            Rows::JsonLines(rows) => rows.write(cells),
        }
    }

    /// Ends the export: everything has reached the sink when this returns without a fault.
    pub fn finish(self) -> Result<(), ExportFault> {
        match self.rows {
            Rows::Csv(rows) => rows.finish(),
            Rows::Xlsx(rows) => rows.finish(),
            Rows::JsonLines(rows) => rows.finish(),
        }
    }
}
