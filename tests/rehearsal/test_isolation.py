"""The process of a rehearsal reaches nobody, and is told nothing by which it could."""

import dataclasses
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from portal.rehearsal.rehearse import environment
from tests.support.web import settings_for

TRIES = """
import json, socket, subprocess
from contextlib import suppress
from portal.rehearsal.isolation import Isolation
isolation = Isolation()
isolation.begin({"127.0.0.1"})
with suppress(OSError):
    socket.create_connection(("127.0.0.1", %d))
with suppress(OSError):
    subprocess.run(["touch", "%s"])
with suppress(OSError):
    socket.getaddrinfo("api.stripe.com", 443)
print(json.dumps(isolation.refused))
"""


@pytest.fixture
def trap():
    """A socket that listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        yield listening


def test_connections_programs_and_names_are_refused_and_told(trap, tmp_path):
    left = tmp_path / "left"
    code = TRIES % (trap.getsockname()[1], left)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in json.loads(done.stdout)] == [
        "socket.connect",
        "subprocess.Popen",
        "socket.getaddrinfo",
    ]
    assert not left.exists()
    with pytest.raises(BlockingIOError):
        trap.accept()


def test_it_is_told_no_address_and_no_key_of_the_club(database):
    real = {
        "mail_url": "smtps://club:word@mail.example.org",
        "inbox_url": "imaps://in:word@mail.example.org/INBOX",
        "stripe_key": "sk_live_real",
        "stripe_webhook_secret": "whsec_real",
        "stripe_url": "https://stripe.example.org",
        "zoom_account": "real-account",
        "zoom_client": "real-client",
        "zoom_secret": "real-secret",
        "zoom_webhook_secret": "real-webhook",
        "google_organizer": "rooms@example.org",
        "google_account": Path("/etc/goalete/google.json"),
        "public_url": "https://portal.example.org",
        "operator_email": "operator@example.org",
        "metrics_token": "a token of the real club, long enough",
        "backup_copy": ("rclone", "copy", "{file}", "far:goalete"),
        "backups": Path("/var/backups/goalete"),
        "secret_key": "the real secret key, as long as it is",
        "address_key": "the real address key, as long as it is",
        "room_key": "the real room key, as long as it is",
    }
    settings = settings_for(database, sandbox=False, **real)
    told = environment(settings)
    values = "\n".join(told.values())
    assert [value for value in real.values() if str(value) in values] == []
    secrets = (field.name for field in dataclasses.fields(settings) if not field.repr)
    same = {name for name in secrets if getattr(settings, name) and getattr(settings, name) in told.values()}
    assert same == {"database_url", "worker_url", "owner_url"}, "the copy's own logins"
