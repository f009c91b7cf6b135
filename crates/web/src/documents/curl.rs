//! The page /docs/curl: how to claim with nothing but curl, at the address by which the page was asked for.
//! It shows what people paste into a shell, so it believes no name that could run something there.

use super::{
    Page,
    html::{Text, add, page},
};
use crate::{App, WebSettings, language::Language};
use http::{HeaderMap, header::HOST};
use sale::{ActivityState, Entry, TimeMs, standing};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is said in place of an activity where there is none.
const NO_ACTIVITY: &str = "movie-night";

/// Characters of a host's name: what DNS allows.
const HOST_CHARS_MAX: usize = 253;

/// From the password to the ticket, for the activity that can be claimed soonest.
pub fn curl_page(app: &App, headers: &HeaderMap, language: Language, now: TimeMs) -> Page {
    let prepared = app.prepared();
    let going = || {
        let entries = prepared.sorted.iter().map(|act| &*act.entry);
        entries.filter_map(|entry| Some((state(app, entry, now)?, entry)))
    };
    let open = going().find(|(state, _)| *state == ActivityState::Open);
    let example = open.or_else(|| going().next()).map_or(Example::NONE, |(_, entry)| {
        let activity = &entry.activity;
        let kind = match &activity.types[..] {
            [] | [_] => None,
            [first, ..] => Some(first.id.as_str()),
        };
        Example { act: &activity.id, kind }
    });
    render(example, &url(headers, &app.settings), language)
}

/// What the commands claim.
#[derive(Clone, Copy)]
struct Example<'a> {
    act: &'a str,
    /// The type to name: none where there is only one.
    kind: Option<&'a str>,
}

impl Example<'_> {
    const NONE: Self = Example { act: NO_ACTIVITY, kind: None };
}

/// Where people find this server: where this request found it. A request that does not say so in one
/// clean Host gets the listener's own address, and that never speaks https.
pub fn url(headers: &HeaderMap, settings: &WebSettings) -> String {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).filter(|host| is_host(host));
    match host.filter(|_| hosts.next().is_none()) {
        Some(host) if settings.cookie_secure => format!("https://{host}"),
        Some(host) => format!("http://{host}"),
        None => {
            let mut listen = settings.listen;
            // Everywhere is no address that one can connect to on every system; here is.
            match listen.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => listen.set_ip(Ipv4Addr::LOCALHOST.into()),
                IpAddr::V6(ip) if ip.is_unspecified() => listen.set_ip(Ipv6Addr::LOCALHOST.into()),
                IpAddr::V4(_) | IpAddr::V6(_) => {}
            }
            format!("http://{listen}")
        }
    }
}

/// Whether this is `host` or `host:port` and nothing else: people paste into a shell what it is shown in.
fn is_host(text: &str) -> bool {
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let (sound, port) = match text.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(None) => return false,
        Some(Some((address, port))) => (address.parse::<Ipv6Addr>().is_ok(), port),
        None => {
            let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            let sound = (1..=HOST_CHARS_MAX).contains(&name.len()) && name.bytes().all(named);
            (sound, port)
        }
    };
    sound && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

fn is_port(text: &str) -> bool {
    // A number may begin with a plus for `parse`, but not in a Host.
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// How an activity stands, unless it has ended.
fn state(app: &App, entry: &Entry, now: TimeMs) -> Option<ActivityState> {
    let summary = app.sale.summary(entry.no);
    let window = entry.activity.window;
    let state = standing(now, window, summary.closed, summary.paused, summary.supply);
    (state != ActivityState::Ended).then_some(state)
}

fn render(example: Example<'_>, url: &str, language: Language) -> Page {
    let Example { act, kind } = example;
    let kind = kind.map(|kind| format!("&typeId={kind}")).unwrap_or_default();
    let steps = [
        language.pick("Where this server is, and who you are:", "服务器地址与您的账号："),
        language.pick("Sign in, and keep the token:", "登录并保存令牌："),
        language.pick(
            "Claim. Repeat it with the same key as often as you like: it never takes a second unit.",
            "抢票。使用同一个 Idempotency-Key 可放心重试，不会多占一份。",
        ),
        language.pick("Your tickets:", "我的票："),
    ];
    let commands = [
        format!("URL='{url}'\nNAME='your name'; PASSWORD='your password'"),
        "TOKEN=$(curl -s -H 'Content-Type: application/json' \\\n  \
         -d \"{\\\"name\\\": \\\"$NAME\\\", \\\"password\\\": \\\"$PASSWORD\\\"}\" \\\n  \
         \"$URL/user/login\" | grep -o '\"token\":\"[^\"]*' | cut -d'\"' -f4)"
            .to_owned(),
        format!(
            "curl -X POST -H \"Authorization: Bearer $TOKEN\" \\\n  \
             -H \"Idempotency-Key: claim-1\" \\\n  \"$URL/ticket/get?actId={act}{kind}\""
        ),
        "curl -H \"Authorization: Bearer $TOKEN\" \\\n  \"$URL/ticket/list?page=1\"".to_owned(),
    ];
    let title = language.pick("How to claim with curl", "用 curl 抢票");
    let mut out = format!(
        "<div class=\"narrow\"><header><h1>{title}</h1><p><a href=\"/docs\">{}</a></p></header><main>\n",
        language.pick("The whole interface", "完整接口文档"),
    );
    for (step, command) in steps.iter().zip(commands) {
        add(&mut out, format_args!("<p>{step}</p><pre>{}</pre>\n", Text(&command)));
    }
    out.push_str("</main></div>");
    page(language, title, &out)
}

#[cfg(test)]
mod tests;
