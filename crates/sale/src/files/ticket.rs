//! One ticket type of an activity file: what is sold, at what limit, when.
//! Stock and codes exclude each other; what costs something has a time to pay, and one for those in line.

use super::activity::Ids;
use super::codes::{CodesNo, codes_of};
use super::fields::{Field, Section, TextRule};
use super::origin::TableOrigin;
use super::problem::{Expected, Reason};
use super::source::Reading;
use super::tree::Value;
use ledger::NewUnits;
use rules::{
    DESC_BYTES_MAX, IMAGE_BYTES_MAX, LIMIT_PER_USER_MAX, Money, MoneyError, NAME_BYTES_MAX,
    TicketType, UNITS_MAX, UnitKind, Validity, Window,
};

/// The keys of a ticket type.
const KEYS: [&str; 15] = [
    "id",
    "name",
    "desc",
    "image",
    "price",
    "currency",
    "limit_per_user",
    "stock",
    "codes",
    "start_time",
    "end_time",
    "pay_within_s",
    "offer_within_s",
    "valid_from",
    "valid_until",
];

/// What a title may be.
pub(super) const NAME: TextRule =
    TextRule { bytes_max: NAME_BYTES_MAX, may_be_empty: false, may_have_lines: false };
/// What a description may be.
pub(super) const DESC: TextRule =
    TextRule { bytes_max: DESC_BYTES_MAX, may_be_empty: true, may_have_lines: true };
/// What the address of a picture may be.
pub(super) const IMAGE: TextRule =
    TextRule { bytes_max: IMAGE_BYTES_MAX, may_be_empty: true, may_have_lines: false };
/// Any text where another judgement follows.
const AS_WRITTEN: TextRule =
    TextRule { bytes_max: NAME_BYTES_MAX, may_be_empty: true, may_have_lines: true };

/// Units of a type one person may have where the file does not say.
const LIMIT_PER_USER_DEFAULT: u32 = 1;
/// Seconds to pay where the file does not say.
const PAY_WITHIN_S_DEFAULT: u32 = 900;
/// Seconds to pay, at most: 30 days.
const PAY_WITHIN_S_MAX: u32 = 30 * 24 * 3_600;
/// The price where the file does not say.
const PRICE_DEFAULT: &str = "0";
/// The currency where the file does not say; it only matters beside a price.
const CURRENCY_DEFAULT: &str = "CNY";

/// A ticket type with its units and the list its codes are.
pub(super) struct ReadTicket {
    pub(super) ticket_type: TicketType,
    pub(super) units: NewUnits,
    pub(super) codes: Option<CodesNo>,
    pub(super) origin: TableOrigin,
}

/// Reads one ticket type; `window` is its activity's, where that could be read.
pub(super) fn ticket_of(
    reading: &mut Reading<'_>,
    field: &Field<'_>,
    ids: &mut Ids,
    window: Option<Window>,
) -> Option<ReadTicket> {
    let section = Section::open(field, Expected::Table, &KEYS, &mut reading.problems)?;
    let id = ids.id_of(reading, &section);
    let problems = &mut reading.problems;
    let name = section.text("name", NAME, None, problems);
    let desc = section.text("desc", DESC, Some(""), problems);
    let image = section.text("image", IMAGE, Some(""), problems);
    let limit = section.count("limit_per_user", 1..=LIMIT_PER_USER_MAX, problems);
    let pay_within = section.count("pay_within_s", 1..=PAY_WITHIN_S_MAX, problems);
    let offer_within = section.count("offer_within_s", 1..=PAY_WITHIN_S_MAX, problems);
    let price = price_of(reading, &section);
    let own_window = own_window_of(reading, &section, window);
    let validity = validity_of(reading, &section, window);
    let (units, codes) = units_of(reading, &section)?;
    let pay_within_s = pay_within?.unwrap_or(PAY_WITHIN_S_DEFAULT);
    let ticket_type = TicketType {
        id: id?,
        name: name?,
        desc: desc?,
        image: image?,
        price: price?,
        limit_per_user: limit?.unwrap_or(LIMIT_PER_USER_DEFAULT),
        kind: if codes.is_some() { UnitKind::Codes } else { UnitKind::Plain },
        window: own_window?,
        pay_within_s,
        offer_within_s: offer_within?.unwrap_or(pay_within_s),
        validity: validity?,
    };
    Some(ReadTicket { ticket_type, units, codes, origin: section.origin() })
}

fn price_of(reading: &mut Reading<'_>, section: &Section<'_>) -> Option<Money> {
    let problems = &mut reading.problems;
    let currency = section.text("currency", AS_WRITTEN, Some(CURRENCY_DEFAULT), problems);
    let amount = match section.field("price") {
        None => PRICE_DEFAULT.to_owned(),
        Some(Field { node, place }) => match &node.value {
            Value::Text(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            _ => {
                return Field { node, place }.refuse(Reason::WrongType(Expected::Amount), problems);
            }
        },
    };
    let (key, reason) = match Money::parse(&amount, &currency?) {
        Ok(price) => return Some(price),
        Err(MoneyError::Currency) => ("currency", Reason::Currency),
        Err(MoneyError::Amount) => ("price", Reason::Amount),
        Err(MoneyError::Precision) => ("price", Reason::Precision),
    };
    section.refuse(key, reason, problems);
    None
}

/// The type's own window, if it names an end of one; the other end is the activity's.
fn own_window_of(
    reading: &mut Reading<'_>,
    section: &Section<'_>,
    outer: Option<Window>,
) -> Option<Option<Window>> {
    let problems = &mut reading.problems;
    let start = section.time("start_time", problems);
    let end = section.time("end_time", problems);
    let (start, end) = (start?, end?);
    if start.is_none() && end.is_none() {
        return Some(None);
    }
    let outer = outer?;
    let start_or = start.unwrap_or(outer.start());
    match Window::new(start_or, end.unwrap_or(outer.end())) {
        Ok(window) if outer.covers(window) => return Some(Some(window)),
        Ok(window) => {
            let key = if window.start() < outer.start() { "start_time" } else { "end_time" };
            section.refuse(key, Reason::OutsideActivity, problems);
        }
        Err(error) => section.refuse_window(error, problems),
    }
    None
}

fn validity_of(
    reading: &mut Reading<'_>,
    section: &Section<'_>,
    window: Option<Window>,
) -> Option<Validity> {
    let problems = &mut reading.problems;
    let from = section.time("valid_from", problems);
    let until = section.time("valid_until", problems);
    let (from, until) = (from?, until?);
    let from = from.or_else(|| window.map(Window::start))?;
    if until.is_some_and(|until| until <= from) {
        section.refuse_order("valid_until", "valid_from", problems);
        return None;
    }
    Some(Validity { from, until })
}

fn units_of(
    reading: &mut Reading<'_>,
    section: &Section<'_>,
) -> Option<(NewUnits, Option<CodesNo>)> {
    let stock = section.count("stock", 0..=UNITS_MAX, &mut reading.problems);
    let codes = section.field("codes");
    if section.field("stock").is_some() && codes.is_some() {
        section.refuse("stock", Reason::StockAndCodes, &mut reading.problems);
    }
    if let Some(codes) = codes {
        let listed = codes_of(reading, &codes)?;
        let (codes, no) = reading.codes.add(listed, &mut reading.problems);
        return Some((NewUnits::Codes(codes), Some(no)));
    }
    let Some(stock) = stock? else {
        section.refuse("stock", Reason::StockOrCodes, &mut reading.problems);
        return None;
    };
    Some((NewUnits::Plain(stock), None))
}
