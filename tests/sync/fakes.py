"""Both sides in memory, small enough to see through; every call is on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from icloud_sync.errors import ItemChanged, ItemMissing
from icloud_sync.rules.merge import Merge
from icloud_sync.rules.states import Local
from icloud_sync.sync.sides import Additions, Copy, Draft, Fields, Seen

BASE: Fields = {"title": "Fitting", "start": "10:00", "end": "11:00", "location": "", "notes": ""}
MOVED = BASE | {"start": "12:00", "end": "13:00"}
RENAMED = BASE | {"title": "Second fitting"}
PATH = "/1/calendars/home/U.ics"


def copy_of(local: Local = Local.SAME, **values: Any) -> Copy:
    """Return a copy that was written once as BASE, or never for Local.NEW."""
    wanted = {Local.MOVED: MOVED, Local.EDITED: RENAMED, Local.ABSENT: None}.get(local, BASE)
    known: dict[str, Any] = {} if local is Local.NEW else {"base": BASE, "etag": '"1"'}
    defaults = {"id": 7, "path": PATH, "uid": "U", "etag": "", "local": local, "wanted": wanted, "revision": 3}
    return Copy(**defaults | known | values)


def seen_as(fields: Fields = BASE, **values: Any) -> Seen:
    """Return our event as iCloud has it."""
    defaults = {"path": PATH, "etag": '"1"', "body": repr(fields).encode(), "uid": "U", "fields": fields}
    return Seen(**defaults | values)


@dataclass
class ICloud:
    """Theirs. Holds events by path; `script` maps a method to what happens at its calls, one after the other: an error
    to raise before anything is done, or (error, "applied") to raise after it is done, or an ETag to answer."""

    events: dict[str, Seen] = field(default_factory=dict)
    script: dict[str, list[Any]] = field(default_factory=dict)
    elsewhere: Seen | None = None
    before_write: Callable[[], None] = lambda: None
    calls: list[str] = field(default_factory=list)
    named: list[str | None] = field(default_factory=list)
    tick: int = 1

    def look(self, copy: Copy) -> Seen | None:
        self.calls.append("look")
        answer = self._next("look", self.events.get(copy.path))
        assert answer is None or isinstance(answer, Seen)
        return answer

    def glance(self, copy: Copy) -> Seen | None:
        self.calls.append("glance")
        seen = self._next("glance", self.events.get(copy.path))
        assert seen is None or isinstance(seen, Seen)
        return seen

    def find(self, copy: Copy, *, named: str | None) -> Seen | None:
        self.calls.append("find")
        self.named.append(named)
        return self.elsewhere

    def draft(self, copy: Copy, seen: Seen | None) -> Draft:
        assert copy.wanted is not None
        kept = "" if seen is None else seen.unsupported
        return Draft(body=repr(copy.wanted).encode(), fields=copy.wanted, unsupported=kept)

    def additions(self, copy: Copy, seen: Seen) -> Additions:
        return {"of": [seen.etag]}

    def create(self, copy: Copy, draft: Draft) -> str | None:
        return self._write("create", copy, draft, clash=copy.path in self.events)

    def update(self, copy: Copy, seen: Seen, draft: Draft) -> str | None:
        self.before_write()
        if copy.path not in self.events:
            self.calls.append("update")
            raise ItemMissing
        return self._write("update", copy, draft, clash=self.events[copy.path].etag != seen.etag)

    def delete(self, copy: Copy, etag: str) -> None:
        self.calls.append(f"delete {etag}")
        self._next("delete", None)
        if copy.path not in self.events:
            raise ItemMissing
        if self.events[copy.path].etag != etag:
            raise ItemChanged
        del self.events[copy.path]

    def put(self, fields: Fields, *, path: str = PATH, **values: Any) -> str:
        """Store an event under a new ETag."""
        self.tick += 1
        self.events[path] = seen_as(fields, path=path, **{"etag": f'"{self.tick}"'} | values)
        return self.events[path].etag

    def _write(self, name: str, copy: Copy, draft: Draft, *, clash: bool) -> str | None:
        self.calls.append(name)
        told = self._next(name, ...)
        if clash:
            raise ItemChanged
        etag = self.put(draft.fields, path=copy.path, uid=copy.uid)
        if isinstance(told, tuple):
            raise told[0]
        return etag if told is ... else told

    def _next(self, name: str, usual: Any) -> Any:
        waiting = self.script.get(name)
        if not waiting:
            return usual
        told = waiting.pop(0)
        if isinstance(told, Exception):
            raise told
        return usual if told is ... else told


class NoRequest:
    """An iCloud that must not be asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a request was made: {name}")


@dataclass
class LeadMagicX:
    """Ours. Says what happened in `notes`, in the order it did."""

    copy: Copy
    notes: list[Any] = field(default_factory=list)
    replaced: bool = False
    on_adopted: Callable[[Copy], Copy] = lambda copy: copy
    on_merged: Callable[[Copy], Copy] = lambda copy: copy

    def begin(self, copy: Copy, draft: Draft, *, before: Fields | None) -> Copy:
        self.notes.append(("begin", draft.fields, before))
        return replace(copy, intents=(*copy.intents, draft.fields), before=before, sent=True)

    def written(self, copy: Copy, draft: Draft, *, etag: str) -> None:
        self.notes.append(("written", draft.fields, etag))

    def agreed(self, copy: Copy, seen: Seen) -> None:
        self.notes.append(("agreed", seen.etag))

    def adopted(self, copy: Copy, seen: Seen) -> Copy:
        self.notes.append(("adopted", seen.path, seen.etag))
        local = Local.SAME if copy.wanted == seen.fields else Local.EDITED
        return self.on_adopted(replace(copy, local=local, base=seen.fields, etag=seen.etag, intents=()))

    def acknowledged(self, copy: Copy, seen: Seen) -> None:
        self.notes.append(("acknowledged", seen.etag))

    def merged(self, copy: Copy, seen: Seen, result: Merge) -> Copy:
        self.notes.append(("merged", result.take, result.lost))
        wanted = None if copy.wanted is None else copy.wanted | result.take
        local = Local.SAME if wanted == seen.fields else copy.local
        return self.on_merged(replace(copy, base=seen.fields, wanted=wanted, local=local, etag=seen.etag, intents=()))

    def left_behind(self, copy: Copy, seen: Seen) -> None:
        self.notes.append(("left_behind", seen.fields))

    def unsupported(self, copy: Copy, seen: Seen) -> None:
        self.notes.append(("unsupported", seen.unsupported))

    def look_later(self, copy: Copy) -> None:
        self.notes.append("look_later")

    def vanished(self, copy: Copy) -> None:
        self.notes.append("vanished")

    def removed(self, copy: Copy) -> None:
        self.notes.append("removed")

    def recreate(self, copy: Copy) -> None:
        self.notes.append("recreate")

    def restored(self, copy: Copy, seen: Seen) -> Copy:
        self.notes.append(("restored", seen.path))
        local = Local.SAME if copy.local in (Local.REMOVED, Local.LEFT_OFF) else copy.local
        return replace(copy, local=local, path=seen.path, etag=seen.etag)

    def removing(self, copy: Copy) -> None:
        pass

    def is_replaced(self, copy: Copy) -> bool:
        return self.replaced

    def hand_on(self, copy: Copy, additions: Additions) -> None:
        if self.replaced:
            self.notes.append(("hand_on", additions))

    def without_additions(self, copy: Copy) -> Copy:
        self.notes.append("without_additions")
        return replace(copy, additions=None)

    def gone(self, copy: Copy, *, found: bool, moved: bool = False) -> None:
        self.notes.append(("gone", found))

    def renamed(self, copy: Copy) -> Copy:
        self.notes.append("renamed")
        return replace(
            copy, uid="V", path=PATH.replace("U", "V"), identities=copy.identities + 1, sent=False, intents=()
        )

    def refused(self, copy: Copy, *, code: str, detail: str) -> None:
        self.notes.append(("refused", code, detail))

    def idle(self, copy: Copy) -> None:
        self.notes.append("idle")
