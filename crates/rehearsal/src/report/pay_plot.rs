//! The plot of orders over time: how many are held, paid, and over. It shows the holds running out and coming back,
//! by what buyers heard and nothing else.

use super::{
    figures::thousands,
    paying::PayNumbers,
    plot::{HEIGHTS, SIDES, SIZE, Scale, Unit, horizontal, vertical},
    plots::Plot,
    svg::{Anchor, Drawing, Px, add},
};
use crate::history::paying::State;

/// Points of one line, at most; between two of them nothing is drawn but a step.
const POINTS_MAX: usize = 400;

/// Orders that are held, paid, over, at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Count {
    at: f64,
    held: i64,
    paid: i64,
    over: i64,
}

impl Count {
    fn of(&self, class: &str) -> i64 {
        match class {
            "over" => self.over,
            "held" => self.held,
            _ => self.paid,
        }
    }
}

/// The plot.
pub fn plot(numbers: &PayNumbers) -> Plot {
    const TITLE: &str = "Orders over time";
    let counts = counts(numbers);
    let last = counts.last().copied().unwrap_or_default();
    let most = counts.iter().map(|one| one.held.max(one.paid).max(one.over)).max().unwrap_or(0);
    let desc = format!(
        "Orders that are held, paid, and over unpaid, by what their buyers heard. At the end {} are paid and {} over.",
        thousands(last.paid.unsigned_abs()),
        thousands(last.over.unsigned_abs())
    );
    let mut drawing = Drawing::new("orders", SIZE, TITLE, &desc);
    if let Some(first) = counts.first() {
        let up = Scale::linear(0.0, most as f64, (HEIGHTS.1, HEIGHTS.0));
        vertical(&mut drawing, &up);
        let across = Scale::linear(first.at.min(0.0), last.at, SIDES);
        let unit = Unit::of(last.at - first.at);
        horizontal(&mut drawing, &across, unit.ms, &format!("{} after the opening", unit.name));
        for class in ["over", "held", "paid"] {
            let mut path = String::new();
            for (at, one) in counts.iter().enumerate() {
                let place = (across.at(one.at), up.at(one.of(class) as f64));
                let step = if at == 0 { "M" } else { "L" };
                add(&mut path, format_args!("{step}{} {}", Px(place.0), Px(place.1)));
            }
            drawing.path(&format!("stroke {class}"), &path);
        }
    } else {
        let middle = ((SIDES.0 + SIDES.1) / 2.0, (HEIGHTS.0 + HEIGHTS.1) / 2.0);
        drawing.text("meaning", middle, Anchor::Middle, "Nobody got an order.");
    }
    let names = [("held", "held"), ("paid", "paid"), ("over", "expired or cancelled")];
    let legend = names.iter().map(|(class, name)| ((*class).to_owned(), (*name).to_owned()));
    Plot { title: TITLE, legend: legend.collect(), svg: drawing.finish(), note: None }
}

/// The counts at so many moments as there is room for.
fn counts(numbers: &PayNumbers) -> Vec<Count> {
    let mut now = Count::default();
    let mut all = Vec::with_capacity(numbers.moments.len());
    for (at, state, was_held) in &numbers.moments {
        now.at = *at;
        match state {
            State::Held => now.held += 1,
            State::Paid => now.paid += 1,
            State::Cancelled | State::Expired => now.over += 1,
            State::RefundDue | State::Refunded => {}
        }
        let ended = matches!(state, State::Paid | State::Cancelled | State::Expired);
        now.held -= i64::from(ended && *was_held);
        all.push(now);
    }
    let every = all.len().div_ceil(POINTS_MAX).max(1);
    let last = all.last().copied();
    let mut few: Vec<Count> = all.into_iter().step_by(every).collect();
    few.extend(last);
    few
}
