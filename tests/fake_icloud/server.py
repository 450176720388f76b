"""The server as tests hold it: four listeners on loopback around one world."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tests.fake_icloud import phone_page, politeness, protocol
from tests.fake_icloud.account import Account
from tests.fake_icloud.clock import Clock
from tests.fake_icloud.faults import Faults
from tests.fake_icloud.listener import Listener
from tests.fake_icloud.profiles import Flags, flags_of
from tests.fake_icloud.wire import Record, Request, Response, Role
from tests.fake_icloud.world import Mail, Violation, World

# A different host *name* for p1, because clients compare names; p2 for migrations; evil must never see a password.
HOSTS: dict[Role, tuple[str, str]] = {
    "discovery": ("127.0.0.1", "127.0.0.1"),
    "p1": ("127.0.0.1", "localhost"),
    "p2": ("127.0.0.2", "127.0.0.2"),
    "evil": ("127.0.0.3", "127.0.0.3"),
}


@dataclass
class Seen:
    """The requests that arrived inside a counting() block."""

    requests: list[Record] = field(default_factory=list)


@dataclass
class Evil:
    """What reached the host that must never be contacted."""

    requests: list[Record] = field(default_factory=list)


class FakeICloud:
    """An iCloud on loopback. Listens from the start until stop(); reset() forgets everything but the ports."""

    def __init__(
        self, profile: str = "probed", *, ports: Sequence[int] = (0, 0, 0, 0), clock: Clock | None = None
    ) -> None:
        self.clock = clock or Clock()
        self.evil = Evil()
        self._listeners: dict[Role, Listener] = {}
        self.world = self._fresh(profile)
        try:
            for (role, (address, _)), port in zip(HOSTS.items(), ports, strict=True):
                self._open(role, address, port)
        except OSError:
            self.stop()
            raise

    def _open(self, role: Role, address: str, port: int) -> None:
        try:
            self._listeners[role] = Listener(role, address, port, serve=self._serve, done=self._done)
        except OSError:
            if role in ("discovery", "p1"):
                raise
            # Some systems have no 127.0.0.2: only migrations and the trap are missing then.

    def _fresh(self, profile: str) -> World:
        return World(
            clock=self.clock,
            base_url=self.base_url,
            refuse=self.refuse,
            flags=flags_of(profile),
            profile=profile,
        )

    # -- life ----------------------------------------------------------------------------------------

    def reset(self, profile: str = "probed") -> None:
        """Forget accounts, logs and faults, follow the real clock, open every listener, take up a profile."""
        self.clock.reset()
        for listener in self._listeners.values():
            listener.reopen()
        self.evil = Evil()
        self.world = self._fresh(profile)

    def stop(self) -> None:
        """Close every listener and connection."""
        for listener in self._listeners.values():
            listener.close()

    def __enter__(self) -> FakeICloud:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def refuse(self, role: str) -> None:
        """Close one listener: connections to it are refused until accept()."""
        self._listeners[_role(role)].close()

    def drop_connections(self) -> None:
        """Close every open connection under the client's feet (fact 1.11)."""
        for listener in self._listeners.values():
            listener.drop_connections()

    def accept(self, role: str) -> None:
        self._listeners[_role(role)].reopen()

    # -- addresses -----------------------------------------------------------------------------------

    def base_url(self, role: str) -> str:
        """Return scheme, host and port of a listener, without a slash at the end."""
        known = _role(role)
        listener = self._listeners.get(known)
        return f"http://{HOSTS[known][1]}:{listener.port if listener else 9}"

    @property
    def url(self) -> str:
        return self.base_url("discovery") + "/"

    @property
    def phone_url(self) -> str:
        return self.base_url("discovery") + phone_page.ROOT

    @property
    def trusted_hosts(self) -> str:
        roles: tuple[Role, ...] = ("discovery", "p1", "p2")
        return ",".join(f"{HOSTS[role][1]}:{self._listeners[role].port}" for role in roles if role in self._listeners)

    @property
    def ports(self) -> list[int]:
        return [self._listeners[role].port if role in self._listeners else 0 for role in HOSTS]

    # -- accounts ------------------------------------------------------------------------------------

    def account(
        self,
        apple_id: str = "ada@icloud.example",
        *,
        name: str = "Ada Lovelace",
        calendars: Sequence[str] = ("Home", "Work"),
        password: str | None = None,
        dsid: str | None = None,
        aliases: Sequence[str] = (),
        partition: Literal["p1", "p2"] = "p1",
    ) -> Account:
        """Create an account with empty calendars, Apple's special collections and one app-specific password."""
        world = self.world
        with world.lock:
            dsid = dsid or str(123456789 + 1111 * len(world.accounts))
            account = Account(world, dsid, apple_id, name, aliases=tuple(aliases), partition=partition)
            world.accounts[dsid] = account
            account.add_special()
            for title in calendars:
                account.add_calendar(title)
            account.new_password(text=password)
            return account

    @property
    def accounts(self) -> list[Account]:
        return list(self.world.accounts.values())

    # -- switches and observations -------------------------------------------------------------------

    @property
    def flags(self) -> Flags:
        return self.world.flags

    @property
    def faults(self) -> Faults:
        return self.world.faults

    @property
    def outage(self) -> bool:
        return self.world.outage

    @outage.setter
    def outage(self, value: bool) -> None:
        self.world.outage = value
        self.world.changed()

    @property
    def requests(self) -> list[Record]:
        return self.world.requests

    @property
    def mail_log(self) -> list[Mail]:
        return self.world.mail_log

    @property
    def destructive_log(self) -> list[str]:
        return self.world.destructive_log

    @property
    def max_parallel(self) -> int:
        return self.world.max_parallel

    @property
    def violations(self) -> list[Violation]:
        return politeness.broken(self.world)

    def puts_for(self, uid: str) -> list[Record]:
        """Return the PUT requests whose text names the UID."""
        mark = f"UID:{uid}".encode()
        return [record for record in self.requests if record.method == "PUT" and mark in record.body]

    @contextlib.contextmanager
    def counting(self) -> Iterator[Seen]:
        """Collect the requests made inside the block: idle cycles cost at most two (rule T1)."""
        seen, before = Seen(), len(self.requests)
        yield seen
        seen.requests = self.requests[before:]

    def assert_polite(self, *, ignore: set[int] | frozenset[int] = frozenset()) -> None:
        """Fail when an invariant was broken; `ignore` holds numbers of politeness.py that do not count here."""
        broken = [one for one in self.violations if one.rule not in ignore]
        assert not broken, "Impolite towards iCloud:\n" + "\n".join(f"{rule}: {text}" for rule, text in broken[:20])

    # -- requests ------------------------------------------------------------------------------------

    def _serve(self, request: Request) -> Response:
        world = self.world
        if request.role == "discovery" and request.path.startswith(phone_page.ROOT):
            return phone_page.answer(world, request)  # the user's hands, no CalDAV request
        with world.lock:
            record = Record(
                number=world.served + 1,
                at=world.clock.now(),
                method=request.method,
                role=request.role,
                path=request.path,
                target=request.target,
                headers=request.headers,
                body=request.body,
            )
            if request.role == "evil":
                self.evil.requests.append(record)
            else:
                world.remember(record)
                politeness.begin(world, request.username)
            request.world = world
            response = protocol.respond(world, request, record)
            record.status, record.answer = response.status, response
            return response

    def _done(self, request: Request) -> None:
        world = request.world
        if world is not None and request.role != "evil":
            with world.lock:
                politeness.end(world, request.username)


def _role(name: str) -> Role:
    for role in HOSTS:
        if role == name:
            return role
    raise LookupError(f"no listener {name!r}")
