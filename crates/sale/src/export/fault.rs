//! Why an export could not be written to its end.
//! A fault of the reader's connection is told from a fault of this machine's disk.

use std::io::ErrorKind;

/// An export stopped; what reached the sink is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFault {
    /// The sink took no more: the reader went away, or the disk it is on is full.
    Sink(ErrorKind),
    /// The temporary file of a workbook could not be made or written.
    TempFile(ErrorKind),
}

impl std::fmt::Display for ExportFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sink(kind) => write!(f, "the export could not be written: {kind}"),
            Self::TempFile(kind) => write!(f, "the export's temporary file failed: {kind}"),
        }
    }
}

impl std::error::Error for ExportFault {}
