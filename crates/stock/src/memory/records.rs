//! The accepted claims of one activity by sequence number: 48 bytes each, in chunks that never move,
//! so that the millionth claim costs what the first one did.

use rules::{ActivityNo, Claim, ClaimNo, Epoch, KeyHash, Seq, TimeMs, TypeNo, UnitNo, UserNo};

/// Claims in a chunk: 48 kB.
const CHUNK_CLAIMS: usize = 1024;

#[derive(Clone, Copy)]
struct Record {
    /// The two halves of the key's hash; both zero: none. Halves, because a u128 would pad the record to 64 bytes.
    key: [u64; 2],
    decided_at: u64,
    user: u32,
    unit: u32,
    claim_no: u32,
    /// The same user's claim before this one; 0: none.
    previous: u32,
    ordinal_in_activity: u16,
    ordinal_in_type: u16,
    ticket_type: u16,
    withdrawn: bool,
}

const _: () = assert!(size_of::<Record>() == 48);
const _: () = assert!(rules::LIMIT_PER_USER_MAX <= u16::MAX as u32);

/// A claim and the same user's claim before it.
#[derive(Clone, Copy, Debug)]
pub struct Linked {
    /// The claim.
    pub claim: Claim,
    /// The user's previous claim in this activity.
    pub previous: Option<Seq>,
}

/// The claims of one activity.
pub struct Records {
    activity: ActivityNo,
    chunks: Vec<Vec<Record>>,
    /// From which seq on which epoch decided: a handful of entries, one for each restart with claims.
    epochs: Vec<(Seq, Epoch)>,
}

impl Records {
    /// None yet.
    pub fn new(activity: ActivityNo) -> Self {
        Self { activity, chunks: Vec::new(), epochs: Vec::new() }
    }

    /// The newest claim's seq; 0: there is none.
    pub fn last(&self) -> Seq {
        let full = self.chunks.len().saturating_sub(1) * CHUNK_CLAIMS;
        Seq((full + self.chunks.last().map_or(0, Vec::len)) as u32)
    }

    /// Appends the claim that follows the last.
    pub fn push(&mut self, claim: &Claim, previous: Option<Seq>) {
        assert_eq!(claim.seq.0, self.last().0 + 1, "claims come in the order of their seq (S4)");
        if self.epochs.last().is_none_or(|(_, epoch)| *epoch != claim.epoch) {
            self.epochs.push((claim.seq, claim.epoch));
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK_CLAIMS) {
            // The first chunk grows as it fills: most activities are small.
            let room = if self.chunks.is_empty() { 0 } else { CHUNK_CLAIMS };
            self.chunks.push(Vec::with_capacity(room));
        }
        let ordinal = |ordinal: u32| u16::try_from(ordinal).expect("limits bound the ordinals");
        let key = claim.key.map_or(0, |key| key.0.get());
        let record = Record {
            key: [(key >> 64) as u64, key as u64],
            decided_at: claim.decided_at.0,
            user: claim.user.0,
            unit: claim.unit.0,
            claim_no: claim.claim_no.0,
            previous: previous.map_or(0, |seq| seq.0),
            ordinal_in_activity: ordinal(claim.ordinal_in_activity),
            ordinal_in_type: ordinal(claim.ordinal_in_type),
            ticket_type: claim.ticket_type.0,
            withdrawn: false,
        };
        self.chunks.last_mut().expect("a chunk was made above").push(record);
    }

    /// The claim with this seq, unless it was withdrawn.
    pub fn get(&self, seq: Seq) -> Option<Linked> {
        let index = (seq.0 as usize).checked_sub(1)?;
        let record = self.chunks.get(index / CHUNK_CLAIMS)?.get(index % CHUNK_CLAIMS)?;
        if record.withdrawn {
            return None;
        }
        let epochs_before = self.epochs.partition_point(|(first, _)| *first <= seq);
        let key = (u128::from(record.key[0]) << 64) | u128::from(record.key[1]);
        let claim = Claim {
            activity: self.activity,
            seq,
            epoch: self.epochs[epochs_before - 1].1,
            ticket_type: TypeNo(record.ticket_type),
            unit: UnitNo(record.unit),
            user: UserNo(record.user),
            claim_no: ClaimNo(record.claim_no),
            ordinal_in_type: record.ordinal_in_type.into(),
            ordinal_in_activity: record.ordinal_in_activity.into(),
            decided_at: TimeMs(record.decided_at),
            key: core::num::NonZeroU128::new(key).map(KeyHash),
        };
        Some(Linked { claim, previous: (record.previous != 0).then_some(Seq(record.previous)) })
    }

    /// Marks a claim as never having been.
    pub fn withdraw(&mut self, seq: Seq) {
        let index = seq.0 as usize - 1;
        self.chunks[index / CHUNK_CLAIMS][index % CHUNK_CLAIMS].withdrawn = true;
    }

    /// A user's claims from `newest` back to the oldest.
    pub fn chain(&self, newest: Option<Seq>) -> impl Iterator<Item = Claim> + '_ {
        std::iter::successors(newest.and_then(|seq| self.get(seq)), |linked| {
            linked.previous.and_then(|seq| self.get(seq))
        })
        .map(|linked| linked.claim)
    }
}
