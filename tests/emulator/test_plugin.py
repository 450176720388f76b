"""The pytest plugin lets polite tests pass and fails the others at their end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STORIES = """
import logging
import pytest
from tests.emulator.raw import Raw, text

@pytest.fixture
def raw(icloud):
    with Raw(icloud, icloud.account()) as client:
        yield client

HOME = "/123456789/calendars/home/"

def test_default_profile_passes(icloud, raw):
    assert icloud.world.profile == "probed"
    assert raw.propfind(HOME).status == 207

@pytest.mark.icloud(profile="hostile")
def test_named_profile_passes(icloud):
    assert icloud.flags.truncate_at == 3

@pytest.mark.icloud_all_profiles
def test_by_marker_passes(icloud):
    assert icloud.world.profile in ("probed", "reported", "hostile")

def test_by_fixture_passes(icloud_all_profiles):
    assert icloud_all_profiles.accounts == []

def test_impolite_errs(raw):
    raw.put(HOME + "a.ics", text("a"))

@pytest.mark.icloud(impolite="an unconditional PUT is the point")
def test_impolite_with_a_reason_passes(raw):
    raw.put(HOME + "a.ics", text("a"))

@pytest.mark.icloud(impolite="only this one", ignore={2})
def test_ignoring_one_rule_still_sees_others_errs(raw):
    raw.put(HOME + "a.ics", text("a", "ATTENDEE:mailto:x@y.example"))

PEOPLE = ("ORGANIZER:mailto:ada@icloud.example", "ATTENDEE:mailto:x@y.example")

@pytest.mark.icloud(impolite="people", ignore={4})
def test_mail_errs(raw):
    raw.create(HOME + "a.ics", text("a", *PEOPLE))

@pytest.mark.icloud(impolite="people", ignore={4}, mail="the point")
def test_mail_with_a_reason_passes(raw):
    raw.create(HOME + "a.ics", text("a", *PEOPLE))

@pytest.mark.icloud(impolite="deletes a calendar")
def test_destructive_errs(raw):
    raw.ask("DELETE", HOME)

@pytest.mark.icloud(impolite="deletes a calendar", destructive="the point")
def test_destructive_with_a_reason_passes(raw):
    raw.ask("DELETE", HOME)

def test_password_in_a_log_errs(icloud):
    logging.getLogger("app").warning("connecting with %s", icloud.account().password.replace("-", ""))

def test_password_in_a_queued_message_errs(icloud):
    from kombu import messaging
    messaging.dumps({"args": [icloud.account().password]}, serializer="json")

@pytest.mark.icloud(colour="red")
def test_unknown_option_errs(icloud):
    pass
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run the stories in a pytest of their own; return outcome by name."""
    file = tmp_path_factory.mktemp("plugin") / "test_stories.py"
    file.write_text(STORIES)
    settings = file.with_name("pytest.ini")
    settings.write_text("[pytest]\naddopts = --strict-markers -p no:django -p no:cacheprovider -p no:randomly\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-c", str(settings), "-p", "tests.fake_icloud.plugin", str(file)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found: dict[str, str] = {}
    for line in done.stdout.splitlines():
        outcome, _, rest = line.partition(" ")
        if outcome in ("PASSED", "FAILED", "ERROR") and "::" in rest:
            name = rest.split("::")[1].split(" - ")[0].split("[")[0].strip()
            found[name] = "ERROR" if found.get(name) == "ERROR" else outcome
    assert found, done.stdout + done.stderr
    return found


NAMES = [line.split("(")[0].removeprefix("def ") for line in STORIES.splitlines() if line.startswith("def test")]


@pytest.mark.late
@pytest.mark.parametrize("name", NAMES)
def test_stories(outcomes: dict[str, str], name: str) -> None:
    assert outcomes[name] == ("PASSED" if name.endswith("passes") else "ERROR")
