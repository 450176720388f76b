"""python -m tests.fake_icloud: the stand-in of the demo, its seed, its state file, its phone page."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.emulator.raw import Raw, text
from tests.fake_icloud import FakeICloud, persist, seed
from tests.fake_icloud.account import Account

ROOT = Path(__file__).resolve().parents[2]


class Process:
    """One run of the server; `ready` is the line it printed."""

    def __init__(self, *words: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.fake_icloud", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._child.stdout is not None
        self.ready: dict[str, Any] = json.loads(self._child.stdout.readline())

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self._child.send_signal(number)
        code = self._child.wait(timeout=10)
        assert self._child.stdout is not None
        rest = self._child.stdout.read()
        self._child.stdout.close()
        assert rest == "", "exactly one line on stdout"
        return code


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "icloud.json"


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def post(url: str, **fields: str) -> str:
    with urllib.request.urlopen(url, urllib.parse.urlencode(fields).encode(), timeout=5) as answer:
        return str(answer.read().decode())


@pytest.mark.late_turns(2)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_one_line_serves_and_goes_on_after_a_restart(state: Path, number: signal.Signals) -> None:
    first = Process("--seed", "demo", "--state", str(state))
    assert first.ready["apple_id"] == "ada@icloud.example"
    assert first.ready["accounts"] == [
        {"apple_id": apple_id, "password": password, "name": name} for apple_id, password, name in (seed.ADA, seed.BEN)
    ]
    assert "Dentist" in get(first.ready["phone_url"])
    dsid = json.loads(state.read_text())["accounts"][0]["dsid"]
    post(
        f"{first.ready['phone_url']}{dsid}/create",
        calendar="home", title="Kept", date="2027-01-04", start="10:00", end="11:00",
    )  # fmt: skip
    assert first.end(number) == 0
    second = Process("--seed", "demo", "--state", str(state))
    assert second.ready == first.ready, "same ports, same accounts"
    assert "Kept" in state.read_text()
    assert second.end() == 0


def test_ports_are_taken_as_given_and_trusted_hosts_name_them(state: Path) -> None:
    with FakeICloud() as free:
        ports = free.ports
    running = Process("--ports", ",".join(map(str, ports)), "--seed", "demo")
    assert running.ready["url"] == f"http://127.0.0.1:{ports[0]}/"
    assert running.ready["trusted_hosts"] == f"127.0.0.1:{ports[0]},localhost:{ports[1]},127.0.0.2:{ports[2]}"
    assert running.ready["phone_url"] == f"http://127.0.0.1:{ports[0]}/phone/"
    running.end()


def test_a_remembered_port_that_is_taken_meanwhile_is_replaced(state: Path) -> None:
    first = Process("--seed", "demo", "--state", str(state))
    first.end()
    discovery, p1, _, _ = json.loads(state.read_text())["ports"]
    with FakeICloud(ports=(0, p1, 0, 0)):
        second = Process("--port", str(discovery), "--state", str(state))
        assert second.ready["url"] == first.ready["url"]
        assert second.ready["accounts"] == first.ready["accounts"]
        assert second.ready["trusted_hosts"] != first.ready["trusted_hosts"]
        assert second.end() == 0


def test_taken_ports_are_said_in_a_line() -> None:
    with FakeICloud() as busy:
        done = subprocess.run(
            [sys.executable, "-m", "tests.fake_icloud", "--port", str(busy.ports[0])],
            cwd=ROOT, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("fake_icloud: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_kill_loses_nothing_older_than_half_a_second(state: Path) -> None:
    running = Process("--seed", "demo", "--state", str(state))
    before = state.stat().st_mtime_ns
    dsid = json.loads(state.read_text())["accounts"][0]["dsid"]
    post(f"{running.ready['phone_url']}{dsid}/password")
    deadline = datetime.now() + timedelta(seconds=3)
    while state.stat().st_mtime_ns == before and datetime.now() < deadline:
        os.sched_yield()
    running.end(signal.SIGKILL)
    passwords = json.loads(state.read_text())["accounts"][0]["passwords"]
    assert len(passwords) == 2


# -- the state file, in process --------------------------------------------------------------------


@pytest.fixture
def other() -> Iterator[FakeICloud]:
    with FakeICloud() as second:
        yield second


def test_everything_is_kept(
    server: FakeICloud, raw: Raw, ada: Account, ben: Account, home: str, other: FakeICloud
) -> None:
    etag = raw.create(home + "a.ics", text("a")).header("ETag")
    raw.create(home + "b.ics", text("b"))
    ada.phone.by_uid("b").delete()  # type: ignore[union-attr]
    token = raw.sync(home).token or ""
    ada.calendar("Home").put("bytes.ics", b"BEGIN:VCALENDAR\r\nX:\xff\xfe\r\nEND:VCALENDAR\r\n")
    shared = ben.share("Work", to=ada, access="ro")
    offsite = ben.phone.create("Work", title="Offsite", start=datetime(2027, 1, 4), alarms=[timedelta(minutes=-5)])
    ada.phone.find("Offsite").set_free().add_alarm(timedelta(minutes=-9))
    ada.lock()
    server.flags.throttle = (10.0, 5, "1")
    server.outage = True
    data = json.loads(json.dumps(persist.dump(server)))

    persist.restore(other, data)
    again = next(account for account in other.accounts if account.apple_id == ada.apple_id)
    assert (again.password, again.locked, again.aliases, again.tombstones) == (ada.password, True, ada.aliases, {"b"})
    assert [one.name for one in again.calendars] == [one.name for one in ada.calendars]
    assert again.calendar("Home").body("bytes.ics") == ada.calendar("Home").body("bytes.ics")
    assert (again.calendar("Home").etag("a.ics"), again.calendar("Home").token) == (etag, ada.calendar("Home").token)
    mine = again.phone.by_uid(offsite.uid)
    assert mine is not None
    assert (mine.free, mine.alarms, mine.calendar.path_id) == (True, ["-PT5M", "-PT9M"], shared.path_id)
    assert (other.outage, other.flags.throttle) == (True, (10.0, 5, "1"))

    other.outage, other.flags.throttle = False, None
    again.unlock()
    with Raw(other, again) as client:
        answer = client.sync(home, token)
        assert answer.hrefs == [home, home + "bytes.ics"], "old tokens go on, and only news come"
        assert client.create(home + "b.ics", text("b")).status == 412, "tombstones stay"
        assert client.put(home + "a.ics", text("a"), if_match=etag or "").status == 204


def test_a_file_of_another_format_is_refused(other: FakeICloud) -> None:
    with pytest.raises(ValueError, match="format"):
        persist.restore(other, {"format": 0})


def test_nothing_is_written_while_nothing_changes(server: FakeICloud, ada: Account, state: Path) -> None:
    keeper = persist.Keeper(server, state)
    first = state.stat().st_mtime_ns
    keeper.save()
    assert state.stat().st_mtime_ns == first
    ada.calendar("Home").put("a.ics", text("a").encode())
    keeper.close()
    assert "UID:a" in state.read_text()
    assert list(state.parent.iterdir()) == [state], "no half-written file is left"


# -- the seed --------------------------------------------------------------------------------------


def test_the_demo_account_has_one_of_everything(server: FakeICloud) -> None:
    ada, ben = seed.demo(server, zone="Europe/London")
    kinds = {(one.name, one.kind, one.access) for one in ada.calendars if one.name}
    assert kinds == {
        ("Home", "event", "owner"),
        ("Work", "event", "owner"),
        ("Team (view only)", "event", "shared-ro"),
        ("Bank Holidays", "subscribed", "owner"),
        ("Reminders", "tasks", "owner"),
    }
    assert len({one.color for one in ada.calendars if one.name}) == 5
    phone = ada.phone
    assert phone.find("Yoga").rrule == "FREQ=WEEKLY;BYDAY=TU"
    assert len(phone.find("Yoga").overrides) == 1
    assert phone.find("Yoga").value("EXDATE")
    visit = phone.find("Mum visiting")
    assert (visit.all_day, visit.free, visit.end - visit.start >= timedelta(days=3)) == (True, True, True)
    conference = phone.find("Conference")
    assert (conference.all_day, conference.free) == (True, False)
    assert phone.find("Vendor pitch").partstat == "DECLINED"
    assert phone.find("Steering committee").status == "CANCELLED"
    assert phone.find("Concert").status == "TENTATIVE"
    assert phone.find("Physiotherapy").value("X-APPLE-TRAVEL-DURATION") == "PT30M"
    assert len(phone.events()) >= 12
    assert len(ben.phone.events()) >= 3
    today = server.clock.moment()
    for event in phone.events():
        assert event.occurrences(today, today + timedelta(days=28)), event.summary


@pytest.mark.parametrize("day", range(7))
def test_the_seed_holds_on_every_day_of_the_week(server: FakeICloud, day: int) -> None:
    server.clock.advance(day * 86400)
    seed.demo(server, zone="America/Los_Angeles")
    yoga = server.accounts[0].phone.find("Yoga")
    today = server.clock.moment().astimezone(ZoneInfo("America/Los_Angeles"))
    found = yoga.occurrences(today - timedelta(days=1), today + timedelta(days=28))
    assert len(found) >= 3


# -- the phone page --------------------------------------------------------------------------------


class Hands:
    """The page of one account, and its buttons."""

    def __init__(self, server: FakeICloud, account: Account) -> None:
        self._url, self._account = server.phone_url, account

    def read(self) -> str:
        return get(f"{self._url}?account={self._account.dsid}")

    def press(self, action: str, **fields: str) -> str:
        return post(f"{self._url}{self._account.dsid}/{action}", **fields)


@pytest.fixture
def hands(server: FakeICloud, ada: Account) -> Hands:
    return Hands(server, ada)


def test_the_page_shows_calendars_events_password_and_log(
    server: FakeICloud, raw: Raw, ada: Account, ben: Account, hands: Hands, home: str
) -> None:
    ada.phone.create("Home", title="<i>Dentist</i>", start=server.clock.moment() + timedelta(days=1))
    raw.sync(home)
    html = hands.read()
    assert "&lt;i&gt;Dentist&lt;/i&gt;" in html
    assert "<i>Dentist" not in html
    assert all(word in html for word in (ada.password, "ben@icloud.example", "Reminders", "sync-collection"))
    assert len(server.requests) == 1, "the page is no CalDAV request"


def test_every_button(server: FakeICloud, ada: Account, hands: Hands) -> None:
    hands.press(
        "create", calendar="home", title="Gym", date="2027-01-05", start="23:30", end="00:30", show="free", weekly="on"
    )
    gym = ada.phone.find("Gym")
    zone = ZoneInfo("Europe/Berlin")
    assert (gym.start, gym.end) == (datetime(2027, 1, 5, 23, 30, tzinfo=zone), datetime(2027, 1, 6, 0, 30, tzinfo=zone))
    assert (gym.free, gym.rrule) == (True, "FREQ=WEEKLY;BYDAY=TU")
    here = {"calendar": "home", "name": gym.name}
    hands.press("show", **{"as": "busy"}, **here)
    assert not gym.free
    hands.press("shift", by="day", **here)
    hands.press("shift", by="hour", **here)
    assert gym.start == datetime(2027, 1, 7, 0, 30, tzinfo=zone)
    hands.press("title", title="Climbing", **here)
    hands.press("decline", **here)
    assert (gym.summary, gym.partstat) == ("Climbing", "DECLINED")
    hands.press("delete-one", at="2027-01-07T00:30:00+01:00", **here)
    assert gym.value("EXDATE") == "20270107T003000"
    hands.press("move", to="work", **here)
    assert [event.summary for event in ada.phone.events("Work")] == ["Climbing"]
    hands.press("delete", calendar="work", name=gym.name)
    assert ada.phone.events() == []
    hands.press("create", calendar="home", title="Trip", date="2027-01-05", start="10:00", end="11:00", all_day="on")
    assert ada.phone.find("Trip").all_day


def test_password_and_outage_buttons(server: FakeICloud, ada: Account, hands: Hands) -> None:
    old = ada.password
    hands.press("revoke")
    assert ada.passwords == {}
    html = hands.press("password")
    assert ada.password != old
    assert ada.password in html
    hands.press("outage", on="yes")
    assert server.outage
    hands.press("outage", on="no")
    assert not server.outage


def test_what_cannot_be_done_is_said_and_breaks_nothing(server: FakeICloud, ada: Account, hands: Hands) -> None:
    assert "Not possible" in hands.press("delete", calendar="home", name="gone.ics")
    assert "Not possible" in hands.press("create", calendar="home", title="x", date="nonsense", start="1", end="2")


def test_forms_of_other_sites_are_refused(server: FakeICloud, ada: Account) -> None:
    request = urllib.request.Request(
        f"{server.phone_url}{ada.dsid}/revoke", data=b"", headers={"Origin": "https://elsewhere.example"}
    )
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=5)
    assert ada.passwords
