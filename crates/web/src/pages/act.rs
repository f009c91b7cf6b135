//! The page of one activity: the same bytes for everyone, so that a delivery network can hold it. Texts, times and
//! rules are in it; what is live or personal comes by the calls of its script.

use super::{
    Pages,
    assets::Packed,
    frame::{Frame, render},
    moments::{Shown, Zone, span},
    price,
};
use crate::{
    cold::Asked,
    envelope::{Problem, Reply},
    language::Language,
    pages::Assets,
};
use askama::Template;
use axum::Router;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sale::{Activity, TicketType};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Seconds for which anybody may keep the page: how late a change of its texts may be seen.
const KEEP_S: u32 = 60;
/// Units of a type that the page lets one choose at once; more is asked for by pressing again.
const CHOICE_MAX: u32 = 20;

/// The routes of an activity's page.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/act/{id}"), pages.get(act))
}

/// A page that everybody may keep.
pub struct PublicPage {
    packed: Packed,
    etag: HeaderValue,
    keep: HeaderValue,
}

impl PublicPage {
    /// Packs a page that may be kept for so many seconds.
    pub fn new(html: String, keep_s: u32) -> Self {
        let hash = URL_SAFE_NO_PAD.encode(&Sha256::digest(&html)[..12]);
        let text = |text: String| HeaderValue::try_from(text).expect("base64 and digits are ASCII");
        // Weak, because one tag stands for the plain and the compressed form.
        let etag = text(format!("W/\"{hash}\""));
        let keep = text(format!("public, max-age={keep_s}"));
        Self { packed: Packed::new(html), etag, keep }
    }

    /// Bytes of its compressed form.
    #[cfg(test)]
    pub fn compressed_bytes(&self) -> usize {
        self.packed.compressed_bytes()
    }

    /// The page, or that the browser has it already.
    pub fn reply(&self, headers: &HeaderMap, policy: HeaderValue) -> Reply {
        let mut reply = self.packed.reply(headers);
        if has(headers, &self.etag) {
            *reply.response.status_mut() = StatusCode::NOT_MODIFIED;
            *reply.response.body_mut() = Vec::new().into();
            reply.response.headers_mut().remove(header::CONTENT_ENCODING);
        }
        let out = reply.response.headers_mut();
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        out.insert(header::CACHE_CONTROL, self.keep.clone());
        out.insert(header::ETAG, self.etag.clone());
        out.insert(header::CONTENT_SECURITY_POLICY, policy);
        out.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        reply
    }
}

/// Whether If-None-Match names this tag.
fn has(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|it| it.to_str().ok());
    let strong = etag.to_str().unwrap_or_default().trim_start_matches("W/");
    values
        .flat_map(|value| value.split(','))
        .any(|one| one.trim() == "*" || one.trim().trim_start_matches("W/") == strong)
}

/// The page of an activity as a buyer sees it.
#[derive(Template)]
#[template(path = "act.html", blocks = ["main"])]
pub struct ActPage {
    f: Frame,
    id: String,
    name: String,
    desc: String,
    image: String,
    start: Shown,
    end: Shown,
    start_s: u64,
    end_s: u64,
    roster: bool,
    limit: Option<u32>,
    /// Whether people may line up for what comes back.
    standby: bool,
    /// The sign of the currency; empty where everything is free.
    sign: String,
    /// Seconds to pay, where something costs money: the shortest.
    pay_within_s: Option<u32>,
    kinds: Vec<Kind>,
}

/// One ticket type on it.
struct Kind {
    id: String,
    name: String,
    desc: String,
    price: Option<String>,
    /// The price without its sign.
    amount: String,
    limit: u32,
    /// Units that may be chosen at once.
    choice: u32,
    codes: bool,
    /// Its own window, where it has one.
    session: Option<(Shown, Shown)>,
    start_s: u64,
    end_s: u64,
}

impl ActPage {
    /// The page of an activity; also for one that is only being written.
    pub fn new(assets: Arc<Assets>, language: Language, zone: Zone, activity: &Activity) -> Self {
        let (start, end) = zone.window(activity.window);
        let path = super::frame::to(language, &format!("/act/{}", activity.id));
        let priced = || activity.types.iter().filter(|kind| !kind.price.is_free());
        Self {
            f: Frame::new(assets, language, &path, Some("buyer.js")),
            id: activity.id.clone(),
            name: activity.name.clone(),
            desc: activity.desc.clone(),
            image: Some(&activity.image).filter(|at| is_shown(at)).cloned().unwrap_or_default(),
            start,
            end,
            start_s: activity.window.start().seconds(),
            end_s: activity.window.end().seconds(),
            roster: activity.has_roster,
            limit: activity.limit_per_user,
            standby: activity.standby,
            sign: priced().next().map(|kind| price::sign(&kind.price.currency)).unwrap_or_default(),
            pay_within_s: priced().map(|kind| kind.pay_within_s).min(),
            kinds: activity.types.iter().map(|kind| Kind::new(zone, activity, kind)).collect(),
        }
    }

    /// What stands between head and foot, for a page that shows how this one will look.
    pub fn main_part(&self) -> String {
        render(&self.as_main())
    }

    /// Whether several types can be had at once.
    fn has_basket(&self) -> bool {
        self.kinds.len() > 1 && self.limit != Some(1)
    }

    fn span(&self, seconds: &u32) -> String {
        span(*seconds, self.f.language)
    }

    /// What the button costs, where it always costs the same.
    fn cost(&self) -> Option<&str> {
        self.only().filter(|kind| kind.choice == 1)?.price.as_deref()
    }

    /// The one type, where there is one.
    fn only(&self) -> Option<&Kind> {
        match &self.kinds[..] {
            [only] => Some(only),
            _ => None,
        }
    }
}

/// Whether the policy lets a browser load a picture from here.
fn is_shown(address: &str) -> bool {
    address.starts_with("https://") || (address.starts_with('/') && !address.starts_with("//"))
}

impl Kind {
    fn new(zone: Zone, activity: &Activity, kind: &TicketType) -> Self {
        let window = kind.window.unwrap_or(activity.window);
        Self {
            id: kind.id.clone(),
            name: kind.name.clone(),
            desc: kind.desc.clone(),
            price: price::shown(&kind.price),
            amount: kind.price.amount(),
            limit: kind.limit_per_user,
            choice: kind
                .limit_per_user
                .min(activity.limit_per_user.unwrap_or(CHOICE_MAX))
                .min(CHOICE_MAX),
            codes: kind.kind == sale::UnitKind::Codes,
            session: kind.window.map(|window| zone.window(window)),
            start_s: window.start().seconds(),
            end_s: window.end().seconds(),
        }
    }
}

async fn act(asked: Asked) -> Result<Reply, Problem> {
    let app = &asked.app;
    let prepared = app.prepared();
    let act = prepared.get(asked.segment(1)).ok_or(Problem::NotFound("actId"))?;
    let language = asked.language;
    let page = act.page[language.pick(0, 1)].get_or_init(|| {
        let (assets, zone) = (Arc::clone(&app.assets), app.settings.pages.zone());
        PublicPage::new(render(&ActPage::new(assets, language, zone, &act.entry.activity)), KEEP_S)
    });
    Ok(page.reply(&asked.parts.headers, app.assets.policy()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::offset;
    use sale::{Money, TimeMs, UnitKind, Validity, Window};

    fn activity(types: usize, text: &str) -> Activity {
        let window = Window::new(TimeMs(1_796_090_400_000), TimeMs(1_796_097_600_000)).unwrap();
        let kind = |number| TicketType {
            id: format!("type-{number}"),
            name: text.to_owned(),
            desc: text.to_owned(),
            image: String::new(),
            price: Money::parse("9.90", "CNY").unwrap(),
            limit_per_user: 100,
            kind: UnitKind::Codes,
            window: Some(window),
            pay_within_s: 900,
            offer_within_s: 900,
            validity: Validity { from: window.start(), until: None },
        };
        Activity {
            id: "movie".to_owned(),
            name: text.to_owned(),
            desc: text.repeat(20),
            image: String::new(),
            window,
            limit_per_user: None,
            has_roster: true,
            standby: true,
            types: (0..types).map(kind).collect(),
        }
    }

    fn html(activity: &Activity, language: Language) -> String {
        let assets = Arc::new(Assets::new(""));
        render(&ActPage::new(assets, language, Zone(offset(8)), activity))
    }

    #[test]
    fn the_first_view_is_at_most_ten_kilobytes_with_one_script_and_one_style() {
        for language in [Language::En, Language::Zh] {
            let html = html(&activity(20, "电影之夜：前 500 名每人一张票"), language);
            assert_eq!(html.matches("<script").count(), 1);
            assert_eq!(html.matches("rel=\"stylesheet\"").count(), 1);
            let bytes = PublicPage::new(html, KEEP_S).compressed_bytes();
            assert!(bytes <= 10_000, "{bytes} bytes");
        }
    }

    #[test]
    fn texts_of_operators_never_become_markup() {
        let evil = "</title></h1><script>alert(1)</script>\"'><img src=x onerror=\"x\">";
        let mut activity = activity(2, evil);
        activity.image = evil.to_owned();
        let html = html(&activity, Language::Zh);
        assert!(!html.contains("<script>alert") && !html.contains("<img src=x"), "{html}");
        assert!(!html.contains("onerror=\"") && !html.contains("class=\"poster\""), "{html}");
    }

    #[test]
    fn a_browser_that_has_the_page_hears_so() {
        let page = PublicPage::new("<p>x</p>".to_owned(), 60);
        let policy = HeaderValue::from_static("default-src 'none'");
        let mut headers = HeaderMap::new();
        let first = page.reply(&headers, policy.clone());
        assert_eq!(first.response.status(), StatusCode::OK);
        let etag = first.response.headers()[header::ETAG].clone();
        for named in [etag.to_str().unwrap(), "\"x\", W/\"y\"", "*"] {
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_str(named).unwrap());
            let status = page.reply(&headers, policy.clone()).response.status();
            assert_eq!(status == StatusCode::NOT_MODIFIED, !named.contains('y'), "{named}");
        }
    }
}
