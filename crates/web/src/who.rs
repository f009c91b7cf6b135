//! Who is asking: the token of a request, and what the cookie may be used for.
//! A wrong token is never treated as no token.

use crate::{App, envelope::Problem};
use door::Session;
use http::{HeaderMap, Method, header};
use sale::TimeMs;

/// The cookie that signing in sets.
pub const COOKIE: &str = "firstcome_session";

/// Someone signed in.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    /// Their session.
    pub session: Session,
    /// Known by the cookie, not by `Authorization`.
    pub by_cookie: bool,
}

/// Where a request's token comes from.
enum Shown<'a> {
    Nothing,
    Bearer(&'a [u8]),
    Cookie(&'a [u8]),
    Wrong,
}

/// The token a request shows; `Authorization` wins over the cookie.
fn shown(headers: &HeaderMap) -> Shown<'_> {
    let mut bearers = headers.get_all(header::AUTHORIZATION).iter();
    if let Some(value) = bearers.next() {
        let token = value.as_bytes().split_at_checked(7);
        return match token {
            Some((scheme, token))
                if scheme.eq_ignore_ascii_case(b"bearer ") && bearers.next().is_none() =>
            {
                Shown::Bearer(token)
            }
            _ => Shown::Wrong,
        };
    }
    cookie(headers).map_or(Shown::Nothing, Shown::Cookie)
}

/// The session cookie.
fn cookie(headers: &HeaderMap) -> Option<&[u8]> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| {
            let pair = pair.trim_ascii();
            pair.strip_prefix(COOKIE.as_bytes())?.strip_prefix(b"=")
        })
        .find(|value| !value.is_empty())
}

impl App {
    /// Who is asking, if anybody says so; a token that does not hold is a 401 even where none is needed.
    pub fn who(&self, headers: &HeaderMap, now: TimeMs) -> Result<Option<Who>, Problem> {
        let (token, by_cookie) = match shown(headers) {
            Shown::Nothing => return Ok(None),
            Shown::Wrong => return Err(Problem::SignIn),
            Shown::Bearer(token) => (token, false),
            Shown::Cookie(token) => (token, true),
        };
        let session = self.door.session(token, now).map_err(|_| Problem::SignIn)?;
        Ok(Some(Who { session, by_cookie }))
    }

    /// Who is asking, where someone has to.
    pub fn need_who(&self, headers: &HeaderMap, now: TimeMs) -> Result<Who, Problem> {
        self.who(headers, now)?.ok_or(Problem::SignIn)
    }

    /// Whether a request that changes something may do so: with the cookie, only a POST or a DELETE from our own
    /// pages: neither can be sent by a link.
    pub fn may_change(&self, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
        if !matches!(shown(headers), Shown::Cookie(_)) {
            return Ok(());
        }
        if !matches!(*method, Method::POST | Method::DELETE) {
            return Err(Problem::CookieGet);
        }
        // A cookie that does not hold is a 401, whatever page sent it.
        self.who(headers, self.sale.now())?;
        if self.own_page(headers) { Ok(()) } else { Err(Problem::Origin) }
    }

    /// Whether a page of this site, or of a configured origin, sent this.
    pub fn own_page(&self, headers: &HeaderMap) -> bool {
        let text =
            |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        if let Some(origin) = text(header::ORIGIN) {
            let host = origin.split_once("://").map(|(_, host)| host);
            let own = host.is_some() && host == text(header::HOST);
            return own || self.settings.origins.iter().any(|allowed| allowed == origin);
        }
        headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin")
    }
}
