"""REST for appointments/, with iCloud: live check, `icloud`, `flags`, and what a person does about a flag."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from calendars.api.views import AppointmentSerializer, AppointmentViewSet, Overlay, Verification
from calendars.models import Appointment, Calendar
from calendars.selectors import with_details
from icloud_sync import selectors
from icloud_sync.api.access import scope_of
from icloud_sync.api.refusals import ICloudErrors
from icloud_sync.messages import copy_detail, flag_text
from icloud_sync.services import booking, flags


def overlay(appointments: Iterable[Appointment]) -> Mapping[int, Overlay]:
    """Return `icloud` and `flags` of appointments with their sentences, by id."""
    return {pk: _in_words(found) for pk, found in selectors.overlay(appointments).items()}


def _in_words(found: dict[str, list[dict[str, Any]]]) -> Overlay:
    return {
        "icloud": [{**row, "detail": copy_detail(row["detail"])} for row in found["icloud"]],
        "flags": [
            {
                "code": flag["code"],
                "host": flag["host"],
                "text": flag_text(flag["code"], flag["attention"].values),
                "since": flag["since"],
            }
            for flag in found["flags"]
        ],
    }


def shown(appointment_ids: Iterable[int]) -> list[dict[str, Any]]:
    """Return appointments as REST shows them, as plain JSON values, for those who are told of them elsewhere."""
    rows = list(with_details(Appointment.objects.filter(pk__in=list(appointment_ids)).order_by("pk")))
    data = AppointmentSerializer(rows, many=True, context={"overlay": overlay(rows)}).data
    return list(json.loads(JSONRenderer().render(data)))


class ICloudAppointmentViewSet(ICloudErrors, AppointmentViewSet):
    """Appointments: book, move, edit, cancel, and bring them to iCloud."""

    def overlay(self, appointments: Iterable[Appointment]) -> Mapping[int, Overlay]:
        return overlay(appointments)

    def verify(self, *, calendar: Calendar, start: datetime, host_id: int | None, now: datetime) -> Verification:
        """Look at the hosts' iCloud, outside of any transaction (rule A5)."""
        moved = self.kwargs.get("pk")
        if moved is not None:
            horizon = booking.look_before_move(appointment_id=int(moved), host_id=host_id, now=now)
            return Verification(horizon=horizon, own_events=booking.own_events(int(moved)))
        horizon = booking.look_first(calendar_id=calendar.pk, start=start, host_id=host_id, now=now)
        return Verification(horizon=horizon)

    def book(
        self, *, calendar: Calendar, values: dict[str, Any], verification: Verification, now: datetime
    ) -> Appointment:
        booked = super().book(calendar=calendar, values=values, verification=verification, now=now)
        return booking.write_down_verified(booked, now=now)

    def edit(
        self, *, appointment: Appointment, values: dict[str, Any], verification: Verification | None, now: datetime
    ) -> Appointment:
        edited = super().edit(appointment=appointment, values=values, verification=verification, now=now)
        return edited if verification is None else booking.write_down_verified(edited, now=now)

    @extend_schema(
        summary="Write again what was removed in iCloud or left off", request=None, responses=AppointmentSerializer
    )
    @action(detail=True, methods=["post"], url_path="icloud/put-back", url_name="put-back")
    def put_back(self, request: Request, pk: str) -> Response:
        return self._decided(request, flags.put_back)

    @extend_schema(summary="Leave off iCloud what was removed there", request=None, responses=AppointmentSerializer)
    @action(detail=True, methods=["post"], url_path="icloud/leave-off", url_name="leave-off")
    def leave_off(self, request: Request, pk: str) -> Response:
        return self._decided(request, flags.leave_off)

    @extend_schema(summary="Send once more what could not be written", request=None, responses=AppointmentSerializer)
    @action(detail=True, methods=["post"], url_path="icloud/retry", url_name="icloud-retry")
    def icloud_retry(self, request: Request, pk: str) -> Response:
        return self._decided(request, flags.retry)

    def _decided(self, request: Request, act: Callable[..., None]) -> Response:
        """A host decides about their own iCloud, staff about every host's."""
        appointment = self.get_object()
        act(appointment_id=appointment.pk, host_id=scope_of(request), now=timezone.now())
        return Response(self._shown(appointment.pk))
