"""Large calendars and odd members of them (rules P1, P14; reliability F36)."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from calendars.models import BlockedSlot
from icloud_sync.models import Attention, ICloudEvent, JournalEntry
from tests.stage import Stage, day

TASK = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Apple Inc.//iOS 18.0//EN\r\nBEGIN:VTODO\r\nUID:REMINDER\r\n"
    b"DTSTAMP:20260101T000000Z\r\nSUMMARY:The creator of this list has upgraded these reminders.\r\n"
    b"END:VTODO\r\nEND:VCALENDAR\r\n"
)


def many(number: int) -> list[tuple[str, bytes]]:
    """Return that many plain events, half an hour each, one after the other from the day after tomorrow."""
    found = []
    for index in range(number):
        start = day(2) + timedelta(minutes=30) * index
        lines = (
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//phone//EN", "BEGIN:VEVENT", f"UID:event-{index}",
            "DTSTAMP:20260101T000000Z", f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
            f"DTEND:{start + timedelta(minutes=30):%Y%m%dT%H%M%SZ}", f"SUMMARY:Event {index}",
            "END:VEVENT", "END:VCALENDAR", "",
        )  # fmt: skip
        found.append((f"event-{index}.ics", "\r\n".join(lines).encode()))
    return found


def test_f36_of_a_thousand_events_the_unreadable_one_is_named_and_999_are_applied(stage: Stage) -> None:
    ada = stage.person()
    events = many(1_000)
    name, text = events[700]
    events[700] = (name, text.replace(b"DTSTART", b"X-START"))
    home = ada.account.calendar("Home")
    home.load(events)
    ada.connect()
    ada.sync()
    assert BlockedSlot.objects.filter(user=ada.user, blocks=True).count() == 999
    bad = home.path + name
    entry = JournalEntry.objects.get(action="event_unreadable")
    assert (entry.path, entry.code) == (bad, "no_start")
    case = Attention.objects.get(resolved_at=None)
    assert (case.code, case.values["href"], case.values["why"]) == ("unreadable_event", bad, "no_start")
    assert ada.calendar("Home").token == home.token, "the token moved on"
    with stage.icloud.counting() as seen:
        ada.sync()
    assert len(seen.requests) == 1, "it is not read again until it changes"
    home.put(name, text)
    ada.sync()
    assert BlockedSlot.objects.filter(user=ada.user, blocks=True).count() == 1_000
    assert ada.flags == set()


def test_the_first_look_at_700_events_takes_at_most_20_requests(stage: Stage) -> None:
    ada = stage.person()
    ada.account.calendar("Home").load(many(700))
    ada.connect()
    with stage.icloud.counting() as seen:
        ada.sync()
    assert len(seen.requests) <= 20
    assert max(record.body.count(b"href>") // 2 for record in seen.requests) <= 50, "batches of at most 50"
    assert ICloudEvent.objects.count() == 700


@pytest.mark.icloud_all_profiles
def test_a_task_among_events_is_passed_over_without_a_word(stage: Stage) -> None:
    """Upgraded Reminders leave tasks where events are (fact 3.4): there is nothing a person could do about them."""
    ada = stage.person()
    task = ada.phone.add_raw("Home", "reminder.ics", TASK)
    ada.phone.create("Home", title="Dentist", start=day(2, 9), end=day(2, 10))
    ada.connect()
    ada.sync(3)
    assert [slot.title for slot in ada.slots] == ["Dentist"]
    assert (ada.flags, "event_unreadable" in ada.journal()) == (set(), False)
    with stage.icloud.counting() as seen:
        ada.sync()
    assert not any(record.report == "calendar-multiget" for record in seen.requests), "nor is it read again"
    task.delete()
    ada.sync(3)
    assert (ada.flags, "event_deleted" in ada.journal()) == (set(), False)


def test_an_event_that_becomes_a_task_keeps_its_time_and_is_named(stage: Stage) -> None:
    """It blocked before and nobody said that it is over (rule P14)."""
    ada = stage.person()
    ada.phone.create("Home", title="Dentist", start=day(2, 9), end=day(2, 10), name="x.ics")
    ada.connect()
    ada.sync()
    ada.phone.add_raw("Home", "x.ics", TASK)
    ada.sync()
    assert [slot.title for slot in ada.blocks] == ["Dentist"]
    assert ada.flags == {"unreadable_event"}


def test_no_uid_and_no_address_stops_the_others_however_long(stage: Stage) -> None:
    """Whoever sends an invitation chooses its UID; an index has room for 2,704 octets."""
    ada = stage.person()
    letters = Random(7)
    uid = "".join(chr(letters.randrange(0x4E00, 0x9FA5)) for _ in range(1_000))
    (name, text), (_, other), third = many(3)
    ada.phone.add_raw("Home", name, text.replace(b"UID:event-0", f"UID:{uid}".encode()))
    ada.phone.add_raw("Home", "a" * 1_100 + ".ics", other)
    ada.phone.add_raw("Home", *third)
    ada.connect()
    ada.sync(2)
    assert [slot.title for slot in ada.blocks] == ["Event 0", "Event 2"]
    assert ICloudEvent.objects.get(path__endswith=name).uid.startswith("sha256:")
    ada.phone.by_uid(uid).delete()
    ada.sync(3)
    assert ICloudEvent.objects.get(path__endswith=name).removed_at is not None
