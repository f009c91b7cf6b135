//! Kills the server while the sale is open, at the moments of the plan, and has it started again on what is on its disk.
//! Only a server that was started for the rehearsal is ever killed; how that is done is the affair of whoever started it.

use super::{
    Note, RehearseFault, Stop,
    operator::Desk,
    sale::Sale,
    setting::Setting,
    time::{Ahead, Clock},
};
use crate::{
    crowd::Hours,
    history::{Change, Intervention, Micros, paying::Outage},
    plan::{Plan, PlannedKill},
};
use std::{io, sync::Arc, time::Duration};

/// Microseconds for which a server serves at least before it is killed again.
const BREATH: u64 = 300_000;

/// A server that may be killed.
pub trait Mortal: Send + Sync {
    /// Kills it as a power cut kills a process (SIGKILL), and returns once it is gone.
    ///
    /// # Errors
    /// It could not be killed.
    fn kill(&self) -> io::Result<()>;

    /// Starts it again on what is on its disk, at the address that it had, and returns once it serves.
    ///
    /// # Errors
    /// It did not start, or not in time.
    fn start(&self) -> io::Result<()>;
}

/// What came of the kills.
#[derive(Default)]
pub(super) struct Killed {
    pub(super) outages: Vec<Outage>,
    pub(super) notes: Vec<Note>,
    /// The server's clock, as it was after each of them.
    pub(super) clock: Option<Ahead>,
}

impl Killed {
    /// The kills as what they are to a sale: each may have taken with it what was not on disk.
    pub(super) fn interventions(&self) -> impl Iterator<Item = Intervention> + '_ {
        self.outages.iter().map(|one| Intervention {
            sent: one.killed,
            heard: Some(one.back),
            what: Change::Restarted,
        })
    }
}

/// Whoever kills.
pub(super) struct Killer<'a> {
    pub(super) mortal: Option<&'a Arc<dyn Mortal>>,
    pub(super) plan: &'a Plan,
    pub(super) desk: &'a Desk,
    pub(super) sale: &'a Sale,
    pub(super) setting: &'a Setting,
    pub(super) stop: &'a Stop,
}

impl Killer<'_> {
    /// Kills at each planned moment; none comes after the end, and none after the crowd was sent home.
    pub(super) async fn work(&self, hours: Hours) -> Result<Killed, RehearseFault> {
        let mut killed = Killed::default();
        let Some(mortal) = self.mortal else {
            killed.notes.extend((self.plan.kills > 0).then_some(Note::NotKilled));
            return Ok(killed);
        };
        let planned = self.plan.planned_kills();
        let (mut free_from, mut left) = (hours.opens, planned.len());
        for planned in planned {
            let when = Micros(hours.opens.0 + planned.after_opening.0).max(free_from);
            let too_late = when >= hours.ends;
            if too_late || !self.wait(when).await {
                break;
            }
            let outages = self.once(mortal, planned).await.inspect_err(|_| {
                // Nobody has anything to wait for any more.
                self.setting.send_home(Duration::ZERO);
                self.stop.ask();
            })?;
            left -= 1;
            killed.outages.extend(outages);
            free_from = Micros(self.clock().now().0 + BREATH);
            if let Ok((clock, _)) = self.sale.look_at_clock(self.desk).await {
                killed.clock = Some(killed.clock.map_or(clock, |known| known.or(clock)));
            }
        }
        killed.notes.extend((left > 0).then_some(Note::FewerKills(left)));
        Ok(killed)
    }

    /// False where the crowd was sent home meanwhile.
    async fn wait(&self, when: Micros) -> bool {
        tokio::select! {
            () = tokio::time::sleep_until(self.clock().moment(when)) => true,
            () = self.setting.home.wait() => false,
        }
    }

    fn clock(&self) -> Clock {
        self.desk.clock()
    }

    /// One kill, or two in a row: what was killed before it served was never back.
    async fn once(
        &self,
        mortal: &Arc<dyn Mortal>,
        planned: PlannedKill,
    ) -> Result<Vec<Outage>, RehearseFault> {
        let clock = self.clock();
        let mut outages = Vec::new();
        self.setting.away(true);
        let mut outage = self.kill(mortal).await?;
        tokio::time::sleep(Duration::from_micros(planned.away.0)).await;
        outage.started = clock.now();
        let starting = on(mortal, |mortal| mortal.start());
        if let Some(after) = planned.again {
            let killing = async {
                tokio::time::sleep(Duration::from_micros(after.0)).await;
                self.kill(mortal).await
            };
            let (started, second) =
                tokio::join!(async { starting.await.map(|()| clock.now()) }, killing);
            let second = second?;
            if let Ok(back) = started.map(|back| back.min(second.killed)) {
                outages.push(Outage { back, ..outage });
                outage = Outage { started: clock.now(), ..second };
            }
            on(mortal, |mortal| mortal.start()).await?;
        } else {
            starting.await?;
        }
        outage.back = clock.now();
        outages.push(outage);
        self.setting.away(false);
        Ok(outages)
    }

    /// Kills; nobody has started it again yet.
    async fn kill(&self, mortal: &Arc<dyn Mortal>) -> Result<Outage, RehearseFault> {
        let killed = self.clock().now();
        on(mortal, |mortal| mortal.kill()).await?;
        Ok(Outage { killed, dead: self.clock().now(), ..Outage::default() })
    }
}

/// Where it may take its time and nobody else waits for it.
async fn on(
    mortal: &Arc<dyn Mortal>,
    work: impl FnOnce(&dyn Mortal) -> io::Result<()> + Send + 'static,
) -> Result<(), RehearseFault> {
    let mortal = Arc::clone(mortal);
    let done = tokio::task::spawn_blocking(move || work(&*mortal)).await;
    let done = done.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
    done.map_err(|error| RehearseFault::NotBack(error.kind()))
}
