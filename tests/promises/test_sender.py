"""Who asks, as granian has it: bytes on a socket, the real server, and what the log says of the sender."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time

import pytest

from portal.config import ROOT
from tests.support.club_server import SECRET, free_port

HEAD = "{} HTTP/1.1\r\nHost: club.example\r\nConnection: close\r\n"


@pytest.fixture(scope="module")
def served(migrated, tmp_path_factory):
    """The port of the portal's pages, told that one proxy stands in front."""
    port = free_port()
    environment = {
        **os.environ,
        "SECRET_KEY": SECRET,
        "SANDBOX": "1",
        "TRUSTED_PROXIES": "1",
        "ASSETS": str(tmp_path_factory.mktemp("assets")),
        "DATABASE_URL": migrated.url("portal_web"),
        "OWNER_DATABASE_URL": migrated.url("portal_owner"),
        "WORKER_DATABASE_URL": migrated.url("portal_worker"),
    }
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--blocking-threads",
        "2",
        "--http",
        "1",
        "--no-ws",
        "--log-level",
        "warning",
        "--port",
        str(port),
        "wsgi:application",
    ]
    with migrated.as_demo():
        child = subprocess.Popen(command, env=environment, cwd=ROOT)
        try:
            until = time.monotonic() + 150
            while time.monotonic() < until and child.poll() is None:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.1)
            yield port
        finally:
            child.terminate()
            child.wait()


def say(port, text):
    """What comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(text.encode("latin-1"))
        return b"".join(iter(lambda: line.recv(65536), b"")).decode()


def try_to_sign_in(port, *headers):
    """A form sent with these lines among its headers."""
    page = say(port, HEAD.format("GET /sign-in") + "\r\n")
    cookie = re.search(r"__Host-session=[^;]+", page)[0]
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    body = f"csrf_token={token}&email=a@b.example&password=x"
    lines = (
        f"Cookie: {cookie}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        *headers,
    )
    return say(port, HEAD.format("POST /sign-in") + "".join(f"{line}\r\n" for line in lines) + f"\r\n{body}")


PROXY = 'Forwarded: for="203.0.113.9:4711";proto=http;host=club.example'
FORGED = (
    "X-Forwarded-For: 192.0.2.66",
    "X_Forwarded_For: 192.0.2.66",
    "X_FORWARDED-FOR: 192.0.2.66",
    "Forwarded_For: 192.0.2.66",
    "_Forwarded: for=192.0.2.66",
    "Forwarded_: for=192.0.2.66",
    "X-Real-IP: 192.0.2.66",
    "HTTP_FORWARDED: for=192.0.2.66",
    "Remote_Addr: 192.0.2.66",
)


def test_no_other_name_is_taken_for_the_proxys_header(served, superuser):
    for lines in ((PROXY, *FORGED), (*FORGED, PROXY)):
        assert " 422 " in try_to_sign_in(served, *lines).splitlines()[0]
    seen = superuser.execute(
        "select distinct host(ip_address) from system_logs where operation = 'sign-in.refused'"
    ).fetchall()
    assert seen == [("203.0.113.9",)]


def test_what_a_sender_writes_before_the_proxy_is_not_believed(served, superuser):
    try_to_sign_in(served, "Forwarded: for=192.0.2.66", PROXY)
    assert superuser.execute("select host(ip_address) from system_logs").fetchall() == [("203.0.113.9",)]
