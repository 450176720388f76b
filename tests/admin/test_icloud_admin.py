"""Staff see how every account stands; they see no password and no private title, and change nothing by hand."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from calendars.models import BlockedSlot
from icloud_sync.models import (
    Attention,
    ConnectionStatus,
    ICloudCalendar,
    ICloudConnection,
    ICloudCredential,
    ICloudEvent,
    JournalEntry,
    SyncedEvent,
    SyncRun,
)
from tests.api.conftest import CANARY, person

OURS = [model for model in admin.site._registry if model._meta.app_label == "icloud_sync"]


def page(model, name="changelist", *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def one_of_each(connection):
    JournalEntry.objects.create(
        user=connection.user, connection=connection, action="event_changed", before={"title": "X"}
    )
    Attention.objects.create(user=connection.user, code="needs_password", key="k", connection=connection)
    SyncRun.objects.create(connection=connection)


def test_staff_open_every_page_and_edit_none(desk, busy_account, subtests):
    one_of_each(busy_account)
    for model in OURS:
        with subtests.test(model.__name__):
            opens_and_edits_nothing(desk, model)


def opens_and_edits_nothing(desk, model):
    answer = desk.get(page(model))
    assert answer.status_code == 200
    row = model.objects.first()
    pages = [answer]
    if row is not None:
        pages.append(desk.get(page(model, "change", row.pk)))
        pages.append(desk.get(page(model, "history", row.pk)))
        assert desk.post(page(model, "change", row.pk), {}).status_code == 403
        assert desk.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        assert desk.get(page(model, "delete", row.pk)).status_code == 403
    assert desk.get(page(model, "add")).status_code == 403
    for shown in pages:
        assert shown.status_code == 200
        text = shown.content.decode()
        assert "Hush-hush" not in text, "titles of private events are their owner's (rule P15)"
        assert CANARY not in text
        assert CANARY.replace("-", "") not in text


PRIVATE = [
    (BlockedSlot, "title", ""),
    (ICloudEvent, "essence", "__c__0__t"),
    (JournalEntry, "before", "__title"),
    (JournalEntry, "after", "__title"),
    (SyncedEvent, "details", "__title"),
    (Attention, "values", "__calendar"),
    (ICloudCalendar, "events", "__essence__c__0__t"),
]


def test_no_list_tells_a_private_title_letter_by_letter(desk, busy_account, subtests):
    """P15, S24: what no page shows cannot be asked for, searched for or sorted by either."""
    for model, column, rest in PRIVATE:
        with subtests.test(f"{model.__name__}.{column}"):
            for end in ("", "__startswith", "__regex", "__gte", "__isnull"):
                assert desk.get(page(model), {f"{column}{rest}{end}": "Hush"}).status_code == 400
            shown = desk.get(page(model), {"q": "Hush-hush"}).context["cl"]
            assert shown.search_fields == () or not shown.result_list
            for number in range(1, len(shown.list_display) + 1):
                order = desk.get(page(model), {"o": number}).context["cl"].queryset.query.order_by
                assert column not in {str(name).lstrip("-") for name in order}


@pytest.mark.late
def test_every_filter_that_a_list_offers_opens(boss, busy_account, subtests):
    one_of_each(busy_account)
    for model in admin.site._registry:
        with subtests.test(model.__name__):
            shown = boss.get(page(model)).context["cl"]
            links = [choice["query_string"] for spec in shown.filter_specs for choice in spec.choices(shown)]
            if shown.date_hierarchy:
                links.append(f"?{shown.date_hierarchy}__year=2026&{shown.date_hierarchy}__month=3")
            for link in links:
                assert boss.get(page(model) + link).status_code == 200, link


def test_the_password_has_no_page():
    """Reliability S3, S4: a new door to it makes this fail."""
    assert ICloudCredential not in admin.site._registry
    for model, options in admin.site._registry.items():
        names = {field.name for field in model._meta.get_fields()}
        shown = set(map(str, (options.fields or ()))) | set(map(str, options.list_display))
        for secret in {"sealed", "secret", "key_hash", "credential"} & names:
            assert options.fields is not None, f"{model.__name__} shows every column, {secret} included"
            assert secret not in shown
            assert not any(secret in field for field in options.search_fields)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_plain_users_are_not_let_in(client, ada, model):
    client.force_login(ada)
    assert client.get(page(model)).status_code == 302


def test_a_list_costs_the_same_whatever_its_length(desk, connection, ada):
    def queries(model):
        desk.get(page(model))
        with CaptureQueriesContext(
            database,
        ) as seen:
            assert desk.get(page(model)).status_code == 200
        return len(seen)

    one_of_each(connection)
    before = {model: queries(model) for model in OURS}
    for number in range(15):
        user = person(f"user{number}")
        other = ICloudConnection.objects.create(user=user, apple_id=f"a{number}@x.example", principal=f"/{number}/")
        calendar = other.calendars.create(path=f"/{number}/home/", name="Home")
        ICloudEvent.objects.create(calendar=calendar, path=f"/{number}.ics", uid=str(number))
        JournalEntry.objects.create(user=user, connection=other, calendar=calendar, action="event_new")
        Attention.objects.create(user=user, code="unreachable", key=str(number), connection=other)
        SyncRun.objects.create(connection=other)
    after = {model: queries(model) for model in OURS}
    assert {model.__name__: after[model] - before[model] for model in OURS if after[model] > before[model]} == {}


def test_sync_now_asks_for_a_look_and_is_written_down(desk, connection, staff, rung):
    answer = desk.post(page(ICloudConnection), {"action": "sync_now", "_selected_action": [connection.pk]}, follow=True)
    assert "1 account is synced now." in answer.content.decode()
    assert SyncRun.objects.get().connection == connection
    assert LogEntry.objects.get().user == staff


def test_sync_now_says_why_it_does_not(desk, connection):
    ICloudConnection.objects.update(status=ConnectionStatus.NEEDS_PASSWORD)
    answer = desk.post(page(ICloudConnection), {"action": "sync_now", "_selected_action": [connection.pk]}, follow=True)
    assert "0 accounts are synced now." in answer.content.decode()
    assert not SyncRun.objects.exists()


def test_disconnecting_asks_first_and_goes_through_the_service(desk, busy_account):
    choice = {"action": "disconnect_and_keep", "_selected_action": [busy_account.pk]}
    asked = desk.post(page(ICloudConnection), choice)
    assert busy_account.apple_id in asked.content.decode()
    assert ICloudConnection.objects.get().status == ConnectionStatus.CONNECTED
    done = desk.post(page(ICloudConnection), choice | {"confirmed": "yes"}, follow=True)
    assert "1 account is disconnected." in done.content.decode()
    assert ICloudConnection.objects.get().status == ConnectionStatus.DISCONNECTED
    assert not ICloudCredential.objects.exists()
    assert not BlockedSlot.objects.filter(source="icloud").exists()
    assert LogEntry.objects.count() == 1


def test_an_action_needs_a_form_token(connection, staff):
    """Reliability S19."""
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(staff)
    answer = strict.post(page(ICloudConnection), {"action": "sync_now", "_selected_action": [connection.pk]})
    assert answer.status_code == 403


def test_values_of_appointments_are_shown_and_those_of_private_events_are_not(desk, connection, ada):
    private = JournalEntry.objects.create(
        user=ada, action="event_changed", before={"title": "Hush-hush", "start": "2026-03-01T09:00:00Z"}
    )
    booked = JournalEntry.objects.create(user=ada, action="edit_taken", session_id=1, before={"title": "Consultation"})
    assert "Consultation" in desk.get(page(JournalEntry, "change", booked.pk)).content.decode()
    text = desk.get(page(JournalEntry, "change", private.pk)).content.decode()
    assert "Hush-hush" not in text
    assert "2026-03-01T09:00:00Z" in text


def test_text_from_outside_is_shown_as_text(desk, connection):
    """Reliability S23."""
    evil = "<script>window.__xss=1</script>"
    connection.calendars.update(name=evil)
    JournalEntry.objects.create(user=connection.user, connection=connection, action="x", uid=evil, path=evil, code=evil)
    for url in (
        page(ICloudConnection, "change", connection.pk),
        page(JournalEntry),
        page(JournalEntry, "change", JournalEntry.objects.order_by("-pk").first().pk),
        page(connection.calendars.model),
    ):
        text = desk.get(url).content.decode()
        assert "<script>window" not in text


def test_cases_are_told_in_words(desk, connection):
    Attention.objects.create(
        user=connection.user, code="primary_lost", key="k", values={"calendar": "Home"}, since=timezone.now()
    )
    assert "“Home”" in desk.get(page(Attention)).content.decode()
