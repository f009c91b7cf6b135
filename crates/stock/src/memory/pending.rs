//! What waits for the ledger: accepted claims in the order of their decision, and people's parts.
//! Both queues are bounded; a full one turns the newest away and never drops what it took (C12).

use crate::Place;
use parking_lot::{Condvar, Mutex, MutexGuard};
use rules::{Claim, Part};
use std::{collections::VecDeque, time::Duration};

/// The queue is full.
#[derive(Debug)]
pub struct Turned;

#[derive(Default)]
struct Queue {
    claims: Vec<Claim>,
    /// The place given last; places are never used again.
    last: u64,
    /// Everything up to here was confirmed or given up by a load.
    settled: u64,
}

/// The queues.
pub struct Pending {
    queue: Mutex<Queue>,
    arrived: Condvar,
    /// Taken from the front in batches, while claims wait for this lock: never moved as a whole.
    parts: Mutex<VecDeque<Part>>,
    claims_max: u64,
    parts_max: usize,
}

/// A right to push the lines of one order: the queue is locked until it ends, so that nothing comes between them.
pub struct Turn<'a> {
    queue: MutexGuard<'a, Queue>,
    arrived: &'a Condvar,
    /// Places that are still to be used.
    left: u32,
}

impl Pending {
    /// Empty queues with room for so many.
    pub fn new(claims_max: u64, parts_max: usize) -> Self {
        Self {
            queue: Mutex::default(),
            arrived: Condvar::new(),
            parts: Mutex::default(),
            claims_max,
            parts_max,
        }
    }

    /// So many places at the end, if there is room for all of them.
    pub fn reserve(&self, lines: u32) -> Result<Turn<'_>, Turned> {
        let queue = self.queue.lock();
        if queue.last - queue.settled + u64::from(lines) > self.claims_max {
            return Err(Turned);
        }
        Ok(Turn { queue, arrived: &self.arrived, left: lines })
    }

    /// Takes all claims, waiting for the first at most `wait`; the place of the last one.
    pub fn take(&self, into: &mut Vec<Claim>, wait: Duration) -> Place {
        let mut queue = self.queue.lock();
        self.arrived.wait_while_for(&mut queue, |queue| queue.claims.is_empty(), wait);
        if queue.claims.is_empty() {
            return Place::DURABLE;
        }
        if into.is_empty() {
            std::mem::swap(into, &mut queue.claims);
        } else {
            into.append(&mut queue.claims);
        }
        Place(queue.last)
    }

    /// Everything up to `through` is durable.
    pub fn settle(&self, through: Place) {
        let mut queue = self.queue.lock();
        assert!(through.0 <= queue.last, "only what was given a place can become durable");
        queue.settled = queue.settled.max(through.0);
    }

    /// Gives up every claim that waits: the state it belongs to is gone. Parts say what happened, and stay.
    pub fn abandon(&self) {
        let mut queue = self.queue.lock();
        queue.claims.clear();
        queue.settled = queue.last;
    }

    /// How many claims are decided and not settled.
    pub fn depth(&self) -> u64 {
        let queue = self.queue.lock();
        queue.last - queue.settled
    }

    /// Queues a part; false if there is no room.
    pub fn push_part(&self, part: Part) -> bool {
        let mut parts = self.parts.lock();
        let room = parts.len() < self.parts_max;
        if room {
            parts.push_back(part);
        }
        room
    }

    /// Takes the oldest parts.
    pub fn take_parts(&self, into: &mut Vec<Part>, most: usize) {
        let mut parts = self.parts.lock();
        let count = parts.len().min(most);
        into.extend(parts.drain(..count));
    }
}

impl Turn<'_> {
    /// Puts the next line at the end.
    pub fn push(&mut self, claim: Claim) -> Place {
        assert!(self.left > 0, "no more lines than were reserved");
        self.left -= 1;
        self.queue.claims.push(claim);
        self.queue.last += 1;
        Place(self.queue.last)
    }

    /// Every line is there.
    pub fn end(self) {
        assert_eq!(self.left, 0, "an order is handed over whole");
        // The flusher sleeps on this only while it is idle; otherwise nobody is woken.
        self.arrived.notify_one();
    }
}
