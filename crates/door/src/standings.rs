//! Who may do what, and whose sessions have ended, for every user at once and without a database
//! read.
//! Readers take no lock, save for the few users who have signed out of a single session.

use crate::token::{Bearer, Mark, SessionError};
use ledger::{LedgerFault, PeopleLedger, Role};
use parking_lot::RwLock;
use rules::{TimeMs, USERS_MAX, UserNo};
use std::{
    collections::HashMap,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Sessions a user may end one by one before their time; one more ends them all, which bounds the
/// memory.
pub const REVOKED_PER_USER_MAX: usize = 64;
/// Users in one page: 128 KiB. A page is made when its first user stops being a buyer of generation
/// 0.
const PAGE_USERS: usize = 16_384;
const PAGES: usize = USERS_MAX as usize / PAGE_USERS + 1;
/// How often marks whose time is over are forgotten.
const SWEEP_EVERY_MS: u64 = 60_000;

// A user's word: the generation in the low half, flags above it.
// A word of zeros, like no page at all, is a buyer of generation 0 with all sessions alive.
const OPERATOR: u64 = 1 << 32;
const REVOKED: u64 = 1 << 33;

/// How a user stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Sessions of an earlier generation have ended.
    pub generation: u32,
    /// Whether the user is an operator.
    pub operator: bool,
}

/// How every user stands. Eight bytes a user, and only for pages that hold something.
pub struct Standings {
    pages: Box<[OnceLock<Page>]>,
    // D1: a user's REVOKED flag is set exactly while the map holds marks of theirs; both change
    // under this lock.
    revoked: RwLock<Revoked>,
}

type Page = Box<[AtomicU64]>;

#[derive(Default)]
struct Revoked {
    of: HashMap<UserNo, Vec<(Mark, TimeMs)>>,
    sweep_at: TimeMs,
}

impl Default for Standings {
    fn default() -> Self {
        let pages = (0..PAGES).map(|_| OnceLock::new()).collect();
        Self { pages, revoked: RwLock::default() }
    }
}

impl Standings {
    /// What the ledger knows at `now`. Call it again after the ledger has recovered from a fault of
    /// unknown effect.
    pub fn load(&self, people: &dyn PeopleLedger, now: TimeMs) -> Result<(), LedgerFault> {
        people.standings(&mut |user, role, generation| self.raise(user, role, generation))?;
        people.revoked(now, &mut |user, mark, until| self.keep(user, Mark(mark), until))
    }

    /// How a user stands; users never heard of are buyers of generation 0.
    pub fn of(&self, user: UserNo) -> Standing {
        let word = self.word(user).map_or(0, |word| word.load(Ordering::Acquire));
        Standing { generation: word as u32, operator: word & OPERATOR != 0 }
    }

    /// Whether the session of a genuine token goes on.
    pub fn admit(&self, bearer: &Bearer) -> Result<Standing, SessionError> {
        let word = self.word(bearer.user).map_or(0, |word| word.load(Ordering::Acquire));
        if word as u32 != bearer.generation {
            return Err(SessionError::Ended);
        }
        if word & REVOKED != 0 && self.is_revoked(bearer) {
            return Err(SessionError::Ended);
        }
        Ok(Standing { generation: bearer.generation, operator: word & OPERATOR != 0 })
    }

    /// Sets the role, and the generation where it is a later one: two changes may arrive in either
    /// order.
    pub fn raise(&self, user: UserNo, role: Role, generation: u32) {
        let flag = if role == Role::Operator { OPERATOR } else { 0 };
        self.change(user, |word| {
            let generation = generation.max(word as u32);
            word & REVOKED | flag | u64::from(generation)
        });
    }

    /// All sessions of generations before this one have ended.
    pub fn raise_generation(&self, user: UserNo, generation: u32) {
        self.change(user, |word| {
            let flags = word & (OPERATOR | REVOKED);
            flags | u64::from(generation.max(word as u32))
        });
    }

    /// Whether the user has ended so many single sessions that the next has to end them all.
    pub fn is_full(&self, user: UserNo, now: TimeMs) -> bool {
        let revoked = self.revoked.read();
        let alive = |marks: &Vec<(Mark, TimeMs)>| marks.iter().filter(|m| now < m.1).count();
        revoked.of.get(&user).map_or(0, alive) >= REVOKED_PER_USER_MAX
    }

    /// One session has ended before its time.
    pub fn revoke(&self, bearer: &Bearer, now: TimeMs) {
        self.keep(bearer.user, bearer.mark, bearer.expires);
        self.sweep(now);
    }

    /// Marks kept of sessions that ended before their time.
    pub fn revoked_count(&self) -> usize {
        self.revoked.read().of.values().map(Vec::len).sum()
    }

    fn is_revoked(&self, bearer: &Bearer) -> bool {
        let revoked = self.revoked.read();
        let marks = revoked.of.get(&bearer.user);
        marks.is_some_and(|marks| marks.iter().any(|(mark, _)| *mark == bearer.mark))
    }

    fn keep(&self, user: UserNo, mark: Mark, until: TimeMs) {
        let mut revoked = self.revoked.write();
        let marks = revoked.of.entry(user).or_default();
        if !marks.iter().any(|(known, _)| *known == mark) {
            marks.push((mark, until));
        }
        self.change(user, |word| word | REVOKED);
    }

    /// Forgets marks whose time is over: their tokens have expired by themselves.
    fn sweep(&self, now: TimeMs) {
        let mut revoked = self.revoked.write();
        if now < revoked.sweep_at {
            return;
        }
        revoked.sweep_at = TimeMs(now.0.saturating_add(SWEEP_EVERY_MS));
        revoked.of.retain(|user, marks| {
            marks.retain(|(_, until)| now < *until);
            if marks.is_empty() {
                self.change(*user, |word| word & !REVOKED);
            }
            !marks.is_empty()
        });
    }

    fn word(&self, user: UserNo) -> Option<&AtomicU64> {
        let at = user.0 as usize;
        self.pages.get(at / PAGE_USERS)?.get()?.get(at % PAGE_USERS)
    }

    /// Changes a user's word in one step. A change that leaves nothing makes no page.
    fn change(&self, user: UserNo, change: impl Fn(u64) -> u64) {
        if self.word(user).is_none() && change(0) == 0 {
            return;
        }
        assert!(user.0 <= USERS_MAX, "the ledger gives no user a number above its bound");
        let page = &self.pages[user.0 as usize / PAGE_USERS];
        let page = page.get_or_init(|| (0..PAGE_USERS).map(|_| AtomicU64::new(0)).collect());
        let word = &page[user.0 as usize % PAGE_USERS];
        word.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| Some(change(word)))
            .expect("every word has a successor");
    }
}

#[cfg(test)]
mod tests;
