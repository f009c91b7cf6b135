//! The waiting list for those without scripts: lining up, one's place, leaving. Who gets what comes back is decided by
//! the stock in the order of joining; looking here often brings nobody forward (C22).

use super::{
    Pages,
    frame::{Frame, personal, see_other, to, with_status},
    words::{Sentence, refused, say},
};
use crate::{
    cold::{Asked, Takes},
    envelope::{Problem, Reply},
    hot::ticket_type,
    params::{Reason, bad},
};
use askama::Template;
use axum::Router;
use http::{HeaderValue, StatusCode, header};
use sale::{ChangeFault, Effect, Entry, LinedUp, Recorded, TypeNo, UserNo};
use std::sync::Arc;

/// Seconds after which a browser without scripts looks again for its place.
const AGAIN_AFTER_S: u32 = 30;

/// The routes of the line.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/act/{id}/line"), pages.form(Takes::Little, look, change))
}

#[derive(Template)]
#[template(path = "line.html")]
struct LinePage {
    f: Frame,
    sentence: &'static Sentence,
    act_id: String,
    act_name: String,
    kind_id: String,
    kind_name: String,
    /// People before one, while one is in line.
    ahead: Option<u32>,
    /// What the form does, and what its button says.
    way: Option<(&'static str, &'static str)>,
    /// Tickets of this person, where they have had their share.
    had: Vec<String>,
}

impl LinePage {
    fn title(&self) -> &'static str {
        self.sentence.title(self.f.language)
    }

    fn text(&self) -> &'static str {
        self.sentence.text(self.f.language)
    }

    fn here(&self) -> String {
        address(&self.f, &self.act_id, &self.kind_id)
    }

    fn place(&self, ahead: &u32) -> String {
        match ahead {
            0 => self.f.t("You are next", "下一位就是您").to_owned(),
            1 => self.f.t("1 person before you", "前面还有 1 人").to_owned(),
            n => {
                self.f.t("{n} people before you", "前面还有 {n} 人").replace("{n}", &n.to_string())
            }
        }
    }
}

fn address(f: &Frame, act_id: &str, kind_id: &str) -> String {
    f.to(&format!("/act/{act_id}/line?typeId={kind_id}"))
}

/// A line, and who asks about it.
struct Line {
    user: UserNo,
    entry: Arc<Entry>,
    kind: TypeNo,
}

impl Line {
    fn of(asked: &Asked, kind: Option<&str>) -> Result<Self, Problem> {
        let user = asked.app.need_who(&asked.parts.headers, asked.now)?.session.user;
        let entry = asked.app.sale.catalog().by_id(asked.segment(1)).cloned();
        let entry = entry.ok_or(Problem::NotFound("actId"))?;
        let kind = ticket_type(&entry.activity, kind)?;
        Ok(Self { user, entry, kind })
    }

    /// The order that was made for this person out of the line and is still to be paid, or a ticket that cost nothing.
    fn offer(&self, asked: &Asked) -> Option<Recorded> {
        asked.app.sale.offer_of(&self.entry, self.kind, self.user)
    }

    fn page(&self, asked: &Asked, sentence: &'static Sentence) -> LinePage {
        let (f, activity) = (Frame::of(asked), &self.entry.activity);
        let kind = &activity.types[usize::from(self.kind.0)];
        let place = asked.app.sale.in_line(&self.entry, self.kind, self.user);
        let way = match place {
            Some(_) => Some(("leave", f.language.pick("Leave the line", "退出候补"))),
            None if activity.standby => Some(("join", f.language.pick("Line up", "候补"))),
            None => None,
        };
        LinePage {
            f,
            sentence,
            act_id: activity.id.clone(),
            act_name: activity.name.clone(),
            kind_id: kind.id.clone(),
            kind_name: kind.name.clone(),
            ahead: place.map(|place| place.ahead),
            way,
            had: Vec::new(),
        }
    }

    /// To the page of one's place.
    fn here(&self, asked: &Asked) -> Reply {
        let activity = &self.entry.activity;
        let kind = &activity.types[usize::from(self.kind.0)];
        see_other(&address(&Frame::of(asked), &activity.id, &kind.id))
    }
}

async fn look(asked: Asked) -> Result<Reply, Problem> {
    let (line, left) = {
        let params = asked.params()?;
        (Line::of(&asked, params.get("typeId"))?, params.get("left") == Some("1"))
    };
    if let Some(offer) = line.offer(&asked) {
        let id = asked.app.sale.ids().claim(&offer.claim);
        return Ok(see_other(&to(asked.language, &format!("/order/{}", id.as_str()))));
    }
    let place = asked.app.sale.in_line(&line.entry, line.kind, line.user);
    let key = match place {
        Some(_) => "in_line",
        None if left => "line_left",
        None => "line_open",
    };
    let mut reply = personal(&asked, &line.page(&asked, say(key)));
    if place.is_some() {
        // Without a script this is how a page looks again.
        reply.response.headers_mut().insert(header::REFRESH, HeaderValue::from(AGAIN_AFTER_S));
    }
    Ok(reply)
}

async fn change(asked: Asked) -> Result<Reply, Problem> {
    let (line, join) = {
        let form = asked.form()?;
        let join = match form.need("do")? {
            "join" => true,
            "leave" => false,
            _ => return Err(bad("do", Reason::Choice).into()),
        };
        (Line::of(&asked, form.get("typeId"))?, join)
    };
    if join { lines_up(&asked, &line).await } else { leaves(&asked, &line).await }
}

async fn lines_up(asked: &Asked, line: &Line) -> Result<Reply, Problem> {
    asked.spend_change(line.user)?;
    if let Some(client) = asked.client {
        // Asking for a place is asking for a unit, so one bound holds both.
        asked.app.limits.claim(line.user, client.0, asked.now)?;
    }
    let joined = asked.app.sale.line_up(&line.entry, line.kind, line.user).await;
    match joined.map_err(failed)? {
        LinedUp::InLine(_) | LinedUp::Offered(_) => Ok(line.here(asked)),
        LinedUp::Free => Ok(told(asked, line, say("line_free"))),
        LinedUp::Off => Ok(told(asked, line, say("line_off"))),
        LinedUp::Refused(no) => {
            let ticket = |one: &Recorded| asked.app.sale.ids().ticket(&one.claim);
            let page = LinePage {
                had: no.had.iter().map(ticket).collect(),
                way: None,
                ..line.page(asked, refused(no.refusal))
            };
            Ok(personal(asked, &page))
        }
    }
}

/// The page that says why one is not in line now.
fn told(asked: &Asked, line: &Line, sentence: &'static Sentence) -> Reply {
    with_status(asked, StatusCode::OK, &LinePage { way: None, ..line.page(asked, sentence) })
}

async fn leaves(asked: &Asked, line: &Line) -> Result<Reply, Problem> {
    asked.spend_change(line.user)?;
    let left = asked.app.sale.leave_line(&line.entry, line.kind, line.user).await;
    left.map_err(failed)?;
    let activity = &line.entry.activity;
    let kind = &activity.types[usize::from(line.kind.0)];
    let path = format!("/act/{}/line?typeId={}&left=1", activity.id, kind.id);
    Ok(see_other(&to(asked.language, &path)))
}

fn failed(fault: ChangeFault) -> Problem {
    match fault {
        ChangeFault::Busy => Problem::Busy,
        ChangeFault::Unknown => Problem::Fault(Effect::Unknown),
    }
}
