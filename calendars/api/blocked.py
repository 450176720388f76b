"""blocked-slots/."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from calendars import messages, selectors
from calendars.api.fields import MomentField, MomentOrDateField, SpanFilter
from calendars.choices import SlotSource
from calendars.models import BlockedSlot
from calendars.services import blocked as services
from leadmagicx.accounts.models import User


class WhySerializer(serializers.Serializer):
    code = serializers.CharField()
    text = serializers.CharField()


class BlockedSlotSerializer(serializers.ModelSerializer):
    """One occurrence. The titles of iCloud events are their owner's (rule P15); `context["titled"]` lists the users
    whose titles the asking user may see."""

    title = serializers.SerializerMethodField()
    start = MomentField()
    end = MomentField()
    busy_start = MomentField(help_text="With travel time.")
    busy_end = MomentField(help_text="With travel time.")
    removed_in_icloud = serializers.SerializerMethodField()
    why = serializers.SerializerMethodField()

    class Meta:
        model = BlockedSlot
        fields = [
            "id", "user", "title", "start", "end", "busy_start", "busy_end", "all_day", "blocks", "source",
            "removed_in_icloud", "why",
        ]  # fmt: skip
        read_only_fields = fields

    def get_title(self, slot: BlockedSlot) -> str:
        if slot.source == SlotSource.ICLOUD and slot.user_id not in self.context["titled"]:
            return messages.busy()
        return slot.title

    def get_removed_in_icloud(self, slot: BlockedSlot) -> bool:
        return slot.removed_at is not None

    @extend_schema_field(WhySerializer)
    def get_why(self, slot: BlockedSlot) -> dict[str, str]:
        return {"code": slot.code, "text": messages.why(slot.code, place=slot.place)}


class BlockedSlotInput(serializers.Serializer):
    """Time to block. All day: dates, or instants that are widened to midnights in the user's zone."""

    title = serializers.CharField(max_length=500, required=False, allow_blank=True)
    start = MomentOrDateField()
    end = MomentOrDateField()
    all_day = serializers.BooleanField(required=False)


class OwnerInput(serializers.Serializer):
    """Whose time is to be blocked; read first, for dates are theirs."""

    user = serializers.IntegerField(required=False, help_text="Staff may block another user's time.")


class NewBlockedSlotInput(OwnerInput, BlockedSlotInput):
    """A new blocked slot."""


class BlockedSlotFilter(SpanFilter):
    user = serializers.IntegerField(required=False)

    def get_fields(self) -> dict[str, serializers.Field]:
        return super().get_fields() | {"source": serializers.ChoiceField(choices=SlotSource.choices, required=False)}


@extend_schema_view(
    list=extend_schema(summary="Blocked slots"),
    create=extend_schema(summary="Block time"),
    retrieve=extend_schema(summary="One blocked slot"),
    partial_update=extend_schema(summary="Change a blocked slot of LeadMagicX"),
    destroy=extend_schema(summary="Delete a blocked slot of LeadMagicX"),
    release=extend_schema(summary="Free the time of a slot whose event was deleted in iCloud"),
)
class BlockedSlotViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Time that is taken without an appointment."""

    queryset = BlockedSlot.objects.none()
    serializer_class = BlockedSlotSerializer

    def get_queryset(self) -> QuerySet[BlockedSlot]:
        rows = selectors.blocked_slots_of(cast(User, self.request.user)).order_by("start", "pk")
        if self.action != "list":
            return rows
        query = BlockedSlotFilter(data=self.request.query_params, context=self.get_serializer_context())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        if "user" in asked:
            rows = rows.filter(user_id=asked["user"])
        if "source" in asked:
            rows = rows.filter(source=asked["source"])
        if "from" in asked:
            rows = rows.filter(end__gt=asked["from"])
        if "to" in asked:
            rows = rows.filter(start__lt=asked["to"])
        return rows

    def may_see_titles(self, user_ids: Collection[int]) -> set[int]:
        """Return those of the users who share the titles of their iCloud events; nobody does here (rule P15)."""
        return set()

    def release_slot(self, slot: BlockedSlot) -> BlockedSlot:
        """Free the time of a slot whose event was deleted in iCloud (rule P5)."""
        return services.release(slot_id=slot.pk)

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        shown = args[0] if args else []
        rows = shown if isinstance(shown, (list, tuple)) else [shown]
        users = {row.user_id for row in rows if isinstance(row, BlockedSlot)}
        own = users & {self.request.user.pk}
        titled = own | (self.may_see_titles(users - own) if users - own else set())
        kwargs["context"] = {**self.get_serializer_context(), "titled": titled}
        return super().get_serializer(*args, **kwargs)

    @extend_schema(
        parameters=[
            OpenApiParameter("user", int),
            OpenApiParameter("source", str, enum=SlotSource.values),
            OpenApiParameter("from", str, description="Date or date-time; slots that overlap [from, to)."),
            OpenApiParameter("to", str, description="Date or date-time."),
        ]
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=NewBlockedSlotInput, responses={201: BlockedSlotSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        whose = OwnerInput(data=request.data)
        whose.is_valid(raise_exception=True)
        user = self._user_named(whose.validated_data.get("user"))
        slot = services.create(user=user, **self._given(request, owner=user))
        return Response(self.get_serializer(slot).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=BlockedSlotInput, responses=BlockedSlotSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        slot = self.get_object()
        changes = self._given(request, owner=slot.user, partial=True)
        slot = services.update(slot_id=slot.pk, changes=changes)
        return Response(self.get_serializer(slot).data)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        services.delete(slot_id=self.get_object().pk)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=BlockedSlotSerializer)
    @action(detail=True, methods=["post"])
    def release(self, request: Request, pk: str) -> Response:
        """Free the time of a slot whose event was deleted in iCloud; the row stays."""
        return Response(self.get_serializer(self.release_slot(self.get_object())).data)

    def _given(self, request: Request, *, owner: User, partial: bool = False) -> dict[str, Any]:
        context = {**self.get_serializer_context(), "owner": owner}
        serializer = BlockedSlotInput(data=request.data, partial=partial, context=context)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _user_named(self, user_id: int | None) -> User:
        """Return whose time is to be blocked; other people's ids do not exist for a plain user."""
        user = cast(User, self.request.user)
        if user_id is None or user_id == user.pk:
            return user
        if not user.is_staff:
            raise Http404
        return get_object_or_404(User, pk=user_id)
