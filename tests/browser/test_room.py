"""The door in a browser: Join follows a platform over several hosts, and opens on a page that waits for the room."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import expect

from portal.rooms.sealing import seal
from tests.browser.conftest import Open
from tests.browser.test_live import A_SECOND, meeting_in, streams
from tests.support.cast import ROOM, ROOM_KEY, Person

WAY = {"meet.example.test": "https://us02.example.test/j", "us02.example.test": "https://rooms.example.test/inside"}
"""Where the platform sends a browser on, as real ones do."""


class Platform(BaseHTTPRequestHandler):
    """Redirects twice, each time to another host, and shows what it was told of where the browser came from."""

    def do_GET(self) -> None:
        """The next host, or the room."""
        onward = WAY.get(self.headers["Host"])
        self.send_response(302 if onward else 200)
        self.send_header("Content-Type", "text/html")
        if onward:
            self.send_header("Location", onward)
        self.end_headers()
        self.wfile.write(f"<p>Inside, from {self.headers.get('Referer', 'nowhere')}</p>".encode())

    def log_message(self, *_words: object) -> None:
        """Nothing."""


@pytest.fixture
def platform(tmp_path: Path, room_port: int) -> Iterator[None]:
    """A platform behind TLS, with a certificate nobody else trusts."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")]),
    )
    now = datetime.now(UTC)
    unsigned = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    certificate = (
        unsigned.not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "stand-in.pem"
    written = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem.write_bytes(key.private_bytes(*written) + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = ThreadingHTTPServer(("127.0.0.1", room_port), Platform)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


def test_join_follows_the_platform_from_host_to_host(
    open_: Open, superuser: psycopg.Connection, bob: Person, platform: None
) -> None:
    tonight = meeting_in(superuser, -300, meeting_link=seal("https://meet.example.test/supper", ROOM_KEY))
    page = open_(bob, f"/meetings/{tonight.id}", ignore_https_errors=True)
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Join the meeting").click()
    expect(opened.value.get_by_text("Inside, from nowhere")).to_be_visible()
    assert opened.value.url == "https://rooms.example.test/inside"
    assert "example.test" not in page.content()


def test_whoever_waits_is_let_in_within_a_second(open_: Open, superuser: psycopg.Connection, bob: Person) -> None:
    tonight = meeting_in(superuser, -300, meeting_link=None, provision_state="none")
    page = open_(bob, f"/meetings/{tonight.id}")
    expect(page.get_by_text("This page lets you in as soon as it is.")).to_be_visible()
    streams(page)
    with superuser.transaction():
        superuser.execute("update meetings set meeting_link = %s, provision_state = 'ready'", [ROOM])
        superuser.execute("select pg_notify('meetings', %s)", [str(tonight.id)])
    expect(page.get_by_role("button", name="Join the meeting")).to_be_visible(timeout=A_SECOND)
