//! The benchmark's checks of its own results: numbers of a run in which one fails mean nothing.
//! Every check is counted, so that a run which checked nothing cannot look clean.

use super::load::Tally;

/// What held and what did not.
#[derive(Debug, Default)]
pub struct Checks {
    /// How many held.
    pub held: u32,
    /// Those that did not, in words.
    pub failed: Vec<String>,
}

impl Checks {
    /// Counts one check; `words` say what should have been, with both values.
    pub fn that(&mut self, holds: bool, words: impl FnOnce() -> String) {
        if holds {
            self.held += 1;
        } else {
            let words = words();
            eprintln!("  CHECK FAILED: {words}");
            self.failed.push(words);
        }
    }

    /// Every answer of a slice was as expected, and there were some.
    pub fn answers(&mut self, what: &str, tally: &Tally) {
        self.that(tally.unexpected == 0 && tally.answers() > 0, || {
            let (unexpected, all) = (tally.unexpected, tally.answers());
            format!("{what}: {unexpected} of {all} answers were not expected: {:?}", tally.examples)
        });
    }

    /// The program's own `check` recomputed its promises and found them whole; it ends the run otherwise.
    pub fn recomputed(&mut self, words: &str) {
        eprintln!("  firstcome check: {}", words.trim());
        self.held += 1;
    }

    /// The ledger holds what the clients were told; answers that said "queued" may end either way.
    pub fn ledger(&mut self, what: &str, sold: u64, accepted: u64, queued: u64) {
        self.that((accepted..=accepted + queued).contains(&sold), || {
            format!(
                "{what}: {accepted} accepted and {queued} queued, but {sold} sold in the ledger"
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unexpected_answers_and_silence_fail_the_check() {
        let mut checks = Checks::default();
        checks.answers("silence", &Tally::default());
        checks.answers("good", &Tally { expected: 5, ..Tally::default() });
        checks.answers("bad", &Tally { expected: 5, unexpected: 1, ..Tally::default() });
        assert_eq!((checks.held, checks.failed.len()), (1, 2));
    }

    #[test]
    fn the_ledger_must_hold_what_was_accepted_and_may_hold_what_was_queued() {
        let holds = |sold, accepted, queued| {
            let mut checks = Checks::default();
            checks.ledger("x", sold, accepted, queued);
            checks.failed.is_empty()
        };
        let table = [(10, 10, 0, true), (9, 10, 0, false), (11, 10, 0, false), (11, 10, 1, true)];
        for (sold, accepted, queued, expected) in table {
            assert_eq!(holds(sold, accepted, queued), expected, "{sold} {accepted} {queued}");
        }
    }
}
