//! The page /: what this is, what is on sale, and how to claim with nothing but curl.
//! Times are shown in two fixed zones, for the server cannot know the reader's.

use super::{
    Page,
    html::{Text, add, page},
};
use crate::{App, WebSettings, language::Language};
use http::{HeaderMap, header::HOST};
use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{Offset, offset},
};
use sale::{ActivityState, Entry, Supply, TimeMs, Window, standing};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Activities on the page; the rest is in /act/list.
const ACTIVITIES_MAX: usize = 100;

/// What is said in place of an activity where there is none.
const NO_ACTIVITY: &str = "movie-night";

/// Characters of a host's name: what DNS allows.
const HOST_CHARS_MAX: usize = 253;

/// Activities, and how to claim at the address by which this request came.
pub fn front_page(app: &App, headers: &HeaderMap, language: Language, now: TimeMs) -> Page {
    let pages = app.pages();
    let mut going = pages.sorted.iter().filter(|page| state(app, &page.entry, now).is_some());
    let first = going.by_ref().take(ACTIVITIES_MAX);
    let shown: Vec<Shown> = first.filter_map(|page| shown(app, &page.entry, now)).collect();
    let url = url(headers, &app.settings);
    render(&shown, going.next().is_some(), &url, language)
}

/// Where the commands find this server: where this request found it. A request that does not say so in one
/// clean Host gets the listener's own address, and that never speaks https.
fn url(headers: &HeaderMap, settings: &WebSettings) -> String {
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

fn shown(app: &App, entry: &Entry, now: TimeMs) -> Option<Shown> {
    let state = state(app, entry, now)?;
    let activity = &entry.activity;
    let counts = app.sale.counts(entry.no);
    let kinds = activity.types.iter().zip(&counts.types).map(|(kind, counts)| ShownType {
        id: kind.id.clone(),
        name: kind.name.clone(),
        price: (!kind.price.is_free())
            .then(|| format!("{} {}", kind.price.amount(), kind.price.currency)),
        limit: kind.limit_per_user,
        session: kind.window,
        supply: counts.supply,
    });
    Some(Shown {
        id: activity.id.clone(),
        name: activity.name.clone(),
        desc: activity.desc.clone(),
        window: activity.window,
        state,
        roster: activity.has_roster,
        kinds: kinds.collect(),
    })
}

/// What the page shows of an activity.
struct Shown {
    id: String,
    name: String,
    desc: String,
    window: Window,
    state: ActivityState,
    roster: bool,
    kinds: Vec<ShownType>,
}

/// What the page shows of a ticket type.
struct ShownType {
    id: String,
    name: String,
    /// With its currency; none where it is free.
    price: Option<String>,
    limit: u32,
    session: Option<Window>,
    supply: Supply,
}

fn render(activities: &[Shown], more: bool, url: &str, language: Language) -> Page {
    let mut out = String::from("<div class=\"narrow\"><header><h1>Firstcome</h1><p>");
    out.push_str(language.pick(
        "Sells limited stock to a crowd, in the order in which they came.",
        "把限量的票和礼品，按先来后到发给抢购的人群。",
    ));
    add(
        &mut out,
        format_args!("</p></header><main><h2>{}</h2>\n", language.pick("Activities", "活动")),
    );
    for one in activities {
        out.push_str(&activity(one, language));
    }
    if activities.is_empty() {
        let none = language.pick("Nothing is on sale now.", "目前没有活动。");
        add(&mut out, format_args!("<p>{none}</p>\n"));
    }
    if more {
        let more = language.pick("There are more in", "更多活动见");
        add(&mut out, format_args!("<p>{more} <a href=\"/act/list\">/act/list</a></p>\n"));
    }
    out.push_str(&how_to_claim(activities, url, language));
    let docs = language.pick("The whole interface", "完整接口文档");
    add(
        &mut out,
        format_args!(
            "</main><footer><a href=\"/docs\">{docs}</a> · <a href=\"/openapi.json\">openapi.json</a>\
             </footer></div>"
        ),
    );
    page(language, "Firstcome", &out)
}

fn activity(one: &Shown, language: Language) -> String {
    let mut out = format!(
        "<article><h3>{} <span class=\"state {}\">{}</span></h3>",
        Text(&one.name),
        one.state.name(),
        state_text(one.state, language),
    );
    if !one.desc.is_empty() {
        add(&mut out, format_args!("<p class=\"desc\">{}</p>", Text(&one.desc)));
    }
    add(&mut out, format_args!("<p>{}</p>", window_text(one.window)));
    if one.roster {
        let text = language.pick("Only for the names on its list.", "仅限名单内的人员。");
        add(&mut out, format_args!("<p class=\"note\">{text}</p>"));
    }
    add(
        &mut out,
        format_args!(
            "<table><thead><tr><th>{}</th><th class=\"number\">{}</th></tr></thead><tbody>",
            language.pick("Ticket", "票种"),
            language.pick("left / total", "剩余 / 总数"),
        ),
    );
    for kind in &one.kinds {
        out.push_str(&kind_row(kind, language));
    }
    add(
        &mut out,
        format_args!("</tbody></table><p class=\"note\"><code>actId={}</code></p>", Text(&one.id)),
    );
    out + "</article>\n"
}

fn kind_row(kind: &ShownType, language: Language) -> String {
    let mut out = format!("<tr><td>{}", Text(&kind.name));
    let price = kind.price.as_deref().unwrap_or(language.pick("free", "免费"));
    let limit = match language {
        Language::En => format!("{} a person", kind.limit),
        Language::Zh => format!("每人限 {} 份", kind.limit),
    };
    add(
        &mut out,
        format_args!(
            " <span class=\"kind\">{} · {} · <code>typeId={}</code>",
            Text(price),
            limit,
            Text(&kind.id)
        ),
    );
    if let Some(session) = kind.session {
        add(&mut out, format_args!("<br>{}", window_text(session)));
    }
    let Supply { available, total, .. } = kind.supply;
    add(
        &mut out,
        format_args!("</span></td><td class=\"number\"><b>{available}</b> / {total}</td></tr>"),
    );
    out
}

fn state_text(state: ActivityState, language: Language) -> &'static str {
    let (en, zh) = match state {
        ActivityState::Upcoming => ("upcoming", "未开始"),
        ActivityState::Open => ("open", "进行中"),
        ActivityState::SoldOut => ("sold out", "已抢光"),
        ActivityState::Paused => ("paused", "已暂停"),
        ActivityState::Ended => ("ended", "已结束"),
    };
    language.pick(en, zh)
}

/// A window in the two zones, a line for each.
fn window_text(window: Window) -> String {
    let (start, end) = (timestamp(window.start()), timestamp(window.end()));
    let span =
        |offset: Offset, zone| span_text(offset.to_datetime(start), offset.to_datetime(end), zone);
    let (east, utc) = (span(offset(8), "+08:00"), span(Offset::UTC, "UTC"));
    format!("<time datetime=\"{start}\">{east}</time><br><span class=\"kind\">{utc}</span>")
}

/// From one to the other, where a line may only break between them; the day stands once where it is the same.
fn span_text(start: DateTime, end: DateTime, zone: &str) -> String {
    let day = |moment: DateTime| moment.date().to_string();
    let clock = |moment: DateTime| {
        let (hour, minute, second) = (moment.hour(), moment.minute(), moment.second());
        let second = if second == 0 { String::new() } else { format!(":{second:02}") };
        format!("{hour:02}:{minute:02}{second}")
    };
    let last_day = if day(start) == day(end) { String::new() } else { day(end) + " " };
    format!(
        "<span class=\"moment\">{} {} –</span> <span class=\"moment\">{last_day}{} {zone}</span>",
        day(start),
        clock(start),
        clock(end),
    )
}

/// A moment beyond the calendar's end is shown as that end.
fn timestamp(time: TimeMs) -> Timestamp {
    let ms = i64::try_from(time.0).ok();
    ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX)
}

/// The commands from the password to the ticket, for the activity that can be claimed soonest.
fn how_to_claim(activities: &[Shown], url: &str, language: Language) -> String {
    let open = activities.iter().find(|one| one.state == ActivityState::Open);
    let example = open.or(activities.first());
    let (act, kind) = match example {
        None => (NO_ACTIVITY, ""),
        Some(one) => (one.id.as_str(), choice(one)),
    };
    let kind = if kind.is_empty() { String::new() } else { format!("&typeId={kind}") };
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
    let mut out = format!("<h2>{}</h2>\n", language.pick("How to claim", "如何抢票"));
    for (step, command) in steps.iter().zip(commands) {
        add(&mut out, format_args!("<p>{step}</p><pre>{}</pre>\n", Text(&command)));
    }
    out
}

/// The type to name in a claim: none where there is only one.
fn choice(activity: &Shown) -> &str {
    match &activity.kinds[..] {
        [] | [_] => "",
        [first, ..] => &first.id,
    }
}

#[cfg(test)]
mod tests;
