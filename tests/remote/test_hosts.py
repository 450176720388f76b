"""Who is ever contacted: the contract's ICLOUD_TRUSTED_HOSTS, S9, S10, F26."""

from __future__ import annotations

import pytest

from icloud_sync.errors import BadAnswer, UntrustedHost
from icloud_sync.remote.hosts import Location, Origin, TrustedHosts
from icloud_sync.remote.paths import UnusablePath

APPLE = TrustedHosts((".icloud.com", ".icloud.com.cn"))


@pytest.mark.parametrize(
    "url",
    [
        "https://caldav.icloud.com/",
        "https://p180-caldav.icloud.com:443/123/calendars/",
        "https://CALDAV.ICLOUD.COM/",
        "https://caldav.icloud.com.cn/",
    ],
)
def test_apples_hosts_are_trusted_by_default(url: str) -> None:
    assert APPLE.locate(url).origin.port == 443


@pytest.mark.parametrize(
    "url",
    [
        "http://caldav.icloud.com/",
        "https://caldav.icloud.com:8443/",
        "https://caldav.icloud.com:80/",
        "https://icloud.com.evil.example/",
        "https://evilicloud.com/",
        "https://icloud.com/",
        "https://caldav.icloud.com@evil.example/",
        "https://user:secret@caldav.icloud.com/",
        "https://caldav.icloud.com\\.evil.example/",
        "https://caldav.icloud.com\r\nHost: evil.example/",
        "https://caldav.icloud.com /",
        "https://caldav.ic\nloud.com/",
        "https://caldav.icloud.com/a\tb",
        "https://evil.example#.icloud.com",
        "https://evil.example/.icloud.com",
        "https://xn--icloud-.com/",
        "https://caldav.icloud。com/",
        "https://[::1/",
        "https://caldav.icloud.com:99999/",
        "https://127.0.0.1/",
        "ftp://caldav.icloud.com/",
        "file:///etc/passwd",
        "https:///path",
        "//evil.example/x",
        "",
    ],
)
def test_nothing_else_is_trusted_by_default(url: str) -> None:
    with pytest.raises((UntrustedHost, BadAnswer)):
        APPLE.locate(url)


@pytest.mark.parametrize(
    ("entry", "url", "trusted"),
    [
        ("dav.example", "https://dav.example/", True),
        ("dav.example", "https://dav.example:443/", True),
        ("dav.example", "https://dav.example:8443/", False),
        ("dav.example", "http://dav.example/", False),
        ("dav.example", "https://sub.dav.example/", False),
        ("dav.example:8443", "https://dav.example:8443/", True),
        ("dav.example:8443", "https://dav.example/", False),
        ("dav.example:80", "http://dav.example/", False),
        (".example", "https://dav.example/", True),
        (".example", "http://dav.example/", False),
        (".example:8443", "https://dav.example:8443/", True),
        (".example:80", "http://dav.example/", False),
        (".localhost:80", "http://a.localhost/", False),
        ("127.0.0.1", "http://127.0.0.1:5800/", True),
        ("127.0.0.1", "http://127.0.0.3:5800/", False),
        ("127.0.0.1", "http://localhost:5800/", False),
        ("127.0.0.1:5800", "http://127.0.0.1:5800/", True),
        ("127.0.0.1:5800", "http://127.0.0.1:5801/", False),
        ("localhost", "http://localhost:1234/", True),
        (".0.0.1", "http://127.0.0.1/", False),
        ("::1", "http://[::1]:5800/", True),
        ("[::1]:5800", "http://[::1]:5800/", True),
        ("[::1]:5800", "http://[::1]:5801/", False),
        (" LocalHost ", "http://localhost/", True),
        ("10.0.0.1", "http://10.0.0.1/", False),
        ("", "https://dav.example/", False),
    ],
)
def test_each_form_of_an_entry_means_what_the_contract_says(entry: str, url: str, trusted: bool) -> None:
    hosts = TrustedHosts((entry,))
    if trusted:
        assert hosts.locate(url).url
    else:
        with pytest.raises(UntrustedHost):
            hosts.locate(url)


BASE = Location(Origin("https", "p1-caldav.icloud.com", 443), "/1/calendars/home/")


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("/1/calendars/home/a.ics", "/1/calendars/home/a.ics"),
        ("https://caldav.icloud.com/1/calendars/home/a.ics", "/1/calendars/home/a.ics"),
        ("https://caldav.icloud.com:443/1/calendars/home/", "/1/calendars/home/"),
        ("a.ics", "/1/calendars/home/a.ics"),
        ("  /1/x%20y.ics\n", "/1/x y.ics"),
        ("/1/a.ics?x=http://evil.example/", "/1/a.ics"),
        ("/1/a:b.ics", "/1/a:b.ics"),
    ],
)
def test_an_href_is_read_relative_to_where_it_was_found(href: str, path: str) -> None:
    assert APPLE.locate(href, base=BASE).path == path


@pytest.mark.parametrize(
    "href", ["//evil.example/1/a.ics", "http://p1-caldav.icloud.com/1/a.ics", "https://evil.example/"]
)
def test_an_href_elsewhere_is_refused(href: str) -> None:
    with pytest.raises(UntrustedHost):
        APPLE.locate(href, base=BASE)


@pytest.mark.parametrize("href", ["/1/../../etc/passwd", "/1/%2e%2e/x.ics", "/1//x.ics", "/./x.ics", "a/../b.ics"])
def test_an_href_that_climbs_is_unusable(href: str) -> None:
    with pytest.raises(UnusablePath):
        APPLE.locate(href, base=BASE)


def test_the_error_does_not_repeat_the_address() -> None:
    with pytest.raises(UntrustedHost) as caught:
        APPLE.locate("https://user:hunter2@evil.example/private-token")
    assert "hunter2" not in str(caught.value)
    assert "private-token" not in str(caught.value)
