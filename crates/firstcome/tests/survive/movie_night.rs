//! The example giveaway from its files to its exports: 500 codes, 20,000 colleagues on the roster, everyone of
//! them at the door at once, and a kill in the middle.

use crate::{
    crowd::{AT_ONCE, Chance, Crowd, Errand, Manner, Person, Progress},
    history::Lot,
    stage::{Stage, wait_count},
    world::{World, example, now_s, tokens},
};
use std::collections::{BTreeMap, HashSet};

const UNITS: usize = 500;
const PEOPLE: usize = 20_000;

/// The rows of a CSV file, by the names of its columns.
fn rows(csv: &str) -> Vec<BTreeMap<String, String>> {
    let text = csv.strip_prefix('\u{feff}').unwrap_or(csv);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(|row| row.expect("a row with all columns")).collect()
}

fn column(csv: &str, name: &str) -> Vec<String> {
    rows(csv).iter().map(|row| row[name].clone()).collect()
}

/// The example's text with its window moved to now.
fn moved_to_now(toml: &str) -> String {
    let now = now_s();
    let moved = |line: &str| match line.split_once('=').map(|(key, _)| key.trim()) {
        Some(key @ ("start_time" | "valid_from")) => format!("{key} = {}", now - 1),
        Some(key @ ("end_time" | "valid_until")) => format!("{key} = {}", now + 3600),
        _ => line.to_owned(),
    };
    toml.lines().map(moved).collect::<Vec<_>>().join("\n")
}

fn imported(world: &World) {
    let text = |name: &str| std::fs::read_to_string(example(name)).expect("the example is there");
    world.file("staff.csv", text("staff.csv"));
    world.file("codes.csv", text("codes.csv"));
    let file = world.file("activity.toml", moved_to_now(&text("activity.toml")));
    world.must(&["import", file.to_str().expect("a plain path")], "");
}

#[test]
fn movie_night_runs_its_whole_life() {
    let mut chance = Chance::of("movie_night_runs_its_whole_life");
    let read = |name: &str| std::fs::read_to_string(example(name)).expect("the example is there");
    let (staff, codes) = (read("staff.csv"), column(&read("codes.csv"), "code"));
    let names = column(&staff, "name");
    assert_eq!((names.len(), codes.len()), (PEOPLE, UNITS));

    let mut world = World::cheap();
    imported(&world);
    let mut operator = world.serve_with_operator();
    let tokens = tokens(&mut operator, &names);
    let lot = Lot {
        activity: "movie-night".to_owned(),
        ticket_type: "seat".to_owned(),
        units: UNITS,
        limit: 1,
        limit_in_activity: 1,
        codes: codes.clone(),
    };
    let people = tokens.into_iter().map(|token| Person { token }).collect();
    let mut stage = Stage { world, operator, people, lots: vec![lot] };

    // Nobody leaves before they are answered, so that everybody has a part.
    let manners =
        [Manner::Patient, Manner::Patient, Manner::Keyless, Manner::DoubleClick, Manner::Greedy];
    let errand = |person| Errand { person, lot: 0, manner: manners[person % manners.len()] };
    let mut errands: Vec<Errand> = (0..PEOPLE).map(errand).collect();
    chance.shuffle(&mut errands);
    let progress = Progress::default();
    let address = stage.world.address().to_owned();
    let Stage { world, people, lots, .. } = &mut stage;
    let crowd = Crowd { address: &address, people, lots, errands: &errands, at_once: AT_ONCE };
    let history = std::thread::scope(|scope| {
        let crowd = scope.spawn(|| crowd.run(&progress));
        wait_count("half is gone", &progress.won, UNITS / 2);
        world.kill();
        world.serve();
        crowd.join().expect("everybody was answered")
    });
    let record = stage.judge(history);
    assert_eq!(record.participants.len(), PEOPLE);

    let mut orders = record.orders;
    orders.sort_by_key(|order| order.ticket.claim_no);
    let given: Vec<_> = orders.iter().filter_map(|order| order.ticket.code.clone()).collect();
    assert_eq!(given, codes, "500 different codes, in the order of the file");
    exports_agree(&mut stage, &codes, &staff);
}

/// The CSV exports, by HTTP and by the command line.
fn exports_agree(stage: &mut Stage, codes: &[String], staff: &str) {
    let mut export = |what: &str| {
        let target = format!("/admin/export?actId=movie-night&format=csv&what={what}");
        let csv = String::from_utf8(stage.operator.get(&target).body).expect("UTF-8");
        let printed = ["export", "movie-night", "--format", "csv", "--what", what];
        assert_eq!(stage.world.must(&printed, ""), csv, "{what}");
        rows(&csv)
    };
    let orders = export("orders");
    let by_order: Vec<_> = orders.iter().map(|row| row["code"].clone()).collect();
    assert_eq!(by_order, codes);
    let winners: HashSet<&String> = orders.iter().map(|row| &row["user"]).collect();
    assert_eq!(winners.len(), UNITS, "one each");

    let participants = export("participants");
    assert_eq!(participants.len(), PEOPLE);
    let people: BTreeMap<_, _> =
        rows(staff).into_iter().map(|row| (row["name"].clone(), row)).collect();
    for row in &participants {
        let outcome = if winners.contains(&row["user"]) { "won" } else { "sold_out" };
        assert_eq!(row["outcome"], outcome, "{row:?}");
        let person = &people[&row["user"]];
        for column in ["display_name", "department"] {
            assert_eq!(row[column], person[column]);
        }
    }
}
