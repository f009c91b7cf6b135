//! What a run prints: the machine, the tables in Markdown, and the verdict of its checks.
//! Numbers are given with their spread, so that nobody reads more into them than is there.

use std::fmt::Write as _;
use std::process::Command;

use hdrhistogram::Histogram;

use super::checks::Checks;
use super::expiry::Round;
use super::load::Tally;
use super::many_claims::ManyClaims;
use super::measure::Measured;
use super::options::{Options, Part};
use super::overload::{KNOCKS_PER_S, Overload, ROOM, Slices};
use super::slow_sync::{CONNECTIONS, SlowSync};
use super::table::{Block, Contestant};
use super::webhooks::{self, Case, EVENTS, SEVERAL};
use crate::paths;

/// Median, least and most of what was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (Some(&least), Some(&most)) = (values.first(), values.last()) else {
            return Self { median: f64::NAN, least: f64::NAN, most: f64::NAN };
        };
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            0 => f64::midpoint(values[middle - 1], values[middle]),
            _ => values[middle],
        };
        Self { median, least, most }
    }

    fn ratio(self) -> String {
        format!("{:.2} ({:.2}-{:.2})", self.median, self.least, self.most)
    }
}

/// Which machine, which commit, which options.
pub fn machine(options: &Options) -> String {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(paths::root()).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        text.unwrap_or_default()
    };
    let field = |path: &str, name: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or(String::new(), |(_, value)| value.trim().to_owned())
    };
    let git = |arguments: &[&str]| said("git", &[&["-c", "safe.directory=*"], arguments].concat());
    let changed = if git(&["status", "--porcelain"]).is_empty() { "" } else { " with changes" };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        writeln!(text, "- {name}: {value}").expect("a String takes everything");
    };
    line("commit", &format!("{}{changed}", git(&["rev-parse", "--short=12", "HEAD"])));
    line("seed", "none, for nothing is drawn: people ask in the order of their numbers");
    line("cores", &format!("{cores}, shared by the server and the load generator"));
    line("CPU", &field("/proc/cpuinfo", "model name"));
    line("memory", &field("/proc/meminfo", "MemTotal"));
    line("kernel", &said("uname", &["-sr"]));
    let slices = format!("{} s, {} rounds", options.seconds, options.rounds);
    line("slices", &format!("{slices}, order rotating; {} people", options.users));
    text
}

/// A server that had less of its cores than this while it was asked without a pause shared them with somebody.
const UNDISTURBED: f64 = 0.9;

/// What those inside kept, and what those outside and the operators heard.
pub fn overload(found: &Overload) -> String {
    let rounds = || found.rounds.iter();
    let share = rounds().map(|(best, crowded)| crowded.tally.rate() / best.tally.rate());
    let by_cpu = rounds().map(|(best, crowded)| crowded.per_server_cpu() / best.per_server_cpu());
    let server = |slice: &Slices| slice.busy(slice.server_cpu);
    let others = |slice: &Slices| slice.busy(slice.tally.own_cpu + slice.crowd_cpu);
    let best = |busy: fn(&Slices) -> f64| Spread::of(rounds().map(|(best, _)| busy(best))).median;
    let crowded = |busy: fn(&Slices) -> f64| Spread::of(rounds().map(|(_, one)| busy(one))).median;
    let ms =
        |histogram: &Histogram<u64>, part: f64| histogram.value_at_quantile(part) as f64 / 1000.0;
    let disturbed = best(server) < UNDISTURBED * f64::from(found.cores.0);
    let note = match disturbed {
        true => {
            "\nSomething else used the server's cores: only the figure by its CPU means anything.\n"
        }
        false => "",
    };
    format!(
        "\n### Overload: room for {ROOM} connections, and {KNOCKS_PER_S} more knock each second\n\n\
         - requests/s of those inside, of what they got alone: {}\n\
         - the same for each second of the server's CPU: {}\n\
         - knocks a second, as they were: {:.0}\n\
         - cores kept busy: by the server {:.2} alone and {:.2} with the crowd, of its {}; \
         by everybody else {:.2} and {:.2}, of their {}\n\
         - those outside heard \"busy\" in: p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms\n\
         - operators and health checks were answered in: p50 {:.1} ms, p99 {:.1} ms\n{note}",
        Spread::of(share).ratio(),
        Spread::of(by_cpu).ratio(),
        found.knocked_per_s(),
        best(server),
        crowded(server),
        found.cores.0,
        best(others),
        crowded(others),
        found.cores.1,
        ms(&found.knocks.micros, 0.5),
        ms(&found.knocks.micros, 0.99),
        ms(&found.knocks.micros, 0.999),
        ms(&found.looks.micros, 0.5),
        ms(&found.looks.micros, 0.99),
    )
}

/// One table for each number of connections.
pub fn block(block: &Block) -> String {
    let mut text = format!(
        "\n### {} connections\n\n| | requests/s | of the plain no-op | CPU µs a request \
         | of the plain no-op | p50 ms | p99 ms | commits/s |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n",
        block.connections
    );
    let plain = &block.lines[0].slices;
    for line in &block.lines {
        text.push_str(&row(name(line.contestant), &line.slices, plain));
    }
    text.push_str(&own_cost(plain));
    text
}

/// What the load generator itself cost beside the plain no-op: were it dear, all ratios would look alike.
fn own_cost(plain: &[Measured]) -> String {
    let each = plain.iter().map(|slice| {
        slice.tally.own_cpu.as_secs_f64() * 1e6 / (slice.tally.answers().max(1) as f64)
    });
    format!("\nThe load generator used {:.1} µs of CPU a request.\n", Spread::of(each).median)
}

fn name(contestant: Contestant) -> &'static str {
    match contestant {
        Contestant::Plain => "plain axum no-op",
        Contestant::Ours(Part::Refusals) => "refusal of a sold-out activity",
        Contestant::Ours(Part::FirstRefusals) => "a person's first refusal, which is recorded",
        Contestant::Ours(Part::Claims) => "accepted claim, on disk before its answer",
        Contestant::Ours(Part::Holds) => "the same at a price: held",
        Contestant::Ours(Part::List) => "list of 20 activities",
        Contestant::Ours(Part::Detail) => "detail of an activity",
        Contestant::Ours(_) => "`/healthz` through all layers",
    }
}

/// The two tables of README.md: requests at each number of connections, and more about the middle one.
pub fn tables(blocks: &[Block]) -> String {
    let Some(middle) = blocks.get(blocks.len() / 2) else { return String::new() };
    let mut text = String::from("\n### The same as README.md has it\n\n");
    let heads = blocks.iter().map(|block| format!(" {} connections |", grouped(block.connections)));
    text += &format!("| requests/s, of a plain axum no-op |{}\n", heads.collect::<String>());
    text += &format!("|---|{}\n", "---:|".repeat(blocks.len()));
    for (at, line) in middle.lines.iter().enumerate().skip(1) {
        let cell = |block: &Block| {
            format!(" {} |", rate_ratio(&block.lines[at].slices, &block.lines[0].slices).ratio())
        };
        let cells: String = blocks.iter().map(cell).collect();
        text += &format!("| {} |{cells}\n", name(line.contestant));
    }
    let connections = grouped(middle.connections);
    text += &format!(
        "\n| at {connections} connections | server CPU a request, of the same | p50 | p99 |\n\
         |---|---:|---:|---:|\n"
    );
    let plain = &middle.lines[0].slices;
    for line in &middle.lines {
        let (p50, p99) = (ms(&line.slices, 0.50), ms(&line.slices, 0.99));
        let cpu = match line.contestant {
            Contestant::Plain => format!("1 ({:.1} µs)", cpu(plain).median),
            Contestant::Ours(_) => cpu_ratio(&line.slices, plain).ratio(),
        };
        text += &format!("| {} | {cpu} | {p50:.1} ms | {p99:.1} ms |\n", name(line.contestant));
    }
    text
}

/// A number with a comma before its last three digits.
fn grouped(number: usize) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    }
}

fn rate_ratio(slices: &[Measured], plain: &[Measured]) -> Spread {
    let rounds = slices.iter().zip(plain);
    Spread::of(rounds.map(|(one, noop)| one.tally.rate() / noop.tally.rate()))
}

fn cpu_ratio(slices: &[Measured], plain: &[Measured]) -> Spread {
    let rounds = slices.iter().zip(plain);
    Spread::of(rounds.map(|(one, noop)| one.cpu_micros / noop.cpu_micros))
}

fn cpu(slices: &[Measured]) -> Spread {
    Spread::of(slices.iter().map(|slice| slice.cpu_micros))
}

/// How long this share of the answers of all slices took at most, in milliseconds.
fn ms(slices: &[Measured], share: f64) -> f64 {
    let mut micros = slices[0].tally.micros.clone();
    for slice in &slices[1..] {
        micros.add(&slice.tally.micros).expect("all histograms have the same bounds");
    }
    micros.value_at_quantile(share) as f64 / 1000.0
}

fn row(name: &str, slices: &[Measured], plain: &[Measured]) -> String {
    let rate = Spread::of(slices.iter().map(|slice| slice.tally.rate())).median;
    let (rate_ratio, cpu_ratio) = (rate_ratio(slices, plain), cpu_ratio(slices, plain));
    let cpu = cpu(slices).median;
    let commits = Spread::of(slices.iter().filter_map(|slice| slice.commits_per_second)).median;
    // Heartbeats commit too, about once a second.
    let commits = if commits > 10.0 { format!("{commits:.0}") } else { String::new() };
    format!(
        "| {name} | {rate:.0} | {} | {cpu:.1} | {} | {:.2} | {:.2} | {commits} |\n",
        rate_ratio.ratio(),
        cpu_ratio.ratio(),
        ms(slices, 0.50),
        ms(slices, 0.99),
    )
}

/// Memory, flatness and restarts.
pub fn many_claims(found: &ManyClaims, options: &Options) -> String {
    let mut text = format!("\n### With {} claims in the ledger\n\n", found.claims);
    if let Some(memory) = found.memory.filter(|_| options.wants(Part::Memory)) {
        let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
        let each = memory.after.saturating_sub(memory.before) as f64 / found.claims.max(1) as f64;
        text += &format!(
            "- memory for each accepted claim: {each:.0} bytes (resident: {:.1} MiB before the import, \
             {:.1} after it, {:.1} after the claims)\n",
            mib(memory.before),
            mib(memory.imported),
            mib(memory.after),
        );
    }
    if !found.flat.is_empty() {
        let ratio = Spread::of(found.flat.iter().map(|(many, few)| many / few));
        let many = Spread::of(found.flat.iter().map(|(many, _)| *many)).median;
        let few = Spread::of(found.flat.iter().map(|(_, few)| *few)).median;
        text += &format!(
            "- claims a second, with them against with 1,000: {} ({many:.0} against {few:.0}; \
             each round beside a fresh server)\n",
            ratio.ratio()
        );
    }
    for (how, took) in &found.restarts {
        text += &format!("- from start to ready after {how}: {:.3} s\n", took.as_secs_f64());
    }
    text
}

/// The slow disk.
pub fn slow_sync(found: &SlowSync) -> String {
    let mut text = format!(
        "\n### 5 ms added to every sync, {CONNECTIONS} connections\n\n| | requests/s \
         | of the plain no-op | CPU µs a request | of the plain no-op | p50 ms | p99 ms | commits/s |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n"
    );
    let (plain, claims): (Vec<Measured>, Vec<Measured>) = found.rounds.iter().cloned().unzip();
    text += &row("plain axum no-op", &plain, &plain);
    text += &row("accepted claim, on the slow disk", &claims, &plain);
    let queued: u64 = claims.iter().map(|slice| slice.tally.queued).sum();
    if queued > 0 {
        text += &format!("\n{queued} answers said \"queued\".\n");
    }
    text
}

/// Many holds that expire in the same second.
pub fn expiry(rounds: &[Round]) -> String {
    let p99 = |tally: &Tally| tally.micros.value_at_quantile(0.99) as f64 / 1000.0;
    let quiet = Spread::of(rounds.iter().map(|round| p99(&round.quiet))).median;
    let busy = Spread::of(rounds.iter().map(|round| p99(&round.busy))).median;
    let ratio = Spread::of(rounds.iter().map(|round| p99(&round.busy) / p99(&round.quiet)));
    let back = Spread::of(rounds.iter().map(|round| round.back.as_secs_f64()));
    let holds = rounds.iter().map(|round| round.holds).min().unwrap_or(0);
    format!(
        "\n### {holds} holds that expire in the same second\n\n\
         - every unit back on sale, from the first deadline: {:.2} s ({:.2}-{:.2})\n\
         - p99 of claims meanwhile, of the quiet one: {} ({busy:.1} ms against {quiet:.1} ms)\n",
        back.median,
        back.least,
        back.most,
        ratio.ratio(),
    )
}

/// Facts on their way out, by case.
pub fn webhooks(found: &webhooks::Found) -> String {
    let mut text = format!("\n### {EVENTS} facts to a receiver on this machine\n\n");
    for (at, case) in webhooks::CASES.into_iter().enumerate() {
        let name = match case {
            Case::One => "of one activity".to_owned(),
            Case::BesideDead => "the same beside an endpoint that never answers".to_owned(),
            Case::Several => format!("of {SEVERAL} activities"),
        };
        let rate = Spread::of(found.iter().map(|round| round[at].rate));
        let ratio = Spread::of(found.iter().map(|round| round[at].rate / round[0].rate));
        let cpu = Spread::of(found.iter().map(|round| round[at].cpu_micros)).median;
        text += &format!(
            "- {name}: {:.0} a second ({:.0}-{:.0}), {} of the first; {cpu:.1} µs of the server's CPU each\n",
            rate.median,
            rate.least,
            rate.most,
            ratio.ratio(),
        );
    }
    text
}

/// The last words.
pub fn verdict(checks: &Checks) -> String {
    match checks.failed.as_slice() {
        [] => format!("\nxtask bench: all {} checks of the results held.\n", checks.held),
        failed => format!(
            "\nxtask bench: FAILED, {} of {} checks of the results did not hold:\n- {}\n",
            failed.len(),
            checks.held as usize + failed.len(),
            failed.join("\n- ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_median_with_both_ends() {
        let table = [
            (vec![3.0, 1.0, 2.0], [2.0, 1.0, 3.0]),
            (vec![4.0, 1.0, 2.0, 3.0], [2.5, 1.0, 4.0]),
            (vec![7.0], [7.0, 7.0, 7.0]),
        ];
        for (values, [median, least, most]) in table {
            assert_eq!(Spread::of(values), Spread { median, least, most });
        }
        assert!(Spread::of([]).median.is_nan());
    }

    #[test]
    fn numbers_of_connections_are_grouped() {
        for (number, expected) in [(64, "64"), (1_024, "1,024"), (8_192, "8,192")] {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn one_failed_check_changes_the_verdict() {
        let mut checks = Checks::default();
        checks.that(true, String::new);
        assert!(verdict(&checks).contains("all 1 checks"));
        checks.that(false, || "planted".to_owned());
        let words = verdict(&checks);
        assert!(words.contains("FAILED, 1 of 2") && words.contains("planted"), "{words}");
    }
}
