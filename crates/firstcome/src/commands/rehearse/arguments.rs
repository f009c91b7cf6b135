//! What `firstcome rehearse` is told, and the plan that this makes. A plan out of bounds is a wrong use;
//! nothing is bent into shape, and no secret is an argument.

use super::activity;
use crate::commands::Failure;
use clap::Args;
use rehearsal::{
    http::{LearnPlan, Operator},
    plan::{Mix, PayMix, Plan, PlannedPaying, PlannedType},
};
use std::{
    io::{BufRead, stdin},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Seeds that are drawn where none is given: short enough to be typed again.
const SEEDS: u32 = 1_000_000;
/// Units with codes, where `--codes` is given without `--stock`.
const CODES: u32 = 500;
/// Bytes of a token's file: many times a token.
const TOKEN_BYTES_MAX: u64 = 16 * 1024;

/// `firstcome rehearse …`
#[derive(Args)]
pub struct RehearseArguments {
    /// A running server, as http://HOST:PORT. People and an activity are made there and stay. Without a
    /// URL a server is started in a scratch folder, and both are removed afterwards
    #[arg(value_name = "URL")]
    pub url: Option<String>,
    /// The operator's name at URL
    #[arg(long, value_name = "NAME", requires_all = ["url", "password_stdin"])]
    operator: Option<String>,
    /// Read the operator's password from the first line of standard input
    #[arg(long, requires = "operator")]
    password_stdin: bool,
    /// A file with a session token of an operator at URL, instead of a name and a password
    #[arg(long, value_name = "FILE", requires = "url", conflicts_with = "operator")]
    token_file: Option<PathBuf>,
    /// People in the crowd
    #[arg(long, value_name = "N", default_value_t = Plan::default().users)]
    users: u32,
    /// Connections that they share
    #[arg(long, value_name = "N", default_value_t = Plan::default().connections)]
    connections: u32,
    /// Seconds during which the sale is open
    #[arg(long, value_name = "S", default_value_t = Plan::default().seconds)]
    seconds: u32,
    /// Seconds from the first steps of the crowd to the opening
    #[arg(long, value_name = "S", default_value_t = Plan::default().opens_after_s)]
    opens_after: u32,
    /// One ticket type with so many units, instead of the two of the default plan
    #[arg(long, value_name = "N")]
    stock: Option<u32>,
    /// One ticket type in which each unit has a code
    #[arg(long)]
    codes: bool,
    /// The ticket types, units and limits of the activity in this file, TOML or JSON; with a roster, nine of ten
    /// people are on one. Its codes, names and hours are not used
    #[arg(long, value_name = "FILE", conflicts_with_all = ["stock", "codes"])]
    activity: Option<PathBuf>,
    /// A server's own rehearsal: the activity is the first line of standard input, and the rehearsal ends with it
    #[arg(long, hide = true, conflicts_with_all = ["url", "activity", "stock", "codes", "json", "report"])]
    pub attended: bool,
    /// How people behave, in thousandths: double_click, early_bird, frantic, lost_reply, reader,
    /// bot_one_prefix, bot_many_prefixes; everybody else presses once. For example frantic=200,reader=100
    #[arg(long, value_name = "NAME=N,...", value_parser = mix)]
    mix: Option<Mix>,
    /// People who come to a second sale, with prices, and pay, or do not; 0: nobody. Its units grow with
    /// them. Without it 500, and never more than the crowd. Where the server has no test provider, nobody pays
    #[arg(long, value_name = "N")]
    payers: Option<u32>,
    /// What payers do with an order, in thousandths: out_of_order, twice, never, late, wrong_amount,
    /// forged (what the provider does); forges, neglects, returns, cancels, pays_and_cancels; everybody
    /// else pays at once. For example late=300,cancels=100
    #[arg(long, value_name = "NAME=N,...", value_parser = pay_mix)]
    pay_mix: Option<PayMix>,
    /// Times the server is killed (SIGKILL) while the sale is open and started again on what is on its disk,
    /// at moments that follow from the seed; only without a URL
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "url")]
    kills: u32,
    /// The same seed makes the same crowd; without it one is drawn
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Also learn how many requests a second the machine takes; this is the default without a URL
    #[arg(long, overrides_with = "no_learn")]
    learn: bool,
    /// Do not learn that; this is the default with a URL
    #[arg(long, overrides_with = "learn")]
    no_learn: bool,
    /// Milliseconds within which 99 of 100 requests are to be answered, when learning
    #[arg(long, value_name = "MS", default_value_t = LearnPlan::default().p99_bound_ms,
          value_parser = clap::value_parser!(u32).range(1..=60_000))]
    p99_ms: u32,
    /// Print one JSON document instead of a text
    #[arg(long)]
    pub json: bool,
    /// Also write the report as one HTML file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

impl RehearseArguments {
    /// The plan.
    pub fn plan(&self) -> Result<Plan, Failure> {
        let default = Plan::default();
        let plan = Plan {
            seed: self.seed.map_or_else(drawn, Ok)?,
            users: self.users,
            connections: self.connections,
            seconds: self.seconds,
            opens_after_s: self.opens_after,
            mix: self.mix.unwrap_or(default.mix),
            paying: self.paying(),
            kills: self.kills,
            ..self.sale(default)?
        };
        plan.validate().map_err(|fault| Failure::Usage(format!("{fault}")))?;
        Ok(plan)
    }

    /// The payers; none where nobody is to pay.
    fn paying(&self) -> Option<PlannedPaying> {
        let default = PlannedPaying::default();
        let payers = self.payers.unwrap_or(default.payers.min(self.users));
        let mix = self.pay_mix.unwrap_or(default.mix);
        (payers > 0).then(|| PlannedPaying { mix, ..PlannedPaying::of(payers) })
    }

    /// The default plan with what is to be sold in it.
    fn sale(&self, default: Plan) -> Result<Plan, Failure> {
        let activity = match &self.activity {
            Some(file) => Some(activity::in_file(file)?),
            None if self.attended => Some(activity::on_standard_input()?),
            None => None,
        };
        Ok(match activity {
            Some(activity) => activity::planned(&activity, default),
            None if self.stock.is_some() || self.codes => {
                Plan { types: vec![self.one_type()], ..default }
            }
            None => default,
        })
    }

    fn one_type(&self) -> PlannedType {
        PlannedType {
            id: "seat".to_owned(),
            stock: self.stock.unwrap_or(CODES),
            codes: self.codes,
            limit_per_person: 1,
        }
    }

    /// How to learn what the machine takes, if it is to be learnt.
    pub fn learn_plan(&self, plan: &Plan) -> Option<LearnPlan> {
        let wanted = self.learn || (self.url.is_none() && !self.no_learn);
        let default = LearnPlan::default();
        wanted.then(|| LearnPlan {
            connections: plan.connections,
            p99_bound_ms: self.p99_ms,
            users: plan.users.min(default.users),
            seed: plan.seed,
            ..default
        })
    }

    /// Who operates the server at the URL.
    pub fn operator(&self) -> Result<Operator, Failure> {
        match (&self.operator, &self.token_file) {
            (Some(name), _) => {
                Ok(Operator::Password { name: name.clone(), password: password_from_stdin()? })
            }
            (None, Some(file)) => Ok(Operator::Token(token_from(file)?)),
            (None, None) => Err(Failure::Usage(
                "a running server wants its operator: --operator NAME --password-stdin, or \
                 --token-file FILE"
                    .to_owned(),
            )),
        }
    }

    /// The command that repeats the rehearsal of this plan; without secrets.
    pub fn again(&self, plan: &Plan) -> String {
        let mut words = vec!["firstcome rehearse".to_owned()];
        words.extend(self.url.clone());
        words.extend(self.operator.as_ref().map(|_| "--operator NAME --password-stdin".to_owned()));
        words.extend(self.token_file.as_ref().map(|_| "--token-file FILE".to_owned()));
        words.push(format!("--users {} --connections {}", plan.users, plan.connections));
        words.push(format!("--seconds {} --opens-after {}", plan.seconds, plan.opens_after_s));
        words.extend(self.stock.map(|stock| format!("--stock {stock}")));
        words.extend(self.codes.then(|| "--codes".to_owned()));
        let file = self.activity.as_ref().map(|file| file.display().to_string());
        let file = file.or_else(|| self.attended.then(|| "FILE".to_owned()));
        words.extend(file.map(|file| format!("--activity {file}")));
        if self.mix.is_some() {
            words.push(format!("--mix {}", named(shares(&plan.mix))));
        }
        if let Some(payers) = self.payers {
            words.push(format!("--payers {payers}"));
        }
        if let Some(mix) = &self.pay_mix {
            words.push(format!("--pay-mix {}", named(pay_shares(mix))));
        }
        if plan.kills > 0 {
            words.push(format!("--kills {}", plan.kills));
        }
        words.push(format!("--seed {}", plan.seed));
        words.join(" ")
    }
}

fn named(shares: Vec<(String, u32)>) -> String {
    let named: Vec<String> = shares.iter().map(|(name, share)| format!("{name}={share}")).collect();
    named.join(",")
}

/// The behaviours by name.
pub fn shares(mix: &Mix) -> Vec<(String, u32)> {
    let mut mix = *mix;
    fields(&mut mix).iter().map(|(name, share)| ((*name).to_owned(), **share)).collect()
}

fn fields(mix: &mut Mix) -> [(&'static str, &mut u32); 7] {
    [
        ("double_click", &mut mix.double_click),
        ("early_bird", &mut mix.early_bird),
        ("frantic", &mut mix.frantic),
        ("lost_reply", &mut mix.lost_reply),
        ("reader", &mut mix.reader),
        ("bot_one_prefix", &mut mix.bot_one_prefix),
        ("bot_many_prefixes", &mut mix.bot_many_prefixes),
    ]
}

/// What payers do, by name.
pub fn pay_shares(mix: &PayMix) -> Vec<(String, u32)> {
    let mut mix = *mix;
    pay_fields(&mut mix).iter().map(|(name, share)| ((*name).to_owned(), **share)).collect()
}

fn pay_fields(mix: &mut PayMix) -> [(&'static str, &mut u32); 11] {
    [
        ("out_of_order", &mut mix.out_of_order),
        ("twice", &mut mix.twice),
        ("never", &mut mix.never),
        ("late", &mut mix.late),
        ("wrong_amount", &mut mix.wrong_amount),
        ("forged", &mut mix.forged),
        ("forges", &mut mix.forges),
        ("neglects", &mut mix.neglects),
        ("returns", &mut mix.returns),
        ("cancels", &mut mix.cancels),
        ("pays_and_cancels", &mut mix.pays_and_cancels),
    ]
}

fn mix(text: &str) -> Result<Mix, String> {
    let mut mix = Mix::PLAIN;
    read_shares(text, &mut fields(&mut mix))?;
    Ok(mix)
}

fn pay_mix(text: &str) -> Result<PayMix, String> {
    let mut mix = PayMix::PLAIN;
    read_shares(text, &mut pay_fields(&mut mix))?;
    Ok(mix)
}

/// Reads `name=thousandths,...`.
fn read_shares(text: &str, fields: &mut [(&'static str, &mut u32)]) -> Result<(), String> {
    for part in text.split(',') {
        let (name, share) = part.split_once('=').ok_or(format!("{part:?} is not NAME=N"))?;
        let share: u32 = share.trim().parse().map_err(|_| format!("{share:?} is no number"))?;
        let name = name.trim().replace('-', "_");
        let Some((_, field)) = fields.iter_mut().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = fields.iter().map(|(known, _)| *known).collect();
            return Err(format!("nobody behaves like {name:?}; known are {}", known.join(", ")));
        };
        **field = share;
    }
    Ok(())
}

fn drawn() -> Result<u64, Failure> {
    let drawn = getrandom::u32().map_err(|_| no_chance())?;
    Ok(u64::from(drawn % SEEDS))
}

/// The system gave no random numbers.
pub fn no_chance() -> Failure {
    Failure::Io("random numbers", std::io::ErrorKind::Other)
}

fn password_from_stdin() -> Result<String, Failure> {
    let mut line = Zeroizing::new(String::new());
    let read = stdin().lock().read_line(&mut line);
    read.map_err(|error| Failure::Io("standard input", error.kind()))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failure::Usage("standard input holds no password".to_owned()));
    }
    Ok(password.to_owned())
}

fn token_from(file: &Path) -> Result<String, Failure> {
    let unusable = |reason: String| Failure::Usage(format!("{}: {reason}", file.display()));
    let about = std::fs::metadata(file).map_err(|error| unusable(error.kind().to_string()))?;
    if about.len() > TOKEN_BYTES_MAX {
        return Err(unusable("is too long for a token".to_owned()));
    }
    let text = std::fs::read_to_string(file).map_err(|error| unusable(error.kind().to_string()))?;
    match text.lines().next().map(str::trim) {
        Some(token) if !token.is_empty() => Ok(token.to_owned()),
        _ => Err(unusable("holds no token in its first line".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: RehearseArguments,
    }

    fn read(words: &str) -> Result<RehearseArguments, clap::Error> {
        let line =
            Line::try_parse_from(std::iter::once("rehearse").chain(words.split_whitespace()));
        line.map(|line| line.arguments)
    }

    #[test]
    fn the_command_that_a_report_shows_makes_the_same_plan() {
        for words in [
            "",
            "--users 300 --connections 20 --seconds 5",
            "--codes --mix frantic=200,early-bird=10",
            "--stock 7 --seed 99",
            "--codes --stock 7 --opens-after 3",
            "--payers 10000 --kills 5",
            "--payers 0 --users 100",
            "--users 100 --pay-mix late=300,wrong-amount=20",
        ] {
            let arguments = read(words).unwrap();
            let plan = arguments.plan().unwrap();
            let again = arguments.again(&plan);
            let again = again.strip_prefix("firstcome rehearse").unwrap();
            assert_eq!(read(again).unwrap().plan().unwrap(), plan, "{words}: {again}");
        }
    }

    #[test]
    fn an_activity_file_gives_types_units_and_limits_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("act.toml");
        let roster = "roster = [\"anna\"]\nlimit_per_user = 2";
        let text = |rest: &str| {
            format!(
                "[[activity]]\nname = \"Night\"\nstart_time = 2026-12-01T10:00:00+08:00\n\
                 end_time = 2026-12-01T12:00:00+08:00\n{rest}\n\
                 [[activity.ticket]]\nid = \"seat\"\nname = \"Seat\"\ncodes = [\"A\", \"B\"]\n\
                 [[activity.ticket]]\nid = \"box\"\nname = \"Box\"\nstock = 7\nlimit_per_user = 3\n"
            )
        };
        let planned = |id: &str, stock, codes, limit_per_person| PlannedType {
            id: id.to_owned(),
            stock,
            codes,
            limit_per_person,
        };
        let types = vec![planned("seat", 2, true, 1), planned("box", 7, false, 3)];
        for (rest, limit, listed) in [("", None, false), (roster, Some(2), true)] {
            std::fs::write(&file, text(rest)).unwrap();
            let plan = read(&format!("--activity {} --users 30", file.display())).unwrap();
            let plan = plan.plan().unwrap();
            assert_eq!((&plan.types, plan.limit_per_person), (&types, limit));
            assert_eq!((plan.roster_per_mille.is_some(), plan.users), (listed, 30));
        }
        for wrong in ["", "[[activity]]", &format!("{}{}", text(""), text(""))] {
            std::fs::write(&file, wrong).unwrap();
            let plan = read(&format!("--activity {}", file.display())).unwrap().plan();
            assert!(plan.is_err(), "{wrong}");
        }
        assert!(read("--activity nowhere.toml").unwrap().plan().is_err());
    }

    #[test]
    fn who_is_not_in_the_mix_presses_once() {
        let plan = read("--mix reader=100,frantic=20").unwrap().plan().unwrap();
        assert_eq!(plan.mix, Mix { reader: 100, frantic: 20, ..Mix::PLAIN });
        for wrong in ["reader", "reader=x", "reeder=1", "reader=-1", ""] {
            assert!(mix(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn payers_are_as_many_as_asked_for_and_else_no_more_than_the_crowd() {
        let payers = |words: &str| read(words).unwrap().plan().unwrap().payers();
        for (words, expected) in
            [("", 500), ("--users 60", 60), ("--users 60 --payers 700", 700), ("--payers 0", 0)]
        {
            assert_eq!(payers(words), expected, "{words}");
        }
        let plan = read("--payers 10000").unwrap().plan().unwrap();
        let stock: u32 = plan.paying.unwrap().types.iter().map(|one| one.stock).sum();
        assert!((4_000..8_000).contains(&stock), "{stock}");
        let plan = read("--pay-mix late=100").unwrap().plan().unwrap();
        assert_eq!(plan.paying.unwrap().mix, PayMix { late: 100, ..PayMix::PLAIN });
    }

    #[test]
    fn learning_is_for_servers_of_our_own_unless_asked_for() {
        let table = [
            ("", true),
            ("--no-learn", false),
            ("http://127.0.0.1:1", false),
            ("http://127.0.0.1:1 --learn", true),
            ("--learn --no-learn", false),
            ("--no-learn --learn", true),
        ];
        for (words, expected) in table {
            let arguments = read(words).unwrap();
            let plan = arguments.plan().unwrap();
            assert_eq!(arguments.learn_plan(&plan).is_some(), expected, "{words}");
        }
    }

    #[test]
    fn plans_out_of_bounds_and_lone_secrets_are_wrong_uses() {
        for words in [
            "--users 0",
            "--seconds 0",
            "--mix reader=900,frantic=200",
            "--codes --stock 0",
            "--payers 100001",
            "--pay-mix late=900,twice=200",
            "--kills 3 --seconds 4",
        ] {
            assert!(matches!(read(words).unwrap().plan(), Err(Failure::Usage(_))), "{words}");
        }
        for words in [
            "--operator boss",
            "--password-stdin",
            "--token-file f",
            "http://h --operator boss",
            "http://h --operator boss --password-stdin --token-file f",
            "--activity f --codes",
            "--attended --activity f",
            "--attended http://h",
            "--kills 1 http://h",
            "--pay-mix lazy=1",
            "--users many",
            "--p99-ms 0",
        ] {
            assert!(read(words).is_err(), "{words}");
        }
        assert!(matches!(read("http://h").unwrap().operator(), Err(Failure::Usage(_))));
    }
}
