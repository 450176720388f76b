"""Structure and encoding."""

from __future__ import annotations

from tests.ical.corpus.case import IN_BERLIN, NINE, ONE, OWN_ZONE, Case, calendar, event, hours, plain, vevent, zoned

STRUCTURE = [
    Case("empty", b"", refused="not_a_calendar"),
    Case("blank", b"\r\n \r\n", refused="not_a_calendar"),
    Case("HTML", b"<!DOCTYPE html><html><body>Sign in</body></html>", refused="not_a_calendar"),
    Case("JSON", b'{"error": "busy"}', refused="not_a_calendar"),
    Case("binary", bytes(range(256)) * 40, refused="not_a_calendar"),
    Case("a bare VEVENT", vevent(NINE).encode(), refused="not_a_calendar"),
    Case("no component", calendar(""), refused="no_event"),
    Case("only a VTIMEZONE", calendar(OWN_ZONE), refused="no_event"),
    Case("a task", calendar("BEGIN:VTODO\nUID:a\nDUE:20261109T090000Z\nEND:VTODO"), refused="not_an_event"),
    Case("a journal", calendar("BEGIN:VJOURNAL\nUID:a\nEND:VJOURNAL"), refused="not_an_event"),
    Case("free-busy", calendar("BEGIN:VFREEBUSY\nUID:a\nEND:VFREEBUSY"), refused="not_an_event"),
    Case("an event and a task", calendar(vevent(NINE) + "BEGIN:VTODO\nUID:b\nEND:VTODO"), times=ONE),
    Case("no UID", calendar(f"BEGIN:VEVENT\n{NINE}\nEND:VEVENT"), refused="no_uid"),
    Case("empty UID", calendar(vevent(NINE, uid="")), refused="no_uid"),
    Case("two UIDs", calendar(vevent(NINE, uid="a") + vevent(NINE, uid="b")), refused="several_uids"),
    Case("two UIDs in one event", plain("UID:other"), refused="several_uids"),
    Case("two masters", calendar(vevent(NINE) + vevent(NINE.replace("1109", "1110"))), times=hours("1109", "1110")),
    Case("cut in the middle", plain("")[:-30], refused="truncated"),
    Case("cut before the end", plain("").replace(b"END:VCALENDAR\r\n", b""), refused="truncated"),
    Case("ends crossed", calendar(f"BEGIN:VEVENT\nUID:a\n{NINE}\nEND:VTODO"), refused="end_mismatch"),
    Case("an end too many", plain("") + b"END:VEVENT\r\n", refused="end_mismatch"),
    Case("an alarm that never ends", calendar(vevent(NINE + "\nBEGIN:VALARM")), refused="end_mismatch"),
    Case("an event in an event", event(f"{NINE}\n{vevent(NINE)}"), refused="end_mismatch"),
    Case(
        "an event in a VTIMEZONE",
        calendar(f"BEGIN:VTIMEZONE\nTZID:x\n{vevent(NINE)}END:VTIMEZONE"),
        refused="end_mismatch",
    ),
    Case("a VTIMEZONE that never ends", calendar("BEGIN:VTIMEZONE\nTZID:x\n" + vevent(NINE)), refused="end_mismatch"),
    Case(
        "nested five deep", event(NINE + "\nBEGIN:A\nBEGIN:B\nBEGIN:C\nEND:C\nEND:B\nEND:A"), refused="nested_too_deep"
    ),
    Case("nested 10,000 deep", event(NINE + "\nBEGIN:A" * 10_000), refused="nested_too_deep"),
    Case(
        "a place in a participant",
        event(f"{NINE}\nBEGIN:PARTICIPANT\nBEGIN:VLOCATION\nUID:p\nEND:VLOCATION\nEND:PARTICIPANT"),
        times=ONE,
    ),
    Case(
        "alarms",
        event(f"{NINE}\nBEGIN:VALARM\nUID:alarm\nDTSTART:20200101T000000Z\nDURATION:PT9H\nEND:VALARM\nTRANSP:OPAQUE"),
        times=ONE,
    ),
    Case("no VERSION", calendar(vevent(NINE), head=""), times=ONE),
    Case("METHOD", calendar(vevent(NINE), head="VERSION:2.0\nMETHOD:PUBLISH\n"), times=ONE),
    Case("LF only", plain("").replace(b"\r\n", b"\n"), times=ONE),
    Case("CR only", plain("").replace(b"\r\n", b"\r"), times=ONE),
    Case("CR CR LF", plain("").replace(b"\r\n", b"\r\r\n"), times=ONE),
    Case("no last line end", plain("").rstrip(), times=ONE),
    Case("blank lines", plain("").replace(b"\r\n", b"\r\n\r\n"), times=ONE),
    Case("BOM", b"\xef\xbb\xbf" + plain(""), times=ONE),
    Case("UTF-16", plain("").decode().encode("utf-16"), times=ONE),
    Case("NULs", plain("SUMMARY:a").replace(b"DTSTART", b"DT\x00START\x00"), times=ONE),
    Case("ESC and bells", plain("SUMMARY:\x1b[31m\x07red"), times=ONE),
    Case("not UTF-8", plain("").replace(b"END:VEVENT", b"SUMMARY:\xff\xfe\xe9\r\nEND:VEVENT"), times=ONE),
    Case("lone surrogates", plain("").replace(b"END:VEVENT", b"SUMMARY:\xed\xa0\x80\r\nEND:VEVENT"), times=ONE),
    Case("folded with a TAB", plain("").replace(b"DTSTART:2026", b"DTSTA\r\n\tRT:2026"), times=ONE),
    Case(
        "folded within a character", plain("").replace(b"END:VEVENT", b"SUMMARY:\xc3\r\n \xbc\r\nEND:VEVENT"), times=ONE
    ),
    Case(
        "every octet on a line of its own",
        plain("").replace(b"DTSTART:", b"\r\n ".join(b"DTSTART:"[i : i + 1] for i in range(8))),
        times=ONE,
    ),
    Case(
        "lower-case names",
        plain("").replace(b"DTSTART", b"dtstart").replace(b"BEGIN:VEVENT", b"begin:vevent"),
        times=ONE,
    ),
    Case(
        "lower-case zone block",
        zoned("Amt", before=OWN_ZONE.replace("VTIMEZONE", "vtimezone").replace("TZID", "tzid")),
        times=IN_BERLIN,
    ),
    Case("blank before the colon", plain("").replace(b"DTSTART:", b"DTSTART :"), times=ONE),
    Case("junk lines", plain("this is no property\n:nor this\n;\n=\n"), times=ONE),
    Case("bare SUMMARY", plain("SUMMARY"), times=ONE),
    Case("empty SUMMARY", plain("SUMMARY:"), times=ONE),
    Case("empty URL", plain("URL;VALUE=URI:"), times=ONE),
    Case("TZID as a property", plain("TZID:Europe/Berlin"), times=ONE),
    Case("DTSTAMP twice", plain("DTSTAMP:20261101T000000Z\nDTSTAMP:20261102T000000Z"), times=ONE),
    Case("unknown properties", plain("X-APPLE-WHATEVER;X=1:2\nFUTURE-PROPERTY:x"), times=ONE),
    Case(
        "colon in a quoted parameter",
        plain('ATTENDEE;CN="Dr: Who; and more";PARTSTAT=ACCEPTED:mailto:a@example.org'),
        times=ONE,
    ),
    Case("a quote that never ends", plain('ATTENDEE;CN="Dr Who:mailto:a@example.org'), times=ONE),
    Case(
        "grouped duplicates of parameters",
        event("DTSTART;X=1;TZID=Europe/Berlin;X=2:20261109T090000\nDURATION:PT1H"),
        times=IN_BERLIN,
    ),
    Case("two calendars", plain("") + plain(""), times=ONE),
    Case("text after the calendar", plain("") + b"-- \r\nsent from my phone\r\n", times=ONE),
]
