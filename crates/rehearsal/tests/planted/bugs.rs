//! The planted bugs: each doctors a good history as a server with that bug would have left it.
//! A bug that cannot be planted in a sale says so; it never plants another one instead.

mod answers;
mod export;
mod order;
mod paying;
mod people;
mod retries;
mod stock;

use crate::chance::Chance;
use rehearsal::history::{Asked, Call, Heard, History, Key, OrderRow, Person, Ticket, TypeIndex};

/// A planted bug.
pub struct Bug {
    /// What the server does wrong.
    pub what: &'static str,
    /// The check that must find it.
    pub check: &'static str,
    /// Plants it; none: not possible in this sale.
    pub plant: fn(&mut History, &mut Chance) -> Option<()>,
}

const fn bug(
    what: &'static str,
    check: &'static str,
    plant: fn(&mut History, &mut Chance) -> Option<()>,
) -> Bug {
    Bug { what, check, plant }
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Bug> {
    BUGS.iter().chain(paying::PAYING_BUGS)
}

const BUGS: &[Bug] = &[
    bug("one unit too many is sold", "oversold", stock::one_too_many),
    bug("units are sold before they are added", "oversold", stock::before_added),
    bug("a claim number is given twice", "claim-no-twice", stock::number_twice),
    bug("an order is exported twice", "row-twice", export::row_twice),
    bug("a list shows more than there is", "shown-impossible", stock::shown_more),
    bug("a detail counts a unit as left and held", "shown-impossible", stock::shown_both),
    bug("a detail forgets awards", "shown-impossible", stock::shown_unsold),
    bug("nobody is answered", "nothing-seen", answers::nobody),
    bug("an answer is not of the contract", "strange-answer", answers::strange),
    bug("busy without a time to ask again", "busy-without-when", answers::busy),
    bug("an acknowledged claim is lost", "lost-award", export::award_lost),
    bug("a claim queued and won is lost", "lost-award", export::queued_lost),
    bug("a row is missing in the export", "lost-award", export::row_missing),
    bug("the export has another code", "changed-row", export::other_code),
    bug("the export has another user", "changed-row", export::other_user),
    bug("the export has another claim number", "changed-row", export::other_number),
    bug("the export has a row of nobody", "unexplained-row", export::row_of_nobody),
    bug("the export has a row of a stranger", "unexplained-row", export::row_of_stranger),
    bug("a refusal took a unit", "refused-with-effect", export::refusal_with_effect),
    bug("a claim given up has an order", "refused-with-effect", export::given_up_with_order),
    bug("an accepted claim vanished", "claim-no-gap", export::number_vanished),
    bug("another type than claimed", "wrong-type", answers::wrong_type),
    bug("a ticket is not in its owner's list", "tickets-incomplete", answers::list_incomplete),
    bug("sold out before anything was sold", "sold-out-while-free", answers::sold_out_at_once),
    bug("sold out while one is free", "sold-out-while-free", answers::sold_out_one_free),
    bug("sold out with another unit after it", "refused-then-later-won", order::sold_out_then_won),
    bug("limit reached without tickets", "limit-reached-too-soon", answers::limit_early),
    bug("limit reached with one ticket twice", "limit-reached-too-soon", answers::limit_padded),
    bug("ended before the end", "ended-too-soon", answers::ended_early),
    bug("not started long after the start", "not-started-too-late", answers::not_started_late),
    bug("paused without a pause", "paused-without-pause", answers::paused_never),
    bug("paused after it was resumed", "paused-without-pause", answers::paused_still),
    bug("not eligible though on the roster", "not-eligible-on-roster", answers::not_eligible),
    bug("a claim before the start wins", "won-before-start", order::won_early),
    bug("a claim after the end wins", "won-after-end", order::won_late),
    bug("a claim after a close wins", "won-after-end", order::won_closed),
    bug("a claim during a pause wins", "won-while-paused", order::won_paused),
    bug("a refused person is not recorded", "participant-missing", people::missing),
    bug("a winner is not recorded", "participant-missing", people::winner_missing),
    bug("a participant who never claimed", "participant-unexplained", people::unexplained),
    bug("a participant twice", "participant-twice", people::twice),
    bug("a winner recorded as refused", "participant-outcome", people::winner_refused),
    bug("a refused person recorded as won", "participant-outcome", people::refused_won),
    bug("another refusal than heard", "participant-outcome", people::other_refusal),
    bug("not the first claim", "participant-outcome", people::later_claim),
    bug("a limit of a type is ignored", "limit-of-type", people::limit_of_type),
    bug("the activity's limit is ignored", "limit-of-activity", people::limit_of_activity),
    bug("somebody off the roster wins", "won-off-roster", people::off_roster),
    bug("a code goes out twice", "code-twice", stock::code_twice),
    bug("a code of another sale goes out", "foreign-code", stock::foreign_code),
    bug("a plain unit has a code", "foreign-code", stock::plain_code),
    bug("codes go out last in, first out", "code-order", stock::codes_backwards),
    bug("two neighbours' codes are swapped", "code-order", stock::codes_swapped),
    bug("a code is left out", "code-skipped", stock::code_skipped),
    bug("two awards are swapped", "inversion", order::swapped),
    bug("the latest of all is served first", "inversion", order::last_is_first),
    bug("a retry gets a second unit", "key-two-units", retries::second_unit),
    bug("a retry hears another number", "ticket-changed", retries::other_number),
    bug("a ticket is shown to somebody else", "ticket-changed", retries::shown_to_other),
    bug("the winner's retry hears sold out", "retry-refused", retries::retry_sold_out),
    bug("the winner's retry hears nothing happened", "retry-refused", retries::retry_nothing),
    bug("a queued claim is forgotten", "retry-refused", retries::queued_forgotten),
    bug("a queued claim never ends", "queued-never-ended", retries::queued_for_ever),
    bug(
        "a result is asked for and never comes",
        "queued-never-ended",
        retries::result_always_queued,
    ),
    bug("a result is taken back", "result-changed", retries::result_taken_back),
    bug("a result goes back to queued", "result-changed", retries::result_queued_again),
];

/// The places of calls that fulfil something, in their order.
fn calls(history: &History, wanted: impl Fn(&Call) -> bool) -> Vec<usize> {
    let places = history.calls.iter().enumerate();
    places.filter(|(_, call)| wanted(call)).map(|(place, _)| place).collect()
}

/// A call's claim: type and key.
fn claim(call: &Call) -> Option<(TypeIndex, Option<Key>)> {
    match call.asked {
        Asked::Claim { ticket_type, key } => Some((ticket_type, key)),
        _ => None,
    }
}

/// The ticket that a call was answered with.
fn won(call: &Call) -> Option<&Ticket> {
    match &call.heard {
        Heard::Won(ticket) => Some(ticket),
        _ => None,
    }
}

/// The place of the only call of its person that has to do with claims, answered with a ticket.
fn lone_winners(history: &History) -> Vec<usize> {
    let mut claims = vec![0; history.names.len()];
    for call in &history.calls {
        let about = matches!(call.asked, Asked::Claim { .. } | Asked::Result { .. });
        claims[call.person.0 as usize] +=
            u32::from(about || matches!(call.heard, Heard::Tickets(_)));
    }
    calls(history, |call| {
        claim(call).is_some() && won(call).is_some() && claims[call.person.0 as usize] == 1
    })
}

/// Whether anything in the sale failed or was turned away.
fn is_calm(history: &History) -> bool {
    let trouble = |call: &Call| matches!(call.heard, Heard::Failed(_) | Heard::Busy { .. });
    let restarted =
        |one: &rehearsal::history::Intervention| one.what == rehearsal::history::Change::Restarted;
    !history.calls.iter().any(trouble) && !history.interventions.iter().any(restarted)
}

fn name(history: &History, person: Person) -> String {
    history.names[person.0 as usize].clone()
}

/// The export's row of a ticket.
fn row<'a>(history: &'a mut History, ticket: &str) -> Option<&'a mut OrderRow> {
    history.orders.iter_mut().find(|row| row.ticket == ticket)
}

/// Every place that shows a ticket, answers and export alike.
fn everywhere(history: &mut History, id: &str, change: impl Fn(&mut Option<String>, &mut u32)) {
    for call in &mut history.calls {
        let tickets: &mut [Ticket] = match &mut call.heard {
            Heard::Won(ticket) => std::slice::from_mut(ticket),
            Heard::Refused(_, tickets) | Heard::Tickets(tickets) => tickets,
            _ => continue,
        };
        for ticket in tickets.iter_mut().filter(|ticket| ticket.id == id) {
            change(&mut ticket.code, &mut ticket.claim_no);
        }
    }
    for row in history.orders.iter_mut().filter(|row| row.ticket == id) {
        change(&mut row.code, &mut row.claim_no);
    }
}

/// Gives a person one more ticket: a claim at that time, its answer and its row.
fn give(history: &mut History, person: Person, of: TypeIndex, sent: u64, ended: u64) -> String {
    let serial = history.orders.len();
    let type_id = history.announced.types[of.0].id.clone();
    let last = history.orders.iter().filter(|row| row.type_id == type_id);
    let claim_no = last.map(|row| row.claim_no).max().unwrap_or(0) + 1;
    let code = history.announced.types[of.0].codes.get(claim_no as usize - 1).cloned();
    let ticket = Ticket {
        order: Some(format!("planted-order-{serial}")),
        id: format!("planted-ticket-{serial}"),
        type_id: type_id.clone(),
        code: code.clone(),
        claim_no,
    };
    history.orders.push(OrderRow {
        order: format!("planted-order-{serial}"),
        ticket: ticket.id.clone(),
        user: name(history, person),
        type_id,
        code,
        claim_no,
    });
    let id = ticket.id.clone();
    say(
        history,
        person,
        Asked::Claim { ticket_type: of, key: None },
        (sent, ended),
        Heard::Won(ticket),
    );
    id
}

/// Adds a call where it belongs in the order of ends.
fn say(
    history: &mut History,
    person: Person,
    asked: Asked,
    (sent, ended): (u64, u64),
    heard: Heard,
) {
    use rehearsal::history::Micros;
    let place = history.calls.partition_point(|call| call.ended.0 <= ended);
    let call = Call { person, asked, sent: Micros(sent), ended: Micros(ended), heard };
    history.calls.insert(place, call);
}
