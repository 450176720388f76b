"""What Calendar Settings shows, gathered with a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from calendars.models import Calendar
from icloud_sync import selectors
from icloud_sync.messages import connection_detail, reason_text
from icloud_sync.models import ConnectionStatus, ICloudCalendar, ICloudConnection, RunState, SyncRun
from leadmagicx.accounts.models import User
from leadmagicx.accounts.requests import SignedInRequest

# Where on the page a message can stand: beside what it is about.
PARTS = {"icloud", "primary", "conflicts", "further"}
SHOWN = ("name", "path", "color", "kind", "writable", "gone_at", "checks_conflicts", "connection__apple_id")
TONES = {
    ConnectionStatus.CONNECTED: "good",
    ConnectionStatus.NEEDS_PASSWORD: "bad",
    ConnectionStatus.UNREACHABLE: "warn",
}


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """One iCloud calendar as a line to choose; `reason` says in words why it may not be chosen."""

    pk: int
    name: str
    color: str
    apple_id: str
    can_be_primary: bool
    can_check_conflicts: bool
    reason: str
    is_primary: bool
    checks_conflicts: bool


@dataclass(slots=True)
class Account:
    """One iCloud account as its part of the card shows it; `run` only while somebody waits for it."""

    pk: int
    apple_id: str
    label: str
    tone: str
    detail: str
    needs_password: bool
    may_sync: bool
    last_synced_at: datetime | None
    run: SyncRun | None = None
    preview: selectors.Preview | None = None
    chosen: bool = False
    calendars: list[CalendarRow] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.run.total if self.run else 0


def page(request: SignedInRequest, *, panel: str = "", panel_id: int | None = None, **more: Any) -> HttpResponse:
    """Return My Profile with Calendar Settings; `panel` names the form that is open in it."""
    context = settings_context(request.user, now=timezone.now())
    if panel == "primary":
        context |= account_to_choose_from(context["accounts"], wanted=request.GET.get("account", ""))
    said = list(get_messages(request))
    context |= {
        "panel": panel,
        "panel_id": panel_id,
        "section": "settings",
        "notes": [message for message in said if message.extra_tags in PARTS],
        "messages": [message for message in said if message.extra_tags not in PARTS],
    }
    context |= more
    return render(request, "profile/calendar_settings.html", context)


def account_to_choose_from(found: list[Account], *, wanted: str) -> dict[str, Any]:
    """Return the account whose calendars are offered: the one that was chosen, else the primary's, else the first."""
    rows = [row for account in found for row in account.calendars]
    primary = next((row for row in rows if row.is_primary), None)
    chosen = next((account for account in found if str(account.pk) == wanted), None)
    if chosen is None:
        chosen = next((account for account in found if primary in account.calendars), found[0] if found else None)
    return {"chosen_account": chosen, "chosen_calendar": primary.pk if primary else None}


def settings_context(user: User, *, now: datetime) -> dict[str, Any]:
    """Return what templates/profile/calendar_settings.html needs, besides the open form."""
    settings = selectors.calendar_settings(user.pk)
    found = accounts(user)
    for one in found:
        counted(one, now=now)
    rows = [row for account in found for row in account.calendars]
    return {
        "accounts": found,
        "primary": next((row for row in rows if row.is_primary), None),
        "settings": settings,
        "free_days": selectors.free_all_day(user.pk, now=now) if found else [],
        "booking_calendars": Calendar.objects.filter(members__user=user),
    }


def accounts(user: User) -> list[Account]:
    """Return the user's connections with their calendars and the run that is under way."""
    connections = list(selectors.connections(user_id=user.pk).order_by("pk"))
    runs = _runs_under_way([connection.pk for connection in connections])
    found = {row.pk: account(row, run=runs.get(row.pk), zone=user.zone) for row in connections}
    listed = selectors.calendars(user_id=user.pk).select_related(None).select_related("connection").only(*SHOWN)
    for calendar in listed:
        owner, row = found[calendar.connection_id], calendar_row(calendar)
        owner.calendars.append(row)
        owner.chosen = owner.chosen or row.is_primary or row.checks_conflicts
    return list(found.values())


def counted(account: Account, *, now: datetime) -> None:
    """Fill in what an account's events do, once a look has read them: too dear for each glance at the status."""
    if account.chosen and account.last_synced_at:
        counts = selectors.preview(ICloudConnection(pk=account.pk), now=now)
        account.preview = counts if counts.events or counts.unreadable else None


def account(connection: ICloudConnection, *, run: SyncRun | None, zone: tzinfo) -> Account:
    """Return one connection in words."""
    status = ConnectionStatus(connection.status)
    return Account(
        pk=connection.pk,
        apple_id=connection.apple_id,
        label=str(status.label),
        tone=TONES.get(status, ""),
        detail=connection_detail(connection, zone=zone),
        needs_password=status == ConnectionStatus.NEEDS_PASSWORD,
        may_sync=status != ConnectionStatus.NEEDS_PASSWORD,
        last_synced_at=connection.last_synced_at,
        run=run,
    )


def calendar_row(calendar: ICloudCalendar) -> CalendarRow:
    """Return one calendar with what it may be chosen for (rules K3, K5, K6)."""
    choice = selectors.choice_of(calendar)
    return CalendarRow(
        pk=calendar.pk,
        name=str(calendar),
        color=calendar.color,
        apple_id=calendar.connection.apple_id,
        can_be_primary=choice.can_be_primary,
        can_check_conflicts=choice.can_check_conflicts,
        reason=reason_text(choice.reason) if choice.reason else "",
        is_primary=bool(calendar.chosen_as_primary),  # type: ignore[attr-defined]
        checks_conflicts=calendar.checks_conflicts,
    )


def _runs_under_way(connection_ids: list[int]) -> dict[int, SyncRun]:
    """Return the newest unfinished run of each connection."""
    runs = SyncRun.objects.filter(connection__in=connection_ids, state__in=[RunState.QUEUED, RunState.RUNNING])
    return {run.connection_id: run for run in runs.order_by("pk")}
