//! One rehearsal over HTTP, from the sign-in to the exports. It judges nothing, and it closes the activity that it
//! made, whatever went wrong in between.

use super::{
    Doing, Note, Phase, Progress, RehearseFault, Seen, Stop, Target,
    kills::{Killed, Killer, Mortal},
    operator::{Desk, Wanted},
    paying::{self, Paid, Payers, PricedActivity, Probed},
    request::{Requests, bearer},
    sale::{Making, Sale, names_of, vouch},
    seat::{Seated, Watched, attend, own_addresses, seats},
    setting::{SETTLE_MAX, Setting},
    time::{Ahead, Clock},
};
use crate::{
    crowd::{Hours, crowd},
    history::{Change, Effect, History, Intervention, Micros, TypeIndex, paying::Paying},
    plan::{Plan, PlannedChange},
};
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How often the progress is told.
const TELL_EVERY: Duration = Duration::from_millis(200);
const US_OF_A_MS: u64 = 1_000;

/// Rehearses: signs the crowd in, makes an activity of its own, sends the crowd at it, reads the exports, closes it.
/// Needs a tokio runtime with I/O and time; the crowd itself runs on threads of its own. A server that may be killed is,
/// as often as the plan says.
///
/// # Errors
/// What kept it from being a rehearsal; whatever the server did to the crowd is in the history instead.
pub async fn run(
    target: &Target,
    mortal: Option<&Arc<dyn Mortal>>,
    plan: &Plan,
    progress: &dyn Progress,
    stop: &Stop,
) -> Result<Seen, RehearseFault> {
    plan.validate()?;
    let (desk, _) = Desk::open(target, Clock::start()).await?;
    let names = plan.names();
    let tokens = vouch(&desk, &names, progress).await?;
    let till = till(&desk, plan, progress).await?;
    progress.at(Phase::Preparing, 0, 2);
    let roster = plan.roster();
    let making = Making {
        suffix: "",
        seed: plan.seed,
        opens_after_s: plan.opens_after_s.into(),
        seconds: plan.seconds.into(),
        types: &plan.types,
        limit_per_person: plan.limit_per_person,
        roster: roster.as_deref().map(|people| names_of(&names, people)),
    };
    let told = desk.must(Wanted::get(Doing::SigningIn, "/user/me")).await?;
    let sale = Sale::make(&desk, &told, &making).await?;
    let rehearsal = Rehearsal { target, mortal, plan, progress, stop, desk: &desk, sale: &sale };
    let with_payers = rehearsal.with_payers(till, names, tokens).await;
    let closed = sale.close(&desk).await;
    let mut seen = with_payers?;
    if closed.is_err() {
        seen.notes.push(Note::NotClosed);
    }
    Ok(seen)
}

/// What is there for payers before anybody comes: their tokens, or why there are none.
enum Till {
    Ready(Vec<String>),
    LeftOut(Option<Note>),
}

impl Till {
    fn note(self) -> Option<Note> {
        match self {
            Self::Ready(_) => None,
            Self::LeftOut(note) => note,
        }
    }
}

/// Signs payers in, if any are planned, and looks whether they can pay.
async fn till(desk: &Desk, plan: &Plan, progress: &dyn Progress) -> Result<Till, RehearseFault> {
    if plan.paying.is_none() {
        return Ok(Till::LeftOut(None));
    }
    let tokens = paying::sign_in(desk, plan, progress).await?;
    let first = tokens.first().ok_or(RehearseFault::Unreadable(Doing::Vouching))?;
    let told = desk.must(Wanted::get(Doing::SigningIn, "/user/me")).await?;
    Ok(match paying::probe(desk, &told, plan.seed, first).await {
        Ok(Probed::Pays) => Till::Ready(tokens),
        Ok(Probed::PaysNot) => Till::LeftOut(Some(Note::NoTestProvider)),
        Err(fault) => Till::LeftOut(Some(Note::PayersFailed(fault))),
    })
}

/// A rehearsal whose activity has been made.
struct Rehearsal<'a> {
    target: &'a Target,
    mortal: Option<&'a Arc<dyn Mortal>>,
    plan: &'a Plan,
    progress: &'a dyn Progress,
    stop: &'a Stop,
    desk: &'a Desk,
    sale: &'a Sale,
}

/// What came of operators' changes.
#[derive(Default)]
struct Changed {
    interventions: Vec<Intervention>,
    notes: Vec<Note>,
}

impl Rehearsal<'_> {
    /// Holds it, with payers where they can pay; their activity is closed whatever went wrong.
    async fn with_payers(
        &self,
        till: Till,
        names: Vec<String>,
        tokens: Vec<String>,
    ) -> Result<Seen, RehearseFault> {
        let (planned, payers) = match (&self.plan.paying, till) {
            (Some(planned), Till::Ready(payers)) => (planned, payers),
            (_, left_out) => {
                let mut seen = self.hold(names, tokens, None).await?;
                seen.notes.extend(left_out.note());
                return Ok(seen);
            }
        };
        let hours = (self.sale.start_s, self.sale.end_s);
        let suffix = format!("{}-paid", self.plan.seed);
        let activity = PricedActivity::make(self.desk, planned, &suffix, hours).await?;
        let Self { target, plan, desk, stop, .. } = *self;
        let (activity, payers) = (&activity, &payers);
        let payers = Payers { target, plan, planned, desk, stop, activity, tokens: payers };
        let seen = self.hold(names, tokens, Some(&payers)).await;
        let closed = activity.close(self.desk).await;
        let mut seen = seen?;
        if closed.is_err() {
            seen.notes.push(Note::NotClosed);
        }
        Ok(seen)
    }

    async fn hold(
        &self,
        names: Vec<String>,
        tokens: Vec<String>,
        payers: Option<&Payers<'_>>,
    ) -> Result<Seen, RehearseFault> {
        let (before, round_trip) = self.sale.look_at_clock(self.desk).await?;
        self.progress.at(Phase::Preparing, 1, 2);
        let (opens, ends, _) = self.sale.hours(before);
        if self.desk.now() >= opens {
            return Err(RehearseFault::OpenedTooEarly);
        }
        let hours = Hours { opens, ends };
        let setting = self.setting(hours)?;
        let hands = self.seated(hours, &tokens)?;
        let lines = hands.len() as u64;
        let seats = seats(hands, self.plan.connections as usize, self.target.address.ip());
        self.progress.at(Phase::Preparing, 2, 2);
        let paying = async {
            match payers {
                Some(payers) => Some(payers.attend(hours).await),
                None => None,
            }
        };
        let Self { mortal, plan, desk, sale, stop, .. } = *self;
        let killer = Killer { mortal, plan, desk, sale, setting: &setting, stop };
        let work = async {
            let changing = self.change(hours, &setting);
            tokio::join!(attend(seats, &setting), changing, paying, killer.work(hours))
        };
        let (watched, changed, paid, killed) = tokio::select! {
            done = work => done,
            never = self.watch(hours, &setting, lines) => match never {},
        };
        let killed = killed?;
        let (after, _) = self.sale.look_at_clock(self.desk).await?;
        let after = killed.clock.map_or(after, |clock| clock.or(after));
        let mut seen = self.seen(watched?, changed, &killed);
        seen.round_trip = round_trip;
        seen.stopped = setting.home.asked();
        seen.history.names = names;
        let clock = before.or(after);
        seen.history.announced = self.sale.announced(self.plan, clock);
        if let Some((payers, paid)) = payers.zip(paid) {
            self.gather(payers, (paid, &killed), clock, &mut seen).await;
        }
        self.sale.export(self.desk, &mut seen.history, self.progress).await?;
        Ok(seen)
    }

    /// Adds what payers saw; that it cannot be read is a note and spoils nothing else.
    async fn gather(
        &self,
        payers: &Payers<'_>,
        (paid, killed): (Result<Paid, RehearseFault>, &Killed),
        clock: Ahead,
        seen: &mut Seen,
    ) {
        let off = self.sale.hours(clock).2;
        let gathered = match paid {
            Ok(paid) => payers.gather(paid, clock, off, &mut seen.notes).await,
            Err(fault) => Err(fault),
        };
        match gathered {
            // Payers who were sent home before they had anything have nothing to say.
            Ok(paying) if self.stop.asked() && !paying.has_orders() => {}
            Ok(paying) => {
                let outages = killed.outages.clone();
                seen.history.paying = Some(Box::new(Paying { outages, ..paying }));
            }
            Err(fault) => seen.notes.push(Note::PayersFailed(fault)),
        }
    }

    fn setting(&self, hours: Hours) -> Result<Arc<Setting>, RehearseFault> {
        let Target { address, host, .. } = self.target;
        let types = self.plan.types.iter().map(|planned| planned.id.as_str());
        let requests = Requests::new(host, &self.sale.id, types);
        let requests = requests.ok_or_else(|| RehearseFault::Address(host.clone()))?;
        let over = Micros(hours.ends.0 + SETTLE_MAX.as_micros() as u64);
        let id = self.sale.id.clone();
        Ok(Arc::new(Setting::new(*address, requests, id, self.desk.clock(), over)))
    }

    fn seated(&self, hours: Hours, tokens: &[String]) -> Result<Vec<Seated>, RehearseFault> {
        let unreadable = || RehearseFault::Unreadable(Doing::Vouching);
        let who = tokens.iter().map(|token| bearer(token)).collect::<Option<Vec<_>>>();
        let who = who.ok_or_else(unreadable)?;
        let hands = crowd(self.plan, hours).into_iter();
        let seated = hands.map(|hand| {
            let who = who.get(hand.person().0 as usize)?.clone();
            Some(Seated { hand, who })
        });
        seated.collect::<Option<_>>().ok_or_else(unreadable)
    }

    /// Tells the progress, and sends the crowd home when somebody asks for that.
    async fn watch(&self, hours: Hours, setting: &Setting, lines: u64) -> Infallible {
        let began = self.desk.now().0;
        loop {
            if self.stop.asked() && !setting.home.asked() {
                setting.send_home(SETTLE_MAX);
            }
            let now = self.desk.now().0;
            let ms = |from: u64, to: u64| to.saturating_sub(from) / US_OF_A_MS;
            if setting.home.asked() || now >= hours.ends.0 {
                self.progress.at(Phase::Settling, setting.ended.load(Ordering::Relaxed), lines);
            } else if now < hours.opens.0 {
                self.progress.at(Phase::Gathering, ms(began, now), ms(began, hours.opens.0));
            } else {
                let open = ms(hours.opens.0, hours.ends.0);
                self.progress.at(Phase::Open, ms(hours.opens.0, now), open);
            }
            tokio::select! {
                () = tokio::time::sleep(TELL_EVERY) => {}
                () = self.stop.wait(), if !setting.home.asked() => {}
            }
        }
    }

    /// Makes the planned changes, each at its time.
    async fn change(&self, hours: Hours, setting: &Setting) -> Changed {
        let mut changed = Changed::default();
        for (at, planned) in self.plan.changes.iter().enumerate() {
            let when = Micros(hours.opens.0 + planned.after_opening.0);
            tokio::select! {
                () = tokio::time::sleep_until(self.desk.clock().moment(when)) => {}
                () = setting.home.wait() => break,
            }
            self.change_one(at, planned, &mut changed).await;
        }
        changed
    }

    async fn change_one(&self, at: usize, planned: &PlannedChange, changed: &mut Changed) {
        let Some((path, body)) = self.change_call(planned.what) else {
            return changed.notes.push(Note::ChangeRefused(at));
        };
        let asked = self.desk.now();
        let wanted = Wanted::post(Doing::Changing, &path, body.as_ref());
        let (sent, heard) = match self.desk.call(wanted).await {
            Ok(told) if (told.status, told.ret) == (200, 0) => (told.sent, Some(told.ended)),
            Ok(told) if told.effect() == Effect::None => {
                return changed.notes.push(Note::ChangeRefused(at));
            }
            _ => {
                changed.notes.push(Note::ChangeUnsure(at));
                (asked, None)
            }
        };
        changed.interventions.push(Intervention { sent, heard, what: planned.what });
    }

    /// Nothing for what no operator can ask for.
    fn change_call(&self, what: Change) -> Option<(String, Option<Value>)> {
        let id = &self.sale.id;
        let switch = |name: &str| (format!("/admin/act/{name}?actId={id}"), None);
        let refill = |TypeIndex(at): TypeIndex, stock: i64| {
            let type_id = &self.plan.types[at].id;
            let path = format!("/admin/act/refill?actId={id}&typeId={type_id}");
            (path, Some(json!({ "stock": stock })))
        };
        Some(match what {
            Change::Restarted => return None,
            Change::Paused => switch("pause"),
            Change::Resumed => switch("resume"),
            Change::Closed => switch("close"),
            Change::Added(at, units) => refill(at, units.into()),
            Change::TakenBack(at, units) => refill(at, -i64::from(units)),
        })
    }

    fn seen(&self, watched: Watched, changed: Changed, killed: &Killed) -> Seen {
        let late = watched.late();
        let mut notes = watched.notes;
        notes.extend(changed.notes);
        notes.extend(killed.notes.iter().cloned());
        if watched.unheard > 0 {
            notes.push(Note::NotHeardOut(watched.unheard));
        }
        let server = self.target.address.ip();
        let mix = self.plan.mix;
        if !own_addresses(server) && mix.bot_one_prefix + mix.bot_many_prefixes > 0 {
            notes.push(Note::OneAddressOnly(server));
        }
        let mut interventions = changed.interventions;
        interventions.extend(killed.interventions());
        interventions.sort_by_key(|one| one.sent);
        let history = History { calls: watched.calls, interventions, ..History::default() };
        let (unsent, kept_out) = (watched.unsent, watched.kept_out);
        Seen { history, notes, unsent, kept_out, late, ..Seen::default() }
    }
}
