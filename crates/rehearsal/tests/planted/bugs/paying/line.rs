//! Bugs of the waiting line, and of what those hear for whom nothing is free.
//! A bug that cannot be planted in a sale says so.

use super::*;

/// One person's only stay in a line.
#[derive(Clone)]
pub struct Waited {
    pub person: Person,
    pub of: usize,
    pub asked: Micros,
    pub known: Micros,
    /// The last call that was answered with a place was sent then.
    pub still: Micros,
    offer: Option<String>,
}

/// People who joined once, never left, and have nothing but what they were offered.
pub fn waited(paying: &Paying) -> Vec<Waited> {
    let mut all = Vec::new();
    for number in 0..paying.names.len() as u32 {
        let person = Person(number);
        let own: Vec<&PayCall> = paying.calls.iter().filter(|call| call.person == person).collect();
        let joins: Vec<&&PayCall> =
            own.iter().filter(|call| matches!(call.asked, PayAsked::Join(_))).collect();
        let left = own.iter().any(|call| matches!(call.asked, PayAsked::Leave(_)));
        let [join] = joins.as_slice() else { continue };
        let PayAsked::Join(of) = join.asked else { continue };
        let places: Vec<&&PayCall> =
            own.iter().filter(|call| matches!(call.heard, PayHeard::InLine { .. })).collect();
        let (Some(first), Some(last)) = (places.first(), places.last()) else { continue };
        let offer = own.iter().find_map(|call| match &call.heard {
            PayHeard::NotInLine { offer } => offer.clone(),
            _ => None,
        });
        let name = &paying.names[number as usize];
        let mut rows = paying.orders.iter().filter(|row| row.user == *name);
        let only = rows.all(|row| Some(&row.order) == offer.as_ref());
        if !left && only {
            let (asked, known, still) = (join.sent, first.ended, last.sent);
            all.push(Waited { person, of: of.0, asked, known, still, offer });
        }
    }
    all
}

/// Possible only where everybody knows where every order came from.
pub fn held_by_nobody(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let mut known = HashSet::new();
    for call in &paying.calls {
        match (&call.asked, &call.heard) {
            (PayAsked::Claim { .. } | PayAsked::Result { .. }, PayHeard::Order(order)) => {
                known.insert(order.id.clone());
            }
            (_, PayHeard::NotInLine { offer: Some(offer) }) => {
                known.insert(offer.clone());
            }
            _ => {}
        }
    }
    if !paying.orders.iter().all(|row| known.contains(&row.order)) {
        return None;
    }
    let asked = PayAsked::Claim { items: vec![(TypeIndex(0), 1)], key: Key(900) };
    let (sent, ended) = (Micros(1_000), Micros(2_000));
    insert(
        paying,
        PayCall { person: Person(0), asked, sent, ended, heard: PayHeard::HeldByOthers },
    );
    Some(())
}

/// An order that was held at two calls of one person: when the first was over and when the second was sent.
fn held_between(paying: &Paying) -> Option<(usize, u64, u64)> {
    let mut first: BTreeMap<&str, Micros> = BTreeMap::new();
    for call in &paying.calls {
        let PayHeard::Order(order) = &call.heard else { continue };
        if order.state != State::Held {
            continue;
        }
        match first.get(order.id.as_str()) {
            Some(known) if known.0 + 20 < call.sent.0 => {
                let of = of_type(paying, &order.tickets.first()?.type_id)?;
                return Some((of, known.0, call.sent.0));
            }
            Some(_) => {}
            None => {
                first.insert(&order.id, call.ended);
            }
        }
    }
    None
}

pub fn sold_out_held(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let (of, from, _) = held_between(paying)?;
    let asked = PayAsked::Claim { items: vec![(TypeIndex(of), 1)], key: Key(900) };
    let (sent, ended) = (Micros(from + 3), Micros(from + 6));
    let heard = PayHeard::Refused(Refused::SoldOut);
    insert(paying, PayCall { person: Person(0), asked, sent, ended, heard });
    Some(())
}

pub fn overtaken(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let all = waited(paying);
    let served = || all.iter().filter(|one| one.offer.is_some());
    let (first, second) = served().find_map(|one| {
        let later = served().find(|other| other.of == one.of && one.known < other.asked)?;
        Some((one.offer.clone()?, later.offer.clone()?))
    })?;
    let number = |order: &str| {
        paying.orders.iter().find(|row| row.order == order).map(|row| row.ticket.claim_no)
    };
    let (one, other) = (number(&first)?, number(&second)?);
    for (order, number) in [(&first, other), (&second, one)] {
        for row in paying.orders.iter_mut().filter(|row| row.order == *order) {
            row.ticket.claim_no = number;
        }
        let shown = paying.calls.iter_mut().flat_map(shown_mut).filter(|one| one.id == *order);
        shown.flat_map(|order| &mut order.tickets).for_each(|one| one.claim_no = number);
    }
    Some(())
}

/// Somebody still waits, whose unit was offered to one who came later.
pub fn forgotten(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let all = waited(paying);
    let early = all.iter().find(|one| {
        let later = |other: &&Waited| {
            other.of == one.of && other.offer.is_some() && one.known < other.asked
        };
        one.offer.is_some() && all.iter().any(|other| later(&other))
    })?;
    let (person, of, gone) = (early.person, TypeIndex(early.of), early.offer.clone()?);
    // Nobody ever heard of the offer.
    paying.orders.retain(|row| row.order != gone);
    paying.payments.retain(|row| row.order != gone);
    paying.calls.retain(|call| {
        let own = call.person == person && call.ended > early.known;
        !own && shown(call).iter().all(|order| order.id != gone)
    });
    let (sent, ended) = (Micros(50_000_000), Micros(50_000_005));
    let heard = PayHeard::InLine { ahead: 0 };
    insert(paying, PayCall { person, asked: PayAsked::Place(of), sent, ended, heard });
    Some(())
}

pub fn moved_back(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    // What was told before a kill may have gone with it.
    if !paying.outages.is_empty() {
        return None;
    }
    let one = waited(paying).into_iter().find(|one| one.known < one.still)?;
    let own = |call: &PayCall| call.person == one.person;
    let ahead = |call: &PayCall| match call.heard {
        PayHeard::InLine { ahead } => Some(ahead),
        _ => None,
    };
    let first = paying.calls.iter().filter(|call| own(call)).find_map(ahead)?;
    let last = paying.calls.iter().rposition(|call| own(call) && ahead(call).is_some())?;
    paying.calls[last].heard = PayHeard::InLine { ahead: first + 1 };
    Some(())
}

pub fn passed_over(history: &mut History, _: &mut Chance) -> Plant {
    let paying = till(history)?;
    let one = waited(paying).into_iter().find(|one| one.known.0 + 20 < one.still.0)?;
    let other = Person(if one.person == Person(0) { 1 } else { 0 });
    give(paying, other, one.of, (one.known.0 + 5, one.known.0 + 10));
    Some(())
}
