//! Bugs planted in the stock or the disk of simulated sales: each must be found, soon, or the simulation is blind.
//! None of them is in what is released: they live in the wrappers that only these tests have.

use crate::{ledger::Lie, outcome::run, stock::Bug, world::Planted};

/// Seeds in which a planted bug must show.
const SEEDS_MAX: u64 = 4_000;

const PLANTED: [(&str, Planted); 25] = [
    ("an acknowledged batch is forgotten at a crash", lie(Lie::ForgetsAtCrash)),
    ("what was in doubt comes back with a crash", lie(Lie::BringsBack)),
    ("a change that was written is denied", lie(Lie::DeniesChanges)),
    ("a queued claim never ends", lie(Lie::NeverSettles)),
    ("an ended ownership goes on", lie(Lie::SharesOwnership)),
    ("an answer leaves before the commit", bug(Bug::AnswersBeforeCommit)),
    ("sold out rests on claims that are not written", bug(Bug::RefusesOnHope)),
    ("the last claim is not loaded", bug(Bug::LoadsAllButOne)),
    ("a refusal is recorded whose grounds were lost", bug(Bug::RecordsLostRefusals)),
    ("a key is forgotten", bug(Bug::ForgetsKeys)),
    ("the sale opens early", bug(Bug::RunsAhead)),
    ("what was taken back is sold", bug(Bug::SellsWhatIsTakenBack)),
    ("a hold is over before its deadline", bug(Bug::ExpiresEarly)),
    ("a cancelled order's unit leaks", bug(Bug::LeaksUnits)),
    ("the line is loaded backwards", bug(Bug::LoadsLineBackwards)),
    ("the line is lost at a load", bug(Bug::LosesLine)),
    ("a code is shown before it is paid for", bug(Bug::ShowsCodes)),
    ("the way back marks an order paid", bug(Bug::BelievesTheWayBack)),
    ("acknowledged changes are forgotten at a crash", lie(Lie::ForgetsChangesAtCrash)),
    ("changes of orders that were written are denied", lie(Lie::DeniesOrders)),
    ("a payment that is told of twice counts twice", lie(Lie::TakesTwice)),
    ("an order that is over becomes paid", lie(Lie::PaysWhatIsOver)),
    ("deadlines that were moved are forgotten", lie(Lie::ForgetsExtensions)),
    ("money that is to go back stays", lie(Lie::ForgetsRefunds)),
    ("what is over is not looked at after a start", lie(Lie::ForgetsWhatIsOver)),
];

const fn lie(lie: Lie) -> Planted {
    Planted { bug: None, lie: Some(lie) }
}

const fn bug(bug: Bug) -> Planted {
    Planted { bug: Some(bug), lie: None }
}

/// C1, C2, C5, C11, C15, C17, C20, C21, C22, C28 and C32 as the bugs they once were.
#[test]
fn every_planted_bug_is_found() {
    for (what, planted) in PLANTED {
        let found = (0..SEEDS_MAX).find_map(|seed| {
            let findings = run(seed, planted).findings;
            findings.into_iter().next().map(|finding| (seed, finding))
        });
        let Some((seed, finding)) = found else { panic!("{what}: not found") };
        println!("{what}: seed {seed}, {}", finding.lines().next().unwrap_or_default());
    }
}
