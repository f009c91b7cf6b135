//! A person's durable orders over all activities, newest first, read in pieces: whoever wants the first page does not
//! wait until a long history is read. Nothing here knows pages or filters; it is asked for one order after the other.

use rules::{ActivityNo, BASKET_UNITS_MAX, Claim, OrderNo, Seq, TimeMs};
use std::{cmp::Ordering, collections::BinaryHeap};
use stock::{LINES_READ_MAX, Place, Recorded};

/// Lines of one activity that are read at once.
pub const PIECE_LINES: usize = 128;

// Each piece has room for a whole order, so that none is ever seen in two states.
const _: () = assert!(PIECE_LINES > BASKET_UNITS_MAX as usize && PIECE_LINES <= LINES_READ_MAX);

/// When an order was decided, and which it is: newer is greater.
type Age = (TimeMs, OrderNo);

fn age_of(claim: &Claim) -> Age {
    (claim.decided_at, claim.order())
}

/// Orders that were read of one activity and not handed out yet.
struct Piece {
    activity: ActivityNo,
    /// Whole orders, oldest first; at least one.
    lines: Vec<Recorded>,
    /// Where the next piece begins; `None`: there is none.
    before: Option<Seq>,
}

impl Piece {
    /// Reads the next orders of an activity, if there are any.
    fn read(
        activity: ActivityNo,
        mut before: Option<Seq>,
        read: &mut impl FnMut(ActivityNo, Option<Seq>) -> Vec<Recorded>,
    ) -> Option<Self> {
        loop {
            let mut lines = read(activity, before);
            before = None;
            if lines.len() == PIECE_LINES {
                leave_torn(&mut lines);
                before = lines.last().map(|line| line.claim.seq);
            }
            lines.retain(|line| line.place == Place::DURABLE);
            lines.reverse();
            match before {
                _ if !lines.is_empty() => return Some(Self { activity, lines, before }),
                Some(_) => {}
                None => return None,
            }
        }
    }

    fn age(&self) -> Age {
        age_of(&self.lines.last().expect("a piece has an order").claim)
    }

    /// Takes the newest order out: its lines, first to last.
    fn take(&mut self) -> Vec<Recorded> {
        let order = self.lines.last().expect("a piece has an order").claim.order();
        let first = self.lines.partition_point(|line| line.claim.order() < order);
        self.lines.split_off(first)
    }
}

/// Leaves an order of which the piece has not all lines to the next one.
fn leave_torn(lines: &mut Vec<Recorded>) {
    let Some(oldest) = lines.last().map(|line| line.claim).filter(|claim| claim.line > 0) else {
        return;
    };
    let whole = lines.partition_point(|line| line.claim.order() > oldest.order());
    lines.truncate(whole);
}

impl PartialEq for Piece {
    fn eq(&self, other: &Self) -> bool {
        self.age() == other.age()
    }
}

impl Eq for Piece {}

impl PartialOrd for Piece {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Piece {
    fn cmp(&self, other: &Self) -> Ordering {
        self.age().cmp(&other.age())
    }
}

/// Orders, newest first: the lines of each, first to last.
pub struct History<R> {
    /// Reads the `PIECE_LINES` lines of an activity before a seq, newest first.
    read: R,
    /// The piece with the newest order leads.
    pieces: BinaryHeap<Piece>,
    /// Only orders that are older than this one.
    after: Option<Age>,
}

impl<R: FnMut(ActivityNo, Option<Seq>) -> Vec<Recorded>> History<R> {
    /// The orders in these activities; with `after`, a line of one of them, those that are older.
    pub fn new(
        activities: impl Iterator<Item = ActivityNo>,
        after: Option<&Claim>,
        mut read: R,
    ) -> Self {
        let begin = |activity| {
            let same = after.filter(|claim| claim.activity == activity);
            Piece::read(activity, same.map(|claim| claim.order().seq), &mut read)
        };
        let pieces = activities.filter_map(begin).collect();
        Self { read, pieces, after: after.map(age_of) }
    }

    fn pop(&mut self) -> Option<(Age, Vec<Recorded>)> {
        let mut piece = self.pieces.pop()?;
        let (age, order) = (piece.age(), piece.take());
        if !piece.lines.is_empty() {
            self.pieces.push(piece);
        } else if piece.before.is_some() {
            self.pieces.extend(Piece::read(piece.activity, piece.before, &mut self.read));
        }
        Some((age, order))
    }
}

impl<R: FnMut(ActivityNo, Option<Seq>) -> Vec<Recorded>> Iterator for History<R> {
    type Item = Vec<Recorded>;

    fn next(&mut self) -> Option<Vec<Recorded>> {
        loop {
            let (age, order) = self.pop()?;
            if self.after.is_none_or(|after| age < after) {
                return Some(order);
            }
        }
    }
}

#[cfg(test)]
mod tests;
