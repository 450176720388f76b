"""attention/ of appointments that were deleted, or that somebody else gives by now (rules W2, W9)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from calendars.services import booking
from tests.fake_icloud import faults
from tests.faults.ground import Ground, ground
from tests.stage import Stage, day

URL = "/api/v1/attention/"


@pytest.fixture
def place(stage: Stage) -> Ground:
    """iCloud refuses every removal."""
    place = ground(stage)
    place.icloud.faults.add(faults.status(403), method="DELETE", times=None)
    return place


def browser(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def listed(user: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = browser(user).get(URL).json()["results"]
    return found


def offered(user: Any) -> dict[str, str]:
    """What /attention/ offers to do: the label and the address of each button."""
    page = browser(user).get("/attention/").content.decode()
    buttons = re.findall(r'<form method="post" action="(/[^"]*)".*?<button[^>]*>([^<]*)', page)
    links = re.findall(r'<a class="button[^"]*" href="([^"]*)">([^<]*)', page)
    return {label: url for url, label in buttons + links if "/attention" in url or "/appointments" in url}


def reassign(place: Ground) -> None:
    """Ben gives the appointment now; Ada's copy cannot be removed."""
    ben = place.stage.person("ben")
    calendar = place.stage.calendar(place.ada, ben)
    appointment = place.stage.book(calendar, day(6, 9), name="Mary Somerville", host_id=place.ada.user.pk)
    place.ada.sync()
    place.stage.edit(appointment, host_id=ben.user.pk)
    place.stage.edit(appointment, start=day(7, 9), title="Not Ada's any more")
    place.ada.sync()


def test_of_a_deleted_appointment_the_title_stays(place: Ground) -> None:
    booking.delete(appointment_id=place.appointment.pk, by=place.stage.staff, now=timezone.now())
    place.ada.sync()
    (case,) = listed(place.ada.user)
    assert (case["code"], case["appointment"]) == ("write_failed", None)
    assert "“Grace Hopper” on " in case["text"]
    assert "“Grace Hopper” on " in browser(place.ada.user).get("/attention/").content.decode()


@pytest.mark.late_turns(3)
@pytest.mark.parametrize("why", ["deleted", "cancelled", "reassigned"])
@pytest.mark.parametrize("who", ["host", "staff"])
def test_what_cannot_be_removed_can_be_tried_again_by_whoever_sees_it(place: Ground, why: str, who: str) -> None:
    if why == "reassigned":
        reassign(place)
    else:
        act = booking.delete if why == "deleted" else booking.cancel
        act(appointment_id=place.appointment.pk, by=place.stage.staff, now=timezone.now())
        place.ada.sync()
    user = place.ada.user if who == "host" else place.stage.staff
    client, actions = browser(user), offered(user)
    for label, url in actions.items():
        if label != "Try again":
            assert client.get(url).status_code == 200, label
    (case,) = [case for case in listed(user) if case["code"] == "write_failed"]
    if case["appointment"]:
        assert client.get(f"/api/v1/appointments/{case['appointment']}/").status_code == 200
    assert client.post(actions["Try again"]).status_code == 302
    place.ada.sync()
    (case,) = [case for case in listed(user) if case["code"] == "write_failed"]
    answer = client.post(f"{URL}{case['id']}/retry/")
    assert (answer.status_code, answer.json()["code"]) == (200, "write_failed")
    place.icloud.faults.clear()
    place.ada.sync()
    assert listed(user) == []
    events = [event.summary for event in place.ada.phone.events("Home")]
    assert events == (["Grace Hopper", "Dentist"] if why == "reassigned" else ["Dentist"])


def test_a_former_host_reads_what_stands_in_their_icloud(place: Ground) -> None:
    reassign(place)
    (case,) = listed(place.ada.user)
    assert "“Mary Somerville” on " in case["text"]
    assert case["appointment"] is None


def test_only_what_failed_is_tried_again(place: Ground) -> None:
    place.ada.phone.find("Grace Hopper").edit(start=day(2, 15), end=day(2, 15, 30))
    place.ada.sync()
    (case,) = listed(place.ada.user)
    answer = browser(place.ada.user).post(f"{URL}{case['id']}/retry/")
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")
    page = browser(place.ada.user).post(f"/attention/{case['id']}/retry/", follow=True).content.decode()
    assert "Nothing of this appointment failed to be written." in page
