"""What WCAG 2.2 adds on level AA and a browser can measure; axe knows none of it.

2.5.8 Target Size: 24 by 24 CSS pixels, or far enough from the next target; links inside a sentence are let off.
2.4.11 Focus Not Obscured: what has the focus is not hidden behind anything.
"""

from __future__ import annotations

from playwright.sync_api import Page

TARGETS = """() => {
  const LEAST = 24, faults = [];
  const name = (e) => `${e.tagName}.${e.className} ${(e.textContent || e.name || "").trim().slice(0, 40)}`;
  const inSentence = (e) => getComputedStyle(e).display === "inline" &&
    [...e.parentElement.childNodes].some((node) => node !== e && node.textContent.trim().length > 1);
  // A press on a label is a press on its control.
  const boxOf = (e) => (e.closest("label") || e).getBoundingClientRect();
  const targets = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
    .filter((e) => e.checkVisibility() && !e.disabled && !e.closest(".skip"))
    .map((e) => ({ e, box: boxOf(e) })).filter(({ box }) => box.width && box.height);
  const small = ({ box }) => box.width < LEAST - .5 || box.height < LEAST - .5;
  const middle = (box) => [box.left + box.width / 2, box.top + box.height / 2];
  const away = ([x, y], box) => Math.hypot(
    Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
  for (const one of targets.filter(small)) {
    if (inSentence(one.e)) continue;
    const near = targets.find((other) => other.e !== one.e && (small(other)
      ? Math.hypot(...middle(one.box).map((at, n) => at - middle(other.box)[n])) < LEAST
      : away(middle(one.box), other.box) < LEAST / 2));
    if (near) faults.push(`2.5.8 ${Math.round(one.box.width)}×${Math.round(one.box.height)}: ` +
      `${name(one.e)} beside ${name(near.e)}`);
  }
  return faults;
}"""

FOCUS = """async () => {
  const faults = [];
  const name = (e) => `${e.tagName}.${e.className} ${(e.textContent || e.name || "").trim().slice(0, 40)}`;
  const fetched = document.querySelector("#zones[hx-get]") && new Promise((done) =>
    document.body.addEventListener("htmx:afterRequest", done, { once: true }));
  const able = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
    .filter((e) => e.checkVisibility() && !e.disabled);
  for (const e of able) {
    e.focus();
    const box = e.getBoundingClientRect(), spots = [];
    for (const x of [.1, .5, .9]) for (const y of [.1, .5, .9])
      spots.push(document.elementFromPoint(box.left + box.width * x, box.top + box.height * y));
    if (!spots.some((spot) => spot && (e.contains(spot) || spot.contains(e) && spot.closest("label, a, button"))))
      faults.push(`2.4.11 hidden while it has the focus: ${name(e)}`);
  }
  // The names of the time zones are fetched when their field has the focus; no page is left in the middle of that.
  await Promise.race([fetched, ...(document.querySelector("#zones option") ? [null] : [])]);
  document.activeElement.blur();
  scrollTo(0, 0);
  return faults;
}"""


def small_targets(page: Page) -> list[str]:
    """Return the targets of a page that are too small and too close to another one (2.5.8)."""
    found: list[str] = page.evaluate(TARGETS)
    return found


def obscured(page: Page) -> list[str]:
    """Return what cannot be seen while it has the focus (2.4.11)."""
    found: list[str] = page.evaluate(FOCUS)
    return found
