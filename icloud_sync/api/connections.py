"""REST for icloud/connections/ and icloud/runs/."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any, Literal

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from calendars.api.errors import Refusal
from icloud_sync import selectors
from icloud_sync.api.access import scope_of, user_of
from icloud_sync.api.fields import SecretTextField
from icloud_sync.api.refusals import ICloudErrors
from icloud_sync.messages import connection_detail, error_text
from icloud_sync.models import ConnectionStatus, ICloudConnection, RunState, SyncRun
from icloud_sync.services import connecting, syncing
from icloud_sync.services.attempts import limited
from icloud_sync.tasks import sync_soon
from leadmagicx.accounts.models import User

WRITTEN_EVENTS: dict[str, Literal["keep", "remove"]] = {"keep": "keep", "remove": "remove"}
COUNTS = ("created", "updated", "unchanged", "removed", "skipped", "written", "deleted")


class ConnectionSerializer(serializers.ModelSerializer):
    """A connection as other services see it. The password is not a field: it cannot leak."""

    status = serializers.ChoiceField(choices=ConnectionStatus.choices, read_only=True)
    detail = serializers.SerializerMethodField(help_text="What is wrong and what to do; empty when nothing is.")

    class Meta:
        model = ICloudConnection
        fields = [
            "id",
            "user",
            "apple_id",
            "status",
            "last_synced_at",
            "next_sync_at",
            "data_as_of",
            "detail",
        ]
        read_only_fields = fields

    def get_detail(self, connection: ICloudConnection) -> str:
        request: Request | None = self.context.get("request")
        zone = request.user.zone if request and isinstance(request.user, User) else None
        return connection_detail(connection, zone=zone)


class ReconnectSerializer(serializers.Serializer):
    """A new app-specific password; its shape is judged by the service (rule C3)."""

    app_specific_password = SecretTextField(allow_blank=True)


class ConnectSerializer(ReconnectSerializer):
    """An account and its app-specific password."""

    apple_id = serializers.CharField(max_length=254)


class ProgressSerializer(serializers.Serializer):
    done = serializers.IntegerField()
    total = serializers.IntegerField()


class CountsSerializer(serializers.Serializer):
    """How many events of each kind a run had to do with."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    removed = serializers.IntegerField()
    skipped = serializers.IntegerField()
    written = serializers.IntegerField()
    deleted = serializers.IntegerField()


class RunSerializer(serializers.ModelSerializer):
    """One look at one account, and how far it is."""

    state = serializers.ChoiceField(choices=RunState.choices, read_only=True)
    progress = ProgressSerializer(source="*", read_only=True)
    counts = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField(help_text="A code; null unless the run failed.")
    detail = serializers.SerializerMethodField(help_text="The error in words.")

    class Meta:
        model = SyncRun
        fields = [
            "id",
            "connection",
            "state",
            "progress",
            "counts",
            "error",
            "detail",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields

    @extend_schema_field(CountsSerializer)
    def get_counts(self, run: SyncRun) -> dict[str, int]:
        return {name: run.counts.get(name, 0) for name in COUNTS}

    def get_error(self, run: SyncRun) -> str | None:
        return run.error or None

    def get_detail(self, run: SyncRun) -> str:
        return error_text(run.error) if run.error else ""


class RequestedRunSerializer(serializers.Serializer):
    """Where to look how a sync goes."""

    run = serializers.IntegerField(help_text="id for icloud/runs/{id}/")


@extend_schema_view(
    list=extend_schema(summary="Connected iCloud accounts"),
    retrieve=extend_schema(summary="One iCloud account"),
)
class ConnectionViewSet(ICloudErrors, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Connect iCloud accounts, and see how they are."""

    serializer_class = ConnectionSerializer
    queryset = ICloudConnection.objects.none()

    def get_queryset(self) -> QuerySet[ICloudConnection]:
        return selectors.connections(user_id=scope_of(self.request)).order_by("pk")

    @extend_schema(
        summary="Connect an iCloud account", request=ConnectSerializer, responses={201: ConnectionSerializer}
    )
    def create(self, request: Request) -> Response:
        user, now = user_of(request), timezone.now()
        given = _read(ConnectSerializer, request)
        with _limits(request, apple_id=given["apple_id"], now=now):
            connection = connecting.connect(
                user=user,
                apple_id=given["apple_id"],
                password_text=given["app_specific_password"].reveal(),
                now=now,
            )
        sync_soon(connection.pk)
        return Response(self._shown(connection), status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Go on with a new app-specific password",
        request=ReconnectSerializer,
        responses={200: ConnectionSerializer},
    )
    @action(detail=True, methods=["post"])
    def reconnect(self, request: Request, pk: str) -> Response:
        connection, now = self.get_object(), timezone.now()
        given = _read(ReconnectSerializer, request)
        with _limits(request, apple_id=connection.apple_id, now=now):
            connection = connecting.reconnect(
                connection_id=connection.pk,
                password_text=given["app_specific_password"].reveal(),
                now=now,
            )
        sync_soon(connection.pk)
        return Response(self._shown(connection))

    @extend_schema(summary="Look at the account now", request=None, responses={202: RequestedRunSerializer})
    @action(detail=True, methods=["post"])
    def sync(self, request: Request, pk: str) -> Response:
        connection = self.get_object()
        run = syncing.request_sync(connection_id=connection.pk, now=timezone.now())
        sync_soon(connection.pk)
        return Response({"run": run.pk}, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Disconnect, and leave or remove the future appointments that are in iCloud",
        parameters=[
            OpenApiParameter("written_events", OpenApiTypes.STR, required=True, enum=list(WRITTEN_EVENTS)),
        ],
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        connection = self.get_object()
        choice = WRITTEN_EVENTS.get(request.query_params.get("written_events", ""))
        if choice is None:
            raise Refusal(
                "written_events_required",
                str(_("Say what becomes of appointments that are in iCloud: ?written_events=keep or remove.")),
            )
        connecting.disconnect(connection_id=connection.pk, written_events=choice, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _shown(self, connection: ICloudConnection) -> dict[str, Any]:
        connection.refresh_from_db()
        return dict(self.get_serializer(connection).data)


@extend_schema_view(retrieve=extend_schema(summary="How a sync goes"))
class RunViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """The runs that somebody asked for."""

    serializer_class = RunSerializer
    queryset = SyncRun.objects.none()

    def get_queryset(self) -> QuerySet[SyncRun]:
        return SyncRun.objects.filter(connection__in=selectors.connections(user_id=scope_of(self.request)))


def _read(kind: type[ReconnectSerializer], request: Request) -> dict[str, Any]:
    """Return what was sent. The serializer, whose repr shows it, does not outlive this call (reliability S2)."""
    serializer = kind(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _limits(request: Request, *, apple_id: str, now: datetime) -> AbstractContextManager[None]:
    """Staff tokens are not throttled (contract.md): support connects many accounts."""
    user = user_of(request)
    if user.is_staff and request.auth is not None:
        return nullcontext()
    return limited(user_id=user.pk, apple_id=apple_id, now=now)
