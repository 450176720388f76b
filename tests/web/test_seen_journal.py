"""Every sentence of the journal is written by a sync or an act that really happens, and read on the admin's page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from calendars.models import Appointment, BlockedSlot, Calendar
from icloud_sync import errors
from icloud_sync.messages import ERROR_TEXTS, JOURNAL_TEXTS, REFUSAL_TEXTS, journal_text
from icloud_sync.models import ICloudConnection, JournalEntry
from icloud_sync.services import blocked, connecting, flags
from tests.fake_icloud import FakeICloud, faults
from tests.stage import Person, Stage, day
from tests.web.test_errors import words

XML = [("Content-Type", "application/xml")]
CONFLICT = b'<d:error xmlns:d="DAV:"><c:no-uid-conflict xmlns:c="urn:ietf:params:xml:ns:caldav"/></d:error>'
NOWHERE = b"\r\n".join([
    b"BEGIN:VCALENDAR", b"VERSION:2.0", b"PRODID:-//x//y//EN", b"BEGIN:VEVENT", b"UID:nowhere",
    b"DTSTAMP:20260101T000000Z", b"DTSTART;TZID=Atlantis/Capital:20300101T090000", b"DURATION:PT1H",
    b"SUMMARY:Far away", b"END:VEVENT", b"END:VCALENDAR", b"",
])  # fmt: skip


@dataclass
class Story:
    """Ada, who books and carries an iPhone."""

    stage: Stage
    ada: Person
    calendar: Calendar
    settings: Any

    @property
    def icloud(self) -> FakeICloud:
        return self.stage.icloud

    def connected(self, *, conflicts: tuple[str, ...] = ("Home", "Work")) -> None:
        self.ada.connect(conflicts=conflicts)
        self.ada.sync(2)

    def written(self) -> Appointment:
        """Return an appointment that stands in iCloud."""
        self.connected()
        booked = self.stage.book(self.calendar, day(2, 9))
        self.ada.sync(2)
        return booked

    @property
    def event(self) -> Any:
        return self.ada.phone.find("Grace Hopper")

    def connection(self) -> int:
        return ICloudConnection.objects.get().pk


def connects_and_leaves(story: Story) -> None:
    story.connected()
    story.ada.choose(conflicts=("Home",))
    password = story.ada.account.password
    connecting.reconnect(connection_id=story.connection(), password_text=password, now=timezone.now())
    connecting.disconnect(connection_id=story.connection(), written_events="keep", now=timezone.now())


def loses_the_password(story: Story) -> None:
    story.settings.ICLOUD_PASSWORD_CONFIRM_SECONDS = 0
    story.connected()
    story.ada.account.revoke_all()
    story.ada.sync(2)


def is_out_of_reach(story: Story) -> None:
    story.connected()
    story.icloud.outage = True
    story.ada.sync(2)
    story.icloud.outage = False
    story.ada.sync()


def cannot_clean_up_in_a_day(story: Story) -> None:
    story.written()
    story.icloud.outage = True
    connecting.disconnect(connection_id=story.connection(), written_events="remove", now=timezone.now())
    ICloudConnection.objects.update(removal_until=timezone.now() - timedelta(seconds=1))
    connecting.clean_up_removals(now=timezone.now())
    story.icloud.outage = False


def forgets_where_the_last_look_ended(story: Story) -> None:
    story.connected()
    story.icloud.flags.token_ttl = 0
    story.icloud.clock.advance(1)
    story.ada.phone.create("Home", title="Dentist", start=day(3, 9), end=day(3, 10))
    story.ada.sync()


def closes_a_calendar(story: Story) -> None:
    story.connected()
    story.ada.phone.create("Work", title="Meeting", start=day(3, 9), end=day(3, 10))
    story.icloud.faults.add(faults.status(403), method="REPORT", path=story.ada.calendar("Work").path, times=None)
    story.ada.sync()


def loses_a_calendar(story: Story) -> None:
    story.connected()
    story.ada.account.delete_calendar("Work")
    story.ada.sync(3)


def changes_the_rights(story: Story) -> None:
    owner = story.icloud.account("ben@icloud.example", name="Ben", calendars=("Plans",))
    owner.share("Plans", to=story.ada.account, access="rw")
    story.ada.connect(primary="Plans")
    story.ada.sync()
    for access in ("ro", "rw"):
        owner.change_calendar_access("Plans", to=story.ada.account, access=access)
        story.ada.sync(2)


def writes(story: Story) -> None:
    booked = story.written()
    story.stage.edit(booked, start=day(3, 11))
    story.ada.sync(2)
    story.stage.cancel(booked)
    story.ada.sync(2)


def removes_what_is_not_there(story: Story) -> None:
    booked = story.written()
    story.event.delete()
    story.stage.cancel(booked)
    story.ada.push()


def loses_an_answer(story: Story) -> None:
    story.connected()
    story.icloud.faults.add(faults.close_before_response(), method="PUT", after_apply=True)
    story.stage.book(story.calendar, day(2, 9))
    story.ada.sync(3)


def is_busy(story: Story) -> None:
    story.connected()
    story.icloud.faults.add(faults.status(423), method="PUT")
    story.stage.book(story.calendar, day(2, 9))
    story.ada.sync()


def has_no_room(story: Story) -> None:
    story.connected()
    story.icloud.faults.add(faults.status(507), method="PUT")
    story.stage.book(story.calendar, day(2, 9))
    story.ada.sync()


def changes_all_the_time(story: Story) -> None:
    booked = story.written()
    story.icloud.faults.add(faults.status(412), method="PUT", times=None)
    story.stage.edit(booked, title="Fitting")
    story.ada.push()


def knows_the_identity(story: Story) -> None:
    story.connected()
    story.icloud.faults.add(faults.answer(403, XML, CONFLICT), method="PUT")
    story.stage.book(story.calendar, day(2, 9))
    story.ada.sync()


def refuses(story: Story) -> None:
    story.connected()
    story.icloud.faults.add(faults.status(403), method="PUT")
    booked = story.stage.book(story.calendar, day(2, 9))
    story.ada.sync()
    flags.retry(appointment_id=booked.pk, now=timezone.now())


def is_edited_on_both_sides(story: Story) -> None:
    booked = story.written()
    story.event.edit(location="Room 7")
    story.ada.sync()
    story.event.edit(title="From the phone")
    story.stage.edit(booked, title="From LeadMagicX")
    story.ada.sync(3)
    story.ada.phone.find("From LeadMagicX").make_all_day()
    story.ada.sync(2)


def removes_and_brings_back(story: Story) -> None:
    booked = story.written()
    event = story.event
    name, body = event.name, event.body
    event.delete()
    story.ada.sync(3)
    story.ada.phone.add_raw("Home", name, body)
    story.ada.sync(3)
    story.event.move("Work")
    story.ada.sync(3)
    story.event.delete()
    story.ada.sync(3)
    flags.leave_off(appointment_id=booked.pk, now=timezone.now())
    flags.put_back(appointment_id=booked.pk, now=timezone.now())


def lives(story: Story) -> None:
    story.ada.phone.add_raw("Home", "nowhere.ics", NOWHERE)
    story.connected()
    phone = story.ada.phone
    event = phone.create("Home", title="Dentist", start=day(3, 9), end=day(3, 10))
    phone.create("Home", title="Old meeting", start=day(4, 9), end=day(4, 10))
    phone.add_raw("Home", "broken.ics", NOWHERE.replace(b"DTSTART", b"X-START").replace(b":nowhere", b":broken"))
    story.ada.sync()
    event.edit(title="Dentist, again")
    story.ada.sync()
    event.move("Work")
    phone.find("Old meeting").delete()
    story.ada.sync(4)
    blocked.release(slot_id=BlockedSlot.objects.get(title="Old meeting").pk, now=timezone.now())


ACTS: dict[Callable[[Story], None], set[str]] = {
    connects_and_leaves: {
        "connected", "primary_chosen", "conflict_chosen", "conflict_removed", "first_import", "reconnected",
        "disconnected",
    },
    loses_the_password: {"sync_failed", "needs_password"},
    is_out_of_reach: {"unreachable", "restored"},
    cannot_clean_up_in_a_day: {"removal_given_up"},
    forgets_where_the_last_look_ended: {"token_lost"},
    closes_a_calendar: {"calendar_not_readable"},
    loses_a_calendar: {"calendar_gone"},
    changes_the_rights: {"rights_lost", "rights_regained"},
    writes: {"created", "updated", "deleted"},
    removes_what_is_not_there: {"already_gone"},
    loses_an_answer: {"postponed", "adopted"},
    is_busy: {"postponed"},
    has_no_room: {"postponed"},
    changes_all_the_time: {"postponed"},
    knows_the_identity: {"name_refused"},
    refuses: {"write_failed", "retried"},
    is_edited_on_both_sides: {"edit_taken", "edit_lost", "edit_not_taken"},
    removes_and_brings_back: {
        "removed_in_icloud", "back_in_icloud", "moved_between_calendars", "left_off", "put_back",
    },
    lives: {
        "event_new", "event_changed", "event_deleted", "event_moved", "event_warning", "event_unreadable", "released",
    },
}  # fmt: skip
# What sync settles by itself: nobody has to do anything, and who wonders reads it here.
ERRORS: dict[type[errors.ICloudError], Callable[[Story], None]] = {
    errors.TokenLost: forgets_where_the_last_look_ended,
    errors.ItemChanged: changes_all_the_time,
    errors.ItemMissing: removes_what_is_not_there,
    errors.ItemBusy: is_busy,
    errors.UidConflict: knows_the_identity,
    errors.OutcomeUnknown: loses_an_answer,
    errors.ItemUnreadable: lives,
}


def test_no_sentence_of_the_journal_is_left_out() -> None:
    """A new one needs an act by which it comes about: add it above."""
    assert set().union(*ACTS.values()) == set(JOURNAL_TEXTS)


@pytest.fixture
def story(stage: Stage, settings: Any) -> Story:
    ada = stage.person()
    return Story(stage, ada, stage.calendar(ada), settings)


@pytest.mark.late
@pytest.mark.icloud(impolite="everything goes wrong here that can", ignore={6})
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_what_happened_is_read_in_the_journal(story: Story, act: Callable[[Story], None]) -> None:
    act(story)
    story.icloud.faults.clear()
    staff = Client()
    staff.force_login(story.stage.staff.__class__.objects.create_superuser("root"))
    seen = ""
    for action in ACTS[act]:
        entry = JournalEntry.objects.filter(action=action).order_by("pk").first()
        assert entry is not None, (action, story.ada.journal())
        page = words(staff.get(f"/admin/icloud_sync/journalentry/{entry.pk}/change/").content.decode())
        assert str(JOURNAL_TEXTS[action]) in page
        assert journal_text(entry) in page
        seen += page
    for kind, by in ERRORS.items():
        assert by is not act or str(ERROR_TEXTS[kind]) in seen, kind
    if act is has_no_room:
        assert str(REFUSAL_TEXTS["507"]) in seen
