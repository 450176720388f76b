"""The OpenAPI schema says what REST does, and nothing it allows brings the server down (reliability S32)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from leadmagicx.accounts.services import issue_token
from leadmagicx.wsgi import application
from tests.api.test_access import rows  # noqa: F401 - one of everything

EXAMPLES = 4
# Where an id of a path comes from.
ROWS = {
    "/api/v1/contacts/": "contact",
    "/api/v1/appointments/": "appointment",
    "/api/v1/blocked-slots/": "slot",
    "/api/v1/calendars/": "calendar",
    "/api/v1/icloud/connections/": "connection",
    "/api/v1/icloud/runs/": "run",
    "/api/v1/attention/": "case",
    "/api/v1/webhooks/": "webhook",
    "/api/v1/users/": "user",
}


@cache
def document() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def operations() -> list[tuple[str, str]]:
    verbs = {"get", "post", "put", "patch", "delete"}
    return [(path, verb) for path, item in document()["paths"].items() for verb in item if verb in verbs]


def test_the_schema_is_made_without_a_warning(capsys):
    GENERATOR_STATS.reset()
    SchemaGenerator().get_schema(request=None, public=True)
    assert not GENERATOR_STATS, capsys.readouterr().err


def test_every_operation_says_what_it_is_for():
    silent = [f"{verb} {path}" for path, verb in operations() if not document()["paths"][path][verb].get("summary")]
    assert silent == []


def test_the_schema_and_its_page_are_served(client, db):
    assert client.get("/api/v1/schema/").status_code == 200
    assert client.get("/api/v1/docs/").status_code == 200


def test_no_secret_is_in_an_answer():
    """Reliability S3: what is written only is marked so, and the models' secret columns are no fields at all."""
    components = document()["components"]["schemas"]
    for name, component in components.items():
        for field, kind in component.get("properties", {}).items():
            if field in {"secret", "password", "app_specific_password"}:
                assert kind.get("writeOnly"), f"{name}.{field}"
            assert field not in {"sealed", "key_hash", "credential", "principal", "token"}, f"{name}.{field}"


@pytest.fixture
def _one_connection(db) -> Iterator[None]:
    """A WSGI server closes the database after each request; here it holds the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@cache
def api() -> Any:
    return schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)


@pytest.mark.turns(6)
@pytest.mark.usefixtures("_one_connection")
@pytest.mark.icloud(impolite="whatever passwords are made up are tried", ignore={6})
@pytest.mark.parametrize(("path", "verb"), operations())
def test_nothing_the_schema_allows_is_a_server_error(rows, staff, icloud_settings, path, verb):  # noqa: F811
    operation = api()[path][verb.upper()]
    headers = {"Authorization": f"Token {issue_token(staff)}"}
    row = next((name for prefix, name in ROWS.items() if path.startswith(prefix)), None)

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        if case.path_parameters and row is not None and len(str(case.body)) % 3:
            case.path_parameters["id"] = str(rows[row])
        answer = case.call(headers=headers)
        case.validate_response(
            answer, checks=[not_a_server_error, content_type_conformance, response_schema_conformance]
        )
        if answer.status_code >= 400 and answer.headers.get("Content-Type", [""])[0].startswith("application/json"):
            assert set(answer.json()) >= {"code", "detail", "fields"}

    run()
