"""An iCloud-like CalDAV server for tests and for `make demo`.

It answers as iCloud was seen to answer; every oddity names the fact of icloud-protocol it comes from.

    icloud = FakeICloud(profile="probed")         # probed | reported | hostile; listens on loopback at once
    icloud.url, icloud.trusted_hosts              # for ICLOUD_CALDAV_URL and ICLOUD_TRUSTED_HOSTS
    icloud.reset("hostile")                       # forget everything; same ports; about 1 ms
    icloud.stop()
    icloud.flags.put_etag = "never"               # any switch of profiles.Flags, at any time
    icloud.clock.advance(60)                      # real clock plus an offset; .freeze(at) and .now() too

Accounts
    account = icloud.account("ada@icloud.example", name="Ada", calendars=("Home", "Work"))
    account.apple_id, .password, .dsid, .principal_path, .home_path, .home_url
    account.new_password("label"), .revoke(password), .revoke_all(), .change_password(), .lock(), .unlock()
    account.migrate("p2")                         # partition p1 or p2
    account.add_calendar("Trips", color="#1BADF8FF"), .subscribe("Bank Holidays", url)
    account.share("Home", to=other, access="ro")  # or "rw"; returns the calendar as `other` sees it
    account.unshare("Home", to=other), .change_calendar_access("Home", to=other, access="rw")
    account.rename_calendar("Home", "House"), .recolor_calendar("Home", "#112233FF"), .delete_calendar("Home")
    account.calendar("Home")                      # by name or path id -> Calendar
    account.writes_expected = {"Home"}            # assert_polite then refuses writes elsewhere

Calendar
    .name .path_id .path .url .color .access .writable .token
    .load([("a.ics", b"BEGIN:..."), ...])         # bulk, no checks but the UID; also .put("a.ics", body)
    .body("a.ics"), .etag("a.ics"), .names()
    .forget_tokens()                              # every token issued so far is lost
    .absence("a.ics", listings=1)                 # missing from the next n full listings, GET still works

Phone (what the user does; always succeeds, never appears in the request log)
    phone = account.phone
    event = phone.create("Home", title="Dentist", start=dt, end=dt, free=False, all_day=None, location=None,
        notes=None, rrule=None, exdates=(), rdates=(), status=None, uid=None, name=None, alarms=(), travel=None,
        travel_return=None, organizer=None, attendees=(), partstat=None, url=None, extra=())
    phone.add_raw("Home", "x.ics", b"...")        # any bytes whatever
    phone.events(calendar=None), phone.find("Dentist"), phone.by_uid(uid)
    event.uid .href .name .etag .body .calendar .exists .summary .start .end .all_day .location .description
        .free .status .sequence .rrule .recurrence .overrides .alarms .partstat
    event.edit(title=, start=, end=, location=, notes=, rrule=, free=, status=)
    event.open(), .delete(), .move("Work"), .set_free(), .set_busy(), .make_all_day(), .make_timed(start, end),
        .add_invitee("x@y.example"), .decline(), .cancel(), .make_travel_time(before=timedelta, after=None),
        .add_alarm(timedelta), .edit_occurrence(at, **fields), .delete_occurrence(at), .delete_future(at),
        .split_series(at, **fields) -> the new series, .rewrite() (a new ETag, no visible change)

Faults (faults.py): icloud.faults.add(action, method=None, path=None, host=None, report=None, nth=None, times=1,
        after_apply=False) -> rule with .fired; icloud.faults.clear()
    status(503, retry_after="2"), throttle(window, limit, advertised), slow(s), drip(n, interval),
    close_before_response(), cut_body(n), truncate_xml(n), html_200(), blackhole(), spurious_401(), gzip(),
    gzip_bomb(n), redirect(301, to), evil_href(kind), big_reply(n), bad_member(body), answer(status, headers, body),
    empty_multistatus(), without_token(), weak_etag(), refuse_partition()
    icloud.refuse("p1"), icloud.accept("p1")      # close and re-open a listener
    icloud.drop_connections()                     # end idle keep-alive connections
    corpus.body("duplicate-dtstamp"), corpus.NAMES  # texts for bad_member, put and load
    icloud.outage = True                          # every CalDAV request answers 503

Seen by the server
    icloud.requests                               # Record: method role path headers body status report dsid fault
    icloud.mail_log, .destructive_log, .evil.requests, .max_parallel, .puts_for(uid)
    with icloud.counting() as seen: ...; seen.requests
    icloud.assert_polite(ignore={5}), icloud.violations
"""

from tests.fake_icloud.profiles import PROFILES, Flags
from tests.fake_icloud.server import FakeICloud

__all__ = ["PROFILES", "FakeICloud", "Flags"]
