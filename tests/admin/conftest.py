from __future__ import annotations

import pytest

from icloud_sync.models import ICloudConnection
from tests.api.conftest import (  # noqa: F401 - the same people, the same iCloud
    _rows,
    account,
    ada,
    ben,
    client_of,
    connection,
    pull,
    rung,
    service_of,
    staff,
)


@pytest.fixture
def desk(client, staff):  # noqa: F811
    """A browser in which staff are signed in."""
    client.force_login(staff)
    return client


@pytest.fixture
def boss(client, staff):  # noqa: F811
    """The same with every permission."""
    staff.is_superuser = True
    staff.save()
    client.force_login(staff)
    return client


@pytest.fixture
def busy_account(account, connection, ada, pull) -> ICloudConnection:  # noqa: F811
    """Ada's account, chosen and read, with private events in it."""
    from datetime import timedelta

    from django.utils import timezone

    from icloud_sync.services import choosing

    start = (timezone.now() + timedelta(days=2)).replace(microsecond=0)
    account.phone.create("Home", title="Hush-hush surgery", start=start, end=start + timedelta(hours=1))
    home = connection.calendars.get(name="Home")
    choosing.change_settings(user=ada, now=timezone.now(), primary_calendar_id=home.pk)
    pull()
    event = account.phone.find("Hush-hush surgery")
    event.edit(title="Hush-hush surgery, later")
    pull()
    connection.refresh_from_db()
    return connection
