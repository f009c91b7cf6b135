//! The pretend company's book: one JSON object a line, only ever appended, each line written by one call.
//! It survives the death of the process and not that of the machine: no money is real here, so no line waits for the disk.

use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

/// Bytes of a book that are read; more was not written by this program.
const BOOK_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Why a book cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookFault {
    /// The file could not be read or made.
    Io(ErrorKind),
    /// A line before the last one is not what this program writes.
    Damaged {
        /// Its number, from 1.
        line: u32,
    },
}

impl std::fmt::Display for BookFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(kind) => write!(f, "the test provider's book could not be read: {kind}"),
            Self::Damaged { line } => {
                write!(f, "line {line} of the test provider's book is damaged")
            }
        }
    }
}

impl std::error::Error for BookFault {}

/// What happened at the company. Money is in minor units of its currency, times are milliseconds UTC.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub(super) enum Line {
    Opened {
        order_id: String,
        minor: u64,
        currency: String,
        title: String,
        pay_by: u64,
        back_to: String,
    },
    Closed {
        order_id: String,
    },
    Paid(PaidLine),
    Taken {
        letter: u64,
    },
    RefundFailed {
        reference: String,
    },
    RefundPending {
        reference: String,
    },
    Refunded {
        reference: String,
        refund_reference: String,
    },
}

/// A payment, and how the company is to misbehave with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PaidLine {
    pub reference: String,
    pub order_id: String,
    pub minor: u64,
    pub currency: String,
    /// When the money is there.
    pub paid_at: u64,
    /// When the first notice of it leaves; none ever does where this is missing.
    pub notice_at: Option<u64>,
    pub repeated: bool,
    /// When a notice about something else leaves.
    pub chatter_at: Option<u64>,
    pub refund_failures: u32,
    pub refund_pending: bool,
}

/// An open book, or none at all.
pub(super) struct Book(Option<File>);

impl Book {
    /// The book, and every line of it that was written to its end. What follows the last of them is cut off, so that
    /// the next line does not grow out of it.
    pub(super) fn open(path: Option<&Path>) -> Result<(Self, Vec<Line>), BookFault> {
        let Some(path) = path else { return Ok((Self(None), Vec::new())) };
        let io = |error: std::io::Error| BookFault::Io(error.kind());
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(path).map_err(io)?;
        let mut bytes = Vec::new();
        (&file).take(BOOK_BYTES_MAX).read_to_end(&mut bytes).map_err(io)?;
        let (lines, whole) = read_lines(&bytes)?;
        file.set_len(whole).map_err(io)?;
        Ok((Self(Some(file)), lines))
    }

    /// Appends a line; `false`: it could not be written, and what was to be done is not done.
    pub(super) fn append(&mut self, line: &Line) -> bool {
        let Some(file) = &mut self.0 else { return true };
        let mut bytes = serde_json::to_vec(line).expect("texts and numbers always make JSON");
        bytes.push(b'\n');
        let Ok(before) = file.metadata().map(|data| data.len()) else { return false };
        let written = file.write_all(&bytes).is_ok();
        if !written && file.set_len(before).is_err() {
            // Half a line stays behind, and whatever came after it would be lost with it.
            self.0 = None;
        }
        written
    }
}

/// The lines, and how many bytes they are. A damaged line is forgiven where it is the last.
fn read_lines(bytes: &[u8]) -> Result<(Vec<Line>, u64), BookFault> {
    let mut lines = Vec::new();
    let mut whole = 0;
    let mut rest = bytes.split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(line) = rest.next() {
        let read = serde_json::from_slice(line).ok().filter(|_| line.ends_with(b"\n"));
        match read {
            Some(read) => lines.push(read),
            None if rest.peek().is_none() => break,
            None => return Err(BookFault::Damaged { line: lines.len() as u32 + 1 }),
        }
        whole += line.len() as u64;
    }
    Ok((lines, whole))
}
