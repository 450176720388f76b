"""Huge bodies, and small ones that want to be huge."""

from __future__ import annotations

from tests.ical.corpus.case import NINE, ONE, OWN_ZONE, Case, calendar, event, hours, plain, rule, vevent


def _attendees(count: int) -> bytes:
    lines = "\n".join(f"ATTENDEE;PARTSTAT=DECLINED:mailto:guest{n}@example.org" for n in range(count))
    return plain(lines)


def _overrides(count: int) -> bytes:
    days = [f"{2000 + n // 336}{n // 28 % 12 + 1:02d}{n % 28 + 1:02d}T090000Z" for n in range(count)]
    return calendar(
        vevent("DTSTART:20000101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY")
        + "".join(vevent(f"RECURRENCE-ID:{day}\nDTSTART:{day}\nDURATION:PT1H") for day in days)
    )


def _futures(count: int) -> bytes:
    days = [f"{2018 + n // 336}{n // 28 % 12 + 1:02d}{n % 28 + 1:02d}T090000Z" for n in range(count)]
    return calendar(
        vevent("DTSTART:20180101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY")
        + "".join(vevent(f"RECURRENCE-ID;RANGE=THISANDFUTURE:{day}\nDTSTART:{day}\nDURATION:PT1H") for day in days)
    )


def _zones(count: int) -> bytes:
    zones = "".join(OWN_ZONE.replace("Amt", f"Amt{n}") for n in range(count))
    extra = "\n".join(f"RDATE;TZID=Amt{n}:{1980 + n % 200}0101T090000" for n in range(count))
    return calendar(zones + vevent(f"DTSTART;TZID=Amt0:20261109T090000\nDURATION:PT1H\n{extra}"))


def _busy_zones(count: int, years: int) -> bytes:
    months = ",".join(map(str, range(1, 13)))
    days = ",".join(map(str, range(1, 32)))
    rule = f"RRULE:FREQ=YEARLY;BYMONTH={months};BYMONTHDAY={days};BYDAY=MO\n"
    one = f"BEGIN:STANDARD\nDTSTART:19000101T000000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n{rule}END:STANDARD\n"
    zones = "".join(f"BEGIN:VTIMEZONE\nTZID:Amt{n}\n{one * 16}END:VTIMEZONE\n" for n in range(count))
    extra = "\n".join(
        f"RDATE;TZID=Amt{n}:" + ",".join(f"{1950 + year}0101T090000" for year in range(years)) for n in range(count)
    )
    return calendar(zones + vevent(f"DTSTART;TZID=Amt0:20261109T090000\nDURATION:PT1H\n{extra}"))


BIG = [
    Case("5 MB of description", lambda: plain("DESCRIPTION:" + "x" * 5_000_000), refused="too_large", big=True),
    Case("a description of 900 kB", lambda: plain("DESCRIPTION:" + "x" * 900_000), times=ONE, big=True),
    Case("folded after every octet", lambda: plain("DESCRIPTION:" + "x\n " * 240_000), times=ONE, big=True),
    Case("a title of 1 MB", lambda: plain("SUMMARY:" + "\\n" * 500_000), times=ONE, big=True),
    Case(
        "1 MB of line ends",
        lambda: plain("").replace(b"END:VEVENT", b"\r\n" * 500_000 + b"END:VEVENT"),
        times=ONE,
        big=True,
    ),
    Case(
        "1 MB of CRs",
        lambda: plain("").replace(b"END:VEVENT", b"\r" * 1_000_000 + b"\r\nEND:VEVENT"),
        times=ONE,
        big=True,
    ),
    Case("1 MB of quotes", lambda: plain('X-A;B="' + '"' * 1_000_000 + ":c"), times=ONE, big=True),
    Case(
        "1 MB of semicolons",
        lambda: event("DTSTART" + ";" * 1_000_000 + ":20261109T090000Z\nDURATION:PT1H"),
        times=ONE,
        big=True,
    ),
    Case(
        "1 MB of parameters",
        lambda: event("DTSTART" + ";A=1" * 250_000 + ":20261109T090000Z\nDURATION:PT1H"),
        times=ONE,
        big=True,
    ),
    Case("1 MB of colons", lambda: plain("X-A" + ":" * 1_000_000), times=ONE, big=True),
    Case("250,000 unknown lines", lambda: plain("\n".join(["A:"] * 250_000)), times=ONE, big=True),
    Case("40,000 alarms", lambda: plain("BEGIN:VALARM\nEND:VALARM\n" * 38_000), times=ONE, big=True),
    Case(
        "60,000 EXDATEs",
        lambda: rule("FREQ=DAILY", extra="EXDATE:" + ",".join(["20261109T090000Z"] * 60_000)),
        refused="too_many_exceptions",
        big=True,
    ),
    Case(
        "60,000 EXDATE lines",
        lambda: rule("FREQ=DAILY", extra="\n".join(["EXDATE:20261109"] * 60_000)),
        refused="too_many_exceptions",
        big=True,
    ),
    Case(
        "60,000 RDATEs",
        lambda: plain("RDATE:" + ",".join(["20261109T090000Z"] * 60_000)),
        refused="too_many_exceptions",
        big=True,
    ),
    Case(
        "3,000 EXDATEs",
        lambda: rule(
            "FREQ=DAILY;COUNT=2",
            extra="EXDATE:" + ",".join(f"{1700 + n // 28}01{n % 28 + 1:02d}T090000Z" for n in range(3000)),
        ),
        times=hours("1109", "1110"),
        big=True,
    ),
    Case(
        "3,000 RDATEs",
        lambda: plain(
            "RDATE:"
            + ",".join(f"20261109T{n // 60 // 60 % 24:02d}{n // 60 % 60:02d}{n % 60:02d}Z" for n in range(3000))
        ),
        refused="too_many_occurrences",
        big=True,
    ),
    Case("8,500 overrides", lambda: _overrides(8_500), refused="too_many_exceptions", big=True),
    Case("2,990 overrides", lambda: _overrides(2990), count=92, big=True),
    Case("2,990 this-and-futures", lambda: _futures(2990), count=92, big=True),
    Case("12,000 attendees who declined", lambda: _attendees(12_000), times=ONE, big=True),
    Case("10,000 rules", lambda: event(NINE + "\nRRULE:FREQ=DAILY" * 10_000), refused="too_many_exceptions", big=True),
    Case("1,900 VTIMEZONEs", lambda: _zones(1900), count=2, warned=True, big=True),
    Case("BEGIN 80,000 times", lambda: calendar("BEGIN:VEVENT\n" * 70_000), refused="end_mismatch", big=True),
    Case(
        "70,000 empty events",
        lambda: calendar("BEGIN:VEVENT\nEND:VEVENT\n" * 38_000),
        refused="too_many_exceptions",
        big=True,
    ),
    Case(
        "20 rules that give nothing",
        lambda: event(NINE + "".join(f"\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT={n}" for n in range(1, 21))),
        times=ONE,
    ),
    Case(
        "20 counted rules since 1601",
        lambda: event(
            "DTSTART:16010101T090000Z\nDURATION:PT1H"
            + "".join(f"\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT={n}" for n in range(1, 21))
        ),
        refused="rule_too_costly",
    ),
    Case(
        "20 rules of years of weekdays",
        lambda: event(
            "DTSTART:16010101T090000Z\nDURATION:PT1H"
            + "".join(
                f"\nRRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR={n};BYMINUTE=1,2,3,4,5,6,7,8;COUNT=99999999"
                for n in range(1, 21)
            )
        ),
        refused="rule_too_costly",
    ),
    Case(
        "20 rules that look at every day of history",
        lambda: event(
            "DTSTART:00010101T090000Z\nDURATION:PT1H"
            + "".join(f"\nRRULE:FREQ=YEARLY;BYYEARDAY=1;BYDAY=MO;COUNT={9000 + n}" for n in range(20))
        ),
        refused="rule_too_costly",
    ),
    Case("zones that are worked out for centuries", lambda: _busy_zones(20, 145), refused="rule_too_costly"),
]
