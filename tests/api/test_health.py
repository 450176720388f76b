"""/readyz and /metrics: numbers, no names (reliability S40)."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from icloud_sync.models import Attention, ConnectionStatus, ICloudConnection, JournalEntry, SyncRun
from icloud_sync.services import choosing

ROOT = Path(__file__).resolve().parents[2]


def numbers(client) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    lines = [line for line in answer.content.decode().splitlines() if line.startswith("leadmagicx_")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_metrics_count_what_the_rows_say(client, connection, ada):
    ICloudConnection.objects.update(data_as_of=timezone.now() - timedelta(hours=1), failures=2)
    ICloudConnection.objects.update(budget_since=timezone.now(), budget_used=7)
    Attention.objects.create(user=ada, code="unreachable", key="k", connection=connection)
    Attention.objects.create(user=ada, code="clash", key="k", resolved_at=timezone.now())
    SyncRun.objects.create(connection=connection, state="failed")
    JournalEntry.objects.create(user=ada, action="created")
    JournalEntry.objects.create(user=ada, action="sync_failed")
    JournalEntry.objects.create(user=ada, action="sync_failed", at=timezone.now() - timedelta(hours=2))
    found = numbers(client)
    assert found["leadmagicx_database_up"] == 1
    assert found['leadmagicx_icloud_connections{status="connected"}'] == 1
    assert found['leadmagicx_icloud_connections{status="needs_password"}'] == 0
    assert found["leadmagicx_icloud_connections_failing"] == 1
    assert found["leadmagicx_icloud_connections_stale"] == 1
    assert 3590 < found["leadmagicx_icloud_data_oldest_seconds"] < 3700
    assert found["leadmagicx_icloud_requests_last_minute"] == 7
    assert found['leadmagicx_attention_open{code="unreachable"}'] == 1
    assert 'leadmagicx_attention_open{code="clash"}' not in found
    assert found['leadmagicx_icloud_runs_last_hour{state="failed"}'] == 1
    assert found['leadmagicx_icloud_pushes_last_hour{action="created"}'] == 1
    assert found['leadmagicx_icloud_failures_last_hour{action="sync_failed"}'] == 1


def test_the_outbox_has_an_age(client, ada, connection, service_of):
    from calendars.services import booking
    from calendars.services.contacts import ContactInput

    choosing.change_settings(user=ada, now=timezone.now(), primary_calendar_id=connection.calendars.get(name="Home").pk)
    booking.book(
        calendar_id=service_of(ada).pk,
        start=(timezone.now() + timedelta(days=2)).replace(hour=10, minute=0, second=0, microsecond=0),
        contact=ContactInput("Grace", "grace@example.org"),
        by=ada,
        now=timezone.now(),
    )
    assert numbers(client)["leadmagicx_icloud_outbox_rows"] == 1


def test_metrics_cost_no_more_than_a_few_queries(client, connection, django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        numbers(client)


def test_metrics_name_nobody(client, connection, ada):
    text = client.get("/metrics").content.decode()
    for word in (connection.apple_id, ada.username, connection.principal):
        assert word not in text


def test_without_a_database_only_that_is_told(client, monkeypatch):
    from django.db import DatabaseError

    from leadmagicx import metrics

    def down(_now):
        raise DatabaseError

    monkeypatch.setattr(metrics, "_connections", down)
    assert numbers(client) == {"leadmagicx_database_up": 0.0}


def test_what_is_down_is_logged_once_and_not_with_every_probe(client, monkeypatch, caplog):
    """A probe every second is no reason for two lines of errors a second."""
    from leadmagicx import health
    from leadmagicx.logs import Readiness, WithoutProbes

    def lines() -> list[tuple[str, object]]:
        said = [record for record in caplog.records if WithoutProbes().filter(record)]
        caplog.clear()
        return [(record.levelname, record.msg) for record in said]

    monkeypatch.setattr(health, "readiness", Readiness())
    for name in ("worker", "beat"):
        monkeypatch.setitem(health.CHECKS, name, lambda: {"ok": False})
    assert client.get("/readyz").status_code == 503
    ((level, told),) = lines()
    assert (level, told["event"], told["down"]) == ("WARNING", "not_ready", ["worker", "beat"])
    assert client.get("/readyz").status_code == 503
    assert lines() == []
    monkeypatch.setitem(health.CHECKS, "worker", lambda: {"ok": True})
    assert client.get("/readyz").json()["worker"] == {"ok": True}
    assert [told["down"] for _level, told in lines()] == [["beat"]]
    monkeypatch.setitem(health.CHECKS, "beat", lambda: {"ok": True})
    assert client.get("/readyz").status_code == 200
    assert [told["event"] for _level, told in lines() if isinstance(told, dict)] == ["ready"]


@pytest.mark.late
def test_several_processes_are_counted_together(tmp_path):
    """gunicorn has one registry for each worker; PROMETHEUS_MULTIPROC_DIR brings them together."""
    program = (
        "import os, django; django.setup()\n"
        "from prometheus_client import Counter\n"
        "from leadmagicx.metrics import exposition\n"
        "things = Counter('things', 'Things.')\n"
        "child = os.fork()\n"
        "things.inc()\n"
        "child or os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "print(exposition().decode())"
    )
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "leadmagicx.settings"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert "things_total 2.0" in done.stdout
    assert "leadmagicx_database_up" in done.stdout


def test_readyz_tells_of_old_data_without_being_unready_for_it(client, connection, monkeypatch):
    from leadmagicx import health

    monkeypatch.setattr(health, "_check_beat", lambda: {"ok": True})
    monkeypatch.setitem(health.CHECKS, "worker", lambda: {"ok": True})
    monkeypatch.setitem(health.CHECKS, "beat", lambda: {"ok": True})
    ICloudConnection.objects.update(data_as_of=timezone.now() - timedelta(hours=1), status=ConnectionStatus.UNREACHABLE)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["sync"]["stale_connections"] == 1
    assert answer.json()["sync"]["oldest_outbox_row_seconds"] is None
    assert connection.apple_id not in answer.content.decode()


def test_readyz_is_503_when_beat_is_silent(client):
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert answer.json()["database"]["ok"] is True


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_need_no_sign_in(client, path):
    assert client.get(path).status_code in (200, 503)
