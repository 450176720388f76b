"""Keys are rotated without anybody noticing (reliability S6)."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database

from icloud_sync.errors import CredentialsUnreadable
from icloud_sync.models import ICloudConnection, ICloudCredential
from icloud_sync.secret import Secret
from icloud_sync.services import credentials, rotating
from leadmagicx.accounts.models import User
from leadmagicx.webhooks.models import Webhook

pytestmark = pytest.mark.django_db
OLD, NEW, OTHER = ("o" * 40, "n" * 40, "x" * 40)


@pytest.fixture
def keys(settings) -> Iterator:
    """Use other keys, as after a restart: the fields keep theirs for the life of a process."""

    def use(*found: str) -> None:
        settings.FERNET_KEYS = list(found)
        for _, secret in rotating.encrypted_columns():
            for name in ("keys", "fernet_keys", "fernet"):
                secret.__dict__.pop(name, None)

    yield use
    settings.FERNET_KEYS = settings.CREDENTIAL_KEYS
    use(*settings.CREDENTIAL_KEYS)


@pytest.fixture
def connections(keys) -> list[ICloudConnection]:
    """Seven connections, written with the old key, and a webhook."""
    keys(OLD)
    user = User.objects.create(username="ada")
    Webhook.objects.create(user=user, url="https://x.example/", secret=Secret("s3cret"))
    rows = [
        ICloudConnection.objects.create(user=user, apple_id=f"{number}@x.example", principal=f"/{number}/")
        for number in range(7)
    ]
    for row in rows:
        credentials.store(row, Secret(f"password of {row.apple_id}"))
    return rows


def rotate(**options) -> str:
    out = StringIO()
    call_command("rotate_credentials", stdout=out, **options)
    return out.getvalue()


def test_every_secret_is_a_column_that_is_rotated():
    names = {f"{model.__name__}.{secret.name}" for model, secret in rotating.encrypted_columns()}
    assert names == {"ICloudCredential.sealed", "Webhook.secret"}


def test_after_it_the_old_key_can_be_taken_away(connections, keys):
    keys(NEW, OLD)
    told = rotate(batch_size=2)
    assert "icloud_sync.ICloudCredential.sealed:\n  key number 2: 7 rows\n  encrypted again: 7 rows" in told
    assert "webhooks.Webhook.secret:\n  key number 2: 1 rows\n  encrypted again: 1 rows" in told
    keys(NEW)
    for row in connections:
        assert credentials.open_for(row).reveal() == f"password of {row.apple_id}"
    assert Webhook.objects.get().secret == Secret("s3cret")
    keys(OLD)
    with pytest.raises(CredentialsUnreadable):
        credentials.open_for(connections[0])


def test_a_second_run_has_nothing_to_do(connections, keys):
    keys(NEW, OLD)
    rotate()
    assert "newest key: 7 rows\n  encrypted again: 0 rows" in rotate()


def test_checking_changes_nothing(connections, keys):
    keys(NEW, OLD)
    assert "key number 2: 7 rows\n  encrypted again: 0 rows" in rotate(check=True)
    keys(OLD)
    assert credentials.open_for(connections[0]).reveal()


def test_one_that_was_stopped_goes_on_where_it_was(connections, keys, monkeypatch):
    keys(NEW, OLD)
    replace, done = rotating._replace, []

    def dies_after_three(*args, **kwargs):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(args)
        return replace(*args, **kwargs)

    monkeypatch.setattr(rotating, "_replace", dies_after_three)
    with pytest.raises(KeyboardInterrupt):
        rotate()
    monkeypatch.setattr(rotating, "_replace", replace)
    assert "newest key: 3 rows\n  key number 2: 4 rows\n  encrypted again: 4 rows" in rotate()


def test_a_password_that_changes_meanwhile_is_not_overwritten(connections, keys, monkeypatch):
    keys(NEW, OLD)
    first = connections[0]
    number_of = type(ICloudCredential._meta.get_field("sealed")).key_number

    changed = []

    def changes_it(field, stored):
        if not changed:
            changed.append(first.pk)
            new = bytes(field.fernet.encrypt(b"x"))
            with database.cursor() as cursor:
                cursor.execute(
                    "update icloud_sync_icloudcredential set sealed = %s where connection_id = %s", [new, first.pk]
                )
        return number_of(field, stored)

    monkeypatch.setattr(type(ICloudCredential._meta.get_field("sealed")), "key_number", changes_it)
    rotate()
    assert ICloudCredential.objects.get(connection=first).sealed == Secret("x")


def test_what_no_key_opens_is_told_and_left_alone(connections, keys):
    before = _ciphertexts()
    keys(OTHER)
    with pytest.raises(CommandError, match="8 rows are opened by no key"):
        rotate()
    assert _ciphertexts() == before


def test_two_rows_that_swapped_their_passwords_are_both_refused(connections, keys):
    """Reliability S7: a sealed password names its connection, and rotating does not launder it."""
    one, two = connections[:2]
    with database.cursor() as cursor:
        cursor.execute(
            "update icloud_sync_icloudcredential a set sealed = b.sealed from icloud_sync_icloudcredential b "
            "where (a.connection_id, b.connection_id) in ((%s, %s), (%s, %s))",
            [one.pk, two.pk, two.pk, one.pk],
        )
    keys(NEW, OLD)
    rotate()
    for row in (one, two):
        with pytest.raises(CredentialsUnreadable):
            credentials.open_for(row)


def _ciphertexts() -> list:
    with database.cursor() as cursor:
        cursor.execute("select sealed from icloud_sync_icloudcredential order by id")
        return [bytes(stored) for (stored,) in cursor.fetchall()]
