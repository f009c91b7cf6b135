//! Facts about standings: what ends a session, what does not, and what the memory of it costs.
//! None of them may pass for somebody whose sessions have ended.

use super::*;
use crate::token::Tokens;

const NOW: TimeMs = TimeMs(1_800_000_000_000);

fn bearer(user: u32, generation: u32, life_s: u32) -> Bearer {
    Tokens::new([1; 32]).mint(UserNo(user), generation, NOW, life_s).1
}

fn pages(standings: &Standings) -> usize {
    standings.pages.iter().filter(|page| page.get().is_some()).count()
}

#[test]
fn sessions_of_another_generation_have_ended() {
    let standings = Standings::default();
    standings.raise(UserNo(5), Role::Operator, 3);
    let table = [(2, false), (3, true), (4, false)];
    for (generation, alive) in table {
        let admitted = standings.admit(&bearer(5, generation, 60));
        let standing = Standing { generation: 3, operator: true };
        assert_eq!(admitted, if alive { Ok(standing) } else { Err(SessionError::Ended) });
    }
    assert!(!standings.of(UserNo(6)).operator, "and the neighbour is a buyer");
}

#[test]
fn a_generation_never_goes_back() {
    let standings = Standings::default();
    standings.raise_generation(UserNo(5), 7);
    standings.raise_generation(UserNo(5), 6);
    assert_eq!(standings.of(UserNo(5)), Standing { generation: 7, operator: false });
    standings.raise(UserNo(5), Role::Operator, 2);
    assert_eq!(standings.of(UserNo(5)), Standing { generation: 7, operator: true });
    standings.raise(UserNo(5), Role::Buyer, 7);
    assert_eq!(standings.of(UserNo(5)), Standing { generation: 7, operator: false });
}

#[test]
fn one_session_ends_and_the_others_go_on() {
    let standings = Standings::default();
    let (one, other) = (bearer(5, 0, 60), bearer(5, 0, 60));
    standings.revoke(&one, NOW);
    standings.revoke(&one, NOW);
    assert_eq!(standings.admit(&one), Err(SessionError::Ended));
    assert!(standings.admit(&other).is_ok());
    assert!(standings.admit(&bearer(6, 0, 60)).is_ok());
    assert_eq!(standings.revoked_count(), 1, "ending twice is ending once");
}

#[test]
fn marks_are_forgotten_when_their_time_is_over() {
    let standings = Standings::default();
    for n in 0..10 {
        standings.revoke(&bearer(n, 0, 60), NOW);
    }
    standings.revoke(&bearer(10, 0, 600), TimeMs(NOW.0 + 59_999));
    assert_eq!(standings.revoked_count(), 11);
    standings.revoke(&bearer(11, 0, 600), TimeMs(NOW.0 + SWEEP_EVERY_MS));
    assert_eq!(standings.revoked_count(), 2);
    let flag = |user| standings.word(UserNo(user)).unwrap().load(Ordering::Relaxed) & REVOKED;
    assert_eq!((flag(3), flag(10)), (0, REVOKED), "D1");
}

#[test]
fn a_user_is_full_after_so_many_and_free_again_when_they_expire() {
    let standings = Standings::default();
    for ended in 0..REVOKED_PER_USER_MAX {
        assert!(!standings.is_full(UserNo(5), NOW), "after {ended}");
        standings.revoke(&bearer(5, 0, 60), NOW);
    }
    assert!(standings.is_full(UserNo(5), NOW));
    assert!(!standings.is_full(UserNo(5), TimeMs(NOW.0 + 60_000)));
}

#[test]
fn buyers_of_generation_0_cost_no_memory() {
    let standings = Standings::default();
    for user in [0, 1, 99_999, USERS_MAX] {
        standings.raise(UserNo(user), Role::Buyer, 0);
        assert_eq!(standings.of(UserNo(user)), Standing { generation: 0, operator: false });
    }
    assert_eq!(pages(&standings), 0);
    standings.raise_generation(UserNo(USERS_MAX), 1);
    assert_eq!(pages(&standings), 1);
    assert_eq!(standings.of(UserNo(USERS_MAX)).generation, 1);
    assert_eq!(standings.of(UserNo(u32::MAX)).generation, 0, "past the end there is nobody");
}

#[test]
fn concurrent_changes_of_one_page_are_all_kept() {
    let standings = Standings::default();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let standings = &standings;
            scope.spawn(move || {
                for round in 1..=500 {
                    standings.raise_generation(UserNo(thread), round);
                    standings.raise_generation(UserNo(77), round);
                    standings.revoke(&bearer(77, 0, 60), NOW);
                }
            });
        }
    });
    for user in [0, 1, 2, 3, 77] {
        assert_eq!(standings.of(UserNo(user)).generation, 500, "user {user}");
    }
    assert_eq!(standings.revoked_count(), 2000);
}
