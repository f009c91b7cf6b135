//! Sign in, register, change the password, sign out: forms that work without a script.
//! A password is read from the form, handed on, and never shown, kept or logged.

use super::{
    Pages,
    frame::{Frame, personal, see_other, to, unread, with_status},
};
use crate::{
    cold::{self, Asked, Takes},
    envelope::{Problem, Reply},
};
use askama::Template;
use axum::Router;
use door::SignedIn;
use http::{HeaderValue, header};
use sale::{Person, Role, UserNo};

/// The routes of accounts.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new()
        .route(&pages.path("/sign-in"), pages.form(Takes::Little, sign_in_form, sign_in))
        .route(&pages.path("/register"), pages.form(Takes::Little, register_form, register))
        .route(&pages.path("/sign-out"), pages.post(sign_out))
        .route(&pages.path("/account"), pages.get(account))
        .route(&pages.path("/account/password"), pages.post(password))
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignIn {
    f: Frame,
    /// Register, not sign in.
    new: bool,
    can_register: bool,
    next: Option<String>,
    name: String,
    wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    f: Frame,
    name: String,
    operator: bool,
    changed: bool,
    wrong: Option<String>,
}

fn form(asked: &Asked, new: bool) -> Result<SignIn, Problem> {
    let params = asked.params()?;
    Ok(SignIn {
        f: Frame::of(asked),
        new,
        can_register: asked.app.door.registration_is_on(),
        next: asked.next(params.get("next")),
        name: String::new(),
        wrong: None,
    })
}

async fn sign_in_form(asked: Asked) -> Result<Reply, Problem> {
    Ok(personal(&asked, &form(&asked, false)?))
}

async fn register_form(asked: Asked) -> Result<Reply, Problem> {
    if !asked.app.door.registration_is_on() {
        return Err(Problem::SwitchedOff);
    }
    Ok(personal(&asked, &form(&asked, true)?))
}

async fn sign_in(asked: Asked) -> Result<Reply, Problem> {
    let (name, password) = credentials(&asked)?;
    let signed = cold::sign_in(&asked, &name, password).await;
    entered(&asked, false, name, signed)
}

async fn register(asked: Asked) -> Result<Reply, Problem> {
    let (name, password) = credentials(&asked)?;
    let signed = cold::register_new(&asked, &name, password).await;
    entered(&asked, true, name, signed)
}

fn credentials(asked: &Asked) -> Result<(String, String), Problem> {
    let form = asked.form()?;
    let text = |name| form.get(name).unwrap_or_default().to_owned();
    Ok((text("name"), text("password")))
}

/// On to where they wanted to go; or the form once more with what was wrong.
fn entered(
    asked: &Asked,
    new: bool,
    name: String,
    signed: Result<SignedIn, Problem>,
) -> Result<Reply, Problem> {
    let next = asked.next(asked.form()?.get("next"));
    match signed {
        Ok(signed) => {
            let operator = signed.person.role == Role::Operator;
            let home = if operator { "/desk" } else { "/" };
            let mut reply = see_other(&next.unwrap_or_else(|| to(asked.language, home)));
            reply.response.headers_mut().insert(header::SET_COOKIE, cookie(asked, &signed));
            Ok(reply)
        }
        Err(
            problem @ (Problem::Credentials
            | Problem::Content(..)
            | Problem::Conflict(_)
            | Problem::TooMany { .. }
            | Problem::Busy),
        ) => {
            let wrong = Some(problem.message(asked.language));
            let told = problem.reply(asked.language);
            let page = SignIn { next, name, wrong, ..form(asked, new)? };
            let mut reply = with_status(asked, told.response.status(), &page);
            if let Some(seconds) = told.response.headers().get(header::RETRY_AFTER) {
                reply.response.headers_mut().insert(header::RETRY_AFTER, seconds.clone());
            }
            Ok(reply)
        }
        Err(other) => Err(other),
    }
}

fn cookie(asked: &Asked, signed: &SignedIn) -> HeaderValue {
    let settings = &asked.app.settings;
    cold::session_cookie(signed.token.as_str(), settings.token_life_s, settings.cookie_secure)
}

/// Who asks, as their account has it.
pub async fn person(asked: &Asked) -> Result<(UserNo, Person), Problem> {
    let user = asked.app.need_who(&asked.parts.headers, asked.now)?.session.user;
    let person = asked.app.door.person(user).await.map_err(unread)?;
    Ok((user, person.ok_or(Problem::SignIn)?))
}

async fn account(asked: Asked) -> Result<Reply, Problem> {
    let (_, Person { name, role, .. }) = person(&asked).await?;
    let changed = asked.params()?.get("changed") == Some("1");
    let operator = role == Role::Operator;
    let page = Account { f: Frame::of(&asked), name, operator, changed, wrong: None };
    Ok(personal(&asked, &page))
}

async fn password(asked: Asked) -> Result<Reply, Problem> {
    let (_, Person { name, role, .. }) = person(&asked).await?;
    let form = asked.form()?;
    let text = |name| form.get(name).unwrap_or_default().to_owned();
    match cold::change_password(&asked, text("old"), text("new")).await {
        Ok(signed) => {
            let mut reply = see_other(&to(asked.language, "/account?changed=1"));
            let cookie = cookie(&asked, &signed);
            reply.response.headers_mut().insert(header::SET_COOKIE, cookie);
            Ok(reply)
        }
        Err(problem @ (Problem::Credentials | Problem::Content(..))) => {
            let wrong = Some(problem.message(asked.language));
            let operator = role == Role::Operator;
            let page = Account { f: Frame::of(&asked), name, operator, changed: false, wrong };
            Ok(with_status(&asked, problem.reply(asked.language).response.status(), &page))
        }
        Err(other) => Err(other),
    }
}

async fn sign_out(asked: Asked) -> Result<Reply, Problem> {
    asked.form()?;
    cold::sign_out(&asked, false).await?;
    let mut reply = see_other(&to(asked.language, "/"));
    let gone = cold::session_cookie("", 0, asked.app.settings.cookie_secure);
    reply.response.headers_mut().insert(header::SET_COOKIE, gone);
    Ok(reply)
}
