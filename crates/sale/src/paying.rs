//! From an order to a payment: the buyer is sent to a provider, and what the provider tells is checked and proposed.
//! Only an authentic payment of the whole amount changes a state; the browser's way back changes nothing (C16, C21).

use crate::{
    ChangeFault, ClaimId, OwnedOrder, Sale,
    pay::{
        Notice, NoticeAnswer, NoticeRefused, NoticeVerdict, PayAsk, PayStart, Provider,
        ProviderFault, ProviderNotice,
    },
};
use ledger::{Change, Changed, NewPayment, NoticeRecord, OpenPayment};
use rules::{OrderNo, OrderState, TimeMs};
use std::{future::Future, sync::Arc};
use stock::Recorded;

/// Why a buyer is not sent to a provider. Nothing happened to the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayRefused {
    /// It is not held any more.
    WrongState(OrderState),
    /// Its deadline has passed, although it is still held.
    TooLate,
    /// There is no such order any more.
    NoOrder,
    /// No provider of this name, or none at all, is configured.
    NoProvider,
    /// The provider failed.
    Provider(ProviderFault),
    /// The writer could not say that the order is still held.
    Change(ChangeFault),
}

/// The answer to a notice for a provider that is not configured: it has no words of its own.
const UNKNOWN_PROVIDER_STATUS: u16 = 404;

impl Sale {
    /// The providers by which orders can be paid, the usual one first. Once, before anything is asked.
    ///
    /// # Panics
    /// If they were set before.
    pub fn set_providers(&self, providers: Vec<Arc<dyn Provider>>) {
        let set = self.inner.till.providers.set(providers);
        assert!(set.is_ok(), "the providers are set once");
    }

    /// Their names, the usual one first.
    pub fn provider_names(&self) -> Vec<&str> {
        self.providers().iter().map(|provider| provider.name()).collect()
    }

    pub(crate) fn providers(&self) -> &[Arc<dyn Provider>] {
        self.inner.till.providers.get().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn provider_at(&self, name: &str) -> Option<usize> {
        self.providers().iter().position(|provider| provider.name() == name)
    }

    /// Sends the buyer of a held order to a provider; the usual one, where none is named. That they were sent is on
    /// disk before they hear where to. Whoever gave the order up meanwhile hears that, and it is closed there.
    ///
    /// A provider opens an order once. One that was closed there, because its time was up, stays closed when its
    /// deadline is moved after that: the server was away, and gave the time back. Then this answers what the provider
    /// says, `PayRefused::Provider(ProviderFault::Refused)`; the buyer can pay elsewhere, or give the order up and claim
    /// anew.
    pub async fn pay(
        &self,
        order: &OwnedOrder,
        provider: Option<&str>,
        back_to: &str,
    ) -> Result<PayStart, PayRefused> {
        let lines = self.lines(order.no());
        let first = lines.first().ok_or(PayRefused::NoOrder)?;
        let pay_by = self.payable_until(first)?;
        let at = provider.map_or(Some(0), |name| self.provider_at(name));
        let provider = at.and_then(|at| Some((at, self.providers().get(at)?)));
        let (at, provider) = provider.ok_or(PayRefused::NoProvider)?;
        let start = self.inner.till.start(order.no(), at, self.look_after(self.now(), pay_by));
        self.note_start(order.no(), provider.name()).await?;
        let order_id = self.claim_id(&first.claim);
        let ask = PayAsk {
            order_id: order_id.as_str(),
            amount: &order.entry.amount_of(&lines),
            title: &order.entry.activity.name,
            pay_by,
            back_to,
        };
        let started = self.bounded(provider.start(&ask)).await;
        drop(start);
        self.still_payable(order.no())?;
        started.map_err(PayRefused::Provider)
    }

    /// Whether an order that was opened at a provider may still be paid; otherwise it is closed there soon.
    fn still_payable(&self, order: OrderNo) -> Result<(), PayRefused> {
        let lines = self.lines(order);
        let payable = lines.first().ok_or(PayRefused::NoOrder).map(|one| self.payable_until(one));
        let payable = payable.flatten();
        if payable.is_err() {
            self.inner.till.hasten(order, self.now());
        }
        payable.map(drop)
    }

    /// Its deadline, where it is held and the deadline is to come.
    fn payable_until(&self, first: &Recorded) -> Result<TimeMs, PayRefused> {
        match (first.state, first.pay_by) {
            (OrderState::Held, Some(pay_by)) if self.now() < pay_by => Ok(pay_by),
            (OrderState::Held, _) => Err(PayRefused::TooLate),
            (state, _) => Err(PayRefused::WrongState(state)),
        }
    }

    /// Has it written that the buyer goes to a provider, while the order is held.
    async fn note_start(&self, order: OrderNo, provider: &str) -> Result<(), PayRefused> {
        let (provider, started_at) = (provider.to_owned(), self.now());
        let open = OpenPayment { order, provider, started_at };
        match self.propose(Change::Started(open)).await.map_err(PayRefused::Change)? {
            Changed::Done { .. } | Changed::Already { .. } => Ok(()),
            Changed::WrongState(state) => Err(PayRefused::WrongState(state)),
            Changed::WrongPayment(_) | Changed::Closed | Changed::Unknown => {
                Err(PayRefused::NoOrder)
            }
        }
    }

    /// Takes what came to a provider's address. The answer is given once what it tells is on disk. It is read before
    /// the call returns; only the writing is waited for.
    pub fn notice<'a>(
        &'a self,
        provider: &str,
        notice: &Notice<'_>,
    ) -> impl Future<Output = NoticeAnswer> + Send + use<'a> {
        let provider = self.provider_at(provider).map(|at| &self.providers()[at]);
        let told = provider.map(|provider| provider.read_notice(notice));
        async move {
            let (Some(provider), Some(told)) = (provider, told) else {
                return self.refuse_notice("", NoticeRefused::UnknownProvider);
            };
            let verdict = match told {
                Ok(told) => self.take_notice(&**provider, told).await,
                Err(reason) => self.note_refused(provider.name(), reason, None),
            };
            provider.answer(verdict)
        }
    }

    /// Records and answers a notice that cannot even be read; `provider` is as in the address.
    pub fn refuse_notice(&self, provider: &str, reason: NoticeRefused) -> NoticeAnswer {
        match self.provider_at(provider).map(|at| &self.providers()[at]) {
            Some(provider) => provider.answer(self.note_refused(provider.name(), reason, None)),
            None => {
                // What a stranger wrote is no provider's name, and is not recorded as one.
                self.note_refused("", NoticeRefused::UnknownProvider, None);
                let (body, content_type) = (String::new(), "text/plain; charset=utf-8");
                NoticeAnswer { status: UNKNOWN_PROVIDER_STATUS, body, content_type }
            }
        }
    }

    /// An authentic payment, from a notice or because the provider was asked. If it pays its order, the order is paid by
    /// it; other money for an order of ours is owed from the moment it came, and the till gives it back.
    pub(crate) async fn take_notice(
        &self,
        provider: &dyn Provider,
        told: ProviderNotice,
    ) -> NoticeVerdict {
        let name = provider.name();
        let Some(order) = self.order_by_text(&told.order_id) else {
            return self.note_refused(name, NoticeRefused::UnknownOrder, None);
        };
        if let Err(reason) = told.is_money() {
            return self.note_refused(name, reason, Some(order.no()));
        }
        let pays = told.amount == order.amount();
        let payment = NewPayment {
            provider: name.to_owned(),
            reference: told.reference,
            order: order.no(),
            amount: told.amount,
        };
        let change = if pays { Change::Receive(payment) } else { Change::Owe(payment) };
        match self.propose(change).await {
            Ok(Changed::Done { payment: Some(payment), .. }) if !pays => {
                let (payment, provider) = (payment.no.0, name);
                tracing::warn!(
                    payment,
                    provider,
                    "a payment is not what its order costs; it goes back"
                );
                NoticeVerdict::Taken
            }
            Ok(Changed::Done { .. } | Changed::Already { .. }) => NoticeVerdict::Taken,
            Ok(Changed::Unknown) => {
                self.note_refused(name, NoticeRefused::UnknownOrder, Some(order.no()))
            }
            // A payment is possible in every state; whatever else this is, the provider tells it again.
            Ok(Changed::WrongState(_) | Changed::WrongPayment(_) | Changed::Closed)
            | Err(ChangeFault::Busy | ChangeFault::Unknown) => NoticeVerdict::Later,
        }
    }

    /// The priced order whose id a provider was given.
    fn order_by_text(&self, text: &str) -> Option<OwnedOrder> {
        let id: ClaimId = self.inner.ids.read_any_claim(text)?;
        let order = self.any_order(id)?;
        let claim = &order.first().claim;
        (claim.priced && self.claim_id(claim).as_str() == text).then_some(order)
    }

    fn note_refused(
        &self,
        provider: &str,
        reason: NoticeRefused,
        order: Option<OrderNo>,
    ) -> NoticeVerdict {
        tracing::warn!(provider, reason = reason.name(), "a notice of a payment changes nothing");
        let (at, provider) = (self.now(), provider.to_owned());
        let (stray, name) = (reason.is_stray(), reason.name());
        self.inner.refused_notice(NoticeRecord { at, provider, reason: name, order, stray });
        reason.verdict()
    }
}
