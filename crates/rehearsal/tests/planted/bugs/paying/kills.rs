//! Bugs over kills: what was on disk is not there any more, or what happened before happens again.
//! Each needs a sale in which the server was killed.

use super::*;
use rehearsal::history::paying::Outage;

/// The first kill.
fn first(paying: &Paying) -> Option<Outage> {
    paying.outages.first().copied()
}

/// A kill after which deadlines have moved.
fn long(paying: &Paying) -> Option<Outage> {
    let long = |one: &&Outage| one.started.0 - one.dead.0 > 2_200_000;
    paying.outages.iter().find(long).copied()
}

/// The payment was acknowledged, the order was shown as paid, and what was on disk is older.
pub fn paid_forgotten(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let killed = first(paying)?.killed;
    let before = paying.calls.iter().filter(|call| call.ended < killed).flat_map(shown);
    let paid: Vec<String> =
        before.filter(|one| one.state == State::Paid).map(|one| one.id.clone()).collect();
    let order = one(chance, &paid)?;
    exported_as(paying, &order, State::Expired);
    paying.payments.retain(|row| row.order != order);
    let later = paying.calls.iter_mut().filter(|call| call.sent > killed).flat_map(shown_mut);
    later.filter(|one| one.id == order).for_each(|one| one.state = State::Expired);
    Some(())
}

pub fn payment_gone(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let killed = first(paying)?.killed;
    let before = paying.calls.iter().filter(|call| call.ended < killed);
    let told = before.filter(|call| call.heard == PayHeard::Told);
    let orders = told.filter_map(|call| match &call.asked {
        PayAsked::Pay { order, how, .. } if how.pays() => Some(order.clone()),
        _ => None,
    });
    let orders: Vec<String> = orders.collect();
    let order = one(chance, &orders)?;
    paying.payments.retain(|row| row.order != order);
    Some(())
}

/// C19: it was expired before the kill, and what was read anew takes it for due.
pub fn expires_again(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    first(paying)?;
    let events = paying.events.as_mut()?;
    let again = events.iter().find(|event| event.name == "order.expired")?.clone();
    events.push(again);
    events.iter_mut().zip(1..).for_each(|(event, no)| event.no = no);
    Some(())
}

/// C20.
pub fn back_again(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let killed = first(paying)?.killed;
    let before = paying.calls.iter().filter(|call| call.ended < killed).flat_map(shown);
    let over = before.filter(|one| is_over(one.state)).find_map(|one| one.tickets.first())?;
    let of = of_type(paying, &over.type_id)?;
    paying.at_rest[of].1 += 1;
    Some(())
}

/// When the last claim was asked for, once only, that was answered with its order before an instant: all that was
/// decided before it is on disk.
fn firm(paying: &Paying, killed: Micros) -> Option<Micros> {
    let mut asked: BTreeMap<(Person, u32), (usize, Micros)> = BTreeMap::new();
    for call in &paying.calls {
        if let PayAsked::Claim { key, .. } = &call.asked {
            asked.entry((call.person, key.0)).or_insert((0, call.sent)).0 += 1;
        }
    }
    let won = paying.calls.iter().filter(|call| call.ended < killed);
    let won = won.filter(|call| matches!(call.heard, PayHeard::Order(_)));
    let once = won.filter_map(|call| match &call.asked {
        PayAsked::Claim { key, .. } => asked.get(&(call.person, key.0)),
        _ => None,
    });
    once.filter(|(times, _)| *times == 1).map(|(_, sent)| *sent).max()
}

/// People who waited before a kill, by an answer that was on disk, and waited after it: who, when first, when last.
fn waited_through(paying: &Paying) -> Option<(super::line::Waited, Outage)> {
    let all = super::line::waited(paying);
    let outages = paying.outages.iter().rev();
    outages.copied().find_map(|outage| {
        let firm = firm(paying, outage.killed)?;
        let through = all.iter().find(|one| one.known < firm && one.still > outage.back)?;
        Some((through.clone(), outage))
    })
}

pub fn moved_back(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let (one, outage) = waited_through(paying)?;
    let own = |call: &PayCall| call.person == one.person;
    let ahead = |call: &PayCall| match call.heard {
        PayHeard::InLine { ahead } => Some(ahead),
        _ => None,
    };
    let first = paying.calls.iter().filter(|call| own(call)).find_map(ahead)?;
    let after = |call: &PayCall| own(call) && ahead(call).is_some() && call.sent > outage.back;
    let last = paying.calls.iter().position(after)?;
    paying.calls[last].heard = PayHeard::InLine { ahead: first + 1 };
    Some(())
}

/// C22: nobody thought of the line when everything was read anew, and the first who asked got what was free.
pub fn passed_over(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let (one, outage) = waited_through(paying)?;
    let other = Person(if one.person == Person(0) { 1 } else { 0 });
    give(paying, other, one.of, (outage.back.0 + 1, outage.back.0 + 2));
    Some(())
}

/// C20: the deadline has passed while nobody could pay.
pub fn expired_early(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let outage = long(paying)?;
    let server_ms = paying.sale.clock_zero.0 + outage.back.0 / 1_000;
    let before = paying.calls.iter().filter(|call| call.ended < outage.killed);
    let held = before.flat_map(|call| shown(call).iter().map(move |order| (call.person, order)));
    let due = held.filter(|(_, order)| order.state == State::Held).find(|(_, order)| {
        let by = order.pay_by.map_or(0, |by| by.0);
        by < server_ms
            && by + 2_000 > server_ms
            && state_of(paying, &order.id) == Some(State::Expired)
    });
    let (person, order) = due.map(|(person, order)| (person, order.clone()))?;
    let later = paying.calls.iter_mut().filter(|call| call.sent > outage.dead);
    for one in later.flat_map(shown_mut).filter(|one| one.id == order.id) {
        one.state = State::Expired;
    }
    look(paying, person, &Order { state: State::Expired, ..order }, outage.back.0 + 1);
    Some(())
}

/// What is shown after the downtime is what was shown before it.
pub fn not_moved(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let outage = long(paying)?;
    let before = paying.calls.iter().filter(|call| call.ended < outage.killed).flat_map(shown);
    let known: BTreeMap<String, UnixMs> =
        before.filter_map(|one| Some((one.id.clone(), one.pay_by?))).collect();
    let mut moved = false;
    let later = paying.calls.iter_mut().filter(|call| call.sent > outage.back);
    for order in later.flat_map(shown_mut) {
        if let (Some(was), Some(by)) = (known.get(&order.id), order.pay_by.as_mut()) {
            moved |= by.0 > was.0 + 1_000;
            *by = *was;
        }
    }
    moved.then_some(())
}
