"""Errors as REST shows them: `{code, detail, fields}`."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.core.exceptions import ValidationError as ModelValidationError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from calendars.services.errors import Refused, SlotUnavailable

STATUS_OF_REFUSAL = {
    "slot_unavailable": status.HTTP_409_CONFLICT,
    "invalid_state": status.HTTP_409_CONFLICT,
    "idempotency_in_progress": status.HTTP_409_CONFLICT,
    "idempotency_key_reused": status.HTTP_422_UNPROCESSABLE_ENTITY,
    "read_only": status.HTTP_403_FORBIDDEN,
}


class Refusal(exceptions.APIException):
    """An answer with a code of contract.md; `extra` is merged into the body (for example `reasons`)."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status_code: int = status.HTTP_400_BAD_REQUEST,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail=detail, code=code)
        self.status_code = status_code
        self.extra = extra or {}


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer for an exception, or None for a bug (which becomes a 500 and a log entry)."""
    if isinstance(error, ModelValidationError):
        error = from_model(error)
    if isinstance(error, Refused):
        error = from_refused(error)
    if isinstance(error, (Http404, ObjectDoesNotExist)):
        error = exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    response = exception_handler(error, context)
    assert response is not None
    set_rollback()
    response.data = _encodable(body(error))
    return response


def _encodable(value: Any) -> Any:
    """Return an error body without lone surrogates: a message may repeat what was sent."""
    if isinstance(value, dict):
        return {_encodable(name): _encodable(found) for name, found in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encodable(found) for found in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def from_refused(error: Refused) -> Refusal:
    """Return a service's refusal as REST answers it."""
    extra = {"reasons": error.reasons} if isinstance(error, SlotUnavailable) else {}
    status_code = STATUS_OF_REFUSAL.get(error.code, status.HTTP_400_BAD_REQUEST)
    return Refusal(error.code, error.text, status_code=status_code, extra=extra)


def body(error: exceptions.APIException) -> dict[str, Any]:
    """Return `{code, detail, fields}` of an API exception."""
    if isinstance(error, Refusal):
        return {
            "code": error.default_code if not error.get_codes() else str(error.get_codes()),
            "detail": str(error.detail),
            "fields": {},
            **error.extra,
        }
    if isinstance(error, exceptions.ValidationError):
        return _invalid(error)
    if isinstance(error, exceptions.AuthenticationFailed):
        # A token that is not known says no more than none at all.
        return {"code": "not_authenticated", "detail": str(error.detail), "fields": {}}
    return {"code": str(error.get_codes()), "detail": str(error.detail), "fields": {}}


def _invalid(error: exceptions.ValidationError) -> dict[str, Any]:
    detail, codes = error.detail, error.get_codes()
    if isinstance(detail, list):
        return {"code": _first(codes, "invalid"), "detail": _first_text(detail), "fields": {}}
    fields = {name: value for name, value in detail.items() if name != "non_field_errors"}
    whole = detail.get("non_field_errors")
    assert isinstance(codes, dict)
    code = _first(codes.get("non_field_errors") or codes, "invalid")
    text = _first_text(whole) if whole else _sentence(fields)
    known = code if whole or code not in exceptions_of_fields else "invalid"
    return {"code": known, "detail": text, "fields": fields}


# Codes of single fields say nothing about the whole request, so it stays "invalid".
exceptions_of_fields = {
    "required", "null", "blank", "invalid", "does_not_exist", "incorrect_type", "max_length", "min_length", "min_value",
    "max_value", "invalid_choice", "not_a_list", "empty", "date", "datetime", "unique",
    "null_characters_not_allowed", "surrogate_characters_not_allowed", "max_string_length", "not_a_dict",
}  # fmt: skip


def _sentence(fields: dict[str, Any]) -> str:
    name, value = next(iter(fields.items()), ("", ""))
    return f"{name}: {_first_text(value)}"


def _first_text(value: Any) -> str:
    while isinstance(value, (list, dict)) and value:
        value = next(iter(value.values())) if isinstance(value, dict) else next((item for item in value if item), "")
    return str(value)


def _first(codes: Any, default: str) -> str:
    while isinstance(codes, (list, dict)) and codes:
        codes = (
            next(iter(codes.values())) if isinstance(codes, dict) else next((item for item in codes if item), default)
        )
    return str(codes) if codes else default


def from_model(error: ModelValidationError) -> exceptions.ValidationError:
    """Return Django's ValidationError as DRF's, with codes kept."""

    def details(errors: list[ModelValidationError]) -> list[exceptions.ErrorDetail]:
        return [
            exceptions.ErrorDetail(message, code=single.code or "invalid")
            for single in errors
            for message in single.messages
        ]

    if hasattr(error, "error_dict"):
        named = {
            "non_field_errors" if name == "__all__" else name: details(found)
            for name, found in error.error_dict.items()
        }
        return exceptions.ValidationError(named)
    return exceptions.ValidationError({"non_field_errors": details(error.error_list)})
