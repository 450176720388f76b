"""Independent CalDAV servers in this process: Radicale and Xandikos, on loopback, one account in each.

    with start_radicale(tmp_path) as peer:
        path = peer.make_calendar("Work")
        peer.phone.put(path + "a.ics", body)
        Client(peer.config(), apple_id=peer.apple_id, password=Secret(peer.password))

`peer.phone` is another device of the same account: it sees and may do everything, also in calendars that are read-only
for the account itself.
"""

from __future__ import annotations

import base64
import http.client
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wsgi import get_input_stream

from icloud_sync.remote.config import RemoteConfig

APPLE_ID = "ada@icloud.example"
PASSWORD = "abcd-efgh-ijkl-mnop"
_PHONE = "phone"

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@dataclass
class Phone:
    """Plain HTTP with the phone's own credentials."""

    port: int
    apple_id: str

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            credentials = base64.b64encode(f"{self.apple_id}:{PASSWORD}".encode()).decode()
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            sent = {"Authorization": f"Basic {credentials}", "X-Phone": "yes", **named}
            connection.request(method, quote(path), body=body, headers=sent)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def put(self, path: str, body: bytes) -> str:
        """Write an event whatever is there; returns the ETag."""
        status, headers, text = self.request("PUT", path, body, Content_Type="text/calendar; charset=utf-8")
        assert status in {201, 204}, (status, text)
        return headers.get("ETag", "")

    def get(self, path: str) -> bytes | None:
        status, _, body = self.request("GET", path)
        return body if status == 200 else None

    def delete(self, path: str) -> None:
        status, _, body = self.request("DELETE", path)
        assert status in {200, 204}, (status, body)


@dataclass
class Peer:
    """A running server with one account. `home` is the path of its calendars."""

    url: str
    home: str
    apple_id: str
    password: str
    phone: Phone
    requests: list[tuple[str, str]]  # method and path of what the account sent, the phone's left out
    _server: BaseWSGIServer
    _thread: threading.Thread
    _read_only: set[str] = field(default_factory=set)

    @property
    def trusted_hosts(self) -> tuple[str, ...]:
        return ("127.0.0.1",)

    def config(self, **changes: Any) -> RemoteConfig:
        return RemoteConfig(**{"url": self.url, "trusted_hosts": self.trusted_hosts, **changes})

    def make_calendar(self, name: str, *, writable: bool = True, component: str = "VEVENT", color: str = "") -> str:
        """Create a calendar and return its path; read-only means: for the account, not for the phone."""
        path = f"{self.home}{name.lower().replace(' ', '-')}/"
        colored = f'<A:calendar-color xmlns:A="http://apple.com/ns/ical/">{color}</A:calendar-color>' if color else ""
        body = (
            '<?xml version="1.0"?><C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>'
            f"<D:displayname>{escape(name)}</D:displayname>{colored}<C:supported-calendar-component-set>"
            f'<C:comp name="{component}"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>'
        )
        status, _, text = self.phone.request("MKCALENDAR", path, body.encode(), Content_Type="text/xml")
        assert status == 201, (status, text)
        self.set_writable(path, writable=writable)
        return path

    def subscribe(self, name: str, source: str) -> str:
        """Add a calendar by URL (Radicale only); returns its path."""
        path = f"{self.home}{name.lower().replace(' ', '-')}/"
        body = (
            '<?xml version="1.0"?><D:mkcol xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/"><D:set><D:prop>'
            "<D:resourcetype><D:collection/><CS:subscribed/></D:resourcetype>"
            f"<D:displayname>{escape(name)}</D:displayname><CS:source><D:href>{escape(source)}</D:href></CS:source>"
            "</D:prop></D:set></D:mkcol>"
        )
        status, _, text = self.phone.request("MKCOL", path, body.encode(), Content_Type="text/xml")
        assert status == 201, (status, text)
        return path

    def set_writable(self, path: str, *, writable: bool) -> None:
        """Give the account writer's access, or take it (Radicale only)."""
        (self._read_only.discard if writable else self._read_only.add)(path.strip("/"))

    def delete_calendar(self, path: str) -> None:
        self.phone.delete(path)

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_radicale(folder: Path) -> Peer:
    """Start Radicale 3.9 with its defaults but for storage, users and rights."""
    from radicale import Application, config
    from radicale.rights import BaseRights

    logging.getLogger("radicale").setLevel(logging.CRITICAL)
    users = folder / "users"
    users.write_text(f"{APPLE_ID}:{PASSWORD}\n{_PHONE}:{PASSWORD}\n")
    read_only: set[str] = set()

    class Rights(BaseRights):
        def authorization(self, user: str, user_groups: set[str], path: str) -> str:
            place = path.strip("/")
            if user == _PHONE:
                return "RrWw"
            if place and place.split("/")[0] != user:
                return ""
            return "Rr" if any(place == taken or place.startswith(taken + "/") for taken in read_only) else "RrWw"

    configuration = config.load()
    configuration.update(
        {
            "server": {"_internal_server": "True"},
            "auth": {"type": "htpasswd", "htpasswd_filename": str(users), "htpasswd_encryption": "plain", "delay": "0"},
            "rights": {"type": Rights},
            "storage": {"filesystem_folder": str(folder / "collections"), "_filesystem_fsync": "False"},
            "logging": {"level": "critical"},
        },
        "tests",
        privileged=True,
    )
    peer = _serve(_with_text_path(Application(configuration)), home=f"/{APPLE_ID}/", phone=_PHONE)
    peer._read_only = read_only
    Phone(peer.phone.port, APPLE_ID).request("PROPFIND", "/", Depth="0")  # Radicale makes the home at the first login
    return peer


def start_xandikos(folder: Path) -> Peer:
    """Start Xandikos 0.4 with one principal; it knows no rights, so every calendar is writable."""
    from xandikos.web import SingleUserFilesystemBackend, XandikosApp

    logging.getLogger("xandikos").setLevel(logging.CRITICAL)
    store = folder / "xandikos"
    store.mkdir()
    backend = SingleUserFilesystemBackend(str(store))
    backend._mark_as_principal("/ada/")
    backend.create_principal("/ada/", create_defaults=False)
    (store / "ada" / "calendars").mkdir(parents=True, exist_ok=True)
    application = XandikosApp(backend, current_user_principal="/ada/", state_dir=str(folder / "state"))
    return _serve(_with_password(application), home="/ada/calendars/", phone=APPLE_ID)


def _with_text_path(application: Any) -> WsgiApp:
    """Radicale takes PATH_INFO as text, as its own server has it, not as WSGI does."""

    def decoded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["PATH_INFO"] = environ["PATH_INFO"].encode("latin-1").decode("utf-8")
        return application(environ, start_response)

    return decoded


def _with_password(application: Any) -> WsgiApp:
    expected = "Basic " + base64.b64encode(f"{APPLE_ID}:{PASSWORD}".encode()).decode()

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_AUTHORIZATION") != expected:
            start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="x"'), ("Content-Length", "0")])
            return []
        environ["wsgi.input"] = get_input_stream(environ)  # it reads to the end, which a kept-alive socket has not
        return application(environ, start_response)

    return guarded


def _serve(application: Any, *, home: str, phone: str) -> Peer:
    seen: list[tuple[str, str]] = []

    def counted(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "HTTP_X_PHONE" not in environ:
            seen.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        return application(environ, start_response)

    server = make_server("127.0.0.1", 0, counted, threaded=True, request_handler=_Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    port = server.server_port
    url = f"http://127.0.0.1:{port}/"
    return Peer(
        url=url,
        home=home,
        apple_id=APPLE_ID,
        password=PASSWORD,
        phone=Phone(port, phone),
        requests=seen,
        _server=server,
        _thread=thread,
    )
