"""An Apple account: passwords, calendars, and where it lives."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tests.fake_icloud.state import Access, Calendar, Kind, Store, base36

if TYPE_CHECKING:
    from tests.fake_icloud.phone import Phone
    from tests.fake_icloud.world import World

_SPECIAL: tuple[tuple[str, Kind, str | None, str], ...] = (
    ("inbox", "inbox", None, "#1E4C63FF"),
    ("notification", "notification", None, "#1E4C63FF"),
    ("tasks", "tasks", "Reminders ⚠️", "#FF9500FF"),  # fact 3.4
    ("outbox", "outbox", None, "#1E4C63FF"),
)
_COLORS = ("#1BADF8FF", "#63DA38FF", "#FF9500FF", "#CC73E1FF", "#FF2968FF", "#A2845EFF")
_ORDER: dict[str, int] = {"event": 0, "inbox": 1, "notification": 2, "tasks": 3, "subscribed": 5, "outbox": 6}


@dataclass
class Account:
    """One person. Passwords are app-specific ones: text -> label."""

    world: World = field(repr=False)
    dsid: str
    apple_id: str
    name: str
    passwords: dict[str, str] = field(default_factory=dict, repr=False)
    aliases: tuple[str, ...] = ()
    partition: Literal["p1", "p2"] = "p1"
    calendars: list[Calendar] = field(default_factory=list, repr=False)
    tombstones: set[str] = field(default_factory=set)  # UIDs, fact 5.7
    locked: bool = False
    writes_expected: set[str] | None = None
    last_etag: int = 0
    made_passwords: int = 0

    # -- where it is -------------------------------------------------------------------------------

    @property
    def base_url(self) -> str:
        return self.world.base_url(self.partition)

    @property
    def principal_path(self) -> str:
        return f"/{self.dsid}/principal/"

    @property
    def home_path(self) -> str:
        return f"/{self.dsid}/calendars/"

    @property
    def home_url(self) -> str:
        return self.base_url + self.home_path

    @property
    def phone(self) -> Phone:
        from tests.fake_icloud.phone import Phone

        return Phone(self)

    def migrate(self, partition: Literal["p1", "p2"]) -> None:
        """Move to another host; paths stay (fact 1.6)."""
        self.partition = partition
        self.world.changed()

    def lock(self) -> None:
        """Answer every request of this account 403 with an empty body."""
        self.locked = True
        self.world.changed()

    def unlock(self) -> None:
        self.locked = False
        self.world.changed()

    # -- passwords (section 2 of icloud-protocol) --------------------------------------------------

    @property
    def password(self) -> str:
        """The newest password that still works; LookupError when all are revoked."""
        if not self.passwords:
            raise LookupError(f"{self.apple_id} has no password left")
        return next(reversed(self.passwords))

    def new_password(self, label: str = "LeadMagicX Calendar", *, text: str | None = None) -> str:
        """Make an app-specific password, of the form abcd-efgh-ijkl-mnop."""
        with self.world.lock:
            self.made_passwords += 1
            digest = hashlib.sha256(f"{self.dsid}/{self.made_passwords}".encode()).digest()
            letters = "".join(chr(97 + octet % 26) for octet in digest[:16])
            made = text or "-".join(letters[at : at + 4] for at in range(0, 16, 4))
            self.passwords[made] = label
            self.world.secrets.add(made)
            self.world.changed()
            return made

    def revoke(self, password: str) -> None:
        with self.world.lock:
            del self.passwords[password]
            self.world.changed()

    def revoke_all(self) -> None:
        with self.world.lock:
            self.passwords.clear()
            self.world.changed()

    def change_password(self) -> None:
        """Change the Apple Account password, which revokes every app-specific one (fact 2.2)."""
        self.revoke_all()

    # -- calendars ---------------------------------------------------------------------------------

    def calendar(self, name: str | Calendar) -> Calendar:
        """Return a calendar by its name, else by its path id; LookupError when there is none."""
        if isinstance(name, Calendar):
            return name
        for calendar in self.calendars:
            if calendar.name == name:
                return calendar
        found = self.by_path_id(name)
        if found is None:
            raise LookupError(f"{self.apple_id} has no calendar {name!r}")
        return found

    def by_path_id(self, path_id: str) -> Calendar | None:
        for calendar in self.calendars:
            if calendar.path_id == path_id:
                return calendar
        return None

    def add_special(self) -> None:
        """Give the account the collections every iCloud account has (fact 3.2)."""
        for path_id, kind, name, color in _SPECIAL:
            store = Store(f"{self.dsid}/{path_id}", self)
            self._add(Calendar(self, path_id, kind, name, store, color=color, order=len(self.calendars) + 1))

    def add_calendar(self, name: str | None, *, color: str | None = None, path_id: str | None = None) -> Calendar:
        """Add an empty calendar of its own. Home and Work get those path ids, others a UUID (fact 3.2)."""
        with self.world.lock:
            if path_id is None:
                plain = name in ("Home", "Work") and self.by_path_id(str(name).lower()) is None
                path_id = str(name).lower() if plain else str(uuid.uuid4()).upper()
            count = len(self.calendars)
            store = Store(f"{self.dsid}/{path_id}", self)
            color = color or _COLORS[count % len(_COLORS)]
            return self._add(Calendar(self, path_id, "event", name, store, color=color, order=count + 1))

    def subscribe(self, name: str, url: str = "webcal://example.org/holidays.ics") -> Calendar:
        """Add a calendar by URL: listed, but without events inside (fact 3.3)."""
        with self.world.lock:
            path_id = str(uuid.uuid4()).upper()
            store = Store(f"{self.dsid}/{path_id}", self)
            return self._add(Calendar(self, path_id, "subscribed", name, store, color="#A2845EFF", source_url=url))

    def share(self, name: str | Calendar, *, to: Account, access: Literal["ro", "rw"]) -> Calendar:
        """Share a calendar; returns it as the other account sees it, under a 64-hex path id (fact 3.5)."""
        with self.world.lock:
            mine = self.calendar(name)
            path_id = hashlib.sha256(f"{mine.store.id}>{to.dsid}".encode()).hexdigest()
            right: Access = "shared-rw" if access == "rw" else "shared-ro"
            mine.shared_out = True
            self.unshare(mine, to=to)
            return to._add(Calendar(to, path_id, "event", mine.name, mine.store, mine.color, access=right))

    def unshare(self, name: str | Calendar, *, to: Account) -> None:
        with self.world.lock:
            store = self.calendar(name).store
            to.calendars = [calendar for calendar in to.calendars if calendar.store is not store]
            self.world.changed()

    def change_calendar_access(self, name: str | Calendar, *, to: Account, access: Literal["ro", "rw"]) -> None:
        with self.world.lock:
            store = self.calendar(name).store
            for calendar in to.calendars:
                if calendar.store is store:
                    calendar.access = "shared-rw" if access == "rw" else "shared-ro"
            self.world.changed()

    def rename_calendar(self, name: str | Calendar, new: str | None) -> None:
        with self.world.lock:
            calendar = self.calendar(name)
            calendar.name = new
            calendar.store.rev += 1
            self.world.changed()

    def recolor_calendar(self, name: str | Calendar, color: str) -> None:
        with self.world.lock:
            calendar = self.calendar(name)
            calendar.color = color
            calendar.store.rev += 1
            self.world.changed()

    def delete_calendar(self, name: str | Calendar) -> None:
        """Delete an own calendar for everybody, or leave a shared or subscribed one."""
        with self.world.lock:
            gone = self.calendar(name)
            for account in self.world.accounts.values():
                if account is self or gone.access == "owner":
                    account.calendars = [one for one in account.calendars if one.store is not gone.store]
            if gone.access == "owner":
                self.tombstones.update(obj.uid for obj in gone.store.objects.values())
            self.world.changed()

    def _add(self, calendar: Calendar) -> Calendar:
        self.calendars.append(calendar)
        # Home, own, inbox, notification, tasks, shared, subscribed, outbox: the order of recorded replies (fact 3.2).
        self.calendars.sort(key=lambda one: 4 if one.access != "owner" else _ORDER[one.kind])
        self.world.changed()
        return calendar

    def next_etag(self) -> str:
        """Return a new ETag: base36 of a millisecond stamp, always growing (fact 4.8)."""
        self.last_etag = max(self.last_etag + 1, int(self.world.clock.now() * 1000))
        return f'"{base36(self.last_etag)}"'
