"""F19: a certificate that does not fit gets no credentials, and nothing can be set to change that."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from icloud_sync import errors
from icloud_sync.remote import Client, connection, warm_up
from tests.remote.stage import PRINCIPAL, Stage, answer, home_set

KEY = ec.generate_private_key(ec.SECP256R1())
AUTHORITY = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])


def certificate(
    *, address: str, ends: timedelta, issuer: x509.Name = AUTHORITY, is_ca: bool = False
) -> x509.Certificate:
    now = datetime.now(UTC)
    subject = issuer if is_ca else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stage")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
    )
    return builder.sign(KEY, hashes.SHA256())


def pem(found: x509.Certificate) -> bytes:
    return found.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def secure_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Stage]]:
    """Starts a stage with a certificate that an authority of the tests has signed; the process trusts that one."""
    authority = tmp_path / "authority.pem"
    authority.write_bytes(pem(certificate(address="127.0.0.1", ends=timedelta(days=2), is_ca=True)))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    connection.trusted_certificates.cache_clear()
    started: list[Stage] = []

    def start(found: x509.Certificate) -> Stage:
        (tmp_path / "key.pem").write_bytes(
            KEY.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        (tmp_path / "stage.pem").write_bytes(pem(found))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "stage.pem", tmp_path / "key.pem")
        started.append(Stage(tls=context).__enter__())
        return started[-1]

    yield start
    for stage in started:
        stage.__exit__()
    connection.trusted_certificates.cache_clear()


def test_a_valid_certificate_is_taken_and_the_connection_kept(
    secure_stage: Callable[..., Stage], client_with: Callable[..., Client]
) -> None:
    stage = secure_stage(certificate(address="127.0.0.1", ends=timedelta(days=2)))
    stage.play(answer(207, PRINCIPAL), answer(207, home_set("/1/calendars/")))
    client = client_with(url=stage.url, trusted_hosts=(stage.origin,))
    assert client.discover().home == f"{stage.url}1/calendars/"
    assert stage.connections == 1


@pytest.mark.parametrize(
    "found",
    [
        certificate(address="127.0.0.2", ends=timedelta(days=2)),
        certificate(address="127.0.0.1", ends=timedelta(days=-1)),
        certificate(
            address="127.0.0.1",
            ends=timedelta(days=2),
            issuer=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Nobody")]),
            is_ca=True,
        ),
    ],
    ids=["wrong host", "expired", "self-signed"],
)
def test_any_other_certificate_is_refused(
    secure_stage: Callable[..., Stage], client_with: Callable[..., Client], found: x509.Certificate
) -> None:
    stage = secure_stage(found)
    client = client_with(url=stage.url, trusted_hosts=(stage.origin,))
    for act in (client.discover, lambda: client.create("/1/c/a.ics", b"x")):
        with pytest.raises(errors.Unreachable, match="certificate"):
            act()
    assert stage.requests == []
    assert client.requests == 0


def test_plain_http_where_tls_is_expected_is_refused(stage: Stage, client_with: Callable[..., Client]) -> None:
    stage.play(answer(207, PRINCIPAL))
    client = client_with(url=f"https://{stage.origin}/", trusted_hosts=(stage.origin,), request_timeout=0.3)
    with pytest.raises(errors.Unreachable):
        client.discover()
    # What the server makes of a handshake is not ours; the password must not be in it.
    assert not any("authorization" in request.headers for request in stage.requests)


def test_old_protocols_are_not_spoken() -> None:
    context = connection.trusted_certificates()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_warming_up_leaves_nothing_slow_for_the_first_request() -> None:
    connection.trusted_certificates.cache_clear()
    warm_up()
    assert connection.trusted_certificates.cache_info().currsize == 1
    assert "icloud_sync.remote.wire" in sys.modules
