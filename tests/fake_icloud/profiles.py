"""Every switch of the server, and the three sets of them that scenarios run under.

`probed` holds what was measured on iCloud, `reported` adds what single clients saw, `hostile` adds what is legal
and awkward. A changed fact in icloud-protocol is a changed default here.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

PROFILES = ("probed", "reported", "hostile")


@dataclass
class Flags:
    """One field per quirk. Times are seconds, sizes octets."""

    # Requests
    basic_first: bool = False  # order of the two challenges, fact 2.5
    redirect_discovery: Literal["off", "301", "302", "307", "308"] = "off"  # fact 1.7
    wrong_partition: Literal["ok", "421", "301", "refuse"] = "ok"  # fact 1.6
    well_known: Literal["501", "301"] = "501"  # fact 1.1
    throttle: tuple[float, int, str] | None = None  # window, limit, advertised Retry-After: fact 8.1
    # Answers
    odd_content_type: bool = False  # fact 1.10
    home_href_path_only: bool = False  # fact 1.3 the other way round
    hrefs_on_discovery_host: bool = False  # fact 1.5
    shared_type: bool = True  # CS:shared in the resourcetype of shares, fact 3.5
    # Change detection
    token_error: Literal["rfc", "bare403", "410", "412", "relist"] = "rfc"  # fact 4.6
    token_ttl: float = 14 * 86400  # fact 4.7
    truncate_at: int | None = None  # fact 4.5
    truncate_mode: Literal["continue", "stuck", "http507"] = "continue"
    duplicate_hrefs: bool = False  # fact 4.10
    listing_lag: float = 0  # objects we PUT are missing from listings, fact 4.9
    multiget_lag: float = 0  # new objects are listed but cannot be fetched in bulk, fact 4.9
    multiget_omit: bool = False  # ... and are left out instead of answered 404
    stale_reads: float = 0  # the old body and ETag after a PUT, fact 4.9
    multiget_member_status: int | None = None  # one member fails with 503 or 403, fact 9.10
    multiget_other_href: bool = False  # shares answer under the owner's DSID, fact 3.5
    multiget_max: int | None = None  # fact 4.19
    # Queries
    textsearch: Literal["412", "empty207"] = "412"  # fact 4.14
    expand: Literal["works", "ignored", "empty"] = "works"  # fact 4.16
    # Bodies as served
    dup_dtstamp: bool = False  # fact 7.13
    tzid_property: bool = False  # fact 7.13
    empty_url: bool = False  # fact 7.13
    default_alarms: bool = False  # fact 7.13
    strip_vtimezone: bool = False  # fact 7.7
    # Writes
    unknown_calendar_status: Literal[404, 409] = 404
    readonly_error_body: bool = True  # fact 5.15
    touched_412: bool = True  # fact 5.5
    tombstones: bool = True  # fact 5.7
    refuse_method: bool = False  # fact 5.17
    no_dtend_status: Literal[404, 403] = 404  # fact 5.3
    vtimezone_required: bool = False  # fact 5.16
    strict_values: bool = False  # fact 5.16
    uid_elsewhere_status: Literal[412, 403] = 412  # fact 5.11
    uid_conflict_status: Literal[403, 412] = 403  # fact 5.11
    max_size: int = 20 * 1024 * 1024  # fact 3.9
    max_size_status: Literal[413, 403] = 413
    honour_schedule_agent: bool = False  # fact 6.3
    put_etag: Literal["always", "never", "alternate"] = "always"  # fact 5.9
    rewrite_body: bool = False  # fact 5.10; with put_etag="alternate" only where no ETag is sent
    move: Literal[201, 412, 403, 405] = 201  # fact 5.13


_REPORTED: dict[str, Any] = {
    "dup_dtstamp": True,
    "put_etag": "alternate",
    "token_error": "bare403",
    "redirect_discovery": "301",
    "duplicate_hrefs": True,
    "listing_lag": 30.0,
    "multiget_omit": True,
    "odd_content_type": True,
    "hrefs_on_discovery_host": True,
    "strip_vtimezone": True,
    "rewrite_body": True,
}

_HOSTILE: dict[str, Any] = {
    **_REPORTED,
    "truncate_at": 3,
    "token_error": "relist",
    "throttle": (10.0, 60, "2"),
    "vtimezone_required": True,
    "strict_values": True,
    "move": 405,
    "wrong_partition": "421",
    "expand": "empty",
}


def flags_of(profile: str) -> Flags:
    """Return fresh switches for a profile by name."""
    changes = {"probed": {}, "reported": _REPORTED, "hostile": _HOSTILE}[profile]
    return dataclasses.replace(Flags(), **changes)
