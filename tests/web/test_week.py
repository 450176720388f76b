"""Which week is shown, and what a narrow column leaves out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from calendars.services import blocked
from icloud_sync.models import Attention
from leadmagicx.pages import week
from tests.scene import Scene
from tests.stage import Person
from tests.web.test_errors import words

SUNDAY_EVENING = datetime(2026, 11, 22, 20, 43, tzinfo=UTC)
OVER = "This week is over, so here is the next one."


def entry(start: datetime, *, hours: float = 1) -> week.Entry:
    return week.Entry(kind="busy", title="", note="", url="", start=start, end=start + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("now", "ends_in", "over"),
    [
        ("2026-11-20T23:00", None, False),  # Friday night
        ("2026-11-21T09:00", None, False),  # Saturday: some people work
        ("2026-11-21T18:59", None, False),
        ("2026-11-21T19:00", None, True),
        ("2026-11-22T08:00", None, True),  # Sunday
        ("2026-11-22T08:00", -1, True),
        ("2026-11-22T08:00", 1, False),
    ],
)
def test_a_week_is_over_when_nothing_of_it_is_left(now: str, ends_in: int | None, over: bool) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    entries = [] if ends_in is None else [entry(moment + timedelta(hours=ends_in - 1))]
    assert week.is_over(entries, now=moment) is over


def at(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(week.timezone, "now", lambda: now)


def days(page: str) -> list[str]:
    return re.findall(r'aria-labelledby="d(\d{4})"', page)


def test_on_a_sunday_evening_the_next_week_opens_and_says_so(
    ada: Person, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, SUNDAY_EVENING)
    page = client.get("/").content.decode()
    assert OVER in page
    assert days(page)[0] == "1123"
    assert page.count('class="day chosen"') == 1
    today = client.get("/", {"date": "2026-11-22"}).content.decode()
    assert OVER not in today, "a week that was asked for stays"
    assert days(today)[0] == "1116"
    assert 'href="?date=2026-11-22">Today' in page


def test_what_is_still_to_come_on_a_sunday_keeps_its_week(
    ada: Person, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, SUNDAY_EVENING)
    blocked.create(user=ada.user, start=SUNDAY_EVENING, end=SUNDAY_EVENING + timedelta(hours=1), title="Concert")
    page = client.get("/").content.decode()
    assert OVER not in page
    assert "Concert" in page


def test_the_days_of_a_phone_say_which_of_them_have_something(scene: Scene, client: Client) -> None:
    page = client.get("/", {"date": f"{scene.monday}"}).content.decode()
    strip = page.split('<ol class="days">')[1].split("</ol>")[0].split("<li")[1:]
    assert ['<i aria-hidden="true"></i>' in day for day in strip] == [True, True, True, True, True, True, False]


def test_where_there_is_room_for_a_name_only_the_time_is_still_read_out(scene: Scene, client: Client) -> None:
    for title, start in (("Short", "09:00"), ("Shorter", "09:10")):
        blocked.create(
            user=scene.ada.user, start=scene.at(5, start), end=scene.at(5, start) + timedelta(minutes=30), title=title
        )
    page = client.get("/", {"date": f"{scene.monday}"}).content.decode()
    assert '<span class="sr">09:10 </span><b>Shorter</b>' in page
    assert "09:00 Short" in words(page)


def test_what_two_flags_say_of_one_move_is_one_line(scene: Scene, client: Client) -> None:
    """Outside the hours says as well that it was moved; pressing Got it puts both aside."""
    scene.ada.phone.find("Barbara Liskov").edit(start=scene.at(3, "20:00"), end=scene.at(3, "20:30"))
    scene.ada.sync(2)
    assert {"moved_in_icloud", "outside_hours"} <= scene.ada.flags
    page = words(client.get("/attention/").content.decode())
    assert page.count("“Barbara Liskov”") == 1
    assert "outside the calendar's hours" in page
    assert "3 open" in page
    (case,) = Attention.objects.filter(code="outside_hours")
    client.post(f"/attention/{case.pk}/acknowledge/")
    assert not scene.ada.flags & {"moved_in_icloud", "outside_hours"}
