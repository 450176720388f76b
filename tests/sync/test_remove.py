"""What was cancelled here disappears there, also when it was edited meanwhile (rule W2; F8, F12, F21)."""

from __future__ import annotations

import pytest

from icloud_sync.errors import ItemBusy, ItemChanged, ItemMissing, ItemRefused, OutcomeUnknown
from icloud_sync.rules.states import Local
from icloud_sync.sync.push import push
from tests.sync.fakes import BASE, RENAMED, ICloud, LeadMagicX, NoRequest, copy_of, seen_as

CANCELLED = copy_of(Local.ABSENT, etag='"2"')
UNSURE = copy_of(Local.NEW, wanted=None, sent=True, intents=(BASE,))


def run(copy, icloud):
    ours = LeadMagicX(copy)
    push(copy, ours=ours, theirs=icloud)
    return ours.notes


def test_never_sent_is_no_request() -> None:
    """F49."""
    assert run(copy_of(Local.NEW, wanted=None), NoRequest()) == [("gone", True)]


def test_a_known_etag_is_one_request() -> None:
    icloud = ICloud()
    icloud.put(BASE)
    assert run(CANCELLED, icloud) == [("gone", True)]
    assert icloud.calls == ['delete "2"']
    assert icloud.events == {}


def test_gone_already_is_done() -> None:
    icloud = ICloud()
    assert run(CANCELLED, icloud) == [("gone", False)]
    assert icloud.calls == ['delete "2"']


def test_edited_meanwhile_it_goes_all_the_same() -> None:
    icloud = ICloud()
    icloud.put(BASE)
    icloud.put(RENAMED)
    assert run(CANCELLED, icloud) == [("left_behind", RENAMED), ("gone", True)]
    assert icloud.calls == ['delete "2"', "glance", 'delete "3"']


def test_only_an_edit_is_left_behind() -> None:
    """Opened, or with an alarm: nothing of the appointment; unreadable: nothing to tell."""
    for fields in (BASE, {}):
        icloud = ICloud()
        icloud.put(BASE)
        icloud.put(fields)
        assert run(CANCELLED, icloud) == [("gone", True)]


def test_without_an_etag_it_is_looked_at_first() -> None:
    icloud = ICloud()
    icloud.put(BASE)
    assert run(copy_of(Local.ABSENT, etag=""), icloud) == [("gone", True)]
    assert icloud.calls == ["glance", 'delete "2"']


@pytest.mark.parametrize("there", [None, seen_as(uid="X")])
def test_what_is_not_ours_is_not_touched(there) -> None:
    icloud = ICloud(script={"glance": [there]})
    assert run(copy_of(Local.ABSENT, etag=""), icloud) == [("gone", False)]
    assert icloud.calls == ["glance"]


def test_cancelled_while_its_first_write_was_under_way() -> None:
    """F49: it did arrive, or it did not."""
    icloud = ICloud()
    icloud.put(BASE)
    assert run(UNSURE, icloud) == [("gone", True)]
    assert icloud.calls == ["glance", 'delete "2"']
    assert run(UNSURE, ICloud()) == [("gone", False)]


def test_it_keeps_changing_and_waits_its_turn() -> None:
    icloud = ICloud(script={"glance": [seen_as(etag='"9"')] * 4})
    icloud.put(BASE)
    with pytest.raises(ItemBusy) as caught:
        run(copy_of(Local.ABSENT, etag='"1"'), icloud)
    assert caught.value.status == 412
    assert icloud.calls == ['delete "1"'] + ["glance", 'delete "9"'] * 3


@pytest.mark.parametrize(
    ("error", "code"), [(ItemRefused("no", status=403), "403"), (ItemRefused("no", condition="locked"), "locked")]
)
def test_a_refusal_stops_it_visibly(error: ItemRefused, code: str) -> None:
    icloud = ICloud(script={"delete": [error]})
    icloud.put(BASE)
    assert run(CANCELLED, icloud) == [("refused", code, "no")]


def test_a_lost_answer_goes_up() -> None:
    ours = LeadMagicX(CANCELLED)
    with pytest.raises(OutcomeUnknown):
        push(CANCELLED, ours=ours, theirs=ICloud(script={"delete": [OutcomeUnknown()]}))
    assert ours.notes == []


def test_gone_while_it_is_removed() -> None:
    icloud = ICloud(script={"delete": [ItemMissing()]})
    icloud.put(BASE)
    assert run(CANCELLED, icloud) == [("gone", False)]


@pytest.mark.parametrize("replaced", [True, False])
def test_what_is_read_before_the_removal_is_handed_on_to_the_one_in_its_place(replaced: bool) -> None:
    """W5, K8: the text under the very ETag that is removed, each time anew."""
    icloud = ICloud(script={"delete": [ItemChanged(), ItemChanged(), ...]})
    icloud.put(BASE)
    ours = LeadMagicX(CANCELLED, replaced=replaced)
    push(CANCELLED, ours=ours, theirs=icloud)
    handed_on = [("hand_on", {"of": ['"2"']})] * 2 if replaced else []
    assert ours.notes == [*handed_on, ("gone", True)]


def test_what_cannot_be_read_hands_nothing_on() -> None:
    icloud = ICloud()
    icloud.put({})
    unknown = copy_of(Local.ABSENT, etag="")
    ours = LeadMagicX(unknown, replaced=True)
    push(unknown, ours=ours, theirs=icloud)
    assert ours.notes == [("gone", True)]


def test_found_elsewhere_it_hands_on_what_it_has_there() -> None:
    icloud = ICloud(elsewhere=seen_as(path="/1/calendars/work/U.ics", etag='"8"'))
    ours = LeadMagicX(CANCELLED, replaced=True)
    push(CANCELLED, ours=ours, theirs=icloud)
    assert ours.notes == [("hand_on", {"of": ['"8"']}), ("gone", False)]
    another = ICloud(elsewhere=seen_as(path="/1/calendars/work/U.ics", uid="X"))
    ours = LeadMagicX(CANCELLED, replaced=True)
    push(CANCELLED, ours=ours, theirs=another)
    assert ours.notes == [("gone", False)]
