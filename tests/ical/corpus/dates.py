"""Dates, lengths and time zones."""

from __future__ import annotations

from tests.ical.corpus.case import IN_BERLIN, ONE, OWN_ZONE, Case, event, plain, zoned

DATES = [
    Case("UTC", plain(""), times=ONE),
    Case("Berlin", zoned("Europe/Berlin"), times=IN_BERLIN),
    Case("floating", event("DTSTART:20261109T090000\nDTEND:20261109T100000"), times=IN_BERLIN),
    Case(
        "all-day", event("DTSTART;VALUE=DATE:20261109\nDTEND;VALUE=DATE:20261110"), times=(("1108T2300", "1109T2300"),)
    ),
    Case(
        "all-day, several days",
        event("DTSTART;VALUE=DATE:20261109\nDTEND;VALUE=DATE:20261112"),
        times=(("1108T2300", "1111T2300"),),
    ),
    Case("all-day without an end", event("DTSTART;VALUE=DATE:20261109"), times=(("1108T2300", "1109T2300"),)),
    Case(
        "all-day that ends when it starts",
        event("DTSTART;VALUE=DATE:20261109\nDTEND;VALUE=DATE:20261109"),
        times=(("1108T2300", "1109T2300"),),
    ),
    Case(
        "all-day by duration", event("DTSTART;VALUE=DATE:20261109\nDURATION:P2D"), times=(("1108T2300", "1110T2300"),)
    ),
    Case("all-day by hours", event("DTSTART;VALUE=DATE:20261109\nDURATION:PT36H"), times=(("1108T2300", "1110T2300"),)),
    Case("a date without VALUE=DATE", event("DTSTART:20261109\nDTEND:20261110"), times=(("1108T2300", "1109T2300"),)),
    Case(
        "VALUE=DATE on midnights",
        event("DTSTART;VALUE=DATE:20261109T000000\nDTEND;VALUE=DATE:20261110T000000"),
        times=(("1108T2300", "1109T2300"),),
    ),
    Case(
        "all-day with a zone", event("DTSTART;TZID=Asia/Tokyo;VALUE=DATE:20261109"), times=(("1108T2300", "1109T2300"),)
    ),
    Case("no end", event("DTSTART:20261109T090000Z"), times=(("1109T0900", "1109T0900"),), code="ZERO_LENGTH"),
    Case(
        "ends when it starts",
        event("DTSTART:20261109T090000Z\nDTEND:20261109T090000Z"),
        times=(("1109T0900", "1109T0900"),),
        code="ZERO_LENGTH",
    ),
    Case("duration", event("DTSTART:20261109T090000Z\nDURATION:PT90M"), times=(("1109T0900", "1109T1030"),)),
    Case("weeks", event("DTSTART:20261109T090000Z\nDURATION:P1W"), times=(("1109T0900", "1116T0900"),)),
    Case("end and duration", plain("DURATION:PT3H"), times=(("1109T0900", "1109T1200"),)),
    Case("end and shorter duration", plain("DURATION:PT3M"), times=ONE),
    Case("negative length", event("DTSTART:20261109T090000Z\nDTEND:20261109T080000Z"), refused="negative_length"),
    Case(
        "negative across zones",
        event("DTSTART;TZID=Europe/Berlin:20261109T090000\nDTEND;TZID=Asia/Tokyo:20261109T100000"),
        refused="negative_length",
    ),
    Case(
        "a flight",
        event("DTSTART;TZID=Asia/Tokyo:20261109T090000\nDTEND;TZID=Europe/Berlin:20261109T100000"),
        times=(("1109T0000", "1109T0900"),),
    ),
    Case("negative duration", event("DTSTART:20261109T090000Z\nDURATION:-PT1H"), refused="negative_length"),
    Case("bad duration", event("DTSTART:20261109T090000Z\nDURATION:1 hour"), refused="bad_duration"),
    Case("empty duration", event("DTSTART:20261109T090000Z\nDURATION:P"), refused="bad_duration"),
    Case("duration of eternity", event("DTSTART:20261109T090000Z\nDURATION:P999999999W"), refused="bad_duration"),
    Case(
        "date to date-time", event("DTSTART;VALUE=DATE:20261109\nDTEND:20261110T100000Z"), refused="start_end_mismatch"
    ),
    Case(
        "date-time to date", event("DTSTART:20261109T090000Z\nDTEND;VALUE=DATE:20261110"), refused="start_end_mismatch"
    ),
    Case("no start", event("DTEND:20261109T100000Z"), refused="no_start"),
    Case("empty start", event("DTSTART:\nDTEND:20261109T100000Z"), refused="bad_date"),
    Case("start without a colon", event("DTSTART\nDTEND:20261109T100000Z"), refused="malformed_line"),
    Case("month 13", event("DTSTART:20261309T090000Z"), refused="bad_date"),
    Case("30 February", event("DTSTART:20260230T090000Z"), refused="bad_date"),
    Case("year 0", event("DTSTART:00000101T090000Z"), refused="bad_date"),
    Case("year 12026", event("DTSTART:120261109T090000Z"), refused="bad_date"),
    Case("an ISO week", event("DTSTART:2026W461"), refused="bad_date"),
    Case("ISO with dashes", event("DTSTART:2026-11-09T09:00:00Z"), refused="bad_date"),
    Case("an offset", event("DTSTART:20261109T090000+0100"), refused="bad_date"),
    Case("words", event("DTSTART:tomorrow"), refused="bad_date"),
    Case("Arabic digits", event("DTSTART:٢٠٢٦١١٠٩T090000Z"), refused="bad_date"),
    Case("hour 25", event("DTSTART:20261109T250000Z"), refused="bad_date"),
    Case("hour 24", event("DTSTART:20261108T240000Z\nDTEND:20261109T010000Z"), times=(("1109T0000", "1109T0100"),)),
    Case("leap second", event("DTSTART:20261109T085960Z\nDTEND:20261109T100000Z"), times=(("1109T0859", "1109T1000"),)),
    Case("blanks around", event("DTSTART: 20261109T090000Z \nDTEND:\t20261109T100000Z"), times=ONE),
    Case("two starts", plain("DTSTART:20261110T090000Z"), refused="duplicate_property"),
    Case("the same start twice", plain("DTSTART:20261109T090000Z"), times=ONE),
    Case("year 1 to 9999", event("DTSTART:00010101T000000Z\nDTEND:99991231T235959Z"), count=1),
    Case("long ago", event("DTSTART:00010101T000000Z\nDTEND:00010102T000000Z"), times=()),
    Case("far ahead", event("DTSTART:99991231T000000Z\nDTEND:99991231T010000Z"), times=()),
    Case("all-day in year 9999", event("DTSTART;VALUE=DATE:99991231"), times=()),
    Case("vendor prefix", zoned("/freeassociation.sourceforge.net/Europe/Berlin"), times=IN_BERLIN),
    Case(
        "longer vendor prefix",
        zoned("/citadel.org/20210210_1/America/Argentina/Ushuaia"),
        times=(("1109T1200", "1109T1300"),),
    ),
    Case("prefix and one segment", zoned("/mozilla.org/20050126_1/UTC"), times=ONE),
    Case("lower-case zone", zoned("europe/berlin"), times=IN_BERLIN),
    Case("quoted zone", zoned("Europe/Berlin", quote=True), times=IN_BERLIN),
    Case("Windows zone", zoned("Tokyo Standard Time"), times=(("1109T0000", "1109T0100"),)),
    Case("own VTIMEZONE", zoned("Amt", before=OWN_ZONE), times=IN_BERLIN),
    Case(
        "own VTIMEZONE that nobody can read",
        zoned("Amt", before="BEGIN:VTIMEZONE\nTZID:Amt\nEND:VTIMEZONE\n"),
        times=IN_BERLIN,
        warned=True,
    ),
    Case(
        "VTIMEZONE with a bomb",
        zoned("Amt", before=OWN_ZONE.replace("FREQ=YEARLY", "FREQ=SECONDLY")),
        times=IN_BERLIN,
        warned=True,
    ),
    Case(
        "VTIMEZONE of a known zone that lies",
        zoned("Asia/Tokyo", before=OWN_ZONE.replace("Amt", "Asia/Tokyo")),
        times=(("1109T0000", "1109T0100"),),
    ),
    Case("unknown zone", zoned("Mars/Olympus Mons"), times=IN_BERLIN, warned=True),
    Case("empty zone", zoned(""), times=IN_BERLIN),
    Case(
        "zone on a UTC time",
        event("DTSTART;TZID=Asia/Tokyo:20261109T090000Z\nDTEND;TZID=Asia/Tokyo:20261109T100000Z"),
        times=ONE,
    ),
    Case("zone from the file system", zoned("../../../../etc/passwd"), times=IN_BERLIN, warned=True),
    Case("zone by absolute path", zoned("/etc/passwd"), times=IN_BERLIN, warned=True),
    Case("zone of this machine", zoned("localtime"), times=IN_BERLIN, warned=True),
    Case("zone of a megabyte", lambda: zoned("A/" * 200_000), times=IN_BERLIN, warned=True, big=True),
]
