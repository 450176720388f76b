"""How REST writes instants, wall times and ranges (contract.md: ISO 8601 with offset)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from calendars.zones import YEARS, zone, zone_names

# No id has more digits, and a number of thousands of them is not even read.
LONGEST_ID = 18
CLOCK = re.compile(r"(\d{2}):(\d{2})", re.ASCII)


def shown(moment: datetime) -> str:
    """Return an instant with its own offset, `Z` for UTC."""
    return moment.isoformat().replace("+00:00", "Z")


class MomentField(serializers.DateTimeField):
    """An instant; without offset it is refused. Shown in UTC."""

    default_error_messages = {
        "no_offset": "Give the offset from UTC, as in 2026-03-01T09:00:00+01:00.",
        "far": "The year must be from 1970 to 2199.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("no_offset")
        if value.year not in YEARS:
            self.fail("far")
        return value.astimezone(UTC)

    def to_internal_value(self, value: Any) -> datetime:
        if isinstance(value, str) and len(value) > 64:
            self.fail("invalid", format="YYYY-MM-DDThh:mm[:ss]+hh:mm")
        try:
            return super().to_internal_value(value)
        except OverflowError:
            self.fail("far")


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentOrDateField(serializers.Field):
    """An instant, or a date: its midnight in the zone of `context["owner"]`, else of the user who asks."""

    default_error_messages = {"far": MomentField.default_error_messages["far"]}

    def to_internal_value(self, value: Any) -> datetime:
        try:
            day = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
        except ValueError:
            day = None
        if day is None:
            return MomentField().to_internal_value(value)
        if day.year not in YEARS:
            self.fail("far")
        lives_there = self.context.get("owner") or self.context["request"].user
        return datetime.combine(day, time(), lives_there.zone).astimezone(UTC)

    def to_representation(self, value: datetime) -> str:
        return shown(value)


@extend_schema_field({"type": "string", "pattern": r"^\d\d:\d\d$", "example": "09:00"})
class ClockField(serializers.Field):
    """A wall time "09:00" as minutes after midnight; "24:00" is the end of the day."""

    default_error_messages = {"clock": 'Write a time as "09:00", up to "24:00".'}

    def to_internal_value(self, value: Any) -> int:
        match = CLOCK.fullmatch(value) if isinstance(value, str) else None
        hour, minute = (int(match[1]), int(match[2])) if match else (99, 99)
        if minute > 59 or hour * 60 + minute > 1440:
            self.fail("clock")
        return hour * 60 + minute

    def to_representation(self, value: int) -> str:
        return f"{value // 60:02d}:{value % 60:02d}"


@extend_schema_field(OpenApiTypes.STR)
class ZoneField(serializers.Field):
    """The name of a time zone."""

    default_error_messages = {"invalid_timezone": "This is not a time zone. Use a name such as Europe/Berlin."}

    def to_internal_value(self, value: Any) -> ZoneInfo:
        if not isinstance(value, str) or value not in zone_names():
            self.fail("invalid_timezone")
        return zone(value)

    def to_representation(self, value: ZoneInfo) -> str:
        return value.key


class WholeRow:
    """Mixin for rows of a list: each is given whole, also where PATCH leaves out other things."""

    def to_internal_value(self, data: Any) -> Any:
        values = super().to_internal_value(data)  # type: ignore[misc]
        fields: dict[str, serializers.Field] = self.fields  # type: ignore[attr-defined]
        missing = [name for name, field in fields.items() if field.required and field.source not in values]
        if missing:
            text = serializers.Field.default_error_messages["required"]
            raise serializers.ValidationError({name: [str(text)] for name in missing}, code="required")
        return values


class SpanFilter(serializers.Serializer):
    """`from` and `to`: objects that overlap [from, to)."""

    def get_fields(self) -> dict[str, serializers.Field]:
        span: dict[str, serializers.Field] = {
            "from": MomentOrDateField(required=False),
            "to": MomentOrDateField(required=False),
        }
        return span | super().get_fields()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "from" in attrs and "to" in attrs and attrs["to"] < attrs["from"]:
            raise serializers.ValidationError("`to` is before `from`.", code="invalid_range")
        return attrs
