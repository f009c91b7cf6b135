//! What is kept of people who gave something back and claim again: their live lines, their keys, and how many ended.
//! Everybody else has ordinals without gaps and needs none of this; a long history of orders is never walked twice.

use super::records::Linked;
use rules::{KeyHash, OrderState, Seq, TypeNo, UserNo};
use std::{collections::HashMap, ops::RangeInclusive};

#[derive(Clone, Copy)]
struct LiveLine {
    seq: Seq,
    ticket_type: TypeNo,
    in_type: u32,
    in_activity: u32,
}

#[derive(Default)]
struct Giver {
    /// Oldest first.
    live: Vec<LiveLine>,
    /// Lines of orders that were cancelled or expired.
    ended: u32,
    /// The highest ordinals ever given: each below was given, too.
    ever: u32,
    ever_in: Vec<(TypeNo, u32)>,
}

/// People who gave something back, those of them who claimed again.
#[derive(Default)]
pub struct Givers {
    people: HashMap<UserNo, Giver>,
    keys: HashMap<(UserNo, KeyHash), Seq>,
}

/// Ordinals that are not in use, lowest first.
pub struct Ordinals {
    used: Vec<bool>,
    last: u32,
}

impl Ordinals {
    /// Of somebody without gaps who has so many.
    pub const fn after(had: u32) -> Self {
        Self { used: Vec::new(), last: had }
    }

    fn around(used_ordinals: impl Iterator<Item = u32> + Clone) -> Self {
        let highest = used_ordinals.clone().max().unwrap_or(0);
        let mut used = vec![false; highest as usize + 1];
        used_ordinals.for_each(|ordinal| used[ordinal as usize] = true);
        Self { used, last: 0 }
    }

    /// The next.
    pub fn next(&mut self) -> u32 {
        self.last += 1;
        while self.used.get(self.last as usize) == Some(&true) {
            self.last += 1;
        }
        self.last
    }
}

impl Givers {
    /// Learns somebody's lines, newest first, unless they are known.
    pub fn learn(&mut self, user: UserNo, chain: impl Iterator<Item = Linked>) {
        if self.people.contains_key(&user) {
            return;
        }
        self.people.insert(user, Giver::default());
        let mut lines: Vec<Linked> = chain.collect();
        lines.reverse();
        lines.iter().for_each(|linked| self.add(linked));
    }

    /// A further line of somebody who is known.
    pub fn add(&mut self, linked: &Linked) {
        let claim = &linked.claim;
        let Some(giver) = self.people.get_mut(&claim.user) else { return };
        giver.ever = giver.ever.max(claim.ordinal_in_activity);
        let of_type = giver.ever_in.iter_mut().find(|(kind, _)| *kind == claim.ticket_type);
        match of_type {
            Some((_, ever)) => *ever = (*ever).max(claim.ordinal_in_type),
            None => giver.ever_in.push((claim.ticket_type, claim.ordinal_in_type)),
        }
        giver.ended += u32::from(is_ended(linked.state));
        if linked.state.is_live() {
            giver.live.push(LiveLine {
                seq: claim.seq,
                ticket_type: claim.ticket_type,
                in_type: claim.ordinal_in_type,
                in_activity: claim.ordinal_in_activity,
            });
        }
        if let Some(key) = claim.key {
            self.keys.insert((claim.user, key), claim.seq);
        }
    }

    /// These lines, an order of somebody who may be known, are live no more: they came to this state.
    pub fn end(&mut self, user: UserNo, lines: RangeInclusive<u32>, state: OrderState) {
        assert!(!state.is_live(), "what ends is not {state:?}");
        self.withdraw(user, lines.clone());
        if let Some(giver) = self.people.get_mut(&user).filter(|_| is_ended(state)) {
            giver.ended += lines.end() - lines.start() + 1;
        }
    }

    /// These lines, an order of somebody who may be known, never were.
    pub fn withdraw(&mut self, user: UserNo, lines: RangeInclusive<u32>) {
        if let Some(giver) = self.people.get_mut(&user) {
            giver.live.retain(|line| !lines.contains(&line.seq.0));
        }
    }

    /// The key was never used.
    pub fn forget_key(&mut self, user: UserNo, key: KeyHash) {
        self.keys.remove(&(user, key));
    }

    /// The first line of the order with this key.
    pub fn by_key(&self, user: UserNo, key: KeyHash) -> Option<Seq> {
        self.keys.get(&(user, key)).copied()
    }

    /// The live lines of somebody who is known, oldest first.
    pub fn live(&self, user: UserNo) -> impl DoubleEndedIterator<Item = Seq> + '_ {
        self.of(user).live.iter().map(|line| line.seq)
    }

    /// How many live lines they have.
    pub fn had(&self, user: UserNo) -> u32 {
        self.of(user).live.len() as u32
    }

    /// How many of their lines were cancelled or expired.
    pub fn ended(&self, user: UserNo) -> u32 {
        self.of(user).ended
    }

    /// How many live lines of a type they have.
    pub fn had_in_type(&self, user: UserNo, ticket_type: TypeNo) -> u32 {
        let live = &self.of(user).live;
        live.iter().filter(|line| line.ticket_type == ticket_type).count() as u32
    }

    /// Their ordinals of the activity that are not in use.
    pub fn ordinals(&self, user: UserNo) -> Ordinals {
        Ordinals::around(self.of(user).live.iter().map(|line| line.in_activity))
    }

    /// Their ordinals of the type that are not in use.
    pub fn ordinals_in(&self, user: UserNo, ticket_type: TypeNo) -> Ordinals {
        let live = self.of(user).live.iter();
        let of_type = live.filter(move |line| line.ticket_type == ticket_type);
        Ordinals::around(of_type.map(|line| line.in_type))
    }

    /// Whether a line with these ordinals can have followed: none of them is a live line's, and all that are lower
    /// were given before.
    pub fn explain(&self, next: &rules::Claim) -> bool {
        let giver = self.of(next.user);
        let ever_in = giver.ever_in.iter().find(|(kind, _)| *kind == next.ticket_type);
        let ever_in = ever_in.map_or(0, |(_, ever)| *ever);
        let twice = |line: &LiveLine| {
            let same_type = line.ticket_type == next.ticket_type;
            line.in_activity == next.ordinal_in_activity
                || (same_type && line.in_type == next.ordinal_in_type)
        };
        (1..=giver.ever + 1).contains(&next.ordinal_in_activity)
            && (1..=ever_in + 1).contains(&next.ordinal_in_type)
            && !giver.live.iter().any(twice)
    }

    fn of(&self, user: UserNo) -> &Giver {
        self.people.get(&user).expect("who gave something back is learnt before they are asked for")
    }
}

/// Whether lines in this state were given up before they were anybody's. What was refunded was theirs, and an operator
/// took it.
const fn is_ended(state: OrderState) -> bool {
    matches!(state, OrderState::Cancelled | OrderState::Expired)
}
