//! What a round of a long run consists of: tests that exist, with more of what makes them hard, and its seed.
//! Nothing is tested here that `cargo xtask test` does not test: only longer, and with other numbers.

use std::ffi::OsString;
use std::fmt;

use crate::paths;

/// Kills of the server while one crowd claims; an ordinary run of the tests has 20.
const KILLS: &str = "100";
/// Plans that stock and model are compared by, and inputs of the file readers; each round.
const CASES: &str = "10000";
/// The tests with a crowd.
const SURVIVE: &[&str] = &["--test", "survive"];

/// Tests that run together, in one process.
pub struct Step {
    /// What they are about.
    pub title: &'static str,
    /// Where they are.
    pub package: &'static str,
    target: &'static [&'static str],
    /// Their names.
    pub tests: &'static [&'static str],
    /// Asks for more than usual.
    more: Option<(&'static str, &'static str)>,
    /// What takes the seed, unless the moments are the machine's own.
    seed: Option<&'static str>,
}

/// A round.
pub const STEPS: &[Step] = &[
    Step {
        title: "kills",
        package: "firstcome",
        target: SURVIVE,
        tests: &["kills::twenty_kills_lose_nothing"],
        more: Some(("TEST_KILLS", KILLS)),
        seed: Some("TEST_SEED"),
    },
    Step {
        title: "stops, and a whole giveaway",
        package: "firstcome",
        target: SURVIVE,
        tests: &[
            "stopping::a_stop_under_load_answers_everyone_it_accepted",
            "movie_night::movie_night_runs_its_whole_life",
        ],
        more: None,
        seed: Some("TEST_SEED"),
    },
    Step {
        title: "disks that fail",
        package: "firstcome",
        target: SURVIVE,
        tests: &[
            "disk::a_disk_that_fails_now_and_then_loses_nothing",
            "disk::a_disk_that_fails_stops_yes_goes_on_saying_no_and_comes_back",
            "disk::a_full_disk_loses_nothing",
        ],
        more: None,
        seed: Some("TEST_SEED"),
    },
    Step {
        title: "stock against its model",
        package: "stock",
        target: &["--test", "conformance"],
        tests: &[
            "memory::comparison::random_plans_with_withdrawals_agree_with_the_model",
            "memory::narrow_comparison::comparison::random_plans_with_loads_agree_with_the_model",
        ],
        more: Some(("PROPTEST_CASES", CASES)),
        seed: Some("PROPTEST_RNG_SEED"),
    },
    Step {
        title: "free units against a plain set",
        package: "stock",
        target: &["--lib"],
        tests: &["memory::units::tests::ranges_behave_as_a_plain_set_of_units"],
        more: Some(("PROPTEST_CASES", CASES)),
        seed: Some("PROPTEST_RNG_SEED"),
    },
    Step {
        title: "races",
        package: "stock",
        target: &["--test", "conformance"],
        tests: &[
            "memory::threads::nobody_who_came_later_wins_over_someone_who_came_earlier",
            "memory::threads::nothing_is_decided_for_a_state_that_was_given_up",
            "memory::threads::parallel_requests_of_one_user_take_exactly_the_limit",
            "memory::threads::parallel_retries_with_one_key_are_one_claim",
            "memory::threads::sales_that_fail_and_recover_keep_every_promise",
        ],
        more: None,
        seed: None,
    },
    Step {
        title: "files",
        package: "sale",
        target: &["--test", "files_roundtrip"],
        tests: &["no_bytes_make_reading_panic", "what_is_written_is_read_back"],
        more: Some(("PROPTEST_CASES", CASES)),
        seed: Some("PROPTEST_RNG_SEED"),
    },
];

/// A process to run, and how many tests have to pass in it.
#[derive(Clone, Debug)]
pub struct Job {
    /// What it is about.
    pub title: String,
    /// The program.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What its environment has beside ours.
    pub environment: Vec<(String, String)>,
    /// Fewer mean that a test has another name now.
    pub tests: u32,
}

/// As it is typed to run it again.
impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.environment {
            write!(f, "{name}={value} ")?;
        }
        // The full path of cargo would say more than anyone types.
        let program = std::path::Path::new(&self.program).file_stem().unwrap_or(&self.program);
        write!(f, "{}", program.display())?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {argument}"))
    }
}

impl Step {
    /// This step with a seed.
    pub fn job(&self, seed: u64) -> Job {
        let mut arguments = self.cargo_arguments();
        arguments.extend(["--", "--exact"].map(str::to_owned));
        arguments.extend(self.tests.iter().map(|test| (*test).to_owned()));
        arguments.push("--nocapture".to_owned());
        let more = self.more.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let seed = self.seed.map(|name| (name.to_owned(), seed.to_string()));
        Job {
            title: self.title.to_owned(),
            program: paths::cargo(),
            arguments,
            environment: seed.into_iter().chain(more).collect(),
            tests: u32::try_from(self.tests.len()).expect("a table of a few tests"),
        }
    }

    /// What is asked of cargo, up to the names of the tests.
    pub fn cargo_arguments(&self) -> Vec<String> {
        let package = ["test", "--package", self.package];
        package.iter().chain(self.target).map(|word| (*word).to_owned()).collect()
    }
}

/// The steps of a round with its seed.
pub fn round(seed: u64) -> Vec<Job> {
    STEPS.iter().map(|step| step.job(seed)).collect()
}
