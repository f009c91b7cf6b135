//! An export: first everything decided before it is written, then rows stream from the ledger to a sink.
//! A part of an export is never passed off as the whole.

use crate::{
    Entry, IdText, Ids, Sale,
    export::{
        ExportFault, ExportFormat, ExportKind, ExportWriter, OrderOut, ParticipantOut, PaymentOut,
    },
};
use ledger::{Ledger, LedgerFault, PaymentRecord};
use rules::{Activity, ActivityNo, OrderNo, Seq};
use std::{collections::HashMap, io::Write};

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
    ids: &Ids,
    (no, activity): (ActivityNo, &Activity),
    kind: ExportKind,
    mut writer: ExportWriter<'_>,
) -> Result<u64, ExportStopped> {
    let rows = match kind {
        ExportKind::Orders => write_orders(ledger, ids, (no, activity), &mut writer),
        ExportKind::Participants => write_participants(ledger, no, &mut writer),
        ExportKind::Payments => write_payments(ledger, ids, no, &mut writer),
    }?;
    writer.finish()?;
    Ok(rows)
}

fn write_orders(
    ledger: &dyn Ledger,
    ids: &Ids,
    (no, activity): (ActivityNo, &Activity),
    writer: &mut ExportWriter<'_>,
) -> Result<u64, ExportStopped> {
    let (mut rows, mut outcome) = (0, Ok(()));
    ledger.orders(no, &mut |row| {
        let order_id = ids.claim(&row.claim);
        let ticket_id = ids.ticket(&row.claim);
        outcome = writer.order(&OrderOut::new(row, activity, order_id.as_str(), &ticket_id));
        rows += 1;
        outcome.is_ok()
    })?;
    outcome?;
    Ok(rows)
}

fn write_participants(
    ledger: &dyn Ledger,
    no: ActivityNo,
    writer: &mut ExportWriter<'_>,
) -> Result<u64, ExportStopped> {
    let (mut rows, mut outcome) = (0, Ok(()));
    ledger.participants(no, &mut |row| {
        outcome = writer.participant(&ParticipantOut::new(row));
        rows += 1;
        outcome.is_ok()
    })?;
    outcome?;
    Ok(rows)
}

/// The payments for orders that were there when this began: what is paid meanwhile for later ones is the next
/// export's.
fn write_payments(
    ledger: &dyn Ledger,
    ids: &Ids,
    no: ActivityNo,
    writer: &mut ExportWriter<'_>,
) -> Result<u64, ExportStopped> {
    let orders = read_priced(ledger, ids, no)?;
    let id_of = |order: OrderNo| orders.get(&order.seq).map(|(id, _)| id.as_str());
    let (mut rows, mut outcome) = (0, Ok(()));
    ledger.payments_in(no, &mut |record: &PaymentRecord| {
        let Some((id, user)) = orders.get(&record.payment.order.seq) else { return true };
        let paid_order = record.paid_order.and_then(id_of);
        outcome = writer.payment(&PaymentOut::new(record, id.as_str(), user, paid_order));
        rows += 1;
        outcome.is_ok()
    })?;
    outcome?;
    Ok(rows)
}

/// The ids of orders that cost something, and whose they are: about 100 bytes for each.
fn read_priced(
    ledger: &dyn Ledger,
    ids: &Ids,
    no: ActivityNo,
) -> Result<HashMap<Seq, (IdText, Box<str>)>, LedgerFault> {
    let mut orders = HashMap::new();
    ledger.orders(no, &mut |row| {
        if row.claim.priced && row.claim.line == 0 {
            orders.insert(row.claim.seq, (ids.claim(&row.claim), row.user.into()));
        }
        true
    })?;
    Ok(orders)
}

/// The ids of a ledger's claims.
pub fn read_ids(ledger: &dyn Ledger) -> Result<Ids, LedgerFault> {
    Ok(Ids::new(&ledger.secret("claim-ids")?, &ledger.secret("idempotency-keys")?))
}
