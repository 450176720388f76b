"""The app-specific password: sealed with the row it belongs to, opened only to talk to iCloud (reliability S6, S7)."""

from __future__ import annotations

import json

from icloud_sync.errors import CredentialsUnreadable
from icloud_sync.fields import DecryptionError
from icloud_sync.models import ICloudConnection, ICloudCredential
from icloud_sync.secret import Secret


def store(connection: ICloudConnection, password: Secret) -> None:
    """Encrypt a password for a connection, replacing the one before."""
    ICloudCredential.objects.filter(connection=connection).delete()
    ICloudCredential.objects.create(connection=connection, sealed=seal(connection, password))


def seal(connection: ICloudConnection, password: Secret) -> Secret:
    """Return the text that goes into the column: the password, and whose it is."""
    sealed = {"connection": connection.pk, "apple_id": connection.apple_id, "password": password.reveal()}
    return Secret(json.dumps(sealed))


def open_for(connection: ICloudConnection) -> Secret:
    """Return the password of a connection. Raises CredentialsUnreadable: no key fits, no password is stored, or the
    column holds another row's text."""
    try:
        row = ICloudCredential.objects.get(connection=connection)
        sealed = json.loads(row.sealed.reveal())
    except DecryptionError:
        raise CredentialsUnreadable("no key in CREDENTIAL_KEYS opens it") from None
    except ICloudCredential.DoesNotExist:
        raise CredentialsUnreadable("no password is stored") from None
    except (ValueError, TypeError):
        raise CredentialsUnreadable("the stored text is not a sealed password") from None
    if (sealed.get("connection"), sealed.get("apple_id")) != (connection.pk, connection.apple_id):
        raise CredentialsUnreadable("the stored password belongs to another connection")
    return Secret(sealed["password"])


def erase(connection: ICloudConnection) -> None:
    """Forget the password of a connection at once."""
    ICloudCredential.objects.filter(connection=connection).delete()
