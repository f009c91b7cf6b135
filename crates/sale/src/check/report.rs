//! Where the parts of a check put what they find; it knows the names of what they look at by number.
//! It judges nothing.

use super::finding::{Promise, What};
use super::verdict::{Balance, Verdict};
use ledger::{Finding, StoredActivity};
use rules::{ActivityNo, TypeNo};
use std::collections::{BTreeMap, BTreeSet};

struct Names {
    id: String,
    types: Vec<String>,
}

/// A check in progress.
pub struct Report {
    verdict: Verdict,
    names: BTreeMap<ActivityNo, Names>,
    /// What the ledger's own audit would find as well, so that it is reported once.
    contradictions: BTreeSet<Contradiction>,
}

/// A finding of the ledger's audit in an order, to be looked up: which kind, where.
type Contradiction = (u8, ActivityNo, TypeNo, u32);

impl Report {
    /// Nothing looked at yet.
    pub fn new() -> Self {
        let (names, contradictions) = (BTreeMap::new(), BTreeSet::new());
        Self { verdict: Verdict::new(), names, contradictions }
    }

    /// Learns what an activity and its types are called.
    pub fn learn(&mut self, stored: &StoredActivity) {
        let types = stored.activity.types.iter().map(|ticket| ticket.id.clone()).collect();
        self.names.insert(stored.no, Names { id: stored.activity.id.clone(), types });
    }

    /// An activity and its claims were looked at.
    pub fn looked_at(&mut self, claims: u64) {
        self.verdict.activities += 1;
        self.verdict.claims += claims;
    }

    /// So many things were looked at for a promise.
    pub fn count(&mut self, promise: Promise, what: &'static str, count: usize) {
        self.verdict.promise_mut(promise).count(what, count as u64);
    }

    /// What came in and where it is, of one activity and currency.
    pub fn balance(&mut self, activity: ActivityNo, mut balance: Balance) {
        balance.activity = named(&self.names, activity, None).0;
        self.verdict.add_balance(balance);
    }

    /// Something breaks a promise.
    pub fn add(&mut self, activity: ActivityNo, kind: Option<TypeNo>, what: impl Into<What>) {
        let what = what.into();
        let names = &self.names;
        let place = || named(names, activity, kind);
        self.verdict.promise_mut(what.promise()).add(what, place);
    }

    /// Something breaks a promise that the ledger's audit may find too.
    pub fn add_contradiction(
        &mut self,
        same: Finding,
        kind: Option<TypeNo>,
        what: impl Into<What>,
    ) {
        let key = contradiction(same);
        self.contradictions.insert(key);
        self.add(key.1, kind, what);
    }

    /// Whether this was reported before.
    pub fn knows(&self, finding: Finding) -> bool {
        self.contradictions.contains(&contradiction(finding))
    }

    /// The end of the check.
    pub fn verdict(self) -> Verdict {
        self.verdict
    }
}

fn named(
    names: &BTreeMap<ActivityNo, Names>,
    activity: ActivityNo,
    kind: Option<TypeNo>,
) -> (String, Option<String>) {
    let Some(known) = names.get(&activity) else {
        return (format!("number {activity}"), kind.map(|kind| format!("number {kind}")));
    };
    let id = |kind: TypeNo| known.types.get(usize::from(kind.0)).cloned();
    (known.id.clone(), kind.map(|kind| id(kind).unwrap_or_else(|| format!("number {kind}"))))
}

const fn contradiction(finding: Finding) -> Contradiction {
    match finding {
        Finding::UnitTwice(activity, kind, unit) => (1, activity, kind, unit.0),
        Finding::OrdinalTwice(activity, seq) => (2, activity, TypeNo(0), seq.0),
        Finding::KeyTwice(activity, seq) => (3, activity, TypeNo(0), seq.0),
        Finding::SeqGap(activity, seq) => (4, activity, TypeNo(0), seq.0),
        Finding::OfferTwice(activity, seq) => (5, activity, TypeNo(0), seq.0),
        Finding::StepImpossible(activity, seq) => (6, activity, TypeNo(0), seq.0),
    }
}
