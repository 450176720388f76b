"""appointments/, blocked-slots/ and free-slots/ with iCloud: what the base resources cannot know."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from calendars.models import BlockedSlot
from icloud_sync.models import Attention, ConnectionStatus, EventState, ICloudConnection, JournalEntry, SyncedEvent
from icloud_sync.services import choosing, live, rolling

URL = "/api/v1/appointments/"
CONTACT = {"name": "Grace Hopper", "email": "grace@example.org"}


def at(days: int, hour: int = 10, minute: int = 0):
    return (timezone.now() + timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)


@pytest.fixture
def chosen(ada, connection, pull):
    """Ada chose Home as primary calendar; it was read a moment ago, so a booking need not look first."""
    home = connection.calendars.get(name="Home")
    choosing.change_settings(user=ada, now=timezone.now(), primary_calendar_id=home.pk)
    pull()
    return home


@pytest.fixture
def book(service_of, ada, client_of):
    calendar = service_of(ada)

    def booked(start=None, *, status=201, **more):
        body = {"calendar": calendar.pk, "start": (start or at(3)).isoformat(), "contact": CONTACT, **more}
        answer = client_of(ada).post(URL, body)
        assert answer.status_code == status, answer.json()
        return answer.json()

    booked.calendar = calendar
    return booked


def shown(client, appointment):
    return client.get(f"{URL}{appointment['id']}/").json()


def test_an_appointment_says_how_it_stands_in_icloud(ada, chosen, book, pull, account, client_of):
    pull()
    made = book()
    [row] = made["icloud"]
    assert set(row) == {"host", "state", "calendar", "written_at", "detail"}
    assert (row["host"], row["state"], row["calendar"], row["written_at"]) == (ada.pk, "pending", chosen.pk, None)
    pull()
    [row] = shown(client_of(ada), made)["icloud"]
    assert (row["state"], row["detail"]) == ("written", "")
    assert row["written_at"] is not None
    assert account.phone.find("Grace Hopper").exists


def test_without_a_primary_calendar_it_says_why_not(ada, connection, book):
    [row] = book()["icloud"]
    assert (row["state"], row["calendar"]) == ("not_applicable", None)
    assert "primary calendar" in row["detail"]


def test_what_was_over_when_a_primary_calendar_was_chosen_is_not_waited_for(
    ada, staff, connection, pull, account, service_of, client_of
):
    """Rule W1: choosing one writes what is to come."""
    body = {"start": at(-3).isoformat(), "contact": CONTACT, "ignore_availability": True}
    made = client_of(staff).post(URL, body | {"calendar": service_of(ada).pk}).json()
    home = connection.calendars.get(name="Home")
    choosing.change_settings(user=ada, now=timezone.now(), primary_calendar_id=home.pk)
    pull()
    [row] = shown(client_of(ada), made)["icloud"]
    assert (row["state"], row["calendar"], account.phone.events()) == ("not_applicable", None, [])
    assert "was over" in row["detail"]


def test_a_simple_calendar_never_reaches_icloud(ada, chosen, staff, client_of, service_of):
    """Rule K2."""
    calendar = service_of(ada, type="simple", icloud_enabled=False)
    body = {"calendar": calendar.pk, "start": at(3).isoformat(), "contact": CONTACT}
    made = client_of(staff).post(URL, body).json()
    assert [row["state"] for row in made["icloud"]] == ["not_applicable"]
    assert made["icloud"][0]["detail"] == "iCloud Integration is not supported for Simple Calendars"
    assert not SyncedEvent.objects.exists()


def test_removed_on_the_phone_put_back_and_left_off(ada, chosen, book, pull, account, client_of, settings):
    """Rule P4."""
    settings.ICLOUD_SETTLE_SECONDS = 0
    client, made = client_of(ada), book()
    one = f"{URL}{made['id']}/icloud/"
    pull()
    account.phone.find("Grace Hopper").delete()
    pull()
    pull()
    found = shown(client, made)
    assert (found["status"], found["icloud"][0]["state"]) == ("confirmed", "removed_in_icloud")
    [flag] = found["flags"]
    assert set(flag) == {"code", "host", "text", "since"}
    assert (flag["code"], flag["host"]) == ("removed_in_icloud", ada.pk)
    [case] = client.get("/api/v1/attention/").json()["results"]
    assert (case["code"], case["appointment"]) == ("removed_in_icloud", made["id"])
    assert "Grace Hopper" in case["text"]
    left = client.post(f"{one}leave-off/")
    assert left.status_code == 200
    assert (left.json()["flags"], left.json()["icloud"][0]["state"]) == ([], "not_applicable")
    assert client.get("/api/v1/attention/").json()["results"] == []
    assert client.post(f"{one}leave-off/").status_code == 409
    back = client.post(f"{one}put-back/")
    assert (back.status_code, back.json()["icloud"][0]["state"]) == (200, "pending")
    pull()
    assert account.phone.find("Grace Hopper").exists
    assert client.post(f"{one}put-back/").json()["code"] == "invalid_state"


def test_what_could_not_be_written_is_tried_again_by_hand(ada, chosen, book, pull, account, client_of):
    """Rule W9."""
    client, made = client_of(ada), book()
    one = f"{URL}{made['id']}/icloud/retry/"
    assert client.post(one).status_code == 409
    SyncedEvent.objects.update(state=EventState.FAILED, failure="max-resource-size", due_at=None)
    found = shown(client, made)["icloud"][0]
    assert found["state"] == "failed"
    assert "too large" in found["detail"]
    assert client.post(one).json()["icloud"][0]["state"] == "pending"
    pull()
    assert shown(client, made)["icloud"][0]["state"] == "written"


def test_a_host_decides_about_their_own_icloud_only(ada, ben, staff, chosen, service_of, client_of):
    calendar = service_of(ada, ben, type="collective")
    made = client_of(ada).post(URL, {"calendar": calendar.pk, "start": at(4).isoformat(), "contact": CONTACT}).json()
    SyncedEvent.objects.update(state=EventState.REMOVED, due_at=None)
    one = f"{URL}{made['id']}/icloud/leave-off/"
    assert client_of(ben).post(one).status_code == 409, "nothing of ben's was removed"
    assert client_of(ada).post(one).status_code == 200
    SyncedEvent.objects.update(state=EventState.REMOVED)
    assert client_of(staff).post(one).status_code == 200, "staff decide for everybody"


@pytest.mark.django_db(transaction=True)
class TestLookingFirst:
    """Rule A5. Accounts are asked side by side, by threads that see what is committed."""

    def test_a_private_event_found_at_booking_refuses_it(self, ada, chosen, book, pull, account):
        """Rule A5: what was made on the phone a moment ago."""
        pull()
        ICloudConnection.objects.update(data_as_of=timezone.now() - timedelta(hours=1))
        account.phone.create("Home", title="Surgery", start=at(3, 9), end=at(3, 12))
        refused = book(status=409)
        assert refused["code"] == "slot_unavailable"
        assert [reason["code"] for reason in refused["reasons"]] == ["ICLOUD_BUSY"]
        assert "Surgery" not in str(refused)

    def test_verified_says_whether_icloud_could_be_asked(self, ada, chosen, book, pull, icloud_settings):
        pull()
        assert book(at(3))["verified"] is True
        ICloudConnection.objects.update(data_as_of=timezone.now() - timedelta(hours=1))
        icloud_settings.outage = True
        assert book(at(4))["verified"] is False

    def test_a_defect_of_our_own_holds_nothing_up_and_is_seen(self, ada, chosen, book, pull, monkeypatch, caplog):
        pull()
        ICloudConnection.objects.update(data_as_of=timezone.now() - timedelta(hours=1))

        def broken(*_):
            raise ValueError("of what was read: Surgery")

        monkeypatch.setattr(live, "look", broken)
        assert book(at(3))["verified"] is False
        connection = ICloudConnection.objects.get()
        assert (connection.claim, connection.error_code, connection.failures) == (None, "unforeseen", 1)
        assert JournalEntry.objects.filter(action="sync_failed", code="unforeseen").count() == 1
        [told] = [record.msg for record in caplog.records if record.levelname == "ERROR"]
        assert (told["event"], told["error"]) == ("live_check_broke_off", "ValueError")
        assert told["where"].endswith("broken")
        assert "Surgery" not in caplog.text
        assert book(at(4))["verified"] is False
        monkeypatch.undo()
        ICloudConnection.objects.update(not_before=None)
        assert book(at(5))["verified"] is True

    def test_a_database_that_fails_meanwhile_is_no_account_s_failure(self, ada, chosen, book, pull, monkeypatch):
        pull()
        ICloudConnection.objects.update(data_as_of=timezone.now() - timedelta(hours=1))

        def broken(*_):
            raise OperationalError("gone")

        monkeypatch.setattr(live, "look", broken)
        with pytest.raises(OperationalError):
            book(at(3))
        connection = ICloudConnection.objects.get()
        assert (connection.claim, connection.error_code) == (None, "")

    def test_moving_looks_at_icloud_too(self, ada, chosen, book, pull, account, client_of):
        pull()
        made = book(at(3))
        ICloudConnection.objects.update(data_as_of=timezone.now() - timedelta(hours=1))
        account.phone.create("Home", title="Surgery", start=at(5, 9), end=at(5, 12))
        answer = client_of(ada).patch(f"{URL}{made['id']}/", {"start": at(5, 10).isoformat()})
        assert (answer.status_code, answer.json()["code"]) == (409, "slot_unavailable")
        assert [reason["code"] for reason in answer.json()["reasons"]] == ["ICLOUD_BUSY"]


class TestFreeSlots:
    def ask(self, client, calendar, days=3):
        day = at(days).date()
        answer = client.get(
            f"/api/v1/calendars/{calendar.pk}/free-slots/?from={day}&to={day}&timezone=UTC&explain=true"
        )
        assert answer.status_code == 200, answer.json()
        return answer.json()

    def test_they_say_how_old_the_data_is_and_how_far_it_reaches(self, ada, chosen, book, pull, client_of):
        pull()
        body = self.ask(client_of(ada), book.calendar)
        assert body["stale"] is False
        assert body["data_as_of"] is not None
        assert body["horizon"] is not None

    def test_a_wider_window_opens_nothing_over_a_series_too_dense_for_it(
        self, ada, connection, chosen, book, pull, account, client_of, staff
    ):
        """P13, P14, I10: beyond what is kept of the series nothing is offered; its owner is told once."""
        shift = account.phone.create(
            "Home", title="Shift", start=at(1, 8), end=at(1, 9), rrule="FREQ=DAILY;BYHOUR=8,10,12,14,16"
        )
        pull()
        client_of(staff).patch(f"/api/v1/calendars/{book.calendar.pk}/", {"booking_window_days": 730})
        for days in (0, 1, 2):
            rolling.roll_windows(now=timezone.now() + timedelta(days=days))
            connection.refresh_from_db()
            assert connection.horizon.date() == at(402 + days).date()
            assert BlockedSlot.objects.filter(start=at(401 + days, 16), blocks=True).exists()
        [explained] = self.ask(client_of(ada), book.calendar, 600)["explanations"].values()
        assert {reason["code"] for row in explained for reason in row["reasons"]} == {"HORIZON"}
        book(at(600, 8), status=409)
        found = Attention.objects.get(code="unreadable_event", resolved_at=None)
        assert found.values["why"] == "too_many_occurrences"
        assert JournalEntry.objects.filter(action="event_unreadable", code="too_many_occurrences").count() == 1
        shift.edit(rrule="FREQ=DAILY")
        pull()
        rolling.roll_windows(now=timezone.now())
        connection.refresh_from_db()
        assert connection.horizon.date() == at(732).date()
        assert not Attention.objects.filter(resolved_at=None).exists()

    def test_stale_is_old_or_not_connected(self, ada, chosen, book, pull, client_of, settings):
        pull()
        old = timezone.now() - timedelta(seconds=5 * settings.ICLOUD_POLL_SECONDS + 5)
        ICloudConnection.objects.update(data_as_of=old)
        assert self.ask(client_of(ada), book.calendar)["stale"] is True
        ICloudConnection.objects.update(data_as_of=timezone.now(), status=ConnectionStatus.NEEDS_PASSWORD)
        assert self.ask(client_of(ada), book.calendar)["stale"] is True

    def test_a_collective_is_as_fresh_as_its_stalest_member(self, ada, ben, chosen, pull, service_of, client_of):
        """Rule A1: whichever host is asked about, all of them must be free."""
        pull()
        near = timezone.now() + timedelta(days=1)
        ICloudConnection.objects.update(status=ConnectionStatus.NEEDS_PASSWORD, horizon=near)
        both, date = service_of(ada, ben, type="collective"), at(3).date().isoformat()
        query = {"from": date, "to": date, "host": ben.pk}
        body = client_of(ben).get(f"/api/v1/calendars/{both.pk}/free-slots/", query).json()
        assert (body["stale"], body["days"]) == (True, {date: []})

    def test_a_calendar_without_icloud_knows_nothing_of_it(self, ada, chosen, pull, service_of, client_of):
        pull()
        body = self.ask(client_of(ada), service_of(ada, icloud_enabled=False))
        assert (body["data_as_of"], body["stale"], body["horizon"]) == (None, False, None)

    def test_busy_time_closes_a_slot_without_telling_what_it_is(self, ada, chosen, book, pull, account, client_of):
        account.phone.create("Home", title="Surgery", start=at(3, 10), end=at(3, 11))
        pull()
        body = self.ask(client_of(ada), book.calendar)
        [explained] = body["explanations"].values()
        closed = [row for row in explained if not row["open"]]
        assert {reason["code"] for row in closed for reason in row["reasons"]} == {"ICLOUD_BUSY"}
        assert len(closed) == 2
        assert "Surgery" not in str(body)


class TestBlockedSlots:
    @pytest.fixture
    def slot(self, ada, chosen, pull, account, client_of):
        account.phone.create("Home", title="Surgery", start=at(3, 10), end=at(3, 11))
        pull()
        [row] = client_of(ada).get("/api/v1/blocked-slots/?source=icloud").json()["results"]
        return row

    def test_titles_are_their_owners_unless_shared(self, ada, staff, slot, client_of):
        """Rule P15."""
        one = f"/api/v1/blocked-slots/{slot['id']}/"
        assert slot["title"] == "Surgery"
        assert client_of(staff).get(one).json()["title"] == "Busy"
        client_of(ada).put("/api/v1/me/calendar-settings/", {"share_titles": True})
        assert client_of(staff).get(one).json()["title"] == "Surgery"

    def test_one_that_was_removed_in_icloud_can_be_freed(self, ada, slot, pull, account, client_of, settings):
        """Rule P5."""
        settings.ICLOUD_SETTLE_SECONDS = 0
        client, one = client_of(ada), f"/api/v1/blocked-slots/{slot['id']}/"
        answer = client.post(f"{one}release/")
        assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")
        account.phone.find("Surgery").delete()
        pull()
        pull()
        kept = client.get(one).json()
        assert (kept["removed_in_icloud"], kept["blocks"], kept["why"]["code"]) == (True, True, "BUSY")
        freed = client.post(f"{one}release/")
        assert freed.status_code == 200
        assert (freed.json()["blocks"], freed.json()["why"]["code"]) == (False, "RELEASED")
        assert client.post(f"{one}release/").status_code == 200

    def test_icloud_rows_are_read_only(self, ada, slot, client_of):
        one = f"/api/v1/blocked-slots/{slot['id']}/"
        for answer in (client_of(ada).patch(one, {"title": "x"}), client_of(ada).delete(one)):
            assert (answer.status_code, answer.json()["code"]) == (403, "read_only")

    def test_our_own_events_are_no_blocked_slots(self, ada, chosen, book, pull, client_of):
        """Rule W7."""
        book()
        pull()
        pull()
        assert client_of(ada).get("/api/v1/blocked-slots/").json()["results"] == []


class TestJournal:
    def test_it_is_newest_first_with_everything_the_contract_names(self, ada, chosen, book, pull, client_of):
        made = book()
        pull()
        client = client_of(ada)
        rows = client.get("/api/v1/journal/").json()["results"]
        assert set(rows[0]) == {
            "id", "at", "connection", "calendar", "appointment", "action", "href", "uid", "code", "text", "before",
            "after",
        }  # fmt: skip
        assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
        assert all(row["text"] and not row["text"].islower() for row in rows)
        [written] = client.get(f"/api/v1/journal/?appointment={made['id']}").json()["results"]
        assert (written["action"], written["appointment"]) == ("created", made["id"])
        assert written["after"]["title"] == "Grace Hopper"

    def test_filters_show_what_is_asked_and_no_more(self, ada, ben, connection, client_of):
        client = client_of(ada)
        assert client.get(f"/api/v1/journal/?connection={connection.pk}").json()["results"]
        assert client.get(f"/api/v1/journal/?connection={connection.pk + 1}").json()["results"] == []
        assert client_of(ben).get(f"/api/v1/journal/?connection={connection.pk}").json()["results"] == []
        assert client.get("/api/v1/journal/?appointment=x").status_code == 400

    def test_pages_do_not_shift_while_entries_are_added(self, ada, connection, client_of):
        from icloud_sync.models import JournalEntry

        client = client_of(ada)
        JournalEntry.objects.bulk_create(
            JournalEntry(user=ada, connection=connection, action="event_new", uid=str(number)) for number in range(6)
        )
        first = client.get("/api/v1/journal/?page_size=3").json()
        JournalEntry.objects.create(user=ada, connection=connection, action="event_new", uid="later")
        second = client.get(first["next"]).json()
        seen = [row["uid"] for row in first["results"] + second["results"]]
        assert seen == ["5", "4", "3", "2", "1", "0"]

    def test_staff_see_no_private_words(self, ada, staff, connection, client_of):
        from icloud_sync.models import JournalEntry

        JournalEntry.objects.all().delete()
        JournalEntry.objects.create(user=ada, action="event_changed", before={"title": "Surgery", "start": "2026"})
        [mine] = client_of(ada).get("/api/v1/journal/").json()["results"]
        [theirs] = client_of(staff).get("/api/v1/journal/").json()["results"]
        assert mine["before"] == {"title": "Surgery", "start": "2026"}
        assert theirs["before"] == {"start": "2026"}


class TestAttention:
    def test_cases_are_listed_with_what_the_contract_names(self, ada, connection, client_of):
        Attention.objects.create(user=ada, code="unreachable", key="k", connection=connection)
        Attention.objects.create(user=ada, code="needs_password", key="k", resolved_at=timezone.now())
        [case] = client_of(ada).get("/api/v1/attention/").json()["results"]
        assert set(case) >= {"id", "code", "connection", "appointment", "calendar", "text", "since"}
        assert (case["code"], case["connection"], case["appointment"]) == ("unreachable", connection.pk, None)

    def test_a_list_costs_the_same_whatever_its_length(
        self, ada, chosen, book, client_of, django_assert_max_num_queries
    ):
        for day in range(3, 8):
            book(at(day))
        client = client_of(ada)
        for copy in SyncedEvent.objects.select_related("engagement"):
            Attention.objects.create(
                user=ada, code="removed_in_icloud", key=f"engagement:{copy.engagement_id}", engagement=copy.engagement
            )
        with django_assert_max_num_queries(8):
            assert len(client.get("/api/v1/attention/").json()["results"]) == 5
        with django_assert_max_num_queries(14):
            assert len(client.get(URL).json()["results"]) == 5
