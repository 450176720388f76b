"""What axe finds, what is cut off, what overlaps: on every page, in both colour schemes, on a phone and on a desk."""

from __future__ import annotations

from typing import Any

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import VIEWPORTS, Opener
from tests.browser.tour import pages
from tests.scene import Scene
from tests.stage import Person

NOT_FOUND = "Failed to load resource: the server responded with a status of 404 (Not Found)"

# Text that does not fit its box, boxes that reach out of the window, controls that lie on each other.
FAULTS = """() => {
  const faults = [], wide = document.documentElement.clientWidth;
  const seen = (e) => e.checkVisibility() && !e.closest(".sr, .skip, svg, .legend");
  const name = (e) => `${e.tagName}.${e.className} ${(e.textContent || e.name || "").trim().slice(0, 40)}`;
  if (document.documentElement.scrollWidth > wide) faults.push("the page scrolls sideways");
  for (const e of document.querySelectorAll("body *")) {
    if (!seen(e)) continue;
    const box = e.getBoundingClientRect();
    if (box.right > wide + 1 || box.left < -1) faults.push("outside: " + name(e));
    if (!e.closest(".entry") && e.scrollWidth > e.clientWidth + 1 && e.clientWidth &&
        getComputedStyle(e).overflowX !== "visible" && !e.matches("input, select, textarea"))
      faults.push("cut off: " + name(e));
  }
  const controls = [...document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, summary")]
    .filter(seen).map((e) => [e, e.getBoundingClientRect()]);
  for (const [i, [a, p]] of controls.entries()) for (const [b, q] of controls.slice(i + 1)) {
    if (a.contains(b) || b.contains(a)) continue;
    const over = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const deep = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (over > 1 && deep > 1) faults.push(`overlap: ${name(a)} / ${name(b)}`);
  }
  return faults;
}"""


AXE = "() => axe.run({resultTypes: ['violations']}).then((found) => found.violations)"


def prepare(page: Page) -> None:
    """Bring axe into the page that is open; our policy is for what the page itself brings."""
    page.evaluate(Axe().axe_script)


def faults_of(page: Page) -> list[str]:
    found: list[str] = page.evaluate(FAULTS)
    violations: list[dict[str, Any]] = page.evaluate(AXE)
    for violation in violations:
        found += [f"axe {violation['id']}: {node['html'][:120]}" for node in violation["nodes"]]
    return found


def look_at(page: Page, *, size: str, scheme: str) -> None:
    page.set_viewport_size(VIEWPORTS[size])  # type: ignore[arg-type]
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_read_and_used_by_everybody(window: Opener, scene: Scene, scheme: str) -> None:
    tab = window("phone")
    page, faults = tab.sign_in(), {}
    for name, path in pages(scene).items():
        tab.open(path)
        prepare(page)
        for size in VIEWPORTS:
            look_at(page, size=size, scheme=scheme)
            faults[f"{name}, {size}"] = faults_of(page)
    tab.complaints = [complaint for complaint in tab.complaints if complaint != NOT_FOUND]
    assert {where: what for where, what in faults.items() if what} == {}


def test_the_first_pages_a_newcomer_meets(window: Opener, ada: Person) -> None:
    tab = window("phone")
    page, faults = tab.open("/"), {}
    prepare(page)
    for scheme in ("light", "dark"):
        look_at(page, size="phone", scheme=scheme)
        faults[f"log-in, {scheme}"] = faults_of(page)
    tab.sign_in()
    for name, path in {"empty week": "/", "settings": "/settings/profile/", "nothing to do": "/attention/"}.items():
        prepare(tab.open(path))
        faults[name] = faults_of(page)
    tab.open("/settings/profile/icloud/connect/")
    page.get_by_label("iCloud email address").fill(ada.account.apple_id)
    page.get_by_label("App-specific password").fill("not-one")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    prepare(page)
    faults["refused"] = faults_of(page)
    assert {where: what for where, what in faults.items() if what} == {}


def test_german_pages_fit_a_phone(window: Opener, scene: Scene) -> None:
    tab = window("phone", locale="de-DE")
    page = tab.open("/")
    page.get_by_label("Benutzername").fill("ada")
    page.get_by_label("Passwort").fill("pass-of-ada")
    page.get_by_role("button", name="Anmelden").click()
    page.get_by_role("link", name="Neuer Termin").wait_for()
    faults = {}
    for name, path in pages(scene).items():
        tab.open(path)
        faults[name] = page.evaluate(FAULTS)
    tab.complaints = [complaint for complaint in tab.complaints if complaint != NOT_FOUND]
    assert {where: what for where, what in faults.items() if what} == {}
