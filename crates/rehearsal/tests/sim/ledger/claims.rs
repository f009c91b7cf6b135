//! Claims on the simulated disk: appended by the one owner, whose stock is their judge.
//! What contradicts another claim is found by the audit, as over SQLite.

use super::{
    Call, Lie, SimLedger, audit,
    disk::{Claims, Disk, Listed, Sold},
    orders::mark_of,
};
use ledger::{
    Cause, ClaimLedger, Detection, Finding, LedgerFault, OrderMark, OrderRow, ParticipantRow,
    Settled, Source, Written,
};
use rules::{ActivityNo, Claim, Epoch, OrderState, Part, Refusal, Seq, TypeNo, UnitNo, UserNo};
use std::collections::BTreeMap;

impl ClaimLedger for SimLedger {
    fn own(&self) -> Result<Epoch, LedgerFault> {
        self.raise_epoch(Call::Own)
    }

    fn recover(&self) -> Result<Epoch, LedgerFault> {
        self.start_over()
    }

    fn in_doubt(&self) -> bool {
        self.owner && self.device.platter.lock().doubt.is_some()
    }

    fn commit(
        &self,
        epoch: Epoch,
        claims: &[Claim],
        answers: &mut Vec<Written>,
    ) -> Result<(), LedgerFault> {
        struct Stale;
        answers.clear();
        if claims.is_empty() {
            return Ok(());
        }
        let written = self.try_write(Call::Commit, |disk| {
            let ours = claims.iter().all(|claim| claim.epoch == epoch);
            if !ours || disk.epoch != epoch {
                return Ok(Err(Stale));
            }
            Ok(Ok(put_all(disk, claims)))
        })?;
        match written {
            Ok(written) => answers.extend(written),
            Err(Stale) => answers.resize(claims.len(), Written::StaleEpoch),
        }
        Ok(())
    }

    fn detection(&self) -> Detection {
        Detection::AtAudit
    }

    fn audit(&self) -> Result<Vec<Finding>, LedgerFault> {
        Ok(audit::find(&*self.read()?))
    }

    fn settle(&self, activity: ActivityNo, epoch: Epoch, seq: Seq) -> Result<Settled, LedgerFault> {
        let disk = self.read()?;
        let ended = epoch < disk.epoch && self.device.lie != Some(Lie::NeverSettles);
        Ok(match disk.claims_of(activity).get(&seq) {
            Some(claim) if claim.epoch == epoch => Settled::Written(*claim),
            _ if ended => Settled::Never,
            _ => Settled::Open,
        })
    }

    fn record_parts(&self, epoch: Epoch, parts: &[Part]) -> Result<(), LedgerFault> {
        if parts.is_empty() {
            return Ok(());
        }
        self.write(Call::Parts, |disk| {
            demand(disk, epoch)?;
            parts.iter().for_each(|part| record(disk, part));
            Ok(())
        })
    }

    fn claims(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(Claim, OrderMark),
    ) -> Result<(), LedgerFault> {
        let disk = self.read()?;
        disk.claims_of(activity).values().for_each(|claim| visit(*claim, mark_of(&disk, claim)));
        Ok(())
    }

    fn parts(&self, activity: ActivityNo, visit: &mut dyn FnMut(Part)) -> Result<(), LedgerFault> {
        if let Some(parts) = self.read()?.parts.get(&activity) {
            parts.values().copied().for_each(visit);
        }
        Ok(())
    }

    fn claim_of_unit(
        &self,
        activity: ActivityNo,
        ticket_type: TypeNo,
        unit: UnitNo,
    ) -> Result<Option<Claim>, LedgerFault> {
        let claims = self.read()?.claims_of(activity);
        let mut newest = claims.values().rev();
        Ok(newest.find(|claim| (claim.ticket_type, claim.unit) == (ticket_type, unit)).copied())
    }

    fn orders(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(&OrderRow<'_>) -> bool,
    ) -> Result<(), LedgerFault> {
        let disk = self.read()?;
        let sold = disk.activity(activity).map(|sold| &**sold);
        for claim in disk.claims_of(activity).values() {
            let (user, display_name, department) = who(&disk, sold, claim.user);
            let codes = sold.and_then(|sold| sold.codes.get(usize::from(claim.ticket_type.0)));
            let code = codes.and_then(|codes| codes.get(claim.unit.0 as usize));
            let code = code.map(String::as_str);
            let mark = mark_of(&disk, claim);
            if !visit(&OrderRow { claim: *claim, mark, user, display_name, department, code }) {
                break;
            }
        }
        Ok(())
    }

    fn participants(
        &self,
        activity: ActivityNo,
        visit: &mut dyn FnMut(&ParticipantRow<'_>) -> bool,
    ) -> Result<(), LedgerFault> {
        let disk = self.read()?;
        let sold = disk.activity(activity).map(|sold| &**sold);
        for (user, (part, won)) in everyone(&disk, activity) {
            let (name, display_name, department) = who(&disk, sold, user);
            let row = ParticipantRow {
                user: name,
                display_name,
                department,
                first_seen: part.seen_at,
                refusal: part.refusal,
                won,
            };
            if !visit(&row) {
                break;
            }
        }
        Ok(())
    }
}

/// Whoever was overtaken writes nothing.
pub(super) fn demand(disk: &Disk, epoch: Epoch) -> Result<(), Cause> {
    if disk.epoch == epoch { Ok(()) } else { Err(Cause::StaleEpoch) }
}

fn put_all(disk: &mut Disk, claims: &[Claim]) -> Vec<Written> {
    let mut answers = Vec::with_capacity(claims.len());
    let mut rest = claims;
    while let Some(first) = rest.first() {
        let (order, later) = rest.split_at(usize::from(first.lines));
        answers.extend(put(disk, order));
        rest = later;
    }
    answers
}

/// The lines of an order: all are written, or none.
fn put(disk: &mut Disk, order: &[Claim]) -> Vec<Written> {
    let claims = disk.claims_mut(order[0].activity);
    let met: Vec<Option<Written>> =
        order.iter().map(|claim| claims.get(&claim.seq).map(|there| clash(there, claim))).collect();
    if met.iter().any(Option::is_some) {
        return met.into_iter().map(|met| met.unwrap_or(Written::UnitTaken)).collect();
    }
    claims.extend(order.iter().map(|claim| (claim.seq, *claim)));
    *disk.tallies.entry(order[0].activity).or_default() += order.len() as u32;
    vec![Written::Written; order.len()]
}

/// Another claim stands in this one's place.
fn clash(there: &Claim, claim: &Claim) -> Written {
    let same_user = there.user == claim.user;
    let same_type = there.ticket_type == claim.ticket_type;
    if there == claim || (same_user && claim.key.is_some() && there.key == claim.key) {
        return Written::Already(*there);
    }
    let ordinal = there.ordinal_in_activity == claim.ordinal_in_activity
        || (same_type && there.ordinal_in_type == claim.ordinal_in_type);
    let unit = same_type && there.unit == claim.unit;
    if same_user && ordinal && !unit { Written::OrdinalTaken } else { Written::UnitTaken }
}

fn record(disk: &mut Disk, part: &Part) {
    let refusal = part.refusal.filter(|refusal| *refusal != Refusal::NotStarted);
    let parts = std::sync::Arc::make_mut(disk.parts.entry(part.activity).or_default());
    let kept = parts.entry(part.user).or_insert(Part { refusal, ..*part });
    kept.seen_at = kept.seen_at.min(part.seen_at);
    kept.refusal = kept.refusal.or(refusal);
}

/// Name, display name and department. A roster's words never go with somebody who registered himself (C33).
fn who<'a>(disk: &'a Disk, sold: Option<&'a Sold>, user: UserNo) -> (&'a str, &'a str, &'a str) {
    let Some(name) = disk.name(user) else { return ("", "", "") };
    let meant = name.person.source != Some(Source::Password);
    let listed = sold.and_then(|sold| sold.roster.iter().find(|listed| listed.user == user));
    let listed = listed.filter(|_| meant);
    let shown = listed.map(|listed| listed.display_name.as_str()).filter(|shown| !shown.is_empty());
    let department = listed.map_or("", |Listed { department, .. }| department);
    (&name.person.name, shown.unwrap_or(&name.person.display_name), department)
}

/// Everyone with a claim or a part, by number, with the number of the first claim.
fn everyone(disk: &Disk, activity: ActivityNo) -> BTreeMap<UserNo, (Part, Option<rules::ClaimNo>)> {
    let claims = disk.claims_of(activity);
    let claims: &Claims = &claims;
    let mut everyone: BTreeMap<UserNo, (Part, Option<rules::ClaimNo>)> = BTreeMap::new();
    for claim in claims.values() {
        let (user, seen_at) = (claim.user, claim.decided_at);
        let part = Part { activity, user, seen_at, refusal: None };
        let (kept, won) = everyone.entry(user).or_insert((part, None));
        kept.seen_at = kept.seen_at.min(seen_at);
        // Who gave an order up, or let it expire, has won nothing by it.
        let state = mark_of(disk, claim).state;
        let lasted = !matches!(state, OrderState::Cancelled | OrderState::Expired);
        *won = won.or(lasted.then_some(claim.claim_no));
    }
    for part in disk.parts.get(&activity).into_iter().flat_map(|parts| parts.values()) {
        let (kept, _) = everyone.entry(part.user).or_insert((*part, None));
        kept.seen_at = kept.seen_at.min(part.seen_at);
        kept.refusal = kept.refusal.or(part.refusal);
    }
    everyone
}
