//! What a crowd was told, and what the exports say at the end. Plain data: it never judges.
//! The clock of a history is the client's own, monotonic, so that "before" means before.

use serde_json::Value;
use std::time::Instant;

/// One thing that is sold: a ticket type of an activity.
#[derive(Clone, Debug)]
pub struct Lot {
    /// The activity's id.
    pub activity: String,
    /// The type's id.
    pub ticket_type: String,
    /// How many there are.
    pub units: usize,
    /// Units one person may have of this type.
    pub limit: usize,
    /// Units one person may have over all types of the activity.
    pub limit_in_activity: usize,
    /// The codes in the order of import; empty for plain units.
    pub codes: Vec<String>,
}

/// A ticket as an answer showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The claim's id, which is the order's.
    pub order_id: String,
    /// The ticket's id.
    pub ticket_id: String,
    /// The code, where the type has them.
    pub code: Option<String>,
    /// Its place among the accepted claims of the type.
    pub claim_no: u64,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// /ticket/get, with this key of the person's.
    Claim(Option<String>),
    /// /ticket/result of this claim.
    Result(String),
}

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// ret 0.
    Won(Ticket),
    /// ret 1, with the claim's id.
    Queued(String),
    /// A refusal's number; with -5 the ids of the tickets it showed.
    Refused(i64, Vec<String>),
    /// 503: nothing happened, ask again.
    Busy,
    /// -3 with effect none: nothing happened, and of a queued claim: it never will.
    Nothing,
    /// -3 with effect unknown.
    Unknown,
    /// The connection broke after the request may have been sent.
    Lost,
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who: an index of the people.
    pub person: usize,
    /// For what: an index of the lots.
    pub lot: usize,
    /// What was asked.
    pub question: Question,
    /// Before its first byte was written.
    pub sent: Instant,
    /// After the last byte of the answer was read, or when the connection was found broken.
    pub answered: Instant,
    /// The answer.
    pub heard: Heard,
}

impl Asked {
    /// Whether this request may have made a claim that was accepted: all others were told that they did not.
    pub fn may_have_won(&self) -> bool {
        let claim = matches!(self.question, Question::Claim(_));
        let open =
            matches!(self.heard, Heard::Won(_) | Heard::Queued(_) | Heard::Unknown | Heard::Lost);
        claim && open
    }
}

/// A row of the orders' export.
#[derive(Clone, Debug)]
pub struct Order {
    /// Whose it is.
    pub person: usize,
    /// Of what.
    pub lot: usize,
    /// The ticket.
    pub ticket: Ticket,
}

/// A row of the participants' export.
#[derive(Clone, Debug)]
pub struct Participant {
    /// Who.
    pub person: usize,
    /// In which activity.
    pub activity: String,
    /// `won`, a refusal's name, or nothing.
    pub outcome: Option<String>,
    /// The first claim of those who won.
    pub claim_no: Option<u64>,
}

/// Everything that is judged.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// What was sold.
    pub lots: Vec<Lot>,
    /// In any order.
    pub history: Vec<Asked>,
    /// In the order of the exports.
    pub orders: Vec<Order>,
    /// In the order of the exports.
    pub participants: Vec<Participant>,
}

/// Reads what an answer to a claim or to a question for its result says.
///
/// # Panics
/// If it is none of the answers of the contract.
pub fn heard(status: u16, envelope: &Value) -> Heard {
    let ret = envelope["ret"].as_i64().expect("every envelope has a ret");
    let data = &envelope["data"];
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    match (status, ret) {
        (200, 0) => Heard::Won(Ticket {
            order_id: text(&data["order_id"]),
            ticket_id: text(&data["id"]),
            code: data["code"].as_str().map(str::to_owned),
            claim_no: data["claim_no"].as_u64().expect("a number"),
        }),
        (200, 1) => Heard::Queued(text(&data["claim_id"])),
        (200, -1 | -2 | -4 | -5 | -6 | -11) => {
            let tickets = data["tickets"].as_array().into_iter().flatten();
            Heard::Refused(ret, tickets.map(|ticket| text(&ticket["id"])).collect())
        }
        (503, -503) => Heard::Busy,
        (500, -3) if data["effect"] == "none" => Heard::Nothing,
        (500, -3) if data["effect"] == "unknown" => Heard::Unknown,
        _ => panic!("no answer of the contract: {status} {envelope}"),
    }
}

/// The rows of an activity's exports, for people by their names.
pub fn read_exports(
    record: &mut Record,
    activity: &str,
    (orders, participants): (&[Value], &[Value]),
    person: &dyn Fn(&str) -> usize,
) {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    for row in orders {
        let ticket_type = text(&row["type_id"]);
        let is_it = |lot: &Lot| lot.activity == activity && lot.ticket_type == ticket_type;
        let ticket = Ticket {
            order_id: text(&row["order_id"]),
            ticket_id: text(&row["ticket_id"]),
            code: row["code"].as_str().map(str::to_owned),
            claim_no: row["claim_no"].as_u64().expect("a number"),
        };
        let lot = record.lots.iter().position(is_it).expect("an order of something sold");
        let person = person(&text(&row["user"]));
        record.orders.push(Order { person, lot, ticket });
    }
    let rows = participants.iter().map(|row| Participant {
        person: person(&text(&row["user"])),
        activity: activity.to_owned(),
        outcome: row["outcome"].as_str().map(str::to_owned),
        claim_no: row["claim_no"].as_u64(),
    });
    record.participants.extend(rows);
}
