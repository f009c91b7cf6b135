//! The conformance suite of the Stock contract: every test is a function over a maker of empty stocks.
//! A further implementation adds its maker and one line at the end; no test may know which one it runs on.

#![allow(clippy::single_range_in_vec_init, reason = "units are lists of ranges, some with one")]

mod conformance {
    pub mod baskets;
    pub mod bounds;
    pub mod comparison;
    pub mod events;
    pub mod keys;
    pub mod limits;
    pub mod load;
    pub mod order;
    pub mod orders;
    pub mod parts;
    pub mod race;
    pub mod refusals;
    pub mod standby;
    pub mod take_back;
    pub mod threads;
    pub mod windows;
    pub mod withdraw;
    pub mod world;
}

use conformance::world::Room;
use stock::{MemoryLimits, MemoryStock, Stock};

macro_rules! group {
    ($make:path, $room:ident, $group:ident: $($test:ident)*) => {
        mod $group {
            use crate::conformance::{$group, world::Room};
            $(
                #[test]
                fn $test() {
                    $group::$test(&|| $make(Room::$room));
                }
            )*
        }
    };
}

macro_rules! conformance {
    ($implementation:ident, $make:path) => {
        mod $implementation {
            group!($make, WIDE, order:
                units_go_out_lowest_first_with_dense_numbers
                the_lowest_free_unit_goes_out_next_wherever_it_came_from
                places_rise_over_all_activities_and_seqs_in_each
                types_have_units_and_numbers_of_their_own
                what_waits_is_handed_over_in_the_order_of_decision
                an_empty_queue_is_durable_and_adds_nothing
                a_waiting_ledger_is_woken_by_the_next_claim
                held_becomes_sold_when_it_is_durable
                what_is_not_loaded_is_unknown
                the_rate_counts_ten_full_seconds);
            group!($make, WIDE, limits:
                a_user_gets_the_limit_of_a_type_and_no_more
                a_user_gets_the_limit_of_the_activity_over_all_types
                ordinals_count_by_type_and_by_activity
                one_activity_does_not_limit_another
                what_was_cancelled_or_expired_is_bounded
                who_gave_back_too_much_is_passed_over_in_line
                what_was_refunded_or_withdrawn_is_no_attempt
                many_types_without_a_limit_together_have_the_greatest
                lines_are_read_in_pages);
            group!($make, WIDE, keys:
                a_retry_finds_its_first_success_every_time
                a_known_key_finds_its_claim_whatever_has_changed
                a_key_belongs_to_one_user_and_one_activity
                after_a_refusal_the_key_decides_anew
                keys_survive_a_load);
            group!($make, WIDE, refusals:
                refusals_come_in_their_order_of_precedence
                a_refusal_changes_no_unit
                sold_out_rests_on_the_last_unit_until_it_is_durable
                limit_reached_rests_on_the_users_newest_claim
                a_pending_claim_of_another_type_delays_no_sold_out
                a_pending_claim_of_another_user_delays_no_limit
                sold_out_never_rests_on_a_take_back_that_is_not_written
                refusals_and_accepted_claims_are_counted_apart_and_survive_a_load);
            group!($make, WIDE, windows:
                windows_hold_to_the_millisecond
                a_claim_that_was_held_up_is_judged_by_the_latest_moment
                a_type_may_have_a_window_of_its_own
                a_later_end_counts_at_once);
            group!($make, WIDE, events:
                pause_and_resume_stop_claims_and_let_them_go_on
                a_closed_activity_stays_closed
                an_event_is_applied_once
                units_added_clear_sold_out_at_once
                sold_out_at_is_when_the_last_unit_went
                events_that_contradict_the_units_are_conflicts
                only_the_roster_may_claim);
            group!($make, WIDE, take_back:
                free_units_are_taken_back_highest_first
                units_taken_back_are_never_sold_again
                fewer_free_units_than_asked_for_are_left_alone
                a_take_back_undone_is_on_sale_again_once
                a_load_ends_a_take_back_and_undoing_it_later_changes_nothing
                a_take_back_of_another_node_is_applied_to_free_units
                undoing_a_take_back_ends_the_moment_of_sold_out);
            group!($make, WIDE, load:
                a_loaded_stock_goes_on_where_the_old_one_stopped
                claims_bear_the_epoch_of_the_load_they_were_decided_under
                state_and_units_are_loaded
                a_load_that_is_dropped_changes_nothing
                a_load_gives_up_what_was_not_durable
                every_contradiction_is_found
                a_frozen_stock_accepts_nothing_and_still_refuses
                a_frozen_stock_refuses_nothing_on_grounds_that_may_vanish
                an_activity_opened_while_frozen_waits_for_the_load
                an_opened_activity_stands_beside_the_others
                a_stock_that_was_never_loaded_knows_nothing);
            group!($make, WIDE, withdraw:
                unit_ordinals_and_key_come_back_together
                only_the_newest_undurable_claim_of_a_user_can_be_withdrawn
                later_claims_become_durable_past_a_withdrawn_one
                a_withdrawn_last_unit_clears_sold_out_at_once
                a_withdrawn_claim_is_no_ground);
            group!($make, WIDE, parts:
                the_first_refusal_other_than_not_started_is_recorded_once
                whoever_came_too_early_is_seen_once_and_may_be_refused_later
                winners_have_joined_and_need_no_part
                everyone_counts_once_by_outcome
                parts_are_taken_oldest_first
                parts_are_loaded);
            group!($make, WIDE, orders:
                what_costs_something_stays_held_until_it_is_paid
                of_pay_and_expire_exactly_one_wins
                an_order_takes_only_the_steps_of_the_table
                units_return_exactly_once
                nobody_is_refused_while_enough_are_free
                sold_out_is_said_only_where_nothing_is_unpaid
                held_by_others_rests_on_nothing
                a_code_that_was_shown_never_returns
                a_refunded_plain_unit_is_sold_again
                limits_count_what_is_live
                a_key_finds_its_order_whatever_became_of_it
                a_late_payment_may_have_its_units_after_the_end
                what_is_due_is_durable_and_comes_earliest_first
                a_load_moves_deadlines
                no_activity_keeps_another_from_what_is_due
                a_hundred_thousand_holds_expire_quickly
                a_free_order_is_paid_at_once);
            group!($make, WIDE, baskets:
                an_order_of_many_lines_is_decided_and_handed_over_together
                a_basket_is_all_or_nothing
                a_basket_of_free_and_priced_units_is_one_held_order
                sold_out_comes_before_held_by_others
                a_basket_is_withdrawn_whole
                a_torn_order_is_found);
            group!($make, WIDE, standby:
                a_returned_unit_goes_to_the_first_in_line
                returns_offers_and_leavers_keep_the_order
                new_units_and_units_that_were_set_aside_are_offered_too
                somebody_who_lines_up_while_a_unit_is_free_is_offered_it
                whom_the_limit_refuses_is_passed_over
                nothing_is_offered_while_claims_are_not_taken
                a_claim_never_overtakes_those_in_line
                the_line_survives_a_load
                an_offer_that_is_withdrawn_is_made_again
                who_may_line_up
                a_long_line_is_served_in_order_without_a_scan
                an_offer_ends_like_any_other_order
                a_late_payment_comes_behind_those_in_line
                a_late_payment_does_not_wait_for_a_line_that_is_over);
            group!($make, NARROW, bounds:
                a_full_queue_turns_away_the_newest
                a_full_queue_still_refuses_and_still_knows_its_claims
                a_load_makes_room
                with_no_room_for_a_part_the_next_try_is_recorded);
            group!($make, WIDE, threads:
                parallel_requests_of_one_user_take_exactly_the_limit
                nobody_who_came_later_wins_over_someone_who_came_earlier
                parallel_retries_with_one_key_are_one_claim
                nothing_is_decided_for_a_state_that_was_given_up
                sales_that_fail_and_recover_keep_every_promise
                nobody_overtakes_the_line_while_units_come_back);
            group!($make, WIDE, comparison:
                random_plans_with_withdrawals_agree_with_the_model
                random_plans_of_somebody_with_a_long_history_agree_with_the_model);
            mod narrow_orders {
                group!($make, NARROW, baskets:
                    a_basket_that_the_queue_has_no_room_for_is_turned_away_whole);
                group!($make, NARROW, standby:
                    a_full_queue_offers_later);
            }
            mod narrow_comparison {
                group!($make, NARROW, comparison:
                    random_plans_with_loads_agree_with_the_model);
            }
        }
    };
}

fn memory(room: Room) -> Box<dyn Stock> {
    let limits = MemoryLimits { pending_claims_max: room.claims, pending_parts_max: room.parts };
    Box::new(MemoryStock::new(limits))
}

conformance!(memory, crate::memory);
