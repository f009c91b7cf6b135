//! The targets for a moment: their seeds, those seeds altered by chance, and inputs that are long and evil.
//! `PROPTEST_CASES` and `PROPTEST_RNG_SEED` make the moment longer, and another one.

use super::{INPUT_BYTES_MAX, TARGETS, Target};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// One input of at most `INPUT_BYTES_MAX` takes far less, even here where nothing is optimised much and several
/// tests share a core; what grows with the square of its input takes longer.
const INPUT_TAKES_MAX: Duration = Duration::from_secs(5);
/// Seeds that are made long with each word.
const SEEDS_LONG: usize = 2;
/// What parsers have a special opinion of.
const WORDS: &[&[u8]] = &[
    b"[",
    b"]",
    b"[[",
    b"{",
    b"}",
    b"\"",
    b"\"\"\"",
    b"'",
    b"\\",
    b"\\u0000",
    b"=",
    b"&",
    b"%",
    b"%00",
    b"%F0%9F%8E%AB",
    b"+",
    b",",
    b".",
    b"..",
    b"-1",
    b"0",
    b"1e999",
    b"18446744073709551616",
    b"null",
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xc4\xe3",
    b"\x81",
    b"\xed\xa0\x80",
    b"PK\x03\x04",
    "抢票".as_bytes(),
    "e\u{301}".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{3000}".as_bytes(),
    b"codes",
    b"\"codes\": [",
    b"codes = [",
    b"[[activity]]",
    b"[[activity.ticket]]",
    b"roster",
    b"name,",
    b"code\n",
    b"a=1&",
    b"a.",
    b"{\"a\":",
    b"[a.b]\n",
    b"=\n",
    b"#",
    b"2026-12-01T10:00:00+08:00",
    b"{\"alg\":\"none\"}",
    b"eyJ",
];

/// The roster is a file of one name, and a time limit means little while others run in the same process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// An input, shown as it would be typed.
#[derive(Clone)]
struct Input(Vec<u8>);

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let folder = package().join("seeds").join(target.name);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    // A seed of chance has to mean the same inputs everywhere.
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// What is done to an input: which change, where, with which byte, how long.
type Change = (u8, u16, u8, u8);

fn changed(mut input: Vec<u8>, changes: &[Change], others: &[Vec<u8>]) -> Vec<u8> {
    for (kind, at, byte, length) in changes {
        let at = usize::from(*at) % (input.len() + 1);
        let end = (at + usize::from(*length)).min(input.len());
        let word = WORDS[usize::from(*byte) % WORDS.len()];
        let other = &others[usize::from(*byte) % others.len()];
        match kind % 9 {
            0 if at < input.len() => input[at] ^= 1 << (byte % 8),
            1 if at < input.len() => input[at] = *byte,
            2 => drop(input.splice(at..at, std::iter::repeat_n(*byte, usize::from(*length)))),
            3 => drop(input.drain(at..end)),
            4 => drop(input.splice(at..at, input[at..end].to_vec())),
            5 => drop(input.splice(at..at, word.iter().copied())),
            6 => drop(input.splice(at..end, other[at.min(other.len())..].to_vec())),
            7 => input.truncate(at),
            _ => drop(input.splice(at..at, word.repeat(usize::from(*length)))),
        }
        input.truncate(INPUT_BYTES_MAX);
    }
    input
}

fn inputs(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Input> {
    // Few changes leave what can be read; many find what nobody thought of.
    let changes = prop_oneof![vec(any::<Change>(), 0..3), vec(any::<Change>(), 0..12)];
    let bytes = vec(any::<u8>(), 0..200);
    let words = vec(0..WORDS.len(), 0..40).prop_map(|words| {
        words.into_iter().flat_map(|word| WORDS[word].iter().copied()).collect::<Vec<u8>>()
    });
    let others = seeds.clone();
    let begun = prop_oneof![6 => proptest::sample::select(seeds), 1 => bytes, 1 => words];
    (begun, changes).prop_map(move |(begun, changes)| Input(changed(begun, &changes, &others)))
}

/// Long inputs of one word again and again, alone and behind some seeds.
fn long(seeds: &[Vec<u8>]) -> impl Iterator<Item = Input> {
    let begun = std::iter::once(&[][..]).chain(seeds.iter().map(Vec::as_slice).take(SEEDS_LONG));
    begun.flat_map(|seed| {
        WORDS.iter().map(move |word| {
            let times = (INPUT_BYTES_MAX - seed.len()) / word.len();
            Input([seed, &word.repeat(times)].concat())
        })
    })
}

fn timed(target: &Target, input: &Input) {
    let begun = Instant::now();
    target.run(&input.0);
    let took = begun.elapsed();
    assert!(took < INPUT_TAKES_MAX, "{} bytes took {took:?}", input.0.len());
}

fn briefly(name: &str) {
    let alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = seeds(target);
    seeds.iter().for_each(|seed| target.run(seed));
    let slowest = long(&seeds).map(|input| {
        let begun = Instant::now();
        timed(target, &input);
        (begun.elapsed(), input)
    });
    let (took, input) = slowest.max_by_key(|(took, _)| *took).unwrap();
    println!(
        "{name}: the slowest input took {took:?}: {}",
        &input.0[..80.min(input.0.len())].escape_ascii()
    );
    let found = find(target, seeds);
    drop(alone);
    if let Err(found) = found {
        panic!("{name}: {found}");
    }
}

fn find(target: &Target, seeds: Vec<Vec<u8>>) -> Result<(), TestError<Input>> {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config).run(&inputs(seeds), |input| {
        timed(target, &input);
        Ok(())
    })
}

#[test]
fn only_what_was_given_out_is_a_session_token() {
    briefly("session_token");
}

#[test]
fn only_what_was_given_to_them_is_an_id() {
    briefly("claim_id");
}

#[test]
fn only_what_the_provider_signed_for_us_is_a_jwt() {
    briefly("jwt");
}

#[test]
fn parameters_are_read_as_they_are_plainly() {
    briefly("params");
}

#[test]
fn a_key_is_what_was_sent_or_nothing() {
    briefly("idempotency_key");
}

#[test]
fn a_preamble_is_what_it_is_however_it_arrives() {
    briefly("preamble");
}

#[test]
fn the_clients_own_words_never_become_its_address() {
    briefly("forwarded");
}

#[test]
fn two_lengths_are_seen_wherever_the_bytes_are_cut() {
    briefly("lengths");
}

#[test]
fn activities_in_toml_are_read_and_written_and_show_no_code() {
    briefly("activity_toml");
}

#[test]
fn activities_in_json_are_read_and_written_and_show_no_code() {
    briefly("activity_json");
}

#[test]
fn codes_are_the_same_in_every_encoding_and_never_shown() {
    briefly("codes");
}

#[test]
fn rosters_are_the_same_in_every_encoding() {
    briefly("roster");
}

#[test]
fn people_are_the_same_in_every_encoding_and_their_passwords_never_shown() {
    briefly("people");
}

#[test]
fn every_target_has_a_test_a_program_and_seeds() {
    let tests = include_str!("briefly.rs");
    let manifest = fs::read_to_string(package().join("Cargo.toml")).unwrap();
    for target in TARGETS {
        let name = target.name;
        assert!(tests.contains(&format!("    briefly(\"{name}\");")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let program = fs::read_to_string(package().join("targets").join(format!("{name}.rs")));
        assert!(program.unwrap().contains(&format!("\"{name}\"")), "{name}");
        assert!(!seeds(target).is_empty(), "{name}");
    }
}

/// What takes an altered text for the genuine one is found out by what is done to the seeds.
#[test]
fn a_planted_bug_is_found() {
    const GENUINE: &[u8] = b"only these bytes in this order";
    let run = |data: &[u8]| assert!(data.len() != GENUINE.len() || data == GENUINE, "altered");
    let planted = Target { name: "planted", run };
    let found = find(&planted, vec![GENUINE.to_vec()]);
    assert!(matches!(found, Err(TestError::Fail(..))), "{found:?}");
    let harmless = Target { name: "harmless", run: |_| {} };
    assert!(find(&harmless, vec![GENUINE.to_vec()]).is_ok());
}
