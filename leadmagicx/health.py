"""`/healthz`: the process is up. `/readyz`: database, broker, worker and beat are. `/metrics`: for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis
from celery import shared_task
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST

from leadmagicx.logs import Readiness
from leadmagicx.metrics import exposition, sync_state

BEAT_KEY = "leadmagicx:beat-is-up"
# The tick comes every 2 s, through beat, broker and worker; three missed ones mean that one of them is down.
BEAT_STALE_SECONDS = 10


@shared_task(ignore_result=True)
def beat_is_up() -> None:
    """Leave a mark that beat sent, and a worker ran, a task."""
    _broker().set(BEAT_KEY, str(time.time()), ex=300)


def _broker() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def _check_database() -> dict[str, object]:
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return {"ok": True}


def _check_broker() -> dict[str, object]:
    _broker().ping()
    return {"ok": True}


def _check_beat() -> dict[str, object]:
    mark = _broker().get(BEAT_KEY)
    if not mark:
        return {"ok": False, "detail": "no tick has arrived yet"}
    age = time.time() - float(mark)
    return {"ok": age < BEAT_STALE_SECONDS, "seconds_since_tick": round(age, 1)}


def _look_at_sync() -> dict[str, object]:
    """Old data and waiting rows are for people to see; web is ready all the same."""
    return sync_state(timezone.now())


readiness = Readiness()

CHECKS: dict[str, Callable[[], dict[str, object]]] = {
    "database": _check_database,
    "broker": _check_broker,
    "worker": _check_beat,
    "beat": _check_beat,
    "sync": _look_at_sync,
}


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as the process can answer."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when every part is up, else 503, with each part's state; no secrets, no addresses."""
    parts: dict[str, dict[str, object]] = {}
    for name, check in CHECKS.items():
        try:
            parts[name] = check()
        except (DatabaseError, redis.RedisError) as error:
            parts[name] = {"ok": False, "detail": type(error).__name__}
    down = [name for name, part in parts.items() if not part["ok"]]
    readiness.is_now(down)
    return JsonResponse({"ready": not down, **parts}, status=503 if down else 200)


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the process's counters and what the database says of the sync."""
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
