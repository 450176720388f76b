"""Appointments, the sessions they are seats of, and the hosts whose time they take."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Lower
from django.utils import timezone

from calendars.choices import AppointmentStatus
from calendars.models.calendar import Calendar


class TsTzRange(Func):
    """`tstzrange(start, end, '[)')`: touching appointments do not overlap."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class Contact(models.Model):
    """A client. Only people create contacts; nothing from iCloud ever does (rule P1)."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="contacts")
    name = models.CharField(max_length=200)
    email = models.EmailField()
    phone = models.CharField(max_length=50, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                "owner",
                Lower("email"),
                name="contact_email_once_per_owner",
                violation_error_message="You have a contact with this e-mail already.",
                violation_error_code="contact_exists",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Session(models.Model):
    """One meeting: the time in one calendar that one appointment takes, or all seats of one class.

    It is held by its engagements (one for each host) and filled by its appointments (one for each seat).
    `revision` grows with every change a host should see, so that iCloud can be told. `displaced`: a move made in
    iCloud put this class session on another one's start (rule P7); seats are booked in the other.
    """

    calendar = models.ForeignKey(Calendar, on_delete=models.PROTECT, related_name="sessions")
    start = models.DateTimeField()
    end = models.DateTimeField()
    is_class = models.BooleanField(default=False)
    seats = models.PositiveIntegerField(default=1)
    active = models.BooleanField(default=True)
    displaced = models.BooleanField(default=False)
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["start", "pk"]
        indexes = [
            models.Index(fields=["calendar", "start"], condition=Q(active=True), name="session_active_by_calendar")
        ]
        constraints = [
            models.CheckConstraint(name="session_in_order", condition=Q(start__lt=F("end"))),
            models.UniqueConstraint(
                fields=["calendar", "start"],
                condition=Q(active=True, is_class=True, displaced=False),
                name="session_class_once_per_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.calendar} at {self.start:%Y-%m-%d %H:%M}"


class Engagement(models.Model):
    """One host's time taken by one session: what never overlaps (rule A4), and what is one iCloud event (rule W1).

    A session of a calendar without members has one engagement without host, which guards the calendar itself.
    `exempt`: a move made in iCloud clashed (rule P7); the row may overlap until the clash is resolved. `dropped`: the
    session went to another host; the row stays for what was written to this one's iCloud.
    """

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="engagements")
    calendar = models.ForeignKey(Calendar, on_delete=models.PROTECT, related_name="engagements")
    host = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="engagements")
    start = models.DateTimeField()
    end = models.DateTimeField()
    active = models.BooleanField(default=True)
    exempt = models.BooleanField(default=False)
    dropped = models.BooleanField(default=False)
    is_primary = models.BooleanField(default=True)

    class Meta:
        ordering = ["start", "pk"]
        indexes = [
            models.Index(fields=["host", "end", "start"], condition=Q(active=True), name="engagement_by_host"),
            models.Index(fields=["calendar", "end", "start"], condition=Q(active=True), name="engagement_by_calendar"),
        ]
        constraints = [
            models.CheckConstraint(name="engagement_in_order", condition=Q(start__lt=F("end"))),
            models.UniqueConstraint(fields=["session", "host"], name="engagement_host_once_per_session"),
            ExclusionConstraint(
                name="engagement_host_never_twice",
                expressions=[
                    (F("host"), RangeOperators.EQUAL),
                    (TsTzRange("start", "end", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                condition=Q(active=True, exempt=False, host__isnull=False),
            ),
            ExclusionConstraint(
                name="engagement_hostless_never_twice",
                expressions=[
                    (F("calendar"), RangeOperators.EQUAL),
                    (TsTzRange("start", "end", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                condition=Q(active=True, exempt=False, host__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.host} {self.start:%Y-%m-%d %H:%M}"


class Appointment(models.Model):
    """What a client booked: the only seat of a session, or one seat of a class session."""

    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="appointments")
    calendar = models.ForeignKey(Calendar, on_delete=models.PROTECT, related_name="appointments")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="appointments")
    title = models.CharField(max_length=500)
    location = models.CharField(max_length=1000, blank=True)
    notes = models.TextField(max_length=20_000, blank=True)
    status = models.CharField(max_length=20, choices=AppointmentStatus, default=AppointmentStatus.CONFIRMED)
    seat = models.PositiveIntegerField(default=1)
    verified = models.BooleanField(default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["session__start", "pk"]
        constraints = [
            # With seats numbered from 1 to the session's seats, a class can never be overbooked (rule A4).
            models.UniqueConstraint(
                fields=["session", "seat"],
                condition=Q(status=AppointmentStatus.CONFIRMED),
                name="appointment_seat_once",
            ),
            models.CheckConstraint(name="appointment_seat_positive", condition=Q(seat__gte=1)),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def start(self) -> datetime:
        return self.session.start

    @property
    def end(self) -> datetime:
        return self.session.end


class IdempotencyKey(models.Model):
    """One `Idempotency-Key` of one user: the request's fingerprint and its answer, written with what it did."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField()
    body: models.JSONField[Any, Any] = models.JSONField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once_per_user")]

    def __str__(self) -> str:
        return f"{self.key} of {self.user}"
