"""The week, appointments, blocked slots and attention, as a person uses them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from calendars.choices import AppointmentStatus
from calendars.models import Appointment, BlockedSlot
from icloud_sync.models import EventState
from tests.browser.conftest import Opener
from tests.scene import Scene

BOTH = pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])


@pytest.mark.late
def test_on_a_phone_one_day_is_shown_and_the_others_are_a_tap_away(window: Opener, scene: Scene) -> None:
    page = window("phone").enter(at=f"/?date={scene.monday}")
    expect(page.get_by_role("link", name="Grace Hopper")).to_be_visible()
    expect(page.get_by_role("link", name="Katherine Johnson")).not_to_be_visible()
    page.get_by_role("navigation", name="Days").get_by_role("link").nth(1).click()
    expect(page.get_by_role("link", name="Katherine Johnson")).to_be_visible()
    expect(page.get_by_role("link", name="Grace Hopper")).not_to_be_visible()


@pytest.mark.late
def test_arrow_keys_walk_through_the_week(window: Opener, scene: Scene) -> None:
    page = window("desk").enter(at=f"/?date={scene.monday}")
    page.get_by_role("link", name="Grace Hopper").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Lunch with Sam")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("link", name="Dentist")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("link", name="Katherine Johnson")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Katherine Johnson")).to_be_visible()


@pytest.mark.late
@pytest.mark.turns(3)
@pytest.mark.parametrize(("size", "javascript"), [("phone", True), ("phone", False), ("desk", True)])
def test_book_move_and_cancel(window: Opener, scene: Scene, size: str, javascript: bool) -> None:
    page = window(size, javascript=javascript).enter(at=f"/?date={scene.monday}")
    page.get_by_role("link", name="New appointment").click()
    page.get_by_label("Calendar", exact=True).select_option("Consultation")
    if not javascript:
        page.get_by_role("button", name="Show times").click()
    page.get_by_label("15:00").check()
    page.get_by_label("Client's name").fill("Radia Perlman")
    page.get_by_label("Client's email").fill("radia@example.com")
    page.get_by_role("button", name="Book").click()
    expect(page.get_by_role("heading", name="Radia Perlman")).to_be_visible()
    booked = Appointment.objects.get(title="Radia Perlman")
    assert booked.start == scene.at(0, "15:00")

    page.get_by_role("link", name="Move", exact=True).click()
    page.get_by_label("16:00").check()
    page.get_by_role("button", name="Move").click()
    expect(page.get_by_text("16:00–16:30")).to_be_visible()

    page.get_by_role("link", name="Cancel appointment").click()
    expect(page.get_by_text("the event disappears from iCloud and from your iPhone")).to_be_visible()
    page.get_by_role("button", name="Cancel appointment").click()
    expect(page.get_by_text("The appointment is cancelled.")).to_be_visible()
    booked.refresh_from_db()
    assert booked.status == AppointmentStatus.CANCELLED


@pytest.mark.late
@pytest.mark.turns(2)
@BOTH
def test_block_time_and_open_it_again(window: Opener, scene: Scene, javascript: bool) -> None:
    page = window("phone", javascript=javascript).enter(at=f"/?date={scene.monday}")
    page.get_by_role("link", name="Block time").click()
    page.get_by_label("Title").fill("Paperwork")
    page.get_by_role("button", name="Block this time").click()
    expect(page.get_by_text("The time is blocked.")).to_be_visible()
    page.get_by_role("link", name="Paperwork").click()
    expect(page.get_by_text("Blocked in LeadMagicX", exact=True)).to_be_visible()
    page.get_by_role("button", name="Remove this block").click()
    expect(page.get_by_text("The block is removed.")).to_be_visible()
    expect(page.get_by_role("link", name="Paperwork")).to_have_count(0)


@pytest.mark.late
@pytest.mark.turns(2)
@BOTH
def test_attention_lists_each_case_with_what_can_be_done(window: Opener, scene: Scene, javascript: bool) -> None:
    page = window("phone", javascript=javascript).enter()
    expect(page.get_by_role("link", name="Attention")).to_contain_text("2")
    page.get_by_role("link", name="Attention").click()
    expect(page.get_by_text("“Edsger Dijkstra”")).to_be_visible()
    page.get_by_role("button", name="Free this time").click()
    expect(page.get_by_text("The time is open for bookings again.")).to_be_visible()
    assert not BlockedSlot.objects.get(pk=scene.removed_slot.pk).blocks
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_text("It is written to iCloud again.")).to_be_visible()
    scene.ada.sync()
    assert scene.ada.phone.find("Edsger Dijkstra").exists
    page.goto(page.url)
    expect(page.get_by_text("Nothing needs you")).to_be_visible()
    assert not scene.ada.copies(EventState.REMOVED)


@pytest.mark.late
@pytest.mark.turns(2)
@BOTH
def test_what_asks_only_to_be_seen_is_put_aside(window: Opener, scene: Scene, javascript: bool) -> None:
    """Moved on the iPhone: nothing has to be decided, so one press is enough."""
    scene.ada.phone.find("Barbara Liskov").edit(start=scene.at(3, "13:30"), end=scene.at(3, "14:00"))
    scene.ada.sync(2)
    page = window("phone", javascript=javascript).enter(at="/attention/")
    line = page.get_by_role("listitem").filter(has_text="“Barbara Liskov”")
    expect(line.get_by_text("Moved in iCloud", exact=True)).to_be_visible()
    expect(line.get_by_text("LeadMagicX followed.")).to_be_visible()
    expect(page.get_by_role("link", name="Attention")).to_contain_text("3")
    line.get_by_role("button", name="Got it").click()
    expect(page.get_by_text("“Barbara Liskov”")).to_have_count(0)
    expect(page.get_by_text("“Edsger Dijkstra”")).to_be_visible()
    expect(page.get_by_role("link", name="Attention")).to_contain_text("2")
    assert scene.ada.flags == {"removed_in_icloud"}
    page.get_by_role("link", name="Attention").click()
    expect(page.get_by_role("button", name="Got it")).to_have_count(0)


@pytest.mark.late
def test_why_is_answered_for_each_time(window: Opener, scene: Scene) -> None:
    page = window("desk").enter(at=f"/?date={scene.monday}")
    page.get_by_role("link", name="Why is a time closed?").click()
    page.get_by_label("Calendar", exact=True).select_option("Consultation")
    lines = page.get_by_role("listitem")
    expect(lines.filter(has_text="09:00").first).to_contain_text("has an appointment 9:00–9:30")
    expect(lines.filter(has_text="12:30").first).to_contain_text("is busy in iCloud (Home) 12:30–13:30")
    expect(lines.filter(has_text="15:00").first).to_contain_text("Open")


@pytest.mark.late
def test_a_device_in_another_zone_is_noticed_and_can_be_followed(window: Opener, scene: Scene) -> None:
    same = window("phone").enter()
    expect(same.locator("[data-zone-hint]")).to_be_hidden()
    page = window("phone", zone="Asia/Tokyo").enter()
    expect(page.get_by_text("but this device is set to Asia/Tokyo")).to_be_visible()
    page.get_by_role("button", name="Use this device's zone").click()
    expect(page.get_by_text("Times are now shown in Asia/Tokyo.")).to_be_visible()
    expect(page.locator("[data-zone-hint]")).to_be_hidden()
    scene.ada.user.refresh_from_db()
    assert scene.ada.user.timezone == "Asia/Tokyo"
