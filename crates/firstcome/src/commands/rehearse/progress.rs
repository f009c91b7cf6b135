//! How far a rehearsal is, on standard error: one line that moves on a terminal, a line for each phase elsewhere.
//! Standard output belongs to the report.

use rehearsal::http::{Phase, Progress};
use std::{
    io::{IsTerminal, Write, stderr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Columns of the bar.
const BAR: u64 = 24;
/// Between two drawings of one phase.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// Back to the beginning of the line, which is then empty.
const CLEAR: &str = "\r\x1b[2K";

/// Draws.
pub struct Bar {
    moving: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phase: Option<Phase>,
    drawn: Option<Instant>,
}

impl Bar {
    /// For the standard error of this process.
    pub fn new() -> Self {
        Self { moving: stderr().is_terminal(), state: Mutex::default() }
    }

    /// Says something without breaking the line that moves.
    pub fn say(&self, words: &str) {
        let clear = if self.moving { CLEAR } else { "" };
        // Whoever closed standard error does not want to know.
        let _ = writeln!(stderr().lock(), "{clear}{words}");
    }

    /// Removes the line that moves.
    pub fn finish(&self) {
        if self.moving {
            let _ = write!(stderr().lock(), "{CLEAR}");
        }
    }
}

impl Progress for Bar {
    fn at(&self, phase: Phase, done: u64, of: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = state.phase.replace(phase) != Some(phase);
        if !self.moving {
            if fresh {
                self.say(words(phase));
            }
            return;
        }
        let lately = state.drawn.is_some_and(|drawn| drawn.elapsed() < DRAW_EVERY);
        if fresh || !lately || done >= of {
            state.drawn = Some(Instant::now());
            let _ = write!(stderr().lock(), "{CLEAR}{}", line(phase, done, of));
        }
    }
}

fn line(phase: Phase, done: u64, of: u64) -> String {
    let done = done.min(of);
    let full = done.saturating_mul(BAR).checked_div(of).unwrap_or(0);
    let percent = done.saturating_mul(100).checked_div(of).unwrap_or(0);
    let bar: String = (0..BAR).map(|at| if at < full { '█' } else { '░' }).collect();
    format!("{bar} {percent:3} %  {}", words(phase))
}

/// The phases, in their order.
const PHASES: [Phase; 7] = [
    Phase::SigningIn,
    Phase::Preparing,
    Phase::Gathering,
    Phase::Open,
    Phase::Settling,
    Phase::Exporting,
    Phase::Learning,
];

/// The phase that a line on standard error announces, if it does.
pub fn phase_of(line: &str) -> Option<Phase> {
    PHASES.into_iter().find(|phase| words(*phase) == line)
}

const fn words(phase: Phase) -> &'static str {
    match phase {
        Phase::SigningIn => "signing the crowd in",
        Phase::Preparing => "preparing the sale",
        Phase::Gathering => "the crowd gathers",
        Phase::Open => "the sale is open",
        Phase::Settling => "waiting for the last answers",
        Phase::Exporting => "reading the exports",
        Phase::Learning => "learning what this machine takes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phase_is_known_by_its_words() {
        for phase in PHASES {
            assert_eq!(phase_of(words(phase)), Some(phase));
        }
        assert_eq!(phase_of("rehearsing with 5 people"), None);
    }

    #[test]
    fn the_bar_is_as_long_at_every_moment() {
        for (done, of, percent) in
            [(0, 0, "  0 %"), (1, 3, " 33 %"), (5, 5, "100 %"), (9, 5, "100 %")]
        {
            let line = line(Phase::Open, done, of);
            assert!(line.contains(percent), "{line}");
            assert_eq!(line.chars().take_while(|c| "█░".contains(*c)).count() as u64, BAR);
        }
        assert!(line(Phase::Open, u64::MAX, u64::MAX).contains('%'));
    }
}
