"""A new event, safe to repeat after a crash at any point (rules W1, W4; reliability C3-C6, F9, F10, F17, F20, F31)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from icloud_sync.errors import (
    ItemBusy,
    ItemChanged,
    ItemMissing,
    ItemRefused,
    OutcomeUnknown,
    PasswordRejected,
    Throttled,
    UidConflict,
)
from icloud_sync.rules.states import Local
from icloud_sync.sync.push import push
from tests.sync.fakes import BASE, PATH, RENAMED, ICloud, LeadMagicX, copy_of, seen_as

NEW = copy_of(Local.NEW)
SENT = copy_of(Local.NEW, sent=True, intents=(BASE,))
ELSEWHERE = "/1/calendars/work/U.ics"


def run(copy, icloud):
    ours = LeadMagicX(copy)
    push(copy, ours=ours, theirs=icloud)
    return ours.notes


def test_the_first_try_is_one_request_and_on_record_before_it() -> None:
    icloud = ICloud()
    assert run(NEW, icloud) == [("begin", BASE, None), ("written", BASE, '"2"')]
    assert icloud.calls == ["create"]


def test_without_an_etag_it_is_read_back_before_anything_else() -> None:
    icloud = ICloud(script={"create": [None]})
    assert run(NEW, icloud)[-1] == ("written", BASE, '"2"')
    assert icloud.calls == ["create", "look"]


@pytest.mark.parametrize("there", [None, seen_as(RENAMED), seen_as(BASE, uid="X")])
def test_what_is_read_back_vouches_only_for_what_we_wrote(there) -> None:
    """A stale read, an edit, somebody else's event: none of their ETags is ours."""
    icloud = ICloud(script={"create": [None], "look": [there]})
    assert run(NEW, icloud)[-1] == ("written", BASE, "")


@pytest.mark.parametrize("etag", ["", None])
def test_an_empty_etag_is_none(etag) -> None:
    icloud = ICloud(script={"create": [etag], "look": [None]})
    assert run(NEW, icloud)[-1] == ("written", BASE, "")


def test_a_lost_answer_goes_up_with_the_intent_on_record() -> None:
    icloud = ICloud(script={"create": [(OutcomeUnknown(), "applied")]})
    ours = LeadMagicX(NEW)
    with pytest.raises(OutcomeUnknown):
        push(NEW, ours=ours, theirs=icloud)
    assert ours.notes == [("begin", BASE, None)]


def test_after_a_lost_answer_what_arrived_is_adopted() -> None:
    icloud = ICloud()
    etag = icloud.put(BASE)
    assert run(SENT, icloud) == [("adopted", PATH, etag), ("acknowledged", etag)]
    assert icloud.calls == ["look"]


def test_after_a_lost_request_it_is_sent_once_more() -> None:
    icloud = ICloud()
    assert run(SENT, icloud)[-1] == ("written", BASE, '"2"')
    assert icloud.calls == ["look", "find", "create"]


def test_an_edit_on_top_of_what_arrived_is_the_users() -> None:
    icloud = ICloud()
    etag = icloud.put(BASE | {"location": "Room 2"})
    ours = LeadMagicX(SENT, on_adopted=lambda copy: replace(copy, local=Local.SAME, base=BASE))
    push(SENT, ours=ours, theirs=icloud)
    assert ours.notes == [("adopted", PATH, etag), ("merged", {"location": "Room 2"}, {})]


def test_another_event_under_our_name_is_not_ours() -> None:
    icloud = ICloud()
    icloud.put(BASE, uid="X")
    notes = run(SENT, icloud)
    assert notes[1] == "renamed"
    assert icloud.events[PATH].uid == "X"
    assert icloud.events[PATH.replace("U", "V")].uid == "V"


def test_a_name_that_was_used_before_gets_exactly_one_other_identity() -> None:
    """Fact 5.7."""
    icloud = ICloud(script={"create": [ItemChanged(), ...]})
    assert run(NEW, icloud)[-2:] == [("begin", BASE, None), ("written", BASE, '"2"')]
    assert icloud.calls == ["create", "look", "create"]

    icloud = ICloud(script={"create": [ItemChanged(), ItemChanged("again")]})
    assert run(NEW, icloud)[-1] == ("refused", "name_taken", "again")
    assert icloud.calls == ["create", "look", "create", "look"]


def test_a_412_because_our_own_earlier_write_arrived_meanwhile_is_no_new_identity() -> None:
    icloud = ICloud(script={"look": [None]})
    etag = icloud.put(BASE)
    assert run(SENT, icloud)[-2:] == [("adopted", PATH, etag), ("acknowledged", etag)]
    assert icloud.calls == ["look", "find", "create", "look"]


def test_after_a_lost_answer_the_event_is_looked_for_where_the_user_may_have_moved_it() -> None:
    """I4: moved before it was acknowledged; to write it again would make a second event."""
    icloud = ICloud(elsewhere=seen_as(BASE, path=ELSEWHERE))
    assert run(SENT, icloud)[0] == ("adopted", ELSEWHERE, '"1"')
    assert icloud.calls == ["look", "find"]
    assert icloud.named == [None]


def test_the_first_try_is_not_looked_for_elsewhere() -> None:
    icloud = ICloud(script={"create": [ItemChanged(), ...]}, elsewhere=seen_as(path=ELSEWHERE))
    assert "renamed" in run(NEW, icloud)
    assert "find" not in icloud.calls


def test_an_event_elsewhere_with_another_uid_is_not_ours() -> None:
    icloud = ICloud(elsewhere=seen_as(path=ELSEWHERE, uid="X"))
    assert run(SENT, icloud)[-1] == ("written", BASE, '"2"')
    icloud = ICloud(script={"create": [UidConflict(path=ELSEWHERE), ...]}, elsewhere=seen_as(path=ELSEWHERE, uid="X"))
    assert "renamed" in run(NEW, icloud)


def test_a_conflict_that_names_the_place_is_looked_at_there() -> None:
    """Reliability F9: ours is adopted, a foreign one makes a new identity."""
    icloud = ICloud(script={"create": [UidConflict(path=ELSEWHERE)]}, elsewhere=seen_as(path=ELSEWHERE))
    assert ("adopted", ELSEWHERE, '"1"') in run(NEW, icloud)
    assert icloud.named == [ELSEWHERE]

    icloud = ICloud(script={"create": [UidConflict(path=None), ...]})
    assert "renamed" in run(NEW, icloud)
    assert "find" not in icloud.calls


def test_what_was_moved_where_nobody_looks_counts_as_removed() -> None:
    """Rule P6: it is not restored by the adoption itself."""
    icloud = ICloud(elsewhere=seen_as(path=ELSEWHERE))
    ours = LeadMagicX(SENT, on_adopted=lambda copy: replace(copy, local=Local.REMOVED))
    push(SENT, ours=ours, theirs=icloud)
    assert ours.notes[-1] == ("adopted", ELSEWHERE, '"1"')


def test_a_404_waits_for_the_next_look() -> None:
    """Fact 5.3: the calendar is gone, or the body is not liked."""
    with pytest.raises(ItemBusy) as caught:
        run(NEW, ICloud(script={"create": [ItemMissing()]}))
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ItemRefused("no", status=403, condition="need-privileges"), "need-privileges"),
        (ItemRefused("no", status=413), "413"),
    ],
)
def test_a_refusal_stops_this_one_event_visibly(error: ItemRefused, code: str) -> None:
    """Rule W9."""
    assert run(NEW, ICloud(script={"create": [error]}))[-1] == ("refused", code, "no")


@pytest.mark.parametrize("error", [Throttled(), PasswordRejected(), ItemBusy()])
def test_failures_of_the_account_go_up_untouched(error: Exception) -> None:
    ours = LeadMagicX(NEW)
    with pytest.raises(type(error)):
        push(NEW, ours=ours, theirs=ICloud(script={"create": [error]}))
    assert ours.notes == [("begin", BASE, None)]


def test_refused_with_what_was_taken_over_it_is_written_without() -> None:
    """K8, W9: an alarm must not cost the appointment."""
    dressed = copy_of(Local.NEW, additions={"alarms": ["BEGIN:VALARM"]})
    icloud = ICloud(script={"create": [ItemRefused("no", status=403), ...]})
    notes = run(dressed, icloud)
    assert ("without_additions" in notes, notes[-1][0]) == (True, "written")
    assert icloud.calls.count("create") == 2

    icloud = ICloud(script={"create": [ItemRefused("no", status=403), ItemRefused("still", status=403)]})
    assert run(dressed, icloud)[-1] == ("refused", "403", "still")


def test_without_the_right_to_write_what_was_taken_over_waits() -> None:
    dressed = copy_of(Local.NEW, additions={"alarms": ["BEGIN:VALARM"]})
    icloud = ICloud(script={"create": [ItemRefused("no", status=403, condition="need-privileges")]})
    assert run(dressed, icloud)[-1] == ("refused", "need-privileges", "no")
    assert icloud.calls == ["create"]


def test_a_refusal_of_a_plain_event_is_final() -> None:
    icloud = ICloud(script={"create": [ItemRefused("no", status=403), ...]})
    assert run(NEW, icloud)[-1] == ("refused", "403", "no")
    assert icloud.calls == ["create"]
