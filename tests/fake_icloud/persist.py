"""The whole state in one JSON file, so that a server started again goes on where it stopped."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.fake_icloud import ics
from tests.fake_icloud.account import Account
from tests.fake_icloud.server import FakeICloud
from tests.fake_icloud.state import Calendar, Obj, Overlay, Store
from tests.fake_icloud.world import World

FORMAT = 1
SECONDS_BETWEEN_SAVES = 0.2
_ACCOUNT = (
    "dsid",
    "apple_id",
    "name",
    "passwords",
    "aliases",
    "partition",
    "tombstones",
    "locked",
    "last_etag",
    "made_passwords",
)
_STORE = ("id", "rev", "log", "tombstones", "issued", "due")
_CALENDAR = ("path_id", "kind", "name", "color", "order", "access", "source_url", "shared_out")
_OBJ = ("name", "uid", "etag", "rev", "touched", "listing_from", "multiget_from", "stale_until", "absences")


def _text(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _plain(thing: object, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(thing, name) for name in names}
    return {name: sorted(value) if isinstance(value, set) else value for name, value in values.items()}


def dump(icloud: FakeICloud) -> dict[str, Any]:
    """Return accounts, calendars, events, revisions, tokens, tombstones and switches as plain values."""
    world = icloud.world
    with world.lock:
        stores = {id(one.store): one.store for account in icloud.accounts for one in account.calendars}
        return {
            "format": FORMAT,
            "ports": icloud.ports,
            "zone": world.zone,
            "outage": world.outage,
            "profile": world.profile,
            "flags": asdict(world.flags),
            "accounts": [_plain(account, _ACCOUNT) for account in icloud.accounts],
            "stores": [_dump_store(store) for store in stores.values()],
            "calendars": [
                {"account": account.dsid, "store": one.store.id, **_plain(one, _CALENDAR)}
                for account in icloud.accounts
                for one in account.calendars
            ],
        }


def _dump_store(store: Store) -> dict[str, Any]:
    return {
        **_plain(store, _STORE),
        "owner": store.owner.dsid,
        "issued": list(store.issued.items()),
        "log": list(store.log),
        "due": list(store.due),
        "objects": [
            {
                **_plain(obj, _OBJ),
                "body": _text(obj.body),
                "previous": obj.previous and [_text(obj.previous[0]), obj.previous[1]],
                "overlays": {dsid: _dump_overlay(overlay) for dsid, overlay in obj.overlays.items()},
            }
            for obj in store.objects.values()
        ],
    }


def _dump_overlay(overlay: Overlay) -> list[Any]:
    return [overlay.transp, [_text(ics.serialise(alarm)) for alarm in overlay.alarms]]


def restore(icloud: FakeICloud, data: dict[str, Any]) -> None:
    """Fill a fresh server with what dump() returned. ValueError for a file of another format."""
    if data.get("format") != FORMAT:
        raise ValueError(f"state of format {data.get('format')!r}, not {FORMAT}")
    world = icloud.world
    with world.lock:
        world.zone, world.outage = data["zone"], data["outage"]
        for name, value in data["flags"].items():
            setattr(world.flags, name, tuple(value) if isinstance(value, list) else value)
        for item in data["accounts"]:
            account = Account(world, item["dsid"], item["apple_id"], item["name"])
            for name in _ACCOUNT:
                setattr(account, name, item[name])
            account.aliases, account.tombstones = tuple(item["aliases"]), set(item["tombstones"])
            world.accounts[account.dsid] = account
            world.secrets.update(account.passwords)
        stores = {item["id"]: _load_store(world, item) for item in data["stores"]}
        for item in data["calendars"]:
            owner = world.accounts[item["account"]]
            values = {name: item[name] for name in _CALENDAR}
            owner.calendars.append(Calendar(owner, store=stores[item["store"]], **values))


def _load_store(world: World, item: dict[str, Any]) -> Store:
    store = Store(item["id"], world.accounts[item["owner"]], rev=item["rev"])
    store.log = [(rev, name) for rev, name in item["log"]]
    store.tombstones = set(item["tombstones"])
    store.issued = dict(item["issued"])
    store.due = [(at, name, new_etag) for at, name, new_etag in item["due"]]
    for one in item["objects"]:
        obj = Obj(body=_bytes(one["body"]), **{name: one[name] for name in _OBJ})
        if one["previous"]:
            obj.previous = (_bytes(one["previous"][0]), one["previous"][1])
        for dsid, (transp, alarms) in one["overlays"].items():
            wrapped = ics.parse(_bytes("BEGIN:VCALENDAR\r\n" + "".join(alarms) + "END:VCALENDAR\r\n"))
            obj.overlays[dsid] = Overlay(transp, wrapped.children)
        store.objects[obj.name] = obj
        store.names[obj.uid] = obj.name
    return store


def read(path: Path) -> dict[str, Any] | None:
    """Return the contents of a state file, or None when there is none."""
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None


class Keeper:
    """Writes the state soon after each change, in one piece, until close()."""

    def __init__(self, icloud: FakeICloud, path: Path) -> None:
        self._icloud, self._path = icloud, path
        self._saved = -1
        self._stop = threading.Event()
        self.save()
        self._thread = threading.Thread(target=self._run, name="icloud-state", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(SECONDS_BETWEEN_SAVES):
            self.save()

    def save(self) -> None:
        """Write the file if anything changed since it was written."""
        version = self._icloud.world.version
        if version == self._saved:
            return
        text = json.dumps(dump(self._icloud))
        fresh = self._path.with_name(f".{self._path.name}.new")
        fresh.write_text(text, "utf-8")
        fresh.replace(self._path)
        self._saved = version

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.save()
