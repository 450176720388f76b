"""The app-specific password is in no answer, log record, queued message, row, cache, session or page (S1 to S3)."""

from __future__ import annotations

import base64
import io
import json
import logging
import traceback
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection as database
from django.utils import timezone

from icloud_sync.errors import ICloudError
from icloud_sync.models import ICloudConnection
from icloud_sync.services import connecting
from tests.api.conftest import CANARY
from tests.fake_icloud import faults

URL = "/api/v1/icloud/connections/"
APPLE_ID = "ada@icloud.example"


def forms(secret: str) -> set[str]:
    """Every way in which the password could be written somewhere."""
    pair = f"{APPLE_ID}:{secret}".encode()
    found = {secret, secret.replace("-", ""), secret.upper(), quote(secret, safe=""), base64.b64encode(pair).decode()}
    return found | {base64.urlsafe_b64encode(pair).decode(), base64.b64encode(secret.encode()).decode()}


FORMS = forms(CANARY)


def assert_clean(text: str, where: str) -> None:
    assert not [form for form in FORMS if form in text], f"the password is in {where}"


class Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.text.append(f"{record.getMessage()} {record.__dict__!r}")


@pytest.fixture
def records():
    """Every record of every logger, down to DEBUG."""
    handler, root = Records(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(before)
    root.removeHandler(handler)


@pytest.mark.icloud(impolite="passwords are revoked while they are in use", ignore={6})
def test_a_whole_life_leaves_no_trace(ada, staff, account, icloud_settings, client_of, client, records, rung):
    api = client_of(ada)
    body = {"apple_id": APPLE_ID, "app_specific_password": CANARY}
    answers = [
        api.post(URL, {**body, "apple_id": ""}),
        api.post(URL, {**body, "app_specific_password": [CANARY]}),
        api.post(URL, {**body, "app_specific_password": {"x": CANARY}}),
        api.post(URL, {"app_specific_password": CANARY}),
        api.post(URL, [body]),
        api.post(URL, json.dumps(body)[:-2], content_type="application/json"),
        api.post(URL, f"apple_id=x&app_specific_password={CANARY}", content_type="application/x-www-form-urlencoded"),
    ]
    icloud_settings.faults.add(faults.status(503))
    answers.append(api.post(URL, body))
    icloud_settings.faults.add(faults.html_200())
    answers.append(api.post(URL, body))
    answers.append(api.post(URL, body))
    assert answers[-1].status_code == 201, answers[-1].json()
    one = f"{URL}{answers[-1].json()['id']}/"
    answers += [api.get(URL), api.get(one), api.post(URL, body), api.post(f"{one}sync/")]
    answers += [api.post(f"{one}reconnect/", {"app_specific_password": CANARY}), api.get("/api/v1/journal/")]
    account.revoke_all()
    answers += [api.post(f"{one}reconnect/", {"app_specific_password": CANARY})]
    staff.is_superuser = True
    staff.save()
    client.force_login(staff)
    for path in (
        "/admin/",
        "/admin/icloud_sync/icloudconnection/",
        f"/admin/icloud_sync/icloudconnection/{one.split('/')[-2]}/change/",
    ):
        answers.append(client.get(path))
    for number, answer in enumerate(answers):
        assert_clean(answer.content.decode(), f"answer {number}")
        assert_clean(str(answer.headers), f"headers {number}")
    assert_clean(" ".join(records.text), "a log record")
    assert_clean(" ".join(rung), "a queued message")
    assert_clean(_rows(), "the database")
    assert_clean(_cached(), "the cache")
    assert_clean(_dumped(), "dumpdata")
    answers = [api.delete(f"{one}?written_events=keep")]
    assert answers[0].status_code == 204
    assert ICloudConnection.objects.get().status == "disconnected"
    assert_clean(_rows(), "the database, after disconnecting")


def _rows() -> str:
    """Return every column of every row as text, ciphertext included."""
    found = []
    with database.cursor() as cursor:
        for table in database.introspection.table_names():
            cursor.execute(f"select coalesce(string_agg(t::text, chr(10)), '') from \"{table}\" t")
            found.append(cursor.fetchone()[0])
        cursor.execute(
            "select coalesce(string_agg(encode(sealed, 'escape'), ' '), '') from icloud_sync_icloudcredential"
        )
        found.append(cursor.fetchone()[0])
    return "\n".join(found)


def _cached() -> str:
    client = cache._cache.get_client(None, write=True)
    found = []
    for key in client.keys("*"):
        kind = client.type(key)
        found.append(repr(key) + repr(client.get(key) if kind == b"string" else kind))
    return " ".join(found)


def _dumped() -> str:
    out = io.StringIO()
    call_command("dumpdata", stdout=out)
    assert '"model": "icloud_sync.icloudconnection"' in out.getvalue()
    return out.getvalue()


@pytest.mark.parametrize("fault", [faults.status(500), faults.close_before_response(), faults.truncate_xml(40)])
def test_a_report_with_local_variables_holds_no_password(ada, account, icloud_settings, fault):
    """Reliability S2: what an error tracker would send."""
    icloud_settings.faults.add(fault)
    try:
        connecting.connect(user=ada, apple_id=APPLE_ID, password_text=CANARY, now=timezone.now())
    except ICloudError as error:
        frames = traceback.TracebackException.from_exception(error, capture_locals=True)
        inside = [frame for frame in frames.stack if "/icloud_sync/remote/" in frame.filename]
        assert inside, "the error came from the transport"
        text = "".join(str(frame.locals) for frame in frames.stack if "/tests/" not in frame.filename)
        assert_clean(text, "a traceback with local variables")
    else:
        pytest.fail("the fault did not show")


def test_a_bug_in_the_view_holds_no_password_either(ada, account, client_of, monkeypatch):
    """What a 500 would be reported with: request, view and serializer among the locals."""

    def bug(**_given):
        raise ZeroDivisionError

    monkeypatch.setattr(connecting, "connect", bug)
    client = client_of(ada)
    with pytest.raises(ZeroDivisionError) as caught:
        client.post(URL, {"apple_id": APPLE_ID, "app_specific_password": CANARY})
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    inside = "".join(str(frame.locals) for frame in frames.stack if "/icloud_sync/" in frame.filename)
    assert "ada@icloud.example" in inside, "the frames were looked at"
    assert_clean(inside, "a traceback with local variables")
