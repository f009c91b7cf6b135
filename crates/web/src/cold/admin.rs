//! What operators change. Everything is in the audit log, and every repetition is safe.
//! Nothing here ever resets a sale.

use super::{Asked, At, ImportRefused, POST, Takes, blocking, user::faulted};
use crate::{
    App,
    envelope::{Keep, Problem, Reply, success},
    hot::key_text,
    params::{Reason, bad},
};
use axum::Router;
use http::header;
use sale::{
    DeskRefused, Imported, Operator, OperatorKey, UnitKind,
    files::{
        ActivityFormat, CodesFormat, CodesRead, FileLimits, NotChangeable, Problem as FileProblem,
        ReadActivities, read_activity_bytes, read_codes,
    },
};
use serde_json::{Value, json};
use std::sync::Arc;

/// The name in the audit log of those who use the control socket.
pub const COMMAND_LINE: &str = "(command line)";

/// The routes of operators that change something.
pub fn routes(at: &At) -> Router {
    Router::new()
        .route("/admin/act/import", at.call(POST, Takes::Import, import))
        .route("/admin/codes/import", at.call(POST, Takes::Import, import_codes))
        .route(
            "/admin/act/pause",
            at.call(POST, Takes::Little, |asked| switch(asked, Switch::Pause)),
        )
        .route(
            "/admin/act/resume",
            at.call(POST, Takes::Little, |asked| switch(asked, Switch::Resume)),
        )
        .route(
            "/admin/act/close",
            at.call(POST, Takes::Little, |asked| switch(asked, Switch::Close)),
        )
        .route("/admin/act/refill", at.call(POST, Takes::Little, refill))
}

impl Asked {
    /// The operator who asks; anybody else is told so.
    pub async fn operator(&self) -> Result<Operator, Problem> {
        let operator = self.known_operator().await?;
        *self.operator.lock() = Some(Operator { key: None, ..operator.clone() });
        Ok(operator)
    }

    async fn known_operator(&self) -> Result<Operator, Problem> {
        if self.control {
            return Ok(Operator { name: COMMAND_LINE.to_owned(), key: None });
        }
        self.app.may_change(&self.parts.method, &self.parts.headers).or_else(|problem| {
            // Reading changes nothing, so a page may use the cookie for it.
            if self.parts.method == http::Method::GET { Ok(()) } else { Err(problem) }
        })?;
        let who = self.app.need_who(&self.parts.headers, self.now)?;
        if !who.session.operator {
            return Err(Problem::Operators);
        }
        let person = self.app.door.person(who.session.user).await.map_err(|_| Problem::Busy)?;
        let person = person.ok_or(Problem::SignIn)?;
        let key = key_text(&self.parts.headers)?.map(|text| OperatorKey {
            operator: who.session.user,
            key: self.app.sale.ids().key(text),
        });
        Ok(Operator { name: person.name, key })
    }

    /// Writes the audit entry of a change that the sale does not write one with, before the change is answered. If it
    /// cannot be written now it waits with those of calls that only read: what was done was done.
    pub async fn audit_change(
        &self,
        operator: &Operator,
        action: &str,
        target: &str,
        detail: String,
    ) -> Result<(), Problem> {
        let sale = Arc::clone(&self.app.sale);
        let entry = sale.entry_for(operator, action, target, detail);
        blocking(move || {
            let written = sale.ledger().write_audit(std::slice::from_ref(&entry));
            if let Err(fault) = written {
                tracing::warn!(%fault, "the audit entry of a change waits for the ledger");
                sale.audit(entry);
            }
        })
        .await
    }

    /// Queues the audit entry of a call that the sale does not write one for.
    pub fn audit(&self, operator: &Operator, action: &str, target: &str, detail: String) {
        let entry = self.app.sale.entry_for(operator, action, target, detail);
        self.app.sale.audit(entry);
    }
}

async fn import(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let update = match asked.params()?.get("update") {
        None | Some("0") => false,
        Some("1") => true,
        Some(_) => return Err(bad("update", Reason::Choice).into()),
    };
    let format = match media_type(&asked).as_str() {
        "application/json" => ActivityFormat::Json,
        "application/toml" | "text/toml" | "text/plain" | "text/x-toml" => ActivityFormat::Toml,
        _ => return Err(Problem::ContentType),
    };
    blocking(move || import_now(&asked, &operator, format, update)).await?
}

fn import_now(
    asked: &Asked,
    operator: &Operator,
    format: ActivityFormat,
    update: bool,
) -> Result<Reply, Problem> {
    let read = read_activity_bytes(&asked.body, format, &FileLimits::DEFAULT)
        .map_err(|problems| file_problems(asked, &problems))?;
    let sale = &asked.app.sale;
    let done = if update {
        sale.update(&read.activities, operator)
    } else {
        sale.import(&read.activities, operator)
    };
    let imported = done.map_err(|refused| import_refused(asked, &read, refused))?;
    let ids: Vec<&str> = imported.iter().map(|one| one.id.as_str()).collect();
    Ok(success(
        &json!({ "ids": ids, "self_registered": self_registered(&imported) }),
        Keep::Private,
    ))
}

/// Roster names that can never claim, by activity: those who registered themselves.
fn self_registered(imported: &[Imported]) -> Value {
    let named = imported.iter().filter(|one| !one.self_registered.is_empty());
    named
        .map(|one| (one.id.clone(), json!(one.self_registered)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn import_refused(asked: &Asked, read: &ReadActivities, refused: DeskRefused) -> Problem {
    if asked.control
        && let Some(refused) = ImportRefused::of(&refused)
    {
        return Problem::WrongState(json!(refused));
    }
    let told = |problem: FileProblem| asked.language.pick(problem.en(), problem.zh());
    match refused {
        DeskRefused::IdExists(at) => Problem::Conflict(told(read.id_exists(at))),
        DeskRefused::CodeExists(at, kind, code) => {
            file_problems(asked, &[read.code_exists(at, kind, code)])
        }
        DeskRefused::NotChangeable(keys) => not_changeable(asked, read, &keys),
        other => desk_problem(asked, other),
    }
}

/// Every key in the message, and its path within its activity beside its place in the file.
fn not_changeable(
    asked: &Asked,
    read: &ReadActivities,
    keys: &[(usize, NotChangeable)],
) -> Problem {
    let problems = keys.iter().map(|(activity, differs)| read.not_changeable(*activity, differs));
    let problems: Vec<FileProblem> = problems.collect();
    let told = problems.iter().map(|problem| asked.language.pick(problem.en(), problem.zh()));
    let message = told.collect::<Vec<_>>().join("; ");
    let paths: Vec<String> = keys.iter().map(|(_, differs)| differs.path()).collect();
    let rows = problem_rows(asked, &problems);
    Problem::Content(message, json!({ "keys": paths, "problems": rows }))
}

/// Problems of a file: the first as the message, all as data.
fn file_problems(asked: &Asked, problems: &[FileProblem]) -> Problem {
    let told = |problem: &FileProblem| asked.language.pick(problem.en(), problem.zh());
    let first = problems.first().map(told).unwrap_or_default();
    Problem::Content(first, json!({ "problems": problem_rows(asked, problems) }))
}

fn problem_rows(asked: &Asked, problems: &[FileProblem]) -> Vec<Value> {
    let row = |problem: &FileProblem| {
        json!({
            "file": &*problem.file,
            "line": problem.line,
            "key": problem.key,
            "value": problem.value,
            "reason": asked.language.pick(problem.reason.en(), problem.reason.zh()),
        })
    };
    problems.iter().map(row).collect()
}

async fn import_codes(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let params = asked.params()?;
    let (activity, kind) = target(&asked.app, &params)?;
    let format = match media_type(&asked).as_str() {
        "text/csv" => CodesFormat::Csv,
        "text/plain" => CodesFormat::Plain,
        _ => return Err(Problem::ContentType),
    };
    blocking(move || {
        let CodesRead { codes, rejected } = read_codes(&asked.body, format, &FileLimits::DEFAULT);
        let texts: Vec<String> = codes.iter().map(|one| one.code.clone()).collect();
        let added = asked.app.sale.add_codes(&activity, &kind, &texts, &operator);
        let added = added.map_err(|refused| desk_problem(&asked, refused))?;
        let rejected: Vec<Value> = rejected
            .iter()
            .map(|one| {
                let reason = asked.language.pick(one.reason.en(), one.reason.zh());
                json!({ "line": one.line, "reason": reason })
            })
            .collect();
        let duplicates = added.duplicates.len();
        let data = json!({ "added": added.added, "duplicates": duplicates, "rejected": rejected });
        Ok(success(&data, Keep::Private))
    })
    .await?
}

/// The three switches of an activity.
#[derive(Clone, Copy)]
enum Switch {
    Pause,
    Resume,
    Close,
}

async fn switch(asked: Asked, switch: Switch) -> Result<Reply, Problem> {
    let operator = Operator { key: None, ..asked.operator().await? };
    let id = asked.params()?.need("actId")?.to_owned();
    blocking(move || {
        let sale = &asked.app.sale;
        let done = match switch {
            Switch::Pause => sale.pause(&id, &operator),
            Switch::Resume => sale.resume(&id, &operator),
            Switch::Close => sale.close_activity(&id, &operator),
        };
        done.map_err(|refused| desk_problem(&asked, refused))?;
        Ok(success(&json!({}), Keep::Private))
    })
    .await?
}

#[derive(serde::Deserialize)]
struct Refill {
    stock: i64,
}

async fn refill(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let count = asked.json::<Refill>()?.stock;
    let (activity, kind) = target(&asked.app, &asked.params()?)?;
    blocking(move || {
        let done = asked.app.sale.refill(&activity, &kind, count, &operator);
        let changed = done.map_err(|refused| desk_problem(&asked, refused))?;
        Ok(success(&json!({ "stock": changed }), Keep::Private))
    })
    .await?
}

/// The activity and the type a call is about; the type may be left out where there is one.
fn target(app: &Arc<App>, params: &crate::params::Params<'_>) -> Result<(String, String), Problem> {
    let activity = params.need("actId")?;
    let catalog = app.sale.catalog();
    let entry = catalog.by_id(activity).ok_or(Problem::NotFound("actId"))?;
    let kind = match (params.get("typeId"), &entry.activity.types[..]) {
        (Some(kind), _) => kind,
        (None, [only]) => &only.id,
        (None, _) => return Err(bad("typeId", Reason::Missing).into()),
    };
    if entry.activity.type_by_id(kind).is_none() {
        return Err(Problem::NotFound("typeId"));
    }
    Ok((activity.to_owned(), kind.to_owned()))
}

fn media_type(asked: &Asked) -> String {
    let kind = asked.parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// What an operator hears when nothing was done.
pub fn desk_problem(asked: &Asked, refused: DeskRefused) -> Problem {
    let text =
        |en: &str, zh: &str| Problem::Content(asked.language.pick(en, zh).to_owned(), json!({}));
    match refused {
        DeskRefused::NotFound => Problem::NotFound("actId"),
        DeskRefused::Closed | DeskRefused::ClosedAt(_) => {
            Problem::WrongState(json!({ "state": "closed" }))
        }
        DeskRefused::Short { available } => Problem::WrongState(json!({ "available": available })),
        DeskRefused::WrongKind(UnitKind::Codes) => text(
            "typeId: this type has codes; import codes instead",
            "typeId：该票种使用兑换码，请导入兑换码",
        ),
        DeskRefused::WrongKind(UnitKind::Plain) => text(
            "typeId: this type has no codes; refill it instead",
            "typeId：该票种没有兑换码，请补充库存",
        ),
        DeskRefused::TooMany => {
            text("stock: more units than a type can have", "stock：超出票种的数量上限")
        }
        DeskRefused::NotChangeable(keys) => {
            let paths: Vec<String> = keys.iter().map(|(_, differs)| differs.path()).collect();
            Problem::Content(paths.join("; "), json!({ "keys": paths }))
        }
        DeskRefused::KeyUsed => {
            let (en, zh) = (
                "Idempotency-Key: stands for another call already; nothing happened",
                "Idempotency-Key：已用于另一次调用，未做任何更改",
            );
            Problem::Conflict(asked.language.pick(en, zh).to_owned())
        }
        DeskRefused::IdExists(_) | DeskRefused::CodeExists(..) => {
            Problem::Conflict(asked.language.pick("exists already", "已存在").to_owned())
        }
        DeskRefused::Fault(fault) => faulted(fault),
    }
}
