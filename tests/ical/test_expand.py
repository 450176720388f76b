"""Occurrences of an event: the decisions that RFC 5545 leaves open, DST, all-day days, travel time (P10, P11, P12)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from icloud_sync.errors import ItemUnreadable
from icloud_sync.ical.expand import Occurrence, expand
from icloud_sync.ical.scan import scan
from tests.ical.corpus.case import calendar, event, vevent

BERLIN = ZoneInfo("Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def occurrences(
    body: bytes, *, low: str = "2026-01-01", high: str = "2027-01-01", zone: ZoneInfo = BERLIN, limit: int = 3000
) -> list[Occurrence]:
    return expand(scan(body), zone=zone, window=(utc(low), utc(high)), own_addresses=frozenset(), limit=limit)


def times(body: bytes, **window: str) -> list[str]:
    return [f"{one.start:%m-%d %H:%M}/{one.end:%m-%d %H:%M}" for one in occurrences(body, **window)]  # type: ignore[arg-type]


def berlin(start: str, end: str, rule: str = "FREQ=DAILY;COUNT=3") -> bytes:
    return event(f"DTSTART;TZID=Europe/Berlin:{start}\nDTEND;TZID=Europe/Berlin:{end}\nRRULE:{rule}")


class TestDaylightSaving:
    """Clocks in Berlin go forward on 2026-03-29 at 02:00 and back on 2026-10-25 at 03:00."""

    def test_the_local_hour_stays_when_clocks_go_forward(self) -> None:
        assert times(berlin("20260328T090000", "20260328T100000")) == [
            "03-28 08:00/03-28 09:00",
            "03-29 07:00/03-29 08:00",
            "03-30 07:00/03-30 08:00",
        ]

    def test_the_local_hour_stays_when_clocks_go_back(self) -> None:
        assert times(berlin("20261024T090000", "20261024T100000"))[1:] == [
            "10-25 08:00/10-25 09:00",
            "10-26 08:00/10-26 09:00",
        ]

    def test_a_night_shift_ends_at_the_same_local_hour_on_every_day(self) -> None:
        assert times(berlin("20260327T220000", "20260328T060000")) == [
            "03-27 21:00/03-28 05:00",
            "03-28 21:00/03-29 04:00",
            "03-29 20:00/03-30 04:00",
        ]

    def test_a_start_in_the_skipped_hour_keeps_the_length(self) -> None:
        assert times(berlin("20260328T023000", "20260328T033000"))[1] == "03-29 01:30/03-29 02:30"

    def test_an_event_that_spans_the_skipped_hour_ends_by_the_clock(self) -> None:
        assert times(berlin("20260328T013000", "20260328T033000"))[1] == "03-29 00:30/03-29 01:30"

    def test_a_repeated_hour_is_its_first_one(self) -> None:
        assert times(berlin("20261024T021500", "20261024T024500"))[1] == "10-25 00:15/10-25 00:45"

    def test_hours_of_a_duration_are_exact_and_its_days_are_not(self) -> None:
        hours = event("DTSTART;TZID=Europe/Berlin:20260328T220000\nDURATION:PT24H")
        days = event("DTSTART;TZID=Europe/Berlin:20260328T220000\nDURATION:P1D")
        assert times(hours) == ["03-28 21:00/03-29 21:00"]
        assert times(days) == ["03-28 21:00/03-29 20:00"]

    def test_a_day_has_23_or_25_hours(self) -> None:
        days = [occurrences(event(f"DTSTART;VALUE=DATE:{day}"))[0] for day in ("20260328", "20260329", "20261025")]
        assert [one.end - one.start for one in days] == [timedelta(hours=hours) for hours in (24, 23, 25)]

    @pytest.mark.parametrize(
        "name", ["Asia/Beirut", "America/Havana", "Africa/Cairo", "Pacific/Apia", "America/Asuncion"]
    )
    def test_days_touch_where_midnight_is_skipped_or_repeated(self, name: str) -> None:
        body = event("DTSTART;VALUE=DATE:20230101\nRRULE:FREQ=DAILY")
        found = occurrences(body, low="2023-01-05", high="2024-12-31", zone=ZoneInfo(name))
        assert len(found) > 700
        for one, following in pairwise(found):
            assert one.end == following.start

    def test_until_is_exact_at_the_change(self) -> None:
        rule = "FREQ=DAILY;UNTIL=20260329T010000Z"
        assert len(times(berlin("20260328T023000", "20260328T033000", rule))) == 1, (
            "02:30 does not exist: it is 01:30 UTC"
        )
        assert len(times(berlin("20260328T013000", "20260328T020000", rule))) == 2


class TestZones:
    def test_floating_and_all_day_events_are_in_the_zone_of_the_user(self) -> None:
        floating, day = event("DTSTART:20260105T090000\nDURATION:PT1H"), event("DTSTART;VALUE=DATE:20260105")
        tokyo = ZoneInfo("Asia/Tokyo")
        assert occurrences(floating, zone=tokyo)[0].start == utc("2026-01-05T00:00")
        assert occurrences(day, zone=tokyo)[0].start == utc("2026-01-04T15:00")

    def test_the_key_of_an_occurrence_stays_when_the_zone_of_the_user_changes(self) -> None:
        for lines in ("DTSTART:20260105T090000\nDURATION:PT1H", "DTSTART;VALUE=DATE:20260105"):
            body = event(f"{lines}\nRRULE:FREQ=DAILY;COUNT=3")
            keys = [
                [one.recurrence_id for one in occurrences(body, zone=ZoneInfo(name))] for name in ("Asia/Tokyo", "UTC")
            ]
            assert keys[0] == keys[1]
            assert len(set(keys[0])) == 3

    def test_days_of_a_weekly_rule_are_local_days(self) -> None:
        body = event(
            "DTSTART;TZID=America/Los_Angeles:20260105T200000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU;COUNT=4"
        )
        assert [one[:11] for one in times(body)] == ["01-06 04:00", "01-07 04:00", "01-13 04:00", "01-14 04:00"]


class TestSeries:
    def test_the_key_of_a_moved_occurrence_is_where_it_was(self) -> None:
        body = calendar(
            vevent("DTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2")
            + vevent("RECURRENCE-ID:20260106T090000Z\nDTSTART:20260108T150000Z\nDURATION:PT1H")
        )
        assert [one.recurrence_id for one in occurrences(body)] == ["20260105T090000Z", "20260106T090000Z"]

    def test_a_single_event_has_no_key(self) -> None:
        assert occurrences(event("DTSTART:20260105T090000Z"))[0].recurrence_id is None

    def test_a_cancelled_occurrence_says_so_and_the_others_stay_busy(self) -> None:
        body = calendar(
            vevent("DTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3")
            + vevent("RECURRENCE-ID:20260106T090000Z\nDTSTART:20260106T090000Z\nDURATION:PT1H\nSTATUS:CANCELLED")
        )
        assert [one.code for one in occurrences(body)] == ["BUSY", "CANCELLED", "BUSY"]

    def test_a_single_occurrence_turns_from_free_to_busy(self) -> None:
        body = calendar(
            vevent("DTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nTRANSP:TRANSPARENT")
            + vevent("RECURRENCE-ID:20260106T090000Z\nDTSTART:20260106T090000Z\nDURATION:PT1H\nTRANSP:OPAQUE")
        )
        assert [one.code for one in occurrences(body)] == ["FREE", "BUSY", "FREE"]

    def test_this_and_future_changes_length_title_and_hour_and_a_later_one_wins(self) -> None:
        body = calendar(
            vevent("SUMMARY:a\nDTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=6")
            + vevent(
                "SUMMARY:b\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260107T090000Z\nDTSTART:20260107T100000Z\nDURATION:PT2H"
            )
            + vevent(
                "SUMMARY:c\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260109T090000Z\nDTSTART:20260109T090000Z\nDURATION:PT3H"
            )
            + vevent("SUMMARY:d\nRECURRENCE-ID:20260108T090000Z\nDTSTART:20260108T200000Z\nDURATION:PT1H")
        )
        assert [
            (one.title, f"{one.start:%d-%H}", (one.end - one.start) // timedelta(hours=1)) for one in occurrences(body)
        ] == [
            ("a", "05-09", 1),
            ("a", "06-09", 1),
            ("b", "07-10", 2),
            ("d", "08-20", 1),
            ("c", "09-09", 3),
            ("c", "10-09", 3),
        ]

    def test_this_and_future_may_turn_a_series_into_days(self) -> None:
        body = calendar(
            vevent("DTSTART;TZID=Europe/Berlin:20260105T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3")
            + vevent(
                "RECURRENCE-ID;TZID=Europe/Berlin;RANGE=THISANDFUTURE:20260106T090000\nDTSTART;VALUE=DATE:20260106"
            )
        )
        assert times(body)[1:] == ["01-05 23:00/01-06 23:00", "01-06 23:00/01-07 23:00"]

    def test_what_ends_and_starts_at_the_edges_of_the_window_is_outside(self) -> None:
        body = event("DTSTART:20251231T230000Z\nDURATION:PT1H\nRRULE:FREQ=HOURLY;COUNT=3")
        assert len(times(body, low="2026-01-01T00:00", high="2026-01-01T01:00")) == 1

    def test_an_occurrence_that_began_long_before_the_window_counts(self) -> None:
        body = event("DTSTART;VALUE=DATE:20200101\nDTEND;VALUE=DATE:20200301\nRRULE:FREQ=YEARLY")
        assert len(times(body, low="2026-02-20", high="2026-02-21")) == 1

    def test_a_limit_refuses_instead_of_cutting_short(self) -> None:
        body = event("DTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=11")
        assert len(occurrences(body, limit=11)) == 11
        with pytest.raises(ItemUnreadable, match="too_many_occurrences"):
            occurrences(body, limit=10)


class TestTravelTime:
    BODY = "DTSTART:20260105T090000Z\nDURATION:PT1H\nX-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT45M"

    def test_it_lies_around_the_event(self) -> None:
        one = occurrences(event(f"{self.BODY}\nX-APPLE-TRAVEL-RETURN-DURATION;VALUE=DURATION:PT15M"))[0]
        assert (one.start, one.end) == (utc("2026-01-05T09:00"), utc("2026-01-05T10:00"))
        assert (one.busy_start, one.busy_end) == (utc("2026-01-05T08:15"), utc("2026-01-05T10:15"))

    def test_an_event_outside_the_window_reaches_in_by_travel_time(self) -> None:
        assert len(times(event(self.BODY), low="2026-01-05T08:00", high="2026-01-05T08:30")) == 1
        assert times(event(self.BODY), low="2026-01-05T07:00", high="2026-01-05T08:15") == []

    @pytest.mark.parametrize(("text", "hours"), [("PT2H", 2), ("-PT2H", 0), ("soon", 0), ("P900D", 24)])
    def test_a_strange_one_is_bounded(self, text: str, hours: int) -> None:
        one = occurrences(event(self.BODY.replace("PT45M", text)))[0]
        assert one.travel_before == timedelta(hours=hours)

    def test_it_belongs_to_one_override(self) -> None:
        body = calendar(
            vevent("DTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2")
            + vevent(f"RECURRENCE-ID:20260106T090000Z\n{self.BODY.replace('0105', '0106')}")
        )
        assert [one.travel_before for one in occurrences(body)] == [timedelta(0), timedelta(minutes=45)]
