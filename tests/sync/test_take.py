"""What the user did to one of our events reaches its appointment (rules P4, P6, P7, P8)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from icloud_sync.rules.states import Local
from icloud_sync.sync.take import follow, prove, take
from tests.sync.fakes import BASE, MOVED, PATH, RENAMED, LeadMagicX, copy_of, seen_as

ELSEWHERE = "/1/calendars/work/U.ics"


def taken(copy, seen):
    ours = LeadMagicX(copy)
    after = take(copy, seen, ours=ours)
    return ours.notes, after


def test_no_edit_only_notes_the_etag() -> None:
    notes, after = taken(copy_of(), seen_as(etag='"9"'))
    assert notes == [("acknowledged", '"9"')]
    assert after == copy_of()


def test_an_edit_is_applied() -> None:
    notes, after = taken(copy_of(), seen_as(RENAMED))
    assert notes == [("merged", {"title": "Second fitting"}, {})]
    assert (after.base, after.wanted, after.local) == (RENAMED, RENAMED, Local.SAME)


def test_edited_on_both_sides_is_merged() -> None:
    notes, _ = taken(copy_of(Local.MOVED), seen_as(RENAMED))
    assert notes == [("merged", {"title": "Second fitting"}, {})]
    notes, _ = taken(copy_of(Local.MOVED), seen_as(MOVED | {"end": "14:00"}))
    assert notes == [("merged", {}, {"start": "12:00", "end": "14:00"})]


def test_a_cancelled_appointment_takes_nothing() -> None:
    notes, _ = taken(copy_of(Local.ABSENT), seen_as(RENAMED))
    assert notes == [("acknowledged", '"1"')]


def test_what_a_lost_write_said_is_not_taken() -> None:
    """I3: here changed to MOVED without an answer, then back; only the note is the user's."""
    copy = replace(copy_of(Local.EDITED), wanted=BASE, intents=(MOVED,))
    notes, _ = taken(copy, seen_as(MOVED | {"notes": "x"}))
    assert notes == [("merged", {"notes": "x"}, {"start": "12:00", "end": "13:00"})] or notes == [
        ("merged", {"notes": "x"}, {})
    ]


def test_an_edit_that_cannot_be_taken_is_flagged() -> None:
    notes, after = taken(copy_of(), seen_as(RENAMED, unsupported="all_day"))
    assert notes == [("unsupported", "all_day")]
    assert after == copy_of()


def test_a_stale_read_is_read_again_later() -> None:
    copy = copy_of(base=MOVED, wanted=MOVED, before=BASE, settling=True)
    notes, after = taken(copy, seen_as(BASE))
    assert notes == ["look_later"]
    assert after == copy


@pytest.mark.parametrize("local", [Local.REMOVED, Local.LEFT_OFF])
def test_back_in_icloud_takes_the_flag_away_and_the_edit_with_it(local: Local) -> None:
    notes, _ = taken(copy_of(local), seen_as(BASE))
    assert notes == [("restored", PATH), ("acknowledged", '"1"')]
    notes, _ = taken(copy_of(local), seen_as(RENAMED))
    assert notes == [("restored", PATH), ("merged", {"title": "Second fitting"}, {})]
    notes, _ = taken(copy_of(local), seen_as(RENAMED, unsupported="recurring"))
    assert notes == [("restored", PATH), ("unsupported", "recurring")]


def test_at_another_place_it_stays_ours() -> None:
    ours = LeadMagicX(copy_of())
    follow(ours.copy, seen_as(RENAMED, path=ELSEWHERE), ours=ours)
    assert ours.notes == [("restored", ELSEWHERE), ("merged", {"title": "Second fitting"}, {})]


def proved(copy, seen):
    ours = LeadMagicX(copy)
    prove(copy, seen, ours=ours)
    return ours.notes


@pytest.mark.parametrize(
    ("local", "note"),
    [
        (Local.SAME, "removed"),
        (Local.EDITED, "removed"),
        (Local.MOVED, "recreate"),
        (Local.ABSENT, ("gone", False)),
        (Local.REMOVED, "idle"),
        (Local.LEFT_OFF, "idle"),
        (Local.NEW, "idle"),
    ],
)
@pytest.mark.parametrize("seen", [None, seen_as(uid="X")])
def test_a_proved_absence(local: Local, note: object, seen) -> None:
    """Rule P4."""
    assert proved(copy_of(local), seen) == [note]


def test_it_was_there_all_the_time() -> None:
    """Rule P6, fact 4.9."""
    assert proved(copy_of(), seen_as(BASE)) == [("restored", PATH), ("acknowledged", '"1"')]
    assert proved(copy_of(Local.MOVED), seen_as(RENAMED))[1] == ("merged", {"title": "Second fitting"}, {})
