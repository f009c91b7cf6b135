//! What a slice heard: counts, times, and a few of the answers that nobody expected.
//! Rates count only what came before the deadline; checks count everything.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Enough to see what went wrong; more would only repeat it.
const EXAMPLES_MAX: usize = 3;
const EXAMPLE_BYTES_MAX: usize = 300;

/// The longest time that is told apart from longer ones, in microseconds.
const MICROS_MAX: u64 = 120_000_000;

/// The counts of one slice, or of several added up.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Answers before the deadline.
    pub in_time: u64,
    /// Answers as expected, late ones included.
    pub expected: u64,
    /// Answers with `ret` 1 where they are allowed.
    pub queued: u64,
    /// All other answers.
    pub unexpected: u64,
    /// The first few of those.
    pub examples: Vec<String>,
    /// From the start to the deadline, or to the last answer when nobody was left to ask before it.
    pub length: Duration,
    /// From the request to the end of its answer, in microseconds.
    pub micros: Histogram<u32>,
    /// CPU time of the load generator itself.
    pub own_cpu: Duration,
}

impl Default for Tally {
    fn default() -> Self {
        let micros = Histogram::new_with_bounds(1, MICROS_MAX, 3).expect("the bounds are sound");
        Self {
            in_time: 0,
            expected: 0,
            queued: 0,
            unexpected: 0,
            examples: Vec::new(),
            length: Duration::ZERO,
            micros,
            own_cpu: Duration::ZERO,
        }
    }
}

impl Tally {
    /// All answers.
    pub fn answers(&self) -> u64 {
        self.expected + self.queued + self.unexpected
    }

    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.in_time as f64 / self.length.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// Notes how long an answer took.
    pub fn note_time(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(MICROS_MAX);
        self.micros.saturating_record(micros.max(1));
    }

    /// Keeps the start of an answer that nobody expected.
    pub fn note_unexpected(&mut self, answer: &[u8]) {
        self.unexpected += 1;
        if self.examples.len() < EXAMPLES_MAX {
            let kept = &answer[..answer.len().min(EXAMPLE_BYTES_MAX)];
            self.examples.push(String::from_utf8_lossy(kept).into_owned());
        }
    }

    /// Adds what another worker heard in the same slice, or the same workers in another one.
    pub fn add(&mut self, other: &Self) {
        self.in_time += other.in_time;
        self.expected += other.expected;
        self.queued += other.queued;
        self.unexpected += other.unexpected;
        let room = EXAMPLES_MAX.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.iter().take(room).cloned());
        self.length = self.length.max(other.length);
        self.own_cpu += other.own_cpu;
        self.micros.add(&other.micros).expect("both histograms have the same bounds");
    }
}
