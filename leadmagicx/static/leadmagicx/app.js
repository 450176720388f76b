/* What pages can do better with JavaScript. Everything works without; every text comes from the page (data-…). */
(() => {
  "use strict";
  const find = (selector, root = document) => root.querySelector(selector);

  /* The form of an app-specific password: sixteen letters, however they are grouped (rule C3). */
  const checkShape = (input) => {
    const say = document.getElementById(input.dataset.shape);
    const text = input.value.replace(/[\s\p{Pd}\u00ad\u200b-\u200d\u2060\u2212\ufeff]/gu, "");
    const wrong = /[^a-z]/i.test(text) || text.length > 16;
    const state = !text ? "" : wrong ? "wrong" : text.length === 16 ? "right" : "more";
    const line = state ? say.dataset[state].replace("{n}", text.length) : say.dataset.empty;
    if (say.textContent !== line) say.textContent = line;
    say.className = { wrong: "error", right: "help good strong" }[state] || "help";
  };

  const showText = (button) => {
    const input = document.getElementById(button.getAttribute("aria-controls"));
    const hidden = input.type === "password";
    input.type = hidden ? "text" : "password";
    button.setAttribute("aria-pressed", hidden);
  };

  /* The device's time zone, when it is another one than the user's: a hint, and the name ready to be saved. */
  const compareZones = () => {
    const hint = find("[data-zone-hint]");
    const device = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const mine = document.body.dataset.zone;
    const clock = (zone) => new Date().toLocaleString("sv", { timeZone: zone });
    try {
      if (!hint || !device || device === mine || clock(device) === clock(mine)) return;
    } catch { return; }
    find("[data-device]", hint).textContent = device;
    find("[name=timezone]", hint).value = device;
    hint.hidden = false;
  };

  /* Arrow keys walk through the entries of the week: up and down in a day, left and right between days. */
  const STEP = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
  const walk = (event) => {
    const entry = event.target.closest?.(".week a.entry");
    const step = STEP[event.key];
    if (!entry || !step || event.altKey || event.ctrlKey || event.metaKey) return;
    const days = [...document.querySelectorAll(".week .day")].filter((day) => day.offsetParent);
    const entries = days.map((day) => [...day.querySelectorAll("a.entry")]);
    let day = entries.findIndex((list) => list.includes(entry));
    let place = entries[day].indexOf(entry) + step[1];
    if (step[0]) {
      do day += step[0]; while (entries[day] && !entries[day].length);
      const top = entry.getBoundingClientRect().top;
      const gaps = (entries[day] || []).map((other) => Math.abs(other.getBoundingClientRect().top - top));
      place = gaps.indexOf(Math.min(...gaps));
    }
    const next = entries[day]?.[place];
    if (next) { next.focus(); event.preventDefault(); }
  };

  const ready = (root) => {
    root.querySelectorAll("[data-shape]").forEach(checkShape);
    root.querySelectorAll("[data-js]").forEach((element) => { element.hidden = false; });
  };

  /* A link to something that is folded away unfolds it. */
  const unfold = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target?.matches("details")) target.open = true;
  };

  document.addEventListener("input", (event) => { if (event.target.dataset.shape) checkShape(event.target); });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-go] select, [data-go] input")) event.target.form.requestSubmit();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-show]");
    if (button) showText(button);
  });
  document.addEventListener("keydown", walk);
  /* One request for one press; the button comes back when the page does. */
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.busy === "yes") event.preventDefault();
    else if (event.target.method === "post") event.target.dataset.busy = "yes";
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("[data-busy]").forEach((form) => delete form.dataset.busy);
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (new URL(event.detail.xhr.responseURL).pathname === "/accounts/login/") {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => { delete event.target.dataset?.busy; });
  document.addEventListener("htmx:afterSettle", (event) => {
    ready(document);
    const cause = event.detail.requestConfig?.triggeringEvent?.type;
    if (cause === "click" || cause === "submit") (find("main [aria-invalid=true]") || find("main [data-focus]"))?.focus();
  });
  window.addEventListener("hashchange", unfold);
  ready(document);
  unfold();
  compareZones();
})();
