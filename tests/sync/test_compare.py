"""How one of our events looks in iCloud, compared with what we know."""

from __future__ import annotations

import pytest

from icloud_sync.rules.states import Local, Remote
from icloud_sync.sync.compare import is_stale, remote_state, says, started_from
from tests.sync.fakes import BASE, MOVED, RENAMED, copy_of, seen_as


@pytest.mark.parametrize("local", list(Local))
def test_what_is_not_there_is_absent(local: Local) -> None:
    assert remote_state(copy_of(local), None) is Remote.ABSENT


def test_what_was_never_acknowledged_is_new() -> None:
    assert remote_state(copy_of(Local.NEW), seen_as()) is Remote.NEW
    assert remote_state(copy_of(Local.NEW, intents=(BASE,)), seen_as()) is Remote.NEW


@pytest.mark.parametrize("local", [Local.SAME, Local.EDITED, Local.MOVED, Local.ABSENT, Local.REMOVED])
def test_what_both_agreed_on_is_the_same_and_anything_else_an_edit(local: Local) -> None:
    assert remote_state(copy_of(local), seen_as()) is Remote.SAME
    assert remote_state(copy_of(local), seen_as(BASE | {"notes": "x"})) is Remote.EDITED


def test_what_a_write_without_an_answer_said_is_no_edit() -> None:
    """I3: our own text never comes back as the user's, however many writes were lost (W8)."""
    copy = copy_of(Local.MOVED, intents=(RENAMED, MOVED))
    assert remote_state(copy, seen_as(RENAMED)) is Remote.SAME
    assert remote_state(copy, seen_as(MOVED)) is Remote.SAME
    assert remote_state(copy, seen_as(BASE)) is Remote.SAME
    assert remote_state(copy, seen_as(MOVED | {"title": "x"})) is Remote.EDITED


def test_an_edit_that_cannot_be_taken_counts_as_none() -> None:
    assert remote_state(copy_of(), seen_as(RENAMED, unsupported="all_day")) is Remote.SAME


def test_the_text_from_before_our_write_is_no_edit_while_icloud_settles() -> None:
    """Fact 4.9."""
    settling = copy_of(base=MOVED, wanted=MOVED, before=BASE, settling=True)
    settled = copy_of(base=MOVED, wanted=MOVED, before=BASE, settling=False)
    assert remote_state(settling, seen_as(BASE)) is Remote.SAME
    assert remote_state(settled, seen_as(BASE)) is Remote.EDITED
    assert remote_state(copy_of(base=MOVED, settling=True), seen_as(BASE)) is Remote.EDITED
    assert remote_state(settling, seen_as(RENAMED)) is Remote.EDITED


def test_a_read_is_stale_only_if_it_says_nothing_newer() -> None:
    settling = copy_of(base=MOVED, before=BASE, settling=True)
    assert is_stale(settling, seen_as(BASE))
    assert not is_stale(settling, seen_as(MOVED))
    assert not is_stale(settling, seen_as(RENAMED))
    assert not is_stale(copy_of(base=MOVED, before=BASE, settling=False), seen_as(BASE))
    assert not is_stale(copy_of(base=MOVED, before=None, settling=True), seen_as(BASE))
    # Written back to what stood there before: then it is just what we wrote.
    assert not is_stale(copy_of(base=BASE, before=BASE, settling=True), seen_as(BASE))
    # Changed back without an answer: it may be the old text or the new one.
    assert is_stale(copy_of(base=MOVED, before=BASE, intents=(BASE,), settling=True), seen_as(BASE))


def test_the_user_started_from_the_text_most_like_what_is_seen() -> None:
    copy = copy_of(intents=(MOVED, RENAMED))
    assert started_from(copy, seen_as(BASE | {"notes": "x"})) == BASE
    assert started_from(copy, seen_as(MOVED | {"notes": "x"})) == MOVED
    assert started_from(copy, seen_as(RENAMED | {"location": "x", "notes": "y"})) == RENAMED
    # As like the one as the other: what both agreed on for certain.
    assert started_from(copy, seen_as(MOVED | {"title": "Second fitting"})) in (MOVED, RENAMED)
    assert started_from(copy_of(intents=(RENAMED,)), seen_as(BASE | {"title": "x"})) == BASE
    assert started_from(copy_of(base=None, intents=(RENAMED,)), seen_as()) == RENAMED
    assert started_from(copy_of(Local.NEW), seen_as()) == {}


def test_start_and_end_are_compared_as_one() -> None:
    """A time of which only the end is like ours is as unlike as one of which nothing is."""
    half = MOVED | {"start": "09:00", "title": "x"}
    assert started_from(copy_of(intents=(MOVED,)), seen_as(half)) == BASE


def test_what_is_not_known_says_nothing_and_what_is_not_there_is_empty() -> None:
    assert not says(BASE, None)
    assert says(BASE, {})
    assert says({}, {"notes": ""})
    assert not says({}, {"notes": "x"})
    assert says(BASE | {"more": "x"}, BASE)
