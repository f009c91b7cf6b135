//! The report as a text for a terminal: the verdict, the findings, the numbers, what was learnt. No line that
//! this writes is longer than a hundred columns; a finding is wrapped at the words.

use super::{
    Conclusion, Report, Standing,
    figures::{counted, duration, short, thousands},
    lesson, number,
    numbers::{Latency, refusal_name},
    title,
};
use jiff::Timestamp;
use std::fmt::Write;

/// Columns of a line.
const COLUMNS: usize = 96;
/// Columns of the promises' names.
const TITLE_COLUMNS: usize = 36;

/// The whole text.
pub fn text(report: &Report<'_>) -> String {
    let mut out = String::new();
    wrapped(&mut out, "", &format!("{} {}", report.headline().to_uppercase(), report.summary()));
    out.push('\n');
    for standing in &report.standings {
        promise(&mut out, standing);
    }
    findings(&mut out, report);
    notes(&mut out, report);
    answers(&mut out, report);
    paying(&mut out, report);
    ledger(&mut out, report);
    latencies(&mut out, report);
    facts(&mut out, report);
    learnt(&mut out, report);
    out
}

fn promise(out: &mut String, standing: &Standing) {
    let word = match standing.conclusion() {
        Conclusion::Held => "PASS",
        Conclusion::Broken => "FAIL",
        Conclusion::NothingLookedAt => " -  ",
    };
    let things = standing.things();
    let basis = match (standing.findings, things) {
        (0, 0) => "  nothing to look at".to_owned(),
        (0, _) => format!("{:>9} looked at", thousands(things)),
        (many, _) => {
            let findings = counted(many, "finding", "findings");
            format!("{:>9} looked at, {findings}", thousands(things))
        }
    };
    let (number, title) = (number(standing.promise), title(standing.promise));
    let _ = writeln!(out, "  {word}  {number} {title:TITLE_COLUMNS$} {basis}");
}

fn heading(out: &mut String, words: &str) {
    let _ = write!(out, "\n{words}\n");
}

fn findings(out: &mut String, report: &Report<'_>) {
    if report.findings.is_empty() {
        return;
    }
    heading(out, "Findings");
    for finding in &report.findings {
        let said = format!("{} {}: {}", number(finding.promise), finding.check, finding.what);
        wrapped(out, "  ", &said);
    }
    if report.more > 0 {
        let _ = writeln!(out, "  and {} more", thousands(report.more));
    }
}

fn notes(out: &mut String, report: &Report<'_>) {
    let notes = remarks(report);
    if !notes.is_empty() {
        heading(out, "To be known");
        for note in &notes {
            wrapped(out, "  ", note);
        }
    }
}

/// What a reader has to know beside the numbers.
pub fn remarks(report: &Report<'_>) -> Vec<String> {
    let facts = report.facts;
    let mut notes = facts.notes.clone();
    if facts.stopped {
        notes.insert(0, "The crowd was sent home before the end of the sale.".to_owned());
    }
    if facts.unsent > 0 {
        let requests = counted(facts.unsent, "request was", "requests were");
        notes.push(format!("{requests} never sent: no connection was to be had."));
    }
    notes
}

fn answers(out: &mut String, report: &Report<'_>) {
    let numbers = &report.numbers;
    heading(out, "Claims");
    let went = numbers.winners.len() as u64;
    let units = format!("{} of {} went", thousands(went), thousands(numbers.units));
    let last =
        numbers.last_unit_ms.map(|ms| format!(", the last {} after the opening", duration(ms)));
    row(out, "units", &format!("{units}{}", last.unwrap_or_default()));
    let refused = numbers.refused.iter();
    let refused: Vec<String> = refused
        .map(|(name, count)| format!("{} {}", refusal_name(*name), thousands(*count)))
        .collect();
    let refused = if refused.is_empty() { "none".to_owned() } else { refused.join(", ") };
    row(out, "refused", &refused);
    row(out, "other answers", &troubles(report));
    let rates = numbers.rates;
    let rate = format!(
        "{} at the busiest ({} accepted), {} on average",
        short(rates.all_peak),
        short(rates.accepted_peak),
        short(rates.all_mean)
    );
    row(out, "claims a second", &rate);
}

/// Queued, busy, faults, lost and strange, in words.
pub fn troubles(report: &Report<'_>) -> String {
    let (numbers, troubles) = (&report.numbers, &report.numbers.troubles);
    let strange = troubles.strange.iter().map(|((status, ret), count)| {
        let ret = ret.map(|ret| format!(" ret {ret}")).unwrap_or_default();
        (format!("strange (HTTP {status}{ret})"), *count)
    });
    let counts = [
        ("queued", numbers.queued),
        ("busy", troubles.busy),
        ("busy without Retry-After", troubles.busy_without_retry_after),
        ("faults without effect", troubles.failed_none),
        ("faults with unknown effect", troubles.failed_unknown),
        ("no answer heard", troubles.lost),
    ];
    let counts = counts.into_iter().map(|(name, count)| (name.to_owned(), count));
    let some = counts.chain(strange.take(STRANGE_MAX)).filter(|(_, count)| *count > 0);
    let some: Vec<String> =
        some.map(|(name, count)| format!("{name} {}", thousands(count))).collect();
    let words = if some.is_empty() { "none".to_owned() } else { some.join(", ") };
    report.on_purpose().map_or_else(|| words.clone(), |why| format!("{words} ({why})"))
}

/// Kinds of strange answers that are told apart in words.
const STRANGE_MAX: usize = 8;

fn row(out: &mut String, name: &str, value: &str) {
    wrapped(out, &format!("  {name:16} "), value);
}

fn paying(out: &mut String, report: &Report<'_>) {
    let Some(paying) = &report.paying else { return };
    heading(out, "Paying");
    for (name, value) in paying.rows() {
        row(out, name, &value);
    }
}

/// What the ledger says of itself, line by line as `firstcome check` prints it.
fn ledger(out: &mut String, report: &Report<'_>) {
    let Some(ledger) = &report.facts.ledger else { return };
    heading(out, "The ledger, once the server had stopped (firstcome check)");
    for line in ledger.report.lines() {
        let _ = writeln!(out, "{}", format!("  {line}").trim_end());
    }
}

fn latencies(out: &mut String, report: &Report<'_>) {
    let rows = &report.numbers.latencies;
    if rows.is_empty() {
        return;
    }
    heading(out, "From request to answer, in ms");
    let head = ["count", "p50", "p90", "p99", "p99.9", "max"];
    let _ = write!(out, "  {:8} {:9}", "call", "answer");
    for name in head {
        let _ = write!(out, " {name:>10}");
    }
    out.push('\n');
    for row in rows {
        let Latency { kind, family, count, p50, p90, p99, p99_9, max } = *row;
        let _ = write!(out, "  {:8} {:9} {:>10}", kind.name(), family.name(), thousands(count));
        for value in [p50, p90, p99, p99_9, max] {
            let _ = write!(out, " {:>10}", short(value));
        }
        out.push('\n');
    }
}

fn facts(out: &mut String, report: &Report<'_>) {
    heading(out, "The rehearsal");
    for (name, value) in particulars(report) {
        row(out, name, &value);
    }
}

/// The facts of the run, by name.
pub fn particulars(report: &Report<'_>) -> Vec<(&'static str, String)> {
    let (facts, numbers) = (report.facts, &report.numbers);
    let types = report.history.announced.types.iter();
    let types: Vec<String> = types
        .take(TYPES_MAX)
        .map(|one| {
            let units = counted(one.stock.into(), "unit", "units");
            let codes = if one.codes.is_empty() { "" } else { " with codes" };
            format!("{} ({units}{codes})", one.id)
        })
        .collect();
    let mix = |mix: &[(String, u32)]| {
        let some = mix.iter().filter(|(_, share)| *share > 0);
        some.map(|(name, share)| format!("{name} {share}")).collect::<Vec<_>>().join(", ")
    };
    let ms = |moment: crate::history::Micros| moment.0 as f64 / 1e3;
    let late = facts.late;
    let mut rows = vec![
        ("server", facts.server.clone()),
        ("activity", report.history.announced.activity.clone()),
        ("ticket types", types.join(", ")),
        ("crowd", crowd(report)),
        ("calls", format!("{} in {}", thousands(numbers.calls), duration(numbers.seconds * 1e3))),
        (
            "sent late by",
            format!("{} (p50), {} (p99)", duration(ms(late.p50)), duration(ms(late.p99))),
        ),
        ("killed", numbers.kills.words(facts.kept_out).unwrap_or_default()),
        ("mix, in 1,000", mix(&facts.mix)),
        ("payers' mix", mix(&facts.pay_mix)),
        ("seed", facts.seed.to_string()),
        ("machine", facts.machine.clone()),
        ("version", facts.version.clone()),
        ("began", utc(facts.began_at)),
        ("again with", facts.command.clone()),
    ];
    rows.retain(|(_, value)| !value.is_empty());
    rows
}

/// Ticket types that are named.
const TYPES_MAX: usize = 8;

fn crowd(report: &Report<'_>) -> String {
    let people = counted(report.numbers.people, "person", "people");
    let claimants = thousands(report.claimants);
    let connections = counted(report.facts.connections, "connection", "connections");
    format!("{people}, of whom {claimants} claimed, over {connections}")
}

/// A moment in unix seconds as a date and time in UTC; one beyond the calendar is shown as its end.
fn utc(seconds: u64) -> String {
    let moment = i64::try_from(seconds).ok().and_then(|s| Timestamp::from_second(s).ok());
    moment.unwrap_or(Timestamp::MAX).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn learnt(out: &mut String, report: &Report<'_>) {
    let Some(learnt) = report.learnt else { return };
    heading(out, "What this machine takes");
    for sentence in lesson::sentences(learnt) {
        wrapped(out, "  ", &sentence);
    }
    heading(out, "For the configuration file");
    for line in lesson::fragment(learnt).lines() {
        let _ = writeln!(out, "{}", format!("  {line}").trim_end());
    }
}

/// Writes words in lines of at most [`COLUMNS`]; the first begins with `lead`, the others under its end.
fn wrapped(out: &mut String, lead: &str, words: &str) {
    let indent = lead.chars().count();
    let (mut column, mut fresh) = (indent, true);
    out.push_str(lead);
    for word in words.split_whitespace() {
        let wide = word.chars().count();
        if !fresh && column + 1 + wide > COLUMNS {
            let _ = write!(out, "\n{:indent$}", "");
            (column, fresh) = (indent, true);
        }
        if !fresh {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += wide;
        fresh = false;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        let mut out = String::new();
        wrapped(&mut out, "  ", &"word ".repeat(40));
        assert!(out.lines().all(|line| line.chars().count() <= COLUMNS && line.starts_with("  w")));
        assert_eq!(out.matches("word").count(), 40);
    }
}
