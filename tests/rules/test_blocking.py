"""Every combination of what an event and its calendar say, and what it means for the host's time (P2, P3, P5, P9)."""

from __future__ import annotations

import doctest
from datetime import timedelta
from itertools import product

import pytest

from icloud_sync.rules import blocking
from icloud_sync.rules.blocking import CODES, code_of, own_answer, why

SAID = ["BUSY", "FREE", "CANCELLED", "DECLINED", "ZERO_LENGTH", "LEADMAGICX"]
HOUR = timedelta(hours=1)
TRANSPARENCIES = ["", "OPAQUE", "TRANSPARENT", "transparent", "SEE-THROUGH"]
STATES = ["", "CONFIRMED", "TENTATIVE", "CANCELLED", "cancelled", "PROVISIONAL"]
ANSWERS = ["", "ACCEPTED", "TENTATIVE", "NEEDS-ACTION", "DECLINED", "declined", "DELEGATED", "PERHAPS"]


@pytest.mark.parametrize(("transp", "status", "answer"), list(product(TRANSPARENCIES, STATES, ANSWERS)))
def test_only_clear_words_open_time(transp: str, status: str, answer: str) -> None:
    code = code_of(transp=transp, status=status, partstat=answer, length=HOUR)
    opens = transp.upper() == "TRANSPARENT" or status.upper() == "CANCELLED" or answer.upper() == "DECLINED"
    assert (code == "BUSY") != opens
    assert why(code=code, conflict_calendar=True)[0] != opens


def test_an_event_without_length_takes_no_time() -> None:
    assert code_of(transp="", status="", partstat="", length=timedelta(0)) == "ZERO_LENGTH"
    assert code_of(transp="TRANSPARENT", status="", partstat="", length=timedelta(0)) == "FREE"
    assert code_of(transp="", status="", partstat="", length=timedelta(seconds=1)) == "BUSY"


@pytest.mark.parametrize(("code", "conflict", "released"), list(product(SAID, [True, False], [True, False])))
def test_every_row_has_one_reason(code: str, conflict: bool, released: bool) -> None:
    blocks, reason = why(code=code, conflict_calendar=conflict, released=released)
    assert reason in CODES
    assert blocks == (reason in ("BUSY", "LEADMAGICX"))
    if code == "BUSY":
        assert blocks == (conflict and not released)
    else:
        assert blocks == (code == "LEADMAGICX")


def test_two_answers_of_the_user_must_both_decline() -> None:
    assert own_answer(["declined", "DECLINED"]) == "DECLINED"
    assert own_answer(["DECLINED", ""]) == "NEEDS-ACTION"
    assert own_answer(["DECLINED", "ACCEPTED"]) == "ACCEPTED"
    assert own_answer([]) == ""


def test_the_examples_in_the_text_are_true() -> None:
    assert doctest.testmod(blocking).failed == 0
