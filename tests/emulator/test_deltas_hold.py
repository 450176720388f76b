"""Whatever happens, a client that follows the rules and applies deltas ends with what the server has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator.raw import Raw, text
from tests.fake_icloud import PROFILES, FakeICloud
from tests.fake_icloud.account import Account

START = datetime(2027, 1, 4, 10, tzinfo=UTC)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "put", "edit", "delete", "move", "sync", "forget", "wait", "rename"]),
        st.integers(0, 30),
    ),
    max_size=25,
)


class Mirror:
    """The smallest correct client: one dictionary of ETags for each calendar."""

    def __init__(self, raw: Raw, paths: list[str]) -> None:
        self.raw = raw
        self.tokens = dict.fromkeys(paths, "")
        self.etags: dict[str, dict[str, str]] = {path: {} for path in paths}

    def sync(self) -> None:
        for path in self.tokens:
            self._follow(path)

    def _follow(self, path: str) -> None:
        for _ in range(50):
            before = self.tokens[path]
            answer = self.raw.sync(path, before)
            if answer.status in (400, 403, 409, 410, 412):
                self.tokens[path], self.etags[path] = "", {}  # lost: list in full (fact 4.6)
                continue
            assert answer.status == 207
            self._apply(path, answer.xml.iterfind("{DAV:}response"))
            self.tokens[path] = answer.token or ""
            if b"507" not in answer.body:
                return
            assert self.tokens[path] != before
        raise AssertionError("the pages do not end")

    def _apply(self, path: str, responses: Iterator[object]) -> None:
        for response in responses:
            href = response.findtext("{DAV:}href")  # type: ignore[attr-defined]
            if href == path:
                continue
            etag = response.findtext(".//{DAV:}getetag")  # type: ignore[attr-defined]
            if etag is None:
                self.etags[path].pop(href, None)
            else:
                self.etags[path][href] = etag


def act(server: FakeICloud, account: Account, raw: Raw, mirror: Mirror, step: tuple[str, int]) -> None:
    kind, number = step
    events = account.phone.events()
    event = events[number % len(events)] if events else None
    place = account.calendar(("Home", "Work")[number % 2])
    if kind == "create":
        account.phone.create(place, title=f"t{number}", start=START)
    elif kind == "put":
        name = f"p{number}-{server.world.served}"
        assert raw.create(f"{place.path}{name}.ics", text(name)).status == 201
    elif kind == "sync":
        mirror.sync()
    elif kind == "forget":
        place.forget_tokens()
    elif kind == "wait":
        server.clock.advance(number * 3)
    elif kind == "rename":
        account.recolor_calendar(place, f"#0000{number:02d}FF")
    elif event is not None and kind == "edit":
        event.edit(title=f"t{number}")
    elif event is not None and kind == "delete":
        event.delete()
    elif event is not None and kind == "move":
        event.move(place)


@pytest.mark.parametrize("profile", PROFILES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_a_client_that_follows_deltas_ends_with_what_the_server_has(
    emulator: FakeICloud, profile: str, steps: list[tuple[str, int]]
) -> None:
    emulator.reset(profile)
    emulator.clock.freeze(1_798_761_600)
    emulator.flags.throttle = None
    account = emulator.account()
    places = [account.calendar(name) for name in ("Home", "Work")]
    with Raw(emulator, account) as raw:
        mirror = Mirror(raw, [place.path for place in places])
        for step in steps:
            act(emulator, account, raw, mirror, step)
        emulator.clock.advance(60)
        if emulator.flags.token_error == "relist":  # deletions are not told then: list afresh
            mirror = Mirror(raw, [place.path for place in places])
        mirror.sync()
    for place in places:
        assert mirror.etags[place.path] == {place.href(name): place.etag(name) for name in place.names()}
    emulator.assert_polite()
