//! Accounts and sessions: register, sign in, change password, sign out, who am I.
//! Passwords and tokens pass through here and are never kept, logged or repeated in an error.

use super::{Asked, At, GET, POST, Takes};
use crate::{
    envelope::{Keep, Problem, Reply, success},
    params::{Reason, bad},
    who::COOKIE,
};
use axum::Router;
use door::{
    CallError, ExchangeError, LoginError, PasswordChangeError, PasswordError, RegisterError,
    SignedIn, VouchError,
};
use http::{HeaderValue, header};
use sale::{Effect, LedgerFault, NameError, NewPerson, Person, Role};
use serde::Deserialize;
use serde_json::{Value, json};

/// The routes of people.
pub fn routes(at: &At) -> Router {
    Router::new()
        .route("/user/register", at.call(POST, Takes::Little, register))
        .route("/user/login", at.call(POST, Takes::Little, login))
        .route("/user/logout", at.call(POST, Takes::Little, logout))
        .route("/user/password", at.call(POST, Takes::Little, password))
        .route("/user/exchange", at.call(POST, Takes::Little, exchange))
        .route("/user/me", at.call(GET, Takes::Little, me))
        .route("/admin/sessions", at.call(POST, Takes::Import, vouch))
}

/// What only the command line may ask of a running server.
pub fn control_routes(at: &At) -> Router {
    Router::new().route("/control/people", at.call(POST, Takes::Import, add_people))
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

async fn register(asked: Asked) -> Result<Reply, Problem> {
    let body: Credentials = asked.json()?;
    let signed = register_new(&asked, &body.name, body.password).await?;
    Ok(signed_in(&asked, &signed))
}

/// Makes an account and signs it in, within the limits of where it comes from.
pub async fn register_new(
    asked: &Asked,
    name: &str,
    password: String,
) -> Result<SignedIn, Problem> {
    if let Some(client) = asked.client {
        asked.app.limits.registration(client.0, asked.now)?;
    }
    let signed = asked.app.door.register(name, password, asked.now).await;
    signed.map_err(|error| match error {
        RegisterError::Off => Problem::SwitchedOff,
        RegisterError::BadName(error) => name_problem(error),
        RegisterError::BadPassword(error) => password_problem(error, "password"),
        RegisterError::NameTaken => taken(asked),
        RegisterError::Busy => Problem::Busy,
        RegisterError::Fault(fault) => faulted(fault),
    })
}

async fn login(asked: Asked) -> Result<Reply, Problem> {
    let body: Credentials = asked.json()?;
    let signed = sign_in(&asked, &body.name, body.password).await?;
    Ok(signed_in(&asked, &signed))
}

/// Signs somebody in, within the limits of where they come from.
pub async fn sign_in(asked: &Asked, name: &str, password: String) -> Result<SignedIn, Problem> {
    one_more_sign_in(asked)?;
    let signed = asked.app.door.login(name, password, asked.now).await;
    signed.map_err(|error| match error {
        LoginError::WrongCredentials => {
            sign_in_refused(asked);
            Problem::Credentials
        }
        LoginError::Busy => Problem::Busy,
        LoginError::Fault(fault) => faulted(fault),
    })
}

fn one_more_sign_in(asked: &Asked) -> Result<(), Problem> {
    match asked.client {
        Some(client) => Ok(asked.app.limits.sign_in(client.0, asked.now)?),
        None => Ok(()),
    }
}

/// Where it came from, never for whom: people type passwords into the field of their name.
fn sign_in_refused(asked: &Asked) {
    if let Some(client) = asked.client {
        tracing::info!(%client, path = asked.parts.uri.path(), "a sign-in was refused");
    }
}

#[derive(Deserialize)]
struct Jwt {
    jwt: String,
}

async fn exchange(asked: Asked) -> Result<Reply, Problem> {
    let body: Jwt = asked.json()?;
    one_more_sign_in(&asked)?;
    let signed = asked.app.door.exchange(body.jwt, asked.now).await;
    let signed = signed.map_err(|error| match error {
        ExchangeError::NoIdentityProvider => Problem::SwitchedOff,
        ExchangeError::Identity(_) => {
            sign_in_refused(&asked);
            Problem::Exchange
        }
        ExchangeError::NameTaken => taken(&asked),
        ExchangeError::Busy => Problem::Busy,
        ExchangeError::Fault(fault) => faulted(fault),
    })?;
    Ok(signed_in(&asked, &signed))
}

#[derive(Deserialize)]
struct NewPassword {
    #[serde(alias = "password", alias = "old_password")]
    old: String,
    #[serde(alias = "new_password")]
    new: String,
}

async fn password(asked: Asked) -> Result<Reply, Problem> {
    asked.app.may_change(&asked.parts.method, &asked.parts.headers)?;
    asked.app.need_who(&asked.parts.headers, asked.now)?;
    let body: NewPassword = asked.json()?;
    let signed = change_password(&asked, body.old, body.new).await?;
    Ok(signed_in(&asked, &signed))
}

/// Gives whoever asks another password, and a new session: all others end.
pub async fn change_password(asked: &Asked, old: String, new: String) -> Result<SignedIn, Problem> {
    let who = asked.app.need_who(&asked.parts.headers, asked.now)?;
    // It tries a password as signing in does.
    one_more_sign_in(asked)?;
    let changed = asked.app.door.change_password(&who.session, old, new, asked.now).await;
    changed.map_err(|error| match error {
        PasswordChangeError::SessionEnded => Problem::SignIn,
        PasswordChangeError::WrongCredentials => {
            sign_in_refused(asked);
            Problem::Credentials
        }
        PasswordChangeError::BadPassword(error) => password_problem(error, "new"),
        PasswordChangeError::Busy => Problem::Busy,
        PasswordChangeError::Fault(fault) => faulted(fault),
    })
}

async fn logout(asked: Asked) -> Result<Reply, Problem> {
    asked.app.may_change(&asked.parts.method, &asked.parts.headers)?;
    asked.app.need_who(&asked.parts.headers, asked.now)?;
    let everywhere = match asked.params()?.get("everywhere") {
        None | Some("0" | "false") => false,
        Some("1" | "true") => true,
        Some(_) => return Err(bad("everywhere", Reason::Choice).into()),
    };
    sign_out(&asked, everywhere).await?;
    let mut reply = success(&json!({}), Keep::Private);
    let gone = session_cookie("", 0, asked.app.settings.cookie_secure);
    reply.response.headers_mut().insert(header::SET_COOKIE, gone);
    Ok(reply)
}

/// Ends the session of whoever asks, or all of theirs.
pub async fn sign_out(asked: &Asked, everywhere: bool) -> Result<(), Problem> {
    let who = asked.app.need_who(&asked.parts.headers, asked.now)?;
    asked.app.door.logout(&who.session, everywhere, asked.now).await.map_err(called)
}

async fn me(asked: Asked) -> Result<Reply, Problem> {
    let who = asked.app.need_who(&asked.parts.headers, asked.now)?;
    let person = asked.app.door.person(who.session.user).await.map_err(called)?;
    Ok(success(&person_json(&person.ok_or(Problem::SignIn)?), Keep::Private))
}

#[derive(Deserialize)]
struct Names {
    users: Vec<String>,
}

/// A shop's backend vouches for its people.
async fn vouch(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let body: Names = asked.json()?;
    let count = body.users.len();
    let vouched = asked.app.door.vouch(body.users, asked.now).await;
    let vouched = vouched.map_err(|error| match error {
        VouchError::TooMany(_) => bad("users", Reason::TooMany).into(),
        VouchError::BadName(place, error) => {
            let name = format!("users[{place}]");
            Problem::Content(format!("{name}: {}", name_text(error)), json!({ "at": place }))
        }
        VouchError::Busy => Problem::Busy,
        VouchError::Fault(fault) => faulted(fault),
    })?;
    let taken: Vec<&str> =
        vouched.iter().filter(|one| one.outcome.is_err()).map(|one| one.asked.as_str()).collect();
    if !taken.is_empty() {
        let text =
            asked.language.pick("these names belong to another source", "这些用户名属于其他来源");
        return Err(Problem::Conflict(format!("{text}: {}", shown(&taken))));
    }
    asked.audit(&operator, "admin/sessions", "", format!("names {count}"));
    let tokens: serde_json::Map<String, Value> = vouched
        .into_iter()
        .filter_map(|one| Some((one.asked, json!(one.outcome.ok()?.token.as_str()))))
        .collect();
    Ok(success(&json!({ "tokens": tokens }), Keep::Private))
}

/// Names in a message: enough to find the mistake, bounded.
fn shown(names: &[&str]) -> String {
    const SHOWN_MAX: usize = 20;
    let more = if names.len() > SHOWN_MAX { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(SHOWN_MAX)].join(", "))
}

/// An account that the command line adds; the password comes hashed.
#[derive(Deserialize)]
struct Added {
    name: String,
    display_name: String,
    role: String,
    password_hash: Option<String>,
}

async fn add_people(asked: Asked) -> Result<Reply, Problem> {
    let operator = asked.operator().await?;
    let body: Vec<Added> = asked.json()?;
    let mut people = Vec::with_capacity(body.len());
    for Added { name, display_name, role, password_hash } in body {
        let role = Role::from_name(&role).ok_or_else(|| bad("role", Reason::Choice))?;
        people.push(NewPerson { name, display_name, role, password_hash });
    }
    let count = people.len();
    let added = asked.app.door.add_people(people, asked.now).await.map_err(called)?;
    match added {
        Ok(_) => {
            asked.audit(&operator, "user/add", "", format!("names {count}"));
            Ok(success(&json!({ "added": count }), Keep::Private))
        }
        Err(place) => Err(Problem::WrongState(json!({ "at": place }))),
    }
}

fn signed_in(asked: &Asked, signed: &SignedIn) -> Reply {
    let token = signed.token.as_str();
    let data = json!({ "token": token, "user": person_json(&signed.person) });
    let mut reply = success(&data, Keep::Private);
    let settings = &asked.app.settings;
    let cookie = session_cookie(token, settings.token_life_s, settings.cookie_secure);
    reply.response.headers_mut().insert(header::SET_COOKIE, cookie);
    reply
}

/// The cookie that holds a session for `age_s` seconds; an age of 0 makes a browser forget it.
pub fn session_cookie(token: &str, age_s: u32, secure: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{COOKIE}={token}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::from_str(&text).expect("tokens are base64url");
    value.set_sensitive(true);
    value
}

fn person_json(person: &Person) -> Value {
    json!({ "id": person.no.0.to_string(), "name": person.name, "role": person.role.name() })
}

fn taken(asked: &Asked) -> Problem {
    Problem::Conflict(asked.language.pick("name: taken", "name：该名字已被使用").to_owned())
}

fn name_text(error: NameError) -> &'static str {
    match error {
        NameError::Empty => "empty",
        NameError::TooLong => "too long",
        NameError::Control => "has control characters",
    }
}

fn name_problem(error: NameError) -> Problem {
    Problem::Content(format!("name: {}", name_text(error)), json!({}))
}

fn password_problem(error: PasswordError, key: &str) -> Problem {
    let (least, most) = (door::PASSWORD_BYTES_MIN, door::PASSWORD_BYTES_MAX);
    let text = match error {
        PasswordError::TooShort => format!("{key}: shorter than {least} bytes"),
        PasswordError::TooLong => format!("{key}: longer than {most} bytes"),
    };
    Problem::Content(text, json!({}))
}

fn called(error: CallError) -> Problem {
    match error {
        CallError::Busy => Problem::Busy,
        CallError::Fault(fault) => faulted(fault),
    }
}

/// What a failure of the ledger is on the wire: only what is known of its effect.
pub fn faulted(fault: LedgerFault) -> Problem {
    match fault {
        LedgerFault::NothingHappened(_) => Problem::Busy,
        LedgerFault::Unknown(_) => Problem::Fault(Effect::Unknown),
    }
}
