"""One journey for each sentence of the product guide, in its order; the docstring quotes the sentence.

`test_every_sentence_has_a_journey` holds the two together: a sentence without a journey fails the build.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from django.utils import timezone

from calendars.models import Appointment, BlockedSlot, Contact
from calendars.services import booking
from icloud_sync.errors import SubscriptionNotSupported, WriterAccessRequired
from icloud_sync.models import ICloudCalendar, ICloudConnection, SyncedEvent
from tests.journeys.conftest import World
from tests.stage import day

# Each sentence on one server by day, and on the other one in CI.
pytestmark = [pytest.mark.servers, pytest.mark.late_turns(2)]
GUIDE = Path(__file__).parents[2] / "docs" / "product-guide.txt"


def squeezed(text: str) -> str:
    """Return text without the marks and breaks that are only typography."""
    plain = text.translate(str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "*": " ", "\n": " "}))
    return re.sub(r"\s+", " ", plain).strip()


def sentences() -> list[str]:
    """Return the guide's sentences; a number of a step is no sentence."""
    text = re.sub(r"(?m)^\s*\d\.\s", "\n", GUIDE.read_text())
    text = re.sub(r"\.\s\d\.\s", ". ", text)
    found: list[str] = []
    for line in text.splitlines():
        plain = squeezed(line)
        plain = re.sub(r"^(Answer|Question|Note): ?", "", plain)
        found += [part.strip() for part in re.split(r"(?<=[.?])\s+(?=[A-Z])", plain) if part.strip(" .:")]
    return found


def test_every_sentence_has_a_journey() -> None:
    quoted = squeezed(
        " ".join(value.__doc__ or "" for value in vars(sys.modules[__name__]).values() if callable(value))
    )
    assert len(sentences()) > 40
    assert [sentence for sentence in sentences() if sentence not in quoted] == []


def test_from_connecting_to_a_closed_slot(world: World) -> None:
    """Integrating an iCloud Calendar
    Integrating your iCloud Calendar with your LeadMagicX can streamline scheduling and event management, especially if
    you use Apple products extensively.
    This guide will walk you through the steps to set up this integration, ensuring that your iCloud Calendar events are
    synchronized with the LeadMagicX calendar.
    """
    calendar = world.calendar()
    world.ready()
    world.iphone.add("dentist", day(2, 9))
    world.book(calendar, day(3, 9))
    world.sync()
    assert not world.is_free(calendar, day(2, 9))
    assert "Grace Hopper" in world.iphone.text()


@pytest.mark.parametrize("kind", ["class_booking", "round_robin", "collective", "service"])
def test_the_four_types_work_with_icloud(world: World, kind: str) -> None:
    """The integration is compatible with specific LeadMagicX calendars such as class booking, round-robin, collective,
    and service calendars.
    Which calendars are compatible with iCloud integration in LeadMagicX?
    iCloud integration is supported for specific LeadMagicX calendars, including class booking, round-robin, collective,
    and service calendars.
    """
    others = [world.staff] if kind == "collective" else []
    calendar = world.calendar(kind, *others, **({"seats_per_slot": 3} if kind == "class_booking" else {}))
    world.ready()
    world.iphone.add("dentist", day(2, 9))
    world.book(calendar, day(3, 9))
    world.sync()
    assert not world.is_free(calendar, day(2, 9))
    assert "LeadMagicX" in world.iphone.text()


def test_simple_calendars_are_rejected_and_never_touched(world: World) -> None:
    """iCloud Integration is not supported for Simple Calendars
    It is not compatible with Simple Calendars.
    """
    answer = world.browser.post("/api/v1/calendars/", {}, content_type="application/json")
    assert answer.status_code == 403
    world.browser.force_login(world.staff)
    body = {"name": "Walk-in", "type": "simple", "icloud_enabled": True, "members": [], "hours": []}
    answer = world.browser.post("/api/v1/calendars/", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["code"] == "simple_calendar_not_supported"
    assert answer.json()["detail"] == "iCloud Integration is not supported for Simple Calendars"
    world.browser.force_login(world.ada)
    calendar = world.calendar("simple")
    world.ready()
    world.iphone.add("dentist", day(2, 9))
    world.book(calendar, day(3, 9))
    world.sync()
    assert world.is_free(calendar, day(2, 9))
    assert "Grace" not in world.iphone.text()
    world.book(calendar, day(2, 9))


def test_the_page_shows_how_to_get_an_app_specific_password(world: World) -> None:
    """First and foremost, you need an app-specific password from Apple, which is different from your regular Apple ID
    password.
    Here's how to get it:
    Go to appleid.apple.com and sign in with your Apple ID.
    Navigate to 'Sign in and security' and then to 'App-specific passwords'.
    Click the '+' button to create a new password.
    Name it something recognizable, like 'LeadMagicX Calendar'.
    After creation, copy and securely store this password; you'll need it for the integration process.
    How do I get an app-specific password for iCloud integration?
    To obtain an app-specific password, sign in to your Apple ID account at appleid.apple.com, navigate to 'Sign in and
    security,' and then select 'App-specific passwords.' Create a new password and save it securely, as you'll need it
    for the integration process.
    """
    page = world.browser.get("/settings/profile/icloud/connect/").content.decode()
    steps = ["appleid.apple.com", "Sign-In and Security", "App-", "LeadMagicX Calendar"]
    places = [page.find(step) for step in steps]
    assert -1 not in places, dict(zip(steps, places, strict=True))


def test_a_regular_apple_password_is_refused_before_it_is_sent(world: World) -> None:
    """First and foremost, you need an app-specific password from Apple, which is different from your regular Apple ID
    password.
    """
    answer = world.connect(app_specific_password="MyOwnApplePassword1!")
    assert "app-specific password" in answer.content.decode()
    assert not ICloudConnection.objects.exists()
    assert world.peer.requests == []


def test_my_profile_has_calendar_settings_with_icloud_and_connect(world: World) -> None:
    """Once you have your app-specific password, you can start the integration process:
    Log in to LeadMagicX account.
    Navigate to 'Settings' and 'My Profile'.
    Scroll down to the 'Calendar Settings' section.
    Find the iCloud Calendar option and click 'Connect'.
    """
    world.browser.logout()
    assert world.browser.get("/settings/profile/").headers["Location"].startswith("/accounts/login/")
    form = {"username": "ada", "password": "pass-of-ada", "next": "/settings/profile/"}
    assert world.browser.post("/accounts/login/", form).headers["Location"] == "/settings/profile/"
    page = world.browser.get("/settings/profile/").content.decode()
    assert 'id="calendar-settings"' in page
    order = [page.find(word) for word in ("My Profile", "Calendar Settings", "iCloud Calendar", "Connect")]
    assert -1 not in order


def test_after_connecting_the_status_is_connected(world: World) -> None:
    """Enter your iCloud email address and the app-specific password you created.
    Once connected, the status should change to 'Connected'.
    """
    page = world.connect().content.decode()
    assert "Connected" in page
    assert world.connection.status == "connected"
    wrong = world.connect(apple_id="other@icloud.example")
    assert "app-specific password" in wrong.content.decode()
    assert ICloudConnection.objects.count() == 1


def test_the_primary_calendar_is_chosen_by_account_and_calendar(world: World) -> None:
    """After establishing the connection:
    Go back to 'My Profile'.
    Under 'Primary Calendar', select 'Edit'.
    Choose your account and select your primary calendar.
    """
    world.connect()
    page = world.browser.get("/settings/profile/").content.decode()
    assert "Primary Calendar" in page
    edit = world.browser.get("/settings/profile/primary-calendar/", {"account": world.connection.pk}).content.decode()
    assert "Home" in edit
    row = ICloudCalendar.objects.get(connection=world.connection, name="Work")
    form = {"account": world.connection.pk, "primary_calendar": row.pk}
    world.browser.post("/settings/profile/primary-calendar/", form)
    chosen = world.browser.get("/api/v1/me/calendar-settings/").json()
    assert chosen["primary_calendar"] == row.pk


def test_further_settings_are_there(world: World) -> None:
    """You may need to configure additional settings, like checking for conflicts, depending on your needs.
    Calendar Configuration
    """
    world.connect()
    page = world.browser.get("/settings/profile/").content.decode()
    assert "Conflict" in page
    assert world.browser.get("/settings/profile/conflict-calendars/").status_code == 200
    assert world.browser.get("/settings/profile/further-settings/").status_code == 200


def test_writers_access_is_required_for_the_linked_calendar(radicale_world: World) -> None:
    """Writer's access is required to select a calendar as a linked calendar."""
    radicale_world.peer.make_calendar("Team", writable=False)
    radicale_world.connect()
    with pytest.raises(WriterAccessRequired):
        radicale_world.choose("Team")
    listed = radicale_world.browser.get("/api/v1/icloud/calendars/").json()["results"]
    team = next(row for row in listed if row["name"] == "Team")
    assert (team["can_be_primary"], team["can_check_conflicts"]) == (False, True)
    assert team["reason"]["code"] == "writer_access_required"


def test_the_linked_calendar_is_a_conflict_calendar_by_default(world: World) -> None:
    """By default, the linked calendar is also added as the conflict calendar."""
    world.connect()
    world.choose("Home")
    assert ICloudCalendar.objects.get(connection=world.connection, name="Home").checks_conflicts


def test_events_of_conflict_calendars_block_for_their_duration(world: World) -> None:
    """Conflict Calendar: Events from third-party calendars that are added as conflict calendars will sync to the
    system, blocking your availability for the event's duration.
    """
    calendar = world.calendar()
    world.ready()
    work = ICloudCalendar.objects.get(connection=world.connection, name="Work").pk
    home = ICloudCalendar.objects.get(connection=world.connection, name="Home").pk
    world.choose("Home", conflict_calendar_ids=[home, work])
    world.iphone.add("meeting", day(2, 9), calendar="Work")
    world.sync()
    asked = [world.is_free(calendar, day(2, hour, minute)) for hour, minute in ((8, 30), (9, 0), (9, 30), (10, 0))]
    assert asked == [True, False, False, True]


def test_two_ways(world: World) -> None:
    """Two-way event syncs are possible with iCloud integration:
    Are two-way syncs possible between LeadMagicX and iCloud?
    Yes.
    Events created in LeadMagicX sync to iCloud, and events created in iCloud sync to LeadMagicX.
    """
    calendar = world.calendar()
    world.ready()
    appointment = world.book(calendar, day(2, 9))
    world.iphone.add("dentist", day(3, 9))
    world.sync()
    assert [slot.title for slot in world.slots] == ["Dentist"]
    (path,) = [path for path in world.iphone.listed() if "dentist" not in path]
    world.iphone.change(path, ("SUMMARY:Grace Hopper", "SUMMARY:Fitting with Grace"))
    world.sync()
    appointment.refresh_from_db()
    assert appointment.title == "Fitting with Grace"
    booking.edit(appointment_id=appointment.pk, by=world.staff, now=timezone.now(), start=day(4, 9))
    world.sync()
    assert f"{day(4, 9):%Y%m%dT%H%M%SZ}" in world.iphone.text()


def test_an_appointment_deleted_in_icloud_stays(world: World) -> None:
    """If a LeadMagicX event is deleted from iCloud, it won't be deleted in the LeadMagicX app.
    What happens when I delete an event in iCloud?
    If an event is deleted in iCloud, it will not be deleted from the LeadMagicX calendar.
    Deletions in iCloud do not sync back.
    However, the reverse is not true: deleting an event on your iPhone will not remove the corresponding appointment in
    LeadMagicX.
    """
    calendar = world.calendar()
    world.ready()
    appointment = world.book(calendar, day(2, 9))
    world.sync()
    (path,) = world.iphone.listed()
    world.iphone.delete(path)
    world.sync()
    appointment.refresh_from_db()
    assert appointment.status == "confirmed"
    assert not world.is_free(calendar, day(2, 9))
    world.sync()
    assert world.iphone.listed() == [], "it must not come back by itself either"
    shown = world.browser.get(f"/api/v1/appointments/{appointment.pk}/").json()
    assert [flag["code"] for flag in shown["flags"]] == ["removed_in_icloud"]


def test_only_new_events_and_updates_come_in(world: World) -> None:
    """The integration only syncs new events and updates, excluding deletions from iCloud."""
    calendar = world.calendar()
    world.ready()
    path = world.iphone.add("dentist", day(2, 9))
    world.sync()
    before = f"{day(2, 9):%Y%m%dT%H%M%SZ}", f"{day(2, 10):%Y%m%dT%H%M%SZ}"
    after = f"{day(2, 15):%Y%m%dT%H%M%SZ}", f"{day(2, 16):%Y%m%dT%H%M%SZ}"
    world.iphone.change(path, *zip(before, after, strict=True))
    world.sync()
    assert world.is_free(calendar, day(2, 9))
    assert not world.is_free(calendar, day(2, 15))
    world.iphone.delete(path)
    world.sync()
    assert not world.is_free(calendar, day(2, 15))
    (slot,) = world.slots
    answer = world.browser.post(f"/api/v1/blocked-slots/{slot.pk}/release/")
    assert answer.status_code == 200, answer.content
    assert world.is_free(calendar, day(2, 15))


def test_no_contacts_come_from_icloud(world: World) -> None:
    """Can I create contacts from iCloud events in LeadMagicX?
    No, contact creation from iCloud events to LeadMagicX is not supported.
    Events coming from iCloud will be treated as blocked slots, not appointments.
    """
    world.ready()
    invited = ("ORGANIZER:mailto:x@example.org", "ATTENDEE;PARTSTAT=ACCEPTED;CN=Grace:mailto:grace@example.org")
    world.iphone.add("lunch", day(2, 12), lines=invited)
    world.sync()
    assert [slot.blocks for slot in world.slots] == [True]
    assert not Appointment.objects.exists()
    assert not Contact.objects.exists()


def test_blocked_slots_stay_here(world: World) -> None:
    """Will blocked slots from LeadMagicX sync to iCloud?
    No, blocked slots created in the LeadMagicX calendar for a user will not sync to iCloud.
    """
    world.ready()
    body = {"title": "Errand", "start": day(2, 9).isoformat(), "end": day(2, 10).isoformat()}
    assert world.browser.post("/api/v1/blocked-slots/", body, content_type="application/json").status_code == 201
    world.sync()
    assert BlockedSlot.objects.filter(source="leadmagicx").count() == 1
    assert world.iphone.listed() == []
    assert not SyncedEvent.objects.exists()


def test_subscriptions_are_listed_and_never_read(radicale_world: World) -> None:
    """Can I sync subscriptions or public iCloud calendars?
    No.
    Integration with subscription calendars (calendars added via URL) is not supported.
    """
    radicale_world.peer.subscribe("Holidays", "webcal://calendars.example/holidays.ics")
    radicale_world.connect()
    listed = radicale_world.browser.get("/api/v1/icloud/calendars/").json()["results"]
    holidays = next(row for row in listed if row["name"] == "Holidays")
    assert holidays["reason"]["code"] == "subscription_not_supported"
    assert (holidays["can_be_primary"], holidays["can_check_conflicts"]) == (False, False)
    with pytest.raises(SubscriptionNotSupported):
        radicale_world.choose("Home", conflict_calendar_ids=[holidays["id"]])


def test_only_busy_events_block(world: World) -> None:
    """Will every event on my iCloud Calendar block my availability in LeadMagicX?
    Not necessarily.
    Availability is only blocked if the event is marked as "BUSY" in your iCloud Calendar.
    If an event is marked as "FREE," the system will still fetch the data, but your time slot will remain open for
    bookings.
    """
    calendar = world.calendar()
    world.ready()
    world.iphone.add("reminder", day(2, 9), lines=("TRANSP:TRANSPARENT",))
    world.iphone.add("dentist", day(3, 9), lines=("TRANSP:OPAQUE",))
    world.sync()
    assert {slot.title: slot.code for slot in world.slots} == {"Reminder": "FREE", "Dentist": "BUSY"}
    assert world.is_free(calendar, day(2, 9))
    assert not world.is_free(calendar, day(3, 9))


@pytest.mark.parametrize("how", ["cancel", "delete"])
def test_a_booking_deleted_here_disappears_from_the_iphone(world: World, how: str) -> None:
    """If I delete a booking in LeadMagicX, will it disappear from my iPhone?
    Yes.
    Events created in LeadMagicX that sync to iCloud will be removed if deleted from the app.
    """
    calendar = world.calendar()
    world.ready()
    appointment = world.book(calendar, day(2, 9))
    world.sync()
    assert len(world.iphone.listed()) == 1
    getattr(booking, how)(appointment_id=appointment.pk, by=world.staff, now=timezone.now())
    world.sync()
    assert world.iphone.listed() == []
