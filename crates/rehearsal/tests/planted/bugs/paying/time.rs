//! Bugs of outcomes and deadlines: what was decided once is decided again, too early, or never.
//! A bug that cannot be planted in a sale says so.

use super::*;

pub fn paid_expires(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let order = one(chance, &seen_as(paying, |state| state == State::Paid))?;
    exported_as(paying, &order, State::Expired);
    Some(())
}

/// C17: a cancelled order becomes paid.
pub fn over_paid(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let order = one(chance, &seen_as(paying, is_over))?;
    exported_as(paying, &order, State::Paid);
    Some(())
}

pub fn two_outcomes(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let many = rows(paying, |row| row.state == State::Paid && lines_of(paying, &row.order) > 1);
    let row = chance.pick(&many)?;
    paying.orders[row].state = State::Expired;
    Some(())
}

/// C18: the payment came long before the deadline, and the timer won.
pub fn in_time_expired(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    // A kill may have come between the payment and its notice.
    if !paying.outages.is_empty() {
        return None;
    }
    let cancelled: HashSet<String> = paying
        .calls
        .iter()
        .filter_map(|call| match &call.asked {
            PayAsked::Cancel(order) => Some(order.clone()),
            _ => None,
        })
        .collect();
    let zero = paying.sale.clock_zero.0;
    let order = paying.calls.iter().find_map(|call| {
        let PayAsked::Pay { order, how: How::AtOnce, .. } = &call.asked else { return None };
        let by = paying
            .calls
            .iter()
            .filter(|other| other.ended <= call.ended)
            .flat_map(shown)
            .filter(|one| one.id == *order)
            .filter_map(|one| one.pay_by)
            .max()?;
        let early = zero + call.ended.0 / 1_000 + 1_200 < by.0;
        (call.heard == PayHeard::Told && early && !cancelled.contains(order)).then(|| order.clone())
    })?;
    exported_as(paying, &order, State::Expired);
    for shown in paying.calls.iter_mut().flat_map(shown_mut).filter(|one| one.id == order) {
        if shown.state == State::Paid {
            shown.state = State::Expired;
        }
    }
    Some(())
}

pub fn expired_early(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let order = one(chance, &seen_as(paying, |state| state == State::Expired))?;
    let shown = paying.calls.iter_mut().flat_map(shown_mut).filter(|one| one.id == order);
    for by in shown.filter_map(|order| order.pay_by.as_mut()) {
        *by = UnixMs(by.0 + 60_000);
    }
    Some(())
}

pub fn closer(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    // Over a kill it may have moved away by more.
    if !paying.outages.is_empty() {
        return None;
    }
    let mut first: BTreeMap<String, Micros> = BTreeMap::new();
    for call in &mut paying.calls {
        let sent = call.sent;
        let ended = call.ended;
        for order in shown_mut(call) {
            match first.get(&order.id) {
                Some(known) if *known < sent => {
                    order.pay_by = order.pay_by.map(|by| UnixMs(by.0 - 2_000));
                    return Some(());
                }
                Some(_) => {}
                None => {
                    first.insert(order.id.clone(), ended);
                }
            }
        }
    }
    None
}

pub fn held_for_ever(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let orders = seen_as(paying, |state| state == State::Expired);
    let order = one(chance, &orders)?;
    exported_as(paying, &order, State::Held);
    Some(())
}
