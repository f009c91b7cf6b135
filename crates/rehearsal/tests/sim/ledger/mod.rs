//! A ledger on a simulated disk: what is durable outlives a crash, what is in doubt may or may not, and everything
//! else is gone. It behaves as the contract says and fails when it is told to; it passes the conformance suite.

mod access;
mod activities;
mod audit;
mod claims;
mod disk;
mod orders;
mod people;
mod relay;

use disk::Disk;
use ledger::{Cause, Ledger, LedgerFault};
use parking_lot::Mutex;
use rules::Epoch;
use std::{path::Path, sync::Arc};

/// What is done to the ledger, as far as its failures are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// Ownership is taken at a start.
    Own,
    /// Ownership is taken anew after a failure.
    Recover,
    /// A batch of claims is written.
    Commit,
    /// People's parts are written.
    Parts,
    /// An operator's change is written.
    Change,
    /// Changes of orders are written.
    Orders,
    /// Anything else is written.
    Other,
    /// Something is read.
    Read,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It works.
    Works,
    /// It fails, and nothing was written.
    NothingHappened(Cause),
    /// It fails, and it is not known whether it was written.
    Unknown {
        /// Whether it was. It shows once the ledger was recovered, or opened after a crash.
        written: bool,
    },
}

/// Decides when calls fail and how long they take.
pub trait Weather: Send + Sync {
    /// A call begins. This may take as long as it likes, or never come back: a crash.
    fn begin(&self, call: Call) -> Fate;

    /// What the call did is done, and its caller does not know yet. This may never come back either.
    fn end(&self, call: Call);
}

/// Everything works, at once.
pub struct Calm;

impl Weather for Calm {
    fn begin(&self, _: Call) -> Fate {
        Fate::Works
    }

    fn end(&self, _: Call) {}
}

/// What a disk does that no honest one does; each is a bug that the checks have to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// The last batch of claims before a crash was acknowledged and is gone.
    ForgetsAtCrash,
    /// A batch in doubt that was written is said to be gone, and comes back with the next crash.
    BringsBack,
    /// A change that was written is said not to have been.
    DeniesChanges,
    /// Nobody is ever told that an ended ownership has ended.
    NeverSettles,
    /// Ownership is taken without an end of the one before.
    SharesOwnership,
    /// The last changes of orders before a crash were acknowledged and are gone.
    ForgetsChangesAtCrash,
    /// Changes of orders that were written are said not to have been.
    DeniesOrders,
    /// A provider's reference is a new payment each time that it is told of.
    TakesTwice,
    /// An order that is over becomes paid (C17).
    PaysWhatIsOver,
    /// Deadlines that were moved are not remembered.
    ForgetsExtensions,
    /// Of money that is to go back nobody is told.
    ForgetsRefunds,
    /// What is over is not open at any provider any more, whether or not it was closed there.
    ForgetsWhatIsOver,
}

/// A batch of which nobody knows whether it was written.
struct Doubt {
    then: Arc<Disk>,
    written: bool,
}

struct Platter {
    disk: Arc<Disk>,
    doubt: Option<Doubt>,
    owned: bool,
    /// For disks that forget: what was written last, and the disk before it.
    before_batch: Option<(Call, Arc<Disk>)>,
    /// For `Lie::BringsBack`: what comes back.
    hidden: Option<Arc<Disk>>,
}

/// The simulated disk. Ledgers come and go, it stays.
pub struct Device {
    platter: Mutex<Platter>,
    lie: Option<Lie>,
}

impl Device {
    /// An empty one.
    pub fn new(lie: Option<Lie>) -> Arc<Self> {
        Self::with(Disk::default(), lie)
    }

    fn with(disk: Disk, lie: Option<Lie>) -> Arc<Self> {
        let (doubt, owned, before_batch, hidden) = (None, false, None, None);
        let disk = Arc::new(disk);
        let platter = Mutex::new(Platter { disk, doubt, owned, before_batch, hidden });
        Arc::new(Self { platter, lie })
    }

    /// Removes a claim behind the back of everybody; whether it was there.
    #[allow(dead_code, reason = "only the conformance suite loses claims")]
    pub fn lose(&self, activity: rules::ActivityNo, seq: rules::Seq) -> bool {
        let mut platter = self.platter.lock();
        Arc::make_mut(&mut platter.disk).claims_mut(activity).remove(&seq).is_some()
    }

    /// The process that had it has died.
    #[allow(dead_code, reason = "the conformance suite knows no crashes")]
    pub fn crash(&self) {
        let mut platter = self.platter.lock();
        platter.owned = false;
        let platter = &mut *platter;
        match self.lie {
            Some(Lie::ForgetsAtCrash) => platter.forget(Call::Commit),
            Some(Lie::ForgetsChangesAtCrash) => platter.forget(Call::Orders),
            Some(Lie::BringsBack) => {
                if let Some(hidden) = platter.hidden.take() {
                    platter.disk = Arc::new(platter.disk.with_claims_of(&hidden));
                }
            }
            _ => {}
        }
    }
}

impl Platter {
    /// What was written last is gone, if it was of this kind.
    fn forget(&mut self, kind: Call) {
        if let Some((_, before)) = self.before_batch.take().filter(|(of, _)| *of == kind) {
            self.disk = before;
            self.doubt = None;
        }
    }

    /// What was in doubt is settled, for good.
    fn resolve(&mut self, lie: Option<Lie>) {
        let Some(doubt) = self.doubt.take() else { return };
        match (doubt.written, lie) {
            (true, Some(Lie::BringsBack)) => self.hidden = Some(doubt.then),
            (true, _) => self.disk = doubt.then,
            (false, _) => {}
        }
    }
}

/// A ledger on a [`Device`]: its owner's, or a reader's beside it.
pub struct SimLedger {
    device: Arc<Device>,
    weather: Arc<dyn Weather>,
    owner: bool,
}

impl SimLedger {
    /// Opens it as its one owner; owned by another: `Busy`.
    pub fn open(device: &Arc<Device>, weather: Arc<dyn Weather>) -> Result<Self, LedgerFault> {
        let mut platter = device.platter.lock();
        if platter.owned {
            return Err(LedgerFault::NothingHappened(Cause::Busy));
        }
        platter.owned = true;
        platter.resolve(device.lie);
        Ok(Self { device: Arc::clone(device), weather, owner: true })
    }

    /// Opens it beside its owner.
    pub fn beside(device: &Arc<Device>) -> Self {
        Self { device: Arc::clone(device), weather: Arc::new(Calm), owner: false }
    }

    fn snapshot(&self) -> Arc<Disk> {
        Arc::clone(&self.device.platter.lock().disk)
    }

    /// What is on disk as of now, or a fault: reading changes nothing.
    fn read(&self) -> Result<Arc<Disk>, LedgerFault> {
        match self.weather.begin(Call::Read) {
            Fate::Works => Ok(self.snapshot()),
            Fate::NothingHappened(cause) => Err(LedgerFault::NothingHappened(cause)),
            Fate::Unknown { .. } => Err(LedgerFault::NothingHappened(Cause::Io)),
        }
    }

    /// One transaction. `Ok(Err(_))`: the work refused, and nothing was written; so it is after a cause.
    fn try_write<T, E>(
        &self,
        call: Call,
        work: impl FnOnce(&mut Disk) -> Result<Result<T, E>, Cause>,
    ) -> Result<Result<T, E>, LedgerFault> {
        if !self.owner {
            return Err(LedgerFault::NothingHappened(Cause::Closed));
        }
        let fate = self.weather.begin(call);
        let done = self.transact(call, fate, work);
        self.weather.end(call);
        done
    }

    fn transact<T, E>(
        &self,
        call: Call,
        fate: Fate,
        work: impl FnOnce(&mut Disk) -> Result<Result<T, E>, Cause>,
    ) -> Result<Result<T, E>, LedgerFault> {
        let mut platter = self.device.platter.lock();
        if platter.doubt.is_some() {
            return Err(LedgerFault::NothingHappened(Cause::Closed));
        }
        let mut then = Disk::clone(&platter.disk);
        let done = match (fate, work(&mut then).map_err(LedgerFault::NothingHappened)?) {
            (Fate::NothingHappened(cause), _) => {
                return Err(LedgerFault::NothingHappened(cause));
            }
            (_, Err(refused)) => return Ok(Err(refused)),
            (_, Ok(done)) => done,
        };
        let then = Arc::new(then);
        if let Fate::Unknown { written } = fate {
            let denied = match self.device.lie {
                Some(Lie::DeniesChanges) => call == Call::Change,
                Some(Lie::DeniesOrders) => call == Call::Orders,
                _ => false,
            };
            if denied && written {
                platter.disk = then;
                return Err(LedgerFault::NothingHappened(Cause::Io));
            }
            platter.doubt = Some(Doubt { then, written });
            return Err(LedgerFault::Unknown(Cause::Io));
        }
        let before = std::mem::replace(&mut platter.disk, then);
        platter.before_batch = Some((call, before));
        Ok(Ok(done))
    }

    fn write<T>(
        &self,
        call: Call,
        work: impl FnOnce(&mut Disk) -> Result<T, Cause>,
    ) -> Result<T, LedgerFault> {
        let work = |disk: &mut Disk| work(disk).map(Ok::<T, std::convert::Infallible>);
        self.try_write(call, work).map(|Ok(done)| done)
    }

    fn raise_epoch(&self, call: Call) -> Result<Epoch, LedgerFault> {
        let shares = self.device.lie == Some(Lie::SharesOwnership);
        self.write(call, |disk| {
            if !shares || disk.epoch == Epoch(0) {
                disk.epoch.0 += 1;
            }
            Ok(disk.epoch)
        })
    }

    /// Settles what is in doubt before it takes ownership anew; a failure before that leaves the doubt.
    fn start_over(&self) -> Result<Epoch, LedgerFault> {
        if !self.owner {
            return Err(LedgerFault::NothingHappened(Cause::Closed));
        }
        let fate = self.weather.begin(Call::Recover);
        if let Fate::NothingHappened(cause) = fate {
            return Err(LedgerFault::NothingHappened(cause));
        }
        self.device.platter.lock().resolve(self.device.lie);
        let shares = self.device.lie == Some(Lie::SharesOwnership);
        let raised = self.transact(Call::Recover, fate, |disk| {
            disk.epoch.0 += u32::from(!shares);
            Ok(Ok::<Epoch, std::convert::Infallible>(disk.epoch))
        });
        self.weather.end(Call::Recover);
        raised.map(|Ok(epoch)| epoch)
    }
}

impl Drop for SimLedger {
    fn drop(&mut self) {
        if self.owner {
            self.device.platter.lock().owned = false;
        }
    }
}

impl Ledger for SimLedger {
    fn secret(&self, name: &'static str) -> Result<[u8; 32], LedgerFault> {
        if let Some(secret) = self.read()?.secrets.get(name) {
            return Ok(*secret);
        }
        self.write(Call::Other, |disk| {
            // No secret at all, but another one for each name, and the same in each run.
            let mut secret = [0x5A_u8; 32];
            for (place, byte) in name.bytes().enumerate() {
                secret[place % 32] = secret[place % 32].wrapping_mul(31).wrapping_add(byte);
            }
            Ok(*disk.secrets.entry(name).or_insert(secret))
        })
    }

    fn backup(&self, to: &Path) -> Result<(), LedgerFault> {
        access::backup(self.snapshot(), to).map_err(LedgerFault::NothingHappened)
    }
}

#[allow(unused_imports, reason = "only the conformance suite restores backups")]
pub use access::restored;
