//! From the ledger to a sale that can go on: Stock and catalog are loaded anew, and only from what is on disk.
//! Used at the start and after every failure of the ledger.

use crate::{Catalog, Entry, alive::Deadlines, codes::Codes};
use ledger::{Lateness, Ledger, LedgerFault, OrderMark, StoredActivity};
use rules::{Claim, Epoch, OrderState, Part, TimeMs, TypeNo, UnitKind};
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

/// From when, and as what, everything is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Loading {
    /// The ownership.
    pub epoch: Epoch,
    /// The number of the catalog.
    pub version: u64,
    /// The moment of the load.
    pub now: TimeMs,
    /// The last moment at which orders could be paid; `None`: the ledger knows.
    pub alive: Option<TimeMs>,
    /// Milliseconds by which one downtime moves deadlines, at most.
    pub downtime_max_ms: u64,
}

/// Loads everything and puts it in the place of what Stock had. Time in which nobody could have paid is given back:
/// that is written before Stock has any deadline that rests on it.
pub fn load(ledger: &dyn Ledger, stock: &dyn Stock, how: Loading) -> Result<Catalog, OpenError> {
    let deadlines = Deadlines::read(ledger, how.alive, how.now, how.downtime_max_ms)?;
    let mut loading = stock.load(how.epoch);
    loading.at(how.now);
    let mut held = Held::default();
    let mut entries = Vec::new();
    for stored in ledger.activities()? {
        loading.activity(setup(ledger, &stored)?)?;
        load_claims(ledger, &mut *loading, &stored, &deadlines, &mut held)?;
        entries.push(Arc::new(entry(ledger, stored)?));
    }
    if let Some(lost) = held.lost {
        tracing::info!(
            by_ms = lost.by_ms,
            "orders that were held through a downtime keep their time"
        );
        ledger.extend(how.epoch, lost)?;
    }
    if held.any {
        ledger.heartbeat(how.epoch, how.now)?;
    }
    loading.finish();
    Ok(Catalog::new(how.version, entries))
}

/// What the load found of orders that are unpaid.
#[derive(Default)]
struct Held {
    any: bool,
    /// Deadlines were moved, and it is not written yet.
    lost: Option<Lateness>,
}

fn load_claims(
    ledger: &dyn Ledger,
    loading: &mut dyn Load,
    stored: &StoredActivity,
    deadlines: &Deadlines,
    held: &mut Held,
) -> Result<(), OpenError> {
    let mut conflict = None;
    let mut order: Vec<(Claim, OrderMark)> = Vec::new();
    let mut shelve = |order: &mut Vec<(Claim, OrderMark)>| {
        if conflict.is_none() {
            conflict = load_order(loading, stored, order, deadlines, held).err();
        }
        order.clear();
    };
    ledger.claims(stored.no, &mut |claim, mark| {
        // A line that does not continue its order is handed on as it is: Stock says what is wrong with it.
        if claim.line == 0 && !order.is_empty() {
            shelve(&mut order);
        }
        order.push((claim, mark));
        if claim.line + 1 >= claim.lines {
            shelve(&mut order);
        }
    })?;
    shelve(&mut order);
    if let Some(conflict) = conflict {
        return Err(conflict.into());
    }
    ledger.parts(stored.no, &mut |part: Part| loading.part(&part))?;
    Ok(())
}

/// Loads the lines of one order. The deadline of a held one is nowhere written: it is computed from its types.
fn load_order(
    loading: &mut dyn Load,
    stored: &StoredActivity,
    order: &[(Claim, OrderMark)],
    deadlines: &Deadlines,
    held: &mut Held,
) -> Result<(), Conflict> {
    let Some((first, mark)) = order.first() else { return Ok(()) };
    let mut pay_by = None;
    if mark.state == OrderState::Held {
        let known = |claim: &Claim| usize::from(claim.ticket_type.0) < stored.activity.types.len();
        if let Some((stranger, _)) = order.iter().find(|(claim, _)| !known(claim)) {
            return Err(Conflict::Stranger(*stranger));
        }
        let types = order.iter().map(|(claim, _)| claim.ticket_type);
        let base = stored.activity.pay_by(types, first.offer.is_some(), first.decided_at);
        pay_by = Some(deadlines.of(first.decided_at, base));
        held.any = true;
        held.lost = held.lost.or(deadlines.lost(first.decided_at));
    }
    order.iter().try_for_each(|(claim, mark)| loading.claim(*claim, mark.state, pay_by))
}

/// What Stock needs to know of an activity before its claims.
pub fn setup(ledger: &dyn Ledger, stored: &StoredActivity) -> Result<ActivitySetup, LedgerFault> {
    let mut roster = Vec::new();
    if stored.activity.has_roster {
        ledger.roster(stored.no, &mut |user| roster.push(user))?;
    }
    let mut line = Vec::new();
    ledger.line(stored.no, &mut |join, kind, user| line.push((join, kind, user)))?;
    let types = stored.types.iter();
    Ok(ActivitySetup {
        no: stored.no,
        activity: stored.activity.clone(),
        through: stored.through,
        closed: stored.closed,
        paused: stored.paused,
        types: types.map(|one| TypeSetup { made: one.made, void: one.void.clone() }).collect(),
        roster,
        line,
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
