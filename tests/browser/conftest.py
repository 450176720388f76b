"""Chromium, LeadMagicX on a port, and Ada signed in."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from leadmagicx.accounts.models import User
from tests import chromium, kept
from tests.scene import Scene, full_week, person
from tests.stage import Person, Stage

# Playwright's synchronous face runs an event loop in this thread, which Django takes for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# On a machine that is taken away for seconds an answer is late, and nothing is wrong.
MOST_WAITING = 15_000
expect.set_options(timeout=MOST_WAITING)

VIEWPORTS = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 900}}
# Nothing of the browser's own leaves the machine.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args(
    django_db_setup: None, browser_type_launch_args: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The browser ends before the database does, and so does what still served it: both keep a session there."""
    yield {**browser_type_launch_args, "executable_path": chromium.executable(), "args": FLAGS}
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(10)
    _close_every_connection()


def _close_every_connection() -> None:
    """Playwright's event loop makes Django keep a second connection for this thread, which nobody finds afterwards."""
    for found in gc.get_objects():
        if issubclass(type(found), BaseDatabaseWrapper) and found._thread_ident == threading.get_ident():
            found.close()


class Window:
    """One tab of somebody's browser; what its console complains about fails the test."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(MOST_WAITING)
        self.origin = origin
        self.complaints: list[str] = []
        self.page.on("console", lambda line: self._heard(line.type, line.text))
        self.page.on("pageerror", lambda error: self._heard("error", str(error)))

    def _heard(self, kind: str, text: str) -> None:
        # Playwright itself adds a style to hide the caret on pictures, which our policy refuses.
        if kind in {"error", "warning"} and "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" not in text:
            self.complaints.append(text)

    def open(self, path: str) -> Page:
        self.page.goto(self.origin + path)
        return self.page

    def enter(self, name: str = "ada", *, at: str = "/") -> Page:
        """Open a page as somebody who is signed in already: for tests that are not about the log-in."""
        client = Client()
        client.force_login(User.objects.get(username=name))
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": self.origin}])
        return self.open(at)

    def sign_in(self, name: str = "ada", password: str = "pass-of-ada", *, at: str = "/") -> Page:
        """Go through the form of the log-in page, to the page that was wanted."""
        self.open(at)
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda url: "/accounts/login/" not in url)
        return self.page


Opener = Callable[..., Window]


@pytest.fixture
def window(new_context: Any, live_server: Any) -> Iterator[Opener]:
    """Open a window: `window("phone", javascript=False, scheme="dark", locale="de-DE", zone="Asia/Tokyo")`."""
    opened: list[Window] = []

    def opener(
        size: str = "desk",
        *,
        javascript: bool = True,
        scheme: str = "light",
        locale: str = "en-GB",
        zone: str = "Europe/Berlin",
    ) -> Window:
        context = new_context(
            viewport=VIEWPORTS[size],
            java_script_enabled=javascript,
            color_scheme=scheme,
            locale=locale,
            timezone_id=zone,
            reduced_motion="reduce",
        )
        opened.append(Window(context, live_server.url))
        return opened[-1]

    yield opener
    assert [complaint for one in opened for complaint in one.complaints] == []


@pytest.fixture
def ada(stage: Stage, live_server: Any) -> Person:
    """Ada, who has an iPhone and has not connected it."""
    return person(stage)


@pytest.fixture
def scene(stage: Stage, live_server: Any) -> Scene:
    """Ada's full week."""
    return kept.beginning("week", stage, full_week)
