"""Things that go wrong between client and server, on demand (reliability section 3, emulator section 7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tests.fake_icloud.wire import Request, Response

if TYPE_CHECKING:
    from tests.fake_icloud.world import World

Answer = Callable[["World", Request], Response | None]
Change = Callable[["World", Request, Response], Response]
Tweak = Callable[[Request], None]
EvilKind = Literal["home-set", "redirect", "principal", "member"]


@dataclass
class Action:
    """`instead` answers without the state (None: go on), `tweak` changes the request, `change` the real answer."""

    name: str
    instead: Answer | None = None
    tweak: Tweak | None = None
    change: Change | None = None


@dataclass
class Rule:
    """When an action applies. `fired` counts how often it did."""

    action: Action
    method: str | None
    path: str | None
    host: str | None
    report: str | None
    nth: int
    times: int | None
    after_apply: bool
    seen: int = 0
    fired: int = 0

    def takes(self, request: Request) -> bool:
        """Count the request if it matches, and say whether the action is for this one."""
        if (
            (self.method is not None and self.method != request.method)
            or (self.path is not None and self.path not in request.path)
            or (self.host is not None and self.host != request.role)
            or (self.report is not None and self.report != request.report)
        ):
            return False
        self.seen += 1
        if self.seen < self.nth or (self.times is not None and self.fired >= self.times):
            return False
        self.fired += 1
        return True


@dataclass
class Faults:
    """The rules in force; the first that matches wins."""

    rules: list[Rule] = field(default_factory=list)

    def add(
        self,
        action: Action,
        *,
        method: str | None = None,
        path: str | None = None,
        host: str | None = None,
        report: str | None = None,
        nth: int | None = None,
        times: int | None = 1,
        after_apply: bool = False,
    ) -> Rule:
        """Apply the action from the nth matching request on, `times` times (None: until cleared).

        `path` is part of the decoded path, `host` a role (discovery, p1, p2), `report` the name of a report.
        With `after_apply` the request is carried out first, and only its answer is lost.
        """
        rule = Rule(action, method, path, host, report, nth or 1, times, after_apply)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        self.rules.clear()

    def match(self, request: Request) -> Rule | None:
        for rule in self.rules:
            if rule.takes(request):
                return rule
        return None


def answer(status: int, headers: list[tuple[str, str]] | None = None, body: bytes = b"") -> Action:
    """Answer anything whatever."""
    return Action(f"answer {status}", instead=lambda _w, _r: Response(status, list(headers or []), body))


def status(code: int, *, retry_after: str | None = None, body: bytes | None = None) -> Action:
    """Answer with a status: 5xx without Retry-After carry an HTML page, all others nothing."""
    headers = [] if retry_after is None else [("Retry-After", retry_after)]
    if body is None:
        page = code >= 500 and code != 503
        body = f"<html><head><title>{code}</title></head><body>{code}</body></html>".encode() if page else b""
        if page:
            headers.append(("Content-Type", "text/html"))
    return answer(code, headers, body)


def throttle(window: float, limit: int, advertised: str) -> Action:
    """After `limit` requests in `window` seconds answer 503 with too short a Retry-After (fact 8.1). Use times=None."""
    moments: dict[str, list[float]] = {}

    def instead(world: World, request: Request) -> Response | None:
        return throttled(world, request, moments, window, limit, advertised)

    return Action("throttle", instead=instead)


def throttled(
    world: World, request: Request, moments: dict[str, list[float]], window: float, limit: int, advertised: str
) -> Response | None:
    """Count the request against its account's window; requests inside a full window extend it."""
    now = world.clock.now()
    recent = [at for at in moments.get(request.username or "", []) if at > now - window]
    recent.append(now)
    moments[request.username or ""] = recent
    if len(recent) <= limit:
        return None
    return Response(503, [("Retry-After", advertised)])


def slow(seconds: float) -> Action:
    """Wait before the headers."""
    return Action("slow", change=lambda _w, _r, response: _changed(response, delay=seconds))


def drip(octets: int, interval: float) -> Action:
    """Send a few octets at a time: outlives a timeout that counts from read to read (fact 9.12)."""
    return Action("drip", change=lambda _w, _r, response: _changed(response, drip=(octets, interval)))


def _changed(response: Response, *, delay: float = 0, drip: tuple[int, float] | None = None) -> Response:
    response.delay, response.drip = delay, drip
    return response


def close_before_response() -> Action:
    """Close the connection instead of answering (fact 1.11)."""
    return Action("close_before_response", instead=lambda _w, _r: Response(0, silence="close"))


def blackhole() -> Action:
    """Never answer (fact 8.1)."""
    return Action("blackhole", instead=lambda _w, _r: Response(0, silence="forever"))


def cut_body(octets: int) -> Action:
    """Announce the whole body and send only its beginning."""

    def change(_world: World, _request: Request, response: Response) -> Response:
        response.cut = octets
        return response

    return Action("cut_body", change=change)


def truncate_xml(octets: int) -> Action:
    """Send only the beginning of the body, with a matching length."""
    return edit_body("truncate_xml", lambda body: body[:octets])


def edit_body(name: str, edit: Callable[[bytes], bytes]) -> Action:
    """Change the body on its way out."""

    def change(_world: World, _request: Request, response: Response) -> Response:
        response.body = edit(response.body)
        return response

    return Action(name, change=change)


def html_200() -> Action:
    """A captive portal's page with status 200 (fact 9.12)."""
    page = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>Wi-Fi</form></body></html>"
    return answer(200, [("Content-Type", "text/html; charset=utf-8")], page)


def html_207() -> Action:
    """The same page dressed as a multistatus."""
    page = b"<!DOCTYPE html><html><body>Sign in</body></html>"
    return answer(207, [("Content-Type", "text/html; charset=utf-8")], page)


def empty_multistatus() -> Action:
    """A well-formed 207 without members and without a token (reliability F28)."""
    body = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<multistatus xmlns=\'DAV:\'>\n\n</multistatus>'
    return answer(207, [("Content-Type", "text/xml; charset=UTF-8")], body)


def without_token() -> Action:
    """Leave the sync-token out of the answer (reliability F30)."""
    pattern = re.compile(rb"<sync-token[^>]*>[^<]*</sync-token>")
    return edit_body("without_token", lambda body: pattern.sub(b"", body))


def weak_etag() -> Action:
    """Send a weak ETag header (reliability F31)."""

    def change(_world: World, _request: Request, response: Response) -> Response:
        response.headers = [(n, "W/" + v if n == "ETag" else v) for n, v in response.headers]
        return response

    return Action("weak_etag", change=change)


def spurious_401() -> Action:
    """Refuse a password that is right (fact 2.6)."""
    from tests.fake_icloud.protocol import unauthorized

    return Action("spurious_401", instead=lambda world, _request: unauthorized(world))


def gzip() -> Action:
    """Compress the answer."""

    def change(_world: World, _request: Request, response: Response) -> Response:
        response.zipped()
        return response

    return Action("gzip", change=change)


def gzip_bomb(octets: int) -> Action:
    """A small compressed answer that unpacks to `octets` octets of spaces inside a multistatus (reliability F24)."""

    def instead(_world: World, _request: Request) -> Response:
        body = b"<?xml version='1.0'?><multistatus xmlns='DAV:'>" + b" " * octets + b"</multistatus>"
        response = Response(207, [("Content-Type", "text/xml; charset=UTF-8")], body)
        response.zipped()
        return response

    return Action("gzip_bomb", instead=instead)


def redirect(code: int, to: str) -> Action:
    """Redirect to another origin, path kept (fact 1.7, reliability F25)."""
    return Action("redirect", instead=lambda _w, request: Response(code, [("Location", to + request.target)]))


def refuse_partition(partition: str = "p1") -> Action:
    """Close a partition's listener at the matching request; FakeICloud.accept() opens it again."""

    def instead(world: World, _request: Request) -> Response | None:
        world.refuse(partition)
        return Response(0, silence="close")

    return Action("refuse_partition", instead=instead)


def evil_href(kind: EvilKind) -> Action:
    """Point the client to the evil host, by one of four ways (reliability F26)."""

    def instead(world: World, request: Request) -> Response | None:
        if kind != "redirect":
            return None
        return Response(301, [("Location", world.base_url("evil") + request.target)])

    def change(world: World, _request: Request, response: Response) -> Response:
        evil = world.base_url("evil").encode()
        pattern = {
            "home-set": rb"(<calendar-home-set[^>]*>\s*<href[^>]*>)(?:https?://[^/<]+)?",
            "principal": rb"(<current-user-principal[^>]*>\s*<href[^>]*>)(?:https?://[^/<]+)?",
        }.get(kind, rb"(<response[^>]*>\s*<href[^>]*>)(?:https?://[^/<]+)?(?=/[^<]*\.ics<)")
        response.body = re.sub(pattern, lambda hit: hit.group(1) + evil, response.body, count=1)
        return response

    return Action(f"evil {kind}", instead=instead, change=change)


def big_reply(members: int) -> Action:
    """Add members that do not exist to a listing."""

    def tweak(request: Request) -> None:
        request.big_reply = members

    return Action("big_reply", tweak=tweak)


def bad_member(body: bytes) -> Action:
    """Replace the data of the first member of a multiget."""

    def tweak(request: Request) -> None:
        request.bad_member = body

    return Action("bad_member", tweak=tweak)
