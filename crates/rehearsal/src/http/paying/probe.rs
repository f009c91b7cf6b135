//! Whether payments can be tried out at a server: one unit with a price, one claim, and the way to its provider.
//! Nothing is paid, the order is given up, and the activity is closed.

use super::making::PricedActivity;
use crate::{
    http::{
        Doing, RehearseFault,
        operator::{Desk, Told, Wanted},
        sale::server_time,
    },
    plan::{PlannedPaying, PlannedPriced},
};
use serde_json::Value;

/// Seconds for which the activity stays open, unless it is closed before; and since when it is.
const OPEN_S: u64 = 600;
const OPEN_SINCE_S: u64 = 60;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Probed {
    /// The server has a provider for trying things out.
    Pays,
    /// It has none, or nothing there can have a price.
    PaysNot,
}

/// Tries; `token` is that of a payer.
pub(in crate::http) async fn probe(
    desk: &Desk,
    told: &Told,
    seed: u64,
    token: &str,
) -> Result<Probed, RehearseFault> {
    let start = server_time(told).saturating_sub(OPEN_SINCE_S);
    let hours = (start, start + OPEN_S);
    let made = PricedActivity::make(desk, &one(), &format!("{seed}-probe"), hours).await;
    let activity = match made {
        Ok(activity) => activity,
        // A server that knows no prices says so here.
        Err(RehearseFault::Refused { .. }) => return Ok(Probed::PaysNot),
        Err(fault) => return Err(fault),
    };
    let probed = ask(desk, &activity, token).await;
    activity.close(desk).await?;
    probed
}

async fn ask(desk: &Desk, activity: &PricedActivity, token: &str) -> Result<Probed, RehearseFault> {
    let doing = Doing::Probing;
    let payer = desk.of_person(token).ok_or(RehearseFault::Unreadable(doing))?;
    let path = format!("/ticket/get?actId={}&typeId=probe", activity.id);
    let claimed = payer.must(Wanted::post(doing, &path, None)).await?;
    let order = claimed.data.get("order_id").and_then(Value::as_str).unwrap_or_default();
    let path = format!("/order/pay?provider=test&orderId={order}");
    let started = payer.call(Wanted::post(doing, &path, None)).await;
    let pays = started.is_ok_and(|told| told.ret == 0 && told.data.get("pay_url").is_some());
    let path = format!("/order/cancel?orderId={order}");
    // Whether or not it is given up, it expires by itself.
    let _ = payer.call(Wanted::post(doing, &path, None)).await;
    Ok(if pays { Probed::Pays } else { Probed::PaysNot })
}

fn one() -> PlannedPaying {
    let probe = PlannedPriced {
        id: "probe".to_owned(),
        stock: 1,
        codes: false,
        limit_per_person: 1,
        price: 100,
        pay_within_s: 60,
        offer_within_s: 60,
    };
    PlannedPaying { types: vec![probe], ..PlannedPaying::default() }
}
