//! What a claim asks for: one unit of a type, or a basket of several. One unit, which is what a crowd asks for, costs no
//! allocation. It reads strictly and decides nothing.

use super::{Asked, claim::ticket_type};
use crate::{
    envelope::Problem,
    params::{BadParam, Reason, bad},
};
use sale::{Activity, BASKET_UNITS_MAX, Item, TypeNo};
use serde::Deserialize;

/// The name of the list in a body.
pub const ITEMS: &str = "items";

/// So many units of a type, as a client says it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenItem {
    type_id: String,
    qty: u64,
}

/// What a claim asks for.
pub enum Wanted {
    /// One unit: what a crowd asks for. Nothing is allocated for it.
    One([Item; 1]),
    /// Several units, or at least so said.
    Basket(Vec<Item>),
}

impl Wanted {
    /// What this claim asks for. What is wrong with the request itself is said before anybody looks at the activity.
    pub fn of(asked: &Asked<'_>, activity: &Activity) -> Result<Self, Problem> {
        let Some(given) = &asked.items else {
            let kind = ticket_type(activity, asked.params.get("typeId"))?;
            return Ok(Self::One([Item { ticket_type: kind, count: 1 }]));
        };
        let item = |one: &GivenItem| {
            let kind = activity.type_by_id(&one.type_id).ok_or(Problem::NotFound("type_id"))?.0;
            let count = u8::try_from(one.qty).map_err(|_| bad("qty", Reason::Number))?;
            Ok(Item { ticket_type: kind, count })
        };
        given.iter().map(item).collect::<Result<_, Problem>>().map(Self::Basket)
    }

    /// The units.
    pub fn items(&self) -> &[Item] {
        match self {
            Self::One(item) => item,
            Self::Basket(items) => items,
        }
    }

    /// Of the types wanted, the one that opens last: before that none of it can be had.
    pub fn opens_last(&self, activity: &Activity) -> TypeNo {
        match self {
            Self::One([item]) => item.ticket_type,
            Self::Basket(items) => {
                let opens = |kind: &TypeNo| activity.window_of(*kind).map(|window| window.start());
                let kinds = items.iter().map(|item| item.ticket_type);
                kinds.max_by_key(opens).unwrap_or_default()
            }
        }
    }
}

/// Whether a list of items is one that can be asked for at all: bounded, no type twice, nothing of nothing.
pub fn check(asked: &Asked<'_>) -> Result<(), BadParam> {
    // A list is JSON; a text of that name is no list.
    if asked.params.get(ITEMS).is_some() {
        return Err(bad(ITEMS, Reason::Form));
    }
    let Some(given) = &asked.items else { return Ok(()) };
    if asked.params.get("typeId").is_some() {
        return Err(bad(ITEMS, Reason::Together));
    }
    if given.is_empty() {
        return Err(bad(ITEMS, Reason::Missing));
    }
    let mut units = 0u64;
    for (at, one) in given.iter().enumerate() {
        if one.qty == 0 || one.qty > u64::from(BASKET_UNITS_MAX) {
            return Err(bad("qty", Reason::Number));
        }
        if given[..at].iter().any(|other| other.type_id == one.type_id) {
            return Err(bad("type_id", Reason::Twice));
        }
        units += one.qty;
        if units > u64::from(BASKET_UNITS_MAX) {
            return Err(bad(ITEMS, Reason::Units));
        }
    }
    Ok(())
}
