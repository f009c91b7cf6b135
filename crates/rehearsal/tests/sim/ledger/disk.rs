//! What a simulated disk holds: the ledger's tables as plain collections, cheap to copy, for a transaction is a copy
//! that takes the place of what was there. It knows no fault and no epoch but the one it stores.

use super::orders::Joined;
use ledger::{
    AuditEntry, Lateness, NoticeRecord, OperatorKey, OrderMark, PaymentRecord, Person,
    StoredActivity,
};
use rules::{
    ActivityNo, Claim, Epoch, Event, EventNo, OrderNo, Part, Seq, TimeMs, TypeNo, UnitNo, UserNo,
};
use std::{collections::BTreeMap, sync::Arc};

/// A name and what belongs to it; its number is its place from 1.
#[derive(Clone)]
pub struct Name {
    pub person: Person,
    pub password_hash: Option<String>,
}

/// A line of a roster.
#[derive(Clone)]
pub struct Listed {
    pub user: UserNo,
    pub display_name: String,
    pub department: String,
}

/// An activity; its number is its place from 1.
#[derive(Clone)]
pub struct Sold {
    pub stored: StoredActivity,
    pub first_units: Vec<u32>,
    pub codes: Vec<Vec<String>>,
    pub roster: Vec<Listed>,
}

/// What an operator's key did.
#[derive(Clone)]
pub struct Keyed {
    pub key: OperatorKey,
    pub event: Event,
}

/// An activity's claims by their seq.
pub type Claims = BTreeMap<Seq, Claim>;

#[derive(Clone, Default)]
pub struct Disk {
    pub epoch: Epoch,
    pub secrets: BTreeMap<&'static str, [u8; 32]>,
    pub names: Arc<Vec<Name>>,
    pub by_name: Arc<BTreeMap<String, UserNo>>,
    pub activities: Vec<Arc<Sold>>,
    pub codes: Arc<BTreeMap<String, (ActivityNo, TypeNo, UnitNo)>>,
    pub last_event: EventNo,
    pub keyed: Arc<Vec<Keyed>>,
    pub claims: BTreeMap<ActivityNo, Arc<Claims>>,
    /// Claims ever acknowledged, by activity.
    pub tallies: BTreeMap<ActivityNo, u32>,
    pub parts: BTreeMap<ActivityNo, Arc<BTreeMap<UserNo, Part>>>,
    pub audit: Arc<Vec<AuditEntry>>,
    /// Orders to which something has happened.
    pub orders: Arc<BTreeMap<OrderNo, OrderMark>>,
    /// A payment's number is its place from 1.
    pub payments: Arc<Vec<PaymentRecord>>,
    /// Where buyers were sent to pay, and when.
    pub starts: Arc<BTreeMap<(OrderNo, String), TimeMs>>,
    /// In the order of joining.
    pub joined: Arc<Vec<Joined>>,
    pub notices: Arc<Vec<NoticeRecord>>,
    pub extensions: Arc<Vec<Lateness>>,
    pub alive_at: TimeMs,
    pub revoked: Arc<BTreeMap<(UserNo, [u8; 16]), TimeMs>>,
}

impl Disk {
    pub fn activity(&self, no: ActivityNo) -> Option<&Arc<Sold>> {
        self.activities.get((no.0 as usize).checked_sub(1)?)
    }

    pub fn activity_mut(&mut self, no: ActivityNo) -> Option<&mut Sold> {
        self.activities.get_mut((no.0 as usize).checked_sub(1)?).map(Arc::make_mut)
    }

    pub fn name(&self, no: UserNo) -> Option<&Name> {
        self.names.get((no.0 as usize).checked_sub(1)?)
    }

    pub fn name_mut(&mut self, no: UserNo) -> Option<&mut Name> {
        let place = (no.0 as usize).checked_sub(1)?;
        Arc::make_mut(&mut self.names).get_mut(place)
    }

    pub fn by_name(&self, name: &str) -> Option<&Name> {
        self.name(*self.by_name.get(name)?)
    }

    /// An activity's claims in the order of seq.
    pub fn claims_of(&self, no: ActivityNo) -> Arc<Claims> {
        self.claims.get(&no).cloned().unwrap_or_default()
    }

    pub fn claims_mut(&mut self, no: ActivityNo) -> &mut Claims {
        Arc::make_mut(self.claims.entry(no).or_default())
    }

    /// This disk with the claims of another one in the place of its own: for a disk that lies.
    pub fn with_claims_of(&self, other: &Self) -> Self {
        let mut disk = self.clone();
        for (no, claims) in &other.claims {
            let mine = disk.claims_mut(*no);
            for (seq, claim) in claims.iter() {
                mine.insert(*seq, *claim);
            }
            let count = mine.len() as u32;
            disk.tallies.insert(*no, count);
        }
        disk
    }
}
