"""webhooks/ (contract.md), and what the rest of the product tells through them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from icloud_sync.models import ConnectionStatus
from icloud_sync.secret import Secret
from leadmagicx.webhooks.events import EVENTS
from leadmagicx.webhooks.models import Delivery, Webhook
from tests.faults.ground import ground
from tests.stage import day

URL = "/api/v1/webhooks/"
SECRET = "the-signing-secret"


def body(**changes):
    return {"url": "https://hooks.example/leadmagicx", "events": ["appointment.created"], "secret": SECRET} | changes


def test_the_secret_is_written_and_never_read(ada, client_of):
    client = client_of(ada)
    made = client.post(URL, body())
    assert made.status_code == 201
    assert set(made.json()) == {"id", "url", "events", "active", "created_at"}
    one = f"{URL}{made.json()['id']}/"
    answers = [made, client.get(URL), client.get(one), client.patch(one, {"secret": "another-secret"})]
    assert all(SECRET not in answer.content.decode() and "another" not in answer.content.decode() for answer in answers)
    assert Webhook.objects.get().secret == Secret("another-secret")


def test_a_webhook_is_changed_and_removed(ada, client_of):
    client = client_of(ada)
    one = f"{URL}{client.post(URL, body()).json()['id']}/"
    changed = client.patch(one, {"events": ["write.failed", "appointment.created", "write.failed"], "active": False})
    assert changed.json()["events"] == ["appointment.created", "write.failed"]
    assert changed.json()["active"] is False
    assert Webhook.objects.get().secret == Secret(SECRET), "left out, it stays"
    assert client.put(one, body(url="https://other.example/")).json()["url"] == "https://other.example/"
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"url": "http://127.0.0.1:80/"}, "private_host"),
        ({"url": "http://localhost/"}, "private_host"),
        ({"url": "ftp://hooks.example/"}, "invalid_url"),
        ({"url": "https://user:pw@hooks.example/"}, "invalid_url"),
        ({"url": "nowhere"}, "invalid_url"),
        ({"url": 7}, "invalid_url"),
        ({"url": None}, "invalid"),
        ({"events": []}, "invalid"),
        ({"events": ["everything"]}, "invalid"),
        ({"events": "appointment.created"}, "invalid"),
        ({"secret": ""}, "invalid"),
        ({"secret": "x" * 201}, "invalid"),
    ],
)
def test_what_cannot_work_is_refused(ada, client_of, changes, code):
    answer = client_of(ada).post(URL, body(**changes))
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert SECRET not in answer.content.decode()


def test_the_operator_may_allow_private_hosts(ada, client_of, settings):
    settings.WEBHOOK_ALLOW_PRIVATE_HOSTS = True
    assert client_of(ada).post(URL, body(url="http://127.0.0.1:8123/hook")).status_code == 201


def test_an_owner_cannot_be_chosen(ada, ben, client_of):
    client_of(ada).post(URL, body(user=ben.pk, busy_until="2030-01-01T00:00:00Z"))
    row = Webhook.objects.get()
    assert (row.user, row.busy_until) == (ada, None)


def test_a_secret_that_no_key_opens_does_not_break_the_list(ada, client_of):
    from django.db import connection

    client = client_of(ada)
    client.post(URL, body())
    with connection.cursor() as cursor:
        cursor.execute("update webhooks_webhook set secret = %s", [b"not a token"])
    answer = client.get(URL)
    assert answer.status_code == 200
    one = f"{URL}{answer.json()['results'][0]['id']}/"
    assert client.patch(one, {"secret": "a new one"}).status_code == 200
    assert Webhook.objects.get().secret == Secret("a new one")


@pytest.fixture
def listening(ada) -> Webhook:
    return Webhook.objects.create(user=ada, url="https://hooks.example/", events=list(EVENTS), secret=Secret("s"))


def told() -> list[str]:
    return list(Delivery.objects.order_by("created_at", "pk").values_list("event", flat=True))


def test_deliveries_are_listed_newest_first(ada, listening, client_of):
    from leadmagicx.webhooks import services

    for number in range(2):
        services.record(event="write.failed", data={"id": number, "hosts": [ada.pk]}, now=timezone.now())
    rows = client_of(ada).get(f"{URL}{listening.pk}/deliveries/").json()
    assert set(rows) == {"next", "previous", "results"}
    assert set(rows["results"][0]) >= {"id", "event", "status_code", "attempts", "next_try_at", "delivered_at"}
    ids = [row["id"] for row in rows["results"]]
    assert ids == [str(pk) for pk in Delivery.objects.order_by("-created_at").values_list("pk", flat=True)]
    assert "payload" not in rows["results"][0]


class TestWhatIsTold:
    """`data` as REST shows the object, noted in the transaction that changed it."""

    @pytest.fixture
    def booked(self, ada, client_of, listening, service_of):
        calendar = service_of(ada)
        client = client_of(ada)
        start = (timezone.now() + timedelta(days=3)).replace(hour=10, minute=0, second=0, microsecond=0)
        made = client.post(
            "/api/v1/appointments/",
            {
                "calendar": calendar.pk,
                "start": start.isoformat(),
                "contact": {"name": "Grace Hopper", "email": "grace@example.org"},
            },
        )
        assert made.status_code == 201, made.json()
        return client, made.json()

    def test_an_appointments_life(self, ada, listening, booked):
        client, made = booked
        one = f"/api/v1/appointments/{made['id']}/"
        created = Delivery.objects.get()
        assert created.payload == client.get(one).json() == made
        client.patch(one, {"title": "Second talk"})
        client.post(f"{one}cancel/")
        client.post(f"{one}cancel/")
        assert told() == ["appointment.created", "appointment.updated", "appointment.cancelled"]
        last = Delivery.objects.order_by("created_at").last()
        assert last.payload == client.get(one).json()
        assert last.payload["status"] == "cancelled"

    def test_deleting_is_told_as_cancelling(self, listening, booked):
        client, made = booked
        client.delete(f"/api/v1/appointments/{made['id']}/")
        assert told() == ["appointment.created", "appointment.cancelled"]
        assert Delivery.objects.order_by("created_at").last().payload["status"] == "cancelled"

    def test_what_is_rolled_back_was_never_told(self, ada, listening, booked):
        from calendars.services import booking

        _, made = booked
        with transaction.atomic():
            booking.cancel(appointment_id=made["id"], by=ada, now=timezone.now())
            transaction.set_rollback(True)
        assert told() == ["appointment.created"]

    def test_the_bell_rings_after_the_commit(
        self, ada, ben, listening, service_of, rung, django_capture_on_commit_callbacks
    ):
        from calendars.services import booking
        from calendars.services.contacts import ContactInput

        calendar = service_of(ada)
        with django_capture_on_commit_callbacks(execute=True) as callbacks:
            booking.book(
                calendar_id=calendar.pk,
                start=(timezone.now() + timedelta(days=3)).replace(hour=10, minute=0, second=0, microsecond=0),
                contact=ContactInput("Grace Hopper", "grace@example.org"),
                by=ada,
                now=timezone.now(),
            )
            assert not [bell for bell in rung if "webhooks" in bell]
        assert callbacks
        assert [bell for bell in rung if "webhooks" in bell] == [f"leadmagicx.webhooks.tasks.deliver({listening.pk},)"]

    def test_a_broker_that_is_down_does_not_stop_a_booking(
        self, ada, listening, service_of, monkeypatch, django_capture_on_commit_callbacks
    ):
        from celery.app.task import Task
        from kombu.exceptions import OperationalError

        def down(*_args, **_options):
            raise OperationalError("refused")

        monkeypatch.setattr(Task, "apply_async", down)
        with django_capture_on_commit_callbacks(execute=True):
            self.booked_anyway(ada, service_of)
        assert told() == ["appointment.created"]

    def booked_anyway(self, ada, service_of):
        from calendars.services import booking
        from calendars.services.contacts import ContactInput

        return booking.book(
            calendar_id=service_of(ada).pk,
            start=(timezone.now() + timedelta(days=3)).replace(hour=10, minute=0, second=0, microsecond=0),
            contact=ContactInput("Grace Hopper", "grace@example.org"),
            by=ada,
            now=timezone.now(),
        )

    def test_other_hosts_do_not_hear_of_it_and_staff_do(self, ada, ben, staff, listening, service_of):
        mine = Webhook.objects.create(user=ben, url="https://b.example/", events=list(EVENTS), secret=Secret("s"))
        all_of_it = Webhook.objects.create(
            user=staff, url="https://s.example/", events=list(EVENTS), secret=Secret("s")
        )
        self.booked_anyway(ada, service_of)
        assert {row.webhook_id for row in Delivery.objects.all()} == {listening.pk, all_of_it.pk}
        assert mine.deliveries.count() == 0

    def test_a_connection_is_told_as_rest_shows_it(self, ada, listening, connection, client_of):
        row = Delivery.objects.get()
        assert row.event == "connection.connected"
        shown = client_of(ada).get(f"/api/v1/icloud/connections/{connection.pk}/").json()
        assert {**row.payload, "detail": ""} == shown
        client_of(ada).delete(f"/api/v1/icloud/connections/{connection.pk}/?written_events=keep")
        assert told() == ["connection.connected", "connection.disconnected"]
        assert Delivery.objects.order_by("created_at").last().payload["status"] == "disconnected"

    def test_a_dead_password_and_its_end(self, ada, listening, account, connection, client_of, pull, settings):
        settings.ICLOUD_PASSWORD_CONFIRM_SECONDS = 0
        connection.refresh_from_db()
        account.revoke_all()
        for _ in range(2):
            type(connection).objects.update(not_before=None)
            pull()
        connection.refresh_from_db()
        assert connection.status == ConnectionStatus.NEEDS_PASSWORD
        client_of(ada).post(
            f"/api/v1/icloud/connections/{connection.pk}/reconnect/",
            {"app_specific_password": account.new_password("again")},
        )
        assert told() == ["connection.connected", "connection.needs_password", "connection.restored"]
        states = [row.payload["status"] for row in Delivery.objects.order_by("created_at")]
        assert states == ["connected", "needs_password", "connected"]


@pytest.mark.parametrize("what", ["moved_in_icloud", "removed_in_icloud"])
def test_webhooks_tell_an_appointment_as_it_stands_when_all_of_it_is_done(
    stage, what, rung, django_capture_on_commit_callbacks, client_of
) -> None:
    """Contract: `data` as REST shows the object; the flag is raised in the middle of a transaction."""
    place = ground(stage)
    events = ["appointment.updated", f"appointment.{what}"]
    Webhook.objects.create(user=place.ada.user, url="https://hooks.example/x", events=events, secret=Secret("s"))
    if what == "moved_in_icloud":
        place.event.edit(start=day(2, 11), end=day(2, 11, 30))
    else:
        place.event.delete()
    with django_capture_on_commit_callbacks(execute=True):
        place.ada.sync(3)
    sent = {delivery.event: delivery.payload for delivery in Delivery.objects.all()}
    assert set(sent) == set(events) - ({"appointment.updated"} if what == "removed_in_icloud" else set())
    shown = client_of(place.ada.user).get(f"/api/v1/appointments/{place.appointment.pk}/").json()
    assert all(data == shown for data in sent.values())
    assert shown["icloud"][0]["state"] == ("written" if what == "moved_in_icloud" else what)
