"""One POST: signed, to the checked address, within the deadline."""

from __future__ import annotations

import hashlib
import hmac
import socket
import threading
import time

import pytest

from leadmagicx.webhooks.sending import SendingFailed, send, signature


def test_the_signature_is_the_one_of_the_contract():
    expected = hmac.new(b"geheim \xc3\xbc", b'1700000000.{"id":1}', hashlib.sha256).hexdigest()
    assert signature(secret="geheim ü", body=b'{"id":1}', at=1_700_000_000) == f"t=1700000000,v1={expected}"


def test_body_headers_and_path_arrive_as_given(receiver):
    status = send(
        url=receiver.url + "/ä?x=1&y=ö", body=b'{"a": 1}', headers={"X-LeadMagicX-Event": "e"}, allow_private=True
    )
    [received] = receiver.received
    assert status == 204
    assert received.path == "/hook/%C3%A4?x=1&y=%C3%B6"
    assert received.body == b'{"a": 1}'
    assert received.headers["X-LeadMagicX-Event"] == "e"
    assert received.headers["Host"] == receiver.url.split("/")[2]


def test_a_private_host_is_never_contacted(receiver):
    with pytest.raises(SendingFailed) as caught:
        send(url=receiver.url, body=b"{}", headers={}, allow_private=False)
    assert caught.value.reason == "private_host"
    assert receiver.received == []


def test_a_name_is_looked_up_once_and_that_address_is_used(receiver, monkeypatch):
    """DNS rebinding: a second look-up would lead elsewhere."""
    port = receiver.server.server_port
    lookups = []
    look_up = socket.getaddrinfo

    def rebinding(host, *args, **kwargs):
        lookups.append(host)
        first = lookups.count("rebind.example") == 1
        return look_up("127.0.0.1" if first else "127.0.0.9", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert send(url=f"http://rebind.example:{port}/", body=b"{}", headers={}, allow_private=True) == 204
    assert lookups.count("rebind.example") == 1
    assert receiver.received[0].headers["Host"] == f"rebind.example:{port}"


def test_a_redirect_is_an_answer_not_a_way(receiver):
    receiver.answers = [(307, {"Location": receiver.url + "/elsewhere"})]
    assert send(url=receiver.url, body=b"{}", headers={}, allow_private=True) == 307
    assert len(receiver.received) == 1


def test_a_closed_port_is_no_answer():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(SendingFailed) as caught:
            send(url=f"http://127.0.0.1:{port}/", body=b"{}", headers={}, allow_private=True)
    assert caught.value.reason == "no_answer"


def test_plain_http_behind_an_https_address_is_a_tls_failure(receiver):
    with pytest.raises(SendingFailed) as caught:
        send(url=receiver.url.replace("http:", "https:"), body=b"{}", headers={}, allow_private=True)
    assert caught.value.reason == "tls"


@pytest.mark.late_turns(3)
@pytest.mark.parametrize(
    "piece", [b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"X"], ids=["silent", "continuing", "dripping"]
)
def test_the_deadline_holds_for_the_whole_exchange(piece):
    """A receiver that keeps the line busy is cut off too, not only a silent one."""
    with Tarpit(piece) as port:
        begun = time.monotonic()
        with pytest.raises(SendingFailed) as caught:
            send(url=f"http://127.0.0.1:{port}/", body=b"{}", headers={}, allow_private=True, deadline_seconds=0.4)
        assert caught.value.reason == "deadline"
        assert time.monotonic() - begun < 2


def test_looking_up_the_name_counts_too(monkeypatch):
    over = threading.Event()

    def silent(*_args, **_kwargs):
        over.wait(5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    begun = time.monotonic()
    with pytest.raises(SendingFailed) as caught:
        send(url="http://slow.example/", body=b"{}", headers={}, allow_private=True, deadline_seconds=0.2)
    over.set()
    assert caught.value.reason == "deadline"
    assert time.monotonic() - begun < 2


def test_an_endless_answer_does_not_hold_the_worker():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Tarpit(b"1\r\nx\r\n", first=head) as port:
        begun = time.monotonic()
        status = send(url=f"http://127.0.0.1:{port}/", body=b"{}", headers={}, allow_private=True, deadline_seconds=0.4)
        assert status == 200
        assert time.monotonic() - begun < 2


class Tarpit:
    """A server that sends the same piece again and again, as long as somebody listens."""

    def __init__(self, piece: bytes, *, first: bytes = b"") -> None:
        self.piece, self.first = piece, first
        self.stopped = threading.Event()

    def __enter__(self) -> int:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self.listener.getsockname()[1]

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.listener.close()
        self.thread.join()

    def serve(self) -> None:
        peer, _ = self.listener.accept()
        with peer:
            try:
                peer.sendall(self.first)
                while not self.stopped.wait(0.02):
                    peer.sendall(self.piece)
            except OSError:
                return
