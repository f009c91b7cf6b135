//! Kills as what they mean to the promises: in which life of the server something was answered, what was on disk at the
//! end of each, and how much time deadlines were given back.

use crate::history::{
    Micros,
    paying::{Outage, Paying},
};

/// Never, as an instant.
const NEVER: Micros = Micros(u64::MAX);
/// Milliseconds without a server for which deadlines do not move: the grace after each of them covers it.
const BORNE_MS: u64 = 2_000;
/// By so many milliseconds a downtime has to be longer to be certainly one that counts: the server measures it by
/// clocks of its own.
const MARGIN_MS: u64 = 100;

/// The lives of the server, from 0; after each but the last there is an outage.
pub struct Lives<'a> {
    outages: &'a [Outage],
    /// What was decided by then, in the life before each outage, was on disk when it began.
    firm: Vec<Micros>,
}

impl<'a> Lives<'a> {
    /// Of a history. `claims` are orders of which it is known between which two instants they were decided, the second
    /// being that of the answer: the ledger is written in the order of decisions, and an order is only answered with
    /// once it is there, so whatever was decided before it is there too.
    pub fn new(paying: &'a Paying, claims: impl Iterator<Item = (Micros, Micros)>) -> Self {
        let outages = paying.outages.as_slice();
        let mut firm = vec![Micros(0); outages.len()];
        for (from, until) in claims {
            let life = outages.partition_point(|one| one.killed < until);
            if let Some(known) = firm.get_mut(life) {
                *known = (*known).max(from);
            }
        }
        Self { outages, firm }
    }

    /// The life in which a call was answered that was sent at this instant and answered at all: a connection of before
    /// breaks, so only a server that was alive then can have answered it.
    pub fn of(&self, sent: Micros) -> usize {
        self.outages.partition_point(|one| one.dead <= sent)
    }

    /// What was decided by this instant of a life was on disk at its end.
    pub fn firm(&self, life: usize) -> Micros {
        self.firm.get(life).copied().unwrap_or(NEVER)
    }

    /// Whether there was any outage.
    pub fn any(&self) -> bool {
        !self.outages.is_empty()
    }

    /// Milliseconds by which a deadline that was shown in a life had certainly moved at a later instant.
    pub fn given_back_ms(&self, life: usize, by: Micros) -> u64 {
        let over = self.outages.iter().skip(life).filter(|one| one.back <= by);
        let gone = over.map(|one| one.started.0.saturating_sub(one.dead.0) / 1_000);
        gone.filter(|gone| *gone > BORNE_MS + MARGIN_MS).sum()
    }

    /// Milliseconds for which there was no server at most, after an instant.
    pub fn away_ms(&self, after: Micros) -> u64 {
        let later = self.outages.iter().filter(|one| one.back > after);
        later.map(|one| one.back.0.saturating_sub(one.killed.0).div_ceil(1_000)).sum()
    }

    /// The first instant from which there was a server for so long: what was begun before it may have been cut off,
    /// and begun anew after each outage.
    pub fn undisturbed(&self, from: Micros, long: Micros) -> Micros {
        let mut from = from;
        for one in self.outages {
            if one.back > from && one.killed.0 < from.0 + long.0 {
                from = one.back;
            }
        }
        from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paying() -> Paying {
        let outage = |killed: u64, away: u64| Outage {
            killed: Micros(killed),
            dead: Micros(killed + 10),
            started: Micros(killed + 10 + away),
            back: Micros(killed + 20 + away),
        };
        Paying {
            outages: vec![outage(1_000_000, 500), outage(9_000_000, 3_000_000)],
            ..Paying::default()
        }
    }

    #[test]
    fn an_answer_shows_that_all_decided_before_is_on_disk_and_nothing_else_does() {
        let paying = paying();
        let decided = |from, until| (Micros(from), Micros(until));
        let known = [decided(400, 900), decided(600, 800), decided(999_000, 1_000_005)];
        let lives = Lives::new(&paying, known.into_iter());
        assert_eq!([0, 1, 2].map(|life| lives.firm(life)), [Micros(600), Micros(999_000), NEVER]);
        assert_eq!(
            [0, 1_000_009, 1_000_010, 20_000_000].map(|at| lives.of(Micros(at))),
            [0, 0, 1, 2]
        );
    }

    #[test]
    fn only_what_buyers_would_notice_moves_deadlines() {
        let paying = paying();
        let lives = Lives::new(&paying, std::iter::empty());
        let late = Micros(30_000_000);
        assert_eq!(lives.given_back_ms(0, late), 3_000);
        assert_eq!(lives.given_back_ms(2, late), 0);
        assert_eq!(lives.given_back_ms(0, Micros(11_000_000)), 0);
        assert_eq!(lives.away_ms(Micros(0)), 1 + 3_001);
        let second = Micros(1_000_000);
        assert_eq!(lives.undisturbed(Micros(5_000_000), second), Micros(5_000_000));
        assert_eq!(lives.undisturbed(Micros(8_500_000), second), Micros(12_000_020));
    }
}
