"""REST for icloud/calendars/ and me/calendar-settings/."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from icloud_sync import selectors
from icloud_sync.api.access import scope_of, user_of
from icloud_sync.api.fields import id_filter
from icloud_sync.api.refusals import ICloudErrors
from icloud_sync.messages import reason_text
from icloud_sync.models import CalendarKind, DeletedInICloud, ICloudCalendar
from icloud_sync.rules import linking
from icloud_sync.services import choosing
from leadmagicx.accounts.models import User

MAX_ID = 2**63 - 1
# Names over REST, and what the service calls them.
NAMES = {"primary_calendar": "primary_calendar_id", "conflict_calendars": "conflict_calendar_ids"}


class ReasonSerializer(serializers.Serializer):
    """Why a calendar cannot be chosen for everything."""

    code = serializers.ChoiceField(choices=sorted(linking.REASONS))
    text = serializers.CharField()


class ICloudCalendarSerializer(serializers.ModelSerializer):
    """A calendar of an account, and what it may be chosen for (rules K3-K7)."""

    name = serializers.CharField(source="__str__", read_only=True)
    kind = serializers.ChoiceField(choices=CalendarKind.choices, read_only=True)
    can_be_primary = serializers.BooleanField(source="choice.can_be_primary", read_only=True)
    can_check_conflicts = serializers.BooleanField(source="choice.can_check_conflicts", read_only=True)
    reason = serializers.SerializerMethodField()
    is_primary = serializers.BooleanField(source="chosen_as_primary", read_only=True)

    class Meta:
        model = ICloudCalendar
        fields = [
            "id",
            "connection",
            "name",
            "color",
            "kind",
            "writable",
            "can_be_primary",
            "can_check_conflicts",
            "reason",
            "is_primary",
            "checks_conflicts",
        ]
        read_only_fields = fields

    def to_representation(self, instance: ICloudCalendar) -> dict[str, Any]:
        instance.choice = selectors.choice_of(instance)  # type: ignore[attr-defined]
        return super().to_representation(instance)

    @extend_schema_field(ReasonSerializer(allow_null=True))
    def get_reason(self, calendar: ICloudCalendar) -> dict[str, str] | None:
        code = selectors.choice_of(calendar).reason
        return {"code": code, "text": reason_text(code)} if code else None


@extend_schema_view(
    list=extend_schema(
        summary="The calendars of connected accounts, and what each may be chosen for",
        parameters=[OpenApiParameter("connection", OpenApiTypes.INT)],
    )
)
class ICloudCalendarViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """What iCloud lists. A vanished calendar stays here while it is selected or holds our events."""

    serializer_class = ICloudCalendarSerializer
    queryset = ICloudCalendar.objects.none()

    def get_queryset(self) -> QuerySet[ICloudCalendar]:
        rows = selectors.calendars(user_id=scope_of(self.request))
        connection = id_filter(self.request, "connection")
        return rows if connection is None else rows.filter(connection=connection)


class CalendarSettingsSerializer(serializers.Serializer):
    """What a user chose under Calendar Settings; keys left out stay as they are."""

    primary_calendar = serializers.IntegerField(allow_null=True, required=False, min_value=1, max_value=MAX_ID)
    conflict_calendars = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MAX_ID), required=False, max_length=1000
    )
    deleted_in_icloud = serializers.ChoiceField(choices=DeletedInICloud.choices, required=False)
    travel_time_blocks = serializers.BooleanField(required=False)
    share_titles = serializers.BooleanField(required=False)


class CalendarSettingsView(ICloudErrors, APIView):
    """The signed-in user's own choice: primary calendar, conflict calendars, further settings (rules K3-K5, P5)."""

    @extend_schema(summary="Calendar settings", responses=CalendarSettingsSerializer)
    def get(self, request: Request) -> Response:
        return self._shown(user_of(request))

    @extend_schema(
        summary="Change what is given; keys left out stay",
        request=CalendarSettingsSerializer,
        responses=CalendarSettingsSerializer,
    )
    def put(self, request: Request) -> Response:
        return self._change(request)

    @extend_schema(
        summary="Change what is given; the same as PUT",
        request=CalendarSettingsSerializer,
        responses=CalendarSettingsSerializer,
    )
    def patch(self, request: Request) -> Response:
        return self._change(request)

    def _change(self, request: Request) -> Response:
        serializer = CalendarSettingsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = dict(serializer.validated_data)
        ids = {ours: given.pop(theirs) for theirs, ours in NAMES.items() if theirs in given}
        user = user_of(request)
        choosing.change_settings(user=user, now=timezone.now(), **ids, **given)
        return self._shown(user)

    def _shown(self, user: User) -> Response:
        row = selectors.calendar_settings(user.pk)
        chosen = selectors.calendars(user_id=user.pk).filter(checks_conflicts=True)
        shown = {
            "primary_calendar": row.primary_calendar_id,
            "conflict_calendars": [calendar.pk for calendar in chosen],
            "deleted_in_icloud": row.deleted_in_icloud,
            "travel_time_blocks": row.travel_time_blocks,
            "share_titles": row.share_titles,
        }
        return Response(CalendarSettingsSerializer(shown).data)
