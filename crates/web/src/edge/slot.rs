//! What is noted of one connection: in which phase it is and since when. The task that serves it notes, the sweep
//! of its core reads; both run in the same thread, and the atomics are only plain loads and stores.
//!
//! ```text
//! Waiting ─► Head ─► Body ─► Deciding ─► Streaming ─► Writing ─► Idle ─► Resting
//!              ▲       └──────────────────────────────────────────▲ │        │
//!              └───────────────────────────────────────────────────┴────────┘
//! every phase ─► Leaving (our last word is said; what still comes is thrown away)
//! ```

use super::{EdgeSettings, table::Table};
use std::{
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    task::Waker,
};

/// Bytes of a body that have to arrive within each `body_ms`: all of it for anybody but an operator, unless
/// `body_bytes_max` was raised.
const BODY_PART_BYTES: u32 = 64 * 1024;
/// Bytes of an answer that a client has to take within each `write_ms`.
const ANSWER_PART_BYTES: u32 = 16 * 1024;
/// Milliseconds after which a connection without a request gives up its buffers.
const REST_AFTER_MS: u64 = 1_000;
/// Milliseconds for which what still comes is thrown away after our last word, so that no reset destroys it.
const LINGER_MS: u64 = 1_000;
/// The same while the server stops.
const LINGER_STOPPING_MS: u64 = 250;

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Of the main listener.
    Main,
    /// Of the main listener, beyond those there is room for: one request, of operators and health checks only.
    Reserved,
    /// Of the listener that has `/metrics` alone.
    Metrics,
}

/// What a connection is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Nothing of a request has come yet.
    Waiting,
    /// A part of a request's head has come.
    Head,
    /// The head is whole, the body is not.
    Body,
    /// The request is whole, or needs no more of its body: the rest is our own time.
    Deciding,
    /// The answer has begun and is still being made.
    Streaming,
    /// The answer is made and not yet handed to the system.
    Writing,
    /// The answer is handed over, and no byte of another request has come.
    Idle,
    /// Idle, and without buffers.
    Resting,
    /// Closed by us.
    Leaving,
}

const PHASES: [Phase; 9] = [
    Phase::Waiting,
    Phase::Head,
    Phase::Body,
    Phase::Deciding,
    Phase::Streaming,
    Phase::Writing,
    Phase::Idle,
    Phase::Resting,
    Phase::Leaving,
];

/// What the sweep tells a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Order {
    /// Nothing.
    None,
    /// Give up your buffers until the next request comes.
    Rest,
    /// Close, unless a request has come meanwhile.
    Close,
    /// Say that the request did not come in time, and close.
    Refuse,
    /// Throw away what the client does not take.
    Reset,
    /// End, whatever still comes.
    End,
}

const ORDERS: [Order; 6] =
    [Order::None, Order::Rest, Order::Close, Order::Refuse, Order::Reset, Order::End];

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address that connected, or that the PROXY preamble named.
    pub address: IpAddr,
    /// Whether it is a proxy whose word is believed.
    pub trusted: bool,
}

/// One connection's entry in the table of its core.
pub struct Slot {
    pub(super) table: Arc<Table>,
    pub(super) kind: Kind,
    peer: OnceLock<Peer>,
    phase: AtomicU8,
    order: AtomicU8,
    /// When the phase began, or the present part of a body or an answer; in the table's milliseconds.
    since_ms: AtomicU64,
    /// When the first byte of the request came.
    begun_ms: AtomicU64,
    /// Bytes of the present part.
    part: AtomicU32,
    /// The client does not take what we write.
    blocked: AtomicBool,
    /// Some request said its length in two ways.
    doubled: AtomicBool,
    /// The answer to the present request is the last one.
    last: AtomicBool,
    waker: OnceLock<Waker>,
}

impl Slot {
    /// A connection that has just come.
    pub fn new(table: Arc<Table>, kind: Kind) -> Self {
        let since_ms = AtomicU64::new(table.now_ms());
        Self {
            table,
            kind,
            peer: OnceLock::new(),
            phase: AtomicU8::new(Phase::Waiting as u8),
            order: AtomicU8::new(Order::None as u8),
            since_ms,
            begun_ms: AtomicU64::new(0),
            part: AtomicU32::new(0),
            blocked: AtomicBool::new(false),
            doubled: AtomicBool::new(false),
            last: AtomicBool::new(false),
            waker: OnceLock::new(),
        }
    }

    /// Who is at the other end; known once the preamble is read, where one is wanted.
    pub fn peer(&self) -> Option<Peer> {
        self.peer.get().copied()
    }

    /// Says who is at the other end, once.
    pub fn set_peer(&self, address: IpAddr) {
        let address = address.to_canonical();
        let trusted = self.settings().trusts(address);
        let _ = self.peer.set(Peer { address, trusted });
    }

    fn settings(&self) -> &EdgeSettings {
        &self.table.app.settings.edge
    }

    /// What it is at.
    pub fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Relaxed))]
    }

    /// From now on it is at this.
    pub fn enter(&self, phase: Phase) {
        self.since_ms.store(self.table.now_ms(), Relaxed);
        self.phase.store(phase as u8, Relaxed);
    }

    /// It has given up its buffers; it goes on being without a request since it began to.
    pub fn rest(&self) {
        self.phase.store(Phase::Resting as u8, Relaxed);
    }

    /// Something may have come to a connection that rests.
    pub fn stir(&self) {
        if self.phase() == Phase::Resting {
            self.phase.store(Phase::Idle as u8, Relaxed);
        }
    }

    /// Bytes have come.
    pub fn read(&self, bytes: usize) {
        match self.phase() {
            Phase::Waiting | Phase::Idle | Phase::Resting => {
                self.begun_ms.store(self.table.now_ms(), Relaxed);
                self.enter(Phase::Head);
            }
            Phase::Body => self.add_part(bytes, BODY_PART_BYTES),
            _ => {}
        }
    }

    fn add_part(&self, bytes: usize, whole: u32) {
        let part = self.part.load(Relaxed).saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        let done = part >= whole;
        self.part.store(if done { 0 } else { part }, Relaxed);
        if done {
            self.since_ms.store(self.table.now_ms(), Relaxed);
        }
    }

    /// Some request said its length in two ways.
    pub fn note_doubled(&self) {
        self.doubled.store(true, Relaxed);
    }

    /// Whether some request said its length in two ways.
    pub fn doubled(&self) -> bool {
        self.doubled.load(Relaxed)
    }

    /// The head of a request is read, and perhaps all of it.
    pub fn asked(&self, whole: bool) {
        self.part.store(0, Relaxed);
        self.enter(if whole { Phase::Deciding } else { Phase::Body });
    }

    /// Nobody wants more of the body.
    pub fn body_read(&self) {
        if self.phase() == Phase::Body {
            self.enter(Phase::Deciding);
        }
    }

    /// The answer has begun; it is all there, or not.
    pub fn answered(&self, whole: bool) {
        self.part.store(0, Relaxed);
        self.enter(if whole { Phase::Writing } else { Phase::Streaming });
    }

    /// The rest of the answer is there too.
    pub fn streamed(&self) {
        if self.phase() == Phase::Streaming {
            self.phase.store(Phase::Writing as u8, Relaxed);
        }
    }

    /// The system takes no more bytes of the answer for now.
    pub fn blocked(&self) {
        if !self.blocked.load(Relaxed) {
            self.blocked.store(true, Relaxed);
            self.part.store(0, Relaxed);
            self.since_ms.store(self.table.now_ms(), Relaxed);
        }
    }

    /// The system has taken bytes.
    pub fn wrote(&self, bytes: usize) {
        if self.blocked.load(Relaxed) {
            self.add_part(bytes, ANSWER_PART_BYTES);
        }
    }

    /// The system has taken everything so far; `between`: and nothing of another request has come.
    pub fn flushed(&self, between: bool) {
        if self.blocked.load(Relaxed) {
            self.blocked.store(false, Relaxed);
        }
        if self.phase() == Phase::Writing {
            self.enter(if between { Phase::Idle } else { Phase::Head });
        }
    }

    /// The answer to this request is the last one.
    pub fn end_after_this(&self) {
        self.last.store(true, Relaxed);
    }

    /// Whether the answer to this request is the last one.
    pub fn is_last(&self) -> bool {
        self.last.load(Relaxed) || self.table.stopping()
    }

    /// Keeps what wakes the task. A task has one waker for its whole life.
    pub fn remember(&self, waker: &Waker) {
        self.waker.get_or_init(|| waker.clone());
    }

    /// What the sweep wants, asked once.
    pub fn take_order(&self) -> Order {
        let order = ORDERS[usize::from(self.order.load(Relaxed))];
        if order != Order::None {
            self.order.store(Order::None as u8, Relaxed);
        }
        order
    }

    /// Tells the task.
    pub fn give(&self, order: Order) {
        self.order.store(order as u8, Relaxed);
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// What is to be told at this moment. `slack_ms` is how old the table's clock may have been when something was
    /// noted by it: nobody is told before their time.
    pub fn due(&self, now_ms: u64, slack_ms: u64, stopping_since_ms: Option<u64>) -> Order {
        let settings = self.settings();
        let since = self.since_ms.load(Relaxed);
        let over = |since: u64, bound: u64| now_ms.saturating_sub(since) >= bound + slack_ms;
        let last_call = stopping_since_ms
            .is_some_and(|stopping| over(since.max(stopping), settings.stop_idle_ms));
        let request_over = || over(self.begun_ms.load(Relaxed), settings.request_ms);
        let linger_ms = if stopping_since_ms.is_some() { LINGER_STOPPING_MS } else { LINGER_MS };
        match self.phase() {
            Phase::Waiting if last_call || over(since, settings.first_byte_ms) => Order::Close,
            Phase::Head if over(since, settings.headers_ms) || request_over() => Order::Refuse,
            Phase::Body if over(since, settings.body_ms) || request_over() => Order::Refuse,
            Phase::Streaming | Phase::Writing
                if self.blocked.load(Relaxed) && over(since, settings.write_ms) =>
            {
                Order::Reset
            }
            Phase::Idle | Phase::Resting if last_call || over(since, settings.idle_ms) => {
                Order::Close
            }
            Phase::Idle if over(since, REST_AFTER_MS) => Order::Rest,
            Phase::Leaving if over(since, linger_ms) => Order::End,
            _ => Order::None,
        }
    }
}
