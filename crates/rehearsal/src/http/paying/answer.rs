//! What payers hear: answers of the published interface as the history has them. Whatever the interface does not have
//! is `Strange`, with its numbers; nothing is guessed at or made up for.

use super::money::amount;
use crate::{
    history::{
        Effect, Refused,
        paying::{
            Minor, Order, PayAsked, PayHeard, Payment, PaymentState, PricedTicket, State, UnixMs,
        },
    },
    http::answer::Answer,
};
use serde_json::Value;

/// What `answer` means to somebody who asked `asked` about `activity`.
pub(super) fn heard(asked: &PayAsked, activity: &str, answer: Answer<'_>) -> PayHeard {
    let status = answer.status;
    if matches!(asked, PayAsked::Forge(_) | PayAsked::Return(_)) {
        return PayHeard::Whatever { status };
    }
    let strange = |ret| PayHeard::Strange { status, ret };
    let Ok(envelope) = serde_json::from_slice::<Value>(answer.body) else { return strange(None) };
    let ret = envelope.get("ret").and_then(Value::as_i64).and_then(|ret| i32::try_from(ret).ok());
    let Some(ret) = ret else { return strange(None) };
    let data = envelope.get("data").unwrap_or(&Value::Null);
    let read = match (status, ret) {
        (503, -503) | (429, -429) => Some(PayHeard::Busy { retry_after: answer.retry_after }),
        (500, -3) => failed(data),
        (200, 0) => success(asked, activity, data),
        (200, 1) => text(data, "claim_id").map(|claim| PayHeard::Queued { claim }),
        (200, -10) => wrong_state(data),
        (200, _) => refused(asked, ret),
        _ => None,
    };
    read.unwrap_or_else(|| strange(Some(ret)))
}

fn failed(data: &Value) -> Option<PayHeard> {
    match data.get("effect")?.as_str()? {
        "none" => Some(PayHeard::Failed(Effect::None)),
        "unknown" => Some(PayHeard::Failed(Effect::Unknown)),
        _ => None,
    }
}

/// Who has an order that was made out of the line need not be told anything else.
fn wrong_state(data: &Value) -> Option<PayHeard> {
    if let Some(offer) = text(data, "order_id") {
        return Some(PayHeard::NotInLine { offer: Some(offer) });
    }
    text(data, "state").map(PayHeard::WrongState)
}

/// The rules are asked by claims and by whoever lines up.
fn refused(asked: &PayAsked, ret: i32) -> Option<PayHeard> {
    let by_rules =
        matches!(asked, PayAsked::Claim { .. } | PayAsked::Result { .. } | PayAsked::Join(_));
    let refused = match ret {
        -1 => Refused::Ended,
        -2 => Refused::SoldOut,
        -4 => Refused::NotStarted,
        -5 => Refused::LimitReached,
        -6 => Refused::NotEligible,
        -7 => return by_rules.then_some(PayHeard::HeldByOthers),
        -11 => Refused::Paused,
        _ => return None,
    };
    by_rules.then_some(PayHeard::Refused(refused))
}

fn success(asked: &PayAsked, activity: &str, data: &Value) -> Option<PayHeard> {
    match asked {
        PayAsked::Claim { .. } | PayAsked::Result { .. } => {
            let ours = data.get("actId")?.as_str()? == activity;
            ours.then(|| claimed(data)).flatten().map(PayHeard::Order)
        }
        PayAsked::Order(_) | PayAsked::Cancel(_) => order(data).map(PayHeard::Order),
        PayAsked::Orders => {
            let ours = |one: &&Value| one.get("act_id").and_then(Value::as_str) == Some(activity);
            let all = data.get("list")?.as_array()?.iter().filter(ours).map(order);
            Some(PayHeard::Orders(all.collect::<Option<_>>()?))
        }
        PayAsked::Start(_) => text(data, "pay_url").map(PayHeard::PayAt),
        PayAsked::Pay { .. } => Some(PayHeard::Told),
        PayAsked::Join(_) | PayAsked::Place(_) => match data.get("ahead")? {
            Value::Null => Some(PayHeard::NotInLine { offer: text(data, "offer") }),
            ahead => Some(PayHeard::InLine { ahead: u32::try_from(ahead.as_u64()?).ok()? }),
        },
        PayAsked::Leave(_) => Some(PayHeard::Left(data.get("left")?.as_bool()?)),
        PayAsked::Forge(_) | PayAsked::Return(_) => None,
    }
}

/// An order as its claim is answered: a ticket, with what else the order has. A single free unit is a ticket alone.
fn claimed(data: &Value) -> Option<Order> {
    let state = match data.get("order_state") {
        Some(state) => State::named(state.as_str()?)?,
        None => State::Paid,
    };
    let tickets = match data.get("tickets") {
        Some(tickets) => tickets.as_array()?.iter().map(ticket).collect::<Option<_>>()?,
        None => vec![ticket(data)?],
    };
    let price = match data.get("price") {
        Some(price) => amount(price.as_str()?)?,
        None => Minor(0),
    };
    Some(Order {
        id: text(data, "order_id")?,
        state,
        price,
        currency: text(data, "currency").unwrap_or_default(),
        pay_by: deadline(data),
        tickets,
        payments: Vec::new(),
    })
}

/// An order's record; in lists its tickets are ids.
fn order(data: &Value) -> Option<Order> {
    let tickets = data.get("tickets")?.as_array()?.iter().filter(|one| one.is_object());
    let payments = data.get("payments").and_then(Value::as_array).into_iter().flatten();
    Some(Order {
        id: text(data, "order_id")?,
        state: State::named(data.get("state")?.as_str()?)?,
        price: amount(data.get("price")?.as_str()?)?,
        currency: text(data, "currency")?,
        pay_by: deadline(data),
        tickets: tickets.map(ticket).collect::<Option<_>>()?,
        payments: payments.map(payment).collect::<Option<_>>()?,
    })
}

fn payment(record: &Value) -> Option<Payment> {
    Some(Payment {
        id: text(record, "payment_id")?,
        state: PaymentState::named(record.get("state")?.as_str()?)?,
        amount: amount(record.get("amount")?.as_str()?)?,
    })
}

fn ticket(record: &Value) -> Option<PricedTicket> {
    let code = match record.get("code")? {
        Value::Null => None,
        code => Some(code.as_str()?.to_owned()),
    };
    Some(PricedTicket {
        id: text(record, "id")?,
        type_id: text(record, "type_id")?,
        code,
        claim_no: u32::try_from(record.get("claim_no")?.as_u64()?).ok()?,
    })
}

fn deadline(data: &Value) -> Option<UnixMs> {
    data.get("pay_by")?.as_u64().map(|seconds| UnixMs(seconds * 1_000))
}

fn text(data: &Value, key: &str) -> Option<String> {
    data.get(key)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Key, TypeIndex};

    fn told(asked: &PayAsked, status: u16, ret: i32, data: &str) -> PayHeard {
        let body = format!(r#"{{"ret":{ret},"message":"m","data":{data}}}"#);
        heard(asked, "a", Answer { status, retry_after: true, body: body.as_bytes() })
    }

    fn claim() -> PayAsked {
        PayAsked::Claim { items: vec![(TypeIndex(0), 1)], key: Key(1) }
    }

    #[test]
    fn an_order_is_read_from_its_claim_and_from_its_record() {
        let data = r#"{"id":"o-1","type_id":"s","code":null,"claim_no":7,"actId":"a","order_id":"o",
            "order_state":"held","price":"9.90","currency":"CNY","pay_by":1796000000}"#;
        let PayHeard::Order(order) = told(&claim(), 200, 0, data) else { panic!() };
        assert_eq!((order.state, order.price), (State::Held, Minor(990)));
        assert_eq!((order.pay_by, order.tickets.len()), (Some(UnixMs(1_796_000_000_000)), 1));
        let free =
            r#"{"id":"o-1","type_id":"s","code":"x","claim_no":7,"actId":"a","order_id":"o"}"#;
        let PayHeard::Order(order) = told(&claim(), 200, 0, free) else { panic!() };
        assert_eq!((order.state, order.price), (State::Paid, Minor(0)));
        let record = r#"{"order_id":"o","act_id":"a","state":"paid","price":"19.80","currency":"CNY",
            "pay_by":null,"tickets":[{"id":"o-1","type_id":"s","code":"x","claim_no":1}],
            "payments":[{"payment_id":"7","state":"confirmed","amount":"19.80"}]}"#;
        let asked = PayAsked::Order("o".to_owned());
        let PayHeard::Order(order) = told(&asked, 200, 0, record) else { panic!() };
        assert_eq!(order.payments[0].amount, Minor(1_980));
        let list = r#"{"list":[{"act_id":"b"},{"order_id":"o","act_id":"a","state":"held",
            "price":"1.00","currency":"CNY","pay_by":5,"tickets":["o-1"]}]}"#;
        let PayHeard::Orders(orders) = told(&PayAsked::Orders, 200, 0, list) else { panic!() };
        assert_eq!((orders.len(), orders[0].tickets.len()), (1, 0));
    }

    #[test]
    fn everything_else_is_read_as_the_interface_has_it() {
        let join = || PayAsked::Join(TypeIndex(0));
        let place = || PayAsked::Place(TypeIndex(0));
        let pay = || PayAsked::Pay {
            order: "o".to_owned(),
            how: crate::history::paying::How::Never,
            after_s: 0,
        };
        let offered = |offer: &str| PayHeard::NotInLine { offer: Some(offer.to_owned()) };
        let wrong = |state: &str| PayHeard::WrongState(state.to_owned());
        let strange = |status, ret| PayHeard::Strange { status, ret: Some(ret) };
        let table = [
            (claim(), 200, -7, r#"{"retry_at":1}"#, PayHeard::HeldByOthers),
            (claim(), 200, -2, "{}", PayHeard::Refused(Refused::SoldOut)),
            (claim(), 200, -8, "{}", strange(200, -8)),
            (claim(), 200, 1, r#"{"claim_id":"c"}"#, PayHeard::Queued { claim: "c".to_owned() }),
            (pay(), 200, -7, "{}", strange(200, -7)),
            (pay(), 200, 0, "{}", PayHeard::Told),
            (pay(), 200, -10, r#"{"state":"closed"}"#, wrong("closed")),
            (pay(), 404, -404, "{}", strange(404, -404)),
            (
                join(),
                200,
                0,
                r#"{"position":3,"ahead":2,"waiting":9}"#,
                PayHeard::InLine { ahead: 2 },
            ),
            (join(), 200, -10, r#"{"state":"free"}"#, wrong("free")),
            (join(), 200, -10, r#"{"state":"offered","order_id":"o"}"#, offered("o")),
            (place(), 200, 0, r#"{"ahead":null,"offer":"o"}"#, offered("o")),
            (
                place(),
                200,
                0,
                r#"{"ahead":null,"offer":null}"#,
                PayHeard::NotInLine { offer: None },
            ),
            (PayAsked::Leave(TypeIndex(0)), 200, 0, r#"{"left":true}"#, PayHeard::Left(true)),
            (
                PayAsked::Start("o".to_owned()),
                200,
                0,
                r#"{"pay_url":"/p"}"#,
                PayHeard::PayAt("/p".to_owned()),
            ),
            (PayAsked::Forge("o".to_owned()), 400, -400, "{}", PayHeard::Whatever { status: 400 }),
            (join(), 503, -503, "{}", PayHeard::Busy { retry_after: true }),
            (join(), 500, -3, r#"{"effect":"unknown"}"#, PayHeard::Failed(Effect::Unknown)),
        ];
        for (asked, status, ret, data, expected) in table {
            assert_eq!(told(&asked, status, ret, data), expected, "{asked:?} {ret} {data}");
        }
    }
}
