"""Flags of appointments end by themselves when what they tell is over (rule P7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from calendars.models import Engagement
from icloud_sync.local import attention
from icloud_sync.models import Attention

# What a move on the phone is flagged with; a new time given in LeadMagicX answers all of it.
OF_A_MOVE = (attention.MOVED, attention.OUTSIDE_HOURS, attention.AFFECTS_OTHERS)
# What a person may put aside by hand: there is nothing left to be done about it.
ACKNOWLEDGEABLE = (*OF_A_MOVE, attention.UNSUPPORTED)
# An appointment that is over for so long needs nobody.
OVER = timedelta(days=2)


def settle(engagements: Sequence[Engagement], *, now: datetime) -> None:
    """Resolve the flags that these engagements' new state has answered; a clash also for whom they clashed with."""
    by_id = {engagement.pk: engagement for engagement in engagements}
    open_flags = Attention.objects.filter(resolved_at__isnull=True)
    answered = [
        flag.pk
        for flag in open_flags.filter(engagement_id__in=list(by_id), code__in=(*OF_A_MOVE, attention.CLASH))
        if _ends_with_its_time(flag)
        and _start_of(flag) not in ("", by_id[flag.engagement_id or 0].start.astimezone(UTC).isoformat())
    ]
    hosts = {engagement.host_id for engagement in engagements if engagement.host_id is not None}
    over = open_flags.filter(code=attention.CLASH, user_id__in=hosts, engagement__exempt=False)
    answered += [flag.pk for flag in over if not _ends_with_its_time(flag)]
    if answered:
        Attention.objects.filter(pk__in=answered).update(resolved_at=now)


def is_over(engagement: Engagement, *, now: datetime) -> bool:
    """Return whether an appointment is over for so long that its flags need nobody."""
    return engagement.end < now - OVER


def resolve_past(*, now: datetime) -> None:
    """Resolve the flags of appointments that are over."""
    Attention.objects.filter(resolved_at__isnull=True, engagement__end__lt=now - OVER).update(resolved_at=now)


def resolve(attention_ids: Iterable[int], *, now: datetime) -> int:
    """Put aside what a person has seen; return how many flags that were."""
    rows = Attention.objects.filter(pk__in=list(attention_ids), resolved_at__isnull=True)
    return rows.filter(pk__in=[flag.pk for flag in rows if acknowledgeable(flag)]).update(resolved_at=now)


def acknowledgeable(flag: Attention) -> bool:
    """Return whether `resolve` would put a flag aside."""
    return flag.code in ACKNOWLEDGEABLE or _ends_with_its_time(flag)


def _ends_with_its_time(flag: Attention) -> bool:
    """Say whether another time answers a flag; a clash with another appointment ends with its exemption."""
    return flag.code in OF_A_MOVE or (flag.code == attention.CLASH and "blocked" in flag.values)


def _start_of(flag: Attention) -> str:
    after = flag.values.get("after")
    return str(after.get("start", "")) if isinstance(after, dict) else ""
