"""What numbers mean: Retry-After (F14, F15) and every status of a read and a write (F4-F17, rule W9)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icloud_sync import errors
from icloud_sync.remote import etags
from icloud_sync.remote.statuses import LONGEST_WAIT, read_error, seconds_to_wait, write_error

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("2", 2.0),
        ("60", 60.0),
        (" 60 ", 60.0),
        ("2.5", 2.5),
        ("Sun, 01 Mar 2026 12:05:00 GMT", 300.0),
        ("Sun, 01 Mar 2026 14:05:00 +0200", 300.0),
        ("Sunday, 01-Mar-26 12:05:00 GMT", 300.0),
        ("Thu, 31 Dec 2099 23:59:59 GMT", LONGEST_WAIT),
        ("99999999999999999999", LONGEST_WAIT),
        ("Sun, 01 Mar 2026 11:00:00 GMT", None),
        ("-5", None),
        ("abc", None),
        ("1e20", None),
        ("nan", None),
        ("inf", None),
        ("٣", None),
        ("", None),
        (None, None),
        ("5, 10", None),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
        ("1" * 5000, LONGEST_WAIT),
    ],
)
def test_f14_f15_retry_after_is_honoured_or_ignored(header: str | None, seconds: float | None) -> None:
    assert seconds_to_wait(header, now=NOW) == seconds


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_f15_no_retry_after_can_crash(header: str) -> None:
    wait = seconds_to_wait(header, now=NOW)
    assert wait is None or 0 <= wait <= LONGEST_WAIT


@pytest.mark.parametrize(
    ("status", "retry_after", "collection", "item"),
    [
        (400, None, errors.BadAnswer, errors.BadAnswer),
        (403, None, errors.AccessRefused, errors.ItemRefused),
        (404, None, errors.CollectionMissing, errors.ItemMissing),
        (410, None, errors.CollectionMissing, errors.ItemMissing),
        (408, None, errors.Unreachable, errors.Unreachable),
        (421, None, errors.Unreachable, errors.Unreachable),
        (429, None, errors.Throttled, errors.Throttled),
        (429, "garbage", errors.Throttled, errors.Throttled),
        (500, None, errors.ServerFault, errors.ServerFault),
        (502, "5", errors.ServerFault, errors.ServerFault),
        (503, None, errors.ServerFault, errors.ServerFault),
        (503, "5", errors.Throttled, errors.Throttled),
        (303, None, errors.BadAnswer, errors.BadAnswer),
        (204, None, errors.BadAnswer, errors.BadAnswer),
    ],
)
def test_f16_each_status_of_a_read_has_its_error(
    status: int, retry_after: str | None, collection: type, item: type
) -> None:
    assert type(read_error(status, retry_after=retry_after, now=NOW, collection=True)) is collection
    assert type(read_error(status, retry_after=retry_after, now=NOW, collection=False)) is item


@pytest.mark.parametrize(
    ("status", "condition", "expected"),
    [
        (403, "", errors.ItemRefused),
        (403, "need-privileges", errors.ItemRefused),
        (403, "valid-calendar-data", errors.ItemRefused),
        (400, "", errors.ItemRefused),
        (405, "", errors.ItemRefused),
        (413, "", errors.ItemRefused),
        (415, "", errors.ItemRefused),
        (404, "", errors.ItemMissing),
        (410, "", errors.ItemMissing),
        (412, "", errors.ItemChanged),
        (403, "no-uid-conflict", errors.UidConflict),
        (409, "no-uid-conflict", errors.UidConflict),
        (412, "no-uid-conflict", errors.UidConflict),
        (409, "", errors.ItemBusy),
        (423, "", errors.ItemBusy),
        (425, "", errors.ItemBusy),
        (507, "", errors.ItemBusy),
        (408, "", errors.OutcomeUnknown),
        (202, "", errors.OutcomeUnknown),
        (207, "", errors.OutcomeUnknown),
        (500, "", errors.OutcomeUnknown),
        (502, "", errors.OutcomeUnknown),
        (503, "", errors.OutcomeUnknown),
        (504, "", errors.OutcomeUnknown),
        (429, "", errors.Throttled),
        (421, "", errors.Unreachable),
        (303, "", errors.BadAnswer),
    ],
)
def test_each_status_of_a_write_has_its_error(status: int, condition: str, expected: type) -> None:
    error = write_error(status, retry_after="7", now=NOW, condition=condition, conflict=None)
    assert type(error) is expected
    if isinstance(error, errors.ItemRefused):
        assert (error.status, error.condition) == (status, condition)
    if isinstance(error, (errors.OutcomeUnknown, errors.ItemBusy, errors.Throttled)):
        assert error.after_seconds == 7.0


def test_every_4xx_but_the_named_ones_stops_the_write() -> None:
    """W9: 401 never gets here, the session raises it."""
    going_on = {404, 408, 409, 410, 412, 421, 423, 425, 429}
    for status in range(400, 500):
        error = write_error(status, retry_after=None, now=NOW, condition="", conflict=None)
        assert isinstance(error, errors.ItemRefused) is (status not in going_on), status


@pytest.mark.parametrize(
    ("text", "normal", "strong"),
    [
        ('"ldp3blyq"', '"ldp3blyq"', '"ldp3blyq"'),
        ("ldp3blyq", '"ldp3blyq"', '"ldp3blyq"'),
        ('W/"x"', 'W/"x"', None),
        (' "x" ', '"x"', '"x"'),
        ('""', '""', None),
        ("", None, None),
        (None, None, None),
        ('"a"b"', None, None),
        ('"a\r\nX: y"', None, None),
        ('"é"', None, None),
        ("a b", None, None),
    ],
)
def test_f31_etags_keep_their_quotes_and_only_strong_ones_count(
    text: str | None, normal: str | None, strong: str | None
) -> None:
    assert (etags.normal(text), etags.strong(text)) == (normal, strong)
