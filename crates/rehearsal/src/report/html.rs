//! The report as one HTML file: no script, no other host, nothing to load. Texts get into it escaped, or not at all.
//! The verdict stands first; the plots, numbers and facts behind it follow.

use super::{
    Conclusion, Report, Standing,
    figures::{counted, duration, short, thousands},
    lesson, number,
    numbers::Latency,
    pay_plot,
    plots::{Plot, plots},
    svg::{Text, add},
    text::{particulars, remarks, troubles},
    title,
};
use crate::{check::CHECKS, http::Capacity, verdict::Promise};

/// The one style.
const STYLE: &str = include_str!("style.css");

/// What the page may do, where a browser is asked to open it: show its own style, and nothing else.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The whole file.
pub fn html(report: &Report<'_>) -> String {
    let mut out = String::new();
    let headline = report.headline();
    add(
        &mut out,
        format_args!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
             <title>Rehearsal: {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
            Text(POLICY),
            Text(&headline)
        ),
    );
    verdict(&mut out, report, &headline);
    out.push_str("<main>\n");
    promises(&mut out, report);
    findings(&mut out, report);
    notes(&mut out, report);
    drawings(&mut out, report);
    paying(&mut out, report);
    ledger(&mut out, report);
    latencies(&mut out, report);
    learnt(&mut out, report);
    facts(&mut out, report);
    out.push_str("</main>\n");
    add(
        &mut out,
        format_args!(
            "<footer>Written by firstcome {}. It was judged from what the crowd was answered and from the \
             exports afterwards, not from what the server says of itself.</footer>\n</body>\n</html>\n",
            Text(&report.facts.version)
        ),
    );
    out
}

fn verdict(out: &mut String, report: &Report<'_>, headline: &str) {
    let held = report.standings.iter().filter(|one| one.conclusion() == Conclusion::Held).count();
    let broken = report.standings.iter().filter(|one| one.findings > 0).count();
    let (figure, word) = match report.conclusion {
        Conclusion::Broken => (broken, "broken"),
        Conclusion::Held | Conclusion::NothingLookedAt => (held, "held"),
    };
    let judged = report.standings.len();
    add(
        out,
        format_args!(
            "<header>\n<div class=\"stub {}\">\n<div class=\"side\"><span class=\"big\">{figure}/{judged}</span> \
             <span>promises {word}</span></div>\n<div class=\"main\">\n<p class=\"eyebrow\">Rehearsal of {}</p>\n\
             <h1>{}</h1>\n<p class=\"lead\">{}</p>\n",
            report.conclusion.name(),
            Text(&report.facts.server),
            Text(headline),
            Text(&report.summary())
        ),
    );
    out.push_str("<dl class=\"figures\">\n");
    for (name, value) in figures(report) {
        add(out, format_args!("<div><dt>{}</dt><dd>{}</dd></div>\n", Text(name), Text(&value)));
    }
    out.push_str("</dl>\n</div>\n</div>\n</header>\n");
}

/// The figures of the header.
fn figures(report: &Report<'_>) -> [(&'static str, String); 4] {
    let numbers = &report.numbers;
    let won = numbers.latencies.iter().find(|one| {
        (one.kind, one.family) == (super::numbers::Kind::Claim, super::numbers::Family::Won)
    });
    let winner = won.map_or_else(|| "–".to_owned(), |one| duration(one.p99));
    [
        ("people", thousands(numbers.people)),
        ("calls", thousands(numbers.calls)),
        ("claims a second, at the busiest", short(numbers.rates.all_peak)),
        ("99 of 100 winners knew within", winner),
    ]
}

fn promises(out: &mut String, report: &Report<'_>) {
    out.push_str("<section>\n<h2>The promises</h2>\n<ol class=\"promises\">\n");
    for standing in &report.standings {
        promise(out, standing);
    }
    out.push_str("</ol>\n</section>\n");
}

fn promise(out: &mut String, standing: &Standing) {
    let conclusion = standing.conclusion();
    let word = match conclusion {
        Conclusion::Held => "held".to_owned(),
        Conclusion::Broken => counted(standing.findings, "finding", "findings"),
        Conclusion::NothingLookedAt => "nothing to look at".to_owned(),
    };
    add(
        out,
        format_args!(
            "<li class=\"{}\"><div class=\"row\"><h3>{}. {}</h3><span class=\"word\">{word}</span></div>\n",
            conclusion.name(),
            number(standing.promise),
            Text(title(standing.promise))
        ),
    );
    if standing.things() > 0 {
        let things = counted(standing.things(), "thing", "things");
        let checks = counted(standing.looked_at.len() as u64, "check", "checks");
        add(out, format_args!("<details><summary>{things} looked at by {checks}</summary>\n"));
        checks_of(out, standing);
        out.push_str("</details>\n");
    }
    out.push_str("</li>\n");
}

fn checks_of(out: &mut String, standing: &Standing) {
    out.push_str("<ul class=\"checks\">\n");
    for (check, count) in &standing.looked_at {
        let says = CHECKS.iter().find(|(name, ..)| name == check).map_or(*check, |(.., says)| says);
        let count = thousands(*count);
        add(
            out,
            format_args!("<li><span>{}</span><span class=\"n\">{count}</span></li>\n", Text(says)),
        );
    }
    out.push_str("</ul>\n");
}

fn findings(out: &mut String, report: &Report<'_>) {
    if report.findings.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>What was found</h2>\n<ul class=\"findings\">\n");
    for finding in &report.findings {
        let promise: Promise = finding.promise;
        add(
            out,
            format_args!(
                "<li><b>{}. {}</b> <code>{}</code><br>{}</li>\n",
                number(promise),
                Text(title(promise)),
                Text(finding.check),
                Text(&finding.what)
            ),
        );
    }
    out.push_str("</ul>\n");
    if report.more > 0 {
        add(out, format_args!("<p>And {} more.</p>\n", thousands(report.more)));
    }
    out.push_str("</section>\n");
}

fn notes(out: &mut String, report: &Report<'_>) {
    let notes = remarks(report);
    if notes.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>To be known</h2>\n<ul>\n");
    for note in &notes {
        add(out, format_args!("<li>{}</li>\n", Text(note)));
    }
    out.push_str("</ul>\n</section>\n");
}

fn drawings(out: &mut String, report: &Report<'_>) {
    let types: Vec<String> =
        report.history.announced.types.iter().map(|one| one.id.clone()).collect();
    out.push_str("<section>\n<h2>How it went</h2>\n<div class=\"plots\">\n");
    for plot in plots(report, &types) {
        figure(out, &plot);
    }
    out.push_str("</div>\n</section>\n");
}

fn figure(out: &mut String, plot: &Plot) {
    let Plot { title, legend, svg, note } = plot;
    let (title, key) = (Text(title), key(legend));
    add(out, format_args!("<figure>\n<figcaption><h3>{title}</h3>\n{key}</figcaption>\n{svg}\n"));
    if let Some(note) = note {
        add(out, format_args!("<p class=\"note\">{}</p>\n", Text(note)));
    }
    out.push_str("</figure>\n");
}

/// What the ledger says of itself.
fn ledger(out: &mut String, report: &Report<'_>) {
    let Some(ledger) = &report.facts.ledger else { return };
    out.push_str("<section>\n<h2>The ledger, once the server had stopped</h2>\n");
    add(out, format_args!("<pre>{}</pre>\n</section>\n", Text(&ledger.report)));
}

fn paying(out: &mut String, report: &Report<'_>) {
    let Some(paying) = &report.paying else { return };
    out.push_str("<section>\n<h2>Paying</h2>\n<div class=\"plots\">\n");
    figure(out, &pay_plot::plot(paying));
    out.push_str("<dl class=\"facts\">\n");
    for (name, value) in paying.rows() {
        add(out, format_args!("<dt>{}</dt><dd>{}</dd>\n", Text(name), Text(&value)));
    }
    out.push_str("</dl>\n</div>\n</section>\n");
}

/// What the colours of a plot mean.
fn key(legend: &[(String, String)]) -> String {
    let mut out = String::new();
    for (class, name) in legend {
        add(&mut out, format_args!("<li><span class=\"key {class}\"></span>{}</li>", Text(name)));
    }
    if out.is_empty() { out } else { format!("<ul class=\"legend\">{out}</ul>") }
}

fn latencies(out: &mut String, report: &Report<'_>) {
    let numbers = &report.numbers;
    out.push_str("<section>\n<h2>From request to answer</h2>\n");
    table(
        out,
        "In milliseconds",
        &["call", "answer"],
        &["count", "p50", "p90", "p99", "p99.9", "max"],
    );
    for row in &numbers.latencies {
        let Latency { kind, family, count, p50, p90, p99, p99_9, max } = *row;
        add(
            out,
            format_args!("<tr><th scope=\"row\">{}</th><td>{}</td>", kind.name(), family.name()),
        );
        add(out, format_args!("<td class=\"n\">{}</td>", thousands(count)));
        for value in [p50, p90, p99, p99_9, max] {
            add(out, format_args!("<td class=\"n\">{}</td>", short(value)));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
    add(
        out,
        format_args!(
            "<p class=\"note\">Other answers: {}.</p>\n</section>\n",
            Text(&troubles(report))
        ),
    );
}

/// Opens a table with these columns of words and of numbers.
fn table(out: &mut String, caption: &str, words: &[&str], numbers: &[&str]) {
    add(
        out,
        format_args!(
            "<div class=\"scroll\"><table>\n<caption>{}</caption>\n<thead><tr>",
            Text(caption)
        ),
    );
    for name in words {
        add(out, format_args!("<th scope=\"col\">{}</th>", Text(name)));
    }
    for name in numbers {
        add(out, format_args!("<th scope=\"col\" class=\"n\">{}</th>", Text(name)));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
}

fn learnt(out: &mut String, report: &Report<'_>) {
    let Some(learnt) = report.learnt else { return };
    out.push_str("<section>\n<h2>What this machine takes</h2>\n");
    for sentence in lesson::sentences(learnt) {
        add(out, format_args!("<p>{}</p>\n", Text(&sentence)));
    }
    for (what, _, capacity) in lesson::measured(learnt) {
        rungs(out, what, capacity);
    }
    out.push_str("<h3 class=\"apart\">For the configuration file</h3>\n");
    add(out, format_args!("<pre>{}</pre>\n</section>\n", Text(&lesson::fragment(learnt))));
}

fn rungs(out: &mut String, what: &str, capacity: &Capacity) {
    if capacity.rungs.is_empty() {
        return;
    }
    out.push_str("<details>\n");
    add(out, format_args!("<summary>{}: every rate that was tried</summary>\n", Text(what)));
    table(
        out,
        "Requests a second, and milliseconds",
        &[],
        &["offered", "answered", "p50", "p99", "max"],
    );
    for rung in &capacity.rungs {
        let rates = [rung.offered_per_s, rung.answered_per_s].map(|rate| thousands(rate.into()));
        let times = [rung.p50, rung.p99, rung.max].map(|moment| short(moment.0 as f64 / 1e3));
        out.push_str("<tr>");
        for cell in rates.iter().chain(&times) {
            add(out, format_args!("<td class=\"n\">{cell}</td>"));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n</details>\n");
}

fn facts(out: &mut String, report: &Report<'_>) {
    out.push_str("<section>\n<h2>The rehearsal</h2>\n<dl class=\"facts\">\n");
    for (name, value) in particulars(report) {
        add(out, format_args!("<dt>{}</dt><dd>{}</dd>\n", Text(name), Text(&value)));
    }
    out.push_str("</dl>\n</section>\n");
}
