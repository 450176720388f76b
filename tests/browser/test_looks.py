"""What axe finds, what is cut off, what overlaps: on every page, in both colour schemes, on a phone and on a desk."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_core_python.sync_playwright import Axe
from django.contrib.staticfiles import finders
from playwright.sync_api import Page, expect

from tests import night
from tests.browser.conftest import VIEWPORTS, Opener
from tests.browser.tour import pages
from tests.browser.wcag22 import obscured, small_targets
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
    // A box that is narrower than its own words lets them run over its neighbour.
    if (!e.closest(".entry, pre") && e.clientWidth && e.scrollWidth > e.clientWidth + 1 &&
        [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) && !e.matches("select, textarea"))
      faults.push("runs over: " + name(e));
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


AXE = "(options) => axe.run({resultTypes: ['violations'], ...options}).then((found) => found.violations)"
# The colour scheme changes colours and nothing else (app.css, tokens): a second look asks for contrast only.
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


# What is folded away is looked at as well.
UNFOLD = "document.querySelectorAll('details').forEach((one) => { one.open = true })"

FIRST = {
    "log-in": "/accounts/login/",
    "empty week": "/",
    "settings": "/settings/profile/",
    "nothing to do": "/attention/",
}


def prepare(page: Page) -> None:
    """Bring axe into the page that is open; our policy is for what the page itself brings."""
    page.evaluate(Axe().axe_script)


def violations(page: Page, options: dict[str, Any]) -> list[str]:
    found: list[dict[str, Any]] = page.evaluate(AXE, options)
    return [f"axe {one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


def misplaced(page: Page) -> list[str]:
    """Return what is cut off, overlaps or is too small on the page that is open, as wide as the window is."""
    page.evaluate(UNFOLD)
    found: list[str] = page.evaluate(FAULTS)
    return found + small_targets(page)


def faults_of(page: Page, name: str) -> list[str]:
    """Return what is wrong with the page that is open, as wide as the window is: at night in both colour schemes."""
    found, rules = misplaced(page), {}
    for scheme in night.turn(SCHEMES, of=f"the colours of {name}"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{scheme}: {one}" for one in violations(page, rules)]
        rules = COLOURS
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    return found


def wrong(faults: dict[str, list[str]]) -> dict[str, list[str]]:
    return {where: what for where, what in faults.items() if what}


@pytest.mark.late
@pytest.mark.slow
def test_pages_can_be_read_and_used_by_everybody(window: Opener, scene: Scene) -> None:
    tab = window("phone")
    page, faults = tab.enter(at="/nowhere/"), {}
    everything = pages(scene)
    for name in everything:
        path = everything[name]
        prepare(tab.open(path))
        for size, box in VIEWPORTS.items():
            page.set_viewport_size(box)  # type: ignore[arg-type]
            thorough = size in night.turn(list(VIEWPORTS), of=f"the looks of {name}")
            faults[f"{name}, {size}"] = faults_of(page, name) + obscured(page) if thorough else misplaced(page)
    tab.complaints = [complaint for complaint in tab.complaints if complaint != NOT_FOUND]
    assert wrong(faults) == {}


PLANTED = """<main><p><a href="/a">one</a></p><button class="tiny" type="button">x</button>
<button class="tiny" type="button">y</button>
<p>A <a href="/b">link</a> in a sentence.</p><button id="under" type="button">under the banner</button>
<div id="banner">banner</div></main>"""
PLANTED_STYLE = """.tiny { width: 16px; height: 16px; padding: 0; border: 0; font-size: 8px }
#under { position: fixed; top: 0; left: 0 }
#banner { position: fixed; inset: 0 0 auto 0; height: 90px; background: #fff }
p { margin-top: 100px }"""


def test_what_is_looked_for_would_be_found(page: Page) -> None:
    page.set_content(f"<style>{PLANTED_STYLE}</style>{PLANTED}")
    assert [fault.split(":")[0] for fault in small_targets(page)] == ["2.5.8 16×16"] * 2
    assert obscured(page) == ["2.4.11 hidden while it has the focus: BUTTON. under the banner"]


def test_the_colour_scheme_changes_nothing_but_colours() -> None:
    """What lets the second look at a page be a short one."""
    style = Path(str(finders.find("leadmagicx/app.css"))).read_text()
    (dark,) = re.findall(r"@media \(prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}\s*\}", style, flags=re.S)
    assert style.count("prefers-color-scheme") == 1
    for name, value in re.findall(r"([\w-]+):\s*([^;]+);", dark):
        assert name.startswith("--"), name
        assert re.fullmatch(r"#[0-9a-f]{3,8}|none", value.strip()), name
    shadow = re.findall(r"([\w-]+): var\(--shadow\)", style)
    assert set(shadow) == {"box-shadow"}


@pytest.mark.late
def test_the_first_pages_a_newcomer_meets(window: Opener, ada: Person) -> None:
    tab, faults = window("phone"), {}
    page = tab.open("/")
    for name, path in FIRST.items():
        if name != "log-in":
            tab.enter(at=path)
        prepare(page)
        faults[name] = faults_of(page, name) + obscured(page)
    tab.open("/settings/profile/icloud/connect/")
    page.get_by_label("iCloud email address").fill(ada.account.apple_id)
    page.get_by_label("App-specific password").fill("not-one")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    prepare(page)
    faults["refused"] = faults_of(page, "refused")
    assert wrong(faults) == {}


@pytest.mark.late
def test_german_pages_fit_a_phone(window: Opener, scene: Scene) -> None:
    tab = window("phone", locale="de-DE")
    page = tab.enter()
    expect(page.get_by_role("link", name="Neuer Termin")).to_be_visible()
    faults = {}
    for name, path in pages(scene).items():
        tab.open(path).evaluate(UNFOLD)
        faults[name] = page.evaluate(FAULTS)
    tab.complaints = [complaint for complaint in tab.complaints if complaint != NOT_FOUND]
    assert wrong(faults) == {}


@pytest.mark.late
@pytest.mark.parametrize("path", ["/accounts/login/", "/settings/profile/icloud/connect/"])
def test_a_password_can_be_pasted(window: Opener, ada: Person, path: str) -> None:
    """WCAG 2.2, 3.3.8: nobody has to remember or copy by hand what a password manager knows."""
    tab = window("phone")
    page = tab.open(path) if "login" in path else tab.enter(at=path)
    other, password = page.locator("main input[autocomplete=username]"), page.locator("input[type=password]")
    other.fill("abcd-efgh-ijkl-mnop")
    other.press("Control+A")
    other.press("Control+C")
    password.press("Control+V")
    expect(password).to_have_value("abcd-efgh-ijkl-mnop")
