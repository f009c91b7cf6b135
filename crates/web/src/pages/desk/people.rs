//! Accounts for a list of names: pasted from a spreadsheet, given passwords here, and shown once to be handed out.
//! The passwords stand in this one answer and nowhere else; nobody may keep it.

use super::{
    super::{
        Pages,
        frame::{Frame, personal},
    },
    fields::Fields,
    pasted, telling,
};
use crate::{
    cold::Asked,
    envelope::{Problem, Reply},
};
use askama::Template;
use axum::Router;
use door::{ISSUED_MAX, IssueError, Listed};
use sale::person_name;
use std::collections::HashSet;
use zeroize::Zeroizing;

/// The routes of accounts.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/desk/people"), super::large_form(pages, form, issue))
}

#[derive(Template)]
#[template(path = "desk/people.html")]
struct People {
    f: Frame,
    most: usize,
    registration: bool,
    list: String,
    wrong: Option<String>,
    issued: Option<Told>,
}

/// What became of a list.
struct Told {
    understood: String,
    new: Vec<(String, Zeroizing<String>)>,
    had: Vec<String>,
}

impl Told {
    /// As a spreadsheet takes it: a line a person, with a tab between name and password.
    fn table(&self) -> String {
        self.new.iter().map(|(name, password)| format!("{name}\t{}\n", **password)).collect()
    }
}

impl People {
    fn empty(asked: &Asked) -> Self {
        Self {
            f: Frame::of(asked).with_script("desk-files.js"),
            most: ISSUED_MAX,
            registration: asked.app.door.registration_is_on(),
            list: String::new(),
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
    let text = Fields::of(&asked)?.get("people").to_owned();
    let page = match read(&asked, &text) {
        Err(wrong) => People { list: text, wrong: Some(wrong), ..People::empty(&asked) },
        Ok((list, understood)) => {
            let issued =
                asked.app.door.issue(list, asked.now).await.map_err(|error| match error {
                    IssueError::TooMany | IssueError::Busy => Problem::Busy,
                    IssueError::Fault(fault) => crate::cold::faulted(fault),
                })?;
            let (mut new, mut had) = (Vec::new(), Vec::new());
            for one in issued {
                match one.password {
                    Some(password) => new.push((one.name, password)),
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
fn read(asked: &Asked, text: &str) -> Result<(Vec<Listed>, String), String> {
    let language = asked.language;
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
