"""What a form needs so that people, and what reads and fills in pages for them, can use it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.test import Client

from icloud_sync.models import ICloudConnection
from tests.browser.tour import pages
from tests.scene import Scene

TEMPLATES = Path(__file__).parents[2] / "templates"
# What a browser fills in by itself goes on doing so (WCAG 2.2, 1.3.5 and 3.3.8).
AUTOCOMPLETE = {
    "/accounts/login/": {"username": "username", "password": "current-password"},
    "/settings/profile/icloud/connect/": {"apple_id": "username", "app_specific_password": "off"},
}
NO_LABEL = {"hidden", "submit"}


class Controls(HTMLParser):
    """The controls of a page, each with whether something labels it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.labels = set(re.findall(r'<label[^>]*\sfor="([^"]+)"', page))
        self.inside = 0
        self.bare: list[str] = []
        self.buttons: list[str] = []
        self.found: dict[str, dict[str, str]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "label":
            self.inside += 1
        elif tag == "button":
            self.buttons.append(given.get("type", "none"))
        elif tag in {"input", "select", "textarea"} and given.get("type") not in NO_LABEL:
            self.found[given.get("name", "")] = given
            if not (self.inside or given.get("id") in self.labels or given.get("aria-label")):
                self.bare.append(given.get("name", tag))

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self.inside -= 1


def controls(client: Client, path: str) -> Controls:
    return Controls(client.get(path).content.decode())


def test_every_input_has_a_label_and_every_button_says_what_it_does(scene: Scene, client: Client) -> None:
    faults = {}
    for name, path in pages(scene).items():
        found = controls(client, path)
        faults[name] = [*found.bare, *(kind for kind in found.buttons if kind not in {"submit", "button"})]
    assert {name: what for name, what in faults.items() if what} == {}
    assert controls(Client(), "/accounts/login/").bare == []


def test_no_template_leaves_the_kind_of_a_button_to_the_browser() -> None:
    source = {path.name: path.read_text() for path in TEMPLATES.rglob("*.html")}
    assert [name for name, text in source.items() if re.search(r"<button(?![^>]*\btype=)", text)] == []


@pytest.mark.parametrize("path", AUTOCOMPLETE)
def test_passwords_can_be_filled_in_by_the_browser_or_pasted(scene: Scene, client: Client, path: str) -> None:
    found = controls(Client() if "login" in path else client, path).found
    for name, wanted in AUTOCOMPLETE[path].items():
        assert found[name]["autocomplete"] == wanted
        assert "onpaste" not in found[name]
        assert "readonly" not in found[name]


def test_the_names_are_those_of_rest(scene: Scene, client: Client) -> None:
    """contract.md, "Pages" and "REST": what a form sends is called what REST calls it."""
    connection = ICloudConnection.objects.get().pk
    wanted = {
        "/settings/profile/": {
            "timezone", "conflict_calendars", "deleted_in_icloud", "travel_time_blocks", "share_titles",
        },
        "/settings/profile/icloud/connect/": {"apple_id", "app_specific_password"},
        f"/settings/profile/icloud/{connection}/reconnect/": {"app_specific_password"},
        f"/settings/profile/icloud/{connection}/disconnect/": {"written_events"},
        "/settings/profile/primary-calendar/": {"primary_calendar"},
        f"/appointments/new/?calendar={scene.consultation.pk}&date={scene.monday}": {
            "calendar", "start", "name", "email", "phone", "title", "location", "notes", "host",
        },
        "/blocked-slots/new/": {"title", "start", "end", "all_day"},
    }  # fmt: skip
    missing = {path: names - set(controls(client, path).found) for path, names in wanted.items()}
    assert {path: names for path, names in missing.items() if names} == {}
    login = Client().get("/accounts/login/?next=/attention/").content.decode()
    assert '<input type="hidden" name="next" value="/attention/">' in login
    assert {"username", "password"} <= set(Controls(login).found)
