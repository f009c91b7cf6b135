//! Rows as JSON lines: one object a row, the columns' names as fields, null for nothing.
//! Every row has every field, so that a reader needs no schema.

use super::rows::{Cell, time_text};
use super::{ExportFault, ExportKind};
use std::io::{BufWriter, Write};

/// JSON lines being written.
pub(super) struct JsonRows<'s> {
    kind: ExportKind,
    sink: BufWriter<Box<dyn Write + Send + 's>>,
    line: Vec<u8>,
    text: String,
}

impl<'s> JsonRows<'s> {
    /// Nothing goes out before the first row.
    pub(super) fn new(kind: ExportKind, sink: Box<dyn Write + Send + 's>) -> Self {
        Self { kind, sink: BufWriter::new(sink), line: Vec::new(), text: String::new() }
    }

    /// Writes one row.
    pub(super) fn write(&mut self, cells: &[Cell<'_>]) -> Result<(), ExportFault> {
        self.line.clear();
        for (name, cell) in self.kind.columns().zip(cells) {
            self.line.push(if self.line.is_empty() { b'{' } else { b',' });
            append(&mut self.line, name);
            self.line.push(b':');
            self.append_cell(*cell);
        }
        self.line.extend_from_slice(b"}\n");
        self.sink.write_all(&self.line).map_err(|error| ExportFault::Sink(error.kind()))
    }

    fn append_cell(&mut self, cell: Cell<'_>) {
        match cell {
            Cell::Text(text) | Cell::Code(text) => append(&mut self.line, text),
            Cell::Number(number) => self.line.extend_from_slice(number.to_string().as_bytes()),
            Cell::Time(time) => {
                time_text(time, &mut self.text);
                append(&mut self.line, &self.text);
            }
            Cell::Absent => self.line.extend_from_slice(b"null"),
        }
    }

    /// Hands everything on.
    pub(super) fn finish(mut self) -> Result<(), ExportFault> {
        self.sink.flush().map_err(|error| ExportFault::Sink(error.kind()))
    }
}

fn append(line: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(line, text).expect("a text in memory always makes JSON");
}
