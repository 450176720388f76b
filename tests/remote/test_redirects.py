"""Where a request may go, whatever an answer says (F25, F26, S10, S17)."""

from __future__ import annotations

import pytest

from icloud_sync import errors
from icloud_sync.remote import Client
from tests.remote.acts import BODY, CALENDAR, EMPTY, EVENT, READS, WRITES, ClientWith, fails_with
from tests.remote.stage import (
    HTML_PAGE,
    PRINCIPAL,
    Stage,
    answer,
    home_set,
    multistatus,
    response,
)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("name", ["listing", "changes", "create", "delete"])
def test_f25_a_redirect_to_a_trusted_host_repeats_the_same_request(
    stage: Stage, client_with: ClientWith, status: int, name: str
) -> None:
    with Stage(host="127.0.0.2") as other:
        stage.play(answer(status, HTML_PAGE, headers=[("Location", other.url + "moved" + EVENT)]))
        done = {"listing": (207, EMPTY), "changes": (207, EMPTY), "create": (201, b""), "delete": (204, b"")}
        other.play(answer(*done[name]))
        client = client_with(trusted_hosts=("127.0.0.1", "127.0.0.2"))
        (READS | WRITES)[name](client)
        first, second = stage.requests[0], other.requests[0]
        assert (first.method, first.body) == (second.method, second.body)
        assert second.target == "/moved" + EVENT
        same = {"host"}
        assert {k: v for k, v in first.headers.items() if k not in same} == {
            k: v for k, v in second.headers.items() if k not in same
        }
        assert client.requests == 2


def test_after_a_redirect_the_new_host_is_asked_at_once(stage: Stage, client_with: ClientWith) -> None:
    with Stage(host="127.0.0.2") as other:
        stage.play(answer(301, headers=[("Location", other.url.rstrip("/") + CALENDAR)]))
        other.play(answer(207, EMPTY))
        client = client_with(trusted_hosts=("127.0.0.1", "127.0.0.2"))
        client.listing(CALENDAR)
        client.listing(CALENDAR)
        assert (len(stage.requests), len(other.requests)) == (1, 2)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_f25_no_redirect_leads_to_another_host(stage: Stage, client: Client, trap: Stage, status: int) -> None:
    stage.play(answer(status, headers=[("Location", trap.url + "x.ics")]))
    for act in (*READS.values(), *WRITES.values()):
        with pytest.raises((errors.UntrustedHost, errors.BadAnswer)):
            act(client)
    assert trap.connections == 0


@pytest.mark.parametrize(
    "location", ["http://127.0.0.3:{port}/", "//127.0.0.3:{port}/x", "ftp://127.0.0.1/", "http://a@127.0.0.1/"]
)
def test_f25_however_the_address_is_written(stage: Stage, client: Client, trap: Stage, location: str) -> None:
    stage.play(answer(302, headers=[("Location", location.format(port=trap.port))]))
    fails_with(errors.UntrustedHost, lambda: client.create(EVENT, BODY))
    assert trap.connections == 0


@pytest.mark.parametrize("status", [300, 303, 304, 305])
def test_other_redirects_are_bad_answers(stage: Stage, client: Client, status: int) -> None:
    stage.play(answer(status, headers=[("Location", "/x/")]))
    fails_with(errors.BadAnswer, lambda: client.listing(CALENDAR))
    fails_with(errors.BadAnswer, lambda: client.create(EVENT, BODY))


def test_a_redirect_to_nowhere_or_in_circles_ends(stage: Stage, client: Client) -> None:
    stage.play(answer(301))
    fails_with(errors.BadAnswer, lambda: client.listing(CALENDAR))
    stage.play(answer(301, headers=[("Location", CALENDAR)]))
    fails_with(errors.BadAnswer, lambda: client.listing(CALENDAR))
    assert client.requests == 1 + 4


def test_f26_a_home_on_another_host_is_refused(stage: Stage, client: Client, trap: Stage) -> None:
    stage.play(answer(207, PRINCIPAL), answer(207, home_set(trap.url + "1/calendars/")))
    fails_with(errors.UntrustedHost, client.discover)
    fails_with(errors.UntrustedHost, lambda: client.calendars(trap.url + "1/calendars/"))
    assert trap.connections == 0


def test_f26_a_principal_on_another_host_is_refused(stage: Stage, client: Client, trap: Stage) -> None:
    props = f"<current-user-principal><href>{trap.url}1/principal/</href></current-user-principal>"
    stage.play(answer(207, multistatus(response("/", props))))
    fails_with(errors.UntrustedHost, client.discover)
    assert trap.connections == 0


def test_f26_an_event_on_another_host_is_refused(stage: Stage, client: Client, trap: Stage) -> None:
    stage.play(
        answer(
            207,
            multistatus(
                response(CALENDAR, '<getetag>"c"</getetag>'), response(trap.url + "a.ics", '<getetag>"1"</getetag>')
            ),
        )
    )
    for name in ("listing", "changes", "fetch"):
        fails_with(errors.UntrustedHost, lambda name=name: READS[name](client))
    assert trap.connections == 0


def test_a_stored_home_on_another_host_is_only_a_hint(stage: Stage, client_with: ClientWith, trap: Stage) -> None:
    stage.play(answer(207, EMPTY))
    client = client_with(home=trap.url + "1/calendars/")
    assert client.listing(CALENDAR) == {}
    assert trap.connections == 0


def test_settings_that_contradict_each_other_send_nothing(client_with: ClientWith, stage: Stage) -> None:
    client = client_with(trusted_hosts=(".icloud.com",))
    for act in (*READS.values(), *WRITES.values()):
        fails_with(errors.UntrustedHost, lambda act=act: act(client))
    assert (stage.connections, client.requests) == (0, 0)


def test_s10_the_environment_has_no_say(
    stage: Stage, client: Client, trap: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    netrc = tmp_path / "netrc"  # type: ignore[operator]
    netrc.write_text("machine 127.0.0.1 login mallory password from-netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, trap.url)
    stage.play(
        answer(207, EMPTY, headers=[("Set-Cookie", "track=1; Path=/"), ("Alt-Svc", f'h2="{trap.origin}"; ma=99')])
    )
    client.listing(CALENDAR)
    client.listing(CALENDAR)
    import base64

    sent = stage.requests[1].headers
    assert base64.b64decode(sent["authorization"].removeprefix("Basic ")) == b"ada@icloud.example:qwer-tyui-opas-dfgh"
    assert "cookie" not in sent
    assert trap.connections == 0
