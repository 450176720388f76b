"""What the server knows: events in stores, and calendars through which accounts see them."""

from __future__ import annotations

import base64
import bisect
import hashlib
import hmac
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from tests.fake_icloud import ics

if TYPE_CHECKING:
    from tests.fake_icloud.account import Account

Kind = Literal["event", "tasks", "subscribed", "inbox", "outbox", "notification"]
Access = Literal["owner", "shared-rw", "shared-ro"]

_TOKEN_HEAD = b"\x1f\x0a\x10\x12\x0c"  # base64 of it begins HwoQEgw, as recorded tokens do (fact 4.1)
_SECRET = b"tests.fake_icloud"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"


@dataclass(slots=True)
class Overlay:
    """TRANSP and alarms as one sharee keeps them; the event itself is shared (fact 7.4)."""

    transp: str | None
    alarms: list[ics.Component]


@dataclass(slots=True)
class Obj:
    """One calendar object resource. `previous` is (body, etag) before the last change."""

    name: str
    uid: str
    body: bytes
    etag: str
    rev: int
    touched: bool = False  # opened or changed on an Apple device since our last conditional PUT, fact 5.5
    listing_from: float = 0
    multiget_from: float = 0
    stale_until: float = 0
    absences: int = 0
    previous: tuple[bytes, str] | None = None
    overlays: dict[str, Overlay] = field(default_factory=dict)

    def seen(self, now: float) -> tuple[bytes, str]:
        """Return body and ETag as a read gets them now: the old ones while reads are stale (fact 4.9)."""
        if self.previous is not None and now < self.stale_until:
            return self.previous
        return self.body, self.etag


@dataclass
class Store:
    """The events of one calendar, however many accounts see it, with a log of changes by revision."""

    id: str
    owner: Account = field(repr=False)
    objects: dict[str, Obj] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # UID -> name
    rev: int = 1
    log: list[tuple[int, str]] = field(default_factory=list)
    tombstones: set[str] = field(default_factory=set)  # names deleted once, fact 5.7
    issued: dict[int, float] = field(default_factory=dict)  # revision -> when a token for it was last given out
    due: list[tuple[float, str, bool]] = field(default_factory=list)  # at, name, whether the ETag changes too

    def record(self, name: str) -> int:
        """Log a change of that name under a new revision, and return the revision."""
        self.rev += 1
        self.log.append((self.rev, name))
        self.owner.world.changed()
        return self.rev

    def write(self, name: str, body: bytes, uid: str | None = None) -> Obj:
        """Create or replace an object with a new ETag."""
        uid = uid or ics.uid_of(body) or name
        obj = self.objects.get(name)
        etag = self.owner.next_etag()
        if obj is None:
            obj = self.objects[name] = Obj(name, uid, body, etag, 0)
        else:
            if obj.uid != uid and self.names.get(obj.uid) == name:
                del self.names[obj.uid]
            obj.previous = (obj.body, obj.etag)
            obj.uid, obj.body, obj.etag = uid, body, etag
        self.names[uid] = name
        obj.rev = self.record(name)
        return obj

    def remove(self, name: str, *, bury_uid: bool = True) -> Obj:
        """Take an object out. Its name is a tombstone from now on, its UID too unless it only moves (fact 5.7)."""
        obj = self.objects.pop(name)
        if self.names.get(obj.uid) == name:
            del self.names[obj.uid]
        self.tombstones.add(name)
        if bury_uid:
            self.owner.tombstones.add(obj.uid)
        self.record(name)
        return obj

    def settle(self, now: float) -> None:
        """Let what was due by now happen: lags end, and Apple's own rewriting changes an ETag (facts 4.8, 4.9)."""
        if not self.due or min(self.due)[0] > now:
            return
        ripe = sorted(item for item in self.due if item[0] <= now)
        self.due = [item for item in self.due if item[0] > now]
        for _, name, new_etag in ripe:
            obj = self.objects.get(name)
            if obj is not None:
                if new_etag:
                    obj.etag = self.owner.next_etag()
                obj.rev = self.record(name)

    def later(self, at: float, name: str, *, new_etag: bool) -> None:
        self.due.append((at, name, new_etag))

    def since(self, rev: int) -> list[tuple[int, str]]:
        """Return the latest log entry of each name changed after that revision, oldest first. O(changes)."""
        start = bisect.bisect_left(self.log, (rev + 1, ""))
        latest = {name: at for at, name in self.log[start:]}
        return sorted((at, name) for name, at in latest.items())


@dataclass
class Calendar:
    """A calendar as one account sees it: own, shared, subscribed, or one of Apple's special collections."""

    account: Account = field(repr=False)
    path_id: str
    kind: Kind
    name: str | None
    store: Store
    color: str = "#1E4C63FF"
    order: int = 1
    access: Access = "owner"
    source_url: str | None = None
    shared_out: bool = False

    @property
    def path(self) -> str:
        return f"/{self.account.dsid}/calendars/{self.path_id}/"

    @property
    def url(self) -> str:
        return self.account.base_url + self.path

    @property
    def writable(self) -> bool:
        return self.kind in ("event", "tasks") and self.access != "shared-ro"

    @property
    def token(self) -> str:
        """The ctag, which is the sync token too (fact 4.1)."""
        return self.token_at(self.store.rev)

    def token_at(self, rev: int) -> str:
        mark = struct.pack(">Q", rev)
        return base64.b64encode(_TOKEN_HEAD + self._signature(mark) + mark).decode()

    def _signature(self, mark: bytes) -> bytes:
        key = f"{self.store.id}/{self.account.dsid}/{self.path_id}".encode()
        digest = hmac.new(_SECRET, key + mark, hashlib.sha256).digest()[:8]
        return bytes([digest[0] & 0x3F]) + digest[1:]

    def issue(self, now: float, rev: int | None = None) -> str:
        """Return a token and note that it was given out, for its expiry."""
        rev = self.store.rev if rev is None else rev
        self.store.issued[rev] = now
        return self.token_at(rev)

    def revision(self, token: str, *, now: float, ttl: float) -> int | None:
        """Return the revision a token stands for, or None when it is not ours, too old or forgotten."""
        try:
            raw = base64.b64decode(token, validate=True)
            mark = raw[13:]
            (rev,) = struct.unpack(">Q", mark)
        except (ValueError, struct.error):
            return None
        if raw[:5] != _TOKEN_HEAD or not hmac.compare_digest(raw[5:13], self._signature(mark)):
            return None
        given = self.store.issued.get(rev)
        if given is None or now - given > ttl or rev > self.store.rev:
            return None
        return int(rev)

    def href(self, name: str) -> str:
        return self.path + quote(name, safe="-._~")

    def body(self, name: str) -> bytes:
        """Return the stored text as this account sees it."""
        obj = self.store.objects[name]
        return overlaid(obj.body, obj.overlays.get(self.account.dsid))

    def etag(self, name: str) -> str:
        return self.store.objects[name].etag

    def names(self) -> list[str]:
        return sorted(self.store.objects)

    def put(self, name: str, body: bytes) -> Obj:
        """Store any bytes, as if Apple had always had them."""
        with self.account.world.lock:
            return self.store.write(name, body)

    def load(self, items: Iterable[tuple[str, bytes]]) -> int:
        """Store many objects at once; return how many are new."""
        with self.account.world.lock:
            before = len(self.store.objects)
            for name, body in items:
                self.store.write(name, body)
            return len(self.store.objects) - before

    def forget_tokens(self) -> None:
        """Lose every token issued so far (fact 4.6)."""
        with self.account.world.lock:
            self.store.rev += 1
            self.store.issued.clear()
            self.account.world.changed()

    def absence(self, name: str, listings: int = 1) -> None:
        """Leave an object out of the next full listings, though GET still answers it (fact 4.9)."""
        with self.account.world.lock:
            self.store.objects[name].absences = listings


def overlaid(body: bytes, overlay: Overlay | None) -> bytes:
    """Return the text with one sharee's TRANSP and alarms in place of the owner's."""
    if overlay is None:
        return body
    root = ics.parse(body)
    for event in root.named("VEVENT"):
        event.drop("TRANSP")
        if overlay.transp is not None:
            event.add("TRANSP", overlay.transp)
        event.children = [child for child in event.children if child.name != "VALARM"] + overlay.alarms
    return ics.serialise(root)


def overlay_of(body: bytes) -> Overlay:
    """Return the personal part of a text: TRANSP and alarms of its first VEVENT."""
    event = ics.parse(body).named("VEVENT")[0]
    return Overlay(event.value("TRANSP"), event.named("VALARM"))
