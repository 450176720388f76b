"""Every scenario that the stand-in for iCloud was made for, and the test that tells it under each profile."""

from __future__ import annotations

import pytest

from tests.fake_icloud import PROFILES
from tests.faults.named import marks_of

SCENARIOS = {
    "Connection": {
        "wrong password": "connecting.test_a_password_that_is_wrong_is_told_by_one_refusal",
        "the Apple account's own password": "connecting.test_the_password_of_the_apple_account_is_never_sent",
        "an alias as user name": "connecting.test_an_alias_does_not_sign_in",
        "challenges in either order": "connecting.test_the_order_of_the_challenges_does_not_matter",
        "redirected discovery": "connecting.test_every_way_to_be_sent_to_the_partition_is_followed",
        "addresses on an evil host": "connecting.test_an_address_elsewhere_is_refused_and_never_contacted",
        "a sign-in page at each step": "connecting.test_a_sign_in_page_is_no_account_at_any_step",
        "another partition": "connecting.test_a_stored_home_is_found_again_after_a_move_to_another_partition",
        "locked": "connecting.test_a_locked_account_is_not_a_wrong_password",
        "one refusal that passes": "connecting.test_one_refusal_that_passes_changes_nothing",
        "revoked in the middle": "connecting.test_a_revoked_password_stops_everything_and_a_new_one_goes_on",
        "reconnected": "connecting.test_a_revoked_password_stops_everything_and_a_new_one_goes_on",
        "reconnected as another account":
            "connecting.test_a_password_of_another_account_is_refused_and_nothing_is_written_there",
    },
    "Calendar list": {
        "what may never be chosen": "calendar_list.test_what_is_listed_and_what_may_be_chosen",
        "a share to look at": "calendar_list.test_what_is_listed_and_what_may_be_chosen",
        "a right that is lost": "calendar_list.test_a_share_that_loses_and_regains_writers_access",
        "unshared, deleted, renamed": "calendar_list.test_a_calendar_that_is_renamed_recoloured_unshared_or_deleted",
        "odd names": "calendar_list.test_what_is_listed_and_what_may_be_chosen",
    },
    "Pull": {
        "700 events": "changes.test_the_first_look_at_700_events_comes_in_batches",
        "nothing new": "changes.test_an_idle_look_costs_one_request_and_a_passing_event_leaves_nothing",
        "made and deleted between two looks":
            "changes.test_an_idle_look_costs_one_request_and_a_passing_event_leaves_nothing",
        "the calendar among its members":
            "changes.test_an_idle_look_costs_one_request_and_a_passing_event_leaves_nothing",
        "addresses that come twice": "pull.test_free_events_are_fetched_and_leave_the_time_open_and_flips_follow",
        "a lost token, five ways": "changes.test_a_lost_token_loses_nothing",
        "pages, three ways": "changes.test_an_answer_in_pages_is_read_to_its_end",
        "lag, left out, one member fails": "changes.test_what_is_listed_and_not_delivered_comes_later",
        "under the owner's name": "changes.test_a_share_whose_events_answer_under_their_owners_name",
        "dangling": "changes.test_a_dangling_address_is_named_after_some_tries",
        "malformed": "changes.test_malformed_bodies_among_good_ones",
        "housekeeping": "changes.test_apples_own_rewriting_changes_nothing_here",
        "moved, in both orders": "changes.test_an_event_moved_between_calendars_that_are_read_never_opens_its_time",
        "moved out of sight": "changes.test_an_event_moved_to_a_calendar_that_is_not_read_counts_as_deleted",
        "a series split": "busy.test_a_series_split_moved_out_freed_and_across_a_clock_change",
        "an occurrence far away": "busy.test_a_series_split_moved_out_freed_and_across_a_clock_change",
        "one occurrence made busy": "busy.test_a_series_split_moved_out_freed_and_across_a_clock_change",
        "clock changes": "busy.test_a_series_split_moved_out_freed_and_across_a_clock_change",
        "all day, floating, declined, travel, cancelled":
            "busy.test_all_day_floating_travel_declined_and_cancelled",
    },
    "Push": {
        "create": "push.test_an_appointment_appears_on_the_iphone_and_does_not_block_itself",
        "update, cancel": "push.test_moving_and_cancelling_follow",
        "edited on the phone meanwhile": "written.test_an_edit_between_our_look_and_our_write_survives",
        "opened, then moved here": "written.test_an_event_that_was_only_opened_is_moved_in_place",
        "deleted on the phone": "push.test_deleted_on_the_phone_stays_in_leadmagicx_and_does_not_come_back",
        "written again under another name": "written.test_deleted_on_the_phone_it_comes_back_only_under_another_name",
        "removal 404, 412, done": "written.test_cancelling_what_was_edited_or_deleted_on_the_phone",
        "lost answers": "written.test_a_lost_answer_leaves_no_duplicate_and_no_orphan",
        "no ETag": "written.test_no_etag_in_the_answer_is_no_trouble",
        "listings and texts that lag": "written.test_apples_lags_are_neither_deletions_nor_edits",
        "an unexplained 412": "written.test_an_unexplained_refusal_of_the_name_is_met_once",
        "a refused body": "written.test_a_body_that_is_refused_is_parked_and_the_others_go_on",
        "another primary calendar": "written.test_another_primary_calendar_gets_new_events_and_the_old_ones_go",
        "disconnected": "written.test_disconnecting_keeps_or_removes_what_is_to_come",
        "blocked slots stay here, no loop, no mail": "written.test_nothing_of_ours_comes_back_and_no_block_goes_out",
    },
    "Operations": {
        "a Retry-After that is too short": "operations.test_too_short_a_wish_to_wait_ends_in_peace",
        "an outage": "operations.test_an_outage_of_apple_disconnects_nobody_and_opens_nothing",
        "two workers": "operations.test_a_second_worker_finds_the_account_taken",
        "killed between write and commit": "operations.test_a_worker_killed_between_its_write_and_its_commit",
        "clocks": "operations.test_a_clock_that_jumps_loses_and_repeats_nothing",
    },
}  # fmt: skip
TOLD = [pytest.param(test, id=f"{part}: {name}") for part, told in SCENARIOS.items() for name, test in told.items()]


@pytest.mark.parametrize("test", TOLD)
def test_a_scenario_is_told_under_every_profile(test: str) -> None:
    assert "icloud_all_profiles" in {mark.name for mark in marks_of(f"engine.test_{test.removeprefix('test_')}")}


def test_there_are_three_profiles() -> None:
    assert PROFILES == ("probed", "reported", "hostile")
