//! The text to the letter where it is small, its form everywhere, and sums that lose nothing.
//! What an operator is told of the metrics in `docs/operations.md` is compared with what is written.

use super::{counting::bounds_s, *};
use sale::Meter;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Barrier,
};

fn looked() -> Looked {
    let supply = sale::Supply { total: 10, available: 7, held: 1, sold: 2 };
    let units = vec![("movie-night".to_owned(), ActivityUnits { supply, unpaid: 1, waiting: 4 })];
    Looked { ready: true, pending: 3, memory_bytes: 4096, units }
}

/// The lines of one metric, HELP and TYPE first.
fn lines_of(text: &str, name: &str) -> String {
    let begin = text.find(&format!("# HELP {name} ")).expect("it is there");
    let rest = &text[begin..];
    let end = rest[1..].find("# HELP ").map_or(rest.len(), |at| at + 1);
    rest[..end].to_owned()
}

/// A sample's name, its labels as they stand between the braces, and its value.
fn sample(line: &str) -> (&str, &str, f64) {
    let (series, value) = line.rsplit_once(' ').expect("a series and a value");
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').expect("it is closed")),
        None => (series, ""),
    };
    (name, labels, value.parse().expect("a number"))
}

/// The names of labels, where no value holds a comma.
fn label_names(labels: &str) -> BTreeSet<&str> {
    labels.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name).collect()
}

#[test]
fn plain_numbers_are_written_to_the_letter() {
    let metrics = Metrics::default();
    for _ in 0..3 {
        metrics.connections.inc();
        metrics.connections_taken.inc();
    }
    metrics.connections.dec();
    metrics.committed(5, Duration::from_micros(150));
    let text = metrics.write(&looked());
    let expected = "\
# HELP firstcome_connections Open connections
# TYPE firstcome_connections gauge
firstcome_connections 2
# HELP firstcome_connections_taken_total Connections ever taken
# TYPE firstcome_connections_taken_total counter
firstcome_connections_taken_total 3
# HELP firstcome_connections_refused_total Connections told busy because too many were open
# TYPE firstcome_connections_refused_total counter
firstcome_connections_refused_total 0
# HELP firstcome_connections_expired_total Connections closed for being slow or without a request
# TYPE firstcome_connections_expired_total counter
firstcome_connections_expired_total 0
# HELP firstcome_ledger_commits_total Batches of claims committed
# TYPE firstcome_ledger_commits_total counter
firstcome_ledger_commits_total 1
# HELP firstcome_ledger_commit_seconds Time a commit of claims took
# TYPE firstcome_ledger_commit_seconds histogram
firstcome_ledger_commit_seconds_bucket{le=\"0.00005\"} 0
firstcome_ledger_commit_seconds_bucket{le=\"0.0001\"} 0
firstcome_ledger_commit_seconds_bucket{le=\"0.0002\"} 1
";
    assert!(text.contains(expected), "{text}");
    let end = "\
# HELP firstcome_units Units by activity and state
# TYPE firstcome_units gauge
firstcome_units{activity=\"movie-night\",state=\"available\"} 7
firstcome_units{activity=\"movie-night\",state=\"held\"} 1
firstcome_units{activity=\"movie-night\",state=\"sold\"} 2
# HELP firstcome_units_unpaid Units that unpaid orders hold, by activity
# TYPE firstcome_units_unpaid gauge
firstcome_units_unpaid{activity=\"movie-night\"} 1
# HELP firstcome_people_waiting People in waiting lists, by activity
# TYPE firstcome_people_waiting gauge
firstcome_people_waiting{activity=\"movie-night\"} 4
";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn what_became_of_orders_payments_and_notices_is_counted_by_its_name() {
    let metrics = Metrics::default();
    for state in [OrderState::Paid, OrderState::Paid, OrderState::Expired] {
        metrics.order_changed(state);
    }
    metrics.payment_changed(PaymentState::RefundDue);
    metrics.notice_refused(NoticeRefused::UnknownOrder.name());
    let text = metrics.write(&looked());
    for line in [
        "firstcome_order_changes_total{state=\"paid\"} 2",
        "firstcome_order_changes_total{state=\"expired\"} 1",
        "firstcome_order_changes_total{state=\"cancelled\"} 0",
        "firstcome_payments_total{state=\"refund_due\"} 1",
        "firstcome_notices_refused_total{reason=\"unknown_order\"} 1",
        "firstcome_notices_refused_total{reason=\"bad_signature\"} 0",
    ] {
        assert!(text.contains(&format!("\n{line}\n")), "{line}");
    }
}

#[test]
fn a_histogram_is_cumulative_and_its_last_bucket_is_its_count() {
    let times = Histogram::default();
    for millis in [1, 3, 3, 20_000] {
        times.observe(Duration::from_millis(millis));
    }
    let mut text = Text::default();
    let mut samples = text.metric(Kind::Histogram, "t_seconds", "How long");
    samples.histogram(&[("call", "a")], &times.counted());
    let text = text.finish();
    let mut expected = String::from("# HELP t_seconds How long\n# TYPE t_seconds histogram\n");
    let bounds = "0.00005 0.0001 0.0002 0.0004 0.0008 0.0016 0.0032 0.0064 0.0128 0.0256 0.0512 0.1024 \
                  0.2048 0.4096 0.8192 1.6384 3.2768 6.5536 13.1072 +Inf";
    let counts = [0, 0, 0, 0, 0, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4];
    for (bound, count) in bounds.split(' ').zip(counts) {
        expected += &format!("t_seconds_bucket{{call=\"a\",le=\"{bound}\"}} {count}\n");
    }
    expected += "t_seconds_sum{call=\"a\"} 20.007\nt_seconds_count{call=\"a\"} 4\n";
    assert_eq!(text, expected);
}

#[test]
fn a_bucket_includes_its_bound_and_nothing_above_it() {
    for (place, bound) in bounds_s().enumerate() {
        let bound = Duration::from_secs_f64(bound);
        for (took, expected) in [(bound, place), (bound + Duration::from_nanos(1), place + 1)] {
            let times = Histogram::default();
            times.observe(took);
            assert_eq!(times.counted().counts[expected], 1, "{took:?}");
        }
    }
    let times = Histogram::default();
    times.observe(Duration::ZERO);
    times.observe(Duration::from_secs(100_000));
    let counted = times.counted();
    assert_eq!((counted.counts[0], counted.counts[19], counted.total()), (1, 1, 2));
}

#[test]
fn label_values_are_escaped() {
    let table = [
        ("plain", "plain"),
        ("a\"b", "a\\\"b"),
        ("a\\b", "a\\\\b"),
        ("a\nb", "a\\nb"),
        ("\\n", "\\\\n"),
        ("抢{},= ", "抢{},= "),
    ];
    for (value, escaped) in table {
        let mut text = Text::default();
        text.metric(Kind::Gauge, "g", "h").value(&[("first", "1"), ("second", value)], 5);
        let expected =
            format!("# HELP g h\n# TYPE g gauge\ng{{first=\"1\",second=\"{escaped}\"}} 5\n");
        assert_eq!(text.finish(), expected);
    }
}

#[test]
fn every_ret_is_counted_under_its_own_name_and_others_together() {
    let metrics = Metrics::default();
    let strange = [i16::MIN, -504, -502, -12, 2, i16::MAX];
    for (times, ret) in (1..).zip(RETS) {
        for _ in 0..times {
            metrics.answered(Call::TicketGet, ret, Duration::ZERO);
        }
    }
    for ret in strange {
        metrics.answered(Call::TicketGet, ret, Duration::ZERO);
    }
    let text = metrics.write(&looked());
    let named = (1..).zip(RETS).map(|(times, ret)| (ret.to_string(), times));
    for (ret, times) in named.chain([("other".to_owned(), strange.len())]) {
        let line =
            format!("\nfirstcome_answers_total{{call=\"ticket_get\",ret=\"{ret}\"}} {times}\n");
        assert!(text.contains(&line), "{line}");
    }
    assert!(text.contains("\nfirstcome_answers_total{call=\"user\",ret=\"0\"} 0\n"));
}

#[test]
fn every_call_stands_at_its_own_place_with_its_own_name() {
    let names: BTreeSet<_> = CALLS.iter().map(|(_, name)| name).collect();
    assert_eq!(names.len(), CALLS.len());
    for (place, (call, name)) in CALLS.into_iter().enumerate() {
        assert_eq!(call as usize, place, "{name}");
    }
}

/// Once each thread is a core of its own, half of them beyond those of the machine, and once all are the same:
/// with a load and a store in place of the addition, these lose counts.
#[test]
fn sums_over_all_cores_lose_nothing() {
    let threads = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    for cores in [threads, 1] {
        answers_of_all_are_counted(threads, cores);
    }
}

fn answers_of_all_are_counted(threads: usize, cores: usize) {
    const ANSWERS: u64 = 1_000_000;
    let metrics = Metrics::default();
    let together = Barrier::new(threads);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (metrics, together) = (&metrics, &together);
            scope.spawn(move || {
                sale::enter_core(thread % cores);
                together.wait();
                for answer in 0..ANSWERS {
                    let ret = if answer % 4 == 0 { 0 } else { -2 };
                    metrics.answered(Call::TicketGet, ret, Duration::from_micros(40 + answer % 2));
                }
            });
        }
    });
    let all = threads as u64 * ANSWERS;
    let rets = metrics.rets(Call::TicketGet);
    assert_eq!((rets[place_of(0)], rets[place_of(-2)]), (all / 4, all / 4 * 3));
    assert_eq!(rets.iter().sum::<u64>(), all);
    let times = metrics.times(Call::TicketGet);
    assert_eq!((times.total(), times.counts[0], times.nanos), (all, all, all * 40_500));
    assert_eq!(metrics.rets(Call::ActList), [0; RETS.len() + 1]);
}

/// What each core writes, and what all cores read, are in cache lines apart.
#[test]
fn nothing_that_one_core_writes_is_in_a_line_of_another() {
    const LINES_BYTES: usize = 128;
    let metrics = Metrics::default();
    let place = |address: usize| address / LINES_BYTES;
    let cores: Vec<_> = metrics.answers.iter().map(|core| (&raw const *core).addr()).collect();
    for address in &cores {
        assert_eq!(address % LINES_BYTES, 0);
    }
    let pointer = place((&raw const metrics.answers).addr());
    let written = [
        (&raw const metrics.connections).addr(),
        (&raw const metrics.connections_taken).addr(),
        (&raw const metrics.connections_refused).addr(),
        (&raw const metrics.commits).addr(),
        (&raw const metrics.committed).addr(),
        (&raw const metrics.recoveries).addr(),
    ];
    let lines: BTreeSet<_> = written.into_iter().chain(cores.iter().copied()).map(place).collect();
    assert_eq!(lines.len(), written.len() + cores.len());
    assert!(!lines.contains(&pointer));
    let commits_end = (&raw const metrics.commits).addr() + size_of_val(&metrics.commits) - 1;
    assert!(!(place(written[3])..=place(commits_end)).contains(&pointer));
}

/// The rules of the format that a scraper relies on, for everything that is ever written.
#[test]
fn every_line_has_the_form_that_prometheus_reads() {
    let text = Metrics::default().write(&looked());
    assert!(text.ends_with('\n') && !text.contains("\n\n"));
    let (mut known, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let (mut name, mut kind, mut helped) = ("", "", "");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            helped = rest.split_once(' ').expect("a help text").0;
            assert!(!rest.contains('\\'), "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            (name, kind) = rest.split_once(' ').expect("a kind");
            assert_eq!(helped, name, "HELP stands before TYPE");
            assert!(known.insert(name), "{name} comes in one piece");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
            assert_eq!(kind == "histogram", name.ends_with("_seconds"), "{name}");
        } else {
            let (series, labels, value) = sample(line);
            let suffix = series.strip_prefix(name).expect("samples follow their TYPE");
            let fitting: &[&str] = match kind {
                "histogram" => &["_bucket", "_sum", "_count"],
                "counter" | "gauge" => &[""],
                other => panic!("{other} is not written here"),
            };
            assert!(fitting.contains(&suffix), "{line}");
            assert!(value.is_finite() && seen.insert((series, labels)), "{line}");
        }
    }
    assert_eq!(known.len(), 19);
}

/// The table under "Metrics" has every metric with its labels, no other, and says which are histograms.
#[test]
fn the_operators_guide_lists_every_metric_with_its_labels() {
    let text = Metrics::default().write(&looked());
    let mut written = BTreeMap::new();
    for kind in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = kind.split_once(' ').expect("a kind");
        let lines = lines_of(&text, name);
        let samples = lines.lines().filter(|line| !line.starts_with('#'));
        let labels: BTreeSet<String> =
            samples.flat_map(|line| label_names(sample(line).1)).map(str::to_owned).collect();
        let labels = labels.into_iter().filter(|label| label != "le").collect::<Vec<_>>().join(",");
        written.insert(name.to_owned(), (labels, kind == "histogram"));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
    let guide = std::fs::read_to_string(path).expect("the guide is there");
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| `firstcome_"));
    let told: BTreeMap<_, _> = rows
        .map(|row| {
            let (series, row) = row.split_once("` |").expect("a column of names");
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let labels = labels.trim_end_matches('}').to_owned();
            let meaning = row.split('|').next().expect("a column of meanings");
            (format!("firstcome_{name}"), (labels, meaning.contains("as a histogram")))
        })
        .collect();
    assert_eq!(told, written);
}
