"""What REST refuses, as the OpenAPI schema tells it: `{code, detail, fields}`, and which codes each operation has.

Serializers say what goes well; nothing but this table says what does not.
"""

from __future__ import annotations

import re
from typing import Any

Schema = dict[str, Any]

# Code: (status, when).
CODES: dict[str, tuple[int, str]] = {
    "invalid": (400, "Something in the body or the query is missing or wrong; `fields` says what, by name."),
    "parse_error": (400, "The body is not JSON."),
    "invalid_range": (400, "`to` is before `from`, or the range is too long."),
    "simple_calendar_not_supported": (400, "A Simple calendar cannot use iCloud."),
    "immutable": (400, "The type of a calendar never changes."),
    "duplicate_member": (400, "A user can be a member of a calendar only once."),
    "one_primary": (400, "Only one member can be the primary one."),
    "class_needs_one_owner": (400, "A class has exactly one member."),
    "collective_needs_two": (400, "A collective calendar has two members or more."),
    "member_required": (400, "The calendar needs at least one member."),
    "simple_has_one_member": (400, "A Simple calendar has one member at most."),
    "duplicate_date": (400, "A date is given twice in `date_overrides`."),
    "hours_out_of_order": (400, "Hours end before they start."),
    "hours_overlap": (400, "Hours of one day overlap."),
    "not_a_member": (400, "The host is not a member of the calendar."),
    "not_an_app_specific_password": (400, "It cannot be one, so it was not sent to Apple."),
    "password_rejected": (400, "Apple did not accept this e-mail and password."),
    "already_connected": (400, "This user has connected this iCloud account already."),
    "different_account": (400, "The password belongs to another Apple account."),
    "writer_access_required": (400, "The user may not edit this calendar in iCloud, so it cannot be the primary one."),
    "subscription_not_supported": (400, "Subscribed and public calendars cannot be used."),
    "gone": (400, "The calendar is not in iCloud any more."),
    "written_events_required": (400, "Say `keep` or `remove` for the appointments that are in iCloud."),
    "invalid_url": (400, "A webhook needs an http or https address that names a host."),
    "private_host": (400, "Webhooks do not go to private networks."),
    "not_authenticated": (401, "No token and no session, or a token that is not known."),
    "permission_denied": (403, "For staff only, or a session without its CSRF token."),
    "read_only": (403, "What comes from iCloud is changed there."),
    "not_found": (404, "It does not exist, or it is somebody else's."),
    "method_not_allowed": (405, "The address has no such method."),
    "not_acceptable": (406, "Answers are JSON."),
    "slot_unavailable": (409, "The time is taken, off the grid or outside the hours; `reasons` says why."),
    "invalid_state": (409, "Not possible as things stand."),
    "idempotency_in_progress": (409, "The first request with this key is still running."),
    "credentials_unreadable": (409, "The stored password cannot be read any more; reconnect."),
    "unsupported_media_type": (415, "Send `Content-Type: application/json`."),
    "idempotency_key_reused": (422, "This key came with another body before."),
    "throttled": (429, "Too many failed attempts to connect; `Retry-After` says when to come back."),
    "icloud_unreachable": (503, "iCloud does not answer; `Retry-After` when Apple says so."),
}

_BOOKING = ["simple_calendar_not_supported", "not_a_member", "slot_unavailable"]
_CALENDAR = [
    "simple_calendar_not_supported", "duplicate_member", "one_primary", "class_needs_one_owner",
    "collective_needs_two", "member_required", "simple_has_one_member", "duplicate_date", "hours_out_of_order",
    "hours_overlap", "permission_denied",
]  # fmt: skip
_CHOICE = ["writer_access_required", "subscription_not_supported", "gone"]
_PASSWORD = ["not_an_app_specific_password", "password_rejected", "throttled", "icloud_unreachable"]

# What an operation refuses beyond the usual, by its method and its address below /api/v1/.
OWN: dict[tuple[str, str], list[str]] = {
    ("get", "calendars/{id}/free-slots/"): ["invalid_range", "not_a_member"],
    ("post", "appointments/"): [*_BOOKING, "idempotency_in_progress", "idempotency_key_reused"],
    ("patch", "appointments/{id}/"): [*_BOOKING, "invalid_state"],
    ("post", "appointments/{id}/icloud/leave-off/"): ["invalid_state"],
    ("post", "appointments/{id}/icloud/put-back/"): ["invalid_state"],
    ("post", "appointments/{id}/icloud/retry/"): ["invalid_state"],
    ("post", "attention/{id}/acknowledge/"): ["invalid_state"],
    ("post", "attention/{id}/retry/"): ["invalid_state"],
    ("post", "blocked-slots/"): ["permission_denied"],
    ("patch", "blocked-slots/{id}/"): ["read_only"],
    ("delete", "blocked-slots/{id}/"): ["read_only"],
    ("post", "blocked-slots/{id}/release/"): ["invalid_state"],
    ("post", "calendars/"): _CALENDAR,
    ("put", "calendars/{id}/"): [*_CALENDAR, "immutable"],
    ("patch", "calendars/{id}/"): [*_CALENDAR, "immutable"],
    ("delete", "calendars/{id}/"): ["permission_denied", "invalid_state"],
    ("delete", "contacts/{id}/"): ["invalid_state"],
    ("post", "icloud/connections/"): [*_PASSWORD, "already_connected"],
    ("delete", "icloud/connections/{id}/"): ["written_events_required"],
    ("post", "icloud/connections/{id}/reconnect/"): [*_PASSWORD, "different_account"],
    ("post", "icloud/connections/{id}/sync/"): ["invalid_state"],
    ("put", "me/calendar-settings/"): _CHOICE,
    ("patch", "me/calendar-settings/"): _CHOICE,
    ("get", "users/"): ["permission_denied"],
    ("post", "users/"): ["permission_denied"],
    ("get", "users/{id}/"): ["permission_denied"],
    ("post", "webhooks/"): ["invalid_url", "private_host"],
    ("put", "webhooks/{id}/"): ["invalid_url", "private_host"],
    ("patch", "webhooks/{id}/"): ["invalid_url", "private_host"],
}
ERROR: Schema = {
    "type": "object",
    "description": "What every refusal looks like. `reasons` comes with `slot_unavailable`.",
    "properties": {
        "code": {"type": "string", "description": "For programs; it does not change."},
        "detail": {"type": "string", "description": "For people, in the language of the request."},
        "fields": {"type": "object", "additionalProperties": {}, "description": "What is wrong, by field."},
        "reasons": {"type": "array", "items": {}, "description": "Why the time is closed."},
    },
    "required": ["code", "detail", "fields"],
}
# Ids of rules are for those who read docs/sync-rules.md beside the code.
RULE = re.compile(r" ?\((?:rules?|reliability) [A-Z]\d+[^)]*\)")


def complete(result: Schema, generator: Any, request: Any, public: bool) -> Schema:  # noqa: FBT001 - a hook's signature
    """Add to a generated schema what may be refused; a hook of drf-spectacular (POSTPROCESSING_HOOKS)."""
    result["components"]["schemas"]["Error"] = ERROR
    for path, item in result["paths"].items():
        for verb, operation in item.items():
            by_status: dict[int, list[str]] = {}
            for code in codes_of(path, verb, operation):
                by_status.setdefault(CODES[code][0], []).append(code)
            for status, codes in sorted(by_status.items()):
                operation["responses"][str(status)] = {
                    "description": ", ".join(f"`{code}`" for code in codes),
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
    found: Schema = _without_rules(result)
    return found


def codes_of(path: str, verb: str, operation: Schema) -> list[str]:
    """Return every code an operation may refuse with, the usual ones first."""
    asked = [one for one in operation.get("parameters", []) if one["in"] == "query"]
    usual = ["invalid"] if asked or "requestBody" in operation else []
    usual += ["not_authenticated"] + (["not_found"] if "{id}" in path else [])
    return usual + OWN.get((verb, path.removeprefix("/api/v1/")), [])


def _without_rules(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: RULE.sub("", found) if name == "description" and isinstance(found, str) else _without_rules(found)
            for name, found in value.items()
        }
    return [_without_rules(one) for one in value] if isinstance(value, list) else value
