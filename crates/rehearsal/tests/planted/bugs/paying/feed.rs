//! Bugs of the feed of events.
//! A bug that cannot be planted in a sale says so.

use super::*;

fn feed(paying: &mut Paying) -> Option<&mut Vec<FeedEvent>> {
    paying.events.as_mut()
}

/// Gives the events their numbers again.
fn number(events: &mut [FeedEvent]) {
    for (event, no) in events.iter_mut().zip(1..) {
        event.no = no;
    }
}

pub fn feed_gap(history: &mut History, chance: &mut Chance) -> Plant {
    let events = feed(till(history)?)?;
    let places: Vec<usize> = (0..events.len().checked_sub(1)?).collect();
    events.remove(chance.pick(&places)?);
    Some(())
}

pub fn feed_order(history: &mut History, chance: &mut Chance) -> Plant {
    let events = feed(till(history)?)?;
    let held: Vec<usize> =
        (0..events.len()).filter(|at| events[*at].name == "order.held").collect();
    let held = chance.pick(&held)?;
    let end = events.iter().rposition(|event| event.order == events[held].order)?;
    if end == held {
        return None;
    }
    events.swap(held, end);
    number(events);
    Some(())
}

/// The first unit that was offered to the line goes out before anything came back: all of the type were out then.
pub fn feed_too_early(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let offers = paying.calls.iter().find_map(|call| match (&call.asked, &call.heard) {
        (PayAsked::Place(_), PayHeard::NotInLine { offer: Some(offer) }) => Some(offer.clone()),
        _ => None,
    })?;
    let events = feed(paying)?;
    let held = events
        .iter()
        .position(|event| event.name == "order.held" && event.order.as_ref() == Some(&offers))?;
    let back = held.checked_sub(1)?;
    if !matches!(events[back].name.as_str(), "order.expired" | "order.cancelled") {
        return None;
    }
    events.swap(held, back);
    number(events);
    Some(())
}

pub fn feed_end(history: &mut History, chance: &mut Chance) -> Plant {
    let events = feed(till(history)?)?;
    let ends: Vec<usize> =
        (0..events.len()).filter(|at| events[*at].name == "order.expired").collect();
    events[chance.pick(&ends)?].name = "order.cancelled".to_owned();
    Some(())
}

pub fn feed_forgets(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let orders: Vec<String> = paying.orders.iter().map(|row| row.order.clone()).collect();
    let order = one(chance, &orders)?;
    let events = feed(paying)?;
    events.retain(|event| event.order.as_ref() != Some(&order));
    number(events);
    Some(())
}
