//! From the ledger to a sale that can go on: Stock and catalog are loaded anew, and only from what is on disk.
//! Used at the start and after every failure of the ledger.

use crate::{Catalog, Entry, codes::Codes};
use ledger::{Ledger, LedgerFault, StoredActivity};
use rules::{Claim, Epoch, Part, TypeNo, UnitKind};
use std::sync::Arc;
use stock::{ActivitySetup, Conflict, Load, Stock, TypeSetup};

/// Why a sale cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The ledger failed.
    Ledger(LedgerFault),
    /// The ledger contradicts the rules: it is damaged, or a bug wrote it. `firstcome check` says more.
    Conflict(Conflict),
}

impl From<LedgerFault> for OpenError {
    fn from(fault: LedgerFault) -> Self {
        Self::Ledger(fault)
    }
}

impl From<Conflict> for OpenError {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict)
    }
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ledger(fault) => write!(f, "{fault}"),
            Self::Conflict(conflict) => write!(f, "the ledger contradicts the rules: {conflict:?}"),
        }
    }
}

impl std::error::Error for OpenError {}

/// Loads everything under `epoch` and puts it in the place of what Stock had.
pub fn load(
    ledger: &dyn Ledger,
    stock: &dyn Stock,
    epoch: Epoch,
    version: u64,
) -> Result<Catalog, OpenError> {
    let mut loading = stock.load(epoch);
    let mut entries = Vec::new();
    for stored in ledger.activities()? {
        loading.activity(setup(ledger, &stored)?)?;
        load_claims(ledger, &mut *loading, &stored)?;
        entries.push(Arc::new(entry(ledger, stored)?));
    }
    loading.finish();
    Ok(Catalog::new(version, entries))
}

fn load_claims(
    ledger: &dyn Ledger,
    loading: &mut dyn Load,
    stored: &StoredActivity,
) -> Result<(), OpenError> {
    let mut conflict = None;
    ledger.claims(stored.no, &mut |claim: Claim| {
        if conflict.is_none() {
            conflict = loading.claim(claim).err();
        }
    })?;
    if let Some(conflict) = conflict {
        return Err(conflict.into());
    }
    ledger.parts(stored.no, &mut |part: Part| loading.part(&part))?;
    Ok(())
}

/// What Stock needs to know of an activity before its claims.
pub fn setup(ledger: &dyn Ledger, stored: &StoredActivity) -> Result<ActivitySetup, LedgerFault> {
    let mut roster = Vec::new();
    if stored.activity.has_roster {
        ledger.roster(stored.no, &mut |user| roster.push(user))?;
    }
    let types = stored.types.iter();
    Ok(ActivitySetup {
        no: stored.no,
        activity: stored.activity.clone(),
        through: stored.through,
        closed: stored.closed,
        paused: stored.paused,
        types: types.map(|one| TypeSetup { made: one.made, void: one.void.clone() }).collect(),
        roster,
    })
}

/// What everybody else needs to know of it.
pub fn entry(ledger: &dyn Ledger, stored: StoredActivity) -> Result<Entry, LedgerFault> {
    let codes: Arc<[Codes]> = stored.activity.types.iter().map(|_| Codes::default()).collect();
    for (index, kind) in stored.activity.types.iter().enumerate() {
        if kind.kind == UnitKind::Codes {
            let push = &mut |code: &str| codes[index].push(code);
            ledger.codes(stored.no, TypeNo(index as u16), 0, push)?;
        }
    }
    Ok(Entry { no: stored.no, activity: stored.activity, codes })
}
