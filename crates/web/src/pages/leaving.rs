//! The way to another host after a form. A form may lead to this server only, redirects included, so there a page of
//! ours leads on: by itself, with and without scripts, and by a link where that fails. It decides nothing.

use super::frame::{Frame, personal, see_other};
use crate::{cold::Asked, envelope::Reply};
use askama::Template;
use http::{HeaderValue, header};

/// Who is at the other end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// A payment provider.
    Provider,
    /// The shop that a provider sends people back to.
    Shop,
}

/// The way there.
#[derive(Template)]
#[template(path = "leaving.html")]
pub struct Leaving {
    pub f: Frame,
    pub bound: Bound,
    /// What it is about: the name of an activity.
    pub title: String,
    /// A path of this server, or an address on another host.
    pub url: String,
    /// The page of ours that one can go back to.
    pub back: Option<String>,
}

impl Leaving {
    fn name(&self) -> &'static str {
        let (en, zh) = match self.bound {
            Bound::Provider => ("To the payment", "前往支付"),
            Bound::Shop => ("Back to the shop", "返回商家"),
        };
        self.f.language.pick(en, zh)
    }

    fn text(&self) -> &'static str {
        let (en, zh) = match self.bound {
            Bound::Provider => (
                "You are being sent to the payment provider. If nothing happens, press the button.",
                "正在前往支付平台。如无反应，请点击按钮。",
            ),
            Bound::Shop => (
                "You are being sent back to the shop. If nothing happens, press the button.",
                "正在返回商家。如无反应，请点击按钮。",
            ),
        };
        self.f.language.pick(en, zh)
    }

    /// Sends a browser there.
    pub fn send(self, asked: &Asked) -> Reply {
        if self.url.starts_with('/') && !self.url.starts_with("//") {
            return see_other(&self.url);
        }
        let refresh = HeaderValue::try_from(format!("0; url={}", self.url));
        let mut reply = personal(asked, &self);
        if let Ok(refresh) = refresh {
            reply.response.headers_mut().insert(header::REFRESH, refresh);
        }
        reply
    }
}
