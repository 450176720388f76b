"""Pictures of the real pages. `PICTURES=docs/images` keeps them; at night they are only taken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Opener
from tests.scene import Scene, booking_calendars
from tests.stage import Person

pytestmark = pytest.mark.nightly


def folder(tmp_path: Path) -> Path:
    found = Path(os.environ.get("PICTURES") or tmp_path)
    found.mkdir(parents=True, exist_ok=True)
    return found


def take(page: Page, path: Path, *, whole: bool = False) -> None:
    page.evaluate("document.fonts.ready")
    page.screenshot(path=path, full_page=whole)
    assert path.stat().st_size > 5_000


def test_pictures_of_a_full_week(window: Opener, scene: Scene, tmp_path: Path) -> None:
    kept, week = folder(tmp_path), f"/?date={scene.monday}"
    desk = window("desk")
    desk.enter(at=week)
    take(desk.page, kept / "week.png")
    desk.page.emulate_media(color_scheme="dark")
    take(desk.page, kept / "week-dark.png")
    desk.page.emulate_media(color_scheme="light")
    take(desk.open("/settings/profile/#calendar-settings"), kept / "calendar-settings.png")
    take(desk.open("/settings/profile/primary-calendar/#primary"), kept / "primary-calendar.png")
    take(desk.open(f"/availability/?calendar={scene.consultation.pk}&date={scene.monday}"), kept / "why.png")
    phone = window("phone")
    phone.enter(at=week)
    take(phone.page, kept / "week-phone.png")
    take(phone.open("/attention/"), kept / "attention-phone.png")
    take(phone.open("/settings/profile/#calendar-settings"), kept / "calendar-settings-phone.png")


def test_a_picture_of_connect(window: Opener, ada: Person, tmp_path: Path) -> None:
    booking_calendars(ada)
    desk = window("desk")
    desk.enter(at="/settings/profile/icloud/connect/")
    desk.open("/settings/profile/icloud/connect/#calendar-settings")
    take(desk.page, folder(tmp_path) / "connect.png")
