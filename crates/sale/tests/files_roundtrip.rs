//! What `to_json` writes is read back as the same activities, whatever they hold.
//! The strategies stay inside the bounds of the rules: outside of them nothing is ever imported.

use ledger::{NewActivity, NewUnits, RosterName};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use rules::{Activity, Money, TicketType, TimeMs, UnitKind, Validity, Window};
use sale::files::{ActivityFormat, FileLimits, read_activity_bytes, to_json};

/// 2000-01-01 to 2199-12-31 in milliseconds, with room for the lengths added below.
const START_MS: std::ops::Range<u64> = 946_684_800_000..7_200_000_000_000;
const LENGTH_MS_MAX: u64 = 50_000_000_000;

fn title() -> impl Strategy<Value = String> {
    "[^\\p{Cc}\\s][^\\p{Cc}]{0,20}"
}

/// One spelling: what `person_name` leaves unchanged.
fn names() -> impl Strategy<Value = Vec<RosterName>> {
    let shown = || prop_oneof![Just(String::new()), "[a-z=@]{1,8}", "[\u{4e00}-\u{9fa5}]{1,4}"];
    btree_set("[a-zA-Z0-9=\u{4e00}-\u{9fa5}]{1,12}", 1..8).prop_flat_map(move |names| {
        let rows = names.into_iter().map(|name| {
            let row =
                |(name, display_name, department)| RosterName { name, display_name, department };
            (Just(name), shown(), shown()).prop_map(row)
        });
        rows.collect::<Vec<_>>()
    })
}

fn window() -> impl Strategy<Value = Window> {
    (START_MS, 4..LENGTH_MS_MAX)
        .prop_map(|(start, length)| Window::new(TimeMs(start), TimeMs(start + length)).unwrap())
}

/// A session inside a window: quarters of it.
fn session(outer: Window) -> impl Strategy<Value = Option<Window>> {
    let quarter = (outer.end().0 - outer.start().0) / 4;
    let inner = (0..2u64, 2..4u64).prop_map(move |(from, to)| {
        let at = |quarters: u64| TimeMs(outer.start().0 + quarters * quarter);
        Window::new(at(from), at(to)).unwrap()
    });
    option::of(inner)
}

fn ticket(outer: Window) -> impl Strategy<Value = TicketType> {
    let texts = (title(), "[^\\p{Cc}]{0,20}\n?", "[a-z:/.]{0,20}");
    let within = || 1..=2_592_000u32;
    let numbers = (1..=10_000u32, within(), within(), prop_oneof![Just(0), 1..=99_999_999_999u64]);
    let times = (session(outer), START_MS, option::of(1..LENGTH_MS_MAX));
    (texts, numbers, times).prop_map(|(texts, numbers, times)| TicketType {
        id: String::new(),
        name: texts.0,
        desc: texts.1,
        image: texts.2,
        price: Money { minor: numbers.3, currency: String::new() },
        limit_per_user: numbers.0,
        kind: UnitKind::Plain,
        window: times.0,
        pay_within_s: numbers.1,
        offer_within_s: numbers.2,
        validity: Validity {
            from: TimeMs(times.1),
            until: times.2.map(|length| TimeMs(times.1 + length)),
        },
    })
}

/// What a type sells; `no` keeps codes of different types apart.
fn with_units(
    no: usize,
    mut ticket: TicketType,
    units: Option<Vec<String>>,
) -> (TicketType, NewUnits) {
    ticket.id = format!("t{no}");
    let Some(codes) = units else { return (ticket, NewUnits::Plain(no as u32 * 7)) };
    ticket.kind = UnitKind::Codes;
    let codes = codes.into_iter().map(|code| format!("{code}{no}")).collect();
    (ticket, NewUnits::Codes(codes))
}

fn tickets(outer: Window) -> impl Strategy<Value = Vec<(TicketType, NewUnits)>> {
    let codes = btree_set("[!-~\u{4e00}-\u{9fa5}][ -~]{0,12}[!-~]#", 0..6)
        .prop_map(|codes| codes.into_iter().collect::<Vec<_>>());
    vec((ticket(outer), option::of(codes)), 1..4).prop_map(|list| {
        let numbered = list.into_iter().enumerate();
        numbered.map(|(no, (ticket, units))| with_units(no, ticket, units)).collect()
    })
}

fn activity() -> impl Strategy<Value = NewActivity> {
    let texts = ("[a-zA-Z0-9_-]{1,64}", title(), "[^\\p{Cc}]{0,40}", "[a-z:/.]{0,20}");
    let rest = window().prop_flat_map(|window| (Just(window), tickets(window)));
    let marks = (any::<bool>(), prop_oneof![Just("CNY"), Just("JPY"), Just("KWD")]);
    (texts, option::of(1..=10_000u32), option::of(names()), rest, marks).prop_map(
        |(texts, limit_per_user, roster, (window, tickets), (standby, currency))| {
            let (mut types, units): (Vec<TicketType>, _) = tickets.into_iter().unzip();
            types.iter_mut().for_each(|ticket| ticket.price.currency = currency.to_owned());
            let (id, name, desc, image) = texts;
            let has_roster = roster.is_some();
            let activity = Activity {
                id,
                name,
                desc,
                image,
                window,
                limit_per_user,
                has_roster,
                standby,
                types,
            };
            NewActivity { activity, units, roster: roster.unwrap_or_default() }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_is_written_is_read_back(new in activity()) {
        let json = to_json(std::slice::from_ref(&new));
        let read = read_activity_bytes(json.as_bytes(), ActivityFormat::Json, &FileLimits::DEFAULT);
        let read = read.map_err(|problems| TestCaseError::fail(format!("{problems:?} {json}")))?;
        prop_assert_eq!(read.activities.len(), 1);
        prop_assert_eq!(&read.activities[0].activity, &new.activity);
        prop_assert_eq!(&read.activities[0].roster, &new.roster);
        prop_assert!(read.activities[0].units == new.units, "units differ: {}", json);
    }

    /// C13: whatever bytes come, the answer is activities or problems, never a panic.
    #[test]
    fn no_bytes_make_reading_panic(bytes in vec(any::<u8>(), 0..400)) {
        let limits = FileLimits::DEFAULT;
        let _ = read_activity_bytes(&bytes, ActivityFormat::Json, &limits);
        let _ = read_activity_bytes(&bytes, ActivityFormat::Toml, &limits);
        let _ = sale::files::read_people(&bytes, &limits);
        let csv = sale::files::read_codes(&bytes, sale::files::CodesFormat::Csv, &limits);
        let plain = sale::files::read_codes(&bytes, sale::files::CodesFormat::Plain, &limits);
        prop_assert!(csv.codes.len() + plain.codes.len() <= 2 * bytes.len());
    }
}
