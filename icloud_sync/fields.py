"""The one encrypted column. All knowledge of the encryption package is in this file (reliability E5, S5-S7)."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from fernet_fields import EncryptedTextField
from fernet_fields.fields import DecryptionError

from icloud_sync.secret import Secret

__all__ = ["DecryptionError", "SecretField"]


class SecretField(EncryptedTextField):  # type: ignore[misc]
    """Text that is encrypted in its column and a Secret in Python.

    Keys come from CREDENTIAL_KEYS, newest first; reading raises DecryptionError when none fits. Anything but a
    Secret is refused, expressions included, because the package would store their text (reliability E5).
    """

    def get_prep_value(self, value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, Secret):
            raise TypeError("Only a Secret can be stored here")
        return value.reveal()

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if value is not None and not isinstance(value, Secret):
            raise TypeError("Only a Secret can be stored here")
        return super().get_db_prep_save(value, connection)

    def to_python(self, value: Any) -> Secret | None:
        if value is None or isinstance(value, Secret):
            return value
        return Secret(str(value))

    def value_to_string(self, obj: Any) -> str:
        """Used by dumpdata: never the text (reliability S3)."""
        return ""

    def key_number(self, stored: bytes) -> int | None:
        """Return which of CREDENTIAL_KEYS opens a stored value, 1 being the newest; None when none does."""
        for number, key in enumerate(self.fernet_keys, start=1):
            try:
                Fernet(key).decrypt(stored)
            except InvalidToken:
                continue
            return number
        return None

    def sealed_again(self, stored: bytes) -> bytes:
        """Return a stored value encrypted with the newest key. Raises InvalidToken when no key opens it."""
        return bytes(self.fernet.encrypt(self.fernet.decrypt(stored)))

    def formfield(self, **kwargs: Any) -> None:
        """No form ever shows this column (reliability S4)."""
        return
