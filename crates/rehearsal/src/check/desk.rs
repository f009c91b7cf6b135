//! What operators did meanwhile, as bounds: what may have happened by an instant, and what certainly had.
//! An intervention takes effect once, at an unknown instant between its request and its answer.

use crate::history::{Change, Intervention, Micros};

const NEVER: Micros = Micros(u64::MAX);

/// Units by the instant at which they count, as running sums.
#[derive(Default)]
struct Sums(Vec<(Micros, u64)>);

impl Sums {
    fn of(mut steps: Vec<(Micros, u64)>) -> Self {
        steps.sort_unstable();
        let mut sum = 0;
        for (_, units) in &mut steps {
            sum += *units;
            *units = sum;
        }
        Self(steps)
    }

    /// Everything that counts at or before `time`.
    fn by(&self, time: Micros) -> u64 {
        let after = self.0.partition_point(|(at, _)| *at <= time);
        after.checked_sub(1).map_or(0, |last| self.0[last].1)
    }
}

/// How many units a type had, as bounds.
#[derive(Default)]
struct TypeUnits {
    stock: u64,
    added_perhaps: Sums,
    added_surely: Sums,
    taken_perhaps: Sums,
    taken_surely: Sums,
}

/// Bounds on everything that interventions changed.
pub struct Desk {
    types: Vec<TypeUnits>,
    /// From when and until when it may have been paused.
    paused_perhaps: Vec<(Micros, Micros)>,
    /// From when and until when it certainly was.
    paused_surely: Vec<(Micros, Micros)>,
    closed_perhaps: Option<Micros>,
    closed_surely: Option<Micros>,
    /// Whether the server lost what was not on disk.
    pub restarted: bool,
}

impl Desk {
    /// The bounds for types with these units at the start.
    pub fn new(stocks: impl Iterator<Item = u32>, interventions: &[Intervention]) -> Self {
        let is = |what: Change| interventions.iter().filter(move |one| one.what == what);
        let units = |(index, stock)| type_units(index, stock, interventions);
        Self {
            types: stocks.enumerate().map(units).collect(),
            paused_perhaps: is(Change::Paused)
                .map(|pause| (pause.sent, surely_over(pause, interventions)))
                .collect(),
            paused_surely: is(Change::Paused)
                .filter_map(|pause| Some((pause.heard?, perhaps_over(pause, interventions))))
                .collect(),
            closed_perhaps: is(Change::Closed).map(|close| close.sent).min(),
            closed_surely: is(Change::Closed).filter_map(|close| close.heard).min(),
            restarted: is(Change::Restarted).next().is_some(),
        }
    }

    /// Units that the type had at most at some instant from `from` on and up to `until`.
    pub fn units_most(&self, index: usize, from: Micros, until: Micros) -> u64 {
        let Some(units) = self.types.get(index) else { return 0 };
        let made = units.stock + units.added_perhaps.by(until);
        made.saturating_sub(units.taken_surely.by(from))
    }

    /// Units that the type had at least at every instant between the two.
    pub fn units_least(&self, index: usize, from: Micros, until: Micros) -> u64 {
        let Some(units) = self.types.get(index) else { return 0 };
        let made = units.stock + units.added_surely.by(from);
        made.saturating_sub(units.taken_perhaps.by(until))
    }

    /// Units that may have been added after `time`.
    pub fn added_after(&self, index: usize, time: Micros) -> u64 {
        let Some(units) = self.types.get(index) else { return 0 };
        units.added_perhaps.by(NEVER) - units.added_surely.by(before(time))
    }

    /// Whether units were ever to be added to the type.
    pub fn added_any(&self, index: usize) -> bool {
        self.added_after(index, Micros(0)) > 0
    }

    /// When additions to the type were asked for.
    pub fn additions(&self, index: usize) -> impl Iterator<Item = Micros> + '_ {
        let steps = self.types.get(index).map(|units| units.added_perhaps.0.as_slice());
        steps.unwrap_or_default().iter().map(|(at, _)| *at)
    }

    /// Whether it may have been paused at some instant between the two.
    pub fn paused_perhaps(&self, from: Micros, until: Micros) -> bool {
        self.paused_perhaps.iter().any(|(start, end)| *start <= until && from <= *end)
    }

    /// Whether it was paused all the time between the two.
    pub fn paused_surely(&self, from: Micros, until: Micros) -> bool {
        self.paused_surely.iter().any(|(start, end)| *start < from && until < *end)
    }

    /// Whether it may have been closed by `time`.
    pub fn closed_perhaps(&self, time: Micros) -> bool {
        self.closed_perhaps.is_some_and(|at| at <= time)
    }

    /// Whether it was closed before `time`.
    pub fn closed_surely(&self, time: Micros) -> bool {
        self.closed_surely.is_some_and(|at| at < time)
    }
}

/// The instant just before.
pub fn before(time: Micros) -> Micros {
    Micros(time.0.saturating_sub(1))
}

fn type_units(index: usize, stock: u32, interventions: &[Intervention]) -> TypeUnits {
    let (mut added, mut taken) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for one in interventions {
        let (bounds, units) = match one.what {
            Change::Added(of, units) if of.0 == index => (&mut added, units),
            Change::TakenBack(of, units) if of.0 == index => (&mut taken, units),
            _ => continue,
        };
        bounds.0.push((one.sent, u64::from(units)));
        bounds.1.extend(one.heard.map(|heard| (heard, u64::from(units))));
    }
    TypeUnits {
        stock: u64::from(stock),
        added_perhaps: Sums::of(added.0),
        added_surely: Sums::of(added.1),
        taken_perhaps: Sums::of(taken.0),
        taken_surely: Sums::of(taken.1),
    }
}

/// When a pause is certainly over: a resume that was asked for after it was known to be done, is done.
fn surely_over(pause: &Intervention, interventions: &[Intervention]) -> Micros {
    let Some(done) = pause.heard else { return NEVER };
    let resumes = interventions.iter().filter(|one| one.what == Change::Resumed && one.sent > done);
    resumes.filter_map(|resume| resume.heard).min().unwrap_or(NEVER)
}

/// When a pause may be over: a resume that can have come after it has been asked for.
fn perhaps_over(pause: &Intervention, interventions: &[Intervention]) -> Micros {
    let later = |one: &&Intervention| {
        one.what == Change::Resumed && one.heard.is_none_or(|heard| heard >= pause.sent)
    };
    interventions.iter().filter(later).map(|resume| resume.sent).min().unwrap_or(NEVER)
}
