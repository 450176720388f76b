"""Event text as it is served: what was stored, plus the noise iCloud was seen to add (fact 7.13)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.fake_icloud.state import Calendar, Obj, overlaid

if TYPE_CHECKING:
    from tests.fake_icloud.world import World

_VTIMEZONE = re.compile(rb"BEGIN:VTIMEZONE\r?\n.*?END:VTIMEZONE\r?\n", re.DOTALL)
_BEGIN = re.compile(rb"(BEGIN:VEVENT(\r?\n))")
_END = re.compile(rb"(END:VEVENT)")
_ALARMS = (
    b"BEGIN:VALARM\r\nACTION:NONE\r\nTRIGGER;VALUE=DATE-TIME:19760401T005545Z\r\n"
    b"UID:5D1A2C0E-0000-4000-8000-000000000001\r\nX-APPLE-DEFAULT-ALARM:TRUE\r\nEND:VALARM\r\n"
    b"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Reminder\r\nTRIGGER:-PT15M\r\n"
    b"UID:5D1A2C0E-0000-4000-8000-000000000002\r\nX-APPLE-DEFAULT-ALARM:TRUE\r\nEND:VALARM\r\n"
)


def text(world: World, calendar: Calendar, obj: Obj, body: bytes) -> bytes:
    """Return the text for one reader. Noise changes octets, never the ETag."""
    flags = world.flags
    body = overlaid(body, obj.overlays.get(calendar.account.dsid))
    inserted = b""
    if flags.dup_dtstamp:  # a second DTSTAMP: the moment of the fetch
        inserted += world.clock.moment().strftime("DTSTAMP:%Y%m%dT%H%M%SZ\r\n").encode()
    if flags.tzid_property:
        inserted += b"TZID:Europe/Berlin\r\n"
    if flags.empty_url:
        inserted += b"URL;VALUE=URI:\r\n"
    if inserted:
        body = _BEGIN.sub(lambda hit: hit.group(1) + inserted, body)
    if flags.default_alarms:
        body = _END.sub(lambda hit: _ALARMS + hit.group(1), body)
    if flags.strip_vtimezone:  # fact 7.7
        body = _VTIMEZONE.sub(b"", body)
    return body
