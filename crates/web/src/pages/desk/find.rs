//! A person by name, or an order by its id, a ticket's or a code: what they have, and where they tried for nothing.
//! It only reads; what was asked for may be a code, so it is in no log and in no address.

use crate::{
    cold::{Asked, FOUND_MAX, Takes, blocking, found},
    envelope::{Problem, Reply},
    pages::{
        Pages,
        frame::{Frame, personal},
        orders::state_text,
    },
};
use askama::Template;
use axum::Router;
use sale::{LINES_READ_MAX, LedgerFault, OrderState, Person, Recorded, Role};

/// Characters of a question: more than any name, id or code has.
const QUESTION_CHARS_MAX: usize = 200;
/// Activities that a person tried for nothing in, of which the page tells.
const TRIED_MAX: usize = 50;

/// The routes of the search.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/desk/find"), pages.form(Takes::Little, form, find))
}

#[derive(Template)]
#[template(path = "desk/find.html")]
struct Find {
    f: Frame,
    question: String,
    /// Whether anything was asked.
    asked: bool,
    person: Option<Someone>,
    orders: Vec<Order>,
    more: bool,
    /// Activities in which the person tried and has nothing.
    tried: Vec<(String, String)>,
    zone: String,
}

struct Someone {
    name: String,
    display_name: String,
    operator: bool,
    /// Only listed on a roster so far.
    listed: bool,
}

struct Order {
    id: String,
    ticket_id: String,
    act_id: String,
    act_name: String,
    kind: String,
    claim_no: u32,
    user: String,
    display_name: String,
    /// Only of what is paid.
    code: Option<String>,
    state: OrderState,
    effective: bool,
    decided: String,
}

impl Someone {
    fn new(Person { name, display_name, role, source, .. }: Person) -> Self {
        let (operator, listed) = (role == Role::Operator, source.is_none());
        Self { name, display_name, operator, listed }
    }
}

impl Order {
    /// How its ticket stands, as a class and in words.
    fn tag(&self, f: &Frame) -> (&'static str, &'static str) {
        let t = |en, zh| f.language.pick(en, zh);
        match (self.state, self.effective) {
            (OrderState::Paid, true) => ("valid", t("valid now", "有效")),
            (OrderState::Paid, false) => ("later", t("not valid now", "不在有效期")),
            (state, _) => (state.name(), state_text(state, f)),
        }
    }

    fn new(asked: &Asked, line: &Recorded) -> Result<Option<Self>, LedgerFault> {
        let (sale, claim) = (&asked.app.sale, &line.claim);
        let Some(entry) = sale.catalog().by_no(claim.activity).cloned() else { return Ok(None) };
        let kind = &entry.activity.types[usize::from(claim.ticket_type.0)];
        let person = sale.ledger().person(claim.user)?;
        let paid = line.state == OrderState::Paid;
        let code = entry.with_code(line, str::to_owned);
        let (user, display_name) =
            person.map_or_else(Default::default, |person| (person.name, person.display_name));
        Ok(Some(Self {
            id: sale.ids().claim(claim).as_str().to_owned(),
            ticket_id: sale.ids().ticket(claim),
            act_id: entry.activity.id.clone(),
            act_name: entry.activity.name.clone(),
            kind: kind.name.clone(),
            claim_no: claim.claim_no.0,
            user,
            display_name,
            code,
            state: line.state,
            effective: paid && kind.validity.holds(asked.now),
            decided: asked.app.settings.pages.zone().plain(claim.decided_at),
        }))
    }
}

async fn form(asked: Asked) -> Result<Reply, Problem> {
    asked.operator().await?;
    Ok(personal(&asked, &Find::nothing(&asked)))
}

async fn find(asked: Asked) -> Result<Reply, Problem> {
    let question: String = {
        let form = asked.form()?;
        form.get("q").unwrap_or_default().trim().chars().take(QUESTION_CHARS_MAX).collect()
    };
    let operator = asked.operator().await?;
    if question.is_empty() {
        return Ok(personal(&asked, &Find::nothing(&asked)));
    }
    asked.audit(&operator, "admin/order/find", "", String::new());
    blocking(move || {
        let page = Find::of(&asked, question).map_err(|fault| {
            tracing::warn!(%fault, "the ledger could not be searched");
            Problem::Busy
        })?;
        Ok(personal(&asked, &page))
    })
    .await?
}

impl Find {
    fn nothing(asked: &Asked) -> Self {
        Self {
            f: Frame::of(asked),
            question: String::new(),
            asked: false,
            person: None,
            orders: Vec::new(),
            more: false,
            tried: Vec::new(),
            zone: asked.app.settings.pages.zone().name(),
        }
    }

    fn of(asked: &Asked, question: String) -> Result<Self, LedgerFault> {
        let sale = &asked.app.sale;
        let lines = found(sale, &question)?;
        let orders = lines.iter().take(FOUND_MAX).map(|line| Order::new(asked, line));
        let orders: Vec<Option<Order>> = orders.collect::<Result<_, _>>()?;
        let person = sale.ledger().person_by_name(&question)?.map(|(person, _)| person);
        let tried = person.as_ref().map(|person| tried(asked, person)).unwrap_or_default();
        Ok(Self {
            question,
            asked: true,
            person: person.map(Someone::new),
            orders: orders.into_iter().flatten().collect(),
            more: lines.len() > FOUND_MAX,
            tried,
            ..Self::nothing(asked)
        })
    }
}

fn tried(asked: &Asked, person: &Person) -> Vec<(String, String)> {
    let sale = &asked.app.sale;
    let catalog = sale.catalog();
    let for_nothing = catalog.sorted().iter().rev().filter(|entry| {
        let has_none = || sale.claims_in(entry.no, person.no, LINES_READ_MAX).is_empty();
        sale.joined(entry.no, person.no) && has_none()
    });
    let named = for_nothing.map(|one| (one.activity.id.clone(), one.activity.name.clone()));
    named.take(TRIED_MAX).collect()
}
