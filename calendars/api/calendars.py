"""calendars/ and calendars/{id}/free-slots/."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import permissions, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from calendars import messages, selectors
from calendars.api.fields import LONGEST_ID, ClockField, WholeRow, ZoneField, shown
from calendars.choices import CalendarType
from calendars.models import Calendar, Member
from calendars.selectors import FreeSlots, Offer
from calendars.selectors.busy import hosts_of
from calendars.services import calendars as services
from calendars.services.calendar_rules import HoursInput, MemberInput, OverrideInput
from calendars.services.errors import NotAMember
from calendars.zones import YEARS
from leadmagicx.accounts.models import User

LONGEST_RANGE_DAYS = 62
LISTS = {"members", "hours", "date_overrides"}
T = TypeVar("T")


class UserIdField(serializers.PrimaryKeyRelatedField):
    """A user by id; a number too large for any id is none."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except OverflowError:
            self.fail("incorrect_type", data_type=type(data).__name__)


class MemberSerializer(WholeRow, serializers.ModelSerializer):
    """A host of the calendar; the order of the list is kept."""

    serializer_related_field = UserIdField

    class Meta:
        model = Member
        fields = ["user", "priority", "is_primary"]


class HoursSerializer(WholeRow, serializers.Serializer):
    """One interval of a weekday in the calendar's zone."""

    weekday = serializers.IntegerField(min_value=0, max_value=6, help_text="0 is Monday.")
    start = ClockField(source="start_minute")
    end = ClockField(source="end_minute")


class IntervalSerializer(WholeRow, serializers.Serializer):
    """One interval of a date in the calendar's zone."""

    start = ClockField()
    end = ClockField()


class OverrideList(serializers.ListSerializer):
    """Rows of the database hold one interval each; REST shows one entry a date."""

    def to_representation(self, data: Any) -> list[Any]:
        clock, by_date = ClockField(), dict[date, list[dict[str, str]]]()
        for row in data.all():
            intervals = by_date.setdefault(row.date, [])
            if row.start_minute is not None:
                start, end = clock.to_representation(row.start_minute), clock.to_representation(row.end_minute)
                intervals.append({"start": start, "end": end})
        return [{"date": day.isoformat(), "intervals": intervals} for day, intervals in by_date.items()]


class OverrideSerializer(WholeRow, serializers.Serializer):
    """What replaces the weekday's hours on one date; no intervals close it."""

    class Meta:
        list_serializer_class = OverrideList

    date = serializers.DateField()
    intervals = IntervalSerializer(many=True)

    def validate_date(self, value: Any) -> Any:
        if value.year not in YEARS:
            raise serializers.ValidationError("The year must be from 1970 to 2199.", code="invalid")
        return value


class CalendarSerializer(serializers.ModelSerializer):
    """A booking calendar. Durations are in minutes."""

    members = MemberSerializer(many=True, required=False)
    hours = HoursSerializer(many=True, required=False)
    date_overrides = OverrideSerializer(many=True, required=False)
    icloud_enabled = serializers.BooleanField(required=False)
    slot_interval = serializers.IntegerField(required=False, min_value=1, max_value=24 * 60)

    class Meta:
        model = Calendar
        fields = [
            "id", "name", "type", "timezone", "icloud_enabled", "slot_duration", "slot_interval", "buffer_before",
            "buffer_after", "minimum_notice", "booking_window_days", "max_per_day", "seats_per_slot", "assignment",
            "members", "hours", "date_overrides",
        ]  # fmt: skip


class CalendarInput:
    """The validated body of a calendar, as the services take it; lists that were left out are None."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.values = {name: value for name, value in data.items() if name not in LISTS}
        self.members = _list_of(data, "members", _member)
        self.hours = _list_of(data, "hours", _hours)
        self.overrides = _list_of(data, "date_overrides", _override)


def _list_of(data: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any]], T]) -> list[T] | None:
    return [read(row) for row in data[name]] if name in data else None


def _member(row: Mapping[str, Any]) -> MemberInput:
    return MemberInput(row["user"].pk, row.get("priority", 0.0), row.get("is_primary", False))


def _hours(row: Mapping[str, Any]) -> HoursInput:
    return HoursInput(row["weekday"], row["start_minute"], row["end_minute"])


def _override(row: Mapping[str, Any]) -> OverrideInput:
    return OverrideInput(row["date"], tuple((found["start"], found["end"]) for found in row["intervals"]))


class FreeSlotsQuery(serializers.Serializer):
    """What free-slots/ is asked; `from` and `to` are both included."""

    timezone = ZoneField(required=False)
    host = serializers.IntegerField(required=False)
    explain = serializers.BooleanField(default=False)

    def get_fields(self) -> dict[str, serializers.Field]:
        span: dict[str, serializers.Field] = {"from": serializers.DateField(), "to": serializers.DateField()}
        return span | super().get_fields()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = attrs["from"], attrs["to"]
        if not timedelta(0) <= last - first < timedelta(days=LONGEST_RANGE_DAYS):
            raise serializers.ValidationError(
                f"Ask for 1 to {LONGEST_RANGE_DAYS} days, `from` before `to`.", code="invalid_range"
            )
        if first.year not in YEARS or last.year not in YEARS:
            raise serializers.ValidationError("The year must be from 1970 to 2199.", code="invalid_range")
        return attrs


class ClosedReasonSerializer(serializers.Serializer):
    code = serializers.CharField()
    host = serializers.IntegerField(allow_null=True)
    text = serializers.CharField()


class ExplanationSerializer(serializers.Serializer):
    start = serializers.DateTimeField()
    open = serializers.BooleanField()
    reasons = ClosedReasonSerializer(many=True)


class FreeSlotsSerializer(serializers.Serializer):
    """What is free. `stale`: a host's iCloud data is old; `horizon`: slots beyond it are not offered."""

    timezone = serializers.CharField()
    data_as_of = serializers.DateTimeField(allow_null=True)
    stale = serializers.BooleanField()
    horizon = serializers.DateTimeField(allow_null=True)
    days = serializers.DictField(child=serializers.ListField(child=serializers.DateTimeField()))
    seats_left = serializers.DictField(
        child=serializers.IntegerField(), required=False, help_text="Of a class: seats by open start."
    )
    explanations = serializers.DictField(child=ExplanationSerializer(many=True), required=False)


@dataclass(frozen=True)
class Freshness:
    """How old the hosts' iCloud data is, and until when each host's time is known (rules P13, A5)."""

    data_as_of: datetime | None = None
    stale: bool = False
    horizon: Mapping[int, datetime] = field(default_factory=dict)


class StaffWrite(permissions.BasePermission):
    """Everybody signed in reads what they may; staff write. What may not be read is answered 404, not 403."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        is_one = bool(getattr(view, "detail", False))
        return is_one or request.method in permissions.SAFE_METHODS or bool(request.user and request.user.is_staff)

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        return request.method in permissions.SAFE_METHODS or bool(request.user and request.user.is_staff)


@extend_schema_view(
    list=extend_schema(summary="Calendars"),
    create=extend_schema(summary="Add a calendar"),
    retrieve=extend_schema(summary="One calendar"),
    update=extend_schema(summary="Replace a calendar"),
    partial_update=extend_schema(summary="Change a calendar"),
    destroy=extend_schema(summary="Delete a calendar"),
)
class CalendarViewSet(viewsets.ModelViewSet):
    """Booking calendars: staff write, members read."""

    queryset = Calendar.objects.none()
    serializer_class = CalendarSerializer
    permission_classes = [permissions.IsAuthenticated, StaffWrite]

    def get_queryset(self) -> QuerySet[Calendar]:
        ordered = Prefetch("members", queryset=Member.objects.order_by("position", "pk"))
        readable = selectors.calendars_of(cast(User, self.request.user))
        return readable.prefetch_related(ordered, "hours", "date_overrides").order_by("name", "pk")

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        given = self._given(request, None)
        calendar = services.create(
            values=given.values, members=given.members or (), hours=given.hours or (), overrides=given.overrides or ()
        )
        return Response(self._shown(calendar.pk), status=status.HTTP_201_CREATED)

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        calendar = self.get_object()
        given = self._given(request, calendar, partial=kwargs.get("partial", False))
        services.update(
            calendar_id=calendar.pk,
            values=given.values,
            now=timezone.now(),
            members=given.members,
            hours=given.hours,
            overrides=given.overrides,
        )
        return Response(self._shown(calendar.pk))

    def perform_destroy(self, instance: Calendar) -> None:
        services.delete(calendar_id=instance.pk)

    def freshness(self, *, offer: Offer, host_ids: list[int], now: datetime) -> Freshness:
        """Return how fresh the hosts' iCloud data is; nothing is known of iCloud here."""
        return Freshness()

    @extend_schema(
        summary="What can be booked on each date",
        parameters=[
            OpenApiParameter("from", date, required=True),
            OpenApiParameter("to", date, required=True, description="Included; at most 62 days in all."),
            OpenApiParameter("timezone", str, description="Of dates and answers; the calendar's own by default."),
            OpenApiParameter("host", int, description="Only this member's time."),
            OpenApiParameter("explain", bool, description="Why each start is closed."),
        ],
        responses=FreeSlotsSerializer,
        filters=False,
    )
    @action(detail=True, url_path="free-slots", pagination_class=None)
    def free_slots(self, request: Request, pk: str) -> Response:
        """What can be booked on each date."""
        offer = self._offer(pk)
        query = FreeSlotsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        host_id = asked.get("host")
        if host_id is not None and host_id not in offer.member_ids:
            raise NotAMember(_("The host is not a member of this calendar."))
        now = timezone.now()
        hosts = [host for host in hosts_of(offer, host_id) if host is not None]
        fresh = self.freshness(offer=offer, host_ids=hosts, now=now)
        found = selectors.free_slots(
            offer,
            first=asked["from"],
            last=asked["to"],
            zone=asked.get("timezone") or offer.hours.zone,
            now=now,
            host_id=host_id,
            explain=asked["explain"],
            horizon=fresh.horizon,
        )
        return Response(free_slots_body(found, offer=offer, fresh=fresh, explain=asked["explain"]))

    def _offer(self, pk: str) -> Offer:
        """Return the offer of a calendar the user may read, in one query."""
        if not (pk.isascii() and pk.isdigit() and len(pk) <= LONGEST_ID):
            raise Calendar.DoesNotExist
        offer = selectors.offer_of(int(pk))
        user = self.request.user
        if not user.is_staff and user.pk not in offer.member_ids:
            raise Calendar.DoesNotExist
        return offer

    def _given(self, request: Request, calendar: Calendar | None, *, partial: bool = False) -> CalendarInput:
        serializer = CalendarSerializer(calendar, data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return CalendarInput(serializer.validated_data)

    def _shown(self, calendar_id: int) -> Any:
        return CalendarSerializer(self.get_queryset().get(pk=calendar_id)).data


def free_slots_body(found: FreeSlots, *, offer: Offer, fresh: Freshness, explain: bool) -> dict[str, Any]:
    """Return the answer of free-slots/."""
    zone: ZoneInfo = found.zone
    earliest = min(fresh.horizon.values(), default=None)
    body: dict[str, Any] = {
        "timezone": zone.key,
        "data_as_of": fresh.data_as_of and shown(fresh.data_as_of),
        "stale": fresh.stale,
        "horizon": earliest and shown(earliest),
        "days": {day.isoformat(): [shown(start) for start in starts] for day, starts in found.days.items()},
    }
    if offer.calendar.kind is CalendarType.CLASS_BOOKING:
        body["seats_left"] = {shown(start): left for start, left in found.seats_left.items()}
    if explain:
        names = offer.names
        body["explanations"] = {
            day.isoformat(): [
                {
                    "start": shown(row.start),
                    "open": row.open,
                    "reasons": messages.explained(row.reasons, names=names, zone=zone),
                }
                for row in rows
            ]
            for day, rows in found.explanations.items()
        }
    return body
