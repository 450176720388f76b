"""Attention: a line for each case, with its actions."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.utils import timezone

from icloud_sync.local import attention
from icloud_sync.messages import ATTENTION_TEXTS
from icloud_sync.models import Attention, ICloudConnection
from leadmagicx.pages.attention import label
from tests.scene import Scene
from tests.web.test_errors import words

ACTIONS = {
    "removed_in_icloud": ["Put it back", "Leave it off", "Cancel appointment"],
    "moved_in_icloud": ["Show appointment"],
    "outside_hours": ["Move", "Cancel appointment"],
    "clash": ["Move", "Cancel appointment"],
    "affects_others": ["Show appointment"],
    "unsupported_edit": ["Show appointment"],
    "write_failed": ["Try again"],
    "needs_password": ["Reconnect"],
    "unreachable": ["Try now"],
    "primary_lost": ["Choose another calendar"],
    "unreadable_event": [],
}


def test_every_code_has_its_actions_here() -> None:
    assert set(ACTIONS) == set(ATTENTION_TEXTS)


def test_each_case_is_a_line_with_its_actions(scene: Scene, client: Client) -> None:
    now, connection = timezone.now(), ICloudConnection.objects.get()
    engagement, calendar = scene.written.session.engagements.get(), scene.ada.calendar("Home")
    Attention.objects.update(resolved_at=now)
    scene.removed_slot.delete()
    for code, actions in ACTIONS.items():
        if code in attention.FLAGS:
            attention.about_engagement(engagement, code, now=now)
        elif code in {"needs_password", "unreachable"}:
            attention.about_connection(connection, code, now=now)
        else:
            attention.about_calendar(calendar, code, now=now)
        page = words(client.get("/attention/").content.decode())
        assert label(code) in page
        assert label(code) != code
        assert [action for action in actions if action not in page] == [], code
        Attention.objects.update(resolved_at=now)
    assert "Nothing needs you" in words(client.get("/attention/").content.decode())


def test_many_cases_take_no_more_queries_than_one(
    scene: Scene, client: Client, django_assert_max_num_queries: Any
) -> None:
    engagement = scene.written.session.engagements.get()
    for code in attention.FLAGS:
        attention.about_engagement(engagement, code, now=timezone.now())
    with django_assert_max_num_queries(10):
        page = client.get("/attention/").content.decode()
    told_besides = 1  # that it was moved is in three of the others
    assert page.count('<li class="card') == 2 + len(attention.FLAGS) - told_besides


def test_staff_see_everybodys_cases_with_their_owner(scene: Scene) -> None:
    staff = Client()
    staff.force_login(scene.stage.staff)
    page = words(staff.get("/attention/").content.decode())
    assert "Edsger Dijkstra" in page
    assert "Ada Lovelace ·" in page
    assert "Old meeting" not in page, "titles of private events are the owner's (rule P15)"


def test_the_number_is_in_the_navigation(scene: Scene, client: Client) -> None:
    assert '<span class="count" aria-hidden="true">2</span>' in client.get("/").content.decode()
    client.post(f"/appointments/{scene.removed.pk}/icloud/leave-off/")
    client.post(f"/blocked-slots/{scene.removed_slot.pk}/release/")
    assert 'class="count"' not in client.get("/").content.decode()


def test_what_is_decided_twice_is_told(scene: Scene, client: Client) -> None:
    address = f"/appointments/{scene.removed.pk}/icloud/leave-off/"
    client.post(address)
    answer = client.post(address, follow=True)
    assert "Nothing of this appointment was removed in iCloud" in words(answer.content.decode())
    assert client.post(f"/appointments/{scene.removed.pk}/icloud/explode/").status_code == 404
