"""icloud/calendars/ and me/calendar-settings/ (contract.md; rules K3-K7)."""

from __future__ import annotations

import pytest
from django.utils import timezone

from icloud_sync.models import CalendarSettings, ICloudCalendar, ICloudConnection

URL = "/api/v1/me/calendar-settings/"
CALENDARS = "/api/v1/icloud/calendars/"
FIELDS = {
    "id", "connection", "name", "color", "kind", "writable", "can_be_primary", "can_check_conflicts", "reason",
    "is_primary", "checks_conflicts",
}  # fmt: skip
DEFAULTS = {
    "primary_calendar": None,
    "conflict_calendars": [],
    "deleted_in_icloud": "keep",
    "travel_time_blocks": True,
    "share_titles": False,
}


@pytest.fixture
def account(account, icloud_settings):
    """Ada's account as people have them: own calendars, one that is only shared for reading, one subscribed."""
    eve = icloud_settings.account("eve@icloud.example", name="Eve", calendars=("Club",))
    eve.share("Club", to=account, access="ro")
    account.subscribe("Holidays", "webcal://holidays.example/de.ics")
    return account


@pytest.fixture
def ids(connection) -> dict[str, int]:
    return dict(connection.calendars.values_list("name", "pk"))


def test_calendars_say_what_they_may_be_chosen_for(ada, connection, client_of):
    rows = {row["name"]: row for row in client_of(ada).get(CALENDARS).json()["results"]}
    assert set(rows) == {"Home", "Work", "Club", "Holidays"}
    assert all(set(row) == FIELDS for row in rows.values())
    home, club, holidays = rows["Home"], rows["Club"], rows["Holidays"]
    assert (home["kind"], home["writable"], home["can_be_primary"], home["reason"]) == ("own", True, True, None)
    assert (club["kind"], club["writable"], club["can_be_primary"]) == ("shared", False, False)
    assert club["can_check_conflicts"] is True
    assert club["reason"]["code"] == "writer_access_required"
    assert "Writer's access is required" in club["reason"]["text"]
    assert (holidays["kind"], holidays["can_check_conflicts"]) == ("subscribed", False)
    assert holidays["reason"]["code"] == "subscription_not_supported"


def test_the_defaults(ada, client_of):
    assert client_of(ada).get(URL).json() == DEFAULTS


@pytest.mark.parametrize("method", ["put", "patch"])
def test_keys_left_out_stay(ada, ids, client_of, method):
    client = client_of(ada)
    change = getattr(client, method)
    everything = {
        "primary_calendar": ids["Home"],
        "conflict_calendars": [ids["Work"], ids["Club"]],
        "deleted_in_icloud": "release",
        "travel_time_blocks": False,
        "share_titles": True,
    }
    answer = change(URL, everything)
    assert answer.status_code == 200
    assert {**answer.json(), "conflict_calendars": set(answer.json()["conflict_calendars"])} == {
        **everything,
        "conflict_calendars": {ids["Work"], ids["Club"]},
    }
    assert change(URL, {}).json() == answer.json()
    assert change(URL, {"share_titles": False}).json() == answer.json() | {"share_titles": False}
    assert change(URL, {"primary_calendar": None}).json()["primary_calendar"] is None
    assert client.get(URL).json()["deleted_in_icloud"] == "release"


def test_a_new_primary_joins_the_conflict_calendars(ada, ids, client_of):
    """Rule K4."""
    client = client_of(ada)
    assert client.patch(URL, {"primary_calendar": ids["Home"]}).json()["conflict_calendars"] == [ids["Home"]]
    rows = {row["name"]: row for row in client.get(CALENDARS).json()["results"]}
    assert (rows["Home"]["is_primary"], rows["Home"]["checks_conflicts"]) == (True, True)
    assert (rows["Work"]["is_primary"], rows["Work"]["checks_conflicts"]) == (False, False)


def test_unless_the_list_is_given_too(ada, ids, client_of):
    answer = client_of(ada).put(URL, {"primary_calendar": ids["Home"], "conflict_calendars": [ids["Work"]]})
    assert answer.json()["conflict_calendars"] == [ids["Work"]]


def test_it_may_be_taken_out_again(ada, ids, client_of):
    client = client_of(ada)
    client.put(URL, {"primary_calendar": ids["Home"]})
    assert client.put(URL, {"conflict_calendars": []}).json()["conflict_calendars"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"primary_calendar": "Club"}, "writer_access_required"),
        ({"primary_calendar": "Holidays"}, "subscription_not_supported"),
        ({"conflict_calendars": ["Holidays"]}, "subscription_not_supported"),
        ({"conflict_calendars": ["Home", "Holidays"], "share_titles": True}, "subscription_not_supported"),
    ],
)
def test_what_may_not_be_chosen_is_refused_and_nothing_is_half_saved(ada, ids, client_of, body, code):
    named = {
        key: ids[value]
        if isinstance(value, str)
        else [ids[name] for name in value]
        if isinstance(value, list)
        else value
        for key, value in body.items()
    }
    client = client_of(ada)
    answer = client.put(URL, named)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert client.get(URL).json() == DEFAULTS


def test_a_vanished_calendar_stays_listed_while_it_is_selected(ada, ids, client_of):
    """Rule K7."""
    client = client_of(ada)
    client.put(URL, {"primary_calendar": ids["Home"]})
    ICloudCalendar.objects.filter(name__in=["Home", "Work"]).update(gone_at=timezone.now())
    rows = {row["name"]: row for row in client.get(CALENDARS).json()["results"]}
    assert set(rows) == {"Home", "Club", "Holidays"}
    assert rows["Home"]["reason"]["code"] == "gone"
    answer = client.put(URL, {"primary_calendar": ids["Work"]})
    assert (answer.status_code, answer.json()["code"]) == (400, "gone")


@pytest.mark.parametrize(
    "body",
    [
        {"primary_calendar": "Home"}, {"primary_calendar": 0}, {"primary_calendar": 2**70}, {"primary_calendar": [1]},
        {"primary_calendar": True and "x"}, {"conflict_calendars": 1}, {"conflict_calendars": ["x"]},
        {"conflict_calendars": None}, {"deleted_in_icloud": "delete"}, {"deleted_in_icloud": None},
        {"travel_time_blocks": "perhaps"}, {"travel_time_blocks": None}, {"share_titles": 3}, [], "x",
    ],
)  # fmt: skip
def test_values_of_the_wrong_kind_are_invalid(ada, client_of, body):
    answer = client_of(ada).put(URL, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


@pytest.mark.parametrize("key", ["primary_calendar", "conflict_calendars"])
def test_other_peoples_calendars_do_not_exist(ada, ben, staff, ids, client_of, key):
    """Reliability S11, S20: also for staff, whose settings are their own."""
    value = ids["Home"] if key == "primary_calendar" else [ids["Home"]]
    unknown = 987_654_321 if key == "primary_calendar" else [987_654_321]
    for user in (ben, staff):
        answers = [client_of(user).put(URL, {key: asked}) for asked in (value, unknown)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].json() == answers[1].json()
    assert not CalendarSettings.objects.filter(primary_calendar__isnull=False).exists()


def test_a_change_starts_a_sync_at_once(ada, ids, connection, client_of, rung, django_capture_on_commit_callbacks):
    ICloudConnection.objects.update(next_sync_at=None)
    with django_capture_on_commit_callbacks(execute=True):
        client_of(ada).put(URL, {"primary_calendar": ids["Home"]})
    connection.refresh_from_db()
    assert connection.next_sync_at <= timezone.now()
    assert any("_connection" in bell for bell in rung)


def test_calendars_of_one_connection(ada, connection, client_of):
    client = client_of(ada)
    assert len(client.get(f"{CALENDARS}?connection={connection.pk}").json()["results"]) == 4
    assert client.get(f"{CALENDARS}?connection={connection.pk + 1}").json()["results"] == []
    for text in ("x", "-1", "1.5", "9" * 30, "١"):
        assert client.get(f"{CALENDARS}?connection={text}").status_code == 400
