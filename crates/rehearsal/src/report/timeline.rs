//! Claims over time in a bounded number of bins: answers by kind, and how long they took.
//! A bin is wide enough that there are never more than [`BINS_MAX`], however long the rehearsal was.

use super::kills::Kills;
use crate::history::{Call, Heard, Micros};

/// Bins of a timeline.
pub const BINS_MAX: u64 = 150;

/// One stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    /// Claims answered in it with a ticket or "queued".
    pub accepted: u32,
    /// Claims refused in it.
    pub refused: u32,
    /// Claims that ended in it in another way: busy, a fault, or no answer.
    pub other: u32,
    /// Half of the claims sent in it took no longer, in milliseconds; nothing where none was sent.
    pub p50: Option<f64>,
    /// 99 of 100 of them.
    pub p99: Option<f64>,
}

/// The whole time in which claims were made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// When the first bin begins, in milliseconds after the opening; below zero before it.
    pub from_ms: f64,
    /// How wide a bin is, in milliseconds; never zero where there are bins.
    pub bin_ms: f64,
    /// The bins, without gaps.
    pub bins: Vec<Bin>,
}

impl Timeline {
    /// Of these claims. The edges of the bins lie so that one begins at the opening. How long a claim took over a kill
    /// counts nowhere.
    pub fn of(claims: &[&Call], opening: Micros, kills: &Kills) -> Self {
        let Some(first) = claims.iter().map(|call| call.sent.0).min() else {
            return Self::default();
        };
        let last = claims.iter().map(|call| call.ended.0.max(call.sent.0)).max().unwrap_or(first);
        let width = width(last - first);
        let early = opening.0.saturating_sub(first).div_ceil(width) * width;
        let late = first.saturating_sub(opening.0) / width * width;
        let from = i128::from(opening.0) - i128::from(early) + i128::from(late);
        let bin_of = |moment: u64| {
            usize::try_from((i128::from(moment) - from) / i128::from(width)).unwrap_or(0)
        };
        let mut bins = vec![Bin::default(); bin_of(last) + 1];
        let mut took: Vec<Vec<u64>> = vec![Vec::new(); bins.len()];
        for call in claims {
            count(&mut bins[bin_of(call.ended.0.max(call.sent.0))], &call.heard);
            if kills.cut(call) {
                continue;
            }
            took[bin_of(call.sent.0)].push(call.ended.0.saturating_sub(call.sent.0));
        }
        for (bin, took) in bins.iter_mut().zip(&mut took) {
            bin.p50 = quantile_ms(took, 0.5);
            bin.p99 = quantile_ms(took, 0.99);
        }
        let from_ms = (from - i128::from(opening.0)) as f64 / 1e3;
        Self { from_ms, bin_ms: width as f64 / 1e3, bins }
    }

    /// A count of one bin as a rate.
    pub fn per_second(&self, count: u32) -> f64 {
        if self.bin_ms > 0.0 { f64::from(count) * 1e3 / self.bin_ms } else { 0.0 }
    }

    /// When a bin begins, in milliseconds after the opening.
    pub fn begins_ms(&self, bin: usize) -> f64 {
        self.from_ms + bin as f64 * self.bin_ms
    }
}

/// The least of 1, 2 or 5 times a power of ten, in microseconds, by which so long a time has few enough bins.
fn width(span: u64) -> u64 {
    // Two bins are the price of edges that lie on the opening.
    let least = (span / (BINS_MAX - 2)).saturating_add(1).max(1_000);
    let mut decade: u64 = 1_000;
    loop {
        for times in [1, 2, 5] {
            if decade.saturating_mul(times) >= least {
                return decade.saturating_mul(times);
            }
        }
        decade = decade.saturating_mul(10);
    }
}

fn count(bin: &mut Bin, heard: &Heard) {
    match heard {
        Heard::Won(_) | Heard::Queued { .. } => bin.accepted += 1,
        Heard::Refused(..) => bin.refused += 1,
        Heard::Busy { .. }
        | Heard::Failed(_)
        | Heard::Shown(_)
        | Heard::Tickets(_)
        | Heard::Lost
        | Heard::Strange { .. } => bin.other += 1,
    }
}

fn quantile_ms(took: &mut [u64], quantile: f64) -> Option<f64> {
    let last = took.len().checked_sub(1)?;
    let at = ((took.len() as f64 * quantile).ceil() as usize).saturating_sub(1).min(last);
    let (_, value, _) = took.select_nth_unstable(at);
    Some(*value as f64 / 1e3)
}
