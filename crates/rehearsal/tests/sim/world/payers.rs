//! The payers' side of the wire: what is sent, lost and heard, and what the server answers. What the HTTP layer does
//! with orders is done here in the same way, without HTTP; nothing here decides about an order.

use super::{
    Event, PRICED, World, answers,
    server::Running,
    tasks::{Done, Task},
};
use crate::{figures::Count, stock::Bug};
use ledger::{Change, NewPayment};
use rehearsal::{
    crowd::{PayStep, Payer},
    history::{
        Effect, Key, Micros, Refused, TypeIndex,
        paying::{
            Minor, Order, PayAsked, PayCall, PayHeard, Payment, PaymentState, PricedTicket, State,
            UnixMs,
        },
    },
};
use rules::{Item, OrderNo, OrderState, Refusal, TypeNo, UserNo};
use sale::{
    ChangeFault, ClaimId, Entry, LinedUp, NoticeRefused, Outcome, OwnedOrder, PayRefused, Place,
    Position, Recorded, Request, Sale, Stepped, pay::TEST_PROVIDER,
};
use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

/// A request that is lost is given up within so many microseconds.
const GIVEN_UP_US: u64 = 500_000;
/// Microseconds between two attempts of somebody who comes before a sale that should be over.
const PATIENCE_US: u64 = 60_000_000;
/// Orders of a list.
const LIST_MAX: usize = 100;

/// What payers saw.
type Seen = Vec<PayCall>;

/// A payer's request on its way.
#[derive(Clone)]
struct PayRequest {
    payer: usize,
    user: UserNo,
    asked: PayAsked,
    sent: u64,
    /// The payer has heard, or does not listen any more.
    over: bool,
}

/// Everybody who pays, or does not.
#[derive(Default)]
pub struct Payers {
    pub calls: RefCell<Seen>,
    users: RefCell<Vec<UserNo>>,
    payers: RefCell<Vec<Payer>>,
    requests: RefCell<Vec<PayRequest>>,
    done: Cell<usize>,
}

impl Payers {
    pub fn sign_in(&self, users: Vec<UserNo>) {
        *self.users.borrow_mut() = users;
    }

    pub fn all_done(&self) -> bool {
        self.done.get() == self.payers.borrow().len()
    }

    fn is_over(&self, id: usize) -> bool {
        self.requests.borrow()[id].over
    }

    fn request_of(&self, id: usize) -> PayRequest {
        self.requests.borrow()[id].clone()
    }

    /// The request, if this is the first that is heard of it.
    fn hears(&self, id: usize) -> Option<PayRequest> {
        let request = &mut self.requests.borrow_mut()[id];
        let first = !std::mem::replace(&mut request.over, true);
        first.then(|| request.clone())
    }
}

impl World {
    /// A payer's first step.
    pub(super) fn pay_join(&self, mut payer: Payer) {
        let first = payer.step(Micros(0), None);
        let place = self.payers.payers.borrow().len();
        self.payers.payers.borrow_mut().push(payer);
        match first {
            Some(step) => self.plan(step.at.0, Event::PaySend(place, step)),
            None => self.payers.done.set(self.payers.done.get() + 1),
        }
    }

    pub(super) fn pay_send(&self, payer: usize, step: PayStep) {
        self.count(Count::PayCalls);
        let id = self.payers.requests.borrow().len();
        let user = self.payers.users.borrow()[payer];
        let (asked, sent) = (step.asked, self.now());
        let request = PayRequest { payer, user, asked, sent, over: false };
        self.payers.requests.borrow_mut().push(request);
        self.tell("pay", id as u64);
        if self.is_lost() {
            let at = self.now() + self.below(GIVEN_UP_US);
            return self.plan(at, Event::PayDeliver(id, PayHeard::Lost));
        }
        self.plan(self.now() + self.distance(), Event::PayArrive(id));
    }

    pub(super) fn pay_deliver(&self, id: usize, heard: PayHeard) {
        let Some(PayRequest { payer, asked, sent, .. }) = self.payers.hears(id) else { return };
        self.tell("paid", id as u64);
        let ended = Micros(self.now());
        let mut payers = self.payers.payers.borrow_mut();
        // A clock that was set back by an hour: nobody presses for so long, whoever is told that it has not begun.
        let early = heard == PayHeard::Refused(Refused::NotStarted);
        let patience = if early && ended.0 > self.scenario.ends() { PATIENCE_US } else { 0 };
        let next = payers[payer].step(ended, Some(&heard));
        let person = payers[payer].person();
        let call = PayCall { person, asked, sent: Micros(sent), ended, heard };
        self.payers.calls.borrow_mut().push(call);
        match next {
            Some(step) => self.plan(step.at.0 + patience, Event::PaySend(payer, step)),
            None => self.payers.done.set(self.payers.done.get() + 1),
        }
    }

    /// The answer leaves.
    pub(super) fn reply_payer(&self, id: usize, heard: PayHeard) {
        if !self.put_down(Task::Payer(id)) || self.payers.is_over(id) {
            return;
        }
        let (at, heard) = match self.is_lost() {
            true => (self.now() + self.below(GIVEN_UP_US), PayHeard::Lost),
            false => (self.now() + self.distance(), heard),
        };
        self.plan(at, Event::PayDeliver(id, heard));
    }

    pub(super) fn pay_arrive(&self, id: usize) {
        let request = self.payers.request_of(id);
        let task = Task::Payer(id);
        if let PayAsked::Pay { order, how, after_s } = &request.asked {
            // The company's page, whatever the process does meanwhile.
            self.takes_up(task);
            return self.reply_payer(id, self.pays(order, *how, *after_s));
        }
        let Some(running) = self.server.running().filter(|_| self.server.takes()) else {
            if self.of_1000(500) {
                return self.put_back(task);
            }
            self.takes_up(task);
            return self.reply_payer(id, PayHeard::Lost);
        };
        self.takes_up(task);
        let entry = running.sale.catalog().by_id(PRICED).cloned();
        let entry = entry.expect("the activity was imported");
        self.answer_payer(id, &request, &running, &entry);
        self.stir(true);
    }

    fn answer_payer(&self, id: usize, asks: &PayRequest, running: &Running, entry: &Arc<Entry>) {
        let user = asks.user;
        match &asks.asked {
            PayAsked::Claim { items, key } => self.pay_claim(id, running, entry, user, items, *key),
            PayAsked::Result { claim, .. } => self.pay_result(id, running, user, claim),
            PayAsked::Order(order) => {
                self.reply_payer(id, self.detail(running, user, order));
            }
            PayAsked::Orders => self.reply_payer(id, self.orders(running, user)),
            PayAsked::Cancel(order) => self.cancel(id, running, user, order),
            PayAsked::Start(order) => self.start(id, running, user, order),
            PayAsked::Pay { .. } => unreachable!("nobody asks the server for it"),
            PayAsked::Forge(order) => self.forged(id, running, order),
            PayAsked::Return(order) => self.come_back(id, running, user, order),
            PayAsked::Join(of) => self.join_line(id, running, entry, user, *of),
            PayAsked::Leave(of) => self.leave_line(id, running, entry, user, *of),
            PayAsked::Place(of) => self.reply_payer(id, place(running, entry, user, *of)),
        }
    }

    fn pay_claim(
        &self,
        id: usize,
        running: &Running,
        entry: &Arc<Entry>,
        user: UserNo,
        items: &[(TypeIndex, u32)],
        key: Key,
    ) {
        let item = |(of, count): &(TypeIndex, u32)| Item {
            ticket_type: TypeNo(of.0 as u16),
            count: *count as u8,
        };
        let items: Vec<Item> = items.iter().map(item).collect();
        let key = Some(running.sale.ids().key(&format!("pay-{}", key.0)));
        match running.sale.decide(entry, Request { items: &items, user, key }) {
            Ok(outcome) => self.reply_payer_claim(id, outcome),
            Err(deciding) => {
                let sale = Arc::clone(&running.sale);
                let waiting = async move { Done::PayerClaim(sale.outcome(deciding).await) };
                self.wait(Task::Payer(id), Box::pin(waiting));
            }
        }
    }

    /// The answer to a claim, once it may be given.
    pub(super) fn reply_payer_claim(&self, id: usize, outcome: Outcome) {
        let running = self.server.running().expect("whoever waits waits in a server");
        self.reply_payer(id, self.claimed(&running, outcome));
    }

    fn pay_result(&self, id: usize, running: &Running, user: UserNo, claim: &str) {
        let heard = match running.sale.ids().read_claim(claim, user) {
            None => STRANGER,
            Some(asked) => match running.sale.result(asked, user) {
                Ok(outcome) => self.claimed(running, outcome),
                Err(_) => BUSY,
            },
        };
        self.reply_payer(id, heard);
    }

    fn claimed(&self, running: &Running, outcome: Outcome) -> PayHeard {
        match outcome {
            Outcome::Won(first) => PayHeard::Order(self.won(running, &first)),
            Outcome::Queued(id) => PayHeard::Queued { claim: id.as_str().to_owned() },
            Outcome::Refused(no) if no.refusal == Refusal::HeldByOthers => PayHeard::HeldByOthers,
            Outcome::Refused(no) => PayHeard::Refused(answers::refused(no.refusal)),
            Outcome::Busy => BUSY,
            Outcome::Failed(sale::Effect::None) => PayHeard::Failed(Effect::None),
            Outcome::Failed(sale::Effect::Unknown) => PayHeard::Failed(Effect::Unknown),
        }
    }

    /// The order of a claim, with all its lines where it has more than one.
    fn won(&self, running: &Running, first: &Recorded) -> Order {
        let id = ClaimId::from(&first.claim);
        let entry = running.sale.catalog().by_no(id.activity).cloned();
        let entry = entry.expect("the activity was imported");
        let whole = if first.claim.lines > 1 { running.sale.any_order(id) } else { None };
        let order = whole.unwrap_or(OwnedOrder { entry, lines: vec![*first] });
        Order { tickets: self.tickets_of(running, &order), ..record(running, &order) }
    }

    fn tickets_of(&self, running: &Running, order: &OwnedOrder) -> Vec<PricedTicket> {
        let ticket = |line: &Recorded| {
            let types = &order.entry.activity.types;
            let mut seen = *line;
            if self.planted.bug == Some(Bug::ShowsCodes) {
                (seen.state, seen.place) = (OrderState::Paid, Place::DURABLE);
            }
            PricedTicket {
                id: running.sale.ids().ticket(&line.claim),
                type_id: types[usize::from(line.claim.ticket_type.0)].id.clone(),
                code: order.entry.with_code(&seen, str::to_owned),
                claim_no: line.claim.claim_no.0,
            }
        };
        order.lines.iter().map(ticket).collect()
    }

    fn detail(&self, running: &Running, user: UserNo, text: &str) -> PayHeard {
        let Some(order) = own_order(running, user, text) else { return STRANGER };
        let Ok(payments) = running.sale.ledger().payments_of(order.no()) else { return BUSY };
        let payment = |one: &sale::PaymentRecord| Payment {
            id: one.no.0.to_string(),
            state: PaymentState::named(one.state.name()).expect("names are permanent"),
            amount: Minor(one.payment.amount.minor),
        };
        PayHeard::Order(Order {
            tickets: self.tickets_of(running, &order),
            payments: payments.iter().map(payment).collect(),
            ..record(running, &order)
        })
    }

    fn orders(&self, running: &Running, user: UserNo) -> PayHeard {
        let (orders, _) = running.sale.orders_of(user, Position::Skip(0), LIST_MAX);
        let ours = orders.iter().filter(|order| order.entry.activity.id == PRICED);
        PayHeard::Orders(ours.map(|order| record(running, order)).collect())
    }

    fn cancel(&self, id: usize, running: &Running, user: UserNo, text: &str) {
        let Some(order) = own_order(running, user, text) else {
            return self.reply_payer(id, STRANGER);
        };
        let sale = Arc::clone(&running.sale);
        let waiting = async move { Done::Cancelled(sale.cancel(order.no()).await) };
        self.wait(Task::Payer(id), Box::pin(waiting));
    }

    pub(super) fn reply_cancelled(&self, id: usize, done: Result<Stepped, ChangeFault>) {
        let running = self.server.running().expect("whoever waits waits in a server");
        let request = self.payers.request_of(id);
        let PayAsked::Cancel(text) = &request.asked else { unreachable!("it was cancelled") };
        let heard = match done {
            Ok(Stepped::Now(_) | Stepped::Already(_)) => {
                let order = own_order(&running, request.user, text);
                order.map_or(STRANGER, |order| PayHeard::Order(record(&running, &order)))
            }
            Ok(Stepped::WrongState(state)) => wrong_state(state),
            Ok(Stepped::Unknown) => STRANGER,
            Err(fault) => changing(fault),
        };
        self.reply_payer(id, heard);
    }

    fn start(&self, id: usize, running: &Running, user: UserNo, text: &str) {
        let Some(order) = own_order(running, user, text) else {
            return self.reply_payer(id, STRANGER);
        };
        let (sale, chosen) = (Arc::clone(&running.sale), self.chosen());
        let waiting = async move {
            let mut heard = STRANGER;
            for provider in chosen {
                heard = start_at(&sale, &order, provider).await;
            }
            Done::Payer(heard)
        };
        self.wait(Task::Payer(id), Box::pin(waiting));
    }

    /// A browser comes back from the provider: its page shows the order, and changes nothing (C21).
    fn come_back(&self, id: usize, running: &Running, user: UserNo, text: &str) {
        self.count(Count::CameBack);
        let order = own_order(running, user, text);
        let shown = PayHeard::Whatever { status: if order.is_some() { 200 } else { 404 } };
        let (Some(order), Some(Bug::BelievesTheWayBack)) = (order, self.planted.bug) else {
            return self.reply_payer(id, shown);
        };
        let sale = Arc::clone(&running.sale);
        let waiting = async move {
            let payment = NewPayment {
                provider: TEST_PROVIDER.to_owned(),
                reference: format!("back-{}", order.no().seq),
                order: order.no(),
                amount: order.amount(),
            };
            let _ = sale.propose(Change::Receive(payment)).await;
            Done::Payer(shown)
        };
        self.wait(Task::Payer(id), Box::pin(waiting));
    }

    /// Somebody who is no provider posts a notice: it is signed by nobody.
    fn forged(&self, id: usize, running: &Running, order: &str) {
        let answer = running.sale.refuse_notice(TEST_PROVIDER, NoticeRefused::BadSignature);
        assert!(answer.status != 200, "a made up notice for order {order} was taken");
        self.reply_payer(id, PayHeard::Whatever { status: answer.status });
    }

    fn join_line(
        &self,
        id: usize,
        running: &Running,
        entry: &Arc<Entry>,
        user: UserNo,
        of: TypeIndex,
    ) {
        let (running, entry) = (running.clone(), Arc::clone(entry));
        let waiting = async move {
            let joined = running.sale.line_up(&entry, TypeNo(of.0 as u16), user).await;
            Done::Payer(match joined {
                Ok(LinedUp::InLine(place)) => PayHeard::InLine { ahead: place.ahead },
                Ok(LinedUp::Refused(no)) if no.refusal == Refusal::HeldByOthers => {
                    PayHeard::HeldByOthers
                }
                Ok(LinedUp::Refused(no)) => PayHeard::Refused(answers::refused(no.refusal)),
                Ok(LinedUp::Free) => PayHeard::WrongState("free".to_owned()),
                Ok(LinedUp::Off) => PayHeard::WrongState("off".to_owned()),
                Ok(LinedUp::Offered(_)) => match offer(&running, &entry, user, of) {
                    Some(order) => PayHeard::NotInLine { offer: Some(order) },
                    None => PayHeard::WrongState("offered".to_owned()),
                },
                Err(fault) => changing(fault),
            })
        };
        self.wait(Task::Payer(id), Box::pin(waiting));
    }

    fn leave_line(
        &self,
        id: usize,
        running: &Running,
        entry: &Arc<Entry>,
        user: UserNo,
        of: TypeIndex,
    ) {
        let (sale, entry) = (Arc::clone(&running.sale), Arc::clone(entry));
        let waiting = async move {
            let left = sale.leave_line(&entry, TypeNo(of.0 as u16), user).await;
            Done::Payer(left.map_or_else(changing, PayHeard::Left))
        };
        self.wait(Task::Payer(id), Box::pin(waiting));
    }

    /// Paid orders that cost something, for an operator who gives money back.
    pub(super) fn paid_orders(&self, running: &Running) -> Vec<OrderNo> {
        let entry = running.sale.catalog().by_id(PRICED).cloned();
        let entry = entry.expect("the activity was imported");
        let users = self.payers.users.borrow().clone();
        let lines = users.into_iter().flat_map(|user| running.sale.live_in(entry.no, user));
        let paid = lines.filter(|line| line.claim.priced && line.claim.line == 0);
        let paid = paid.filter(|line| line.state == OrderState::Paid);
        paid.map(|line| line.claim.order()).collect()
    }
}

async fn start_at(sale: &Sale, order: &OwnedOrder, provider: &str) -> PayHeard {
    match sale.pay(order, Some(provider), "/en/order").await {
        Ok(start) => PayHeard::PayAt(start.pay_url),
        Err(PayRefused::WrongState(state)) => wrong_state(state),
        Err(PayRefused::TooLate) => wrong_state(OrderState::Expired),
        Err(PayRefused::Provider(_)) => BUSY,
        Err(PayRefused::Change(fault)) => changing(fault),
        Err(PayRefused::NoOrder | PayRefused::NoProvider) => STRANGER,
    }
}

const BUSY: PayHeard = PayHeard::Busy { retry_after: true };
const STRANGER: PayHeard = PayHeard::Strange { status: 404, ret: Some(-404) };

fn changing(fault: ChangeFault) -> PayHeard {
    match fault {
        ChangeFault::Busy => BUSY,
        ChangeFault::Unknown => PayHeard::Failed(Effect::Unknown),
    }
}

fn wrong_state(state: OrderState) -> PayHeard {
    PayHeard::WrongState(state.name().to_owned())
}

fn own_order(running: &Running, user: UserNo, text: &str) -> Option<OwnedOrder> {
    let id = running.sale.ids().read_claim(text, user)?;
    running.sale.order(&running.sale.catalog(), id, user)
}

/// An order as lists have it: without its tickets.
fn record(running: &Running, order: &OwnedOrder) -> Order {
    let amount = order.amount();
    Order {
        id: running.sale.claim_id(&order.first().claim).as_str().to_owned(),
        state: State::named(order.state().name()).expect("names are permanent"),
        price: Minor(amount.minor),
        currency: amount.currency,
        pay_by: order.pay_by().map(|at| UnixMs(at.0)),
        tickets: Vec::new(),
        payments: Vec::new(),
    }
}

fn place(running: &Running, entry: &Entry, user: UserNo, of: TypeIndex) -> PayHeard {
    match running.sale.in_line(entry, TypeNo(of.0 as u16), user) {
        Some(place) => PayHeard::InLine { ahead: place.ahead },
        None => PayHeard::NotInLine { offer: offer(running, entry, user, of) },
    }
}

/// The order that was made for somebody out of the line, while it is theirs.
fn offer(running: &Running, entry: &Entry, user: UserNo, of: TypeIndex) -> Option<String> {
    let offered = running.sale.offer_of(entry, TypeNo(of.0 as u16), user);
    offered.map(|line| running.sale.claim_id(&line.claim).as_str().to_owned())
}
