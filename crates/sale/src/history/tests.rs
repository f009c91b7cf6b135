//! The merge against a plain sort, and how much is read for a page.
//! What stands for a stock here is a list of lines.

use super::*;
use proptest::prelude::*;
use rules::{ClaimNo, Epoch, OrderState, TypeNo, UnitNo, UserNo};
use std::cell::Cell;

/// Orders of one person, by activity: when each was decided, its lines, and how many lines of others follow it.
type Orders = Vec<Vec<(u64, u8, u32)>>;

/// The lines of an activity, oldest first; the last `pending` orders are not durable.
fn lines(activity: ActivityNo, orders: &[(u64, u8, u32)], pending: usize) -> Vec<Recorded> {
    let (mut made, mut seq, mut moment) = (Vec::new(), 0, 0);
    for (nth, (after, lines, others)) in orders.iter().enumerate() {
        moment += after;
        let durable = nth + pending < orders.len();
        for line in 0..*lines {
            seq += 1;
            let claim = Claim {
                activity,
                seq: Seq(seq),
                epoch: Epoch(1),
                ticket_type: TypeNo(0),
                unit: UnitNo(seq),
                user: UserNo(1),
                claim_no: ClaimNo(seq),
                ordinal_in_type: seq,
                ordinal_in_activity: seq,
                decided_at: TimeMs(moment),
                key: None,
                line,
                lines: *lines,
                priced: false,
                offer: None,
            };
            let place = if durable { Place::DURABLE } else { Place(1) };
            made.push(Recorded { claim, place, state: OrderState::Paid, pay_by: None });
        }
        seq += others;
    }
    made
}

fn orders() -> impl Strategy<Value = Orders> {
    let lines = prop_oneof![6 => Just(1u8), 2 => 1..5u8, 1 => 90..=100u8];
    let order = (0..3u64, lines, 0..3u32);
    prop::collection::vec(prop::collection::vec(order, 0..60), 1..5)
}

/// Reads as a stock does: the newest lines before `before`.
fn read_in(all: &[Vec<Recorded>], activity: ActivityNo, before: Option<Seq>) -> Vec<Recorded> {
    let mine = all[activity.0 as usize - 1].iter().rev();
    let earlier = mine.filter(|line| before.is_none_or(|before| line.claim.seq < before));
    earlier.take(PIECE_LINES).copied().collect()
}

fn activities(all: &[Vec<Recorded>]) -> impl Iterator<Item = ActivityNo> {
    (1..=all.len() as u32).map(ActivityNo)
}

proptest! {
    #[test]
    fn orders_come_as_if_all_were_read_and_sorted(orders in orders(), pending in 0..3usize) {
        let numbered = orders.iter().zip(1u32..);
        let all: Vec<_> = numbered.map(|(of, no)| lines(ActivityNo(no), of, pending)).collect();
        let durable = all.iter().flatten().filter(|line| line.place == Place::DURABLE);
        let mut sorted: Vec<Recorded> = durable.copied().collect();
        sorted.sort_by_key(|line| (std::cmp::Reverse(age_of(&line.claim)), line.claim.line));
        let sorted: Vec<Vec<Recorded>> = sorted
            .chunk_by(|one, next| one.claim.order() == next.claim.order())
            .map(<[Recorded]>::to_vec)
            .collect();
        let read = |activity, before| read_in(&all, activity, before);
        let whole: Vec<_> = History::new(activities(&all), None, read).collect();
        prop_assert_eq!(&whole, &sorted);
        for nth in [0, 1, sorted.len() / 2] {
            let Some(order) = sorted.get(nth) else { continue };
            let after = order.last().map(|line| &line.claim);
            let rest: Vec<_> = History::new(activities(&all), after, read).collect();
            prop_assert_eq!(&rest, &sorted[nth + 1..]);
        }
    }
}

/// A person who has held and let go ten thousand times costs the first page one piece of each activity.
#[test]
fn the_first_page_of_a_long_history_reads_little() {
    let order = (1, 1, 0);
    let all: Vec<_> = (1..=3).map(|no| lines(ActivityNo(no), &vec![order; 10_000], 0)).collect();
    let reads = Cell::new(0);
    let read = |activity, before| {
        reads.set(reads.get() + 1);
        read_in(&all, activity, before)
    };
    let mut history = History::new(activities(&all), None, read);
    assert_eq!(history.by_ref().take(100).count(), 100);
    assert_eq!(reads.get(), 3);
    let oldest = all[1][0].claim;
    reads.set(0);
    let mut history = History::new([ActivityNo(2)].into_iter(), Some(&oldest), read);
    assert!(history.next().is_none());
    assert_eq!(reads.get(), 1, "in its own activity a page begins where the last one ended");
}
