"""Flags of appointments end by themselves when what they tell is over (rule P7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from calendars.models import Engagement
from icloud_sync.local import attention
from icloud_sync.models import Attention

# What a move on the phone is flagged with; a new time given in LeadMagicX answers all of it.
OF_A_MOVE = (attention.MOVED, attention.OUTSIDE_HOURS, attention.AFFECTS_OTHERS)
# What a person may put aside by hand: there is nothing left to be done about it.
_ACKNOWLEDGEABLE = (*OF_A_MOVE, attention.UNSUPPORTED)
# An appointment that is over for so long needs nobody.
OVER = timedelta(days=2)


def settle(engagements: Sequence[Engagement], *, now: datetime) -> None:
    """Resolve the flags that these engagements' new state has answered; a clash also for whom they clashed with."""
    by_id = {engagement.pk: engagement for engagement in engagements}
    open_flags = Attention.objects.filter(resolved_at__isnull=True)
    answered = [
        flag.pk
        for flag in open_flags.filter(_of_a_move(), engagement_id__in=list(by_id))
        if _start_of(flag) not in ("", by_id[flag.engagement_id or 0].start.astimezone(UTC).isoformat())
    ]
    hosts = {engagement.host_id for engagement in engagements if engagement.host_id is not None}
    over = open_flags.filter(code=attention.CLASH, user_id__in=hosts, engagement__exempt=False).exclude(_of_a_move())
    answered += over.values_list("pk", flat=True)
    if answered:
        Attention.objects.filter(pk__in=answered).update(resolved_at=now)


def resolve_past(*, now: datetime) -> None:
    """Resolve the flags of appointments that are over."""
    Attention.objects.filter(resolved_at__isnull=True, engagement__end__lt=now - OVER).update(resolved_at=now)


def resolve(attention_ids: Iterable[int], *, now: datetime) -> int:
    """Put aside what a person has seen; return how many flags that were."""
    seen = Q(code__in=_ACKNOWLEDGEABLE) | _of_a_move()
    return Attention.objects.filter(seen, pk__in=list(attention_ids), resolved_at__isnull=True).update(resolved_at=now)


def acknowledgeable(flag: Attention) -> bool:
    """Return whether `resolve` would put a flag aside."""
    return flag.code in _ACKNOWLEDGEABLE or (flag.code == attention.CLASH and "blocked" in flag.values)


def _of_a_move() -> Q:
    """Return the condition of what another time answers; a clash with another appointment ends with its exemption."""
    return Q(code__in=OF_A_MOVE) | Q(code=attention.CLASH, values__has_key="blocked")


def _start_of(flag: Attention) -> str:
    after = flag.values.get("after")
    return str(after.get("start", "")) if isinstance(after, dict) else ""
