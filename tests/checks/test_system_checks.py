"""Each check speaks when it should, is silent otherwise, and says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from icloud_sync import checks

ROOT = Path(__file__).resolve().parents[2]


def ids() -> set[str]:
    return {message.id for message in run_checks(tags=[checks.TAG])}


def test_the_settings_of_the_tests_are_fine():
    assert ids() == set()


@pytest.mark.parametrize("name", checks.FORBIDDEN_VARIABLES)
def test_a_switch_that_leaks_passwords_is_an_error(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert ids() == {f"icloud_sync.{checks.FORBIDDEN_VARIABLES[name][0]}"}


def test_an_empty_switch_is_not_set(monkeypatch):
    monkeypatch.setenv("PYTHON_CALDAV_COMMDUMP", "")
    assert ids() == set()


@pytest.mark.parametrize(("optimize", "found"), [(0, []), (1, ["icloud_sync.E003"]), (2, ["icloud_sync.E003"])])
def test_running_without_assertions_is_an_error(optimize, found):
    assert [message.id for message in checks.assertions_are_on(optimize=optimize)] == found


@pytest.mark.parametrize(
    ("debug", "hosts", "found"),
    [
        (True, ["localhost", "127.0.0.1", "[::1]"], set()),
        (True, ["*"], {"icloud_sync.E004"}),
        (True, ["localhost", "app.example.com"], {"icloud_sync.E004"}),
        (False, ["app.example.com"], set()),
    ],
)
def test_debug_stays_on_the_own_machine(settings, debug, hosts, found):
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, hosts
    assert ids() == found


@pytest.mark.parametrize(
    ("url", "hosts", "found"),
    [
        ("https://caldav.icloud.com/", (".icloud.com",), set()),
        ("http://caldav.icloud.com/", (".icloud.com",), {"icloud_sync.W001"}),
        ("https://caldav.icloud.com/", ("caldav.example.com",), {"icloud_sync.W001"}),
        ("http://127.0.0.3:81/", ("127.0.0.1",), {"icloud_sync.W001"}),
        ("https://caldav.icloud.com/", (".com",), {"icloud_sync.W002"}),
    ],
)
def test_discovery_starts_at_a_trusted_host(settings, url, hosts, found):
    settings.ICLOUD_CALDAV_URL, settings.ICLOUD_TRUSTED_HOSTS = url, hosts
    assert ids() == found


@pytest.mark.parametrize(
    ("url", "seconds", "found"),
    [
        ("https://caldav.icloud.com/", 10, set()),
        ("https://caldav.icloud.com/", 2, {"icloud_sync.W003"}),
        ("http://127.0.0.1:81/", 0.2, set()),
    ],
)
def test_apple_is_not_polled_every_second(settings, url, seconds, found):
    settings.ICLOUD_CALDAV_URL, settings.ICLOUD_POLL_SECONDS = url, seconds
    settings.ICLOUD_TRUSTED_HOSTS = (".icloud.com", "127.0.0.1")
    assert ids() == found


def test_limits_are_not_counted_by_each_process_alone(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert ids() == {"icloud_sync.W004"}


def test_every_message_says_what_to_do(settings, monkeypatch):
    settings.DEBUG, settings.ALLOWED_HOSTS = True, ["*"]
    settings.ICLOUD_CALDAV_URL, settings.ICLOUD_TRUSTED_HOSTS = "https://caldav.icloud.com/x", (".com", "b.example")
    for name in checks.FORBIDDEN_VARIABLES:
        monkeypatch.setenv(name, "1")
    found = run_checks(tags=[checks.TAG])
    assert len(found) >= 4
    assert all(message.hint for message in found)


def test_an_error_stops_the_start_and_names_the_way_out(monkeypatch):
    checks.refuse_misconfigured()
    monkeypatch.setenv("PYTHON_CALDAV_COMMDUMP", "1")
    with pytest.raises(ImproperlyConfigured, match="Unset PYTHON_CALDAV_COMMDUMP"):
        checks.refuse_misconfigured()


def test_a_warning_does_not_stop_the_start(settings):
    settings.ICLOUD_TRUSTED_HOSTS = ("elsewhere.example",)
    checks.refuse_misconfigured()


STARTS = {
    "wsgi": ["-c", "import leadmagicx.wsgi"],
    "asgi": ["-c", "import leadmagicx.asgi"],
    "worker": ["-m", "celery", "-A", "leadmagicx", "worker", "--pool=solo"],
    "beat": ["-m", "celery", "-A", "leadmagicx", "beat", "--schedule=beat-schedule"],
}


@pytest.mark.late
@pytest.mark.slow
def test_web_worker_and_beat_refuse_to_start(tmp_path):
    """Reliability S14: gunicorn and Celery do not run Django's checks by themselves."""
    env = {**os.environ, "PYTHON_CALDAV_COMMDUMP": "1", "PYTHONPATH": str(ROOT)}
    started = {
        name: subprocess.Popen(
            [sys.executable, *command],
            cwd=tmp_path,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, command in STARTS.items()
    }
    try:
        told = {name: process.communicate(timeout=60)[1] for name, process in started.items()}
    finally:
        for process in started.values():
            process.kill()
    assert {name: process.returncode != 0 for name, process in started.items()} == dict.fromkeys(STARTS, True)
    assert {name: "Unset PYTHON_CALDAV_COMMDUMP" in text for name, text in told.items()} == dict.fromkeys(STARTS, True)
