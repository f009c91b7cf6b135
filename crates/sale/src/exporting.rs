//! An export: first everything decided before it is written, then rows stream from the ledger to a sink.
//! A part of an export is never passed off as the whole.

use crate::{
    Entry, Sale,
    export::{ExportFault, ExportFormat, ExportKind, ExportWriter, OrderOut, ParticipantOut},
};
use ledger::{Ledger, LedgerFault};
use rules::{Activity, ActivityNo};
use std::io::Write;

/// Why an export stopped. What was written until then is not an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportStopped {
    /// What was decided before it did not get on disk in time.
    Unsettled,
    /// The ledger failed.
    Ledger(LedgerFault),
    /// The other side failed.
    Writing(ExportFault),
}

impl From<ExportFault> for ExportStopped {
    fn from(fault: ExportFault) -> Self {
        Self::Writing(fault)
    }
}

impl From<LedgerFault> for ExportStopped {
    fn from(fault: LedgerFault) -> Self {
        Self::Ledger(fault)
    }
}

impl std::fmt::Display for ExportStopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsettled => f.write_str("what was decided before the export is not on disk yet"),
            Self::Ledger(fault) => fault.fmt(f),
            Self::Writing(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for ExportStopped {}

impl Sale {
    /// Writes an export of everything decided before this call, blocking; returns the number of rows.
    pub fn export(
        &self,
        entry: &Entry,
        format: ExportFormat,
        kind: ExportKind,
        sink: Box<dyn Write + Send + '_>,
    ) -> Result<u64, ExportStopped> {
        if !self.settle() {
            return Err(ExportStopped::Unsettled);
        }
        let writer = ExportWriter::new(format, kind, sink, &std::env::temp_dir())?;
        let ledger = &*self.inner.ledger;
        write_export(ledger, &self.inner.ids, (entry.no, &entry.activity), kind, writer)
    }
}

/// Writes an export of what is in a ledger; returns the number of rows.
pub fn write_export(
    ledger: &dyn Ledger,
    ids: &crate::Ids,
    (no, activity): (ActivityNo, &Activity),
    kind: ExportKind,
    mut writer: ExportWriter<'_>,
) -> Result<u64, ExportStopped> {
    let mut rows = 0;
    let mut outcome = Ok(());
    match kind {
        ExportKind::Orders => ledger.orders(no, &mut |row| {
            let order_id = ids.claim(&row.claim);
            let ticket_id = ids.ticket(&row.claim);
            let out = OrderOut::new(row, activity, order_id.as_str(), &ticket_id);
            outcome = writer.order(&out);
            rows += 1;
            outcome.is_ok()
        })?,
        ExportKind::Participants => ledger.participants(no, &mut |row| {
            outcome = writer.participant(&ParticipantOut::new(row));
            rows += 1;
            outcome.is_ok()
        })?,
    }
    outcome?;
    writer.finish()?;
    Ok(rows)
}

/// The ids of a ledger's claims.
pub fn read_ids(ledger: &dyn Ledger) -> Result<crate::Ids, LedgerFault> {
    Ok(crate::Ids::new(&ledger.secret("claim-ids")?, &ledger.secret("idempotency-keys")?))
}
