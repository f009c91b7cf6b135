//! What every plot stands on: a frame of fixed size, scales, and axes with round numbers.
//! A scale of nothing, or of one value, is still a scale: nothing here divides by zero.

use super::{
    figures::{finite, short, thousands},
    svg::{Anchor, Drawing},
};

/// The size of a plot. It is shown at about this size on a phone and half as large again elsewhere.
pub const SIZE: (f64, f64) = (420.0, 250.0);
/// The left and the right edge of what is drawn.
pub const SIDES: (f64, f64) = (54.0, 410.0);
/// The upper and the lower edge.
pub const HEIGHTS: (f64, f64) = (16.0, 206.0);
/// Ticks of an axis, about.
const TICKS: f64 = 5.0;
/// The least latency that a logarithmic scale shows, in milliseconds.
const LOG_LEAST: f64 = 0.01;

/// How values become places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    edges: (f64, f64),
    logarithmic: bool,
}

impl Scale {
    /// In which equal differences have equal lengths.
    pub fn linear(low: f64, high: f64, edges: (f64, f64)) -> Self {
        let (low, high) = (finite(low), finite(high));
        // The next number above, where one more makes no difference.
        let high = if high > low { high } else { (low + 1.0).max(low.next_up()) };
        Self { low, high, edges, logarithmic: false }
    }

    /// In which equal ratios have equal lengths; it spans whole decades.
    pub fn logarithmic(low: f64, high: f64, edges: (f64, f64)) -> Self {
        let low = 10_f64.powf(finite(low).max(LOG_LEAST).log10().floor());
        let high = 10_f64.powf(finite(high).max(LOG_LEAST).log10().ceil());
        let high = if high > low { high } else { low * 10.0 };
        Self { low, high, edges, logarithmic: true }
    }

    /// Where a value lies; one beyond the ends lies on the end.
    pub fn at(&self, value: f64) -> f64 {
        let value = finite(value).clamp(self.low, self.high);
        let part = if self.logarithmic {
            (value / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.edges.0 + finite(part) * (self.edges.1 - self.edges.0)
    }

    /// Whether a value lies inside.
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    fn ticks(&self) -> Vec<f64> {
        if self.logarithmic {
            let decades = (self.high / self.low).log10().round() as i32;
            return (0..=decades).map(|decade| self.low * 10_f64.powi(decade)).collect();
        }
        let step = round_step((self.high - self.low) / TICKS);
        let first = (self.low / step).ceil();
        let many = ((self.high / step).floor() - first).clamp(0.0, 4.0 * TICKS) as usize;
        (0..=many).map(|at| (first + at as f64) * step).collect()
    }
}

/// The least of 1, 2 or 5 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let decade = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|times| times * decade)
        .find(|one| *one >= step * 0.999)
        .unwrap_or(decade * 10.0)
}

/// A unit of time that suits a span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// Its name.
    pub name: &'static str,
    /// How many milliseconds it has.
    pub ms: f64,
}

impl Unit {
    /// For a span of so many milliseconds.
    pub fn of(span_ms: f64) -> Self {
        match finite(span_ms).abs() {
            span if span < 2_000.0 => Self { name: "ms", ms: 1.0 },
            span if span < 600_000.0 => Self { name: "s", ms: 1_000.0 },
            _ => Self { name: "min", ms: 60_000.0 },
        }
    }
}

/// A number on an axis.
pub fn label(number: f64) -> String {
    let number = finite(number);
    if number.fract().abs() < 1e-9 {
        let sign = if number < 0.0 { "−" } else { "" };
        return format!("{sign}{}", thousands(number.abs() as u64));
    }
    let text = short(number);
    text.trim_end_matches('0').trim_end_matches('.').replace('-', "−")
}

/// Draws the horizontal axis, whose values are in `unit`, with what it means.
pub fn horizontal(drawing: &mut Drawing, scale: &Scale, unit_of: f64, meaning: &str) {
    let (left, right) = SIDES;
    drawing.line("axis", (left, HEIGHTS.1), (right, HEIGHTS.1));
    for tick in scale.ticks() {
        let place = scale.at(tick);
        drawing.line("axis", (place, HEIGHTS.1), (place, HEIGHTS.1 + 4.0));
        let anchor = if place > right - 8.0 { Anchor::End } else { Anchor::Middle };
        drawing.text("tick", (place.min(right), HEIGHTS.1 + 18.0), anchor, &label(tick / unit_of));
    }
    drawing.text("meaning", ((left + right) / 2.0, SIZE.1 - 6.0), Anchor::Middle, meaning);
}

/// Draws the vertical axis with lines across.
pub fn vertical(drawing: &mut Drawing, scale: &Scale) {
    let (left, right) = SIDES;
    for tick in scale.ticks() {
        let place = scale.at(tick);
        drawing.line("grid", (left, place), (right, place));
        drawing.text("tick", (left - 6.0, place + 4.0), Anchor::End, &label(tick));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_of_nothing_of_one_value_and_of_strange_ones_stay_within_their_edges() {
        let strange = [0.0, -1.0, 1.0, 1e300, -1e300, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE];
        for low in strange {
            for high in strange {
                for scale in [
                    Scale::linear(low, high, (10.0, 90.0)),
                    Scale::logarithmic(low, high, (90.0, 10.0)),
                ] {
                    for value in strange {
                        let place = scale.at(value);
                        assert!((10.0..=90.0).contains(&place), "{scale:?} at {value}: {place}");
                    }
                    let ticks = scale.ticks();
                    assert!(ticks.len() < 700, "{scale:?}");
                    assert!(ticks.iter().all(|tick| tick.is_finite()), "{scale:?}: {ticks:?}");
                }
            }
        }
    }

    #[test]
    fn ticks_are_round_and_few() {
        let ticks = Scale::linear(0.0, 870.0, SIDES).ticks();
        assert_eq!(ticks, [0.0, 200.0, 400.0, 600.0, 800.0]);
        let ticks = Scale::linear(-3.0, 9.0, SIDES).ticks();
        assert_eq!(ticks, [0.0, 5.0]);
        let ticks = Scale::logarithmic(0.2, 40.0, SIDES).ticks();
        assert_eq!(ticks.len(), 4);
        assert_eq!(label(-1500.0), "−1,500");
        assert_eq!(label(0.5), "0.5");
    }
}
