//! Bugs of stock: units that leak, come back twice, or go to one person without end.
//! A bug that cannot be planted in a sale says so.

use super::*;

pub fn without_end(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    for number in 0..=paying.sale.types[0].stock {
        let person = Person(number);
        let order = give(paying, person, 0, (2_100_000, 2_200_000));
        look(paying, person, &order, 4_000_000);
    }
    Some(())
}

pub fn unit_leaks(history: &mut History, _: &mut Chance) -> Plant {
    let left = till(history)?.at_rest.iter_mut().find(|(_, left, _)| *left > 0)?;
    left.1 -= 1;
    Some(())
}

pub fn unit_twice(history: &mut History, _: &mut Chance) -> Plant {
    till(history)?.at_rest.first_mut()?.1 += 1;
    Some(())
}

pub fn beyond_limit(history: &mut History, chance: &mut Chance) -> Plant {
    let paying = till(history)?;
    let row = chance.pick(&rows(paying, |row| row.state == State::Paid))?;
    let kind = of_type(paying, &paying.orders[row].ticket.type_id)?;
    for number in 0..paying.sale.types[kind].limit_per_person {
        let mut row = paying.orders[row].clone();
        (row.order, row.ticket.id) = (format!("more-{number}"), format!("more-{number}-1"));
        paying.orders.push(row);
    }
    Some(())
}
