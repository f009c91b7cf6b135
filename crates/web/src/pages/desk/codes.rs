//! Adding codes to a ticket type by pasting or by file, with the report of what went in.
//! No code is shown again but in the form it was pasted into; the report names lines.

use super::{
    entry,
    fields::Fields,
    pasted::{self, Pasted},
    telling,
};
use crate::{
    cold::{Asked, Takes, blocking, desk_problem},
    envelope::{Problem, Reply},
    language::Language,
    pages::{
        Pages,
        frame::{Frame, see_other, to, with_status},
    },
};
use askama::Template;
use axum::Router;
use http::StatusCode;
use sale::{
    CodesAdded, Entry, Operator, UnitKind,
    files::{CodesFormat, FileLimits, Reason, RejectedLine, read_codes},
};
use std::sync::Arc;

/// Lines of a report that are named one by one.
const LINES_SHOWN_MAX: usize = 50;
/// Codes that an address may say were added.
const ADDED_MAX: u64 = 1_000_000_000;

/// The routes of codes.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/desk/act/{id}/codes"), pages.form(Takes::Import, form, sent))
}

#[derive(Template)]
#[template(path = "desk/codes.html")]
struct Codes {
    f: Frame,
    id: String,
    act_name: String,
    closed: bool,
    kinds: Vec<Kind>,
    chosen: String,
    text: String,
    wrong: Option<String>,
    report: Option<Report>,
}

struct Kind {
    id: String,
    name: String,
    total: u32,
    available: u32,
}

/// What went in.
#[derive(Default)]
struct Report {
    added: u64,
    /// Lines whose code is in the ledger already, or stands above.
    existing: Vec<u32>,
    existing_count: usize,
    understood: String,
    rejected: Vec<String>,
}

impl Report {
    fn existing_lines(&self) -> String {
        let lines: Vec<String> = self.existing.iter().map(ToString::to_string).collect();
        let more = if self.existing_count > lines.len() { " …" } else { "" };
        format!("{}{more}", lines.join(", "))
    }
}

async fn form(asked: Asked) -> Result<Reply, Problem> {
    asked.operator().await?;
    let entry = entry(&asked)?;
    let params = asked.params()?;
    let chosen = params.get("typeId").unwrap_or_default().to_owned();
    let added = params.number("added", 0, ADDED_MAX)?;
    let report = added.map(|added| Report { added, ..Report::default() });
    Ok(shown(&asked, StatusCode::OK, &Codes { report, ..new(&asked, &entry, chosen) }))
}

async fn sent(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let entry = entry(&asked)?;
    blocking(move || {
        let mut fields = Fields::of(&asked)?;
        let text = fields.take("codes").unwrap_or_default();
        let chosen = fields.take("typeId").unwrap_or_default();
        add(&asked, &operator, &entry, chosen, text)
    })
    .await?
}

fn add(
    asked: &Asked,
    operator: &Operator,
    entry: &Arc<Entry>,
    chosen: String,
    text: String,
) -> Result<Reply, Problem> {
    let language = asked.language;
    let refused = |wrong: String, text: String| {
        let filled = Codes { wrong: Some(wrong), text, ..new(asked, entry, chosen.clone()) };
        Ok(shown(asked, StatusCode::BAD_REQUEST, &filled))
    };
    let pasted = match pasted::codes(&text) {
        Ok(pasted) if pasted.items.is_empty() => {
            return refused(language.pick("paste the codes here", "请粘贴兑换码").to_owned(), text);
        }
        Ok(pasted) => pasted,
        Err(fault) => return refused(telling::paste_fault(&fault, language), text),
    };
    let (good, rejected) = judge(&pasted);
    let codes: Vec<String> = good.iter().map(|(_, code)| code.clone()).collect();
    let id = &entry.activity.id;
    let added = match asked.app.sale.add_codes(id, &chosen, &codes, operator) {
        Ok(added) => added,
        Err(other) => {
            let problem = desk_problem(asked, other);
            let ret = problem.reply(language).ret;
            asked.audit(operator, "admin/codes/import", id, format!("ret {ret}"));
            return refused(problem.message(language), text);
        }
    };
    let report = Report::new(&added, &good, &rejected, &pasted, language);
    if report.rejected.is_empty() && report.existing_count == 0 {
        let path = format!("/desk/act/{id}/codes?typeId={chosen}&added={}", report.added);
        return Ok(see_other(&to(language, &path)));
    }
    // What did not go in is told beside what was pasted. Sending it again adds nothing twice.
    let filled = Codes { text, report: Some(report), ..new(asked, entry, chosen.clone()) };
    Ok(shown(asked, StatusCode::OK, &filled))
}

/// The codes that can go in with their lines, and the lines that hold none.
fn judge(pasted: &Pasted<String>) -> (Vec<(u32, String)>, Vec<RejectedLine>) {
    // One line for each item: what has lines of its own is no code and must not become several.
    let plain = |code: &String| if code.contains('\n') { "\u{1}".to_owned() } else { code.clone() };
    let text = pasted.items.iter().map(plain).collect::<Vec<_>>().join("\n");
    let read = read_codes(text.as_bytes(), CodesFormat::Plain, &FileLimits::DEFAULT);
    let line = |at: u32| pasted.lines.get(at as usize - 1).copied().unwrap_or(at);
    let good = read.codes.into_iter().map(|one| (line(one.line), one.code)).collect();
    let empty = pasted.items.iter().zip(&pasted.lines).filter(|(code, _)| code.is_empty());
    let mut rejected: Vec<RejectedLine> =
        empty.map(|(_, line)| RejectedLine { line: *line, reason: Reason::Empty }).collect();
    let others = read.rejected.into_iter();
    rejected.extend(others.map(|one| RejectedLine { line: line(one.line), ..one }));
    rejected.sort_by_key(|one| one.line);
    (good, rejected)
}

impl Report {
    fn new(
        added: &CodesAdded,
        good: &[(u32, String)],
        rejected: &[RejectedLine],
        pasted: &Pasted<String>,
        language: Language,
    ) -> Self {
        let existing = added.duplicates.iter().filter_map(|at| good.get(*at));
        let told = |one: &RejectedLine| match language {
            Language::En => format!("line {}: {}", one.line, one.reason.en()),
            Language::Zh => format!("第 {} 行：{}", one.line, one.reason.zh()),
        };
        Self {
            added: added.added.into(),
            existing: existing.map(|(line, _)| *line).take(LINES_SHOWN_MAX).collect(),
            existing_count: added.duplicates.len(),
            understood: telling::understood(&pasted.understood, language),
            rejected: rejected.iter().map(told).take(LINES_SHOWN_MAX).collect(),
        }
    }
}

/// The page with nothing typed.
fn new(asked: &Asked, entry: &Entry, chosen: String) -> Codes {
    let counts = asked.app.sale.counts(entry.no);
    let with_codes = entry.activity.types.iter().zip(&counts.types);
    let with_codes = with_codes.filter(|(kind, _)| kind.kind == UnitKind::Codes);
    let kinds = with_codes.map(|(kind, counts)| Kind {
        id: kind.id.clone(),
        name: kind.name.clone(),
        total: counts.supply.total,
        available: counts.supply.available,
    });
    Codes {
        f: Frame::of(asked).with_script("desk-files.js"),
        id: entry.activity.id.clone(),
        act_name: entry.activity.name.clone(),
        closed: counts.closed,
        kinds: kinds.collect(),
        chosen,
        text: String::new(),
        wrong: None,
        report: None,
    }
}

fn shown(asked: &Asked, status: StatusCode, page: &Codes) -> Reply {
    let mut reply = with_status(asked, status, page);
    if status != StatusCode::OK {
        reply.ret = -(status.as_u16() as i16);
    }
    reply
}
