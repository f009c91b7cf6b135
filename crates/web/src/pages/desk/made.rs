//! What an import has put in, and what to do next: the address for buyers, the live screen, more codes.
//! Everything on it is read from what is on disk; only how many lines stood twice comes with the address.

use super::entry;
use crate::{
    cold::{Asked, blocking, desk_problem},
    documents,
    envelope::{Problem, Reply},
    pages::{
        Pages,
        frame::{Frame, personal, to},
        moments::Shown,
    },
};
use askama::Template;
use axum::Router;
use fast_qr::{
    ECL, QRBuilder,
    convert::{Builder, svg::SvgBuilder},
};
use sale::{Entry, UnitKind};
use std::sync::Arc;

/// Names that can never claim which are listed; the rest is counted by looking at the roster again.
const NEVER_SHOWN_MAX: usize = 50;
/// Lines that may have stood twice, as the address says it: more than any body has.
const REPEATED_MAX: u64 = 1_000_000_000;

/// The routes of the report.
pub fn routes(pages: &Pages<'_>) -> Router {
    Router::new().route(&pages.path("/desk/act/{id}/made"), pages.get(made))
}

#[derive(Template)]
#[template(path = "desk/made.html")]
struct Made {
    f: Frame,
    id: String,
    name: String,
    start: Shown,
    end: Shown,
    kinds: Vec<Kind>,
    /// How many names the roster has.
    names: Option<usize>,
    /// Those that registered themselves.
    never: Vec<String>,
    codes_repeated: u64,
    names_repeated: u64,
    address: String,
    qr: Option<String>,
}

struct Kind {
    name: String,
    codes: bool,
    total: u32,
}

impl Made {
    fn has_codes(&self) -> bool {
        self.kinds.iter().any(|kind| kind.codes)
    }

    fn lacks_units(&self) -> bool {
        self.kinds.iter().any(|kind| kind.total == 0)
    }
}

async fn made(asked: Asked) -> Result<Reply, Problem> {
    asked.operator().await?;
    let entry = entry(&asked)?;
    let params = asked.params()?;
    let repeated = |name| params.number(name, 0, REPEATED_MAX).map(Option::unwrap_or_default);
    let (codes, names) = (repeated("codes_repeated")?, repeated("names_repeated")?);
    blocking(move || {
        let page = report(&asked, &entry, codes, names)?;
        Ok(personal(&asked, &page))
    })
    .await?
}

fn report(asked: &Asked, entry: &Arc<Entry>, codes: u64, names: u64) -> Result<Made, Problem> {
    let (app, activity) = (&asked.app, &entry.activity);
    let (count, never) = app
        .sale
        .roster_report(entry, NEVER_SHOWN_MAX)
        .map_err(|fault| desk_problem(asked, fault.into()))?;
    let (start, end) = app.settings.pages.zone().window(activity.window);
    let counts = app.sale.counts(entry.no);
    let kinds = activity.types.iter().zip(&counts.types).map(|(kind, counts)| Kind {
        name: kind.name.clone(),
        codes: kind.kind == UnitKind::Codes,
        total: counts.supply.total,
    });
    let site = documents::url(&asked.parts.headers, &app.settings);
    let address = format!("{site}{}", to(asked.language, &format!("/act/{}", activity.id)));
    let qr = QRBuilder::new(address.as_str()).ecl(ECL::M).build().ok();
    Ok(Made {
        f: Frame::of(asked).with_script("desk-files.js"),
        id: activity.id.clone(),
        name: activity.name.clone(),
        start,
        end,
        kinds: kinds.collect(),
        names: activity.has_roster.then_some(count),
        never,
        codes_repeated: codes,
        names_repeated: names,
        qr: qr.map(|qr| SvgBuilder::default().margin(2).to_str(&qr)),
        address,
    })
}
