"""blocked-slots/ over REST."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calendars.models import BlockedSlot
from leadmagicx.accounts.models import User
from tests.factories import make_blocked_slot, make_icloud_slot

pytestmark = pytest.mark.django_db
Api = Callable[[User], Any]
URL = "/api/v1/blocked-slots/"
HOUR = timedelta(hours=1)


def test_a_slot_is_made_changed_and_removed(api: Api, ada: User, monday: datetime) -> None:
    client = api(ada)
    made = client.post(URL, {"title": "Inventory", "start": monday.isoformat(), "end": (monday + HOUR).isoformat()})
    assert made.status_code == 201
    day = f"{monday:%Y-%m-%d}"
    slot = BlockedSlot.objects.get()
    assert made.json() == {
        "id": slot.pk, "user": ada.pk, "title": "Inventory", "start": f"{day}T00:00:00Z", "end": f"{day}T01:00:00Z",
        "busy_start": f"{day}T00:00:00Z", "busy_end": f"{day}T01:00:00Z", "all_day": False, "blocks": True,
        "source": "leadmagicx", "removed_in_icloud": False,
        "why": {"code": "LEADMAGICX", "text": "Blocked in LeadMagicX"},
    }  # fmt: skip
    changed = client.patch(f"{URL}{slot.pk}/", {"end": (monday + 2 * HOUR).isoformat()})
    assert changed.json()["busy_end"] == f"{day}T02:00:00Z"
    for wrong in ({"end": monday.isoformat()}, {"start": "9999-12-31T23:59:59-12:00"}, {"title": "\x00"}):
        assert client.patch(f"{URL}{slot.pk}/", wrong).status_code == 400
    assert client.delete(f"{URL}{slot.pk}/").status_code == 204
    assert client.get(f"{URL}{slot.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("2026-10-25", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ("2026-10-24", "2026-10-26", "2026-10-23T22:00:00Z", "2026-10-25T23:00:00Z"),
        ("2026-07-01T09:00:00+02:00", "2026-07-01T10:00:00+02:00", "2026-06-30T22:00:00Z", "2026-07-01T22:00:00Z"),
    ],
)
def test_all_day_is_midnight_to_midnight_where_the_user_lives(
    api: Api, ada: User, start: str, end: str, first: str, last: str
) -> None:
    User.objects.filter(pk=ada.pk).update(timezone="Europe/Berlin")
    made = api(ada).post(URL, {"start": start, "end": end, "all_day": True}).json()
    assert (made["start"], made["end"], made["busy_end"]) == (first, last, last)


def test_dates_are_those_of_the_one_who_is_blocked(api: Api, staff: User, ada: User) -> None:
    """Staff in UTC block a day of somebody in New York: that day, made or changed, is the one over there."""
    User.objects.filter(pk=ada.pk).update(timezone="America/New_York")
    client, day = api(staff), {"start": "2027-03-01", "end": "2027-03-02"}
    slot = client.post(URL, day | {"user": ada.pk, "all_day": True}).json()
    assert (slot["start"], slot["end"]) == ("2027-03-01T05:00:00Z", "2027-03-02T05:00:00Z")
    slot = client.patch(f"{URL}{slot['id']}/", {"start": "2027-03-03", "end": "2027-03-04"}).json()
    assert (slot["start"], slot["end"]) == ("2027-03-03T05:00:00Z", "2027-03-04T05:00:00Z")


@pytest.mark.parametrize(("former", "new"), [("UTC", "America/New_York"), ("America/New_York", "Asia/Tokyo")])
def test_a_blocked_day_stays_on_its_date_when_its_owner_moves(api: Api, ada: User, former: str, new: str) -> None:
    """Also over a change of clocks, and when its title is changed afterwards."""
    client, day = api(ada), timedelta(days=1)
    client.patch("/api/v1/me/", {"timezone": former})
    slot = client.post(URL, {"start": "2027-03-14", "end": "2027-03-15", "all_day": True}).json()
    hour = client.post(URL, {"start": "2027-03-14T09:00:00Z", "end": "2027-03-14T10:00:00Z"}).json()
    client.patch("/api/v1/me/", {"timezone": new})
    first = datetime(2027, 3, 14, tzinfo=ZoneInfo(new))
    for _ in range(2):
        found = BlockedSlot.objects.get(pk=slot["id"])
        assert (found.start, found.end) == (found.busy_start, found.busy_end) == (first, first + day)
        client.patch(f"{URL}{slot['id']}/", {"title": "Holiday"})
    assert client.get(f"{URL}{hour['id']}/").json() == hour


def test_only_staff_block_others(api: Api, staff: User, ada: User, bea: User, monday: datetime) -> None:
    body = {"start": monday.isoformat(), "end": (monday + HOUR).isoformat()}
    assert api(staff).post(URL, body | {"user": ada.pk}).json()["user"] == ada.pk
    assert api(ada).post(URL, body | {"user": ada.pk}).status_code == 201
    assert api(ada).post(URL, body | {"user": bea.pk}).status_code == 404
    assert api(staff).post(URL, body | {"user": 10**9}).status_code == 404
    slot = make_blocked_slot(ada, monday, monday + HOUR)
    for method, url in [
        ("get", f"{URL}{slot.pk}/"),
        ("patch", f"{URL}{slot.pk}/"),
        ("delete", f"{URL}{slot.pk}/"),
        ("post", f"{URL}{slot.pk}/release/"),
    ]:
        assert getattr(api(bea), method)(url, {}).status_code == 404


def test_icloud_titles_are_their_owners(api: Api, staff: User, ada: User, monday: datetime) -> None:
    """P15"""
    slot = make_icloud_slot(ada, monday, monday + HOUR, title="Surgery", place="Home")
    shown = api(ada).get(f"{URL}{slot.pk}/").json()
    assert (shown["title"], shown["why"]["code"]) == ("Surgery", "BUSY")
    for answer in (api(staff).get(f"{URL}{slot.pk}/"), api(staff).get(URL)):
        assert b"Surgery" not in answer.content
        assert b"Busy" in answer.content


def test_icloud_rows_are_changed_in_icloud(api: Api, ada: User, monday: datetime) -> None:
    slot = make_icloud_slot(ada, monday, monday + HOUR)
    for answer in (api(ada).patch(f"{URL}{slot.pk}/", {"title": "x"}), api(ada).delete(f"{URL}{slot.pk}/")):
        assert (answer.status_code, answer.json()["code"]) == (403, "read_only")
    answer = api(ada).post(f"{URL}{slot.pk}/release/")
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")


def test_filters(api: Api, staff: User, ada: User, bea: User, monday: datetime) -> None:
    one = make_blocked_slot(ada, monday, monday + HOUR)
    two = make_icloud_slot(ada, monday + HOUR, monday + 30 * HOUR)
    three = make_blocked_slot(bea, monday + 48 * HOUR, monday + 49 * HOUR)

    def ids(**query: Any) -> list[int]:
        return [row["id"] for row in api(staff).get(URL, query).json()["results"]]

    assert ids() == [one.pk, two.pk, three.pk]
    assert ids(user=bea.pk) == [three.pk]
    assert ids(source="icloud") == [two.pk]
    assert ids(**{"from": (monday + timedelta(days=1)).date()}) == [two.pk, three.pk]
    assert ids(**{"from": (monday + HOUR).isoformat(), "to": (monday + 2 * HOUR).isoformat()}) == [two.pk]
    assert api(staff).get(URL, {"source": "google"}).status_code == 400
    assert api(ada).get(URL, {"user": bea.pk}).json()["results"] == []


def test_a_list_costs_the_same_however_long(api: Api, staff: User, ada: User, bea: User, monday: datetime) -> None:
    client = api(staff)

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(URL).status_code == 200
        return len(captured)

    make_icloud_slot(ada, monday, monday + HOUR)
    cost()
    short = cost()
    for number in range(5):
        make_icloud_slot([ada, bea][number % 2], monday, monday + HOUR)
    assert cost() == short
