"""What the database itself refuses, whoever writes (rule A4, issue 2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from calendars.models import Appointment, BlockedSlot, Calendar, DateOverride, Engagement, Session
from leadmagicx.accounts.models import User
from tests.factories import make_appointment, make_blocked_slot, make_calendar

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def refused(act: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        act()


def copy_of(engagement: Engagement, **values: Any) -> Engagement:
    session = Session.objects.create(calendar=engagement.calendar, start=engagement.start, end=engagement.end)
    taken = {"calendar": engagement.calendar, "host": engagement.host, "start": engagement.start, "end": engagement.end}
    return Engagement(session=session, **(taken | values))


def test_a_hosts_time_is_taken_once(ada: User, bea: User, now: datetime, monday: datetime) -> None:
    make_appointment(make_calendar(members=[ada]), monday, now=now)
    engagement = Engagement.objects.get()
    refused(copy_of(engagement).save)
    refused(copy_of(engagement, start=engagement.end - HOUR / 60, end=engagement.end + HOUR).save)
    for other in ({"start": engagement.end, "end": engagement.end + HOUR}, {"host": bea}, {"exempt": True}):
        copy_of(engagement, **other).save()
    copy_of(engagement, active=False).save()


def test_a_calendar_without_members_guards_itself(now: datetime, monday: datetime, db: None) -> None:
    make_appointment(make_calendar("simple"), monday, now=now)
    engagement = Engagement.objects.get()
    refused(copy_of(engagement).save)
    other = make_calendar("simple")
    make_appointment(other, monday, now=now)


def test_a_class_never_has_more_than_its_seats(ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("class_booking", members=[ada], seats_per_slot=2)
    first = make_appointment(calendar, monday, now=now)
    seat = {"session": first.session, "calendar": calendar, "contact": first.contact, "title": "x"}
    refused(lambda: Appointment.objects.create(**seat, seat=1))
    refused(lambda: Appointment.objects.create(**seat, seat=3))
    refused(lambda: Appointment.objects.bulk_create([Appointment(**seat, seat=3)]))
    refused(lambda: Appointment.objects.filter(pk=first.pk).update(seat=3))
    Appointment.objects.create(**seat, seat=2)
    waiting = Appointment.objects.create(**seat, seat=3, status="cancelled")
    refused(lambda: Appointment.objects.filter(pk=waiting.pk).update(status="confirmed"))
    # A row that stands may be edited, whatever became of the seats.
    Session.objects.update(seats=1)
    Appointment.objects.filter(seat=2).update(title="y")


def test_one_class_session_for_each_start(ada: User, now: datetime, monday: datetime) -> None:
    calendar = make_calendar("class_booking", members=[ada], seats_per_slot=2)
    make_appointment(calendar, monday, now=now)
    twin = {"calendar": calendar, "start": monday, "end": monday + HOUR, "is_class": True}
    refused(lambda: Session.objects.create(**twin))
    Session.objects.create(**twin, displaced=True)


def test_simple_and_icloud_never_meet(ada: User) -> None:
    """K2, past every service."""
    simple, service = make_calendar("simple"), make_calendar("service", members=[ada])
    refused(lambda: Calendar.objects.filter(pk=simple.pk).update(icloud_enabled=True))
    refused(lambda: Calendar.objects.filter(pk=service.pk).update(type="simple"))
    refused(lambda: Calendar.objects.bulk_create([Calendar(name="x", type="simple", icloud_enabled=True)]))


def test_times_are_in_order(ada: User, now: datetime, monday: datetime) -> None:
    make_appointment(make_calendar(members=[ada]), monday, now=now)
    make_blocked_slot(ada, monday, monday + HOUR)
    refused(lambda: Engagement.objects.update(end=F("start")))
    refused(lambda: BlockedSlot.objects.update(busy_start=F("end")))
    refused(lambda: BlockedSlot.objects.update(source="icloud"))
    refused(lambda: DateOverride.objects.create(calendar=make_calendar("simple"), date=monday.date(), start_minute=5))
