//! Looks over a simulated disk for claims that contradict each other.
//! It shares no code with what writes them.

use super::disk::Disk;
use ledger::Finding;
use rules::{ActivityNo, Claim, OrderState, Seq, UnitKind};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is found, in the order that the contract's suite expects.
pub fn find(disk: &Disk) -> Vec<Finding> {
    let mut findings = Vec::new();
    let numbers: BTreeSet<ActivityNo> =
        disk.claims.keys().chain(disk.tallies.keys()).copied().collect();
    for no in numbers {
        of_activity(disk, no, &mut findings);
    }
    findings
}

fn of_activity(disk: &Disk, no: ActivityNo, findings: &mut Vec<Finding>) {
    let claims = disk.claims_of(no);
    let mut units = BTreeMap::new();
    let (mut ordinals, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let (mut doubled, mut repeated) = (BTreeSet::new(), BTreeSet::new());
    let (mut offers, mut offered_twice) = (BTreeSet::new(), Vec::new());
    for claim in claims.values() {
        let state = disk.orders.get(&claim.order()).map_or(claim.first_state(), |mark| mark.state);
        if state.is_live() || (has_codes(disk, claim) && was_shown(state)) {
            *units.entry((claim.ticket_type, claim.unit)).or_insert(0) += 1;
        }
        if state.is_live() {
            let of_type = (claim.user, Some(claim.ticket_type), claim.ordinal_in_type);
            let of_all = (claim.user, None, claim.ordinal_in_activity);
            let fresh = ordinals.insert(of_type) & ordinals.insert(of_all);
            doubled.extend((!fresh).then_some(claim.seq));
        }
        let again = claim.offer.is_some_and(|join| !offers.insert(join));
        offered_twice.extend(again.then_some(claim.seq));
        let key = claim.key.map(|key| (claim.user, key.to_bytes()));
        repeated.extend(key.is_some_and(|key| !keys.insert(key)).then_some(claim.seq));
    }
    let twice = units.into_iter().filter(|(_, count)| *count > 1);
    findings.extend(twice.map(|((kind, unit), _)| Finding::UnitTwice(no, kind, unit)));
    findings.extend(doubled.into_iter().map(|seq| Finding::OrdinalTwice(no, seq)));
    findings.extend(repeated.into_iter().map(|seq| Finding::KeyTwice(no, seq)));
    findings.extend(offered_twice.into_iter().map(|seq| Finding::OfferTwice(no, seq)));
    let tally = disk.tallies.get(&no).copied().unwrap_or(0);
    findings.extend(gaps(claims.keys(), tally).map(|seq| Finding::SeqGap(no, seq)));
}

fn has_codes(disk: &Disk, claim: &Claim) -> bool {
    let sold = disk.activity(claim.activity);
    let kinds = sold.map_or(&[][..], |sold| &sold.stored.activity.types);
    kinds.get(usize::from(claim.ticket_type.0)).is_some_and(|kind| kind.kind == UnitKind::Codes)
}

/// Its codes could have been seen although it is over.
fn was_shown(state: OrderState) -> bool {
    matches!(state, OrderState::RefundDue | OrderState::Refunded)
}

/// The first of each run of numbers that are missing, or that were never acknowledged.
fn gaps<'a>(seqs: impl Iterator<Item = &'a Seq>, tally: u32) -> impl Iterator<Item = Seq> {
    let present: BTreeSet<u32> = seqs.map(|seq| seq.0).collect();
    let last = present.last().copied().unwrap_or(0);
    let whole = present.len() as u32 == last;
    let wrong = move |no: u32| !present.contains(&no) || (whole && no > tally);
    (1..=last.max(tally)).filter(move |no| wrong(*no) && (*no == 1 || !wrong(*no - 1))).map(Seq)
}
