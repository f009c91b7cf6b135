//! The lines of one activity by sequence number: 48 bytes each, in chunks that never move,
//! so that the millionth claim costs what the first one did.

use rules::{
    ActivityNo, Claim, ClaimNo, Epoch, JoinNo, KeyHash, OrderState, Seq, TimeMs, TypeNo, UnitNo,
    UserNo,
};
use std::collections::HashMap;

/// Lines in a chunk: 48 kB.
const CHUNK_CLAIMS: usize = 1024;

#[derive(Clone, Copy)]
struct Record {
    /// The two halves of the key's hash; both zero: none. Halves, because a u128 would pad the record to 64 bytes.
    key: [u64; 2],
    decided_at: u64,
    user: u32,
    unit: u32,
    claim_no: u32,
    /// The same user's line before this one; 0: none.
    previous: u32,
    ordinal_in_activity: u16,
    ordinal_in_type: u16,
    ticket_type: u8,
    /// The number of the order's state, and the flags below.
    state: u8,
    line: u8,
    lines: u8,
}

/// The bits of `Record::state` that are the state itself.
const STATE: u8 = 0b111;
const PRICED: u8 = 0b1000;
/// The place in line is in `Records::offers`.
const OFFERED: u8 = 0b1_0000;
const WITHDRAWN: u8 = 0b10_0000;

const _: () = assert!(size_of::<Record>() == 48);
/// The highest ordinal that is kept; above what anybody is given, for ledgers of when no limit of an activity was none.
pub const ORDINAL_MAX: u32 = u16::MAX as u32;
const _: () = assert!(rules::LIMIT_PER_USER_MAX <= ORDINAL_MAX);
const _: () = assert!(rules::TYPES_MAX <= u8::MAX as u16);

/// A line, how its order stands, and the same user's line before it.
#[derive(Clone, Copy, Debug)]
pub struct Linked {
    /// The line.
    pub claim: Claim,
    /// How its order stands.
    pub state: OrderState,
    /// The user's previous line in this activity.
    pub previous: Option<Seq>,
}

/// The lines of one activity.
pub struct Records {
    activity: ActivityNo,
    chunks: Vec<Vec<Record>>,
    /// From which seq on which epoch decided: a handful of entries, one for each restart with claims.
    epochs: Vec<(Seq, Epoch)>,
    /// The places in line of the few that were offered their unit.
    offers: HashMap<Seq, JoinNo>,
}

impl Records {
    /// None yet.
    pub fn new(activity: ActivityNo) -> Self {
        Self { activity, chunks: Vec::new(), epochs: Vec::new(), offers: HashMap::new() }
    }

    /// The newest line's seq; 0: there is none.
    pub fn last(&self) -> Seq {
        let full = self.chunks.len().saturating_sub(1) * CHUNK_CLAIMS;
        Seq((full + self.chunks.last().map_or(0, Vec::len)) as u32)
    }

    /// Appends the line that follows the last.
    pub fn push(&mut self, claim: &Claim, state: OrderState, previous: Option<Seq>) {
        assert_eq!(claim.seq.0, self.last().0 + 1, "claims come in the order of their seq (S4)");
        if self.epochs.last().is_none_or(|(_, epoch)| *epoch != claim.epoch) {
            self.epochs.push((claim.seq, claim.epoch));
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK_CLAIMS) {
            // The first chunk grows as it fills: most activities are small.
            let room = if self.chunks.is_empty() { 0 } else { CHUNK_CLAIMS };
            self.chunks.push(Vec::with_capacity(room));
        }
        let mut flags = state.number();
        flags |= if claim.priced { PRICED } else { 0 };
        if let Some(join) = claim.offer {
            flags |= OFFERED;
            self.offers.insert(claim.seq, join);
        }
        let record = Record::new(claim, flags, previous);
        self.chunks.last_mut().expect("a chunk was made above").push(record);
    }

    /// The line with this seq, unless it was withdrawn.
    pub fn get(&self, seq: Seq) -> Option<Linked> {
        let index = (seq.0 as usize).checked_sub(1)?;
        let record = self.chunks.get(index / CHUNK_CLAIMS)?.get(index % CHUNK_CLAIMS)?;
        if record.state & WITHDRAWN != 0 {
            return None;
        }
        let epochs_before = self.epochs.partition_point(|(first, _)| *first <= seq);
        let key = (u128::from(record.key[0]) << 64) | u128::from(record.key[1]);
        let offered = record.state & OFFERED != 0;
        let claim = Claim {
            activity: self.activity,
            seq,
            epoch: self.epochs[epochs_before - 1].1,
            ticket_type: TypeNo(record.ticket_type.into()),
            unit: UnitNo(record.unit),
            user: UserNo(record.user),
            claim_no: ClaimNo(record.claim_no),
            ordinal_in_type: record.ordinal_in_type.into(),
            ordinal_in_activity: record.ordinal_in_activity.into(),
            decided_at: TimeMs(record.decided_at),
            key: core::num::NonZeroU128::new(key).map(KeyHash),
            line: record.line,
            lines: record.lines,
            priced: record.state & PRICED != 0,
            offer: if offered { self.offers.get(&seq).copied() } else { None },
        };
        let state = OrderState::from_number(record.state & STATE).expect("only states are written");
        let previous = (record.previous != 0).then_some(Seq(record.previous));
        Some(Linked { claim, state, previous })
    }

    /// Marks a line as never having been.
    pub fn withdraw(&mut self, seq: Seq) {
        self.record_mut(seq).state |= WITHDRAWN;
    }

    /// The line's order stands like this from now on.
    pub fn set_state(&mut self, seq: Seq, state: OrderState) {
        let record = self.record_mut(seq);
        record.state = (record.state & !STATE) | state.number();
    }

    /// A user's lines from `newest` back to the oldest.
    pub fn chain(&self, newest: Option<Seq>) -> impl Iterator<Item = Linked> + '_ {
        std::iter::successors(newest.and_then(|seq| self.get(seq)), |linked| {
            linked.previous.and_then(|seq| self.get(seq))
        })
    }

    fn record_mut(&mut self, seq: Seq) -> &mut Record {
        let index = seq.0 as usize - 1;
        &mut self.chunks[index / CHUNK_CLAIMS][index % CHUNK_CLAIMS]
    }
}

impl Record {
    fn new(claim: &Claim, state: u8, previous: Option<Seq>) -> Self {
        let ordinal = |ordinal: u32| u16::try_from(ordinal).expect("limits bound the ordinals");
        let key = claim.key.map_or(0, |key| key.0.get());
        Self {
            key: [(key >> 64) as u64, key as u64],
            decided_at: claim.decided_at.0,
            user: claim.user.0,
            unit: claim.unit.0,
            claim_no: claim.claim_no.0,
            previous: previous.map_or(0, |seq| seq.0),
            ordinal_in_activity: ordinal(claim.ordinal_in_activity),
            ordinal_in_type: ordinal(claim.ordinal_in_type),
            ticket_type: u8::try_from(claim.ticket_type.0).expect("types are bounded"),
            state,
            line: claim.line,
            lines: claim.lines,
        }
    }
}
