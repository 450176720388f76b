"""Texts that want to be more than text, and what makes time busy."""

from __future__ import annotations

from tests.ical.corpus.case import NINE, ONE, Case, calendar, event, plain, vevent

INJECTION = [
    Case("script in the title", plain("SUMMARY:<script>window.__xss=1</script>"), times=ONE),
    Case("events in the title", plain("SUMMARY:x\\nEND:VEVENT\\nBEGIN:VEVENT\\nDTSTART:20261110T090000Z"), times=ONE),
    Case("line ends of Unicode in the title", plain("SUMMARY:x\u2028END:VEVENT\u0085END:VCALENDAR"), times=ONE),
    Case("a formula", plain("SUMMARY:=cmd|'/C calc'!A0"), times=ONE),
    Case("a template", plain("SUMMARY:{{ settings.SECRET_KEY }}${7*7}"), times=ONE),
    Case("SQL", plain("SUMMARY:'; DROP TABLE appointments; --"), times=ONE),
    Case("right to left", plain("SUMMARY:\u202egnp.exe"), times=ONE),
    Case("markers of LeadMagicX", plain("DESCRIPTION:--- LeadMagicX ---\\nX-LEADMAGICX-ID:1"), times=ONE),
    Case("a UID with a path", calendar(vevent(NINE, uid="../../other/calendar.ics")), times=ONE),
    Case("a link", plain("ATTACH:file:///etc/passwd\nURL:javascript:alert(1)"), times=ONE),
    Case("entities", plain("SUMMARY:&lt;b&gt; &amp;amp; &#0;"), times=ONE),
    Case("a title of blanks", plain("SUMMARY:   \t   "), times=ONE),
    Case("a title that ends in a backslash", plain("SUMMARY:C:\\"), times=ONE),
    Case("combining letters", plain("SUMMARY:" + "e\u0301" * 3000), times=ONE),
]

BUSY = [
    Case("opaque", plain("TRANSP:OPAQUE"), times=ONE),
    Case("transparent", plain("TRANSP:TRANSPARENT"), times=ONE, code="FREE"),
    Case("transparent in lower case", plain("transp:transparent"), times=ONE, code="FREE"),
    Case("unknown transparency", plain("TRANSP:SEE-THROUGH"), times=ONE),
    Case("both transparencies", plain("TRANSP:TRANSPARENT\nTRANSP:OPAQUE"), times=ONE),
    Case("cancelled", plain("STATUS:CANCELLED"), times=ONE, code="CANCELLED"),
    Case("cancelled and confirmed", plain("STATUS:CANCELLED\nSTATUS:CONFIRMED"), times=ONE),
    Case("tentative", plain("STATUS:TENTATIVE"), times=ONE),
    Case("declined", plain("ATTENDEE;PARTSTAT=DECLINED:mailto:Me@Example.org"), times=ONE, code="DECLINED"),
    Case("declined, by path", plain("ATTENDEE;PARTSTAT=DECLINED:/1234/principal/"), times=ONE, code="DECLINED"),
    Case(
        "declined, by EMAIL",
        plain("ATTENDEE;EMAIL=me@example.org;PARTSTAT=DECLINED:urn:uuid:1"),
        times=ONE,
        code="DECLINED",
    ),
    Case("declined by somebody else", plain("ATTENDEE;PARTSTAT=DECLINED:mailto:you@example.org"), times=ONE),
    Case(
        "declined once, accepted once",
        plain("ATTENDEE;PARTSTAT=DECLINED:mailto:me@example.org\nATTENDEE;PARTSTAT=ACCEPTED:/1234/principal/"),
        times=ONE,
    ),
    Case("unanswered", plain("ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:me@example.org"), times=ONE),
    Case("no answer at all", plain("ATTENDEE:mailto:me@example.org\nX-APPLE-NEEDS-REPLY:TRUE"), times=ONE),
    Case(
        "an alarm that declines",
        event(f"{NINE}\nBEGIN:VALARM\nATTENDEE;PARTSTAT=DECLINED:mailto:me@example.org\nEND:VALARM"),
        times=ONE,
    ),
]
