//! What a round of a long run consists of: tests that exist, with more of what makes them hard, and its seed; and
//! the one check that `cargo xtask test` leaves out, because it needs the network. Nothing else is tested only here.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use crate::paths;

/// Kills of the server while one crowd claims; an ordinary run of the tests has 20.
const KILLS: &str = "100";
/// Cuts of the power under one crowd; an ordinary run has 10. Twice as many in recoveries.
const CUTS: &str = "50";
/// Plans that stock and model are compared by, and inputs of the file readers; each round.
const CASES: &str = "10000";
/// Sales in virtual time; an ordinary run has 3,000. Each is run twice.
const SALES: &str = "20000";
/// Inputs of each fuzz target; an ordinary run has 256.
const INPUTS: &str = "100000";
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
            "faults::a_single_failure_and_a_log_that_cannot_be_moved_lose_nothing",
            "faults::writes_and_syncs_that_fail_stop_yes_and_not_no_and_it_comes_back",
        ],
        more: None,
        seed: Some("TEST_SEED"),
    },
    Step {
        title: "power cuts",
        package: "firstcome",
        target: SURVIVE,
        tests: &[
            "power::a_power_cut_in_a_recovery_loses_nothing_that_was_acknowledged",
            "power::a_power_cut_loses_nothing_that_was_acknowledged",
        ],
        more: Some(("TEST_CUTS", CUTS)),
        seed: Some("TEST_SEED"),
    },
    Step {
        title: "simulated sales",
        package: "rehearsal",
        target: &["--test", "sim"],
        tests: &["simulated_sales_keep_every_promise"],
        more: Some(("SIM_SALES", SALES)),
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
    Step {
        title: "what strangers send",
        package: "web",
        target: &["--lib"],
        tests: &[
            "fuzz::briefly::a_key_is_what_was_sent_or_nothing",
            "fuzz::briefly::a_preamble_is_what_it_is_however_it_arrives",
            "fuzz::briefly::activities_in_json_are_read_and_written_and_show_no_code",
            "fuzz::briefly::activities_in_toml_are_read_and_written_and_show_no_code",
            "fuzz::briefly::codes_are_the_same_in_every_encoding_and_never_shown",
            "fuzz::briefly::only_what_the_provider_signed_for_us_is_a_jwt",
            "fuzz::briefly::only_what_was_given_out_is_a_session_token",
            "fuzz::briefly::only_what_was_given_to_them_is_an_id",
            "fuzz::briefly::parameters_are_read_as_they_are_plainly",
            "fuzz::briefly::people_are_the_same_in_every_encoding_and_their_passwords_never_shown",
            "fuzz::briefly::rosters_are_the_same_in_every_encoding",
            "fuzz::briefly::the_clients_own_words_never_become_its_address",
            "fuzz::briefly::two_lengths_are_seen_wherever_the_bytes_are_cut",
        ],
        more: Some(("PROPTEST_CASES", INPUTS)),
        seed: Some("PROPTEST_RNG_SEED"),
    },
];

/// Holds the server against its OpenAPI document; it needs python3 and the network, and says so where it is skipped.
const OPENAPI_CHECK: &str = "fuzz/openapi/check";

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
        // A full path would say more than anyone types.
        let program = Path::new(&self.program);
        let ours = program.strip_prefix(paths::root()).map(Path::as_os_str).ok();
        let typed = ours.or(program.file_stem()).unwrap_or(&self.program);
        write!(f, "{}", typed.display())?;
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

/// The server against its OpenAPI document; no test of cargo, so none has to pass.
fn openapi_job(seed: u64) -> Job {
    Job {
        title: "the server against its OpenAPI document".to_owned(),
        program: paths::root().join(OPENAPI_CHECK).into(),
        arguments: vec![seed.to_string()],
        environment: Vec::new(),
        tests: 0,
    }
}

/// The steps of a round with its seed.
pub fn round(seed: u64) -> Vec<Job> {
    STEPS.iter().map(|step| step.job(seed)).chain([openapi_job(seed)]).collect()
}
