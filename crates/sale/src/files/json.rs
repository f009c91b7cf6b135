//! Activities as the JSON of an activity file, with codes and rosters inside: what the command line
//! sends to a running server. Reading it back gives the same activities.

use jiff::Timestamp;
use ledger::{NewActivity, NewUnits, RosterName};
use rules::{TicketType, TimeMs, Window};
use serde::Serialize;

/// The file.
#[derive(Serialize)]
struct WireFile<'a> {
    activity: Vec<WireActivity<'a>>,
}

#[derive(Serialize)]
struct WireActivity<'a> {
    id: &'a str,
    name: &'a str,
    desc: &'a str,
    image: &'a str,
    start_time: WireTime,
    end_time: WireTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_per_user: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roster: Option<Vec<WireName<'a>>>,
    standby: bool,
    ticket: Vec<WireTicket<'a>>,
}

#[derive(Serialize)]
struct WireTicket<'a> {
    id: &'a str,
    name: &'a str,
    desc: &'a str,
    image: &'a str,
    price: String,
    currency: &'a str,
    limit_per_user: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    stock: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    codes: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<WireTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<WireTime>,
    pay_within_s: u32,
    offer_within_s: u32,
    valid_from: WireTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<WireTime>,
}

/// A name alone, or with what is known beside it.
#[derive(Serialize)]
#[serde(untagged)]
enum WireName<'a> {
    Alone(&'a str),
    Described { name: &'a str, display_name: &'a str, department: &'a str },
}

/// Whole seconds as a number, others as RFC 3339 with milliseconds.
#[derive(Serialize)]
#[serde(untagged)]
enum WireTime {
    Seconds(u64),
    Text(String),
}

/// The activity file as JSON, codes and rosters inlined. Holds codes: it is for a server, never for a log.
pub fn to_json(activities: &[NewActivity]) -> String {
    let file = WireFile { activity: activities.iter().map(wire_activity).collect() };
    serde_json::to_string(&file).expect("texts and numbers always make JSON")
}

fn wire_activity(new: &NewActivity) -> WireActivity<'_> {
    let activity = &new.activity;
    let (start_time, end_time) = wire_window(activity.window);
    let roster = || new.roster.iter().map(wire_name).collect();
    WireActivity {
        id: &activity.id,
        name: &activity.name,
        desc: &activity.desc,
        image: &activity.image,
        start_time,
        end_time,
        limit_per_user: activity.limit_per_user,
        roster: activity.has_roster.then(roster),
        standby: activity.standby,
        ticket: activity.types.iter().zip(&new.units).map(wire_ticket).collect(),
    }
}

fn wire_ticket<'a>((one, units): (&'a TicketType, &'a NewUnits)) -> WireTicket<'a> {
    let (start_time, end_time) = one.window.map(wire_window).unzip();
    let (stock, codes) = match units {
        NewUnits::Plain(count) => (Some(*count), None),
        NewUnits::Codes(codes) => (None, Some(codes.as_slice())),
    };
    WireTicket {
        id: &one.id,
        name: &one.name,
        desc: &one.desc,
        image: &one.image,
        price: one.price.amount(),
        currency: &one.price.currency,
        limit_per_user: one.limit_per_user,
        stock,
        codes,
        start_time,
        end_time,
        pay_within_s: one.pay_within_s,
        offer_within_s: one.offer_within_s,
        valid_from: wire_time(one.validity.from),
        valid_until: one.validity.until.map(wire_time),
    }
}

fn wire_name(row: &RosterName) -> WireName<'_> {
    let RosterName { name, display_name, department } = row;
    if display_name.is_empty() && department.is_empty() {
        return WireName::Alone(name);
    }
    WireName::Described { name, display_name, department }
}

fn wire_window(window: Window) -> (WireTime, WireTime) {
    (wire_time(window.start()), wire_time(window.end()))
}

fn wire_time(time: TimeMs) -> WireTime {
    if time.0.is_multiple_of(1000) {
        return WireTime::Seconds(time.seconds());
    }
    let moment = i64::try_from(time.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    WireTime::Text(moment.expect("an activity's times lie in the years 2000 to 2199").to_string())
}
