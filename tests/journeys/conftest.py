"""The people of the guide: Ada with an iPhone, her clients, and a CalDAV server that is not ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client as Browser
from django.utils import timezone

from calendars.models import Appointment, BlockedSlot, Calendar
from calendars.services import booking, calendars
from calendars.services.calendar_rules import MemberInput
from calendars.services.contacts import ContactInput
from icloud_sync.models import ICloudCalendar, ICloudConnection
from icloud_sync.services import choosing, syncing
from leadmagicx.accounts.models import User
from tests.peers import Peer, start_radicale, start_xandikos
from tests.stage import ALWAYS

STARTERS = {"radicale": start_radicale, "xandikos": start_xandikos}


@pytest.fixture(params=sorted(STARTERS))
def peer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Peer]:
    """An independent CalDAV server with two calendars."""
    with STARTERS[request.param](tmp_path) as running:
        running.make_calendar("Home")
        running.make_calendar("Work")
        yield running


@pytest.fixture
def radicale(tmp_path: Path) -> Iterator[Peer]:
    """Radicale alone: what needs rights or subscriptions, which Xandikos does not know."""
    with start_radicale(tmp_path) as running:
        running.make_calendar("Home")
        yield running


@dataclass
class IPhone:
    """Another device of the same account, over plain CalDAV."""

    peer: Peer
    events: dict[str, str] = field(default_factory=dict)

    def path(self, calendar: str, uid: str) -> str:
        return f"{self.peer.home}{calendar.lower()}/{uid}.ics"

    def add(self, uid: str, start: datetime, *, calendar: str = "Home", lines: tuple[str, ...] = ()) -> str:
        """Enter an event of one hour; returns its path."""
        stamp = "%Y%m%dT%H%M%SZ"
        text = [
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//phone//EN", "BEGIN:VEVENT", f"UID:{uid}",
            "DTSTAMP:20260101T000000Z", f"DTSTART:{start:{stamp}}", f"DTEND:{start + timedelta(hours=1):{stamp}}",
            f"SUMMARY:{uid.title()}", *lines,
            "END:VEVENT", "END:VCALENDAR", "",
        ]  # fmt: skip
        path = self.path(calendar, uid)
        self.peer.phone.put(path, "\r\n".join(text).encode())
        return path

    def delete(self, path: str) -> None:
        self.peer.phone.delete(path)

    def listed(self, calendar: str = "Home") -> list[str]:
        """Return the paths of a calendar's events, as the phone lists them."""
        folder = f"{self.peer.home}{calendar.lower()}/"
        body = b'<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
        _, _, answer = self.peer.phone.request("PROPFIND", folder, body, Depth="1", Content_Type="text/xml")
        found = re.findall(r"<(?:\w+:)?href>([^<]+\.ics)</", answer.decode())
        return [unquote(path) for path in found]

    def text(self, calendar: str = "Home") -> str:
        """Return the text of everything in a calendar."""
        return "\n".join((self.peer.phone.get(path) or b"").decode() for path in self.listed(calendar))

    def change(self, path: str, *replaced: tuple[str, str]) -> None:
        """Edit an event the blunt way: its text."""
        text = (self.peer.phone.get(path) or b"").decode()
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new)
        self.peer.phone.put(path, text.encode())


@dataclass
class World:
    """LeadMagicX with Ada in it, and her iPhone."""

    peer: Peer
    ada: User
    staff: User
    browser: Browser

    @property
    def iphone(self) -> IPhone:
        return IPhone(self.peer)

    @property
    def connection(self) -> ICloudConnection:
        return ICloudConnection.objects.get(user=self.ada)

    def connect(self, **given: str) -> Any:
        """Fill in the form of the page and send it."""
        form = {"apple_id": self.peer.apple_id, "app_specific_password": self.peer.password} | given
        return self.browser.post("/settings/profile/icloud/connect/", form, follow=True)

    def ready(self, primary: str = "Home") -> World:
        """Connect, choose the primary calendar, and have the first sync done."""
        self.connect()
        self.choose(primary)
        self.sync()
        return self

    def choose(self, primary: str, **more: Any) -> None:
        row = ICloudCalendar.objects.get(connection=self.connection, name=primary)
        choosing.change_settings(user=self.ada, now=timezone.now(), primary_calendar_id=row.pk, **more)

    def sync(self, rounds: int = 2) -> None:
        for _ in range(rounds):
            ICloudConnection.objects.filter(user=self.ada).update(not_before=None)
            syncing.pull(self.connection.pk)

    def calendar(self, kind: str = "round_robin", *users: User, **values: Any) -> Calendar:
        members = [MemberInput(user_id=user.pk) for user in (self.ada, *users)]
        given = {"name": "Fitting", "type": kind, "timezone": "UTC"} | values
        return calendars.create(values=given, members=members, hours=ALWAYS)

    def book(self, calendar: Calendar, start: datetime, name: str = "Grace Hopper") -> Appointment:
        return booking.book(
            calendar_id=calendar.pk,
            start=start,
            contact=ContactInput(name=name, email=f"{name.split()[0].lower()}@example.org"),
            by=self.staff,
            now=timezone.now(),
        )

    def is_free(self, calendar: Calendar, start: datetime) -> bool:
        return bool(booking.candidate_hosts(calendar_id=calendar.pk, start=start, now=timezone.now()))

    @property
    def slots(self) -> list[BlockedSlot]:
        return list(BlockedSlot.objects.filter(user=self.ada, source="icloud").order_by("start"))


def _world(peer: Peer, settings: Any) -> World:
    settings.ICLOUD_CALDAV_URL = peer.url
    settings.ICLOUD_TRUSTED_HOSTS = peer.trusted_hosts
    settings.ICLOUD_SETTLE_SECONDS = 0
    settings.ICLOUD_REQUESTS_PER_MINUTE = 0
    ada = User.objects.create_user("ada", "ada@example.com", "pass-of-ada")
    staff = User.objects.create_user("staff", password="x", is_staff=True)
    browser = Browser()
    browser.force_login(ada)
    return World(peer, ada, staff, browser)


@pytest.fixture
def world(db: None, peer: Peer, settings: Any) -> World:
    return _world(peer, settings)


@pytest.fixture
def radicale_world(db: None, radicale: Peer, settings: Any) -> World:
    return _world(radicale, settings)
