//! Accounts for a list of names: pasted from a spreadsheet, given passwords here, and shown once to be handed out.
//! The passwords stand in this one answer, and in the same again for who sends the same form again; nobody may keep it.

use super::{
    super::{
        Pages,
        frame::{Frame, personal},
    },
    fields::Fields,
    pasted, telling,
};
use crate::{
    cold::{Asked, Takes, blocking},
    envelope::{Problem, Reply},
    language::Language,
};
use askama::Template;
use axum::Router;
use door::{ISSUED_MAX, IssueError, Listed};
use sale::person_name;
use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};
use zeroize::Zeroizing;

/// The routes of accounts.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/desk/people"), pages.form(Takes::Import, form, issue))
}

#[derive(Template)]
#[template(path = "desk/people.html")]
struct People {
    f: Frame,
    most: usize,
    registration: bool,
    list: String,
    /// Stands for this list, so that sending it twice gives the same passwords.
    batch: String,
    wrong: Option<String>,
    issued: Option<Told>,
}

/// What became of a list.
struct Told {
    understood: String,
    new: Vec<New>,
    had: Vec<String>,
}

/// An account that was made.
struct New {
    name: String,
    display_name: String,
    password: Zeroizing<String>,
}

/// What stands for one list: who sends the form twice, or looks at its answer again, hears the same passwords.
fn new_batch(asked: &Asked) -> String {
    let random = |salt: u8| RandomState::new().hash_one((asked.now.0, salt));
    format!("{:016x}{:016x}", random(0), random(1))
}

impl Told {
    /// As a spreadsheet takes it: a line a person, with tabs between name, other name and password.
    fn table(&self) -> String {
        let line = |one: &New| format!("{}\t{}\t{}\n", one.name, one.display_name, *one.password);
        self.new.iter().map(line).collect()
    }
}

impl People {
    fn empty(asked: &Asked) -> Self {
        Self {
            f: Frame::of(asked).with_script("desk-files.js"),
            most: ISSUED_MAX,
            registration: asked.app.door.registration_is_on(),
            list: String::new(),
            batch: new_batch(asked),
            wrong: None,
            issued: None,
        }
    }
}

async fn form(asked: Asked) -> Result<Reply, Problem> {
    asked.operator().await?;
    Ok(personal(&asked, &People::empty(&asked)))
}

async fn issue(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let (asked, read) = blocking(move || {
        let read = Fields::of(&asked).map(|fields| {
            let text = fields.get("people").to_owned();
            (read(asked.language, &text), text, fields.get("batch").to_owned())
        });
        (asked, read)
    })
    .await?;
    let (list, text, batch) = read?;
    let page = match list {
        Err(wrong) => People { list: text, wrong: Some(wrong), ..People::empty(&asked) },
        Ok((list, understood)) => {
            let batch = format!("{} {batch}", operator.name);
            let beside: Vec<String> = list.iter().map(|one| one.display_name.clone()).collect();
            let issued = asked.app.door.issue(list, &batch, asked.now).await;
            let issued = issued.map_err(|error| match error {
                IssueError::TooMany | IssueError::Busy => Problem::Busy,
                IssueError::Fault(fault) => crate::cold::faulted(fault),
            })?;
            let (mut new, mut had) = (Vec::new(), Vec::new());
            for (one, display_name) in issued.into_iter().zip(beside) {
                match one.password {
                    Some(password) => new.push(New { name: one.name, display_name, password }),
                    None => had.push(one.name),
                }
            }
            asked.audit(&operator, "user/add", "", format!("names {}", new.len()));
            People { issued: Some(Told { understood, new, had }), ..People::empty(&asked) }
        }
    };
    Ok(personal(&asked, &page))
}

/// The names of a pasted list and what was understood of it, or what is wrong with it.
fn read(language: Language, text: &str) -> Result<(Vec<Listed>, String), String> {
    let pasted = pasted::roster(text).map_err(|fault| telling::paste_fault(&fault, language))?;
    let mut seen = HashSet::new();
    let mut list = Vec::with_capacity(pasted.items.len());
    for (one, line) in pasted.items.iter().zip(&pasted.lines) {
        let name = person_name(&one.name).map_err(|_| {
            let why = language.pick("this cannot be a name", "不能作为用户名");
            format!("{} {line}: {why}", language.pick("line", "行"))
        })?;
        if seen.insert(name.clone()) {
            list.push(Listed { name, display_name: one.display_name.clone() });
        }
    }
    match list.len() {
        0 => Err(language.pick("There is no name in it.", "没有找到用户名。").to_owned()),
        count if count > ISSUED_MAX => {
            let why = language.pick(
                "are too many at once; paste them in parts, or use the command line",
                "超过一次可处理的数量，请分批粘贴，或使用命令行导入",
            );
            Err(format!("{count} {why} ({ISSUED_MAX})."))
        }
        _ => Ok((list, telling::understood(&pasted.understood, language))),
    }
}
