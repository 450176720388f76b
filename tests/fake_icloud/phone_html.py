"""The HTML of the phone page."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tests.fake_icloud.ics import Moment
from tests.fake_icloud.phone_event import PhoneEvent

if TYPE_CHECKING:
    from tests.fake_icloud.account import Account
    from tests.fake_icloud.state import Calendar
    from tests.fake_icloud.world import World

DAYS_SHOWN = 30
LOG_SHOWN = 50

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #c8322b; }
* { box-sizing: border-box; }
body { font: 16px/1.45 -apple-system, "Segoe UI", Roboto, sans-serif; margin: 0 auto; max-width: 46rem; padding: 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; } h2 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; }
h3 { font-size: .85rem; margin: 1rem 0 .25rem; opacity: .7; text-transform: uppercase; letter-spacing: .04em; }
nav a { margin-right: 1rem; } a { color: var(--accent); }
nav [aria-current] { font-weight: 600; text-decoration: none; }
.card { border: 1px solid var(--line); border-radius: .75rem; padding: .75rem 1rem; margin: .75rem 0; }
.said { background: #34a85322; } .off { background: #c8322b22; }
.event { border-left: 4px solid; border-radius: 4px; padding: .4rem .75rem; margin: .4rem 0; background: var(--soft); }
.event .when { opacity: .75; font-size: .9rem; } .dim { opacity: .55; } .tag { font-size: .8rem; opacity: .8; }
summary { cursor: pointer; font-size: .85rem; min-height: 1.75rem; padding-top: .25rem; }
form { display: inline-flex; flex-wrap: wrap; gap: .4rem; margin: .2rem .2rem .2rem 0; align-items: center; }
form.grid { display: grid; grid-template-columns: 1fr 1fr; gap: .6rem; }
form.grid .wide { grid-column: 1 / -1; } label { font-size: .85rem; } label > input, label > select { display: block; }
input, select, button { font: inherit; padding: .45rem .6rem; border: 1px solid var(--line); border-radius: .5rem; }
input:not([type=checkbox]), .grid select { width: 100%; } label input[type=checkbox] { display: inline; }
button { cursor: pointer; min-height: 2.5rem; } button.main { background: var(--accent); color: #fff; border: 0; }
code { font-size: 1.05em; overflow-wrap: anywhere; } .scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .8rem; width: 100%; }
td, th { text-align: left; padding: .15rem .5rem .15rem 0; }
td { border-top: 1px solid var(--line); white-space: nowrap; }
"""


def page(world: World, account: Account | None, *, said: str) -> str:
    """Return the whole page; `said` is what the last action reports. The lock is held."""
    if account is None:
        return _document("No account", "<h1>This iCloud has no account yet</h1>")
    zone = ZoneInfo(world.zone)
    today = world.clock.moment().astimezone(zone).date()
    blocks = [
        f"<h1>{escape(account.name)}’s iPhone</h1>",
        _tabs(world, account),
        f'<p class="card said" role="status">{escape(said)}</p>' if said else "",
        _status(world, account),
        _new_event(account, today),
        _events(account, today, zone),
        _log(world, zone),
    ]
    return _document(f"{account.name}’s iPhone", "\n".join(blocks))


def _document(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body>{body}</body></html>"
    )


def _tabs(world: World, account: Account) -> str:
    links = []
    for one in world.accounts.values():
        current = ' aria-current="page"' if one is account else ""
        links.append(f'<a href="/phone/?account={one.dsid}"{current}>{escape(one.apple_id)}</a>')
    return f"<nav>{''.join(links)}</nav>"


def _button(account: Account, action: str, label: str, **hidden: str) -> str:
    inputs = "".join(f'<input type="hidden" name="{k}" value="{escape(v)}">' for k, v in hidden.items())
    return (
        f'<form method="post" action="/phone/{account.dsid}/{action}">{inputs}<button>{escape(label)}</button></form>'
    )


def _status(world: World, account: Account) -> str:
    secrets = "<br>".join(f"<code>{escape(one)}</code>" for one in account.passwords) or "none: everything is revoked"
    outage = _button(account, "outage", "End the outage", on="no")
    if not world.outage:
        outage = _button(account, "outage", "Start an outage (503)", on="yes")
    return (
        f'<div class="card{" off" if world.outage else ""}"><p>Apple ID <code>{escape(account.apple_id)}</code><br>'
        f"App-specific password {secrets}</p>"
        f"{_button(account, 'revoke', 'Revoke the password')}{_button(account, 'password', 'Create a new password')}"
        f"{outage}</div>"
    )


def _writable(account: Account) -> list[Calendar]:
    return [one for one in account.calendars if one.kind == "event" and one.writable]


def _options(calendars: list[Calendar]) -> str:
    return "".join(f'<option value="{one.path_id}">{escape(one.name or one.path_id)}</option>' for one in calendars)


def _new_event(account: Account, today: date) -> str:
    return (
        "<h2>New event</h2>"
        f'<form class="grid card" method="post" action="/phone/{account.dsid}/create">'
        '<label class="wide">Title <input name="title" required maxlength="200"></label>'
        f'<label>Calendar <select name="calendar">{_options(_writable(account))}</select></label>'
        f'<label>Date <input type="date" name="date" value="{today.isoformat()}" required></label>'
        '<label>Starts <input type="time" name="start" value="10:00" required></label>'
        '<label>Ends <input type="time" name="end" value="11:00" required></label>'
        '<label>Show as <select name="show"><option value="busy">Busy</option><option value="free">Free</option>'
        "</select></label>"
        '<div><label><input type="checkbox" name="all_day"> All day</label><br>'
        '<label><input type="checkbox" name="weekly"> Every week</label></div>'
        '<button class="main wide">Add</button></form>'
    )


def _events(account: Account, today: date, zone: ZoneInfo) -> str:
    start = datetime(today.year, today.month, today.day, tzinfo=zone)
    found: list[tuple[Moment, Moment, PhoneEvent]] = []
    for event in account.phone.events():
        found += [(first, last, event) for first, last in _coming(event, start)]
    found.sort(key=lambda item: _local(item[0], zone).isoformat())
    days: dict[date, list[str]] = {}
    for first, last, event in found:
        local = _local(first, zone)
        days.setdefault(local.date(), []).append(_event(account, event, first, last, zone))
    blocks = [f"<h3>{day:%A, %-d %B}</h3>{''.join(items)}" for day, items in sorted(days.items())]
    return f"<h2>Calendar</h2>{_legend(account)}" + ("".join(blocks) or "<p>Nothing in the coming weeks.</p>")


def _coming(event: PhoneEvent, start: datetime) -> list[tuple[Moment, Moment]]:
    try:
        return event.occurrences(start, start + timedelta(days=DAYS_SHOWN))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return [(event.start, event.end)]  # icalendar cannot read it; the phone shows its first day


def _local(moment: Moment, zone: ZoneInfo) -> datetime:
    if not isinstance(moment, datetime):
        return datetime(moment.year, moment.month, moment.day, tzinfo=zone)
    return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)


def _legend(account: Account) -> str:
    notes = {"subscribed": "subscription", "tasks": "reminders"}
    items = []
    for one in account.calendars:
        if one.name is not None:
            note = "view only" if one.access == "shared-ro" else notes.get(one.kind, "")
            items.append(
                f'<span style="color:{one.color[:7]}">●</span> {escape(one.name)}'
                + (f' <span class="tag">({note})</span>' if note else "")
            )
    return f"<p>{' &nbsp; '.join(items)}</p>"


def _event(account: Account, event: PhoneEvent, first: Moment, last: Moment, zone: ZoneInfo) -> str:
    status, partstat = event.status or "", event.partstat or ""
    tags = ["Free" if event.free else "Busy", escape(event.calendar.name or "")]
    tags += [word.capitalize() for word in (status, partstat) if word not in ("", "CONFIRMED")]
    tags += ["repeats"] if event.rrule else []
    tags += ["travel time"] if event.value("X-APPLE-TRAVEL-DURATION") else []
    dim = " dim" if status == "CANCELLED" or partstat == "DECLINED" else ""
    place = f" · {escape(event.location)}" if event.location else ""
    notes = f'<div class="tag" style="white-space:pre-line">{escape(event.notes)}</div>' if event.notes else ""
    return (
        f'<div class="event{dim}" style="border-color:{event.calendar.color[:7]}"><strong>'
        f'{escape(event.summary or "Untitled")}</strong><div class="when">{_when(first, last, zone)}{place}</div>'
        f'<div class="tag">{" · ".join(tags)}</div>{notes}{_buttons(account, event, first)}</div>'
    )


def _when(first: Moment, last: Moment, zone: ZoneInfo) -> str:
    if not isinstance(first, datetime):
        end = last - timedelta(days=1)
        return "all day" if end <= first else f"all day, until {end:%A, %-d %B}"
    return f"{_local(first, zone):%H:%M}–{_local(last, zone):%H:%M}"


def _buttons(account: Account, event: PhoneEvent, first: Moment) -> str:
    if not event.calendar.writable:
        return ""
    here = {"calendar": event.calendar.path_id, "name": event.name}
    hidden = "".join(f'<input type="hidden" name="{k}" value="{escape(v)}">' for k, v in here.items())
    others = [one for one in _writable(account) if one is not event.calendar]
    forms = [] if event.all_day else [_button(account, "shift", "+1 hour", by="hour", **here)]
    forms.append(_button(account, "shift", "+1 day", by="day", **here))
    forms.append(
        _button(account, "show", "Show as Busy", **{"as": "busy"}, **here)
        if event.free
        else _button(account, "show", "Show as Free", **{"as": "free"}, **here)
    )
    forms.append(_button(account, "decline", "Decline", **here))
    if event.rrule:
        forms.append(_button(account, "delete-one", "Delete this one", at=first.isoformat(), **here))
    forms.append(_button(account, "delete", "Delete all" if event.rrule else "Delete", **here))
    if others:
        forms.append(
            f'<form method="post" action="/phone/{account.dsid}/move">{hidden}<select name="to" aria-label="Calendar">'
            f"{_options(others)}</select><button>Move</button></form>"
        )
    forms.append(
        f'<form method="post" action="/phone/{account.dsid}/title">{hidden}<input name="title" aria-label="Title" '
        f'value="{escape(event.summary or "")}"><button>Rename</button></form>'
    )
    return f"<details><summary>Change</summary>{''.join(forms)}</details>"


def _log(world: World, zone: ZoneInfo) -> str:
    rows = []
    for record in reversed(world.requests[-LOG_SHOWN:]):
        moment = datetime.fromtimestamp(record.at, UTC).astimezone(zone)
        rows.append(
            f"<tr><td>{moment:%H:%M:%S}<td>{escape(record.username or '–')}<td>{escape(record.method)}"
            f"<td>{escape(record.report or '')}<td>{record.status}<td>{escape(record.path)}</tr>"
        )
    return (
        f"<h2>What LeadMagicX asked</h2><p class='tag'>{world.served} requests, newest first.</p>"
        '<div class="scroll"><table><thead><tr><th>Time<th>Account<th>Method<th>Report<th>Status<th>Path</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
