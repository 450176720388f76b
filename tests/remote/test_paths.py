"""Identities of paths, and what of them goes on the wire (fact 1.5, S26)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icloud_sync.errors import ItemRefused
from icloud_sync.remote.paths import UnusablePath, event_path, identity, last_segment, on_the_wire


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("/1/calendars/home/", "/1/calendars/home/"),
        ("/ada%40icloud.example/x.ics", "/ada@icloud.example/x.ics"),
        ("/1/caf%C3%A9.ics", "/1/café.ics"),
        ("/1/café.ics", "/1/café.ics"),
        ("/1/a%20b.ics", "/1/a b.ics"),
        ("/1/a b.ics", "/1/a b.ics"),
        ("/1/a%2fb.ics", "/1/a%2Fb.ics"),
        ("/1/100%25.ics", "/1/100%25.ics"),
        ("/1/100%.ics", "/1/100%25.ics"),
        ("/1/a%2540b.ics", "/1/a%2540b.ics"),
        ("/1/%FF%C3.ics", "/1/%FF%C3.ics"),
        ("/1/a%0D%0Ab.ics", "/1/a%0D%0Ab.ics"),
        ("/1/a\r\nb.ics", "/1/a%0D%0Ab.ics"),
        ("/1/%00.ics", "/1/%00.ics"),
        ("/1/.hidden.ics", "/1/.hidden.ics"),
        ("/1/%41%42.ics", "/1/AB.ics"),
    ],
)
def test_the_same_path_has_one_identity(written: str, same: str) -> None:
    assert identity(written) == same
    assert identity(on_the_wire(identity(written))) == same


@pytest.mark.parametrize(
    "written", ["relative.ics", "//x.ics", "/a//b.ics", "/a/../b.ics", "/a/%2E%2E/b.ics", "/..", ""]
)
def test_a_path_that_could_mean_another_is_unusable(written: str) -> None:
    with pytest.raises(UnusablePath):
        identity(written)


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_whatever_goes_on_the_wire_stays_in_its_line(text: str) -> None:
    path = "/" + text.encode("utf-8", "ignore").decode()
    assert re.fullmatch(r"[!-~]*", on_the_wire(path))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda s: s not in {".", ".."})))
def test_an_identity_survives_the_way_to_the_server_and_back(segments: list[str]) -> None:
    from urllib.parse import quote

    first = identity("/" + "/".join(quote(segment, safe="") for segment in segments))
    assert identity(on_the_wire(first)) == first
    assert not set(first) & set("\r\n\0")


def test_a_long_hostile_path_is_read_in_no_time() -> None:
    assert identity("/" + "a" * 50_000 + "%20") == "/" + "a" * 50_000 + " "


def test_the_last_segment_of_a_collection_is_its_name() -> None:
    assert (last_segment("/1/calendars/home/"), last_segment("/1/a.ics")) == ("home", "a.ics")


@pytest.mark.parametrize(
    "path",
    [
        "/1/calendars/home/",
        "/1/calendars/home",
        "/a.ics",
        "/1/calendars/a.ics",
        "/1/calendars/home/a",
        "/1/calendars/home/a.ics.txt",
        "/1/calendars/home/../x.ics",
        "/1//a.ics",
        "1/calendars/home/a.ics",
        "/1/calendars/home/a.ics/",
        "",
    ],
)
def test_only_an_event_inside_a_calendar_can_be_written(path: str) -> None:
    with pytest.raises(ItemRefused):
        event_path(path, home="/1/calendars/")


def test_an_event_inside_a_calendar_can_be_written() -> None:
    assert event_path("/1/calendars/home/a.ics", home="/1/calendars/") == "/1/calendars/home/a.ics"
