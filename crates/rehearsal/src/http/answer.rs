//! What people hear: answers of the published interface as the history has them. Whatever the interface does not
//! have is `Strange`, with its numbers; nothing is guessed at or made up for.

use crate::history::{Asked, Effect, Heard, Refused, Shown, Ticket};
use serde_json::Value;

/// One whole answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'a> {
    /// The HTTP status.
    pub(super) status: u16,
    /// Whether it said when to ask again.
    pub(super) retry_after: bool,
    /// The body.
    pub(super) body: &'a [u8],
}

/// What `answer` means to somebody who asked `asked` about `activity`.
pub(super) fn heard(asked: &Asked, activity: &str, answer: Answer<'_>) -> Heard {
    let strange = |ret| Heard::Strange { status: answer.status, ret };
    let Ok(envelope) = serde_json::from_slice::<Value>(answer.body) else { return strange(None) };
    let ret = envelope.get("ret").and_then(Value::as_i64).and_then(|ret| i32::try_from(ret).ok());
    let Some(ret) = ret else { return strange(None) };
    let data = envelope.get("data").unwrap_or(&Value::Null);
    let read = match (answer.status, ret) {
        (503, -503) | (429, -429) => Some(Heard::Busy { retry_after: answer.retry_after }),
        (500, -3) => failed(data),
        (200, _) => match asked {
            Asked::Claim { .. } | Asked::Result { .. } => claimed(ret, activity, data),
            Asked::List => success(ret).and_then(|()| listed(activity, data)),
            Asked::Detail => success(ret).and_then(|()| detailed(data)),
            Asked::Tickets => success(ret).and_then(|()| tickets(activity, data.get("list")?)),
        },
        _ => None,
    };
    read.unwrap_or_else(|| strange(Some(ret)))
}

fn success(ret: i32) -> Option<()> {
    (ret == 0).then_some(())
}

fn failed(data: &Value) -> Option<Heard> {
    match data.get("effect")?.as_str()? {
        "none" => Some(Heard::Failed(Effect::None)),
        "unknown" => Some(Heard::Failed(Effect::Unknown)),
        _ => None,
    }
}

fn claimed(ret: i32, activity: &str, data: &Value) -> Option<Heard> {
    let refused = |refusal| Some(Heard::Refused(refusal, Vec::new()));
    match ret {
        0 => won(activity, data),
        1 => Some(Heard::Queued { claim: text(data, "claim_id")? }),
        -1 => refused(Refused::Ended),
        -2 => refused(Refused::SoldOut),
        -4 => refused(Refused::NotStarted),
        -5 => {
            let had = data.get("tickets")?.as_array()?.iter().map(ticket);
            Some(Heard::Refused(Refused::LimitReached, had.collect::<Option<_>>()?))
        }
        -6 => refused(Refused::NotEligible),
        -11 => refused(Refused::Paused),
        _ => None,
    }
}

fn won(activity: &str, data: &Value) -> Option<Heard> {
    let ticket = ticket(data)?;
    let ours = data.get("actId")?.as_str()? == activity && ticket.order.is_some();
    ours.then_some(Heard::Won(ticket))
}

/// A ticket record, with the order's id where it is part of it.
fn ticket(record: &Value) -> Option<Ticket> {
    let code = match record.get("code")? {
        Value::Null => None,
        code => Some(code.as_str()?.to_owned()),
    };
    Some(Ticket {
        order: text(record, "order_id"),
        id: text(record, "id")?,
        type_id: text(record, "type_id")?,
        code,
        claim_no: number(record, "claim_no")?,
    })
}

/// The person's tickets of this activity; they may have others.
fn tickets(activity: &str, list: &Value) -> Option<Heard> {
    let ours = |record: &&Value| record.get("act_id").and_then(Value::as_str) == Some(activity);
    let shown = list.as_array()?.iter().filter(ours).map(ticket);
    Some(Heard::Tickets(shown.collect::<Option<_>>()?))
}

fn listed(activity: &str, data: &Value) -> Option<Heard> {
    let ours = |one: &&Value| one.get("id").and_then(Value::as_str) == Some(activity);
    let Some(found) = data.get("list")?.as_array()?.iter().find(ours) else {
        // An activity that has ended is not in the list any more.
        return Some(Heard::Shown(Shown::default()));
    };
    let (state, left) = (text(found, "state")?, number(found, "left")?);
    Some(Heard::Shown(Shown { state, left, types: Vec::new() }))
}

fn detailed(data: &Value) -> Option<Heard> {
    let (state, left) = (text(data, "state")?, number(data, "left")?);
    let of_type =
        |one: &Value| Some((number(one, "total")?, number(one, "left")?, number(one, "held")?));
    let types = data.get("tickets")?.as_array()?.iter().map(of_type);
    Some(Heard::Shown(Shown { state, left, types: types.collect::<Option<_>>()? }))
}

fn text(data: &Value, key: &str) -> Option<String> {
    data.get(key)?.as_str().map(str::to_owned)
}

fn number(data: &Value, key: &str) -> Option<u32> {
    u32::try_from(data.get(key)?.as_u64()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::TypeIndex;

    const CLAIM: Asked = Asked::Claim { ticket_type: TypeIndex(0), key: None };

    fn told(asked: &Asked, status: u16, body: &str) -> Heard {
        heard(asked, "a", Answer { status, retry_after: true, body: body.as_bytes() })
    }

    fn of(ret: i32, data: &str) -> String {
        format!(r#"{{"ret":{ret},"message":"m","data":{data}}}"#)
    }

    #[test]
    fn answers_to_claims_are_read_as_the_interface_has_them() {
        let record =
            r#"{"id":"t-1","type_id":"s","code":null,"claim_no":7,"actId":"a","order_id":"t"}"#;
        let other =
            r#"{"id":"t-1","type_id":"s","code":null,"claim_no":7,"actId":"b","order_id":"t"}"#;
        let won = Ticket {
            order: Some("t".to_owned()),
            id: "t-1".to_owned(),
            type_id: "s".to_owned(),
            code: None,
            claim_no: 7,
        };
        let no = |refusal| Heard::Refused(refusal, Vec::new());
        let strange = |status, ret| Heard::Strange { status, ret };
        let had = format!(r#"{{"tickets":[{record}]}}"#);
        let table = [
            (200, of(0, record), Heard::Won(won.clone())),
            (200, of(0, other), strange(200, Some(0))),
            (200, of(0, "{}"), strange(200, Some(0))),
            (200, of(1, r#"{"claim_id":"c"}"#), Heard::Queued { claim: "c".to_owned() }),
            (200, of(1, "{}"), strange(200, Some(1))),
            (200, of(-1, "{}"), no(Refused::Ended)),
            (200, of(-2, "{}"), no(Refused::SoldOut)),
            (200, of(-4, "{}"), no(Refused::NotStarted)),
            (200, of(-5, &had), Heard::Refused(Refused::LimitReached, vec![won])),
            (200, of(-5, "{}"), strange(200, Some(-5))),
            (200, of(-6, "{}"), no(Refused::NotEligible)),
            (200, of(-7, "{}"), strange(200, Some(-7))),
            (200, of(-11, "{}"), no(Refused::Paused)),
            (500, of(-3, r#"{"effect":"none"}"#), Heard::Failed(Effect::None)),
            (500, of(-3, r#"{"effect":"unknown"}"#), Heard::Failed(Effect::Unknown)),
            (500, of(-3, "{}"), strange(500, Some(-3))),
            (503, of(-503, "{}"), Heard::Busy { retry_after: true }),
            (429, of(-429, "{}"), Heard::Busy { retry_after: true }),
            (503, of(-2, "{}"), strange(503, Some(-2))),
            (401, of(-401, "{}"), strange(401, Some(-401))),
            (200, "<html>".to_owned(), strange(200, None)),
            (502, String::new(), strange(502, None)),
        ];
        for (status, body, expected) in table {
            assert_eq!(told(&CLAIM, status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn lists_show_this_activity_alone() {
        let shown =
            |state: &str, left, types| Heard::Shown(Shown { state: state.to_owned(), left, types });
        let list =
            r#"{"list":[{"id":"b","state":"open","left":1},{"id":"a","state":"open","left":2}]}"#;
        assert_eq!(told(&Asked::List, 200, &of(0, list)), shown("open", 2, vec![]));
        let without = r#"{"list":[{"id":"b","state":"open","left":1}]}"#;
        assert_eq!(told(&Asked::List, 200, &of(0, without)), shown("", 0, vec![]));
        let detail = r#"{"state":"sold_out","left":0,"tickets":[{"total":5,"left":0,"held":1}]}"#;
        assert_eq!(
            told(&Asked::Detail, 200, &of(0, detail)),
            shown("sold_out", 0, vec![(5, 0, 1)])
        );
        let mine = r#"{"list":[{"act_id":"a","id":"t","type_id":"s","code":"x","claim_no":1},{"act_id":"b"}]}"#;
        let Heard::Tickets(tickets) = told(&Asked::Tickets, 200, &of(0, mine)) else { panic!() };
        assert_eq!((tickets.len(), tickets[0].code.as_deref()), (1, Some("x")));
    }
}
