"""REST for journal/: what sync changed, skipped or refused, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, viewsets

from calendars.api.pagination import NewestFirst
from calendars.models import Appointment
from icloud_sync import selectors
from icloud_sync.api.access import scope_of
from icloud_sync.api.fields import id_filter
from icloud_sync.messages import journal_text
from icloud_sync.models import JournalEntry
from icloud_sync.rules.privacy import public_part

ANYTHING = {"type": "object", "nullable": True, "additionalProperties": True}


class JournalSerializer(serializers.ModelSerializer):
    """One thing sync did."""

    appointment = serializers.SerializerMethodField(help_text="Of a class: the first seat.")
    href = serializers.CharField(source="path", read_only=True)
    text = serializers.SerializerMethodField()
    before = serializers.SerializerMethodField()
    after = serializers.SerializerMethodField()

    class Meta:
        model = JournalEntry
        fields = [
            "id",
            "at",
            "connection",
            "calendar",
            "appointment",
            "action",
            "href",
            "uid",
            "code",
            "text",
            "before",
            "after",
        ]
        read_only_fields = fields

    def get_appointment(self, entry: JournalEntry) -> int | None:
        appointments: dict[int, int] = self.context.get("appointments", {})
        return appointments.get(entry.session_id or 0)

    def get_text(self, entry: JournalEntry) -> str:
        return journal_text(entry)

    @extend_schema_field(ANYTHING)
    def get_before(self, entry: JournalEntry) -> Any:
        return self._told(entry, entry.before)

    @extend_schema_field(ANYTHING)
    def get_after(self, entry: JournalEntry) -> Any:
        return self._told(entry, entry.after)

    def _told(self, entry: JournalEntry, values: Any) -> Any:
        shared: set[int] = self.context.get("titles_of", set())
        if entry.session_id is not None or entry.user_id in shared:
            return values
        return public_part(values)


@extend_schema_view(
    list=extend_schema(
        summary="What sync did, newest first",
        parameters=[
            OpenApiParameter("connection", OpenApiTypes.INT),
            OpenApiParameter("appointment", OpenApiTypes.INT),
        ],
    )
)
class JournalViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """Only ever added to; kept for some months."""

    serializer_class = JournalSerializer
    pagination_class = NewestFirst
    queryset = JournalEntry.objects.none()

    def get_queryset(self) -> QuerySet[JournalEntry]:
        entries = selectors.journal(user_id=scope_of(self.request)).order_by("-pk")
        connection = id_filter(self.request, "connection")
        if connection is not None:
            entries = entries.filter(connection=connection)
        appointment = id_filter(self.request, "appointment")
        if appointment is not None:
            entries = entries.filter(session_id__in=Appointment.objects.filter(pk=appointment).values("session_id"))
        return entries

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        self.page_rows: list[JournalEntry] = list(page or [])
        return page

    def get_serializer_context(self) -> dict[str, Any]:
        rows = getattr(self, "page_rows", [])
        users = {row.user_id for row in rows}
        return {
            **super().get_serializer_context(),
            "appointments": _first_seats({row.session_id for row in rows if row.session_id}),
            "titles_of": selectors.sharing_titles(users) | {self.request.user.pk},
        }


def _first_seats(session_ids: Iterable[int]) -> dict[int, int]:
    """Return the appointment that stands for each session: the last of this order, confirmed, with the lowest seat."""
    seats = Appointment.objects.filter(session__in=list(session_ids)).order_by("status", "-seat", "-pk")
    return dict(seats.values_list("session_id", "pk"))
