//! The activity that a rehearsal makes for itself: its import, its clock, its exports, its end.
//! Its id, its codes and its people say what they are, so that nothing on a real server is confused with them.

use super::{
    Doing, Phase, Progress, RehearseFault,
    operator::{Desk, Told, Wanted},
    time::Ahead,
};
use crate::{
    history::{Announced, AnnouncedType, History, Micros, OrderRow, ParticipantRow, Person},
    plan::{Plan, PlannedType},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Names signed in by one call.
const NAMES_AT_ONCE: usize = 10_000;
/// Answers from which the server's clock is read; the shortest round trips tell most.
const CLOCK_LOOKS: u64 = 16;
const US_OF_A_SECOND: u64 = 1_000_000;

/// An activity that was made for a rehearsal.
#[derive(Debug)]
pub(super) struct Sale {
    /// Its id.
    pub(super) id: String,
    /// Unix seconds, by the server's clock.
    pub(super) start_s: u64,
    pub(super) end_s: u64,
    codes: Vec<Vec<String>>,
}

/// An activity to be made.
#[derive(Clone, Debug)]
pub(super) struct Making<'a> {
    /// Ends the id.
    pub(super) suffix: &'a str,
    pub(super) seed: u64,
    /// Seconds from now to the start; below nothing: it is open at once.
    pub(super) opens_after_s: i64,
    pub(super) seconds: u64,
    pub(super) types: &'a [PlannedType],
    pub(super) limit_per_person: Option<u32>,
    pub(super) roster: Option<Vec<&'a str>>,
}

impl Sale {
    /// Makes the activity; `told` is the latest answer, which says what time it is there.
    pub(super) async fn make(
        desk: &Desk,
        told: &Told,
        making: &Making<'_>,
    ) -> Result<Self, RehearseFault> {
        let id = format!("rehearsal-{}-{}{}", making.seed, since_1970().as_millis(), making.suffix);
        let since = desk.now().0.saturating_sub(told.sent.0).div_ceil(US_OF_A_SECOND);
        // A Date says whole seconds only: the truth may be one later.
        let now_s = server_time(told).saturating_add(since + 1);
        let start_s = now_s.saturating_add_signed(making.opens_after_s);
        let end_s = start_s + making.seconds;
        let codes = making.types.iter().map(|planned| codes(&id, planned)).collect();
        let sale = Self { id, start_s, end_s, codes };
        let file = sale.file(making);
        let wanted = Wanted::post(Doing::Importing, "/admin/act/import", Some(&file));
        desk.must(wanted).await?;
        Ok(sale)
    }

    /// The activity's file. It holds codes: it is for the server, never for a log.
    fn file(&self, making: &Making<'_>) -> Value {
        let ticket = |(planned, codes): (&PlannedType, &Vec<String>)| {
            let mut ticket = json!({
                "id": planned.id,
                "name": format!("演练 {}", planned.id),
                "limit_per_user": planned.limit_per_person,
            });
            if planned.codes {
                ticket["codes"] = json!(codes);
            } else {
                ticket["stock"] = json!(planned.stock);
            }
            ticket
        };
        let mut activity = json!({
            "id": self.id,
            "name": format!("Rehearsal 演练 {}", making.seed),
            "desc": "A rehearsal: nothing of it is for sale. 演练专用，请勿参与。",
            "start_time": self.start_s,
            "end_time": self.end_s,
            "ticket": making.types.iter().zip(&self.codes).map(ticket).collect::<Vec<_>>(),
        });
        if let Some(limit) = making.limit_per_person {
            activity["limit_per_user"] = json!(limit);
        }
        if let Some(roster) = &making.roster {
            activity["roster"] = json!(roster);
        }
        json!({ "activity": [activity] })
    }

    /// How far the server's clock is ahead, and the shortest round trip of those that tell.
    pub(super) async fn look_at_clock(
        &self,
        desk: &Desk,
    ) -> Result<(Ahead, Micros), RehearseFault> {
        let path = format!("/act/detail?actId={}", self.id);
        let (mut known, mut shortest) = (None::<Ahead>, Micros(u64::MAX));
        for _ in 0..CLOCK_LOOKS {
            let told = desk.must(Wanted::get(Doing::ReadingClock, &path)).await?;
            let time = told.data.get("server_time").and_then(Value::as_u64);
            let time = time.ok_or(RehearseFault::Unreadable(Doing::ReadingClock))?;
            let ahead = Ahead::of(time, told.sent, told.ended);
            known = Some(known.map_or(ahead, |known| known.and(ahead)));
            shortest = shortest.min(Micros(told.ended.0.saturating_sub(told.sent.0)));
        }
        known.map(|known| (known, shortest)).ok_or(RehearseFault::Unreadable(Doing::ReadingClock))
    }

    /// When it opens and ends, and how far off both may be.
    pub(super) fn hours(&self, ahead: Ahead) -> (Micros, Micros, Micros) {
        let (opens, within) = ahead.at(self.start_s);
        (opens, ahead.at(self.end_s).0, within)
    }

    /// The sale as it was announced.
    pub(super) fn announced(&self, plan: &Plan, ahead: Ahead) -> Announced {
        let (opens, ends, clock_within) = self.hours(ahead);
        let announced = |(planned, codes): (&PlannedType, &Vec<String>)| AnnouncedType {
            id: planned.id.clone(),
            stock: planned.stock,
            codes: codes.clone(),
            limit_per_person: planned.limit_per_person,
            opens,
            ends,
        };
        Announced {
            activity: self.id.clone(),
            limit_per_person: plan.limit_per_person,
            roster: plan.roster(),
            types: plan.types.iter().zip(&self.codes).map(announced).collect(),
            clock_within,
        }
    }

    /// Reads both exports into the history.
    pub(super) async fn export(
        &self,
        desk: &Desk,
        history: &mut History,
        progress: &dyn Progress,
    ) -> Result<(), RehearseFault> {
        let path = |what| format!("/admin/export?actId={}&format=jsonl&what={what}", self.id);
        progress.at(Phase::Exporting, 0, 2);
        desk.lines(&path("orders"), |line| {
            let row: WireOrder = serde_json::from_slice(line).ok()?;
            history.orders.push(row.into());
            Some(())
        })
        .await?;
        progress.at(Phase::Exporting, 1, 2);
        desk.lines(&path("participants"), |line| {
            let row: WireParticipant = serde_json::from_slice(line).ok()?;
            history.participants.push(row.into());
            Some(())
        })
        .await?;
        progress.at(Phase::Exporting, 2, 2);
        Ok(())
    }

    /// Closes it for good.
    pub(super) async fn close(&self, desk: &Desk) -> Result<(), RehearseFault> {
        let path = format!("/admin/act/close?actId={}", self.id);
        desk.must(Wanted::post(Doing::Closing, &path, None)).await.map(drop)
    }
}

/// Signs the people of these names in; their tokens, in the same order.
pub(super) async fn vouch(
    desk: &Desk,
    names: &[String],
    progress: &dyn Progress,
) -> Result<Vec<String>, RehearseFault> {
    let mut tokens = Vec::with_capacity(names.len());
    for some in names.chunks(NAMES_AT_ONCE) {
        progress.at(Phase::SigningIn, tokens.len() as u64, names.len() as u64);
        let body = json!({ "users": some });
        let told = desk.must(Wanted::post(Doing::Vouching, "/admin/sessions", Some(&body))).await?;
        for name in some {
            let token = told.data.get("tokens").and_then(|all| all.get(name)?.as_str());
            tokens.push(token.ok_or(RehearseFault::Unreadable(Doing::Vouching))?.to_owned());
        }
    }
    progress.at(Phase::SigningIn, names.len() as u64, names.len() as u64);
    Ok(tokens)
}

/// The names of some people.
pub(super) fn names_of<'a>(names: &'a [String], people: &[Person]) -> Vec<&'a str> {
    people.iter().filter_map(|person| names.get(person.0 as usize)).map(String::as_str).collect()
}

/// The codes of so many units of a type.
pub(super) fn codes_of(activity: &str, type_id: &str, count: u32) -> Vec<String> {
    (1..=count).map(|number| format!("{activity}-{type_id}-{number:06}")).collect()
}

fn codes(activity: &str, planned: &PlannedType) -> Vec<String> {
    codes_of(activity, &planned.id, if planned.codes { planned.stock } else { 0 })
}

/// The server's time in unix seconds, rounded down; this machine's where the server does not say.
pub(super) fn server_time(told: &Told) -> u64 {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let date = told.date.as_deref().and_then(|date| parser.parse_timestamp(date).ok());
    let seconds = date.and_then(|date| u64::try_from(date.as_second()).ok());
    seconds.unwrap_or_else(|| since_1970().as_secs())
}

pub(super) fn since_1970() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A row of the orders' export; it has more columns.
#[derive(Deserialize)]
struct WireOrder {
    order_id: String,
    ticket_id: String,
    claim_no: u32,
    user: String,
    type_id: String,
    code: Option<String>,
}

impl From<WireOrder> for OrderRow {
    fn from(row: WireOrder) -> Self {
        let WireOrder { order_id, ticket_id, claim_no, user, type_id, code } = row;
        Self { order: order_id, ticket: ticket_id, user, type_id, code, claim_no }
    }
}

/// A row of the participants' export; it has more columns.
#[derive(Deserialize)]
pub(super) struct WireParticipant {
    user: String,
    outcome: Option<String>,
    claim_no: Option<u32>,
}

impl From<WireParticipant> for ParticipantRow {
    fn from(row: WireParticipant) -> Self {
        let WireParticipant { user, outcome, claim_no } = row;
        Self { user, outcome, claim_no }
    }
}
