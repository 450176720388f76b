"""Every error and every code has its sentence, and every sentence can be written."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from icloud_sync import errors, messages
from icloud_sync.errors import ICloudError
from icloud_sync.local import attention
from icloud_sync.models import Attention, ConnectionStatus, ICloudCalendar, ICloudConnection, JournalEntry
from icloud_sync.rules import linking
from icloud_sync.services.run import error_code

ROOT = Path(__file__).resolve().parents[2]
GROUPS = {errors.ICloudError, errors.NeedsUser, errors.TryLater, errors.ItemError}


def all_errors() -> list[type[ICloudError]]:
    found, waiting = [], [ICloudError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting.extend(kind.__subclasses__())
    return [kind for kind in found if kind.__module__ == errors.__name__]


LEAVES = [kind for kind in all_errors() if kind not in GROUPS]


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_every_error_has_a_sentence_of_its_own(kind):
    text = messages.error_text(messages.code_of(kind))
    assert text == str(messages.ERROR_TEXTS[kind])
    assert text.endswith(".") or kind is errors.SimpleCalendarNotSupported, "whose sentence is given (rule K2)"
    assert len(text) > 30
    assert [str(other) for other in messages.ERROR_TEXTS.values()].count(text) == 1


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_rows_and_sentences_call_an_error_the_same(kind):
    error = kind.__new__(kind)
    assert messages.code_of(kind) == error_code(error)
    assert messages.error_text(error) == messages.error_text(error_code(error))


def test_there_is_no_sentence_for_what_cannot_happen():
    assert set(messages.ERROR_TEXTS) == set(LEAVES)


def test_the_exact_sentence_of_simple_calendars():
    """Rule K2."""
    assert messages.error_text("simple_calendar_not_supported") == (
        "iCloud Integration is not supported for Simple Calendars"
    )
    assert messages.copy_detail("simple") == "iCloud Integration is not supported for Simple Calendars"


def test_the_way_to_an_app_specific_password_is_told_where_one_is_missing():
    for code in ("password_rejected", "not_an_app_specific_password", "credentials_unreadable"):
        assert "appleid.apple.com" in messages.error_text(code)


def test_nobody_learns_whether_the_address_or_the_password_was_wrong():
    """Reliability S16: one code and one sentence for everything Apple answers with 401."""
    assert "e-mail and password" in messages.error_text("password_rejected")


def test_every_flag_and_every_case_has_a_sentence():
    codes = {*attention.FLAGS, attention.NEEDS_PASSWORD, attention.UNREACHABLE, attention.PRIMARY_LOST}
    assert set(messages.ATTENTION_TEXTS) == codes | {attention.UNREADABLE}
    assert set(messages.FLAG_TEXTS) == set(attention.FLAGS)


def test_every_reason_and_every_status_has_a_sentence():
    assert set(messages.REASON_TEXTS) == set(linking.REASONS)
    assert set(messages.STATUS_TEXTS) == set(ConnectionStatus.values)
    assert "Writer's access is required" in messages.reason_text("writer_access_required")


class TestSentencesCanBeWritten:
    zone = ZoneInfo("Europe/Berlin")
    since = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    connection = ICloudConnection(apple_id="ada@icloud.example", failing_since=since)

    @pytest.mark.parametrize("code", sorted(messages.ATTENTION_TEXTS))
    @pytest.mark.parametrize("values", [{}, {"code": "max-resource-size", "why": "gone", "calendar": "Home"}])
    def test_of_cases(self, code, values):
        case = Attention(code=code, values=values, since=self.since, connection=self.connection)
        assert "%(" not in messages.attention_text(case, zone=self.zone)

    @pytest.mark.parametrize("code", sorted(messages.FLAG_TEXTS))
    def test_of_flags(self, code):
        assert "%(" not in messages.flag_text(code, {})

    @pytest.mark.parametrize("status", ConnectionStatus.values)
    def test_of_connections(self, status):
        self.connection.status = status
        assert "%(" not in messages.connection_detail(self.connection, zone=self.zone)

    def test_with_times_in_the_readers_zone(self):
        case = Attention(code="unreachable", since=self.since, connection=self.connection)
        assert "10:30" in messages.attention_text(case, zone=self.zone)
        assert "18:30" in messages.attention_text(case, zone=ZoneInfo("Asia/Tokyo"))

    def test_with_the_calendars_present_name(self):
        calendar = ICloudCalendar(name="100% Home")
        case = Attention(code="primary_lost", values={"calendar": "Old"}, since=self.since, calendar=calendar)
        assert "“100% Home”" in messages.attention_text(case, zone=self.zone)

    def test_of_a_password_that_cannot_be_decrypted(self):
        case = Attention(code="needs_password", values={"why": "credentials_unreadable"}, connection=self.connection)
        assert messages.attention_text(case, zone=self.zone) == messages.error_text("credentials_unreadable")

    def test_of_codes_nobody_has_seen_before(self):
        assert "weird-precondition" in messages.error_text("weird-precondition")
        assert messages.refusal_text("418") == messages.error_text("item_refused")


def actions_in_the_code() -> Iterator[str]:
    """Every action that is written to the journal as a literal."""
    for path in (ROOT / "icloud_sync").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from _action_of(node)
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in {"action", "told"}:
                yield from _texts(node.value)


def _texts(node: ast.expr) -> Iterator[str]:
    parts = [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]
    yield from (part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))


def _action_of(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name not in {"note", "about_calendar", "about_copy", "_entry"}:
        return
    owner = getattr(getattr(call.func, "value", None), "id", "")
    if name == "about_calendar" and owner != "journal":
        return
    given = [keyword.value for keyword in call.keywords if keyword.arg == "action"] or call.args[1:2]
    for node in given:
        yield from _texts(node)


def test_everything_sync_writes_into_the_journal_has_words():
    found = set(actions_in_the_code())
    assert {"created", "rights_lost", "rights_regained", "event_new", "connected"} <= found, "the walk went wrong"
    assert found - set(messages.JOURNAL_TEXTS) == set()


def test_a_failure_in_the_journal_says_what_failed():
    entry = JournalEntry(action="sync_failed", code="throttled")
    assert messages.error_text("throttled") in messages.journal_text(entry)
