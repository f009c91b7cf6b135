//! Facts about the door: who comes in by which way, whose session a token is, and what ends it.
//! They run over a ledger in memory that keeps the rules of the real one, and never over a real disk.

mod memory;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use door::{
    CallError, Door, DoorSettings, ExchangeError, IdentityError, IdentityKeys, IdentitySettings,
    LoginError, OpenError, PasswordChangeError, PasswordError, PasswordSettings,
    REVOKED_PER_USER_MAX, RegisterError, Session, SessionError, SettingFault, SignedIn,
    VOUCH_NAMES_MAX, VouchError, hash_password,
};
use hmac::{Hmac, KeyInit, Mac};
use ledger::{Cause, LedgerFault, NameTaken, NewPerson, PeopleLedger, Role, Source};
use memory::MemoryPeople;
use rules::{NameError, TimeMs, UserNo};
use sha2::Sha256;
use std::{
    future::Future,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

const NOW: TimeMs = TimeMs(1_800_000_000_000);
const LIFE_MS: u64 = 86_400_000;
const SECRET: [u8; 32] = [9; 32];
const PROVIDER_SECRET: &[u8; 32] = b"a secret of 32 bytes for testing";
const PASSWORD: &str = "correct horse";
/// The least that the settings allow: a few milliseconds.
const QUICK: PasswordSettings =
    PasswordSettings { threads: 2, queue_max: 64, memory_kib: 7_168, passes: 1, lanes: 1 };
const DISK_FULL: LedgerFault = LedgerFault::NothingHappened(Cause::DiskFull);

fn settings() -> DoorSettings {
    let identity = IdentitySettings {
        issuer: "https://id.example".into(),
        audience: "firstcome".into(),
        keys: IdentityKeys::Hs256(Zeroizing::new(PROVIDER_SECRET.to_vec())),
    };
    DoorSettings { password: QUICK, identity: Some(identity), ..DoorSettings::default() }
}

fn open(people: &Arc<MemoryPeople>, settings: &DoorSettings) -> Door {
    let people: Arc<dyn PeopleLedger> = people.clone();
    Door::new(people, SECRET, settings, NOW).unwrap()
}

fn house() -> (Arc<MemoryPeople>, Door) {
    let people = Arc::new(MemoryPeople::default());
    let door = open(&people, &settings());
    (people, door)
}

/// An operator with a password, made by the command line.
fn add_operator(people: &MemoryPeople, name: &str) {
    let password = door::Password::new(PASSWORD.into()).unwrap();
    let password_hash = Some(hash_password(&password, &QUICK).unwrap());
    let (name, display_name) = (name.to_owned(), String::new());
    let operator = NewPerson { name, display_name, role: Role::Operator, password_hash };
    people.add_people(&[operator], NOW).unwrap().unwrap();
}

fn jwt(sub: &str) -> String {
    let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let header = part(serde_json::json!({"alg": "HS256"}));
    let exp = NOW.seconds() + 60;
    let payload = part(serde_json::json!({
        "iss": "https://id.example", "aud": "firstcome", "sub": sub, "exp": exp
    }));
    let message = format!("{header}.{payload}");
    let mac = Hmac::<Sha256>::new_from_slice(PROVIDER_SECRET).unwrap().chain_update(&message);
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn session(door: &Door, signed_in: &SignedIn) -> Result<Session, SessionError> {
    door.session(signed_in.token.as_str().as_bytes(), NOW)
}

async fn register(door: &Door, name: &str) -> Result<SignedIn, RegisterError> {
    door.register(name, PASSWORD.into(), NOW).await
}

async fn login(door: &Door, name: &str, password: &str) -> Result<SignedIn, LoginError> {
    door.login(name, password.into(), NOW).await
}

async fn vouch_one(door: &Door, name: &str) -> Result<SignedIn, NameTaken> {
    door.vouch(vec![name.into()], NOW).await.unwrap().remove(0).outcome
}

#[tokio::test]
async fn names_of_a_list_get_accounts_with_passwords_that_work_once_told() {
    let (people, door) = house();
    add_operator(&people, "boss");
    let listed = |name: &str| door::Listed { name: name.into(), display_name: String::new() };
    let list = ["ada", "boss", "eve"].map(listed).to_vec();
    let issued = door.issue(list.clone(), "batch", NOW).await.unwrap();
    assert_eq!(issued.len(), 3);
    assert_eq!((issued[1].name.as_str(), issued[1].password.is_none()), ("boss", true));
    for one in [&issued[0], &issued[2]] {
        let password = one.password.as_ref().expect("a new account");
        let signed_in = login(&door, &one.name, password).await.unwrap();
        assert_eq!(signed_in.person.role, Role::Buyer);
    }
    assert!(login(&door, "boss", PASSWORD).await.is_ok(), "nothing changed for who had one");
    let again = door.issue(list, "batch", NOW).await.unwrap();
    for (one, again) in issued.iter().zip(&again) {
        assert_eq!(one.password, again.password, "the same list hears the same again");
    }
    let other = door.issue(vec![listed("ada")], "another", NOW).await.unwrap();
    assert!(other[0].password.is_none(), "nobody else hears it");
    let many = vec![listed("x"); door::ISSUED_MAX + 1];
    assert!(matches!(door.issue(many, "many", NOW).await, Err(door::IssueError::TooMany)));
}

#[tokio::test]
async fn one_who_registers_can_sign_in_and_is_the_same_person() {
    let (_, door) = house();
    let first = register(&door, " re\u{301}mi ").await.unwrap();
    assert_eq!((first.person.name.as_str(), first.person.role), ("rémi", Role::Buyer));
    let second = login(&door, "rémi", PASSWORD).await.unwrap();
    assert_ne!(first.token, second.token);
    for signed_in in [&first, &second] {
        let session = session(&door, signed_in).unwrap();
        assert_eq!((session.user, session.operator), (first.person.no, false));
        assert_eq!(session.expires, TimeMs(NOW.0 + LIFE_MS));
    }
    let found = door.person(first.person.no).await.unwrap().unwrap();
    assert_eq!(found, first.person);
    assert_eq!(door.person(UserNo(99)).await, Ok(None));
}

#[tokio::test]
async fn registering_is_refused_for_these_reasons() {
    let (people, door) = house();
    people.list(&["colleague"]);
    register(&door, "rémi").await.unwrap();
    let table: [(&str, &str, RegisterError); 7] = [
        ("rémi", PASSWORD, RegisterError::NameTaken),
        ("re\u{301}mi  ", PASSWORD, RegisterError::NameTaken),
        ("colleague", PASSWORD, RegisterError::NameTaken),
        ("", PASSWORD, RegisterError::BadName(NameError::Empty)),
        ("a\tb", PASSWORD, RegisterError::BadName(NameError::Control)),
        ("new", "short", RegisterError::BadPassword(PasswordError::TooShort)),
        ("new", &"x".repeat(257), RegisterError::BadPassword(PasswordError::TooLong)),
    ];
    for (name, password, expected) in table {
        let refused = door.register(name, password.into(), NOW).await.unwrap_err();
        assert_eq!(refused, expected, "{name:?}");
    }
    let closed = open(&people, &DoorSettings { registration_open: false, ..settings() });
    assert_eq!(register(&closed, "new").await.unwrap_err(), RegisterError::Off);
    assert!(login(&closed, "rémi", PASSWORD).await.is_ok(), "signing in is another matter");
}

#[tokio::test]
async fn only_a_name_with_its_password_signs_in() {
    let (people, door) = house();
    people.list(&["listed"]);
    register(&door, "rémi").await.unwrap();
    vouch_one(&door, "vouched").await.unwrap();
    let table = [
        ("rémi", "correct Horse"),
        ("Rémi", PASSWORD),
        ("nobody", PASSWORD),
        ("listed", PASSWORD),
        ("vouched", PASSWORD),
        ("rémi", ""),
        ("rémi", "short"),
        ("", PASSWORD),
    ];
    for (name, password) in table {
        let refused = login(&door, name, password).await.unwrap_err();
        assert_eq!(refused, LoginError::WrongCredentials, "{name:?} {password:?}");
    }
}

/// The names take turns, and of each only the fastest try counts: whatever else the machine does
/// blurs all of them alike. Without the hashing, an answer would come a hundred times faster.
#[tokio::test]
async fn a_wrong_sign_in_takes_as_long_whether_or_not_the_name_exists() {
    let (_, door) = house();
    register(&door, "known").await.unwrap();
    vouch_one(&door, "vouched").await.unwrap();
    let names = ["known", "vouched", "nobody"];
    let mut fastest = [Duration::MAX; 3];
    for turn in 0..60 {
        let start = Instant::now();
        login(&door, names[turn % 3], "wrong password").await.unwrap_err();
        fastest[turn % 3] = fastest[turn % 3].min(start.elapsed());
    }
    let [shortest, longest] = [fastest.iter().min().unwrap(), fastest.iter().max().unwrap()];
    assert!(*longest < *shortest * 4, "{names:?} take {fastest:?}");
}

#[tokio::test]
async fn the_identity_provider_lets_in_and_makes_the_account_once() {
    let (people, door) = house();
    people.list(&["E1001"]);
    let first = door.exchange(jwt("E1001"), NOW).await.unwrap();
    let again = door.exchange(jwt(" E1001 "), NOW).await.unwrap();
    assert_eq!(first.person, again.person);
    assert_eq!(first.person.source, Some(Source::Issuer));
    assert!(!session(&door, &again).unwrap().operator);
    let refused = door.exchange("a.b.c".into(), NOW).await.unwrap_err();
    assert_eq!(refused, ExchangeError::Identity(IdentityError::Malformed));
    let late = TimeMs(NOW.0 + 120_000);
    let refused = door.exchange(jwt("E1001"), late).await.unwrap_err();
    assert_eq!(refused, ExchangeError::Identity(IdentityError::Expired));
    let without = open(&people, &DoorSettings { identity: None, ..settings() });
    let refused = without.exchange(jwt("E1001"), NOW).await.unwrap_err();
    assert_eq!(refused, ExchangeError::NoIdentityProvider);
}

/// C33: a name belongs to the source that made it; neither a foreign token nor a shop takes it
/// over,
/// and neither makes an operator or becomes one.
#[tokio::test]
async fn a_name_of_another_source_is_taken() {
    let (people, _) = house();
    add_operator(&people, "root");
    let door = open(&people, &settings());
    register(&door, "registered").await.unwrap();
    door.exchange(jwt("issued"), NOW).await.unwrap();
    vouch_one(&door, "vouched").await.unwrap();
    for name in ["root", "registered", "vouched"] {
        let refused = door.exchange(jwt(name), NOW).await.unwrap_err();
        assert_eq!(refused, ExchangeError::NameTaken, "{name}");
    }
    for name in ["root", "registered", "issued"] {
        assert_eq!(vouch_one(&door, name).await, Err(NameTaken), "{name}");
    }
    for name in ["root", "registered", "issued", "vouched"] {
        assert_eq!(register(&door, name).await.unwrap_err(), RegisterError::NameTaken, "{name}");
    }
    let operator = login(&door, "root", PASSWORD).await.unwrap();
    assert!(session(&door, &operator).unwrap().operator);
}

#[tokio::test]
async fn a_shop_hears_of_each_spelling_it_asked_for_and_names_are_asked_once() {
    let (people, door) = house();
    register(&door, "registered").await.unwrap();
    let asked = ["b", "rémi", "registered", "re\u{301}mi", "b", " b "];
    let names = asked.iter().map(|&name| name.to_owned()).collect();
    let answers = door.vouch(names, NOW).await.unwrap();
    let spellings: Vec<_> = answers.iter().map(|one| one.asked.as_str()).collect();
    assert_eq!(spellings, ["b", "rémi", "registered", "re\u{301}mi", " b "]);
    let no = |place: usize| answers[place].outcome.as_ref().unwrap().person.no;
    assert_eq!((no(0), no(1)), (no(4), no(3)));
    assert_eq!(answers[2].outcome, Err(NameTaken));
    assert_eq!(people.last_user(), Ok(UserNo(3)));
    for one in answers.iter().filter_map(|one| one.outcome.as_ref().ok()) {
        assert_eq!(session(&door, one).unwrap().user, one.person.no);
    }
}

#[tokio::test]
async fn vouching_has_bounds_and_refuses_as_a_whole_what_is_no_name() {
    let (people, door) = house();
    let names = |count: usize| (0..count).map(|n| format!("n{n}")).collect::<Vec<_>>();
    let refused = door.vouch(names(VOUCH_NAMES_MAX + 1), NOW).await.unwrap_err();
    assert_eq!(refused, VouchError::TooMany(VOUCH_NAMES_MAX + 1));
    let refused = door.vouch(vec!["good".into(), " ".into()], NOW).await.unwrap_err();
    assert_eq!(refused, VouchError::BadName(1, NameError::Empty));
    assert_eq!(people.last_user(), Ok(UserNo(0)), "nobody was made");
    assert_eq!(door.vouch(names(500), NOW).await.unwrap().len(), 500);
    assert_eq!(door.vouch(vec![], NOW).await, Ok(vec![]));
}

#[tokio::test]
async fn a_new_password_ends_every_session_but_the_one_it_returns() {
    let (_, door) = house();
    let one = register(&door, "rémi").await.unwrap();
    let other = login(&door, "rémi", PASSWORD).await.unwrap();
    let caller = session(&door, &one).unwrap();
    let change = |old: &str, new: &str| {
        let (door, old, new) = (&door, old.to_owned(), new.to_owned());
        async move { door.change_password(&caller, old, new, NOW).await }
    };
    let table = [
        ("wrong password", "battery staple", PasswordChangeError::WrongCredentials),
        ("", "battery staple", PasswordChangeError::WrongCredentials),
        (PASSWORD, "short", PasswordChangeError::BadPassword(PasswordError::TooShort)),
    ];
    for (old, new, expected) in table {
        assert_eq!(change(old, new).await.unwrap_err(), expected);
    }
    assert!(session(&door, &other).is_ok(), "nothing has changed so far");
    let fresh = change(PASSWORD, "battery staple").await.unwrap();
    assert_eq!(session(&door, &one), Err(SessionError::Ended));
    assert_eq!(session(&door, &other), Err(SessionError::Ended));
    assert_eq!(session(&door, &fresh).unwrap().user, one.person.no);
    assert_eq!(login(&door, "rémi", PASSWORD).await, Err(LoginError::WrongCredentials));
    let again = login(&door, "rémi", "battery staple").await.unwrap();
    assert!(session(&door, &again).is_ok());
    let refused = change("battery staple", "third password").await.unwrap_err();
    assert_eq!(refused, PasswordChangeError::SessionEnded, "the caller's session has ended too");
}

#[tokio::test]
async fn people_without_a_password_cannot_set_one() {
    let (_, door) = house();
    let vouched = vouch_one(&door, "vouched").await.unwrap();
    let caller = session(&door, &vouched).unwrap();
    let change = door.change_password(&caller, PASSWORD.into(), "battery staple".into(), NOW);
    assert_eq!(change.await.unwrap_err(), PasswordChangeError::WrongCredentials);
}

#[tokio::test]
async fn signing_out_ends_one_session_or_all_and_can_be_repeated() {
    let (people, door) = house();
    let one = register(&door, "rémi").await.unwrap();
    let two = login(&door, "rémi", PASSWORD).await.unwrap();
    let three = login(&door, "rémi", PASSWORD).await.unwrap();
    let (first, second) = (session(&door, &one).unwrap(), session(&door, &two).unwrap());
    door.logout(&first, false, NOW).await.unwrap();
    assert_eq!(session(&door, &one), Err(SessionError::Ended));
    assert!(session(&door, &two).is_ok() && session(&door, &three).is_ok());
    let writes = people.writes();
    door.logout(&first, false, NOW).await.unwrap();
    door.logout(&first, true, NOW).await.unwrap();
    assert_eq!(people.writes(), writes, "an ended session ends nothing more");
    door.logout(&second, true, NOW).await.unwrap();
    for signed_in in [&one, &two, &three] {
        assert_eq!(session(&door, signed_in), Err(SessionError::Ended));
    }
    let fresh = login(&door, "rémi", PASSWORD).await.unwrap();
    assert!(session(&door, &fresh).is_ok());
}

#[tokio::test]
async fn one_sign_out_too_many_ends_them_all_and_bounds_the_memory() {
    let (_, door) = house();
    let untouched = vouch_one(&door, "v").await.unwrap();
    for _ in 0..REVOKED_PER_USER_MAX {
        let signed_in = vouch_one(&door, "v").await.unwrap();
        door.logout(&session(&door, &signed_in).unwrap(), false, NOW).await.unwrap();
    }
    assert!(session(&door, &untouched).is_ok());
    let last = vouch_one(&door, "v").await.unwrap();
    door.logout(&session(&door, &last).unwrap(), false, NOW).await.unwrap();
    assert_eq!(session(&door, &last), Err(SessionError::Ended));
    assert_eq!(session(&door, &untouched), Err(SessionError::Ended));
}

#[tokio::test]
async fn sessions_and_their_ends_survive_a_restart() {
    let (people, _) = house();
    add_operator(&people, "root");
    let door = open(&people, &settings());
    let alive = login(&door, "root", PASSWORD).await.unwrap();
    let ended = login(&door, "root", PASSWORD).await.unwrap();
    door.logout(&session(&door, &ended).unwrap(), false, NOW).await.unwrap();
    let old = register(&door, "rémi").await.unwrap();
    door.logout(&session(&door, &old).unwrap(), true, NOW).await.unwrap();
    drop(door);
    let door = open(&people, &settings());
    assert!(session(&door, &alive).unwrap().operator);
    assert_eq!(session(&door, &ended), Err(SessionError::Ended));
    assert_eq!(session(&door, &old), Err(SessionError::Ended));
    let stranger = Door::new(people, [8; 32], &settings(), NOW).unwrap();
    assert_eq!(session(&stranger, &alive), Err(SessionError::Forged), "under another secret");
}

#[tokio::test]
async fn a_session_is_over_on_its_millisecond() {
    let (_, door) = house();
    let signed_in = vouch_one(&door, "v").await.unwrap();
    let token = signed_in.token.as_str().as_bytes();
    assert!(door.session(token, TimeMs(NOW.0 + LIFE_MS - 1)).is_ok());
    let over = door.session(token, TimeMs(NOW.0 + LIFE_MS));
    assert_eq!(over, Err(SessionError::Expired));
}

/// C26: each person's token is theirs alone; what is not a token is nobody's.
#[tokio::test]
async fn no_token_serves_two_people_and_no_text_serves_as_one() {
    let (_, door) = house();
    let (a, b) = (vouch_one(&door, "a").await.unwrap(), vouch_one(&door, "b").await.unwrap());
    assert_ne!(session(&door, &a).unwrap().user, session(&door, &b).unwrap().user);
    for text in ["", "1", "a", "token", &"A".repeat(44), &"x".repeat(4096)] {
        assert!(door.session(text.as_bytes(), NOW).is_err(), "{text:?}");
    }
}

#[tokio::test]
async fn a_fault_of_the_ledger_is_a_fault_and_ends_no_session() {
    let (people, door) = house();
    let signed_in = register(&door, "rémi").await.unwrap();
    let caller = session(&door, &signed_in).unwrap();
    people.fail(Some(DISK_FULL));
    assert_eq!(register(&door, "new").await, Err(RegisterError::Fault(DISK_FULL)));
    assert_eq!(login(&door, "rémi", PASSWORD).await, Err(LoginError::Fault(DISK_FULL)));
    assert_eq!(door.exchange(jwt("e"), NOW).await, Err(ExchangeError::Fault(DISK_FULL)));
    assert_eq!(door.vouch(vec!["v".into()], NOW).await, Err(VouchError::Fault(DISK_FULL)));
    for everywhere in [false, true] {
        let end = door.logout(&caller, everywhere, NOW).await;
        assert_eq!(end, Err(CallError::Fault(DISK_FULL)));
    }
    let change = door.change_password(&caller, PASSWORD.into(), "battery staple".into(), NOW);
    assert_eq!(change.await, Err(PasswordChangeError::Fault(DISK_FULL)));
    assert_eq!(door.person(caller.user).await, Err(CallError::Fault(DISK_FULL)));
    assert!(session(&door, &signed_in).is_ok(), "what is not on disk has not ended");
    people.fail(None);
    door.logout(&caller, true, NOW).await.unwrap();
    assert_eq!(session(&door, &signed_in), Err(SessionError::Ended));
}

#[tokio::test]
async fn what_was_written_behind_a_fault_is_known_after_a_reload() {
    let (people, door) = house();
    let signed_in = register(&door, "rémi").await.unwrap();
    people.end_sessions(signed_in.person.no).unwrap();
    assert!(session(&door, &signed_in).is_ok(), "memory has missed it");
    door.reload(NOW).unwrap();
    assert_eq!(session(&door, &signed_in), Err(SessionError::Ended));
}

#[tokio::test]
async fn an_operator_added_while_the_door_is_open_is_one_from_the_first_sign_in() {
    let (people, door) = house();
    add_operator(&people, "root");
    let signed_in = login(&door, "root", PASSWORD).await.unwrap();
    assert!(session(&door, &signed_in).unwrap().operator);
}

#[tokio::test]
async fn too_many_calls_at_once_are_busy_and_the_rest_are_done() {
    let (people, _) = house();
    let door = open(&people, &DoorSettings { calls_max: 1, ..settings() });
    let held = people.hold();
    let mut first = Box::pin(door.person(UserNo(1)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending(), "it waits for the ledger");
    let mut second = Box::pin(door.vouch(vec!["v".into()], NOW));
    let refused = Poll::Ready(Err(VouchError::Busy));
    assert_eq!(second.as_mut().poll(&mut context), refused, "at once");
    drop(held);
    assert_eq!(first.await, Ok(None));
    assert_eq!(people.last_user(), Ok(UserNo(0)), "nothing happened");
    assert_eq!(door.person(UserNo(1)).await, Ok(None), "the permit came back");
}

#[tokio::test]
async fn a_door_with_bad_settings_or_a_failing_ledger_does_not_open() {
    let (people, _) = house();
    let bad = DoorSettings { token_life_s: 0, ..settings() };
    let refused = Door::new(people.clone(), SECRET, &bad, NOW).err();
    assert_eq!(refused, Some(OpenError::Settings(vec![SettingFault::TokenLife(0)])));
    people.fail(Some(DISK_FULL));
    let refused = Door::new(people, SECRET, &settings(), NOW).err();
    assert_eq!(refused, Some(OpenError::Fault(DISK_FULL)));
}

#[tokio::test]
async fn nothing_that_is_shown_shows_a_secret() {
    let (_, door) = house();
    let signed_in = register(&door, "rémi").await.unwrap();
    let shown = format!("{signed_in:?} {:?} {:?}", session(&door, &signed_in), settings());
    assert!(!shown.contains(signed_in.token.as_str()));
    assert!(!shown.contains(PASSWORD) && !shown.contains("secret of 32"));
}
