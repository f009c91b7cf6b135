//! The activity with prices that a rehearsal makes for its payers. Its id, its codes and its people say what they are,
//! so that nothing on a real server is confused with them.

use super::money::text;
use crate::{
    history::{
        Micros,
        paying::{Minor, PricedSale, PricedType, UnixMs},
    },
    http::{
        Doing, RehearseFault,
        operator::{Desk, Wanted},
        sale::{codes_of, since_1970},
        time::Ahead,
    },
    plan::{PlannedPaying, PlannedPriced},
};
use serde_json::{Value, json};

/// An activity that was made for payers.
#[derive(Debug)]
pub(in crate::http) struct PricedActivity {
    /// Its id.
    pub(in crate::http) id: String,
    codes: Vec<Vec<String>>,
}

impl PricedActivity {
    /// Makes it, open between these two unix seconds of the server's.
    pub(in crate::http) async fn make(
        desk: &Desk,
        planned: &PlannedPaying,
        suffix: &str,
        (start_s, end_s): (u64, u64),
    ) -> Result<Self, RehearseFault> {
        let id = format!("rehearsal-{suffix}-{}", since_1970().as_millis());
        let codes =
            |one: &PlannedPriced| codes_of(&id, &one.id, if one.codes { one.stock } else { 0 });
        let codes: Vec<Vec<String>> = planned.types.iter().map(codes).collect();
        let ticket = |(one, codes): (&PlannedPriced, &Vec<String>)| ticket(planned, one, codes);
        let mut activity = json!({
            "id": id,
            "name": "Rehearsal, with payments 演练（含支付）",
            "desc": "A rehearsal: nothing of it is for sale. 演练专用，请勿参与。",
            "start_time": start_s,
            "end_time": end_s,
            "standby": true,
            "ticket": planned.types.iter().zip(&codes).map(ticket).collect::<Vec<_>>(),
        });
        if let Some(limit) = planned.limit_per_person {
            activity["limit_per_user"] = json!(limit);
        }
        let file = json!({ "activity": [activity] });
        desk.must(Wanted::post(Doing::Importing, "/admin/act/import", Some(&file))).await?;
        Ok(Self { id, codes })
    }

    /// Closes it for good.
    pub(in crate::http) async fn close(&self, desk: &Desk) -> Result<(), RehearseFault> {
        let path = format!("/admin/act/close?actId={}", self.id);
        desk.must(Wanted::post(Doing::Closing, &path, None)).await.map(drop)
    }

    /// The sale as it was announced.
    pub(super) fn announced(
        &self,
        planned: &PlannedPaying,
        clock: Ahead,
        off: Micros,
    ) -> PricedSale {
        let announced = |(one, codes): (&PlannedPriced, &Vec<String>)| PricedType {
            id: one.id.clone(),
            stock: one.stock,
            codes: codes.clone(),
            limit_per_person: one.limit_per_person,
            price: Minor(one.price),
            pay_within_s: one.pay_within_s,
        };
        PricedSale {
            activity: self.id.clone(),
            currency: planned.currency.clone(),
            limit_per_person: planned.limit_per_person,
            types: planned.types.iter().zip(&self.codes).map(announced).collect(),
            clock_zero: UnixMs(clock.zero_ms()),
            clock_within: off,
        }
    }
}

fn ticket(planned: &PlannedPaying, one: &PlannedPriced, codes: &[String]) -> Value {
    let mut ticket = json!({
        "id": one.id,
        "name": format!("演练 {}", one.id),
        "limit_per_user": one.limit_per_person,
        "pay_within_s": one.pay_within_s,
        "offer_within_s": one.offer_within_s,
    });
    if one.price > 0 {
        ticket["price"] = json!(text(Minor(one.price)));
        ticket["currency"] = json!(planned.currency);
    }
    if one.codes {
        ticket["codes"] = json!(codes);
    } else {
        ticket["stock"] = json!(one.stock);
    }
    ticket
}
