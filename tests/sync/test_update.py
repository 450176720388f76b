"""A change here reaches the event as it stands in iCloud now (rules W1, W4, W5, P7, P8; F7, F11, F17)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from icloud_sync.errors import ItemBusy, ItemMissing, ItemRefused, OutcomeUnknown
from icloud_sync.rules.states import Local
from icloud_sync.sync.push import push
from tests.sync.fakes import BASE, MOVED, PATH, RENAMED, ICloud, LeadMagicX, NoRequest, copy_of, seen_as

BOTH = [(Local.MOVED, MOVED), (Local.EDITED, RENAMED)]


def run(copy, icloud):
    ours = LeadMagicX(copy)
    push(copy, ours=ours, theirs=icloud)
    return ours.notes


@pytest.mark.parametrize("local", [Local.SAME, Local.REMOVED, Local.LEFT_OFF])
def test_nothing_to_say_is_no_request(local: Local) -> None:
    assert run(copy_of(local), NoRequest()) == ["idle"]


@pytest.mark.parametrize(("local", "wanted"), BOTH)
def test_an_update_looks_first_and_writes_once(local: Local, wanted: dict[str, str]) -> None:
    icloud = ICloud()
    icloud.put(BASE)
    assert run(copy_of(local), icloud) == [("begin", wanted, BASE), ("written", wanted, '"3"')]
    assert icloud.calls == ["look", "update"]


def test_without_an_etag_it_is_read_back() -> None:
    icloud = ICloud(script={"update": [None]})
    icloud.put(BASE)
    assert run(copy_of(Local.MOVED), icloud)[-1] == ("written", MOVED, '"3"')
    assert icloud.calls == ["look", "update", "look"]


def test_what_stands_there_already_is_not_written_again() -> None:
    """I5: after a lost answer the retry finds its own text, and sends nothing."""
    icloud = ICloud()
    etag = icloud.put(MOVED)
    copy = copy_of(Local.MOVED, intents=(MOVED,))
    assert run(copy, icloud) == [("agreed", etag)]
    assert icloud.calls == ["look"]


def test_a_stale_read_agrees_to_nothing() -> None:
    """Changed back within the lag: what is read is the old text, not what we wrote last (fact 4.9)."""
    icloud = ICloud(script={"look": [seen_as(BASE)] * 3})
    icloud.put(MOVED)
    copy = replace(copy_of(Local.MOVED), base=MOVED, wanted=BASE, before=BASE, settling=True)
    with pytest.raises(ItemBusy):
        run(copy, icloud)
    assert icloud.calls == ["look", "update"] * 3


@pytest.mark.parametrize("there", [None, seen_as(uid="X")])
@pytest.mark.parametrize(("local", "wanted"), BOTH)
def test_what_is_not_found_is_proved_before_it_counts(local: Local, wanted: dict[str, str], there) -> None:
    """Rules P4, P6: an update never creates."""
    icloud = ICloud(script={"look": [there]})
    assert run(copy_of(local), icloud) == ["vanished"]
    assert icloud.calls == ["look"]


def test_deleted_between_looking_and_writing() -> None:
    icloud = ICloud()
    icloud.put(BASE)
    icloud.before_write = icloud.events.clear
    assert run(copy_of(Local.MOVED), icloud) == [("begin", MOVED, BASE), "vanished"]


def test_edited_on_both_sides_is_merged_and_then_written() -> None:
    icloud = ICloud()
    icloud.put(BASE | {"location": "Room 2"})
    notes = run(copy_of(Local.MOVED), icloud)
    merged = MOVED | {"location": "Room 2"}
    assert notes == [
        ("merged", {"location": "Room 2"}, {}),
        ("begin", merged, BASE | {"location": "Room 2"}),
        ("written", merged, '"3"'),
    ]


def test_on_the_same_field_leadmagicx_wins() -> None:
    icloud = ICloud()
    icloud.put(BASE | {"title": "Theirs"})
    notes = run(copy_of(Local.EDITED), icloud)
    assert notes[0] == ("merged", {}, {"title": "Theirs"})
    assert icloud.events[PATH].fields == RENAMED


def test_the_same_edit_on_both_sides_needs_no_write() -> None:
    icloud = ICloud()
    icloud.put(RENAMED)
    assert run(copy_of(Local.EDITED), icloud) == [("merged", {}, {})]
    assert icloud.calls == ["look"]


def test_cancelled_while_merging_is_left_to_the_removal() -> None:
    icloud = ICloud()
    icloud.put(BASE | {"title": "Theirs"})
    copy = copy_of(Local.EDITED)
    ours = LeadMagicX(copy, on_merged=lambda copy: replace(copy, local=Local.ABSENT, wanted=None))
    push(copy, ours=ours, theirs=icloud)
    assert icloud.calls == ["look"]


def test_somebody_edits_while_we_write_and_the_edit_is_merged() -> None:
    """F11."""
    icloud = ICloud()
    icloud.put(BASE)
    edits = iter([BASE | {"notes": "one"}])

    def edit() -> None:
        for fields in edits:
            icloud.put(fields)

    icloud.before_write = edit
    notes = run(copy_of(Local.MOVED), icloud)
    assert [note[0] for note in notes] == ["begin", "merged", "begin", "written"]
    assert icloud.events[PATH].fields == MOVED | {"notes": "one"}


def test_three_rounds_and_then_it_waits_its_turn() -> None:
    icloud = ICloud()
    icloud.put(BASE)
    icloud.before_write = lambda: icloud.put(BASE) and None
    with pytest.raises(ItemBusy) as caught:
        run(copy_of(Local.MOVED), icloud)
    assert caught.value.status == 412
    assert icloud.calls == ["look", "update"] * 3


def test_an_edit_that_cannot_be_taken_is_flagged_before_it_is_written_over() -> None:
    """Rule P7."""
    icloud = ICloud()
    icloud.put(RENAMED, unsupported="recurring")
    notes = run(copy_of(Local.MOVED), icloud)
    assert notes[0] == ("unsupported", "recurring")
    assert notes[-1][0] == "written"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ItemRefused("no", status=403, condition="max-resource-size"), "max-resource-size"),
        (ItemRefused(status=400), "400"),
    ],
)
def test_a_refusal_stops_this_one_event(error: ItemRefused, code: str) -> None:
    icloud = ICloud(script={"update": [error]})
    icloud.put(BASE)
    assert run(copy_of(Local.MOVED), icloud)[-1] == ("refused", code, str(error))


def test_a_lost_answer_goes_up_with_the_intent_on_record() -> None:
    icloud = ICloud(script={"update": [(OutcomeUnknown(), "applied")]})
    icloud.put(BASE)
    ours = LeadMagicX(copy_of(Local.MOVED))
    with pytest.raises(OutcomeUnknown):
        push(ours.copy, ours=ours, theirs=icloud)
    assert ours.notes == [("begin", MOVED, BASE)]


def test_missing_at_the_write_is_no_item_error_of_the_caller() -> None:
    icloud = ICloud(script={"update": [ItemMissing()]})
    icloud.put(BASE)
    assert run(copy_of(Local.EDITED), icloud)[-1] == "vanished"
