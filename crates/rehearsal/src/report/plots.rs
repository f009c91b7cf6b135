//! The four plots: claims over time, who won when, latency over time, and what people heard.
//! Each is bounded whatever the rehearsal's size, and says so in words where there is nothing to draw.

use super::{
    Report,
    figures::{counted, duration, short, thousands},
    numbers::{Family, Kind, Numbers, after_ms, refusal_name},
    plot::{HEIGHTS, SIDES, SIZE, Scale, Unit, horizontal, vertical},
    svg::{Anchor, Drawing, Px, add},
    timeline::Bin,
    winners::Winner,
};
use std::collections::HashSet;

/// Dots of one plot; beyond that, dots that lie close together become one.
const DOTS_MAX: usize = 3_000;
/// How far apart two dots are at least, at first.
const DOT_APART: f64 = 1.0;
/// Ticket types with a colour of their own.
const TYPES_MAX: usize = 3;
/// How much longer the plot of winners may become for tickets that were only heard of by asking again.
const LATE_TIMES: f64 = 2.0;
/// The height of one row of the answers.
const ROW: f64 = 30.0;
/// Where the first row begins.
const ROWS_FROM: f64 = 4.0;
/// Where the bars of the answers begin and end.
const BARS: (f64, f64) = (118.0, 340.0);

/// A plot with what stands above it.
pub struct Plot {
    /// What it shows.
    pub title: &'static str,
    /// The classes and names of its colours.
    pub legend: Vec<(String, String)>,
    /// The drawing.
    pub svg: String,
    /// What else there is to say, if anything.
    pub note: Option<String>,
}

/// All four, in the order of the page.
pub fn plots(report: &Report<'_>, types: &[String]) -> [Plot; 4] {
    let numbers = &report.numbers;
    let note = report.on_purpose().map(|words| format!("No answer: {words}."));
    let answers = Plot { note, ..answers(numbers) };
    [claims(numbers), won(numbers, types), latency(numbers), answers]
}

fn legend(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(class, name)| ((*class).to_owned(), (*name).to_owned())).collect()
}

/// With what the marks of kills mean, where there were any.
fn with_kills(entries: &[(&str, &str)], numbers: &Numbers) -> Vec<(String, String)> {
    let killed = !numbers.kills.spans_ms.is_empty();
    let mark = killed.then(|| ("kill".to_owned(), "killed, not yet back".to_owned()));
    legend(entries).into_iter().chain(mark).collect()
}

fn empty(drawing: &mut Drawing, says: &str) {
    let middle = ((SIDES.0 + SIDES.1) / 2.0, (HEIGHTS.0 + HEIGHTS.1) / 2.0);
    drawing.text("meaning", middle, Anchor::Middle, says);
}

/// The horizontal scale of the timeline, and its axis.
fn over_time(drawing: &mut Drawing, numbers: &Numbers) -> Scale {
    let timeline = &numbers.timeline;
    let (from, to) = (timeline.from_ms, timeline.begins_ms(timeline.bins.len()));
    let scale = Scale::linear(from, to, SIDES);
    let unit = Unit::of(to - from);
    horizontal(drawing, &scale, unit.ms, &format!("{} after the opening", unit.name));
    for (killed, back) in &numbers.kills.spans_ms {
        let mut away = String::new();
        let wide = (scale.at(*killed), scale.at(*back).max(scale.at(*killed) + 1.0));
        bar(&mut away, wide, (HEIGHTS.1, HEIGHTS.0));
        drawing.path("fill kill", &away);
    }
    if from < 0.0 && scale.holds(0.0) {
        drawing.line("opening", (scale.at(0.0), HEIGHTS.0 - 6.0), (scale.at(0.0), HEIGHTS.1));
        let (place, anchor) = match scale.at(0.0) {
            right if right > (SIDES.0 + SIDES.1) / 2.0 => (right - 4.0, Anchor::End),
            left => (left + 4.0, Anchor::Start),
        };
        drawing.text("tick", (place, HEIGHTS.0 - 1.0), anchor, "opening");
    }
    scale
}

fn claims(numbers: &Numbers) -> Plot {
    const TITLE: &str = "Claims a second";
    let timeline = &numbers.timeline;
    let desc = format!(
        "Claims answered a second, stacked by answer, over time. At most {} in all, {} of them accepted.",
        short(numbers.rates.all_peak),
        short(numbers.rates.accepted_peak)
    );
    let mut drawing = Drawing::new("claims", SIZE, TITLE, &desc);
    if timeline.bins.is_empty() {
        empty(&mut drawing, "No claim was made.");
    } else {
        let up = Scale::linear(0.0, numbers.rates.all_peak, (HEIGHTS.1, HEIGHTS.0));
        vertical(&mut drawing, &up);
        let across = over_time(&mut drawing, numbers);
        let [mut accepted, mut refused, mut other] = [String::new(), String::new(), String::new()];
        for (at, bin) in timeline.bins.iter().enumerate() {
            let sides = (across.at(timeline.begins_ms(at)), across.at(timeline.begins_ms(at + 1)));
            let rate = |count: u32| up.at(timeline.per_second(count));
            let Bin { accepted: a, refused: r, other: o, .. } = *bin;
            bar(&mut accepted, sides, (rate(0), rate(a)));
            bar(&mut refused, sides, (rate(a), rate(a + r)));
            bar(&mut other, sides, (rate(a + r), rate(a + r + o)));
        }
        drawing.path("fill accepted", &accepted);
        drawing.path("fill refused", &refused);
        drawing.path("fill other", &other);
    }
    let names =
        [("accepted", "accepted"), ("refused", "refused"), ("other", "busy, failed or no answer")];
    Plot { title: TITLE, legend: with_kills(&names, numbers), svg: drawing.finish(), note: None }
}

fn bar(path: &mut String, (left, right): (f64, f64), (low, high): (f64, f64)) {
    if (low - high).abs() >= 0.05 {
        let (left, right, low, high) = (Px(left), Px(right), Px(low), Px(high));
        add(path, format_args!("M{left} {low}V{high}H{right}V{low}Z"));
    }
}

fn latency(numbers: &Numbers) -> Plot {
    const TITLE: &str = "From claim to answer, in ms";
    let timeline = &numbers.timeline;
    let p50s = timeline.bins.iter().filter_map(|bin| bin.p50);
    let p99s = timeline.bins.iter().filter_map(|bin| bin.p99);
    let least = p50s.fold(f64::INFINITY, f64::min);
    let most = p99s.fold(0.0, f64::max);
    let desc = format!(
        "How long claims waited for their answer, by the moment they were sent, on a logarithmic scale: \
         half of them, and 99 of 100. The worst moment had 99 of 100 answered within {}.",
        duration(most)
    );
    let mut drawing = Drawing::new("latency", SIZE, TITLE, &desc);
    if least.is_finite() {
        let up = Scale::logarithmic(least, most, (HEIGHTS.1, HEIGHTS.0));
        vertical(&mut drawing, &up);
        let across = over_time(&mut drawing, numbers);
        let middle = |at: usize| across.at(timeline.begins_ms(at) + timeline.bin_ms / 2.0);
        for run in runs(&timeline.bins) {
            let points = |of: fn(&Bin) -> Option<f64>| -> Vec<(f64, f64)> {
                let inside = run.clone().map(|at| (at, of(&timeline.bins[at]).unwrap_or(least)));
                inside.map(|(at, value)| (middle(at), up.at(value))).collect()
            };
            let (p50, p99) = (points(|bin| bin.p50), points(|bin| bin.p99));
            let around: Vec<_> = p99.iter().chain(p50.iter().rev()).copied().collect();
            drawing.path("fill band", &format!("{}Z", through(&around)));
            drawing.path("stroke p99", &through(&p99));
            drawing.path("stroke p50", &through(&p50));
        }
    } else {
        empty(&mut drawing, "No claim was made.");
    }
    let names = [("p50", "half (p50)"), ("p99", "99 of 100 (p99)")];
    Plot { title: TITLE, legend: with_kills(&names, numbers), svg: drawing.finish(), note: None }
}

/// The stretches of bins in which claims were sent.
fn runs(bins: &[Bin]) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for at in (0..bins.len()).filter(|at| bins[*at].p50.is_some()) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// A path through points; one alone is a point that a round pen shows.
fn through(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (at, (x, y)) in points.iter().enumerate() {
        add(&mut path, format_args!("{}{} {}", if at == 0 { "M" } else { "L" }, Px(*x), Px(*y)));
    }
    if points.len() == 1 {
        path.push_str("h0");
    }
    path
}

fn won(numbers: &Numbers, types: &[String]) -> Plot {
    const TITLE: &str = "Who won when";
    let winners = &numbers.winners;
    let arrival = |winner: &Winner| after_ms(winner.sent, numbers.opening);
    let shown = within_reach(winners, &arrival);
    let desc = format!(
        "A dot for each of {}: when its claim was sent, against its place among the accepted claims. \
         Where the first to come are the first served, the dots climb to the right.",
        counted(winners.len() as u64, "ticket", "tickets")
    );
    let mut drawing = Drawing::new("won", SIZE, TITLE, &desc);
    let mut names = Vec::new();
    if shown.is_empty() {
        empty(&mut drawing, "Nobody got a ticket.");
    } else {
        let (across, unit) = arrivals(&shown, &arrival);
        let most = shown.iter().map(|winner| winner.claim_no).max().unwrap_or(0);
        let up = Scale::linear(0.0, f64::from(most), (HEIGHTS.1 - 4.0, HEIGHTS.0));
        vertical(&mut drawing, &up);
        horizontal(
            &mut drawing,
            &across,
            unit.ms,
            &format!("{} after the opening: claim sent", unit.name),
        );
        for (class, name, group) in groups(&shown, types) {
            let places =
                group.iter().map(|one| (across.at(arrival(one)), up.at(f64::from(one.claim_no))));
            drawing.path(&format!("dot {class}"), &dots(&places.collect::<Vec<_>>()));
            names.push((class, name));
        }
    }
    let beyond = (winners.len() - shown.len()) as u64;
    let note = (beyond > 0).then(|| {
        let tickets = counted(beyond, "ticket", "tickets");
        format!("{tickets} only heard of later, by asking again, beyond the right edge.")
    });
    Plot { title: TITLE, legend: names, svg: drawing.finish(), note }
}

/// The winners without those who heard of their ticket so late that the others could not be told apart.
fn within_reach<'a>(winners: &'a [Winner], arrival: &dyn Fn(&Winner) -> f64) -> Vec<&'a Winner> {
    let at_once = winners.iter().filter(|winner| !winner.again).map(arrival);
    let (first, last) = at_once.fold((f64::INFINITY, f64::NEG_INFINITY), |(first, last), at| {
        (first.min(at), last.max(at))
    });
    let reach = if last > first { first + (last - first) * LATE_TIMES } else { f64::INFINITY };
    winners.iter().filter(|winner| !winner.again || arrival(winner) <= reach).collect()
}

fn arrivals(shown: &[&Winner], arrival: &dyn Fn(&Winner) -> f64) -> (Scale, Unit) {
    let first = shown.iter().map(|one| arrival(one)).fold(f64::INFINITY, f64::min);
    let last = shown.iter().map(|one| arrival(one)).fold(f64::NEG_INFINITY, f64::max);
    // From the opening, where the first winner came close enough to it.
    let from = if first > 0.0 && first < last / 2.0 { 0.0 } else { first };
    (Scale::linear(from, last, (SIDES.0 + 4.0, SIDES.1 - 4.0)), Unit::of(last - from))
}

type Group<'a> = (String, String, Vec<&'a Winner>);

/// By ticket type, and apart from them who heard of the ticket by asking again.
fn groups<'a>(shown: &[&'a Winner], types: &[String]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for at in 0..=types.len().min(TYPES_MAX) {
        let own = at < types.len().min(TYPES_MAX);
        let of = |winner: &Winner| {
            let colour = winner.ticket_type.filter(|at| *at < TYPES_MAX);
            !winner.again && if own { colour == Some(at) } else { colour.is_none() }
        };
        let name = if own { types[at].clone() } else { "other types".to_owned() };
        let class = if own { format!("type{at}") } else { "type-other".to_owned() };
        groups.push((class, name, shown.iter().copied().filter(|one| of(one)).collect()));
    }
    let again = shown.iter().copied().filter(|winner| winner.again).collect();
    groups.push(("again".to_owned(), "heard of by asking again".to_owned(), again));
    groups.retain(|(_, _, group)| !group.is_empty());
    groups
}

/// Dots, as points that a round pen shows.
fn dots(places: &[(f64, f64)]) -> String {
    let mut apart = DOT_APART;
    loop {
        let mut cells = HashSet::new();
        let cell = |place: f64| (place / apart).round() as i64;
        let distinct: Vec<_> =
            places.iter().filter(|(x, y)| cells.insert((cell(*x), cell(*y)))).collect();
        if distinct.len() <= DOTS_MAX {
            let mut path = String::new();
            for (x, y) in distinct {
                add(&mut path, format_args!("M{} {}h0", Px(*x), Px(*y)));
            }
            return path;
        }
        apart *= 2.0;
    }
}

/// What the claims were answered: class, name and number.
fn rows(numbers: &Numbers) -> Vec<(&'static str, String, u64)> {
    let claims = numbers.latencies.iter().filter(|one| one.kind == Kind::Claim);
    let of = |family| {
        claims.clone().filter(|one| one.family == family).map(|one| one.count).sum::<u64>()
    };
    let mut rows = vec![
        ("accepted", "a ticket".to_owned(), of(Family::Won)),
        ("accepted", "queued".to_owned(), of(Family::Queued)),
    ];
    let mut refused: Vec<_> = numbers.refused.iter().collect();
    refused.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (name, count) in refused {
        rows.push(("refused", refusal_name(*name).replace('_', " "), *count));
    }
    for (name, family) in [
        ("busy", Family::Busy),
        ("a fault", Family::Failed),
        ("no answer", Family::Lost),
        ("strange", Family::Strange),
    ] {
        rows.push(("other", name.to_owned(), of(family)));
    }
    rows.retain(|(_, _, count)| *count > 0);
    rows
}

fn answers(numbers: &Numbers) -> Plot {
    const TITLE: &str = "What claims were answered";
    let rows = rows(numbers);
    let words: Vec<String> =
        rows.iter().map(|(_, name, count)| format!("{name} {}", thousands(*count))).collect();
    let height = SIZE.1.min(ROWS_FROM + ROW * rows.len().max(3) as f64 + 8.0);
    let desc = format!("Answers to claims: {}.", words.join(", "));
    let mut drawing = Drawing::new("answers", (SIZE.0, height), TITLE, &desc);
    let most = rows.iter().map(|(_, _, count)| *count).max().unwrap_or(0);
    let across = Scale::linear(0.0, most as f64, BARS);
    let step = ROW.min((height - ROWS_FROM) / rows.len().max(1) as f64);
    for (at, (class, name, count)) in rows.iter().enumerate() {
        let top = ROWS_FROM + at as f64 * step;
        let middle = top + step / 2.0 + 4.0;
        let right = across.at(*count as f64).max(BARS.0 + 1.5);
        drawing.text("row", (BARS.0 - 8.0, middle), Anchor::End, name);
        let mut path = String::new();
        bar(&mut path, (BARS.0, right), (top + step - 5.0, top + 4.0));
        drawing.path(&format!("fill {class}"), &path);
        drawing.text("row count", (right + 6.0, middle), Anchor::Start, &thousands(*count));
    }
    if rows.is_empty() {
        drawing.text("meaning", (SIZE.0 / 2.0, height / 2.0), Anchor::Middle, "No claim was made.");
    }
    Plot { title: TITLE, legend: Vec::new(), svg: drawing.finish(), note: None }
}
