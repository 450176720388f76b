"""me/ and users/."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, permissions, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadmagicx.accounts import services
from leadmagicx.accounts.models import User


class UserSerializer(serializers.ModelSerializer):
    """A user. The password can only be written."""

    password = serializers.CharField(write_only=True, max_length=128, trim_whitespace=False)

    class Meta:
        model = User
        fields = ["id", "username", "email", "password", "timezone", "is_staff"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        others = {name: value for name, value in attrs.items() if name != "password"}
        try:
            validate_password(attrs["password"], User(**others))
        except ValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from error
        return attrs


class MeSerializer(serializers.ModelSerializer):
    """The signed-in user; only the time zone can be changed."""

    class Meta:
        model = User
        fields = ["id", "username", "email", "timezone", "is_staff"]
        read_only_fields = ["id", "username", "email", "is_staff"]


class MeView(APIView):
    """Who is asking."""

    @extend_schema(summary="Who is asking", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        return Response(MeSerializer(request.user).data)

    @extend_schema(summary="Change your time zone", request=MeSerializer, responses=MeSerializer)
    def patch(self, request: Request) -> Response:
        """Change the time zone; all-day and floating iCloud times are computed again."""
        serializer = MeSerializer(request.user, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        user = cast(User, request.user)
        if "timezone" in serializer.validated_data:
            user = services.change_timezone(user_id=user.pk, timezone=serializer.validated_data["timezone"])
        return Response(MeSerializer(user).data)


@method_decorator(sensitive_post_parameters("password"), name="dispatch")
@extend_schema_view(
    list=extend_schema(summary="Users"),
    retrieve=extend_schema(summary="One user"),
    create=extend_schema(summary="Add a user"),
)
class UserViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, viewsets.GenericViewSet):
    """All users, for staff."""

    queryset = User.objects.order_by("pk")
    serializer_class = UserSerializer
    permission_classes = [permissions.IsAdminUser]

    def perform_create(self, serializer: serializers.BaseSerializer[User]) -> None:
        serializer.instance = User.objects.create_user(**serializer.validated_data)
