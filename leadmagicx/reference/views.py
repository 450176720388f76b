"""`/api/v1/docs/`: the page about REST."""

from __future__ import annotations

from functools import cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import translation
from django.views.decorators.http import require_GET
from drf_spectacular.generators import SchemaGenerator

from leadmagicx.reference.outline import Outline, outline
from leadmagicx.reference.refusals import CODES

# What is typed into a shell is the same in every language.
MAKE_TOKEN = "manage.py issue_token USERNAME"  # noqa: S105 - a command
FIRST = """export LEADMAGICX=https://leadmagicx.example TOKEN=…
curl -H "Authorization: Token $TOKEN" "$LEADMAGICX/api/v1/me/\""""


@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """Show what REST can do to anybody who asks, as /api/v1/schema/ does."""
    return render(request, "reference/docs.html", {"reference": _reference(translation.get_language())})


@cache
def _outline() -> Outline:
    """Return what the schema says; it cannot change while the process runs, and takes a second to make."""
    with translation.override("en"):
        return outline(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


@cache
def _reference(language: str) -> str:
    """Return the part of the page that is the same for everybody; `language` is the one that is active."""
    codes = [(status, code, text) for code, (status, text) in CODES.items()]
    context = {"outline": _outline(), "codes": codes, "token": MAKE_TOKEN, "first": FIRST}
    return render_to_string("reference/_reference.html", context)
