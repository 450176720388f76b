"""appointments/."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import exceptions, mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from calendars import selectors
from calendars.api import errors
from calendars.api.appointment_serializers import (
    AppointmentFilter,
    AppointmentSerializer,
    BookingInput,
    EditInput,
    Overlay,
)
from calendars.choices import AppointmentStatus
from calendars.models import Appointment, Calendar, Engagement
from calendars.services import booking, idempotency
from calendars.services.contacts import ContactInput
from calendars.services.errors import Refused
from calendars.services.idempotency import Answer, Claim
from calendars.services.transactions import in_transaction
from leadmagicx.accounts.models import User

LONGEST_KEY = 255


@dataclass(frozen=True)
class Verification:
    """What a look at iCloud before the booking found out (rule A5); `own_events` as calendars.services.booking.edit
    takes them."""

    verified: bool = True
    horizon: Mapping[int, datetime] = field(default_factory=dict)
    own_events: Collection[int] = ()


@extend_schema_view(
    list=extend_schema(summary="Appointments"),
    create=extend_schema(summary="Book a slot, or a seat of a class"),
    retrieve=extend_schema(summary="One appointment"),
    partial_update=extend_schema(summary="Move, reassign or edit an appointment"),
    destroy=extend_schema(summary="Delete an appointment"),
    cancel=extend_schema(summary="Cancel an appointment; twice is fine"),
)
class AppointmentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Appointments: book, move, edit, cancel. `overlay`, `verify`, `book`, `edit` are hooks for the app above."""

    queryset = Appointment.objects.none()
    serializer_class = AppointmentSerializer

    def overlay(self, appointments: Iterable[Appointment]) -> Mapping[int, Overlay]:
        """Return `icloud` and `flags` by appointment id, in a fixed number of queries; absent ones have none."""
        return {}

    def verify(self, *, calendar: Calendar, start: datetime, host_id: int | None, now: datetime) -> Verification:
        """Look at the hosts' iCloud before a booking or move, outside of any transaction."""
        return Verification()

    def book(
        self, *, calendar: Calendar, values: dict[str, Any], verification: Verification, now: datetime
    ) -> Appointment:
        """Book; runs in a transaction with the answer to an Idempotency-Key."""
        return booking.book(
            calendar_id=calendar.pk,
            by=cast(User, self.request.user),
            now=now,
            verified=verification.verified,
            horizon=verification.horizon,
            **values,
        )

    def edit(
        self, *, appointment: Appointment, values: dict[str, Any], verification: Verification | None, now: datetime
    ) -> Appointment:
        """Edit; `verification` is there when start or host change."""
        looked: dict[str, Any] = {}
        if verification is not None:
            looked = {
                "verified": verification.verified,
                "horizon": verification.horizon,
                "own_events": verification.own_events,
            }
        return booking.edit(
            appointment_id=appointment.pk, by=cast(User, self.request.user), now=now, **looked, **values
        )

    def get_queryset(self) -> QuerySet[Appointment]:
        rows = selectors.with_details(selectors.appointments_of(cast(User, self.request.user)))
        if self.action != "list":
            return rows
        query = AppointmentFilter(data=self.request.query_params, context=self.get_serializer_context())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        chosen = Q()
        if "host" in asked:
            chosen &= Q(session__in=Engagement.objects.filter(host=asked["host"], dropped=False).values("session"))
        if "calendar" in asked:
            chosen &= Q(calendar=asked["calendar"])
        if "status" in asked:
            chosen &= Q(status=asked["status"])
        if "from" in asked:
            chosen &= Q(session__end__gt=asked["from"])
        if "to" in asked:
            chosen &= Q(session__start__lt=asked["to"])
        return rows.filter(chosen).order_by("session__start", "pk")

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        shown = args[0] if args else []
        rows = shown if isinstance(shown, (list, tuple)) else [shown]
        overlay = self.overlay([row for row in rows if isinstance(row, Appointment)])
        kwargs["context"] = {**self.get_serializer_context(), "overlay": overlay}
        return super().get_serializer(*args, **kwargs)

    @extend_schema(
        parameters=[
            OpenApiParameter("host", int),
            OpenApiParameter("calendar", int),
            OpenApiParameter("status", str, enum=AppointmentStatus.values),
            OpenApiParameter("from", str, description="Date or date-time; appointments that overlap [from, to)."),
            OpenApiParameter("to", str, description="Date or date-time."),
        ]
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(
        request=BookingInput,
        responses={201: AppointmentSerializer},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same answer for 24 hours."
            )
        ],
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Book a slot, or a seat of a class."""
        now = timezone.now()
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return self._created(request, now=now, keep=None)
        if not 0 < len(key) <= LONGEST_KEY:
            raise errors.Refusal("invalid", f"Idempotency-Key: 1 to {LONGEST_KEY} characters.")
        fingerprint = _fingerprint(request)
        with idempotency.claimed(user=cast(User, request.user), key=key, fingerprint=fingerprint, now=now) as claim:
            if claim.answer is not None:
                return Response(claim.answer.body, status=claim.answer.status_code)
            return self._created_once(request, claim=claim, now=now)

    @extend_schema(request=EditInput, responses=AppointmentSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Move, reassign or edit an appointment; of a class, this one seat."""
        appointment = self.get_object()
        values = self._validated(EditInput, request, partial=True)
        now = timezone.now()
        verification = None
        if "start" in values or "host_id" in values:
            verification = self.verify(
                calendar=appointment.calendar,
                start=values.get("start", appointment.start),
                host_id=values.get("host_id") or _only_host(appointment),
                now=now,
            )
        self.edit(appointment=appointment, values=values, verification=verification, now=now)
        return Response(self._shown(appointment.pk))

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        appointment = self.get_object()
        booking.delete(appointment_id=appointment.pk, by=cast(User, request.user), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=AppointmentSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel an appointment; twice is fine."""
        appointment = self.get_object()
        booking.cancel(appointment_id=appointment.pk, by=cast(User, request.user), now=timezone.now())
        return Response(self._shown(appointment.pk))

    def _created_once(self, request: Request, *, claim: Claim, now: datetime) -> Response:
        """Answer, and keep the answer; refusals are answers too, faults of the server are not."""
        try:
            return self._created(request, now=now, keep=claim.keep)
        except (exceptions.APIException, ValidationError, Refused) as error:
            response = errors.answer(error, self.get_exception_handler_context())
            if response is not None and response.status_code < status.HTTP_500_INTERNAL_SERVER_ERROR:
                claim.keep(Answer(response.status_code, _plain(response.data)))
            raise

    def _created(self, request: Request, *, now: datetime, keep: Callable[[Answer], None] | None) -> Response:
        values = self._validated(BookingInput, request)
        readable = selectors.calendars_of(cast(User, request.user))
        calendar = get_object_or_404(readable, pk=values.pop("calendar"))
        verification = self.verify(calendar=calendar, start=values["start"], host_id=values.get("host_id"), now=now)
        values["contact"] = ContactInput(**values["contact"])

        @in_transaction
        def booked() -> Answer:
            appointment = self.book(calendar=calendar, values=values, verification=verification, now=now)
            answer = Answer(status.HTTP_201_CREATED, _plain(self._shown(appointment.pk)))
            if keep is not None:
                keep(answer)
            return answer

        answer = booked()
        return Response(answer.body, status=answer.status_code)

    def _validated(
        self, serializer_class: type[serializers.Serializer], request: Request, *, partial: bool = False
    ) -> dict[str, Any]:
        serializer = serializer_class(data=request.data, partial=partial, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        values = dict(serializer.validated_data)
        if values.get("ignore_availability") and not request.user.is_staff:
            raise exceptions.PermissionDenied("Only staff may ignore availability.")
        return values

    def _shown(self, appointment_id: int) -> Any:
        appointment = selectors.with_details(Appointment.objects.all()).get(pk=appointment_id)
        return self.get_serializer(appointment).data


def _only_host(appointment: Appointment) -> int | None:
    engagements = [row for row in appointment.session.engagements.all() if row.active]
    return engagements[0].host_id if len(engagements) == 1 else None


def _fingerprint(request: Request) -> str:
    """Return what makes two requests the same: method, address and body, whatever the order of its keys."""
    text = json.dumps([request.method, request.path, request.data], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(data: Any) -> Any:
    """Return what a client reads, as it can be stored."""
    return json.loads(JSONRenderer().render(data))
