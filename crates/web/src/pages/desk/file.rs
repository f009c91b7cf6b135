//! Activities as a whole file, TOML or JSON, pasted or chosen: the same file that the command line imports.
//! All or nothing goes in, and what is wrong is told by line and key.

use super::{fields::Fields, writing::Preview};
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
    DeskRefused, Operator,
    files::{
        ActivityFormat, FileLimits, Place, Problem as FileProblem, ReadActivities, Reason,
        read_activity_bytes,
    },
};

/// Activities of a file that are shown in a preview.
const PREVIEWS_MAX: usize = 5;

/// The routes of files.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/desk/file"), pages.form(Takes::Import, form, sent))
}

#[derive(Template)]
#[template(path = "desk/file.html")]
struct File {
    f: Frame,
    text: String,
    wrong: Vec<String>,
    previews: Vec<Preview>,
    /// How many activities the file has.
    count: usize,
}

async fn form(asked: Asked) -> Result<Reply, Problem> {
    asked.operator().await?;
    Ok(page(&asked, StatusCode::OK, String::new(), Vec::new(), None))
}

async fn sent(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    blocking(move || {
        let mut fields = Fields::of(&asked)?;
        let text = fields.take("file").unwrap_or_default();
        let create = fields.get("do") == "create";
        sent_now(&asked, &operator, text, create)
    })
    .await?
}

fn sent_now(
    asked: &Asked,
    operator: &Operator,
    text: String,
    create: bool,
) -> Result<Reply, Problem> {
    let read = match read_activity_bytes(text.as_bytes(), format(&text), &FileLimits::DEFAULT) {
        Ok(read) => read,
        Err(problems) => {
            let wrong = problems.iter().map(|one| told(one, asked.language)).collect();
            return Ok(page(asked, StatusCode::BAD_REQUEST, text, wrong, None));
        }
    };
    if !create {
        return Ok(page(asked, StatusCode::OK, text, Vec::new(), Some(&read)));
    }
    match asked.app.sale.import(&read.activities, operator) {
        Ok(made) => {
            let path = match &made[..] {
                [one] => format!("/desk/act/{}/made", one.id),
                several => format!("/desk?made={}", several.len()),
            };
            Ok(see_other(&to(asked.language, &path)))
        }
        Err(refused) => Ok(import_refused(asked, operator, text, &read, refused)),
    }
}

/// JSON begins with a brace, which TOML never does.
fn format(text: &str) -> ActivityFormat {
    let begins = text.trim_start_matches('\u{feff}').trim_start();
    if begins.starts_with('{') { ActivityFormat::Json } else { ActivityFormat::Toml }
}

fn import_refused(
    asked: &Asked,
    operator: &Operator,
    text: String,
    read: &ReadActivities,
    refused: DeskRefused,
) -> Reply {
    let language = asked.language;
    let (status, ret, wrong) = match refused {
        DeskRefused::IdExists(at) => {
            (StatusCode::CONFLICT, -409, told(&read.id_exists(at), language))
        }
        DeskRefused::CodeExists(at, kind, code) => {
            (StatusCode::BAD_REQUEST, -400, told(&read.code_exists(at, kind, code), language))
        }
        other => {
            let problem = desk_problem(asked, other);
            let reply = problem.reply(language);
            (reply.response.status(), reply.ret, problem.message(language))
        }
    };
    asked.audit(operator, "admin/act/import", "", format!("ret {ret}"));
    page(asked, status, text, vec![wrong], None)
}

/// The line and the key, and never the value: it may be a code.
fn told(problem: &FileProblem, language: Language) -> String {
    let mut place = match (problem.line, language) {
        (Some(line), Language::En) => format!("line {line} "),
        (Some(line), Language::Zh) => format!("第 {line} 行 "),
        (None, _) => String::new(),
    };
    place.push_str(&problem.key);
    let reason = match &problem.reason {
        Reason::Repeated { first: Place { line: Some(line), .. } } => match language {
            Language::En => format!("the same stands on line {line}"),
            Language::Zh => format!("与第 {line} 行重复"),
        },
        other => language.pick(other.en(), other.zh()),
    };
    match place.trim_end() {
        "" => reason,
        place => format!("{place}{}{reason}", language.pick(": ", "：")),
    }
}

fn page(
    asked: &Asked,
    status: StatusCode,
    text: String,
    wrong: Vec<String>,
    read: Option<&ReadActivities>,
) -> Reply {
    let new = read.map(|read| &read.activities[..]).unwrap_or_default();
    let previews = new.iter().take(PREVIEWS_MAX).map(|new| Preview::new(asked, new)).collect();
    let f = Frame::of(asked).with_script("desk-files.js");
    let shown = File { f, text, wrong, previews, count: new.len() };
    let mut reply = with_status(asked, status, &shown);
    if status != StatusCode::OK {
        reply.ret = -(status.as_u16() as i16);
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_written_in_is_seen_by_how_it_begins() {
        assert_eq!(format("\u{feff} \n{\"activity\": []}"), ActivityFormat::Json);
        assert_eq!(format("# mine\n[[activity]]"), ActivityFormat::Toml);
        assert_eq!(format(""), ActivityFormat::Toml);
    }
}
