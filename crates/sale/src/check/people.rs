//! People: everyone's claims in one activity against limits, roster, keys and window (promise 3).
//! It takes the claims sorted by person, and looks at each person once.

use super::broken::LimitBroken;
use super::finding::Promise;
use super::report::Report;
use ledger::{Finding, StoredActivity};
use rules::{Claim, KeyHash, TypeNo, UserNo};
use std::collections::BTreeSet;

/// The check of one activity's people; the lists are kept from one person to the next, for there may be a million.
pub struct People<'a> {
    stored: &'a StoredActivity,
    /// Who may claim, where the activity has a roster.
    roster: Option<BTreeSet<UserNo>>,
    /// Type (`None`: of the activity), ordinal, seq.
    ordinals: Vec<(Option<TypeNo>, u32, u32)>,
    /// Key, seq.
    keys: Vec<(u128, u32)>,
}

impl<'a> People<'a> {
    /// The people of this activity.
    pub fn new(stored: &'a StoredActivity, roster: Option<BTreeSet<UserNo>>) -> Self {
        Self { stored, roster, ordinals: Vec::new(), keys: Vec::new() }
    }

    /// Looks at everyone. The claims are sorted by user, and each user's by seq.
    pub fn check(mut self, claims: &[Claim], report: &mut Report) {
        let mut people = 0;
        for mine in claims.chunk_by(|one, next| one.user == next.user) {
            people += 1;
            self.person(mine, report);
        }
        report.count(Promise::OneLimit, "people", people);
        report.count(Promise::OneLimit, "claims", claims.len());
    }

    fn person(&mut self, mine: &[Claim], report: &mut Report) {
        self.limits_and_ordinals(mine, report);
        self.keys(mine, report);
        let user = mine[0].user;
        if self.roster.as_ref().is_some_and(|roster| !roster.contains(&user)) {
            report.add(self.stored.no, None, LimitBroken::NotOnRoster { user: user.0 });
        }
        for claim in mine {
            self.window(claim, report);
        }
    }

    fn limits_and_ordinals(&mut self, mine: &[Claim], report: &mut Report) {
        let mut ordinals = std::mem::take(&mut self.ordinals);
        ordinals.clear();
        for claim in mine {
            ordinals.push((None, claim.ordinal_in_activity, claim.seq.0));
            ordinals.push((Some(claim.ticket_type), claim.ordinal_in_type, claim.seq.0));
        }
        ordinals.sort_unstable();
        let user = mine[0].user;
        for same in ordinals.chunk_by(|one, next| one.0 == next.0) {
            self.limit(user, same[0].0, same.len() as u64, report);
            self.numbered(user, same, report);
        }
        self.ordinals = ordinals;
    }

    fn limit(&self, user: UserNo, kind: Option<TypeNo>, units: u64, report: &mut Report) {
        let (user, no) = (user.0, self.stored.no);
        let Some(kind) = kind else {
            if let Some(limit) = self.stored.activity.limit_per_user
                && units > u64::from(limit)
            {
                report.add(no, None, LimitBroken::OverActivityLimit { user, units, limit });
            }
            return;
        };
        // A type that does not exist was found among the units.
        let Some(ticket) = self.stored.activity.types.get(usize::from(kind.0)) else { return };
        let limit = ticket.limit_per_user;
        if units > u64::from(limit) {
            report.add(no, Some(kind), LimitBroken::OverTypeLimit { user, units, limit });
        }
    }

    /// Sorted ordinals of one person and type are 1, 2, …, n.
    fn numbered(&self, user: UserNo, same: &[(Option<TypeNo>, u32, u32)], report: &mut Report) {
        let mut repeated = false;
        for pair in same.windows(2).filter(|pair| pair[0].1 == pair[1].1) {
            repeated = true;
            let (kind, _, seq) = pair[1];
            let finding = Finding::OrdinalTwice(self.stored.no, rules::Seq(seq));
            // In its type and in the activity at once is one finding.
            if !report.knows(finding) {
                report.add_contradiction(finding, kind, LimitBroken::OrdinalTwice { seq });
            }
        }
        let units = same.len() as u64;
        let whole = same[0].1 == 1 && u64::from(same[same.len() - 1].1) == units;
        if !repeated && !whole {
            let broken = LimitBroken::OrdinalGap { user: user.0, units };
            report.add(self.stored.no, same[0].0, broken);
        }
    }

    fn keys(&mut self, mine: &[Claim], report: &mut Report) {
        self.keys.clear();
        let keyed = |claim: &Claim| claim.key.map(|KeyHash(key)| (key.get(), claim.seq.0));
        self.keys.extend(mine.iter().filter_map(keyed));
        self.keys.sort_unstable();
        for pair in self.keys.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            let seq = pair[1].1;
            let finding = Finding::KeyTwice(self.stored.no, rules::Seq(seq));
            report.add_contradiction(finding, None, LimitBroken::KeyTwice { seq });
        }
    }

    /// Its own window, else the activity's. The end may have been moved later since, never earlier.
    fn window(&self, claim: &Claim, report: &mut Report) {
        let kind = claim.ticket_type;
        let ticket = self.stored.activity.types.get(usize::from(kind.0));
        let own = ticket.and_then(|ticket| ticket.window);
        let window = own.unwrap_or(self.stored.activity.window);
        let (seq, at) = (claim.seq.0, claim.decided_at.0);
        let (start, end) = (window.start().0, window.end().0);
        if at < start {
            let broken = LimitBroken::TooEarly { seq, by_ms: start - at };
            report.add(self.stored.no, Some(kind), broken);
        } else if at >= end {
            let broken = LimitBroken::TooLate { seq, by_ms: at - end + 1 };
            report.add(self.stored.no, Some(kind), broken);
        }
    }
}
