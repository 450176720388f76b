"""A delivery is a row: claimed, signed, tried again, given up, forgotten."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

import pytest
from django.utils import timezone

from icloud_sync.secret import Secret
from leadmagicx.accounts.models import User
from leadmagicx.webhooks import services, tasks
from leadmagicx.webhooks.models import Delivery, Webhook

pytestmark = pytest.mark.django_db
NAME = "appointment.created"


@pytest.fixture
def ada() -> User:
    return User.objects.create(username="ada")


@pytest.fixture
def webhook(ada, receiver) -> Webhook:
    return Webhook.objects.create(user=ada, url=receiver.url, events=[NAME], secret=Secret("s3cret"))


def tell(ada: User, *, data=None, event=NAME) -> list[int]:
    data = (data or {"id": 1, "title": "Größe"}) | {"hosts": [ada.pk]}
    return services.record(event=event, data=data, now=timezone.now())


def test_a_delivery_arrives_once_signed_as_the_contract_says(ada, webhook, receiver):
    tell(ada)
    tasks.deliver(webhook.pk)
    tasks.deliver(webhook.pk)
    [received] = receiver.received
    delivery = Delivery.objects.get()
    assert received.json == {
        "id": str(delivery.pk),
        "event": NAME,
        "created_at": delivery.created_at.isoformat(),
        "data": {"id": 1, "title": "Größe", "hosts": [ada.pk]},
    }
    assert received.headers["X-LeadMagicX-Event"] == NAME
    assert received.headers["X-LeadMagicX-Delivery"] == str(delivery.pk)
    stamp, value = received.headers["X-LeadMagicX-Signature"].split(",")
    unix = stamp.removeprefix("t=")
    expected = hmac.new(b"s3cret", unix.encode() + b"." + received.body, hashlib.sha256).hexdigest()
    assert value == f"v1={expected}"
    assert abs(int(unix) - timezone.now().timestamp()) < 10
    assert (delivery.status_code, delivery.attempts, delivery.next_try_at) == (204, 1, None)
    assert delivery.delivered_at is not None


def test_a_failed_delivery_is_tried_again_later_and_later(ada, webhook, receiver, settings):
    settings.WEBHOOK_BACKOFF_SECONDS = 30
    receiver.answers = [500, 503, 200]
    tell(ada)
    waits = []
    for _ in range(3):
        now = timezone.now()
        tasks.deliver(webhook.pk)
        row = Delivery.objects.get()
        if row.next_try_at:
            waits.append(round((row.next_try_at - now).total_seconds()))
        Delivery.objects.filter(delivered_at=None).update(next_try_at=timezone.now())
    assert waits == [30, 60]
    assert (row.attempts, row.status_code) == (3, 200)
    bodies = {received.body for received in receiver.received}
    assert len(bodies) == 1, "every try sends the same bytes"


def test_it_is_not_tried_before_its_time(ada, webhook, receiver):
    receiver.answers = [500]
    tell(ada)
    tasks.deliver(webhook.pk)
    assert services.due_webhook_ids(now=timezone.now()) == []
    tasks.deliver(webhook.pk)
    assert len(receiver.received) == 1


def test_one_that_never_arrives_is_given_up(ada, webhook, receiver):
    receiver.answers = [500] * 50
    tell(ada)
    for _ in range(20):
        tasks.deliver(webhook.pk)
        Delivery.objects.filter(next_try_at__isnull=False).update(next_try_at=timezone.now())
    row = Delivery.objects.get()
    assert (row.attempts, row.next_try_at, row.delivered_at) == (services.MAX_ATTEMPTS, None, None)


def test_backing_off_ends_at_six_hours(settings):
    settings.WEBHOOK_BACKOFF_SECONDS = 3600
    assert [services.backoff(n) for n in (1, 2, 3, 4)] == [timedelta(hours=hours) for hours in (1, 2, 4, 6)]


def test_a_redirect_is_a_failure(ada, webhook, receiver):
    receiver.answers = [(302, {"Location": receiver.url})]
    tell(ada)
    tasks.deliver(webhook.pk)
    row = Delivery.objects.get()
    assert (row.status_code, row.delivered_at) == (302, None)
    assert len(receiver.received) == 1


def test_several_arrive_in_order_and_one_refused_holds_up_no_other(ada, webhook, receiver):
    receiver.answers = [204, 500, 204]
    for number in range(3):
        tell(ada, data={"id": number})
    tasks.deliver(webhook.pk)
    assert [received.json["data"]["id"] for received in receiver.received] == [0, 1, 2]
    assert Delivery.objects.filter(delivered_at__isnull=False).count() == 2


def test_a_receiver_that_does_not_answer_gets_a_rest(ada, webhook, receiver, settings, monkeypatch):
    """So it keeps no worker busy with what else is due to it."""
    settings.WEBHOOK_BACKOFF_SECONDS = 5
    receiver.__exit__()
    for number in range(3):
        tell(ada, data={"id": number})
    tasks.deliver(webhook.pk)
    assert sorted(Delivery.objects.values_list("attempts", flat=True)) == [0, 0, 1]
    assert Delivery.objects.get(attempts=1).error == "no_answer"
    assert services.due_webhook_ids(now=timezone.now()) == []
    assert services.due_webhook_ids(now=timezone.now() + timedelta(seconds=6)) == [webhook.pk]
    receiver.__enter__()


def test_only_one_worker_serves_a_webhook(ada, webhook, receiver):
    tell(ada)
    assert services.claim(webhook_id=webhook.pk, now=timezone.now())
    assert not services.claim(webhook_id=webhook.pk, now=timezone.now())
    tasks.deliver(webhook.pk)
    assert receiver.received == []


def test_a_killed_worker_holds_a_webhook_up_for_less_than_a_minute(ada, webhook, receiver):
    tell(ada)
    now = timezone.now()
    services.claim(webhook_id=webhook.pk, now=now)
    assert services.due_webhook_ids(now=now) == []
    later = now + timedelta(seconds=59)
    assert services.due_webhook_ids(now=later) == [webhook.pk]
    assert services.claim(webhook_id=webhook.pk, now=later)


def test_a_try_is_counted_before_it_is_made(ada, webhook, monkeypatch):
    """A delivery that kills its worker is given up some day too."""

    class Killed(BaseException):
        pass

    def dies(**_kwargs):
        raise Killed

    monkeypatch.setattr(services, "send", dies)
    tell(ada)
    with pytest.raises(Killed):
        services.deliver_next(webhook_id=webhook.pk, now=timezone.now())
    row = Delivery.objects.get()
    assert row.attempts == 1
    assert row.next_try_at > timezone.now()


def test_a_late_worker_does_not_overwrite_what_another_noted(ada, webhook, monkeypatch):
    def slow(**_kwargs):
        Delivery.objects.update(attempts=2, status_code=200, next_try_at=None, delivered_at=timezone.now())
        return 500

    monkeypatch.setattr(services, "send", slow)
    tell(ada)
    services.deliver_next(webhook_id=webhook.pk, now=timezone.now())
    assert Delivery.objects.get().status_code == 200


def test_a_private_host_is_refused_when_it_is_sent_too(ada, webhook, receiver, settings):
    settings.WEBHOOK_ALLOW_PRIVATE_HOSTS = False
    tell(ada)
    tasks.deliver(webhook.pk)
    row = Delivery.objects.get()
    assert (row.status_code, row.error, row.delivered_at) == (None, "private_host", None)
    assert receiver.received == []


def test_an_unreadable_secret_sends_nothing(ada, webhook, receiver, settings, monkeypatch):
    tell(ada)
    Webhook.objects.update(url=receiver.url)
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("update webhooks_webhook set secret = %s", [b"not a token"])
    tasks.deliver(webhook.pk)
    assert Delivery.objects.get().error == "secret_unreadable"
    assert receiver.received == []


@pytest.mark.parametrize(("field", "value"), [("active", False), ("events", ["write.failed"])])
def test_only_webhooks_that_want_it_hear_of_it(ada, webhook, field, value):
    Webhook.objects.update(**{field: value})
    assert tell(ada) == []
    assert not services.anybody_listens(NAME)


def test_others_do_not_hear_of_it_but_staff_do(ada, webhook):
    ben = User.objects.create(username="ben")
    boss = User.objects.create(username="boss", is_staff=True)
    gone = User.objects.create(username="gone", is_staff=True, is_active=False)
    hooks = {
        user: Webhook.objects.create(user=user, url=webhook.url, events=[NAME], secret=Secret("x"))
        for user in (ben, boss, gone)
    }
    assert {delivery.webhook_id for delivery in tell(ada)} == {webhook.pk, hooks[boss].pk}


@pytest.mark.parametrize("loses", ["is_staff", "is_active"])
@pytest.mark.parametrize("event", [NAME, "connection.connected"])
def test_who_is_staff_no_more_gets_nothing_that_waited_for_them(ada, webhook, receiver, settings, loses, event):
    """A plain user's webhooks hear of what is theirs: that counts when it is sent, and when it is sent again."""
    boss = User.objects.create(username="boss", is_staff=True)
    hook = Webhook.objects.create(user=boss, url=receiver.url, events=[NAME, event], secret=Secret("x"))
    Webhook.objects.update(events=[event])
    services.record(event=event, data={"id": 1, "hosts": [ada.pk], "user": ada.pk}, now=timezone.now())
    services.record(event=event, data={"id": 2, "hosts": [ada.pk, boss.pk], "user": boss.pk}, now=timezone.now())
    receiver.answers = [500]
    tasks.deliver(hook.pk)
    assert len(receiver.received) == 2
    User.objects.filter(pk=boss.pk).update(**{loses: False})
    receiver.received.clear()
    Delivery.objects.update(next_try_at=timezone.now(), delivered_at=None)
    tasks.deliver(hook.pk)
    theirs = [2] if loses == "is_staff" else []
    assert [received.json["data"]["id"] for received in receiver.received] == theirs
    kept = {row.payload["id"]: (row.error, row.next_try_at) for row in hook.deliveries.all()}
    assert kept[1] == ("not_allowed", None)
    receiver.received.clear()
    tasks.deliver(webhook.pk)
    assert [received.json["data"]["id"] for received in receiver.received][:1] == [1], "whose it is hears of it"


def test_finished_deliveries_are_forgotten_after_a_month(ada, webhook):
    tell(ada)
    tell(ada)
    waiting, done = Delivery.objects.order_by("created_at")
    Delivery.objects.filter(pk=done.pk).update(next_try_at=None)
    assert services.forget_old(now=timezone.now()) == 0
    assert services.forget_old(now=timezone.now() + timedelta(days=31)) == 1
    assert Delivery.objects.get() == waiting


def test_beat_hands_out_each_webhook_once(ada, webhook, monkeypatch):
    tell(ada)
    tell(ada)
    handed = []
    monkeypatch.setattr(tasks.deliver, "apply_async", lambda args, **_options: handed.append(args))
    tasks.deliver_due()
    assert handed == [(webhook.pk,)]
