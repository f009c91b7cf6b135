//! A person's durable orders over all activities, newest first, read in pieces: whoever wants the first page does not
//! wait until a long history is read. Nothing here knows pages or filters; it is asked for one order after the other.

use rules::{ActivityNo, BASKET_UNITS_MAX, Claim, Epoch, OrderNo, Seq, TimeMs};
use std::{cmp::Ordering, collections::BinaryHeap};
use stock::{LINES_READ_MAX, Place, Recorded};

/// Lines of one activity that are read at once.
pub const PIECE_LINES: usize = 128;

// Each piece has room for a whole order, so that none is ever seen in two states.
const _: () = assert!(PIECE_LINES > BASKET_UNITS_MAX as usize && PIECE_LINES <= LINES_READ_MAX);

/// When an order was decided, and which it is: newer is greater. What was decided since a restart is newer than all
/// before it, whatever the clock said: a server may be started again with a clock that went back.
type Age = (Epoch, TimeMs, OrderNo);

fn age_of(claim: &Claim) -> Age {
    (claim.epoch, claim.decided_at, claim.order())
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
///
/// In an activity they come by seq and by nothing else, and from page to page none of it is left out or repeated.
/// Over activities they are merged by the age of the newest that each has left, so that one whose time is out of order
/// only comes a little late: calls at once read the clock before they are put in order. Every page is a piece of this
/// one sequence, found by going through it from its front. What remains: an order that is written between two pages,
/// although it read the clock before those that came before it in its activity, puts them behind others; of another
/// activity's, decided in just those milliseconds, the next page may leave one out or repeat it.
pub struct History<R> {
    /// Reads the `PIECE_LINES` lines of an activity before a seq, newest first.
    read: R,
    /// The piece with the newest order leads.
    pieces: BinaryHeap<Piece>,
    /// Only orders that come after this one; `None` once it was passed.
    after: Option<OrderNo>,
}

impl<R: FnMut(ActivityNo, Option<Seq>) -> Vec<Recorded>> History<R> {
    /// The orders in these activities; with `after`, a line of one of them, those that come after it.
    pub fn new(
        activities: impl Iterator<Item = ActivityNo>,
        after: Option<&Claim>,
        mut read: R,
    ) -> Self {
        let pieces = activities.filter_map(|no| Piece::read(no, None, &mut read)).collect();
        Self { read, pieces, after: after.map(Claim::order) }
    }

    fn pop(&mut self) -> Option<Vec<Recorded>> {
        let mut piece = self.pieces.pop()?;
        let order = piece.take();
        if !piece.lines.is_empty() {
            self.pieces.push(piece);
        } else if piece.before.is_some() {
            self.pieces.extend(Piece::read(piece.activity, piece.before, &mut self.read));
        }
        Some(order)
    }
}

impl<R: FnMut(ActivityNo, Option<Seq>) -> Vec<Recorded>> Iterator for History<R> {
    type Item = Vec<Recorded>;

    fn next(&mut self) -> Option<Vec<Recorded>> {
        loop {
            let order = self.pop()?;
            let Some(after) = self.after else { return Some(order) };
            let no = order.first().expect("an order has a line").claim.order();
            if no.activity == after.activity && no.seq <= after.seq {
                self.after = None;
                if no != after {
                    return Some(order);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
