"""Webhooks go to public hosts only, unless the operator says otherwise."""

from __future__ import annotations

import socket

import pytest

from leadmagicx.webhooks import addresses
from leadmagicx.webhooks.addresses import AddressRefused


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:169.254.169.254",
    ],
)  # fmt: skip
def test_an_address_inside_a_network_is_not_public(address):
    assert not addresses.is_public(address)


@pytest.mark.parametrize("address", ["17.253.144.10", "1.1.1.1", "2620:149:af0::10", "::ffff:17.253.144.10"])
def test_an_address_of_the_internet_is_public(address):
    assert addresses.is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "", "hook", "ftp://example.com/", "file:///etc/passwd", "https://", "https://:443/", "http://a b/",
        "https://user:pw@example.com/", "https://user@example.com/", "https://example.com:0/", "https://example.com:99999/",
        "https://example.com/#part", "https://example.com/\r\nX: y", "https://[::1/", "https://" + "a" * 64 + ".com/",
        "https://example.com/" + "a" * 1000,
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url):
    with pytest.raises(AddressRefused) as caught:
        addresses.check(url, allow_private=True)
    assert caught.value.code == "invalid_url"


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "http://LOCALHOST./",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://db.internal/",
        "http://x.local/",
    ],
)
def test_a_plainly_private_host_is_refused_unless_the_operator_allows_it(url):
    with pytest.raises(AddressRefused) as caught:
        addresses.check(url, allow_private=False)
    assert caught.value.code == "private_host"
    addresses.check(url, allow_private=True)


def test_a_public_name_passes_and_is_looked_up_only_when_something_is_sent(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", None)
    addresses.check("https://example.com/hook?x=1", allow_private=False)


def test_a_name_that_leads_into_a_network_is_refused_when_it_is_looked_up(monkeypatch):
    answer(monkeypatch, "10.0.0.1", "::1")
    with pytest.raises(AddressRefused) as caught:
        addresses.resolve("example.com", 443, allow_private=False)
    assert caught.value.code == "private_host"


def test_only_the_public_one_of_several_addresses_is_used(monkeypatch):
    answer(monkeypatch, "10.0.0.1", "17.253.144.10")
    assert addresses.resolve("example.com", 443, allow_private=False) == "17.253.144.10"


def test_a_name_that_leads_nowhere_has_its_own_reason(monkeypatch):
    def nowhere(*_args, **_kwargs):
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    with pytest.raises(AddressRefused) as caught:
        addresses.resolve("nowhere.example", 443, allow_private=True)
    assert caught.value.code == "unknown_host"


def answer(monkeypatch, *found):
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in found]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: rows)
