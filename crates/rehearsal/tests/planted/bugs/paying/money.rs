//! Bugs of payments and amounts.
//! A bug that cannot be planted in a sale says so.

use super::*;

/// Orders for which the provider said that it was paid, and the payments that came of it.
fn told(paying: &Paying) -> Vec<String> {
    let calls = paying.calls.iter().filter(|call| call.heard == PayHeard::Told);
    let orders = calls.filter_map(|call| match &call.asked {
        PayAsked::Pay { order, how, .. } if how.pays() => Some(order.clone()),
        _ => None,
    });
    orders.collect()
}

pub fn payment_lost(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let order = one(chance, &told(paying))?;
    paying.payments.retain(|row| row.order != order);
    Some(())
}

pub fn payment_open(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let late = paying.payments.iter_mut().find(|row| row.state == PaymentState::Refunded)?;
    late.state = PaymentState::Late;
    Some(())
}

pub fn payment_twice(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let row = paying.payments.first()?.clone();
    paying.payments.push(row);
    Some(())
}

/// C16: anybody posts "paid".
pub fn forged(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let calls = paying.calls.iter().filter_map(|call| match &call.asked {
        PayAsked::Forge(order) => Some(order.clone()),
        PayAsked::Pay { order, how: How::Forged, .. } => Some(order.clone()),
        _ => None,
    });
    let orders: Vec<String> = calls.collect();
    let order = one(chance, &orders)?;
    let price = paying.orders.iter().filter(|row| row.order == order).map(|row| row.price.0).sum();
    paying.payments.push(PaymentRow {
        id: "planted".to_owned(),
        pays: Some(order.clone()),
        order: order.clone(),
        state: PaymentState::Confirmed,
        amount: Minor(price),
        currency: paying.sale.currency.clone(),
    });
    exported_as(paying, &order, State::Paid);
    Some(())
}

/// C21: the browser's return marks the order paid.
pub fn returned_paid(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let calls = paying.calls.iter().filter_map(|call| match &call.asked {
        PayAsked::Return(order) => Some(order.clone()),
        _ => None,
    });
    let returned: Vec<String> =
        calls.filter(|id| state_of(paying, id).is_some_and(|state| state != State::Paid)).collect();
    let order = one(chance, &returned)?;
    exported_as(paying, &order, State::Paid);
    Some(())
}

pub fn confirmed_nothing(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let order = paying.payments.iter().find_map(|row| row.pays.clone())?;
    exported_as(paying, &order, State::Cancelled);
    Some(())
}

/// C17: a notice of another payment of the same order is confirmed too.
pub fn confirmed_twice(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let paid: HashSet<String> = paying.payments.iter().filter_map(|row| row.pays.clone()).collect();
    let mut rows = paying.payments.iter_mut();
    let second = rows.find(|row| row.pays.is_none() && paid.contains(&row.order))?;
    (second.pays, second.state) = (Some(second.order.clone()), PaymentState::Confirmed);
    Some(())
}

pub fn paid_less(history: &mut History, _: &mut Chance) -> Plant {
    till(history)?.payments.first_mut()?.amount.0 -= 1;
    Some(())
}

pub fn shown_price(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let ids: Vec<String> = seen_as(paying, |_| true);
    let ids: Vec<String> = ids.into_iter().filter(|id| priced(paying, id)).collect();
    let order = one(chance, &ids)?;
    let mut all = paying.calls.iter_mut().flat_map(shown_mut);
    all.find(|one| one.id == order)?.price.0 += 100;
    Some(())
}

/// Money went back, and the order kept its units.
pub fn unbalanced(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let mut rows = paying.payments.iter_mut();
    rows.find(|row| row.state == PaymentState::Confirmed)?.state = PaymentState::Refunded;
    Some(())
}

/// C16: a cent less is as good as the whole amount.
pub fn another_amount(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let order = paying.calls.iter().find_map(|call| match &call.asked {
        PayAsked::Pay { order, how: How::WrongAmount, .. } => Some(order.clone()),
        _ => None,
    })?;
    let payment = paying.payments.iter_mut().find(|row| row.order == order)?;
    (payment.pays, payment.state) = (Some(order.clone()), PaymentState::Confirmed);
    exported_as(paying, &order, State::Paid);
    Some(())
}

pub fn wrong_lost(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let order = paying.calls.iter().find_map(|call| match &call.asked {
        PayAsked::Pay { order, how: How::WrongAmount, .. } if call.heard == PayHeard::Told => {
            Some(order.clone())
        }
        _ => None,
    })?;
    paying.payments.retain(|row| row.order != order);
    Some(())
}
