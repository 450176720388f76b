"""Fields that REST needs and DRF does not have."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions, serializers
from rest_framework.fields import empty
from rest_framework.request import Request

from icloud_sync.secret import Secret


class SecretTextField(serializers.CharField):
    """Text that becomes a Secret as soon as it is read, and is never shown."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(write_only=True, trim_whitespace=False, **kwargs)

    def run_validation(self, data: Any = empty) -> Secret:
        return Secret(super().run_validation(data))


def id_filter(request: Request, name: str) -> int | None:
    """Return the id that `?name=` asks for, None when it is not given. Raises ValidationError for anything else."""
    text = request.query_params.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise exceptions.ValidationError({name: [exceptions.ErrorDetail("Give an id.", code="invalid")]})
    return int(text)
