//! People: everyone's claims in one activity against limits, roster, keys and window (promise 3).
//! It takes the lines sorted by person, and looks at each person once.

use super::broken::LimitBroken;
use super::finding::Promise;
use super::lines::Line;
use super::report::Report;
use ledger::{Finding, StoredActivity};
use rules::{JoinNo, KeyHash, TypeNo, UserNo};
use std::collections::BTreeSet;

/// The check of one activity's people; the lists are kept from one person to the next, for there may be a million.
pub struct People<'a> {
    stored: &'a StoredActivity,
    /// Who may claim, where the activity has a roster.
    roster: Option<BTreeSet<UserNo>>,
    /// Who paid for an order that was over: what they get for that may be decided at any time.
    late_payers: BTreeSet<UserNo>,
    /// Type (`None`: of the activity), seq, ordinal, whether it is live.
    ordinals: Vec<Ordinal>,
    /// Key, seq.
    keys: Vec<(u128, u32)>,
    /// Place in a line, seq; of everybody.
    offers: Vec<(JoinNo, u32)>,
}

type Ordinal = (Option<TypeNo>, u32, u32, bool);

impl<'a> People<'a> {
    /// The people of this activity.
    pub fn new(
        stored: &'a StoredActivity,
        roster: Option<BTreeSet<UserNo>>,
        late_payers: BTreeSet<UserNo>,
    ) -> Self {
        let (ordinals, keys, offers) = (Vec::new(), Vec::new(), Vec::new());
        Self { stored, roster, late_payers, ordinals, keys, offers }
    }

    /// Looks at everyone. The lines are sorted by user, and each user's by seq.
    pub fn check(mut self, lines: &[Line], report: &mut Report) {
        let mut people = 0;
        for mine in lines.chunk_by(|one, next| one.claim.user == next.claim.user) {
            people += 1;
            self.person(mine, report);
        }
        report.count(Promise::OneLimit, "people", people);
        report.count(Promise::OneLimit, "claims", lines.len());
        self.offers_once(lines, report);
    }

    fn person(&mut self, mine: &[Line], report: &mut Report) {
        self.limits_and_ordinals(mine, report);
        self.keys(mine, report);
        let user = mine[0].claim.user;
        if self.roster.as_ref().is_some_and(|roster| !roster.contains(&user)) {
            report.add(self.stored.no, None, LimitBroken::NotOnRoster { user: user.0 });
        }
        let at_any_time = self.late_payers.contains(&user);
        for line in mine.iter().filter(|line| !(at_any_time && line.claim.priced)) {
            self.window(line, report);
        }
    }

    /// A place in a waiting list is offered a unit once, whatever became of it.
    fn offers_once(mut self, lines: &[Line], report: &mut Report) {
        let offers = lines.iter().filter_map(|line| Some((line.claim.offer?, line.claim.seq.0)));
        self.offers.extend(offers);
        self.offers.sort_unstable();
        for pair in self.offers.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            let seq = pair[1].1;
            let finding = Finding::OfferTwice(self.stored.no, rules::Seq(seq));
            report.add_contradiction(finding, None, LimitBroken::OfferTwice { seq });
        }
    }

    fn limits_and_ordinals(&mut self, mine: &[Line], report: &mut Report) {
        let mut ordinals = std::mem::take(&mut self.ordinals);
        ordinals.clear();
        for line in mine {
            let (claim, live) = (&line.claim, line.is_live());
            ordinals.push((None, claim.seq.0, claim.ordinal_in_activity, live));
            ordinals.push((Some(claim.ticket_type), claim.seq.0, claim.ordinal_in_type, live));
        }
        ordinals.sort_unstable();
        let user = mine[0].claim.user;
        for same in ordinals.chunk_by_mut(|one, next| one.0 == next.0) {
            let live = same.iter().filter(|ordinal| ordinal.3).count();
            self.limit(user, same[0].0, live as u64, report);
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

    /// Live ordinals of one person and type differ, and each line got the lowest that was not in use: so none is above
    /// the number of lines until then. They come in the order of seq, and are sorted anew.
    fn numbered(&self, user: UserNo, same: &mut [Ordinal], report: &mut Report) {
        let gap = (1..).zip(&*same).any(|(nth, one)| one.2 == 0 || one.2 > nth);
        let units = same.len() as u64;
        same.sort_unstable_by_key(|(_, seq, ordinal, live)| (!live, *ordinal, *seq));
        let live = same.iter().take_while(|one| one.3).count();
        let mut repeated = false;
        for pair in same[..live].windows(2).filter(|pair| pair[0].2 == pair[1].2) {
            repeated = true;
            let (kind, seq, ..) = pair[1];
            let finding = Finding::OrdinalTwice(self.stored.no, rules::Seq(seq));
            // In its type and in the activity at once is one finding.
            if !report.knows(finding) {
                report.add_contradiction(finding, kind, LimitBroken::OrdinalTwice { seq });
            }
        }
        if gap && !repeated {
            let broken = LimitBroken::OrdinalGap { user: user.0, units };
            report.add(self.stored.no, same[0].0, broken);
        }
    }

    fn keys(&mut self, mine: &[Line], report: &mut Report) {
        self.keys.clear();
        let keyed = |line: &Line| line.claim.key.map(|KeyHash(key)| (key.get(), line.claim.seq.0));
        self.keys.extend(mine.iter().filter_map(keyed));
        self.keys.sort_unstable();
        for pair in self.keys.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            let seq = pair[1].1;
            let finding = Finding::KeyTwice(self.stored.no, rules::Seq(seq));
            report.add_contradiction(finding, None, LimitBroken::KeyTwice { seq });
        }
    }

    /// Its own window, else the activity's. The end may have been moved later since, never earlier.
    fn window(&self, line: &Line, report: &mut Report) {
        let claim = &line.claim;
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
