//! What a person has: the list, and a ticket with its code as text and as a QR picture, and its validity.
//! Somebody else's ticket does not exist here either (C23).

use super::{
    Pages,
    account::person,
    claiming::next_key,
    frame::{Frame, personal},
    lists::begins,
    moments::Shown,
};
use crate::{
    cold::Asked,
    envelope::{Problem, Reply},
    prepared::TicketState,
};
use askama::Template;
use axum::Router;
use fast_qr::{
    ECL, QRBuilder,
    convert::{Builder, svg::SvgBuilder},
};
use sale::{Owned, Position, UserNo};

/// Tickets on a page.
const TICKETS_ON_A_PAGE: usize = 50;

/// The routes of tickets.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new()
        .route(&pages.path("/tickets"), pages.get(list))
        .route(&pages.path("/ticket/{id}"), pages.get(one))
}

#[derive(Template)]
#[template(path = "tickets.html")]
struct Tickets {
    f: Frame,
    name: String,
    tickets: Vec<Ticket>,
    /// The id after which the next page begins.
    more: Option<String>,
}

#[derive(Template)]
#[template(path = "ticket.html")]
struct TicketPage {
    f: Frame,
    ticket: Ticket,
    /// Whether it was won just now.
    won: bool,
    /// The type and the key of one more, where it was won just now and there may be one more.
    another: Option<(String, String)>,
    /// The picture, which is made here and holds nothing but squares.
    qr: Option<String>,
}

struct Ticket {
    id: String,
    name: String,
    desc: String,
    act_id: String,
    act_name: String,
    /// Only of what is paid: a code that somebody has seen can never be sold again.
    code: Option<String>,
    claim_no: u32,
    state: TicketState,
    effective: bool,
    /// Its order, where it cost something or has more tickets.
    order_id: Option<String>,
    from: Shown,
    until: Option<Shown>,
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let (user, person) = person(&asked).await?;
    let sale = &asked.app.sale;
    let from = begins(&asked, |id| sale.ids().read_ticket(id, user).map(Position::AfterTicket))?;
    let (found, more) = sale.tickets_of(user, from, TICKETS_ON_A_PAGE);
    let tickets: Vec<Ticket> = found.iter().map(|owned| Ticket::new(&asked, owned)).collect();
    let more = tickets.last().filter(|_| more).map(|last| last.id.clone());
    Ok(personal(&asked, &Tickets { f: Frame::of(&asked), name: person.name, tickets, more }))
}

async fn one(asked: Asked) -> Result<Reply, Problem> {
    let user = asked.app.need_who(&asked.parts.headers, asked.now)?.session.user;
    let sale = &asked.app.sale;
    let unknown = || Problem::NotFound("ticketId");
    let id = sale.ids().read_ticket(asked.segment(1), user).ok_or_else(unknown)?;
    let owned = sale.ticket(&sale.catalog(), id, user).ok_or_else(unknown)?;
    let ticket = Ticket::new(&asked, &owned);
    let qr = ticket.code.as_deref().and_then(picture);
    let won = asked.params()?.get("won") == Some("1");
    let another = won.then(|| another(&asked, &owned, user)).flatten();
    Ok(personal(&asked, &TicketPage { f: Frame::of(&asked), ticket, won, another, qr }))
}

/// One more of the same type, where there may be one more.
fn another(asked: &Asked, Owned { entry, line }: &Owned, user: UserNo) -> Option<(String, String)> {
    let (activity, type_no) = (&entry.activity, line.claim.ticket_type);
    let kind = &activity.types[usize::from(type_no.0)];
    let mine = asked.app.sale.live_in(entry.no, user);
    let of_type = mine.iter().filter(|one| one.claim.ticket_type == type_no).count() as u64;
    let room = of_type < u64::from(kind.limit_per_user)
        && activity.limit_per_user.is_none_or(|most| (mine.len() as u64) < u64::from(most));
    room.then(|| (kind.id.clone(), next_key(&asked.app.sale, line)))
}

impl Ticket {
    fn is_held(&self) -> bool {
        self.state == TicketState::Held
    }

    /// The state as a class, and in words.
    fn tag(&self, f: &Frame) -> (&'static str, &'static str) {
        let t = |en, zh| f.language.pick(en, zh);
        match self.state {
            TicketState::Held => ("held", t("to be paid", "待付款")),
            TicketState::Void => ("void", t("void", "已作废")),
            TicketState::Valid if self.effective => ("valid", t("valid now", "有效")),
            TicketState::Valid => ("later", t("not valid now", "不在有效期")),
        }
    }

    fn new(asked: &Asked, Owned { entry, line }: &Owned) -> Self {
        let (activity, claim) = (&entry.activity, &line.claim);
        let state = TicketState::of(line.state);
        let kind = &activity.types[usize::from(claim.ticket_type.0)];
        let zone = asked.app.settings.pages.zone();
        let code = entry.with_code(line, str::to_owned);
        Self {
            id: asked.app.sale.ids().ticket(claim),
            name: kind.name.clone(),
            desc: kind.desc.clone(),
            act_id: activity.id.clone(),
            act_name: activity.name.clone(),
            code,
            claim_no: claim.claim_no.0,
            state,
            effective: state == TicketState::Valid && kind.validity.holds(asked.now),
            order_id: (claim.priced || claim.lines > 1)
                .then(|| asked.app.sale.ids().claim(claim).as_str().to_owned()),
            from: zone.moment(kind.validity.from),
            until: kind.validity.until.map(|until| zone.moment(until)),
        }
    }
}

/// The code as squares; nothing for a code too long for any picture.
fn picture(code: &str) -> Option<String> {
    let made = QRBuilder::new(code).ecl(ECL::M).build().ok()?;
    Some(SvgBuilder::default().margin(2).to_str(&made))
}
