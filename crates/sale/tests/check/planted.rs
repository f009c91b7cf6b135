//! Planted violations: each is written into the file behind the ledger's back, and a check has to find exactly it.
//! A plant never breaks a second thing, so that what finds it is known.

use crate::given::{END, KEY, START, World, check};
use rules::{OrderState, PaymentState};
use sale::check::{
    AnswerBroken, CodeBroken, FINDINGS_KEPT_MAX, LimitBroken, MoneyBroken, Promise, StockBroken,
    What,
};

/// Where: the activity's id, the type's.
type Place = (&'static str, Option<&'static str>);
/// A name, the violation, and everything that must be found, in order of promises.
type Plant = (&'static str, String, Vec<(Place, What)>);

const SEAT: Place = ("movie-night", Some("seat"));
const SNACK: Place = ("movie-night", Some("snack"));
const MOVIE: Place = ("movie-night", None);
const OPEN_DAY: Place = ("open-day", None);
const PLACE: Place = ("open-day", Some("place"));
const CONCERT: Place = ("concert", None);
const FLOOR: Place = ("concert", Some("floor"));
const BOX: Place = ("concert", Some("box"));

/// An update of one claim of movie-night.
fn claim(seq: u32, set: &str) -> String {
    format!("UPDATE claims SET {set} WHERE place = (1 << 32 | {seq})")
}

/// An update of one line of the concert.
fn line(seq: u32, set: &str) -> String {
    format!("UPDATE claims SET {set} WHERE place = (4 << 32 | {seq})")
}

/// An update of one payment.
fn payment(no: u32, set: &str) -> String {
    format!("UPDATE payments SET {set} WHERE no = {no}")
}

fn at(place: Place, what: impl Into<What>) -> (Place, What) {
    (place, what.into())
}

fn stock() -> Vec<Plant> {
    use StockBroken::{
        ActivityUnknown, Oversold, TakenBackNeverMade, TakenBackTwice, TypeUnknown, Unbalanced,
        UnitNeverMade, UnitTakenBack, UnitTwice,
    };
    vec![
        (
            "a unit that was never made",
            claim(7, "unit = 99"),
            vec![
                at(SEAT, UnitNeverMade { seq: 7, unit: 99, made: 11 }),
                at(SEAT, Unbalanced { total: 11, available: 8, held: 0, sold: 4 }),
            ],
        ),
        (
            "a unit that was taken back",
            claim(6, "unit = 5"),
            vec![
                at(SNACK, UnitTakenBack { seq: 6, unit: 5 }),
                at(SNACK, Unbalanced { total: 4, available: 2, held: 0, sold: 3 }),
            ],
        ),
        (
            "a unit claimed twice",
            claim(7, "unit = 2"),
            vec![
                at(SEAT, UnitTwice { unit: 2 }),
                at(SEAT, Unbalanced { total: 11, available: 8, held: 0, sold: 4 }),
            ],
        ),
        (
            "more claims than units",
            "UPDATE ticket_types SET made = 2 WHERE activity = 2".into(),
            vec![
                at(PLACE, UnitNeverMade { seq: 3, unit: 2, made: 2 }),
                at(PLACE, Oversold { total: 2, held: 0, sold: 3 }),
            ],
        ),
        (
            "units taken back twice, and ones that were never made",
            "INSERT INTO taken_back VALUES (1, 1, 5, 8, 1)".into(),
            vec![
                at(SNACK, TakenBackNeverMade { past: 8, made: 6 }),
                at(SNACK, TakenBackTwice { unit: 5 }),
            ],
        ),
        (
            "a type that does not exist",
            claim(7, "ticket_type = 7"),
            vec![at(MOVIE, TypeUnknown { seq: 7, ticket_type: 7 })],
        ),
        (
            "a unit that is sold, held once more",
            line(6, "unit = 0"),
            vec![
                at(FLOOR, UnitTwice { unit: 0 }),
                at(FLOOR, Unbalanced { total: 4, available: 1, held: 1, sold: 3 }),
            ],
        ),
        (
            "a unit that was taken back with its order",
            "INSERT INTO taken_back VALUES (4, 0, 0, 1, 1)".into(),
            vec![
                at(FLOOR, UnitTakenBack { seq: 1, unit: 0 }),
                at(FLOOR, Oversold { total: 3, held: 1, sold: 3 }),
            ],
        ),
        (
            "an activity that is lost",
            "DELETE FROM activities WHERE no = 1; DELETE FROM ticket_types WHERE activity = 1;
             DELETE FROM taken_back"
                .into(),
            vec![at(("number 1", None), ActivityUnknown { claims: 7 })],
        ),
    ]
}

/// Nobody can ask for more of the open day at once than they may have.
const NO_LIMIT: &str = "UPDATE ticket_types SET limit_per_user = 100 WHERE activity = 2;";

fn answers() -> Vec<Plant> {
    use AnswerBroken::{
        ClaimMissing, OrderTorn, RefusedWithUnits, RefusedWithoutClaim, TallyDiffers,
    };
    let lose = |activity: u32, seq: u32| {
        format!("DELETE FROM claims WHERE place = ({activity} << 32 | {seq});")
    };
    vec![
        (
            "a lost claim in the middle",
            lose(1, 5),
            vec![
                at(MOVIE, ClaimMissing { seq: 5 }),
                at(SEAT, CodeBroken::PassedOver { seq: 7, unit: 3, lowest: 2 }),
            ],
        ),
        ("a lost last claim", lose(1, 7), vec![at(MOVIE, TallyDiffers { seq: 7 })]),
        (
            "a claim that nobody counted",
            "UPDATE tallies SET claims = 6 WHERE activity = 1".into(),
            vec![at(MOVIE, TallyDiffers { seq: 7 })],
        ),
        (
            "a refusal for a limit that rests on nothing",
            format!("{NO_LIMIT} INSERT INTO participants VALUES (2, 9, {}, -5)", START.0),
            vec![at(OPEN_DAY, RefusedWithoutClaim { user: 9 })],
        ),
        (
            "a basket with a line of somebody else",
            line(4, "user_no = 9, ordinal_in_activity = 1"),
            vec![
                at(CONCERT, OrderTorn { seq: 4 }),
                at(CONCERT, MoneyBroken::WrongAmount { payment: 2, paid: 10_990, costs: 990 }),
            ],
        ),
        (
            "an order that begins in the middle of another",
            line(4, "line = 0, lines = 1"),
            vec![
                at(CONCERT, OrderTorn { seq: 4 }),
                at(CONCERT, MoneyBroken::WrongAmount { payment: 2, paid: 10_990, costs: 990 }),
            ],
        ),
        (
            "an order that lacks its last line",
            line(9, "lines = 2"),
            vec![at(CONCERT, ClaimMissing { seq: 10 })],
        ),
        (
            "sold out, with a unit left",
            lose(2, 3) + "UPDATE tallies SET claims = 2 WHERE activity = 2",
            vec![at(OPEN_DAY, RefusedWithUnits { people: 1, user: 4, available: 1 })],
        ),
    ]
}

fn limits() -> Vec<Plant> {
    use LimitBroken::*;
    let not_on_roster = |user| vec![at(MOVIE, NotOnRoster { user })];
    let hex: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![
        (
            "more of a type than the limit",
            claim(7, "user_no = 2, ordinal_in_type = 2, ordinal_in_activity = 3"),
            vec![at(SEAT, OverTypeLimit { user: 2, units: 2, limit: 1 })],
        ),
        (
            "more of an activity than the limit",
            "UPDATE activities SET limit_per_user = 2 WHERE no = 1".into(),
            vec![at(MOVIE, OverActivityLimit { user: 1, units: 3, limit: 2 })],
        ),
        (
            "an ordinal twice in the type",
            claim(4, "ordinal_in_type = 1"),
            vec![at(SNACK, OrdinalTwice { seq: 4 })],
        ),
        (
            "an ordinal twice in the activity",
            claim(4, "ordinal_in_activity = 2"),
            vec![at(MOVIE, OrdinalTwice { seq: 4 })],
        ),
        (
            "an ordinal left out",
            claim(4, "ordinal_in_type = 3"),
            vec![at(SNACK, OrdinalGap { user: 1, units: 2 })],
        ),
        (
            "an ordinal that begins at nought",
            claim(7, "ordinal_in_activity = 0"),
            vec![at(MOVIE, OrdinalGap { user: 4, units: 1 })],
        ),
        ("a key twice", claim(6, &format!("key = x'{hex}'")), vec![at(MOVIE, KeyTwice { seq: 6 })]),
        (
            "a place in line that was offered a unit twice",
            line(8, "offer = (SELECT offer FROM claims WHERE place = (4 << 32 | 6))"),
            vec![at(CONCERT, OfferTwice { seq: 8 })],
        ),
        (
            "more than the limit among the live",
            line(6, "user_no = 2, ordinal_in_type = 2, ordinal_in_activity = 2"),
            vec![at(FLOOR, OverTypeLimit { user: 2, units: 2, limit: 1 })],
        ),
        (
            "after the end, without a late payment",
            line(9, &format!("decided_at = {}", END.0)),
            vec![at(BOX, TooLate { seq: 9, by_ms: 1 })],
        ),
        ("a stranger to the roster", claim(7, "user_no = 99"), not_on_roster(99)),
        (
            "someone struck off the roster",
            "DELETE FROM rosters WHERE user_no = 4".into(),
            not_on_roster(4),
        ),
        (
            "someone who registered themselves (C33)",
            "UPDATE names SET source = 1 WHERE no = 3".into(),
            not_on_roster(3),
        ),
        (
            "a millisecond too early (C5)",
            claim(7, &format!("decided_at = {}", START.0 - 1)),
            vec![at(SEAT, TooEarly { seq: 7, by_ms: 1 })],
        ),
        (
            "a millisecond too late (C5)",
            claim(7, &format!("decided_at = {}", END.0)),
            vec![at(SEAT, TooLate { seq: 7, by_ms: 1 })],
        ),
        (
            "outside the session of the type",
            format!(
                "UPDATE ticket_types SET start_at = {}, end_at = {} WHERE activity = 1 AND no = 1",
                START.0 + 4,
                START.0 + 6
            ),
            vec![at(SNACK, TooEarly { seq: 3, by_ms: 1 }), at(SNACK, TooLate { seq: 6, by_ms: 1 })],
        ),
    ]
}

/// The table of codes without the constraint that would stop a plant.
const NOT_UNIQUE: &str = "
    CREATE TABLE copy AS SELECT * FROM codes;
    DROP TABLE codes;
    CREATE TABLE codes (activity INTEGER, ticket_type INTEGER, unit INTEGER, code TEXT,
        PRIMARY KEY (activity, ticket_type, unit)) WITHOUT ROWID;
    INSERT INTO codes SELECT * FROM copy;";

fn codes() -> Vec<Plant> {
    use CodeBroken::{
        ClaimNoNotAbove, CodeTwice, CodesBeyond, CodesMissing, CodesTakenBack, PassedOver,
        ShownBefore,
    };
    let double = |place: &str| format!("{NOT_UNIQUE} UPDATE codes SET code = 'SECRET-0' {place}");
    vec![
        (
            "a code twice in a type",
            double("WHERE activity = 1 AND unit = 9"),
            vec![at(SEAT, CodeTwice { place: 9 })],
        ),
        (
            "a code in two activities (C8)",
            double("WHERE activity = 3 AND unit = 1"),
            vec![at(("encore", Some("seat")), CodeTwice { place: 1 })],
        ),
        (
            "a unit without a code",
            "DELETE FROM codes WHERE activity = 1 AND unit = 3".into(),
            vec![at(SEAT, CodesMissing { units: 1 })],
        ),
        (
            "a code without a unit",
            "INSERT INTO codes VALUES (1, 0, 40, 'SECRET-40')".into(),
            vec![at(SEAT, CodesBeyond { codes: 1 })],
        ),
        (
            "a code that moved to where no unit is",
            "UPDATE codes SET unit = 40 WHERE activity = 1 AND unit = 3".into(),
            vec![at(SEAT, CodesMissing { units: 1 }), at(SEAT, CodesBeyond { codes: 1 })],
        ),
        (
            "a code that was taken back",
            "INSERT INTO taken_back VALUES (1, 0, 10, 11, 1)".into(),
            vec![at(SEAT, CodesTakenBack { units: 1 })],
        ),
        (
            "a unit given out before a lower one (C8)",
            claim(7, "unit = 10"),
            vec![at(SEAT, PassedOver { seq: 7, unit: 10, lowest: 3 })],
        ),
        (
            "two units given out in the wrong order (C8)",
            claim(5, "unit = 3") + ";" + &claim(7, "unit = 2"),
            vec![at(SEAT, PassedOver { seq: 5, unit: 3, lowest: 2 })],
        ),
        (
            "a code that its first buyer had seen",
            line(9, "unit = 1"),
            vec![at(BOX, ShownBefore { seq: 9, unit: 1 })],
        ),
        (
            "a claim number twice",
            claim(7, "claim_no = 4"),
            vec![at(SEAT, ClaimNoNotAbove { seq: 7, claim_no: 4, before: 4 })],
        ),
        (
            "a claim number that falls",
            claim(7, "claim_no = 3"),
            vec![at(SEAT, ClaimNoNotAbove { seq: 7, claim_no: 3, before: 4 })],
        ),
        (
            "a claim number of nought",
            claim(1, "claim_no = 0"),
            vec![at(SEAT, ClaimNoNotAbove { seq: 1, claim_no: 0, before: 0 })],
        ),
    ]
}

fn money() -> Vec<Plant> {
    use MoneyBroken::*;
    let order = |seq: u32| format!("(4 << 32 | {seq})");
    vec![
        (
            "a paid order without its payment",
            "DELETE FROM payments WHERE no = 2".into(),
            vec![at(CONCERT, NotPaidFor { order: 3, state: OrderState::Paid })],
        ),
        (
            "a refunded order without its payment",
            "DELETE FROM payments WHERE no = 3".into(),
            vec![at(CONCERT, NotPaidFor { order: 7, state: OrderState::Refunded })],
        ),
        (
            "an order that two payments pay",
            payment(6, &format!("state = 2, paid_order = {}", order(1))),
            vec![at(CONCERT, PaidTwice { order: 1, payments: 2 })],
        ),
        (
            "a confirmed payment of a cancelled order (C17)",
            payment(5, &format!("state = 2, paid_order = {}", order(5))),
            vec![at(
                CONCERT,
                StatesDiffer {
                    payment: 5,
                    state: PaymentState::Confirmed,
                    order: 5,
                    order_state: OrderState::Cancelled,
                },
            )],
        ),
        (
            "a confirmed payment of an expired order (C18)",
            payment(5, &format!("state = 2, order_place = {0}, paid_order = {0}", order(2))),
            vec![at(
                CONCERT,
                StatesDiffer {
                    payment: 5,
                    state: PaymentState::Confirmed,
                    order: 2,
                    order_state: OrderState::Expired,
                },
            )],
        ),
        (
            "a refunded order whose money is still here",
            payment(3, "state = 3"),
            vec![at(
                CONCERT,
                StatesDiffer {
                    payment: 3,
                    state: PaymentState::RefundDue,
                    order: 7,
                    order_state: OrderState::Refunded,
                },
            )],
        ),
        (
            "money that went back for an order that is still paid",
            payment(2, "state = 4"),
            vec![at(
                CONCERT,
                StatesDiffer {
                    payment: 2,
                    state: PaymentState::Refunded,
                    order: 3,
                    order_state: OrderState::Paid,
                },
            )],
        ),
        (
            "a cent too little (C16)",
            payment(1, "amount_minor = 989"),
            vec![at(CONCERT, WrongAmount { payment: 1, paid: 989, costs: 990 })],
        ),
        (
            "another currency (C16)",
            payment(1, "currency = 'USD'"),
            vec![at(CONCERT, WrongCurrency { payment: 1 })],
        ),
        (
            "other money that is said to pay (C16)",
            payment(7, "state = 2, paid_order = order_place"),
            vec![
                at(CONCERT, WrongAmount { payment: 7, paid: 500, costs: 10_000 }),
                at(CONCERT, WrongCurrency { payment: 7 }),
                at(
                    CONCERT,
                    StatesDiffer {
                        payment: 7,
                        state: PaymentState::Confirmed,
                        order: 9,
                        order_state: OrderState::Held,
                    },
                ),
            ],
        ),
        (
            "other money that may still pay (C16)",
            payment(5, "amount_minor = 991"),
            vec![at(CONCERT, WrongAmount { payment: 5, paid: 991, costs: 990 })],
        ),
        (
            "a payment for an order that was never made (C16)",
            payment(6, &format!("order_place = {}", order(99))),
            vec![at(CONCERT, OrderUnknown { payment: 6, order: 99 })],
        ),
        (
            "a payment that pays for somebody else",
            payment(4, &format!("paid_order = {}", order(1))),
            vec![
                at(CONCERT, PaysAnother { payment: 4, order: 1 }),
                at(CONCERT, PaidTwice { order: 1, payments: 2 }),
                at(CONCERT, NotPaidFor { order: 8, state: OrderState::Paid }),
            ],
        ),
        (
            "a confirmed payment that pays nothing",
            payment(2, "paid_order = NULL"),
            vec![
                at(CONCERT, PaysNothing { payment: 2, state: PaymentState::Confirmed }),
                at(CONCERT, NotPaidFor { order: 3, state: OrderState::Paid }),
            ],
        ),
        (
            "a late payment of an order that is paid",
            payment(6, "state = 1"),
            vec![at(CONCERT, NotLate { payment: 6, order: 1, order_state: OrderState::Paid })],
        ),
        (
            "a provider's reference counted twice (C17)",
            "DROP INDEX payment_references;".to_owned() + &payment(6, "reference = 'r1'"),
            vec![at(CONCERT, ReferenceTwice { payment: 6 })],
        ),
        (
            "a unit with a price given for nothing",
            line(6, "state = 1"),
            vec![at(CONCERT, WronglyPriced { order: 6 })],
        ),
        (
            "a free order that was taken away",
            format!("INSERT INTO orders VALUES ((2 << 32 | 1), 3, NULL, {})", START.0),
            vec![
                at(OPEN_DAY, FreeOrder { order: 1, state: OrderState::Cancelled }),
                at(OPEN_DAY, StepImpossible { order: 1 }),
            ],
        ),
        (
            "an order that is paid and that nothing paid (C21)",
            format!("INSERT INTO orders VALUES ({}, 2, {1}, NULL)", order(9), START.0),
            vec![
                at(CONCERT, NotPaidFor { order: 9, state: OrderState::Paid }),
                at(CONCERT, StepImpossible { order: 9 }),
            ],
        ),
        (
            "a millisecond too little to pay",
            format!(
                "UPDATE orders SET ended_at = {} WHERE place = {}",
                START.0 + 900_001,
                order(2)
            ),
            vec![at(CONCERT, ExpiredTooSoon { order: 2, by_ms: 1 })],
        ),
    ]
}

#[test]
fn an_untouched_ledger_holds() {
    let verdict = check(&World::given().data());
    assert!(verdict.holds(), "{verdict}");
    assert_eq!((verdict.activities, verdict.claims), (4, 19));
    let text = verdict.to_string();
    let expected = "looked at 4 activities and 19 claims\n\
        1 never oversold: holds (29 units, 19 claims)\n\
        2 an answer given is kept: holds (19 claims, 2 refusals that rest on claims)\n\
        3 one person, one limit: holds (14 people, 19 claims)\n\
        4 a code goes out once, in the order of import: holds (19 claims, 16 codes)\n\
        7 time decides once, and money and stock agree: holds (18 orders, 7 payments)\n  \
          activity concert: received 249.50 CNY = 129.70 confirmed + 9.90 refund due \
          + 100.00 refunded + 9.90 late, not decided yet\n  \
          activity concert: received 5.00 USD = 0 confirmed + 5.00 refund due + 0 refunded\n\
        every promise holds";
    assert_eq!(text, expected);
}

#[test]
fn an_empty_ledger_holds() {
    let world = World::fresh();
    drop(world.open());
    let verdict = check(&world.data());
    assert!(verdict.holds() && verdict.activities == 0, "{verdict}");
}

/// C5, C8, C16, C17, C18, C21 and C33 as a ledger would show them, and everything else that must never be in one.
#[test]
fn each_planted_violation_is_found_under_its_promise_and_nothing_else_is() {
    let plants = [stock(), answers(), limits(), codes(), money()].concat();
    let mut wrong = Vec::new();
    for (name, sql, expected) in plants {
        let world = World::given();
        world.plant(&sql);
        let verdict = check(&world.data());
        let mut found = Vec::new();
        for promise in &verdict.promises {
            let right = promise.findings.iter().all(|one| one.what.promise() == promise.promise);
            assert!(right && promise.found == promise.findings.len() as u64, "{name}: {verdict}");
            found.extend(
                promise
                    .findings
                    .iter()
                    .map(|one| ((one.activity.as_str(), one.ticket_type.as_deref()), one.what)),
            );
        }
        if found != expected {
            wrong.push(format!("{name}: {found:?} is not {expected:?}"));
        }
        assert!(!verdict.holds(), "{name}");
        // Neither a code nor a name, whatever was found.
        let text = verdict.to_string();
        assert!(!text.contains("SECRET") && !text.contains("PERSON"), "{name}: {text}");
        assert!(text.contains("BROKEN"), "{name}: {text}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_report_names_what_is_broken() {
    let world = World::given();
    world.plant(&(claim(7, "unit = 2, user_no = 99") + "; DELETE FROM codes WHERE unit = 9"));
    world.plant("DELETE FROM payments WHERE no = 2");
    let expected = "looked at 4 activities and 19 claims\n\
        1 never oversold: BROKEN (29 units, 19 claims)\n  \
          - activity movie-night, type seat: unit 2 is claimed twice\n  \
          - activity movie-night, type seat: 11 units on sale are not 8 available, 0 held and 4 sold\n\
        2 an answer given is kept: holds (19 claims, 2 refusals that rest on claims)\n\
        3 one person, one limit: BROKEN (14 people, 19 claims)\n  \
          - activity movie-night: user 99 has a claim and may have none by the roster\n\
        4 a code goes out once, in the order of import: BROKEN (19 claims, 15 codes)\n  \
          - activity movie-night, type seat: units without a code: 1\n\
        7 time decides once, and money and stock agree: BROKEN (18 orders, 6 payments)\n  \
          - activity concert: order 3 is paid and no payment pays it\n  \
          activity concert: received 139.60 CNY = 19.80 confirmed + 9.90 refund due \
          + 100.00 refunded + 9.90 late, not decided yet\n  \
          activity concert: received 5.00 USD = 0 confirmed + 5.00 refund due + 0 refunded\n\
        promises 1, 3, 4, 7 are BROKEN";
    assert_eq!(check(&world.data()).to_string(), expected);
}

#[test]
fn findings_beyond_the_bound_are_counted() {
    let world = World::given();
    let strangers = FINDINGS_KEPT_MAX + 7;
    world.plant(NO_LIMIT);
    for user in 0..strangers {
        let user = 1000 + user;
        world.plant(&format!("INSERT INTO participants VALUES (2, {user}, {}, -5)", START.0));
    }
    let verdict = check(&world.data());
    let kept = verdict.promise(Promise::AnswerKept);
    assert_eq!((kept.found, kept.findings.len()), (strangers as u64, FINDINGS_KEPT_MAX));
    assert!(verdict.to_string().contains("\n  - and 7 more\n"), "{verdict}");
}

/// A basket beyond the limit, or of more than is left, is refused although its buyer has nothing and something is left.
#[test]
fn a_basket_that_asks_for_too_much_is_no_violation() {
    let world = World::given();
    let part = |user, refusal| {
        format!("INSERT INTO participants VALUES (3, {user}, {}, {refusal});", START.0)
    };
    let limit = "UPDATE ticket_types SET limit_per_user = 3 WHERE activity = 3;";
    world.plant(&(part(8, -5) + &part(9, -2) + limit));
    let verdict = check(&world.data());
    assert!(verdict.holds(), "{verdict}");
}

/// Units added after "sold out" was said say nothing about what there was then (C7).
#[test]
fn a_refill_after_sold_out_is_no_violation() {
    use ledger::{ActivityLedger, ClaimLedger, EventDraft};
    use rules::{ActivityNo, EventKind, TypeNo};
    let world = World::given();
    let ledger = world.open();
    let epoch = ledger.own().unwrap();
    let kind = EventKind::UnitsAdded { ticket_type: TypeNo(0), units: 0..5 };
    let draft = EventDraft { activity: ActivityNo(2), at: START, kind, key: None };
    ledger.append(epoch, &draft, &crate::given::entry()).unwrap();
    let verdict = sale::check::check(&ledger).unwrap();
    assert!(verdict.holds(), "{verdict}");
}
