"""contacts/."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import ProtectedError, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, viewsets

from calendars import selectors
from calendars.models import Contact
from calendars.services import contacts as services
from calendars.services.errors import InvalidState
from leadmagicx.accounts.models import User


class ContactSerializer(serializers.ModelSerializer):
    """A client. The e-mail is theirs alone among your contacts."""

    class Meta:
        model = Contact
        fields = ["id", "name", "email", "phone", "created_at"]
        read_only_fields = ["created_at"]
        validators: list[Any] = []


@extend_schema_view(
    list=extend_schema(summary="Contacts"),
    create=extend_schema(summary="Add a contact"),
    retrieve=extend_schema(summary="One contact"),
    update=extend_schema(summary="Replace a contact"),
    partial_update=extend_schema(summary="Change a contact"),
    destroy=extend_schema(summary="Delete a contact that has no appointments"),
)
class ContactViewSet(viewsets.ModelViewSet):
    """The user's contacts; staff see all."""

    queryset = Contact.objects.none()
    serializer_class = ContactSerializer

    def get_queryset(self) -> QuerySet[Contact]:
        return selectors.contacts_of(cast(User, self.request.user)).order_by("name", "pk")

    def perform_create(self, serializer: serializers.BaseSerializer[Contact]) -> None:
        contact = Contact(owner=cast(User, self.request.user), **serializer.validated_data)
        serializer.instance = services.save(contact)

    def perform_update(self, serializer: serializers.BaseSerializer[Contact]) -> None:
        contact = serializer.instance
        assert contact is not None
        for name, value in serializer.validated_data.items():
            setattr(contact, name, value)
        services.save(contact)

    def perform_destroy(self, instance: Contact) -> None:
        try:
            instance.delete()
        except ProtectedError as error:
            raise InvalidState(_("This contact has appointments.")) from error
