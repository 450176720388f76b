"""What is known of iCloud: connections, their calendars, and how each event stands on both sides.

Written only through icloud_sync.services and icloud_sync.local.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from calendars.models import Engagement
from icloud_sync.fields import SecretField


class ConnectionStatus(models.TextChoices):
    """Rule C5."""

    CONNECTED = "connected", _("Connected")
    NEEDS_PASSWORD = "needs_password", _("Needs a new password")
    UNREACHABLE = "unreachable", _("iCloud cannot be reached")
    DISCONNECTED = "disconnected", _("Disconnected")


class CalendarKind(models.TextChoices):
    """Whose calendar it is; subscribed ones are listed but never read (rule K6)."""

    OWN = "own", _("Own")
    SHARED = "shared", _("Shared")
    SUBSCRIBED = "subscribed", _("Subscribed")


class DeletedInICloud(models.TextChoices):
    """Rule P5: what becomes of a blocked slot whose event is deleted in iCloud."""

    KEEP = "keep", _("Keep the time blocked")
    RELEASE = "release", _("Free the time")


class EventState(models.TextChoices):
    """How one of our events stands in iCloud."""

    PENDING = "pending", _("To be written")
    WRITTEN = "written", _("In iCloud")
    REMOVED = "removed_in_icloud", _("Removed in iCloud")
    LEFT_OFF = "left_off", _("Left off")
    FAILED = "failed", _("Cannot be written")
    DELETING = "deleting", _("To be removed")
    GONE = "gone", _("Removed")


LIVE_STATES = [
    EventState.PENDING,
    EventState.WRITTEN,
    EventState.REMOVED,
    EventState.LEFT_OFF,
    EventState.FAILED,
]


class RunState(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class ICloudConnection(models.Model):
    """One Apple account of one user. `next_sync_at` says when to look; empty means not until somebody acts.

    `principal` identifies the account at Apple; reconnecting must lead to the same one. A disconnected row stays as the
    anchor of what was written, so that connecting again duplicates nothing.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="icloud_connections")
    apple_id = models.CharField("iCloud e-mail", max_length=254)
    principal = models.CharField(max_length=500)
    home = models.CharField(max_length=1000)
    addresses = models.JSONField(default=list)
    status = models.CharField(max_length=20, choices=ConnectionStatus, default=ConnectionStatus.CONNECTED)
    error_code = models.CharField(max_length=60, blank=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    doubted_at = models.DateTimeField(null=True, blank=True, help_text="First 401; a second one decides (rule C5).")
    connected_at = models.DateTimeField(default=timezone.now)
    last_synced_at = models.DateTimeField(null=True, blank=True)
    data_as_of = models.DateTimeField(null=True, blank=True)
    next_sync_at = models.DateTimeField(null=True, blank=True, db_index=True)
    not_before = models.DateTimeField(null=True, blank=True, help_text="No request before this time (back-off).")
    horizon = models.DateTimeField(null=True, blank=True, help_text="Blocks are known up to here (rule P13).")
    claimed_until = models.DateTimeField(null=True, blank=True)
    claim = models.UUIDField(null=True, blank=True)
    budget_since = models.DateTimeField(null=True, blank=True)
    budget_used = models.PositiveIntegerField(default=0)
    removal_until = models.DateTimeField(
        null=True, blank=True, help_text="Clean-up after disconnecting ends here (rule C6)."
    )

    class Meta:
        ordering = ["pk"]
        verbose_name = "iCloud connection"
        constraints = [
            models.UniqueConstraint(fields=["user", "apple_id"], name="connection_apple_id_once_per_user"),
            models.UniqueConstraint(fields=["user", "principal"], name="connection_principal_once_per_user"),
            # One sync at a time for each Apple account, whoever connected it (rule T1).
            models.UniqueConstraint(
                fields=["principal"], condition=Q(claim__isnull=False), name="connection_one_sync_per_account"
            ),
        ]

    def __str__(self) -> str:
        return self.apple_id


class ICloudCredential(models.Model):
    """The app-specific password, sealed together with the row it belongs to (reliability S7)."""

    connection = models.OneToOneField(ICloudConnection, on_delete=models.CASCADE, related_name="credential")
    sealed = SecretField()
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"Password of connection {self.connection_id}"


class ICloudCalendar(models.Model):
    """A calendar as the account lists it. Its identity is the decoded path, never host or name (fact 1.5)."""

    connection = models.ForeignKey(ICloudConnection, on_delete=models.CASCADE, related_name="calendars")
    path = models.CharField(max_length=1000)
    name = models.CharField(max_length=500, blank=True)
    color = models.CharField(max_length=9, blank=True)
    position = models.IntegerField(default=0)
    kind = models.CharField(max_length=12, choices=CalendarKind, default=CalendarKind.OWN)
    writable = models.BooleanField(default=False)
    mark = models.CharField(
        max_length=1000, blank=True, help_text="Change mark of the last pull that was applied in full."
    )
    token = models.TextField(blank=True, help_text="Sync token of the last pull that was applied in full.")
    token_at = models.DateTimeField(null=True, blank=True, help_text="When the pull that got this token began.")
    checks_conflicts = models.BooleanField(default=False)
    missing_since = models.DateTimeField(null=True, blank=True, help_text="Not listed any more, not yet proved gone.")
    gone_at = models.DateTimeField(null=True, blank=True)
    emptied_at = models.DateTimeField(
        null=True, blank=True, help_text="A listing without events that must be seen twice."
    )
    listed_at = models.DateTimeField(null=True, blank=True, help_text="Last full listing.")
    recheck_at = models.DateTimeField(null=True, blank=True, help_text="Something vanished or must be fetched again.")
    reading = models.PositiveSmallIntegerField(
        default=0, help_text="1 while events are read. Still 1 at the next look: a worker died over them."
    )
    reading_path = models.CharField(
        max_length=1000, blank=True, help_text="The event being read, once they are read one by one."
    )

    class Meta:
        ordering = ["connection", "position", "name", "pk"]
        verbose_name = "iCloud calendar"
        constraints = [models.UniqueConstraint(fields=["connection", "path"], name="calendar_path_once_per_connection")]

    def __str__(self) -> str:
        return self.name or self.path


class CalendarSettings(models.Model):
    """What a user chose under Calendar Settings."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="calendar_settings")
    primary_calendar = models.ForeignKey(
        ICloudCalendar, null=True, blank=True, on_delete=models.SET_NULL, related_name="primary_of"
    )
    deleted_in_icloud = models.CharField(max_length=10, choices=DeletedInICloud, default=DeletedInICloud.KEEP)
    travel_time_blocks = models.BooleanField(default=True)
    share_titles = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "calendar settings"

    def __str__(self) -> str:
        return f"Calendar settings of {self.user}"


class ICloudEvent(models.Model):
    """An event the user made in iCloud: what is needed to expand it again, never its raw text (reliability S37)."""

    calendar = models.ForeignKey(ICloudCalendar, on_delete=models.CASCADE, related_name="events")
    path = models.CharField(max_length=1000)
    uid = models.CharField(max_length=1000, db_index=True)
    etag = models.CharField(max_length=500, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    essence = models.JSONField(null=True)
    recurring = models.BooleanField(default=False)
    expanded_to = models.DateTimeField(null=True, blank=True)
    vanished_at = models.DateTimeField(null=True, blank=True, help_text="Missing in iCloud, not yet proved.")
    removed_at = models.DateTimeField(null=True, blank=True, help_text="Proved to be deleted in iCloud (rule P6).")
    released_at = models.DateTimeField(null=True, blank=True, help_text="Its time was freed (rule P5).")
    unreadable = models.CharField(max_length=60, blank=True, help_text="Why it could not be read (rule P14).")
    attempts = models.PositiveIntegerField(default=0)
    fetch_at = models.DateTimeField(null=True, blank=True, help_text="Fetch again from this time on.")

    class Meta:
        ordering = ["pk"]
        verbose_name = "iCloud event"
        constraints = [models.UniqueConstraint(fields=["calendar", "path"], name="event_path_once_per_calendar")]
        indexes = [
            models.Index(fields=["calendar", "fetch_at"], condition=Q(fetch_at__isnull=False), name="event_to_fetch"),
            models.Index(
                fields=["calendar", "vanished_at"],
                condition=Q(vanished_at__isnull=False),
                name="event_to_prove",
            ),
            models.Index(fields=["expanded_to"], condition=Q(recurring=True), name="event_to_roll"),
        ]

    def __str__(self) -> str:
        return self.uid


class SyncedEvent(models.Model):
    """One of our events in iCloud: the outbox row before it is written, the mapping afterwards.

    `path` and `uid` are reserved when the row is made, before anything is sent, and never used for another copy
    (rule W4, fact 5.7). `due_at` is set while something is to be sent; `base` is what both sides last agreed on.
    """

    engagement = models.ForeignKey(Engagement, null=True, on_delete=models.SET_NULL, related_name="synced_events")
    calendar = models.ForeignKey(ICloudCalendar, on_delete=models.CASCADE, related_name="synced_events")
    path = models.CharField(max_length=1000)
    uid = models.CharField(max_length=255)
    etag = models.CharField(max_length=500, blank=True, help_text="Empty: not known, look before writing.")
    state = models.CharField(max_length=20, choices=EventState, default=EventState.PENDING)
    revision = models.PositiveIntegerField(default=0, help_text="Revision of the session that iCloud has.")
    base = models.JSONField(null=True, help_text="What both sides last agreed on.")
    intent = models.JSONField(null=True, help_text="What a write under way says.")
    before = models.JSONField(null=True, help_text="What stood there before our last write.")
    details = models.TextField(blank=True, help_text="Generated lines that were last written.")
    additions = models.JSONField(null=True, help_text="What the user had added to the event that this one replaces.")
    sent_at = models.DateTimeField(
        null=True, blank=True, help_text="A write was begun and its outcome is not noted yet."
    )
    written_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    identities = models.PositiveIntegerField(default=1, help_text="How many UIDs were tried for this copy.")
    failure = models.CharField(max_length=60, blank=True)
    failure_text = models.CharField(max_length=500, blank=True)
    vanished_at = models.DateTimeField(null=True, blank=True, help_text="Missing in iCloud, not yet proved.")
    fetch_at = models.DateTimeField(null=True, blank=True, help_text="Look at it again from this time on.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "path"], name="synced_path_once_per_calendar"),
            models.UniqueConstraint(
                fields=["engagement"],
                condition=Q(state__in=LIVE_STATES),
                name="synced_one_live_per_engagement",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="synced_due"),
            models.Index(
                fields=["calendar", "vanished_at"],
                condition=Q(vanished_at__isnull=False),
                name="synced_to_prove",
            ),
            models.Index(fields=["uid"], name="synced_by_uid"),
        ]

    def __str__(self) -> str:
        return f"{self.uid} ({self.state})"


class SyncRun(models.Model):
    """One look at one account that somebody waits for, or that did something."""

    connection = models.ForeignKey(ICloudConnection, on_delete=models.CASCADE, related_name="runs")
    state = models.CharField(max_length=10, choices=RunState, default=RunState.QUEUED)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    error = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["connection", "state"], name="run_by_state")]

    def __str__(self) -> str:
        return f"Run {self.pk} of {self.connection}: {self.state}"


class Attention(models.Model):
    """Something a person should look at; open until `resolved_at`. `key` keeps one open row for each cause."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="attentions")
    code = models.CharField(max_length=30)
    key = models.CharField(max_length=80)
    connection = models.ForeignKey(
        ICloudConnection, null=True, blank=True, on_delete=models.CASCADE, related_name="attentions"
    )
    calendar = models.ForeignKey(
        ICloudCalendar, null=True, blank=True, on_delete=models.CASCADE, related_name="attentions"
    )
    engagement = models.ForeignKey(
        Engagement, null=True, blank=True, on_delete=models.CASCADE, related_name="attentions"
    )
    values = models.JSONField(default=dict, help_text="What the sentence is made of.")
    since = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-since", "-pk"]
        verbose_name_plural = "attention"
        constraints = [
            models.UniqueConstraint(
                fields=["code", "key"], condition=Q(resolved_at__isnull=True), name="attention_open_once"
            )
        ]
        indexes = [models.Index(fields=["user"], condition=Q(resolved_at__isnull=True), name="attention_open_by_user")]

    def __str__(self) -> str:
        return f"{self.code} for {self.user}"


class JournalEntry(models.Model):
    """What sync changed, skipped or refused, and why. Only ever added to."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(ICloudConnection, null=True, on_delete=models.CASCADE, related_name="journal")
    calendar = models.ForeignKey(ICloudCalendar, null=True, on_delete=models.SET_NULL, related_name="+")
    session_id = models.BigIntegerField(null=True, db_index=True, help_text="Session of the appointment it is about.")
    action = models.CharField(max_length=40)
    path = models.CharField(max_length=1000, blank=True)
    uid = models.CharField(max_length=1000, blank=True)
    code = models.CharField(max_length=60, blank=True)
    before: models.JSONField[Any, Any] = models.JSONField(null=True)
    after: models.JSONField[Any, Any] = models.JSONField(null=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "journal"
        indexes = [models.Index(fields=["connection", "-id"], name="journal_by_connection")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action}"
