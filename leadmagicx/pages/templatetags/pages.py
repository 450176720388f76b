"""Tags and filters that templates need on top of Django's."""

from __future__ import annotations

import re
from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from leadmagicx.pages import wording

register = template.Library()
COLOR = re.compile(r"^#[0-9A-Fa-f]{6}")


@register.filter
def ago(moment: datetime) -> str:
    """Return how long ago it was."""
    return wording.ago(moment, now=timezone.now())


@register.filter
def span(row: object) -> str:
    """Return when an appointment or blocked slot is; it has start and end, and may have all_day."""
    return wording.span(row.start, row.end, all_day=getattr(row, "all_day", False))  # type: ignore[attr-defined]


@register.filter
def in_code(text: str) -> SafeString:
    """Return a text of the schema with what stands between backticks as code."""
    parts = enumerate(text.split("`"))
    return format_html_join("", "{}", ((format_html("<code>{}</code>", part) if n % 2 else part,) for n, part in parts))


@register.filter
def as_text(text: str) -> SafeString:
    """Return a text that stands between tags: quotation marks mean nothing there, and escaped ones weigh six bytes."""
    return mark_safe(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))  # noqa: S308 - escaped here


@register.simple_tag
def swatch(color: str) -> SafeString:
    """Return a dot in a calendar's colour (#RRGGBB or #RRGGBBAA). An attribute of SVG: the CSP forbids styles."""
    known = COLOR.match(color or "")
    return format_html(
        '<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="5" fill="{}"/></svg>',
        known.group() if known else "#8e8e93",
    )
