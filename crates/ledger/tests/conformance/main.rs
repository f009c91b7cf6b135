//! One suite for every ledger: a second implementation adds a `Subject` and one line at the end of this file.
//! No test knows which ledger it runs over; what may differ, the ledger itself declares (`detection`).

mod activities;
mod claims;
mod events;
mod exports;
mod given;
mod line;
mod orders;
mod payments;
mod people;
mod relay;
mod running;
mod simulated;
mod sqlite;
mod subject;

/// Every test of the suite over one ledger: a name, and an expression that makes a fresh `Subject`. `relay` has those
/// of facts on their way out, for ledgers somebody outside listens to.
macro_rules! conformance {
    ($name:ident: relay, $subject:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            conformance! { @tests $subject;
                relay: [
                    facts_have_no_numbers_until_somebody_asks,
                    numbers_have_no_gaps_however_few_are_given_at_a_time,
                    nothing_leaves_before_its_cause,
                    an_offer_leaves_after_whoever_gets_it_has_lined_up,
                    a_number_once_given_stays,
                    a_fact_tells_what_it_is_about,
                    facts_are_read_in_pages,
                    the_lines_of_an_order_are_found,
                    an_endpoint_comes_back_as_it_was_added,
                    an_endpoint_hears_of_what_has_no_number_yet,
                    cursors_and_attempts_are_written_together,
                    a_removed_endpoint_leaves_nothing_behind,
                    the_newest_attempts_are_kept,
                ];
            }
        }
    };
    ($name:ident, $subject:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            conformance! { @tests $subject;
                claims: [
                    claims_come_back_as_written_in_the_order_of_their_seq,
                    claims_survive_reopening,
                    activities_do_not_see_each_others_claims,
                    an_empty_batch_writes_nothing,
                    the_same_claim_again_finds_itself,
                    a_unit_taken_twice_is_found,
                    an_ordinal_twice_in_a_type_is_found,
                    an_ordinal_twice_in_an_activity_is_found,
                    a_key_twice_is_found,
                    one_bad_claim_never_fails_its_batch,
                    the_lines_of_an_order_are_written_together,
                    an_order_is_written_whole_or_not_at_all,
                    an_order_that_lost_a_line_is_found,
                    a_place_in_line_offered_twice_is_found,
                    the_same_numbers_in_other_activities_contradict_nothing,
                    a_lost_claim_is_found_wherever_it_was,
                    an_ended_owner_commits_nothing,
                    a_claim_decided_under_an_ended_ownership_is_not_written,
                    a_missing_claim_of_an_ended_ownership_is_never_written,
                    recovery_takes_ownership_anew_and_keeps_what_was_written,
                    a_units_claim_is_found,
                ];
                activities: [
                    an_activity_comes_back_as_it_was_added,
                    activities_are_added_all_or_not_at_all,
                    a_code_exists_once_in_the_ledger,
                    codes_keep_their_order,
                    a_roster_is_who_may_claim,
                    a_rosters_names_are_all_of_them,
                    the_audit_log_is_numbered_and_read_backwards,
                ];
                events: [
                    pausing_resuming_and_closing_are_remembered,
                    what_is_closed_stays_closed,
                    added_units_follow_the_last_one_ever_made,
                    first_units_are_those_the_activity_was_added_with,
                    units_taken_back_stay_void,
                    more_units_than_the_rules_allow_are_refused,
                    added_codes_follow_and_known_ones_are_left_out,
                    a_key_of_an_operator_is_known_for_ever,
                    a_change_replaces_the_definition_and_nothing_else,
                    an_ended_owner_changes_nothing,
                ];
                people: [
                    numbers_of_names_are_dense,
                    a_registered_name_is_taken,
                    a_name_on_a_roster_cannot_register_itself,
                    a_name_that_registered_itself_never_satisfies_a_roster,
                    adoption_never_makes_or_takes_an_operator,
                    a_name_belongs_to_the_source_that_made_it,
                    ten_thousand_names_are_adopted_at_once,
                    people_are_added_all_or_not_at_all,
                    the_command_line_takes_over_a_name_that_only_rosters_have,
                    a_new_password_ends_all_sessions,
                    an_ended_session_is_remembered_until_its_time,
                    standings_are_of_those_who_differ_from_everybody,
                    people_are_listed_in_pages,
                    a_secret_is_made_once,
                ];
                exports: [
                    a_part_keeps_the_earliest_moment_and_the_first_refusal,
                    orders_carry_names_and_codes,
                    participants_are_everyone_once,
                    an_export_longer_than_one_reading_is_whole_and_in_order,
                    an_export_stops_when_it_is_told_to,
                    an_impostor_is_not_exported_under_a_rosters_names,
                    an_exported_order_says_how_it_stands,
                    only_an_order_that_lasted_is_a_win,
                ];
                orders: [
                    a_step_is_taken_only_from_the_state_that_allows_it,
                    a_free_order_takes_no_step,
                    an_order_is_known_by_its_first_line,
                    lines_are_read_with_how_their_orders_stand,
                    changes_are_told_by_events_in_their_order,
                    a_closed_activity_takes_changes_of_its_orders,
                    the_first_of_two_changes_in_a_batch_wins,
                    of_pay_and_expire_at_once_exactly_one_wins,
                    only_live_orders_contradict_each_other,
                    a_shown_code_contradicts_whoever_gets_it_later,
                    an_ended_owner_changes_no_order,
                    buyers_who_were_sent_to_pay_are_known_while_they_may,
                    the_last_moment_alive_is_a_heartbeat_or_a_claim,
                    deadlines_moved_are_remembered_in_their_order,
                    of_refused_notices_the_newest_are_kept,
                ];
                payments: [
                    a_payment_becomes_what_its_order_lets_it,
                    what_does_not_pay_its_order_is_owed,
                    a_providers_reference_is_one_payment,
                    a_payment_changes_only_from_the_state_that_allows_it,
                    a_late_payment_pays_the_order_made_for_it,
                    a_late_payment_confirms_only_an_order_that_is_held,
                    a_refund_moves_order_and_payment_together,
                    refunds_wait_for_their_next_attempt,
                    what_waits_is_found_by_its_provider_and_behind_what_is_put_off,
                    payments_are_listed_newest_first,
                    an_activitys_payments_are_all_of_them,
                ];
                line: [
                    a_place_in_line_is_kept,
                    whoever_left_and_comes_again_stands_at_the_end,
                    a_place_that_was_offered_a_unit_is_used_up,
                    an_offer_may_meet_a_place_that_was_left,
                    nobody_lines_up_for_what_is_closed,
                ];
                running: [
                    a_second_owner_is_refused_until_the_first_has_gone,
                    every_ownership_has_its_own_epoch,
                    a_reader_beside_the_owner_sees_what_is_written_and_writes_nothing,
                    a_backup_while_claims_are_written_is_whole,
                    a_backup_never_overwrites,
                    readers_and_writers_do_not_wait_for_each_other,
                ];
            }
        }
    };
    (@tests $subject:expr; $($module:ident: [$($test:ident,)*];)*) => {
        $($(
            #[test]
            fn $test() {
                let subject = $subject;
                super::$module::$test(&subject);
            }
        )*)*
    };
}

conformance!(in_sqlite, super::sqlite::Sqlite::fresh());
conformance!(out_of_sqlite: relay, super::sqlite::Sqlite::fresh());
conformance!(in_simulation, super::simulated::Simulated::fresh());
