//! What people get to read of a rehearsal: a text for terminals, a JSON document, and one HTML file with plots.
//! It shows what the checks found and judges nothing itself; codes and tokens never appear in any report.

mod figures;
mod html;
mod json;
mod kills;
mod lesson;
mod numbers;
mod pay_plot;
mod paying;
mod plot;
mod plots;
mod svg;
mod text;
mod timeline;
mod winners;

#[cfg(test)]
mod tests;

use crate::{
    check::CHECKS,
    history::{Asked, Heard, History, Ticket},
    http::{Late, Learnt},
    verdict::{Finding, Promise, Verdict},
};
use numbers::Numbers;
use paying::PayNumbers;
use std::collections::HashSet;

/// The number of the JSON document's shape. It rises when a name goes or changes its meaning, not when one is added.
pub const SCHEMA: u32 = 1;

/// Findings in one report, over all checks; how many more there were is said.
pub const FINDINGS_SHOWN_MAX: usize = 60;

/// Characters of one finding.
const FINDING_CHARS_MAX: usize = 600;

/// Words of this many bytes or more are looked up among the codes before a finding is shown. A shorter code is
/// no secret, and may be an ordinary word of the sentence.
const CODE_BYTES_MIN: usize = 5;

/// What the run was, beside what it saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The version of this program.
    pub version: String,
    /// The server that was rehearsed.
    pub server: String,
    /// The machine.
    pub machine: String,
    /// When it began, in unix seconds.
    pub began_at: u64,
    /// What replays the same crowd.
    pub seed: u64,
    /// Connections that the crowd shared.
    pub connections: u64,
    /// The mix of behaviours: name and people in a thousand.
    pub mix: Vec<(String, u32)>,
    /// The same of the payers.
    pub pay_mix: Vec<(String, u32)>,
    /// The command that repeats the run; without secrets.
    pub command: String,
    /// How much later than intended the crowd's requests were sent.
    pub late: Late,
    /// Requests for which no connection was to be had; they are in no history.
    pub unsent: u64,
    /// Requests that were put off because the server had been killed.
    pub kept_out: u64,
    /// What a look at the ledger came to, after the server was stopped; nothing where nobody looked.
    pub ledger: Option<LedgerChecked>,
    /// Whether the crowd was sent home before the end of the sale.
    pub stopped: bool,
    /// What else a reader has to know, in sentences.
    pub notes: Vec<String>,
}

/// What came of recomputing the promises from the ledger alone, once the server had stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerChecked {
    /// Whether every promise holds there.
    pub holds: bool,
    /// What it says, in lines.
    pub report: String,
}

/// What a rehearsal comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Every promise held.
    Held,
    /// At least one is broken.
    Broken,
    /// Nothing was found, and nothing was looked at either: no claim was answered by the rules.
    NothingLookedAt,
}

impl Conclusion {
    /// Only what was seen to hold is a success.
    pub fn is_success(self) -> bool {
        self == Self::Held
    }

    /// The permanent name in the JSON document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Broken => "broken",
            Self::NothingLookedAt => "nothing_looked_at",
        }
    }
}

/// How one promise stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    promise: Promise,
    /// Findings, also those beyond the ones that were kept.
    findings: u64,
    /// What its checks looked at, by check.
    looked_at: Vec<(&'static str, u64)>,
}

impl Standing {
    fn conclusion(&self) -> Conclusion {
        if self.findings > 0 {
            Conclusion::Broken
        } else if self.things() == 0 {
            Conclusion::NothingLookedAt
        } else {
            Conclusion::Held
        }
    }

    fn things(&self) -> u64 {
        self.looked_at.iter().map(|(_, count)| count).sum()
    }
}

/// A rehearsal's report, to be written in one form or another.
pub struct Report<'a> {
    history: &'a History,
    facts: &'a Facts,
    learnt: Option<&'a Learnt>,
    numbers: Numbers,
    /// What payers did, where there were any.
    paying: Option<PayNumbers>,
    /// People who claimed.
    claimants: u64,
    standings: Vec<Standing>,
    /// At most [`FINDINGS_SHOWN_MAX`].
    findings: Vec<Finding>,
    /// How many more there were.
    more: u64,
    conclusion: Conclusion,
}

impl<'a> Report<'a> {
    /// Of what was seen and found.
    pub fn new(
        history: &'a History,
        verdict: &Verdict,
        learnt: Option<&'a Learnt>,
        facts: &'a Facts,
    ) -> Self {
        let beyond: u64 = verdict.more.iter().map(|(_, count)| count).sum();
        let left_out = verdict.findings.len().saturating_sub(FINDINGS_SHOWN_MAX) as u64;
        let numbers = Numbers::of(history);
        let paying = history.paying.as_deref();
        Self {
            history,
            facts,
            learnt,
            paying: paying.map(|paying| PayNumbers::of(paying, numbers.opening)),
            numbers,
            claimants: Numbers::claimants(history),
            standings: Promise::ALL.iter().map(|promise| standing(verdict, *promise)).collect(),
            findings: shown(history, verdict),
            more: beyond + left_out,
            conclusion: conclusion(history, verdict, facts.ledger.as_ref()),
        }
    }

    /// What it comes to.
    pub fn conclusion(&self) -> Conclusion {
        self.conclusion
    }

    /// For a terminal, at most 100 columns wide, the verdict first.
    pub fn text(&self) -> String {
        text::text(self)
    }

    /// One document with everything, of the shape [`SCHEMA`].
    pub fn json(&self) -> String {
        json::json(self)
    }

    /// One file that needs nothing else and runs nothing.
    pub fn html(&self) -> String {
        html::html(self)
    }

    /// What is to be said of answers that never came, where the crowd had a part in it.
    fn on_purpose(&self) -> Option<&'static str> {
        let dropped = self.facts.mix.iter().any(|(name, share)| name == "lost_reply" && *share > 0);
        (dropped && self.numbers.troubles.lost > 0)
            .then_some("some of the crowd drop their connection on purpose, and ask again")
    }

    /// The verdict in one sentence.
    fn headline(&self) -> String {
        let broken = self.standings.iter().filter(|one| one.findings > 0).count();
        match (self.conclusion, broken) {
            (Conclusion::Held, _) => "Every promise held.".to_owned(),
            (Conclusion::NothingLookedAt, _) => "Nothing was looked at.".to_owned(),
            (Conclusion::Broken, 0 | 1) => "A promise is broken.".to_owned(),
            (Conclusion::Broken, many) => format!("{many} promises are broken."),
        }
    }

    /// What happened, in a sentence or two.
    fn summary(&self) -> String {
        let Numbers { people, claims, units, .. } = self.numbers;
        let went = self.numbers.winners.len() as u64;
        let crowd = figures::counted(people, "person", "people");
        let asked = figures::counted(claims, "claim", "claims");
        let there_were = figures::counted(units, "unit", "units");
        let first = format!("{crowd} made {asked} for {there_were}.");
        let second = match self.numbers.last_unit_ms {
            None => "Nobody got one.".to_owned(),
            Some(ms) if self.numbers.all_gone() && ms >= 0.0 => {
                format!("The last unit went {} after the opening.", figures::duration(ms))
            }
            Some(_) => format!("{} went.", figures::thousands(went)),
        };
        format!("{first} {second}")
    }
}

/// What a promise is called in reports.
const fn title(promise: Promise) -> &'static str {
    match promise {
        Promise::NeverOversold => "Never oversold",
        Promise::AnswersKept => "An answer given is kept",
        Promise::OneLimit => "One person, one limit",
        Promise::CodesOnce => "A code goes out once, in order",
        Promise::InOrder => "First come, first served",
        Promise::AskAgain => "Ask again, hear the same",
        Promise::TimeDecidesOnce => "Time decides once, and money agrees",
    }
}

/// The permanent name of a promise in the JSON document.
const fn name(promise: Promise) -> &'static str {
    match promise {
        Promise::NeverOversold => "never_oversold",
        Promise::AnswersKept => "answers_kept",
        Promise::OneLimit => "one_limit",
        Promise::CodesOnce => "codes_once",
        Promise::InOrder => "in_order",
        Promise::AskAgain => "ask_again",
        Promise::TimeDecidesOnce => "time_decides_once",
    }
}

/// The number of a promise, from 1.
fn number(promise: Promise) -> usize {
    Promise::ALL.iter().position(|one| *one == promise).map_or(0, |at| at + 1)
}

/// The promise that a check guards; `None` for a check that nobody knows.
fn guarded_by(check: &str) -> Option<Promise> {
    CHECKS.iter().find(|(name, ..)| *name == check).map(|(_, promise, _)| *promise)
}

fn standing(verdict: &Verdict, promise: Promise) -> Standing {
    let kept = verdict.findings.iter().filter(|finding| finding.promise == promise).count() as u64;
    let own = |(check, _): &&(&'static str, u64)| guarded_by(check) == Some(promise);
    let beyond: u64 = verdict.more.iter().filter(own).map(|(_, count)| count).sum();
    let looked_at = verdict.looked_at.iter().filter(own).copied().collect();
    Standing { promise, findings: kept + beyond, looked_at }
}

fn conclusion(history: &History, verdict: &Verdict, ledger: Option<&LedgerChecked>) -> Conclusion {
    let decided = history.calls.iter().any(|call| {
        let asked = matches!(call.asked, Asked::Claim { .. } | Asked::Result { .. });
        asked && matches!(call.heard, Heard::Won(_) | Heard::Refused(..))
    });
    let looked_at = verdict.looked_at.iter().any(|(_, count)| *count > 0);
    match verdict.holds() && ledger.is_none_or(|ledger| ledger.holds) {
        false => Conclusion::Broken,
        true if decided && looked_at => Conclusion::Held,
        true => Conclusion::NothingLookedAt,
    }
}

/// The findings that a report has room for, without codes.
fn shown(history: &History, verdict: &Verdict) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        verdict.findings.iter().take(FINDINGS_SHOWN_MAX).cloned().collect();
    // Checks keep codes out of their sentences. A report goes to people, so that is not left to trust.
    let codes = if findings.is_empty() { HashSet::new() } else { codes(history) };
    for finding in &mut findings {
        finding.what = bounded(&without_codes(&finding.what, &codes));
    }
    findings.sort_by_key(|finding| finding.promise);
    findings
}

fn codes(history: &History) -> HashSet<&str> {
    let announced = history.announced.types.iter().flat_map(|one| &one.codes);
    let exported = history.orders.iter().filter_map(|row| row.code.as_ref());
    let heard = history.calls.iter().flat_map(|call| tickets(&call.heard));
    let heard = heard.filter_map(|ticket| ticket.code.as_ref());
    let all = announced.chain(exported).chain(heard).map(String::as_str);
    let priced = history.paying.iter().flat_map(|paying| &paying.sale.types);
    let all = all.chain(priced.flat_map(|one| &one.codes).map(String::as_str));
    all.filter(|code| code.len() >= CODE_BYTES_MIN).collect()
}

fn tickets(heard: &Heard) -> &[Ticket] {
    match heard {
        Heard::Won(ticket) => std::slice::from_ref(ticket),
        Heard::Refused(_, tickets) | Heard::Tickets(tickets) => tickets,
        _ => &[],
    }
}

/// The sentence with each word that is a code taken out.
fn without_codes(what: &str, codes: &HashSet<&str>) -> String {
    let ends_word = |c: char| c.is_whitespace() || "\"'`“”‘’()[]{}<>,;".contains(c);
    let mut out = String::with_capacity(what.len());
    for piece in what.split_inclusive(ends_word) {
        let word = piece.trim_end_matches(ends_word);
        let bare = word.trim_end_matches(['.', ':', '!', '?']);
        if codes.contains(word) || codes.contains(bare) {
            out.push_str("(a code)");
            out.push_str(&piece[bare.len()..]);
        } else {
            out.push_str(piece);
        }
    }
    out
}

fn bounded(what: &str) -> String {
    let plain = what.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut out: String = plain.clone().take(FINDING_CHARS_MAX).collect();
    if plain.count() > FINDING_CHARS_MAX {
        out.push('…');
    }
    out
}
