//! The pretend company against its own word: what it tells, when, how often, and what is left after it died.
//! No notice is believed here that a stranger could have written (C16).

use super::*;
use rules::Money;
use std::future::Future;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll, Waker};

const BEGUN: u64 = 1_796_090_400_000;
const SETTINGS_SECRET: [u8; 32] = [7; 32];
const ORDER: &str = "AAAAAQAAAAEAAAABAAAAAAAAAAAAAA";

type Headers = Vec<(&'static str, String)>;

struct HandClock(AtomicU64);

impl HandClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(BEGUN)))
    }

    fn pass(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> TimeMs {
        TimeMs(self.0.load(Ordering::Relaxed))
    }
}

fn settings(book: Option<PathBuf>) -> TestSettings {
    TestSettings {
        secret: SETTINGS_SECRET,
        merchant: "firstcome".into(),
        page: "/pay/test".into(),
        book,
    }
}

fn company(clock: &Arc<HandClock>) -> TestProvider {
    TestProvider::open(settings(None), Arc::clone(clock) as Arc<dyn Clock>).unwrap()
}

fn booked(path: &std::path::Path, clock: &Arc<HandClock>) -> TestProvider {
    let settings = settings(Some(path.to_owned()));
    TestProvider::open(settings, Arc::clone(clock) as Arc<dyn Clock>).unwrap()
}

/// The pretend company answers at once.
fn now<T>(asked: impl Future<Output = T>) -> T {
    let mut asked = std::pin::pin!(asked);
    match asked.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the pretend company answers at once"),
    }
}

fn money(minor: u64) -> Money {
    Money { minor, currency: "CNY".into() }
}

fn started(company: &TestProvider, order_id: &str) {
    let amount = money(990);
    let (pay_by, title, back_to) = (TimeMs(BEGUN + 900_000), "电影之夜", "/zh/orders");
    let ask = PayAsk { order_id, amount: &amount, title, pay_by, back_to };
    let start = now(company.start(&ask)).unwrap();
    assert_eq!(start.pay_url, format!("/pay/test/{order_id}"));
}

fn read(company: &TestProvider, one: &Delivery) -> Result<ProviderNotice, NoticeRefused> {
    read_parts(company, &one.headers, &one.body)
}

fn read_parts(
    company: &TestProvider,
    headers: &[(&'static str, String)],
    body: &[u8],
) -> Result<ProviderNotice, NoticeRefused> {
    let header = |name: &str| {
        headers.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|one| one.1.clone())
    };
    company.read_notice(&Notice { header: &header, body })
}

/// Takes what is due, says that it was taken, and returns what was believed.
fn told(company: &TestProvider, clock: &HandClock) -> Vec<Result<ProviderNotice, NoticeRefused>> {
    let due = company.take_due(clock.now());
    let read = due.iter().map(|one| (one.id, read(company, one)));
    read.map(|(id, read)| {
        company.delivered(id, true);
        read
    })
    .collect()
}

fn refund(company: &TestProvider, reference: &str, again: &str) -> Result<Refunded, ProviderFault> {
    let amount = money(990);
    let ask = RefundAsk { reference, order_id: ORDER, amount: &amount, refund_reference: again };
    now(company.refund(&ask))
}

#[test]
fn a_payment_at_once_is_told_of_once() {
    let clock = HandClock::new();
    let company = company(&clock);
    assert_eq!(company.pay(ORDER, Switches::default()), Err(PayFault::Unknown));
    started(&company, ORDER);
    started(&company, ORDER);
    assert_eq!(company.order(ORDER).unwrap().state, PageState::Open);
    assert_eq!(now(company.query(ORDER)), Ok(None));
    company.pay(ORDER, Switches::default()).unwrap();
    assert_eq!(company.pay(ORDER, Switches::default()), Err(PayFault::Paid));
    let notices = told(&company, &clock);
    let notice = notices[0].clone().unwrap();
    assert_eq!((notices.len(), notice.order_id.as_str()), (1, ORDER));
    assert_eq!(notice.amount, money(990));
    clock.pass(86_400_000);
    assert_eq!(told(&company, &clock), []);
    assert_eq!(now(company.query(ORDER)), Ok(Some(notice.clone())), "P2");
    let page = company.order(ORDER).unwrap();
    assert_eq!(
        (page.state, page.payments.len(), page.title.as_str()),
        (PageState::Paid, 1, "电影之夜")
    );
    assert_eq!(company.payments()[0].reference, notice.reference);
}

/// Each switch: what is believed at once, after what is late, and what who asks hears.
#[test]
fn every_switch_misbehaves_as_it_says() {
    use NoticeRefused::{BadSignature, NotAPayment};
    type Seen = Vec<Result<u64, NoticeRefused>>;
    let on = Switches::default;
    let table: [(&str, Switches, Seen, Seen, Option<u64>); 9] = [
        ("at once", on(), vec![Ok(990)], vec![], Some(990)),
        ("late", Switches { late_ms: 5_000, ..on() }, vec![], vec![Ok(990)], Some(990)),
        ("twice", Switches { twice: true, ..on() }, vec![Ok(990), Ok(990)], vec![], Some(990)),
        (
            "repeated",
            Switches { repeated: true, ..on() },
            vec![Ok(990), Ok(990)],
            vec![],
            Some(990),
        ),
        ("wrong amount", Switches { wrong_amount: true, ..on() }, vec![Ok(989)], vec![], Some(989)),
        ("forged", Switches { forged: true, ..on() }, vec![Err(BadSignature)], vec![], None),
        (
            "out of order",
            Switches { out_of_order: true, ..on() },
            vec![Err(NotAPayment)],
            vec![Ok(990)],
            Some(990),
        ),
        (
            "out of order, twice",
            Switches { out_of_order: true, twice: true, ..on() },
            vec![Err(NotAPayment), Ok(990)],
            vec![Ok(990)],
            Some(990),
        ),
        ("never", Switches { never: true, ..on() }, vec![], vec![], Some(990)),
    ];
    for (name, switches, at_once, later, asked) in table {
        let clock = HandClock::new();
        let company = company(&clock);
        started(&company, ORDER);
        company.pay(ORDER, switches).unwrap();
        let seen = |clock: &HandClock| -> Seen {
            told(&company, clock).into_iter().map(|one| one.map(|one| one.amount.minor)).collect()
        };
        assert_eq!(seen(&clock), at_once, "{name}, at once");
        clock.pass(5_000);
        assert_eq!(seen(&clock), later, "{name}, later");
        clock.pass(86_400_000);
        assert_eq!(seen(&clock), [], "{name}, ever after");
        let query = now(company.query(ORDER)).unwrap();
        assert_eq!(query.map(|paid| paid.amount.minor), asked, "{name}, asked");
    }
}

#[test]
fn paying_twice_has_two_references_and_repeating_has_one() {
    for (switches, different) in [
        (Switches { twice: true, ..Switches::default() }, 2),
        (Switches { repeated: true, ..Switches::default() }, 1),
    ] {
        let clock = HandClock::new();
        let company = company(&clock);
        started(&company, ORDER);
        company.pay(ORDER, switches).unwrap();
        let mut references: Vec<_> =
            told(&company, &clock).into_iter().map(|one| one.unwrap().reference).collect();
        assert_eq!(references.len(), 2);
        references.sort();
        references.dedup();
        assert_eq!((references.len(), company.payments().len()), (different, different));
    }
}

/// A wrong amount that went back leaves the order as it was; the whole amount that went back does not.
#[test]
fn an_order_that_was_paid_wrongly_can_be_paid_once_the_money_is_back() {
    for (wrong, closed, again) in [
        (true, false, Ok(())),
        (true, true, Err(PayFault::Closed)),
        (false, false, Err(PayFault::Paid)),
    ] {
        let clock = HandClock::new();
        let company = company(&clock);
        started(&company, ORDER);
        company.pay(ORDER, Switches { wrong_amount: wrong, ..Switches::default() }).unwrap();
        assert_eq!(company.pay(ORDER, Switches::default()), Err(PayFault::Paid));
        let paid =
            now(company.query(ORDER)).unwrap().expect("it is asked about before it goes back");
        if closed {
            assert_eq!(now(company.close(ORDER)).unwrap().paid.as_ref(), Some(&paid));
        }
        let (reference, amount, refund_reference) = (&*paid.reference, &paid.amount, "R1");
        let ask = RefundAsk { reference, order_id: ORDER, amount, refund_reference };
        assert_eq!(now(company.refund(&ask)), Ok(Refunded::Done));
        assert_eq!(now(company.query(ORDER)).unwrap().is_none(), wrong);
        assert_eq!(company.pay(ORDER, Switches::default()), again);
    }
}

fn signed(body: &[u8], at: u64) -> [(&'static str, String); 3] {
    Signer::new(&SETTINGS_SECRET).headers(TimeMs(at), body)
}

/// A notice of 9.90 in which one key has another value.
fn body(key: &str, value: &str) -> Vec<u8> {
    let mut body = serde_json::json!({
        "event": "payment.succeeded", "merchant": "firstcome", "order_id": ORDER,
        "reference": "r1", "amount": "9.90", "currency": "CNY",
    });
    body[key] = value.into();
    body.to_string().into_bytes()
}

fn good_body() -> Vec<u8> {
    body("event", "payment.succeeded")
}

/// C16: what is not authentic, recent, whole, this merchant's and of a payment changes nothing.
#[test]
fn no_notice_is_believed_that_a_stranger_could_have_written() {
    use NoticeRefused as R;
    let clock = HandClock::new();
    let company = company(&clock);
    let good = good_body();
    assert!(read_parts(&company, &signed(&good, BEGUN), &good).is_ok(), "the table's own ground");

    let bodies: [(&str, Vec<u8>, R); 14] = [
        ("another merchant", body("merchant", "other"), R::WrongMerchant),
        ("no merchant", body("merchant", ""), R::WrongMerchant),
        (
            "another merchant's other matters",
            { String::from_utf8(body("event", "x")).unwrap().replace("firstcome", "y").into() },
            R::WrongMerchant,
        ),
        ("a refund", body("event", "refund.succeeded"), R::NotAPayment),
        ("no event", body("event", ""), R::NotAPayment),
        ("no order", body("order_id", ""), R::Malformed),
        ("a long order", body("order_id", &"x".repeat(65)), R::Malformed),
        ("no reference", body("reference", ""), R::Malformed),
        ("a negative amount", body("amount", "-9.90"), R::Malformed),
        ("too exact an amount", body("amount", "9.901"), R::Malformed),
        ("no currency", body("currency", "cny"), R::Malformed),
        ("no JSON", b"paid".to_vec(), R::Malformed),
        ("nothing", Vec::new(), R::Malformed),
        ("too long", body("reference", &"x".repeat(20_000)), R::TooLong),
    ];
    for (name, body, expected) in bodies {
        assert_eq!(read_parts(&company, &signed(&body, BEGUN), &body), Err(expected), "{name}");
    }
}

/// C16: somebody may have kept it.
#[test]
fn a_notice_is_believed_for_five_minutes() {
    use NoticeRefused as R;
    let clock = HandClock::new();
    let company = company(&clock);
    let good = good_body();
    let edge = 300_000;
    for (name, at, expected) in [
        ("five minutes old", BEGUN - edge, None),
        ("older", BEGUN - edge - 1_000, Some(R::Stale)),
        ("five minutes ahead", BEGUN + edge, None),
        ("further ahead", BEGUN + edge + 1_000, Some(R::Stale)),
    ] {
        let read = read_parts(&company, &signed(&good, at), &good);
        assert_eq!(read.err(), expected, "{name}");
    }
}

/// C16: the signature is the provider's, over exactly this.
#[test]
fn no_notice_is_believed_that_somebody_else_signed() {
    use NoticeRefused as R;
    let clock = HandClock::new();
    let company = company(&clock);
    let good = good_body();
    let [kind, timestamp, signature] = signed(&good, BEGUN);
    let changed = |value: &str| [kind.clone(), timestamp.clone(), (signature.0, value.to_owned())];
    let other = Signer::new(&[8; 32]).headers(TimeMs(BEGUN), &good);
    let later = [kind.clone(), (timestamp.0, format!("{}", BEGUN / 1000 + 1)), signature.clone()];
    let headers: [(&str, Headers, &[u8]); 9] = [
        ("another key", other.to_vec(), &good),
        ("another time", later.to_vec(), &good),
        ("another body", signed(&good, BEGUN).to_vec(), &body("amount", "0.01")),
        ("an empty signature", changed("").to_vec(), &good),
        ("half a signature", changed(&signature.1[..20]).to_vec(), &good),
        ("no base64", changed("签名").to_vec(), &good),
        ("no signature", vec![kind.clone(), timestamp.clone()], &good),
        ("no time", vec![kind.clone(), signature.clone()], &good),
        ("no headers", Vec::new(), &good),
    ];
    for (name, headers, body) in headers {
        assert_eq!(read_parts(&company, &headers, body), Err(R::BadSignature), "{name}");
    }
}

/// C16: what cannot be booked is no payment, whoever signed it.
#[test]
fn only_what_can_be_booked_is_money() {
    use NoticeRefused as R;
    let clock = HandClock::new();
    let company = company(&clock);
    let good = good_body();
    let notice = read_parts(&company, &signed(&good, BEGUN), &good).unwrap();
    let of = |minor, currency: &str| Money { minor, currency: currency.into() };
    for (amount, expected) in [
        (money(990), Ok(())),
        (of(1, "JPY"), Ok(())),
        (of(99_999_999_999_999, "CNY"), Ok(())),
        (of(0, "CNY"), Err(R::NotAPayment)),
        (of(100_000_000_000_000, "CNY"), Err(R::Malformed)),
        (of(u64::MAX, "JPY"), Err(R::Malformed)),
        (of(990, "cny"), Err(R::Malformed)),
        (of(990, ""), Err(R::Malformed)),
    ] {
        let told = ProviderNotice { amount: amount.clone(), ..notice.clone() };
        assert_eq!(told.is_money(), expected, "{amount:?}");
    }
}

#[test]
fn names_of_reasons_are_permanent() {
    let names = [
        "unknown_provider",
        "too_long",
        "bad_signature",
        "stale",
        "malformed",
        "wrong_merchant",
        "not_a_payment",
        "unknown_order",
    ];
    assert_eq!(NoticeRefused::ALL.map(NoticeRefused::name), names);
    for reason in NoticeRefused::ALL {
        assert_eq!(NoticeRefused::from_name(reason.name()), Some(reason));
        let taken = reason == NoticeRefused::NotAPayment;
        assert_eq!(reason.verdict() == NoticeVerdict::Taken, taken, "{reason:?}");
    }
    let clock = HandClock::new();
    let status = |verdict| company(&clock).answer(verdict).status;
    let verdicts = [NoticeVerdict::Taken, NoticeVerdict::Refused, NoticeVerdict::Later];
    assert_eq!(verdicts.map(status), [200, 400, 503]);
}

/// The moments of the attempts, until the notice is taken.
#[test]
fn a_notice_comes_again_later_and_later_until_it_is_taken() {
    let clock = HandClock::new();
    let company = company(&clock);
    started(&company, ORDER);
    company.pay(ORDER, Switches::default()).unwrap();
    let mut waits = Vec::new();
    let (mut waited, mut attempts) = (0, 0);
    while attempts < 14 {
        if let Some(one) = company.take_due(clock.now()).first() {
            assert!(read(&company, one).is_ok(), "each is signed anew");
            company.delivered(one.id, false);
            waits.push(waited);
            (waited, attempts) = (0, attempts + 1);
        }
        clock.pass(1_000);
        waited += 1;
    }
    assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]);
    clock.pass(600_000);
    let last = company.take_due(clock.now());
    company.delivered(last[0].id, true);
    clock.pass(86_400_000);
    assert_eq!(company.take_due(clock.now()), []);
}

#[test]
fn a_closed_order_cannot_be_paid_and_a_paid_one_cannot_be_closed() {
    let clock = HandClock::new();
    let company = company(&clock);
    let (paid, late) = ("paid-order", "late-order");
    for order in [ORDER, paid, late] {
        started(&company, order);
    }
    company.pay(paid, Switches::default()).unwrap();
    company.pay(late, Switches { late_ms: 60_000, ..Switches::default() }).unwrap();
    for _ in 0..2 {
        assert_eq!(now(company.close(ORDER)), Ok(Closed { paid: None }));
        let closed = now(company.close(paid)).unwrap();
        assert_eq!(closed.paid, now(company.query(paid)).unwrap());
        assert_eq!(now(company.close(late)), Ok(Closed { paid: None }), "not there yet");
    }
    assert_eq!(now(company.close("never-opened")), Ok(Closed { paid: None }));
    assert_eq!(company.pay(ORDER, Switches::default()), Err(PayFault::Closed));
    assert_eq!(company.order(ORDER).unwrap().state, PageState::Closed);
    let amount = money(990);
    let (pay_by, title, back_to) = (TimeMs(BEGUN), "", "");
    let ask = PayAsk { order_id: ORDER, amount: &amount, title, pay_by, back_to };
    assert_eq!(now(company.start(&ask)), Err(ProviderFault::Refused));
    assert_eq!(told(&company, &clock).len(), 1);
    clock.pass(60_000);
    let notices = told(&company, &clock);
    assert_eq!(notices[0].as_ref().unwrap().order_id, late, "C17: the closing came too late");
}

#[test]
fn the_same_order_with_another_amount_is_refused() {
    let clock = HandClock::new();
    let company = company(&clock);
    started(&company, ORDER);
    let amount = money(991);
    let (pay_by, title, back_to) = (TimeMs(BEGUN), "", "");
    let ask = PayAsk { order_id: ORDER, amount: &amount, title, pay_by, back_to };
    assert_eq!(now(company.start(&ask)), Err(ProviderFault::Refused));
}

/// P3: whatever is repeated, the money goes back once.
#[test]
fn a_refund_fails_as_often_as_it_was_told_and_then_happens_once() {
    let clock = HandClock::new();
    let company = company(&clock);
    started(&company, ORDER);
    let switches = Switches { refund_failures: 2, refund_pending: true, ..Switches::default() };
    company.pay(ORDER, switches).unwrap();
    let reference = now(company.query(ORDER)).unwrap().unwrap().reference;
    let steps = [
        ("r1", Err(ProviderFault::Unreachable)),
        ("r1", Err(ProviderFault::Unreachable)),
        ("r1", Ok(Refunded::Pending)),
        ("r1", Ok(Refunded::Done)),
        ("r1", Ok(Refunded::Done)),
        ("r2", Err(ProviderFault::Refused)),
    ];
    assert!(!company.payments()[0].refunded);
    for (again, expected) in steps {
        assert_eq!(refund(&company, &reference, again), expected);
    }
    assert!(company.payments()[0].refunded);
    assert_eq!(refund(&company, "unknown", "r1"), Err(ProviderFault::Refused));
    let (amount, part) = (money(990), money(1));
    for (order_id, amount) in [("another", &amount), (ORDER, &part)] {
        let ask = RefundAsk { reference: &reference, order_id, amount, refund_reference: "r1" };
        assert_eq!(now(company.refund(&ask)), Err(ProviderFault::Refused));
    }
}

#[test]
fn a_company_that_is_away_answers_nobody_and_forgets_nothing() {
    let clock = HandClock::new();
    let company = company(&clock);
    started(&company, ORDER);
    company.pay(ORDER, Switches::default()).unwrap();
    company.set_reachable(false);
    let away = Err(ProviderFault::Unreachable);
    assert_eq!(now(company.query(ORDER)), away);
    assert_eq!(now(company.close(ORDER)).err(), Some(ProviderFault::Unreachable));
    assert_eq!(refund(&company, "x", "y").err(), Some(ProviderFault::Unreachable));
    assert_eq!(company.take_due(clock.now()), []);
    company.set_reachable(true);
    assert_eq!(told(&company, &clock).len(), 1);
}

/// Everything that counts, after the process died: dropped without a word, as kill -9 does it.
#[test]
fn its_book_survives_its_death() {
    let folder = tempfile::tempdir().unwrap();
    let book = folder.path().join("book.jsonl");
    let clock = HandClock::new();
    let before = booked(&book, &clock);
    for order in [ORDER, "closed", "late", "unpaid"] {
        started(&before, order);
    }
    now(before.close("closed")).unwrap();
    let switches = Switches { repeated: true, refund_failures: 2, ..Switches::default() };
    before.pay(ORDER, switches).unwrap();
    before.pay("late", Switches { late_ms: 60_000, ..Switches::default() }).unwrap();
    let due = before.take_due(clock.now());
    assert_eq!(due.len(), 2);
    before.delivered(due[0].id, true);
    let reference = read(&before, &due[0]).unwrap().reference;
    assert_eq!(refund(&before, &reference, "r1"), Err(ProviderFault::Unreachable));
    let (pages, payments) = (before.order(ORDER), before.payments());
    std::mem::forget(before);

    clock.pass(1);
    let after = booked(&book, &clock);
    assert_eq!((after.order(ORDER), after.payments()), (pages, payments));
    let again = after.take_due(clock.now());
    let ids: Vec<_> = again.iter().map(|one| one.id).collect();
    assert_eq!(ids, [due[1].id], "what was taken comes no more, what was not comes at once");
    after.delivered(ids[0], true);
    assert_eq!(after.order("closed").unwrap().state, PageState::Closed);
    assert_eq!(after.order("late").unwrap().state, PageState::Paying);
    assert_eq!(refund(&after, &reference, "r1"), Err(ProviderFault::Unreachable), "the second");
    assert_eq!(refund(&after, &reference, "r1"), Ok(Refunded::Done));
    after.pay("unpaid", Switches::default()).unwrap();
    drop(after);

    clock.pass(60_000);
    let last = booked(&book, &clock);
    let told: Vec<_> = told(&last, &clock).into_iter().map(|one| one.unwrap().order_id).collect();
    assert_eq!(told, ["unpaid", "late"]);
    let references: std::collections::BTreeSet<_> =
        last.payments().into_iter().map(|payment| payment.reference).collect();
    assert_eq!(references.len(), 3, "no reference twice, over every death");
}

#[test]
fn a_last_line_that_was_not_finished_is_left_out_and_another_damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.jsonl");
    let clock = HandClock::new();
    let first = booked(&path, &clock);
    started(&first, "one");
    started(&first, "two");
    first.pay("one", Switches::default()).unwrap();
    drop(first);
    let whole = std::fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for cut in last..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let company = booked(&path, &clock);
        assert_eq!(company.order("one").unwrap().state, PageState::Open, "cut at {cut}");
        company.pay("two", Switches::default()).unwrap();
        drop(company);
        let again = booked(&path, &clock);
        assert_eq!(again.order("two").unwrap().state, PageState::Paid, "cut at {cut}");
    }
    let mut damaged = whole.clone();
    damaged[2] = b'#';
    std::fs::write(&path, &damaged).unwrap();
    let opened = TestProvider::open(settings(Some(path.clone())), clock.clone());
    assert_eq!(opened.err(), Some(BookFault::Damaged { line: 1 }));
    assert!(matches!(
        TestProvider::open(settings(Some(folder.path().to_owned())), clock).err(),
        Some(BookFault::Io(_))
    ));
}
