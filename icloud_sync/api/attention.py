"""REST for attention/: what needs a person now."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from calendars.choices import AppointmentStatus
from calendars.selectors import is_shown
from icloud_sync import selectors
from icloud_sync.api.access import scope_of
from icloud_sync.messages import ATTENTION_TEXTS, attention_text
from icloud_sync.models import Attention
from icloud_sync.services import flags
from leadmagicx.accounts.models import User


class AttentionSerializer(serializers.ModelSerializer):
    """One case: what happened and what to do next, with what it is about."""

    code = serializers.ChoiceField(choices=sorted(ATTENTION_TEXTS), read_only=True)
    appointment = serializers.SerializerMethodField(
        help_text="Of a class: the first seat. Empty when it was deleted, or is not yours to see any more."
    )
    text = serializers.SerializerMethodField()

    class Meta:
        model = Attention
        fields = ["id", "user", "code", "connection", "appointment", "calendar", "text", "since"]
        read_only_fields = fields

    def get_appointment(self, attention: Attention) -> int | None:
        if attention.engagement is None:
            return None
        user = getattr(self.context.get("request"), "user", None)
        seats = list(attention.engagement.session.appointments.all())
        if isinstance(user, User):
            seats = [seat for seat in seats if is_shown(user, seat, engagement=attention.engagement)]
        first = min(seats, key=lambda row: (row.status != AppointmentStatus.CONFIRMED, row.seat, row.pk), default=None)
        return first.pk if first else None

    def get_text(self, attention: Attention) -> str:
        request: Request | None = self.context.get("request")
        zone = request.user.zone if request and isinstance(request.user, User) else None
        return attention_text(attention, zone=zone)


@extend_schema_view(
    list=extend_schema(summary="What needs a person"),
    retrieve=extend_schema(summary="One case"),
)
class AttentionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Open cases, newest first. They close by themselves once their cause is gone or a person has acted on it."""

    serializer_class = AttentionSerializer
    queryset = Attention.objects.none()

    def get_queryset(self) -> QuerySet[Attention]:
        cases = selectors.open_attention(user_id=scope_of(self.request))
        return cases.prefetch_related("engagement__session__appointments").order_by("-since", "-pk")

    @extend_schema(request=None, responses=AttentionSerializer, summary="Put a case aside that was seen")
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str | None = None) -> Response:
        """Moves and edits that need nothing but to be seen; 409 `invalid_state` for a case that needs doing."""
        case = self.get_object()
        shown = self.get_serializer(case).data
        flags.acknowledge(attention_id=case.pk, now=timezone.now())
        return Response(shown)

    @extend_schema(request=None, responses=AttentionSerializer, summary="Send once more what could not be written")
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str | None = None) -> Response:
        """For `write_failed`, also of an appointment that was deleted or has another host; else 409 `invalid_state`."""
        case = self.get_object()
        shown = self.get_serializer(case).data
        flags.retry_case(attention_id=case.pk, now=timezone.now())
        return Response(shown)
