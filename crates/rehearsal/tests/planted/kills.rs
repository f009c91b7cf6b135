//! Kills of a correct server: what it did in the last moments was not on disk, so it never happened; whatever rests on it
//! was told to nobody. What was to happen while there is no server happens when it is back, and deadlines move.

use crate::{
    chance::Chance,
    paying::{Agenda, Happens},
    till::{Later, SECOND, Till},
};
use rehearsal::history::{
    Micros,
    paying::{Outage, PayAsked, PayHeard},
};
use std::cmp::Reverse;

const MS: u64 = 1_000;
/// Of a hundred sales, so many have kills.
const KILLED_OF_100: u64 = 40;
/// A longer time without a server moves deadlines.
const BORNE: u64 = 2 * SECOND;

/// A kill.
struct Kill {
    outage: Outage,
    /// What was decided from here on was not on disk.
    firm: u64,
}

/// All kills of a sale, and how far they are.
pub struct Kills {
    all: Vec<Kill>,
    /// Those that are over, and the state in which the next one will leave the disk.
    over: usize,
    saved: Option<(Till, Vec<(u64, Later)>)>,
}

impl Kills {
    /// The kills of a seed.
    pub fn draw(seed: u64, (opens, ends): (u64, u64)) -> Self {
        let mut chance = Chance::new(seed ^ 0xdead);
        let count = if chance.happens(KILLED_OF_100) { chance.number(1, 2) } else { 0 };
        let (mut all, mut from) = (Vec::new(), opens + 200 * MS);
        for _ in 0..count {
            let killed = chance.number(from, from + (ends - from) / 2);
            let dead = killed + chance.number(0, 3 * MS);
            let long = chance.happens(60);
            let away = if long { chance.number(2_300, 3_500) } else { chance.number(0, 900) } * MS;
            let (started, loads) = (dead + away, chance.number(5, 80) * MS);
            let back = started + loads;
            let instants = [killed, dead, started, back].map(Micros);
            let [killed, dead, started, back] = instants;
            let firm = killed.0 - chance.number(0, 60 * MS);
            all.push(Kill { outage: Outage { killed, dead, started, back }, firm });
            from = back.0 + 500 * MS;
            if from >= ends {
                break;
            }
        }
        Self { all, over: 0, saved: None }
    }

    /// As the rehearsal wrote them down.
    pub fn outages(&self) -> Vec<Outage> {
        self.all.iter().map(|one| one.outage).collect()
    }

    /// Whether a kill, or what is to be remembered of the moment before, comes before this instant.
    pub fn are_due(&self, now: u64) -> bool {
        self.all.get(self.over).is_some_and(|next| {
            next.outage.killed.0 <= now || (self.saved.is_none() && next.firm <= now)
        })
    }

    /// Remembers what is on disk; or kills, and starts again from that.
    pub fn happen(&mut self, till: &mut Till, agenda: &mut Agenda) {
        let outage = self.all[self.over].outage;
        let Some((saved, later)) = self.saved.take() else {
            self.saved = Some((till.clone(), laters(agenda).collect()));
            return;
        };
        self.over += 1;
        *till = saved;
        let gone = outage.back.0 - outage.killed.0;
        let moved = if gone > BORNE { gone } else { 0 };
        till.give_back(moved);
        let calls: Vec<_> = agenda.drain().filter(|one| !is_later(one)).collect();
        agenda.extend(calls);
        agenda.extend(later.into_iter().map(|(at, what)| {
            let is_deadline = matches!(what, Later::Close(_) | Later::Expire(_));
            let at = if is_deadline { at + moved } else { at };
            Reverse((at.max(outage.back.0), Happens::Later(what)))
        }));
    }

    /// Until when nobody takes a question that somebody wants to ask at this instant.
    pub fn kept_out(&self, sent: u64) -> Option<u64> {
        let away = |one: &&Kill| (one.outage.killed.0..one.outage.back.0).contains(&sent);
        self.all.iter().find(away).map(|one| one.outage.back.0)
    }

    /// Whether a question that was asked then, and would be decided now, was under way when the server was killed.
    pub fn cut_off(&self, sent: u64, now: u64) -> bool {
        self.all.iter().any(|one| sent < one.outage.killed.0 && one.outage.killed.0 <= now)
    }

    /// Whether an answer reaches anybody that was decided now: what rests on something that is not on disk yet is told
    /// when it is there, and what was told may still be on its way when the server dies.
    pub fn told(&self, now: u64, ended: u64, asked: &PayAsked, heard: &PayHeard) -> bool {
        let kill = self.all.iter().find(|one| one.outage.killed.0 > now);
        let Some(Kill { outage, firm }) = kill else { return true };
        let reached = ended < outage.killed.0 || (now < *firm && ended < outage.back.0);
        let needs_no_disk = match heard {
            PayHeard::HeldByOthers | PayHeard::Whatever { .. } => true,
            PayHeard::InLine { .. } | PayHeard::NotInLine { offer: None } => {
                matches!(asked, PayAsked::Place(_))
            }
            _ => false,
        };
        reached && (now < *firm || needs_no_disk)
    }
}

fn is_later(one: &Reverse<(u64, Happens)>) -> bool {
    matches!(one.0.1, Happens::Later(_))
}

fn laters(agenda: &Agenda) -> impl Iterator<Item = (u64, Later)> + '_ {
    agenda.iter().filter_map(|one| match one.0.1 {
        Happens::Later(later) => Some((one.0.0, later)),
        Happens::Call(..) => None,
    })
}
