"""Users and tokens: a key is shown once, its hash never."""

from __future__ import annotations

import re

from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from icloud_sync.secret import Secret
from leadmagicx.accounts.models import ApiToken, User, hash_key
from leadmagicx.accounts.signals import timezone_changed
from leadmagicx.webhooks.models import Delivery, Webhook

USERS = reverse("admin:accounts_user_changelist")
TOKENS = reverse("admin:accounts_apitoken_changelist")


def test_every_page_names_its_icon_so_that_no_browser_looks_for_one(boss):
    for visitor, url in ((Client(), reverse("admin:login")), (boss, reverse("admin:index")), (boss, USERS)):
        assert 'rel="icon"' in visitor.get(url).content.decode(), url


def issue(desk, *users):
    return desk.post(
        USERS, {"action": "issue_rest_token", "_selected_action": [user.pk for user in users]}, follow=True
    )


def test_a_token_is_issued_and_shown_this_once(boss, ada):
    answer = issue(boss, ada)
    key = re.search(r"<pre>([0-9a-f]{64})</pre>", answer.content.decode())[1]
    token = ApiToken.objects.get()
    assert (token.user, token.key_hash) == (ada, hash_key(key))
    assert "no-store" in answer["Cache-Control"]
    for url in (TOKENS, reverse("admin:accounts_apitoken_change", args=[token.pk])):
        text = boss.get(url).content.decode()
        assert key not in text
        assert token.key_hash not in text
    assert key not in " ".join(LogEntry.objects.values_list("change_message", flat=True))


def test_tokens_are_issued_for_one_active_user_at_a_time(boss, ada, ben):
    issue(boss, ada, ben)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    issue(boss, ada)
    assert not ApiToken.objects.exists()


def test_a_token_is_revoked_by_deleting_it(boss, ada, client_of):
    client = client_of(ada)
    assert client.get("/api/v1/me/").status_code == 200
    boss.post(reverse("admin:accounts_apitoken_delete", args=[ApiToken.objects.get().pk]), {"post": "yes"})
    assert client.get("/api/v1/me/").status_code == 401


def test_staff_without_the_permission_issue_nothing(desk, ada):
    answer = desk.post(USERS, {"action": "issue_rest_token", "_selected_action": [ada.pk]})
    assert answer.status_code == 403
    assert not ApiToken.objects.exists()


def test_only_a_superuser_issues_a_superusers_token(desk, staff, ada):
    from django.contrib.auth.models import Permission

    staff.user_permissions.add(*Permission.objects.filter(codename__in=["change_user", "view_user"]))
    User.objects.filter(pk=ada.pk).update(is_superuser=True)
    issue(desk, ada)
    assert not ApiToken.objects.exists()


def test_a_new_time_zone_reaches_those_who_depend_on_it(boss, ada):
    told = []
    timezone_changed.connect(lambda user_id, **_: told.append(user_id), weak=False, dispatch_uid="test")
    url = reverse("admin:accounts_user_change", args=[ada.pk])
    form = boss.get(url).context["adminform"].form
    values = {name: value for name, value in form.initial.items() if value is not None and name != "password"}
    values |= {"timezone": "Asia/Tokyo", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    values.pop("date_joined"), values.pop("last_login", None)
    answer = boss.post(url, values)
    timezone_changed.disconnect(dispatch_uid="test")
    assert answer.status_code == 302, answer.context["errors"]
    assert User.objects.get(pk=ada.pk).timezone == "Asia/Tokyo"
    assert told == [ada.pk]


def test_users_are_not_deleted(boss, ada):
    assert boss.post(reverse("admin:accounts_user_delete", args=[ada.pk]), {"post": "yes"}).status_code == 403


def test_webhooks_show_neither_secret_nor_what_was_sent(boss, ada):
    hook = Webhook.objects.create(user=ada, url="https://x.example/", events=["write.failed"], secret=Secret("s3cret"))
    sent = Delivery.objects.create(webhook=hook, event="write.failed", payload={"title": "Consultation"})
    for name, pk in (("webhook", hook.pk), ("delivery", sent.pk)):
        for url in (
            reverse(f"admin:webhooks_{name}_changelist"),
            reverse(f"admin:webhooks_{name}_change", args=[pk]),
        ):
            answer = boss.get(url)
            assert answer.status_code == 200
            assert "s3cret" not in answer.content.decode()
            assert "Consultation" not in answer.content.decode()


def test_a_delivery_is_tried_again_by_hand(boss, ada):
    hook = Webhook.objects.create(user=ada, url="https://x.example/", events=["write.failed"], secret=Secret("s3cret"))
    given_up = Delivery.objects.create(webhook=hook, event="write.failed", payload={}, attempts=12)
    boss.post(
        reverse("admin:webhooks_delivery_changelist"), {"action": "try_now", "_selected_action": [str(given_up.pk)]}
    )
    given_up.refresh_from_db()
    assert given_up.next_try_at is not None
