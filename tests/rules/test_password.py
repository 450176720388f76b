"""Rule C3: forgiving about form, strict about what can be an app-specific password."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icloud_sync.errors import NotAnAppSpecificPassword
from icloud_sync.rules.password import normalise

GOOD = "abcd-efgh-ijkl-mnop"
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d\u2043\u00ad\u02d7"
SPACES = " \t\n\r\u00a0\u2002\u2007\u2009\u202f\u205f\u3000"
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u202a"


@pytest.mark.parametrize(
    "typed",
    [
        GOOD,
        "abcdefghijklmnop",
        "ABCD-EFGH-IJKL-MNOP",
        "Abcdefghijklmnop",
        "  abcd-efgh-ijkl-mnop\r\n",
        "abcd efgh ijkl mnop",
        "abcd - efgh - ijkl - mnop",
        "abcd--efgh-ijkl-mnop-",
        "ab-cd-ef-gh-ij-kl-mn-op",
        "\uff41\uff42\uff43\uff44-efgh-ijkl-mnop",
        *(f"abcd{dash}efgh{dash}ijkl{dash}mnop" for dash in DASHES),
        *(f"{space}abcd{space}efgh-ijkl-mnop{space}" for space in SPACES),
        *(f"{blank}abcd-{blank}efgh-ijkl-mnop{blank}" for blank in INVISIBLE),
    ],
)
def test_c3_every_way_to_paste_it_is_understood(typed: str) -> None:
    assert normalise(typed) == GOOD


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "-",
        "hunter2",
        "Correct-Horse-9",
        "abcd-efgh-ijkl-mno",
        "abcd-efgh-ijkl-mnopq",
        "abcd-efgh-ijkl-mno1",
        "abcd_efgh_ijkl_mnop",
        "abcd.efgh.ijkl.mnop",
        "abcd-efgh-ijkl-mnoé",
        "abcd-efgh-ijkl-mno\u0430",
        "abcd-efgh-ijkl-mno\x00",
        "'abcd-efgh-ijkl-mnop'",
        "abcd-efgh-ijkl-mnop abcd-efgh-ijkl-mnop",
        "a" * 100_000,
        " " * 1_000 + GOOD,
    ],
)
def test_c3_what_cannot_be_one_is_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(NotAnAppSpecificPassword) as caught:
        normalise(typed)
    assert len(typed.strip()) < 2 or typed not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_whatever_is_typed_the_result_has_apples_form(typed: str) -> None:
    try:
        found = normalise(typed)
    except NotAnAppSpecificPassword:
        return
    assert re.fullmatch(r"[a-z]{4}(-[a-z]{4}){3}", found)
    assert normalise(found) == found


@settings(max_examples=60, deadline=None)
@given(
    st.text("abcdefghijklmnopqrstuvwxyz", min_size=16, max_size=16), st.text(DASHES + SPACES + INVISIBLE, max_size=9)
)
def test_fillers_anywhere_change_nothing(letters: str, filler: str) -> None:
    assert normalise(filler.join(letters)) == normalise(letters)
