"""What an appointment looks like in REST, and what a booking brings along."""

from __future__ import annotations

from typing import Any, TypedDict

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from calendars.api.fields import MomentField, SpanFilter, WholeRow
from calendars.choices import AppointmentStatus
from calendars.models import Appointment, Contact


class Overlay(TypedDict):
    """What the app above knows of an appointment."""

    icloud: list[dict[str, Any]]
    flags: list[dict[str, Any]]


class FlagSerializer(serializers.Serializer):
    code = serializers.CharField()
    host = serializers.IntegerField(allow_null=True)
    text = serializers.CharField()
    since = serializers.DateTimeField()


class ICloudStateSerializer(serializers.Serializer):
    host = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(choices=["pending", "written", "removed_in_icloud", "failed", "not_applicable"])
    calendar = serializers.IntegerField(allow_null=True)
    written_at = serializers.DateTimeField(allow_null=True)
    detail = serializers.CharField(allow_blank=True)


class ClientSerializer(serializers.ModelSerializer):
    class Meta:
        model = Contact
        fields = ["id", "name", "email", "phone"]


class AppointmentSerializer(serializers.ModelSerializer):
    """An appointment. `context["overlay"]` brings `icloud` and `flags` by id."""

    start = MomentField(source="session.start")
    end = MomentField(source="session.end")
    hosts = serializers.SerializerMethodField()
    contact = ClientSerializer()
    flags = serializers.SerializerMethodField()
    icloud = serializers.SerializerMethodField()
    created_at = MomentField()

    class Meta:
        model = Appointment
        fields = [
            "id", "calendar", "title", "start", "end", "status", "hosts", "contact", "location", "notes", "verified",
            "flags", "icloud", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_hosts(self, appointment: Appointment) -> list[int]:
        rows = appointment.session.engagements.all()
        return [row.host_id for row in rows if row.host_id is not None and not row.dropped]

    @extend_schema_field(FlagSerializer(many=True))
    def get_flags(self, appointment: Appointment) -> list[dict[str, Any]]:
        return self._overlaid(appointment)["flags"]

    @extend_schema_field(ICloudStateSerializer(many=True))
    def get_icloud(self, appointment: Appointment) -> list[dict[str, Any]]:
        return self._overlaid(appointment)["icloud"]

    def _overlaid(self, appointment: Appointment) -> Overlay:
        overlay: Overlay = self.context["overlay"].get(appointment.pk, {"icloud": [], "flags": []})
        return overlay


class BookingContact(WholeRow, serializers.Serializer):
    name = serializers.CharField(max_length=200)
    email = serializers.EmailField(max_length=254)
    phone = serializers.CharField(max_length=50, required=False, allow_blank=True)


class EditInput(serializers.Serializer):
    """What can be changed of an appointment."""

    start = MomentField(required=False)
    host = serializers.IntegerField(required=False, source="host_id")
    title = serializers.CharField(max_length=500, required=False)
    location = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    notes = serializers.CharField(max_length=20_000, required=False, allow_blank=True, trim_whitespace=False)
    ignore_availability = serializers.BooleanField(required=False, help_text="Staff only; never overlaps.")


class BookingInput(EditInput):
    """What a booking needs. Without title it gets the contact's name; without host the calendar chooses."""

    calendar = serializers.IntegerField()
    start = MomentField()
    title = serializers.CharField(max_length=500, required=False, allow_blank=True)
    contact = BookingContact()


class AppointmentFilter(SpanFilter):
    host = serializers.IntegerField(required=False)
    calendar = serializers.IntegerField(required=False)
    status = serializers.ChoiceField(choices=AppointmentStatus.choices, required=False)
