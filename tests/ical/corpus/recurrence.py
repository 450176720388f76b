"""Recurrence rules, exceptions and overrides."""

from __future__ import annotations

from tests.ical.corpus.case import DAYS_SINCE_1601, NINE, ONE, Case, calendar, event, hours, plain, rule, series, vevent

RECURRENCE = [
    Case("daily five", rule("FREQ=DAILY;COUNT=5"), times=hours("1109", "1110", "1111", "1112", "1113")),
    Case("secondly", rule("FREQ=SECONDLY"), refused="rule_too_frequent"),
    Case("secondly, bounded", rule("FREQ=SECONDLY;COUNT=3"), refused="rule_too_frequent"),
    Case("secondly on 30 February", rule("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"), refused="rule_too_frequent"),
    Case("minutely", rule("FREQ=MINUTELY;INTERVAL=5"), refused="rule_too_frequent"),
    Case("hourly for ever", rule("FREQ=HOURLY;INTERVAL=24"), count=84),
    Case("hourly floods", rule("FREQ=HOURLY", start="DTSTART:20201109T090000Z\nDTEND:20201109T110000Z"), count=2209),
    Case("hourly by minutes", rule("FREQ=HOURLY;BYMINUTE=0,10,20,30,40,50"), refused="too_many_occurrences"),
    Case(
        "hourly, every minute and second",
        rule(f"FREQ=HOURLY;BYMINUTE={','.join(map(str, range(60)))};BYSECOND={','.join(map(str, range(60)))}"),
        refused="rule_too_costly",
    ),
    Case(
        "hourly since 1601 with a count",
        rule("FREQ=HOURLY;COUNT=9999999;BYMINUTE=0,15,30,45", start="DTSTART:16010101T090000Z\nDTEND:16010101T091000Z"),
        refused="rule_too_costly",
    ),
    Case("daily since 1601", rule("FREQ=DAILY", start="DTSTART:16010101T090000Z\nDTEND:16010101T100000Z"), count=92),
    Case(
        "daily since 1601, counted",
        rule(f"FREQ=DAILY;COUNT={DAYS_SINCE_1601}", start="DTSTART:16010101T090000Z\nDTEND:16010101T100000Z"),
        times=hours("1101", "1102", "1103", "1104"),
    ),
    Case(
        "weekly since 1601",
        rule("FREQ=WEEKLY;BYDAY=MO", start="DTSTART:16010101T090000Z\nDTEND:16010101T100000Z"),
        count=13,
    ),
    Case(
        "monthly since 1601, counted",
        rule("FREQ=MONTHLY;BYDAY=2MO;COUNT=9999", start="DTSTART:16010108T090000Z\nDTEND:16010108T100000Z"),
        times=(*hours("1109", "1214"), ("0111T0900", "0111T1000")),
    ),
    Case("yearly since 1601", rule("FREQ=YEARLY", start="DTSTART:16011109T090000Z\nDTEND:16011109T100000Z"), times=ONE),
    Case("30 February", rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), times=ONE),
    Case("daily on 30 February, counted", rule("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=10"), times=ONE),
    Case("a position that never is", rule("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6"), times=ONE),
    Case(
        "last working day",
        rule("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
        times=ONE + hours("1130", "1231") + (("0129T0900", "0129T1000"),),
    ),
    Case(
        "31st of the month",
        rule("FREQ=MONTHLY", start="DTSTART:20261031T090000Z\nDTEND:20261031T100000Z"),
        times=(*hours("1231"), ("0131T0900", "0131T1000")),
    ),
    Case(
        "product of a year",
        rule("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=1,2,3,4,5,6,7,8,9,10"),
        refused="rule_too_costly",
    ),
    Case(
        "product of a day",
        rule(
            f"FREQ=DAILY;BYHOUR={','.join(map(str, range(24)))};BYMINUTE="
            f"{','.join(map(str, range(60)))};BYSECOND=0,15,30"
        ),
        refused="rule_too_costly",
    ),
    Case(
        "many a day",
        rule(f"FREQ=DAILY;BYHOUR={','.join(map(str, range(24)))};BYMINUTE=0,15,30,45"),
        refused="too_many_occurrences",
    ),
    Case("interval 0", rule("FREQ=DAILY;INTERVAL=0"), refused="bad_rule"),
    Case("interval below 0", rule("FREQ=DAILY;INTERVAL=-1"), refused="bad_rule"),
    Case("interval of a lifetime", rule("FREQ=DAILY;INTERVAL=999999999"), times=ONE),
    Case("interval too long", rule("FREQ=DAILY;INTERVAL=99999999999999999999"), refused="bad_rule"),
    Case("yearly interval of millennia", rule("FREQ=YEARLY;INTERVAL=99999"), times=ONE),
    Case("count 0", rule("FREQ=DAILY;COUNT=0"), refused="bad_rule"),
    Case("count of words", rule("FREQ=DAILY;COUNT=many"), refused="bad_rule"),
    Case("count in Arabic digits", rule("FREQ=DAILY;COUNT=٣"), refused="bad_rule"),
    Case("no frequency", rule("INTERVAL=2"), refused="bad_rule"),
    Case("unknown frequency", rule("FREQ=FORTNIGHTLY"), refused="bad_rule"),
    Case("frequency twice", rule("FREQ=DAILY;FREQ=WEEKLY"), refused="bad_rule"),
    Case("no value", rule("FREQ"), refused="bad_rule"),
    Case("bad weekday", rule("FREQ=WEEKLY;BYDAY=XX"), refused="bad_rule"),
    Case("empty weekday", rule("FREQ=WEEKLY;BYDAY="), refused="bad_rule"),
    Case("weekday out of range", rule("FREQ=MONTHLY;BYDAY=99MO"), refused="bad_rule"),
    Case("month 13", rule("FREQ=YEARLY;BYMONTH=13"), refused="bad_rule"),
    Case("month day 0", rule("FREQ=MONTHLY;BYMONTHDAY=0"), refused="bad_rule"),
    Case("bad until", rule("FREQ=DAILY;UNTIL=soon"), refused="bad_rule"),
    Case("bad week start", rule("FREQ=WEEKLY;WKST=XX"), refused="bad_rule"),
    Case("Hebrew calendar", rule("RSCALE=HEBREW;FREQ=YEARLY"), refused="rule_unsupported"),
    Case("a rule of 10 kB", rule("FREQ=DAILY;BYMONTH=" + ",".join(["1"] * 5000)), refused="bad_rule"),
    Case("lower case and blanks", rule(" freq=daily;count=2; "), times=hours("1109", "1110")),
    Case("unknown part", rule("FREQ=DAILY;COUNT=2;X-MOON=FULL"), times=hours("1109", "1110")),
    Case("until before the start", rule("FREQ=DAILY;UNTIL=20201231T000000Z"), times=ONE),
    Case("until as a date", rule("FREQ=DAILY;UNTIL=20261111"), times=hours("1109", "1110", "1111")),
    Case("until to the second", rule("FREQ=DAILY;UNTIL=20261111T090000Z"), times=hours("1109", "1110", "1111")),
    Case("until one second short", rule("FREQ=DAILY;UNTIL=20261111T085959Z"), times=hours("1109", "1110")),
    Case(
        "two rules",
        event(f"{NINE}\nRRULE:FREQ=DAILY;COUNT=2\nRRULE:FREQ=WEEKLY;COUNT=2"),
        times=hours("1109", "1110", "1116"),
    ),
    Case("a hundred rules", event(NINE + "\nRRULE:FREQ=DAILY" * 100), refused="too_many_exceptions"),
    Case("empty rule", event(f"{NINE}\nRRULE:"), times=ONE),
    Case("start not in its rule", rule("FREQ=WEEKLY;BYDAY=TU;COUNT=2"), times=hours("1109", "1110", "1117")),
    Case("excluded dates", series("EXDATE:20261116T090000Z\nEXDATE:20261130T090000Z"), times=hours("1109", "1123")),
    Case("many in one line", series("EXDATE:20261116T090000Z,20261123T090000Z"), times=hours("1109", "1130")),
    Case("excluded by date", series("EXDATE;VALUE=DATE:20261116"), times=hours("1109", "1123", "1130")),
    Case(
        "excluded in another zone",
        series("EXDATE;TZID=Europe/Berlin:20261116T100000"),
        times=hours("1109", "1123", "1130"),
    ),
    Case("excluded at another hour", series("EXDATE:20261116T100000Z"), times=hours("1109", "1116", "1123", "1130")),
    Case("unreadable exclusion", series("EXDATE:the last one"), times=hours("1109", "1116", "1123", "1130")),
    Case("the first one excluded", series("EXDATE:20261109T090000Z"), times=hours("1116", "1123", "1130")),
    Case("all excluded", rule("FREQ=DAILY;COUNT=1", extra="EXDATE:20261109T090000Z"), times=()),
    Case(
        "extra dates",
        plain("RDATE:20261112T090000Z,20261113T120000Z"),
        times=ONE + hours("1112") + (("1113T1200", "1113T1300"),),
    ),
    Case("extra date twice", plain("RDATE:20261109T090000Z"), times=ONE),
    Case(
        "extra period",
        plain("RDATE;VALUE=PERIOD:20261112T090000Z/20261112T120000Z"),
        times=(*ONE, ("1112T0900", "1112T1200")),
    ),
    Case(
        "extra period with a length",
        plain("RDATE;VALUE=PERIOD:20261112T090000Z/PT30M"),
        times=(*ONE, ("1112T0900", "1112T0930")),
    ),
    Case(
        "extra period backwards",
        plain("RDATE;VALUE=PERIOD:20261112T090000Z/20261112T080000Z"),
        refused="negative_length",
    ),
    Case("extra date as a date", plain("RDATE;VALUE=DATE:20261112"), times=hours("1109", "1112")),
    Case("unreadable extra date", plain("RDATE:whenever"), refused="bad_date"),
    Case(
        "moved occurrence",
        series("", "RECURRENCE-ID:20261116T090000Z\nDTSTART:20261117T140000Z\nDTEND:20261117T150000Z"),
        times=(*hours("1109"), ("1117T1400", "1117T1500"), *hours("1123", "1130")),
    ),
    Case(
        "moved out of the window",
        series("", "RECURRENCE-ID:20261116T090000Z\nDTSTART:20280101T140000Z\nDTEND:20280101T150000Z"),
        times=hours("1109", "1123", "1130"),
    ),
    Case(
        "moved into the window",
        calendar(
            vevent("DTSTART:20260105T090000Z\nDTEND:20260105T100000Z\nRRULE:FREQ=WEEKLY;COUNT=2")
            + vevent("RECURRENCE-ID:20260112T090000Z\n" + NINE)
        ),
        times=ONE,
    ),
    Case(
        "excluded and moved",
        series(
            "EXDATE:20261116T090000Z",
            "RECURRENCE-ID:20261116T090000Z\nDTSTART:20261117T090000Z\nDTEND:20261117T100000Z",
        ),
        times=hours("1109", "1117", "1123", "1130"),
    ),
    Case(
        "override of nothing",
        series("", "RECURRENCE-ID:20261118T090000Z\nDTSTART:20261118T090000Z\nDTEND:20261118T100000Z"),
        times=hours("1109", "1116", "1118", "1123", "1130"),
    ),
    Case("override without master", event("RECURRENCE-ID:20261109T090000Z\n" + NINE), times=ONE),
    Case(
        "override by date",
        series("", "RECURRENCE-ID;VALUE=DATE:20261116\nDTSTART:20261117T090000Z\nDTEND:20261117T100000Z"),
        times=hours("1109", "1117", "1123", "1130"),
    ),
    Case(
        "this and future",
        series(
            "", "RECURRENCE-ID;RANGE=THISANDFUTURE:20261116T090000Z\nDTSTART:20261117T120000Z\nDTEND:20261117T140000Z"
        ),
        times=(*ONE, ("1117T1200", "1117T1400"), ("1124T1200", "1124T1400"), ("1201T1200", "1201T1400")),
    ),
    Case("unreadable override", series("", "RECURRENCE-ID:soon\n" + NINE), refused="bad_date"),
    Case("override without a start", series("", "RECURRENCE-ID:20261116T090000Z"), refused="no_start"),
    Case(
        "years of occurrences at once",
        rule("FREQ=DAILY", start="DTSTART:00010101T000000Z\nDTEND:99991231T000000Z"),
        refused="too_many_occurrences",
    ),
    Case(
        "shifted by millennia",
        calendar(
            vevent("DTSTART:00010101T090000Z\nDTEND:00010101T100000Z\nRRULE:FREQ=DAILY")
            + vevent(
                "RECURRENCE-ID;RANGE=THISANDFUTURE:00010102T090000Z\nDTSTART:99981231T090000Z\nDTEND:99981231T100000Z"
            )
        ),
        refused="rule_too_costly",
    ),
]
