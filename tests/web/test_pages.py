"""What the pages say, whom they let in, how heavy they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import get_resolver
from django.utils import translation

from calendars.models import Appointment, BlockedSlot
from icloud_sync.models import ICloudConnection
from tests.browser.tour import PUBLIC, pages
from tests.factories import UserFactory, make_appointment, make_blocked_slot, make_calendar, make_icloud_slot
from tests.scene import Scene
from tests.stage import Person, day
from tests.web.test_errors import words

BUDGET = 100_000


def text(client: Client, path: str, **given: str) -> str:
    answer = client.get(path, given)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_the_week_shows_each_kind_with_its_reason(scene: Scene, client: Client) -> None:
    page = text(client, "/", date=f"{scene.monday}")
    for look, title, note in [
        ("entry appointment", "Grace Hopper", "Consultation"),
        ("entry appointment", "Yoga (3/6)", ""),
        ("entry appointment flagged", "Edsger Dijkstra", "Removed in iCloud"),
        ("entry busy", "Dentist", "Busy, travel from 12:30"),
        ("entry busy flagged", "Old meeting", "Deleted in iCloud"),
        ("entry own-block", "Focus time", "Blocked in LeadMagicX"),
        ("entry open", "Birthday reminder", "Marked Free in iCloud"),
        ("entry open", "Lisbon", "Marked Free in iCloud"),
        ("entry open", "Vendor pitch", "Invitation declined"),
    ]:
        found = re.search(rf'<a class="{look}( brief)?"[^>]*>[^<]*<b>{re.escape(title)}</b>(.*?)</a>', page)
        assert found, title
        assert note in found.group(2), title
    assert page.count("<b>Lisbon</b>") == 3, "one for each day it lasts"


@pytest.mark.parametrize("date", ["", "tomorrow", "2026-02-31", "0001-01-01", "9999-12-31", "' or 1=1"])
def test_any_address_shows_some_week(ada: Person, client: Client, date: str) -> None:
    assert client.get("/", {"date": date}).status_code == 200
    assert client.get("/availability/", {"date": date, "calendar": date}).status_code == 200
    assert client.get("/appointments/new/", {"date": date, "calendar": date}).status_code == 200


def test_a_week_has_few_queries_however_full_it_is(
    scene: Scene, client: Client, django_assert_max_num_queries: object
) -> None:
    assert callable(django_assert_max_num_queries)
    for path, most in {f"/?date={scene.monday}": 16, "/settings/profile/": 16, "/attention/": 14}.items():
        with django_assert_max_num_queries(most):
            client.get(path)


def test_every_page_asks_for_a_log_in(scene: Scene) -> None:
    stranger = Client()
    for path in pages(scene).values():
        answer = stranger.get(path)
        if path not in PUBLIC:
            assert answer.status_code == 302, path
            assert answer["Location"].startswith("/accounts/login/?next="), path


def test_other_peoples_things_do_not_exist(scene: Scene) -> None:
    stranger = Client()
    stranger.force_login(UserFactory())
    connection = ICloudConnection.objects.get().pk
    appointment, slot = scene.written.pk, scene.removed_slot.pk
    for path in [
        f"/appointments/{appointment}/", f"/appointments/{appointment}/move/", f"/appointments/{appointment}/edit/",
        f"/appointments/{appointment}/cancel/", f"/blocked-slots/{slot}/",
        f"/settings/profile/icloud/{connection}/reconnect/", f"/settings/profile/icloud/{connection}/disconnect/",
    ]:  # fmt: skip
        assert stranger.get(path).status_code == 404, path
    for path in [
        f"/appointments/{appointment}/cancel/", f"/appointments/{appointment}/icloud/put-back/",
        f"/blocked-slots/{slot}/delete/", f"/blocked-slots/{slot}/release/",
        f"/settings/profile/icloud/{connection}/sync/", f"/settings/profile/icloud/{connection}/disconnect/",
    ]:  # fmt: skip
        assert stranger.post(path, {"written_events": "keep"}).status_code == 404, path
    scene.written.refresh_from_db()
    assert scene.written.status == "confirmed"
    assert ICloudConnection.objects.get().status == "connected"


def test_a_calendar_of_somebody_else_cannot_be_chosen(scene: Scene) -> None:
    ben = scene.stage.person("ben-too").connect()
    client = Client()
    client.force_login(ben.user)
    hers = scene.ada.calendar("Home").pk
    page = client.post("/settings/profile/primary-calendar/", {"primary_calendar": hers}).content.decode()
    assert "not in your account" in words(page)
    assert ben.calendar("Home").primary_of.exists()


def test_without_an_account_there_is_no_calendar_to_choose(ada: Person, client: Client) -> None:
    assert client.get("/settings/profile/primary-calendar/")["Location"] == "/settings/profile/#icloud"


def test_staff_see_busy_instead_of_the_title_unless_it_is_shared(scene: Scene) -> None:
    staff = Client()
    staff.force_login(scene.stage.staff)
    address = f"/blocked-slots/{BlockedSlot.objects.get(title='Dentist').pk}/"
    page = words(text(staff, address))
    assert "Busy" in page
    assert "Dentist" not in page
    scene.ada.choose(share_titles=True)
    assert "Dentist" in words(text(staff, address))


def test_an_icloud_slot_is_not_removed_here(scene: Scene, client: Client) -> None:
    slot = BlockedSlot.objects.get(title="Dentist")
    page = words(client.post(f"/blocked-slots/{slot.pk}/delete/", follow=True).content.decode())
    assert "Change or delete it on your iPhone" in page
    assert BlockedSlot.objects.filter(pk=slot.pk).exists()


def test_a_slot_that_is_still_in_icloud_cannot_be_freed(scene: Scene, client: Client) -> None:
    slot = BlockedSlot.objects.get(title="Dentist")
    answer = client.post(f"/blocked-slots/{slot.pk}/release/", follow=True)
    assert "deleted in iCloud can be freed" in words(answer.content.decode())
    slot.refresh_from_db()
    assert slot.blocks


def test_a_time_that_was_taken_meanwhile_says_why(scene: Scene, client: Client) -> None:
    start = scene.at(0, "09:00").isoformat()
    form = {"calendar": scene.consultation.pk, "start": start, "name": "Ada", "email": "a@example.com"}
    page = words(client.post(f"/appointments/new/?date={scene.monday}", form).content.decode())
    assert "This time is not open any more." in page
    assert "has an appointment 9:00–9:30" in page
    assert not Appointment.objects.filter(title="Ada").exists()


def test_where_icloud_is_turned_off_it_closes_nothing(scene: Scene, client: Client) -> None:
    """Rule K2: a Simple calendar's page does not wait for an account that fails, nor end where its data end."""
    ICloudConnection.objects.update(status="needs_password", horizon=scene.at(0, "00:00"))
    asked = {"calendar": f"{scene.simple.pk}", "date": f"{scene.monday}"}
    times, why = text(client, "/appointments/new/", **asked), text(client, "/availability/", **asked)
    assert 'name="start"' in times
    assert '<span class="status good">' in why
    for page in (times, why):
        assert "is not fresh" not in words(page)


def test_a_host_decides_for_their_own_icloud_only(scene: Scene, client: Client) -> None:
    """A `host` that somebody else sent along changes nothing (rule P4)."""
    answer = client.post(
        f"/appointments/{scene.removed.pk}/icloud/leave-off/", {"host": scene.stage.staff.pk}, follow=True
    )
    assert "It stays off iCloud." in words(answer.content.decode())


def test_forms_go_back_only_to_this_site(scene: Scene, client: Client) -> None:
    address = f"/blocked-slots/{scene.removed_slot.pk}/release/"
    assert client.post(address, {"next": "https://evil.example/"})["Location"].startswith("/?date=")
    assert client.post(address, {"next": "/attention/"})["Location"] == "/attention/"


def test_all_day_blocks_go_from_midnight_to_midnight(ada: Person, client: Client) -> None:
    form = {"start": "2026-12-24T15:00", "end": "2026-12-25T09:00", "all_day": "on", "title": "Christmas"}
    client.post("/blocked-slots/new/", form)
    slot = BlockedSlot.objects.get()
    assert (slot.start.isoformat(), slot.end.isoformat()) == (
        "2026-12-23T23:00:00+00:00",
        "2026-12-25T23:00:00+00:00",
    )


@pytest.mark.parametrize("end", ["2026-12-24T15:00", "2026-12-24T14:00"])
def test_a_block_ends_after_it_starts(ada: Person, client: Client, end: str) -> None:
    answer = client.post("/blocked-slots/new/", {"start": "2026-12-24T15:00", "end": end})
    assert "The end must be after the start." in words(answer.content.decode())
    assert not BlockedSlot.objects.exists()


@pytest.mark.parametrize("year", ["0001", "1969", "2200", "9999"])
def test_times_stay_in_the_years_of_rest(ada: Person, client: Client, year: str) -> None:
    """Outside of them the arithmetic of zones overflows."""
    block = {"start": f"{year}-12-31T10:00", "end": f"{year}-12-31T11:00", "all_day": "on"}
    page = client.post("/blocked-slots/new/", block).content.decode()
    assert "The year must be from 1970 to 2199." in words(page)
    form = {"calendar": make_calendar(members=[ada.user]).pk, "name": "Grace", "email": "grace@example.org"}
    for start in (f"{year}-12-31T23:00-10:00", f"{year}-01-01T00:00+10:00"):
        page = client.post("/appointments/new/", form | {"start": start}).content.decode()
        assert "Choose one of the times." in words(page)


def test_a_host_of_thousands_of_digits_does_not_exist(scene: Scene, client: Client) -> None:
    path = f"/appointments/{scene.removed.pk}/icloud/leave-off/"
    assert client.post(path, {"host": "9" * 5000}).status_code == 404


def test_texts_of_people_are_shown_as_texts(ada: Person, client: Client) -> None:
    nasty = "<script>alert(1)</script>"
    calendar = make_calendar(members=[ada.user], name=nasty)
    booked = make_appointment(calendar, day(1, 9), now=day(0), by=ada.user, title=nasty, notes=nasty, location=nasty)
    slot = make_icloud_slot(ada.user, day(1, 12), day(1, 13), title=nasty, place=nasty)
    make_blocked_slot(ada.user, day(1, 15), day(1, 16), title=nasty)
    for path in [
        f"/?date={day(1).date()}",
        f"/appointments/{booked.pk}/",
        f"/blocked-slots/{slot.pk}/",
        "/availability/",
    ]:
        page = text(client, path)
        assert nasty not in page, path
        assert "&lt;script&gt;" in page, path


def test_no_page_needs_an_exception_from_the_policy(scene: Scene, client: Client) -> None:
    for path in pages(scene).values():
        answer = client.get(path)
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy
        page = answer.content.decode()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page), path
        assert not re.search(r"<script(?![^>]*\bsrc=)", page), path


def test_no_page_asks_another_server_for_anything(scene: Scene, client: Client) -> None:
    for path in pages(scene).values():
        for address in re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', client.get(path).content.decode()):
            assert address.startswith("/static/"), address


def test_every_page_is_light(scene: Scene, client: Client) -> None:
    weights = {}
    for name, path in pages(scene).items():
        page = client.get(path).content
        linked = set(re.findall(rb'(?:src|href)="/static/([^"]+)"', page))
        assert linked
        found = [finders.find(one.decode()) for one in linked]
        weights[name] = len(page) + sum(Path(str(one)).stat().st_size for one in found)
    assert {name: weight for name, weight in weights.items() if weight > BUDGET} == {}


def test_a_page_that_is_not_there_and_one_that_is_forbidden(ada: Person, client: Client) -> None:
    assert "This page does not exist" in words(client.get("/nowhere/").content.decode())
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada.user)
    answer = strict.post("/settings/profile/", {"timezone": "UTC"})
    assert answer.status_code == 403
    assert "the form had been open for too long" in words(answer.content.decode())


def sentences(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[.:·]", text) if len(part.split()) > 2]


def test_the_error_pages_need_nothing_but_themselves() -> None:
    from django.template.loader import render_to_string

    for name in ("400", "403", "403_csrf", "404", "500"):
        english = words(render_to_string(f"{name}.html"))
        with translation.override("de"):
            german = render_to_string(f"{name}.html")
        assert name[:3] in english
        assert '<html lang="de">' in german
        assert "Zurück zum Kalender" in german
        assert not set(sentences(english)) & set(sentences(words(german)))


def test_names_of_pages_are_not_those_of_rest() -> None:
    """REST has `appointment-cancel` too; the pages have a namespace, so that no form is posted to REST."""
    namespaces = get_resolver().namespace_dict
    assert "pages" in namespaces
