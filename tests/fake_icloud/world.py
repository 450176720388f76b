"""Everything one server holds between two resets: accounts, switches, what was asked, what went wrong."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.fake_icloud.account import Account
from tests.fake_icloud.clock import Clock
from tests.fake_icloud.faults import Faults
from tests.fake_icloud.profiles import Flags, flags_of
from tests.fake_icloud.wire import Record

KEEP = 20_000
KEEP_ANSWERS = 500  # answers are large


class Mail(NamedTuple):
    """An invitation or a cancellation that iCloud would have sent (fact 6.1)."""

    method: str
    uid: str
    to: str


class Violation(NamedTuple):
    """A broken rule of behaviour; `rule` is the number in the emulator's list of invariants."""

    rule: int
    text: str


@dataclass
class World:
    """The state of one server. Guard changes with `lock`; it is never held while bytes are sent."""

    clock: Clock
    base_url: Callable[[str], str]
    refuse: Callable[[str], None]
    flags: Flags = field(default_factory=lambda: flags_of("probed"))
    profile: str = "probed"
    lock: threading.RLock = field(default_factory=threading.RLock)
    accounts: dict[str, Account] = field(default_factory=dict)  # by DSID
    faults: Faults = field(default_factory=Faults)
    requests: list[Record] = field(default_factory=list)
    mail_log: list[Mail] = field(default_factory=list)
    destructive_log: list[str] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    running: Counter[str] = field(default_factory=Counter)  # requests in progress by Apple ID
    max_parallel: int = 0
    refused_logins: Counter[tuple[str, str]] = field(default_factory=Counter)
    created_names: dict[tuple[str, str], str] = field(default_factory=dict)  # (DSID, UID) -> path of our PUT
    ours: dict[str, bytes] = field(default_factory=dict)  # href -> body as last PUT, checked at teardown
    secrets: set[str] = field(default_factory=set)
    puts: int = 0
    outage: bool = False
    zone: str = "Europe/Berlin"  # of the phones' pages
    kept_requests: int = KEEP  # older ones are dropped in halves
    served: int = 0
    throttled: dict[str, list[float]] = field(default_factory=dict)
    version: int = 0  # counts changes, for whoever saves the state

    def changed(self) -> None:
        self.version += 1

    def by_apple_id(self, apple_id: str) -> Account | None:
        """Return the account with that primary address. Aliases do not sign in (fact 2.3)."""
        for account in self.accounts.values():
            if account.apple_id.lower() == apple_id.lower():
                return account
        return None

    def violate(self, rule: int, text: str) -> None:
        self.violations.append(Violation(rule, text))

    def send_mail(self, method: str, uid: str, to: str) -> None:
        self.mail_log.append(Mail(method, uid, to))

    def remember(self, record: Record) -> None:
        self.served += 1
        self.requests.append(record)
        if len(self.requests) > KEEP_ANSWERS:
            self.requests[-KEEP_ANSWERS - 1].answer = None
        if len(self.requests) > self.kept_requests:
            del self.requests[: self.kept_requests // 2]
