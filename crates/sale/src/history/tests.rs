//! The merge against a plain sort, and how much is read for a page.
//! What stands for a stock here is a list of lines.

use super::*;
use proptest::prelude::*;
use rules::{ClaimNo, Epoch, OrderState, TypeNo, UnitNo, UserNo};
use std::cell::Cell;

/// An order of one person.
#[derive(Clone, Copy, Debug)]
struct Order {
    /// Milliseconds by which it was decided after the one before it in its activity; of a server that was started
    /// again, and of calls at once, before it.
    after: i64,
    lines: u8,
    /// Lines of others that follow it.
    others: u32,
    /// The server was started again before it.
    restarted: bool,
}

impl Order {
    const fn one(after: i64) -> Self {
        Self { after, lines: 1, others: 0, restarted: false }
    }
}

/// By activity.
type Orders = Vec<Vec<Order>>;

const BEGAN_MS: u64 = 1_000_000;

/// The lines of an activity, oldest first; the last `pending` orders are not durable.
fn lines(activity: ActivityNo, orders: &[Order], pending: usize) -> Vec<Recorded> {
    let (mut made, mut seq, mut moment, mut epoch) = (Vec::new(), 0, BEGAN_MS, 1);
    for (nth, Order { after, lines, others, restarted }) in orders.iter().enumerate() {
        moment = moment.saturating_add_signed(*after);
        epoch += u32::from(*restarted);
        let durable = nth + pending < orders.len();
        for line in 0..*lines {
            seq += 1;
            let claim = Claim {
                activity,
                seq: Seq(seq),
                epoch: Epoch(epoch),
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

/// Orders of which one was decided at least `after_least` milliseconds after the one before it, unless the server was
/// started again: with a clock that went back or on.
fn orders(after_least: i64) -> impl Strategy<Value = Orders> {
    let lines = prop_oneof![6 => Just(1u8), 2 => 1..5u8, 1 => 90..=100u8];
    let step = prop_oneof![
        12 => (after_least..3).prop_map(|after| (after, false)),
        1 => (-40..40i64).prop_map(|after| (after, true)),
    ];
    let order = (step, lines, 0..3u32);
    let order = order.prop_map(|((after, restarted), lines, others)| Order {
        after,
        lines,
        others,
        restarted,
    });
    prop::collection::vec(prop::collection::vec(order, 0..60), 1..5)
}

fn made_of(orders: &Orders, pending: usize) -> Vec<Vec<Recorded>> {
    let numbered = orders.iter().zip(1u32..);
    numbered.map(|(of, no)| lines(ActivityNo(no), of, pending)).collect()
}

fn history(all: &[Vec<Recorded>], after: Option<&Claim>, most: usize) -> Vec<Vec<Recorded>> {
    let read = |activity, before| read_in(all, activity, before);
    History::new(activities(all), after, read).take(most).collect()
}

/// All pages of `size` orders, each begun after the last line of the one before it.
fn by_pages(all: &[Vec<Recorded>], size: usize) -> Vec<Vec<Recorded>> {
    let mut shown: Vec<Vec<Recorded>> = Vec::new();
    // A page that begins where an earlier one did would go on for ever.
    let most = all.iter().map(Vec::len).sum::<usize>() + 1;
    for _ in 0..most {
        let last = shown.last().and_then(|order| order.last()).map(|line| line.claim);
        let page = history(all, last.as_ref(), size);
        if page.is_empty() {
            break;
        }
        shown.extend(page);
    }
    shown
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
    fn orders_come_as_if_all_were_read_and_sorted(orders in orders(0), pending in 0..3usize) {
        let all = made_of(&orders, pending);
        let durable = all.iter().flatten().filter(|line| line.place == Place::DURABLE);
        let mut sorted: Vec<Recorded> = durable.copied().collect();
        sorted.sort_by_key(|line| (std::cmp::Reverse(age_of(&line.claim)), line.claim.line));
        let sorted: Vec<Vec<Recorded>> = sorted
            .chunk_by(|one, next| one.claim.order() == next.claim.order())
            .map(<[Recorded]>::to_vec)
            .collect();
        prop_assert_eq!(&history(&all, None, usize::MAX), &sorted);
        for nth in [0, 1, sorted.len() / 2] {
            let Some(order) = sorted.get(nth) else { continue };
            let after = order.last().map(|line| &line.claim);
            prop_assert_eq!(&history(&all, after, usize::MAX), &sorted[nth + 1..]);
        }
    }

    /// Calls at once read the clock before they are put in order: then times fall within a run of the server too.
    #[test]
    fn pages_show_each_order_once_whatever_the_clock_said(orders in orders(-3), size in 1..9usize) {
        let all = made_of(&orders, 0);
        let shown = by_pages(&all, size);
        prop_assert_eq!(&shown, &history(&all, None, usize::MAX));
        for (of, activity) in all.iter().zip(activities(&all)) {
            let mine = shown.iter().filter(|order| order[0].claim.activity == activity);
            let lines: Vec<_> = mine.rev().flatten().copied().collect();
            prop_assert_eq!(&lines, of);
        }
    }
}

/// The newest of the first activity was decided with a clock that had gone back since the one before it, and between
/// the two times there is one of the second activity.
#[test]
fn a_clock_that_went_back_leaves_nothing_out_and_shows_nothing_twice() {
    for (restarted, expected) in
        [(true, [(1, 2), (1, 1), (2, 1)]), (false, [(2, 1), (1, 2), (1, 1)])]
    {
        let first = [Order::one(1_000), Order { restarted, ..Order::one(-100) }];
        let all = made_of(&vec![first.to_vec(), vec![Order::one(950)]], 0);
        for size in 1..=4 {
            let shown = by_pages(&all, size);
            let shown: Vec<_> = shown.iter().map(|order| order[0].claim.order()).collect();
            let expected = expected
                .map(|(activity, seq)| OrderNo { activity: ActivityNo(activity), seq: Seq(seq) });
            assert_eq!(shown, expected, "pages of {size}, started again: {restarted}");
        }
    }
}

/// A person who has held and let go ten thousand times costs the first page one piece of each activity.
#[test]
fn the_first_page_of_a_long_history_reads_little() {
    let all = made_of(&vec![vec![Order::one(1); 10_000]; 3], 0);
    let reads = Cell::new(0);
    let read = |activity, before| {
        reads.set(reads.get() + 1);
        read_in(&all, activity, before)
    };
    let mut history = History::new(activities(&all), None, read);
    assert_eq!(history.by_ref().take(100).count(), 100);
    assert_eq!(reads.get(), 3);
    // One that begins in the middle goes through what is before it, and no further than its own end.
    let middle = all[1][5_000].claim;
    reads.set(0);
    let mut history = History::new(activities(&all), Some(&middle), read);
    assert_eq!(history.by_ref().take(100).count(), 100);
    assert!(reads.get() <= 3 * (5_100 / PIECE_LINES + 2), "{}", reads.get());
}
