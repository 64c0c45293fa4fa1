"""`portal meet` serves the stand-in where the settings say."""

import os
import subprocess
import sys
import time

import pytest
import requests

from portal.config import ROOT
from portal.sandbox.run import _free_port


@pytest.fixture
def environment(tmp_path):
    return {
        "PATH": os.environ["PATH"],
        "SANDBOX": "1",
        "SANDBOX_STRIPE": str(tmp_path / "stripe-1.sqlite3"),
        "GOOGLE_URL": f"http://127.0.0.1:{_free_port(0)}",
        "GOOGLE_SERVICE_ACCOUNT": str(tmp_path / "key.json"),
        "GOOGLE_ORGANIZER": "rooms@aydin.club",
    }


def test_it_serves_and_makes_the_key(environment, tmp_path):
    process = subprocess.Popen([sys.executable, "-m", "portal", "meet"], cwd=ROOT, env=environment)
    try:
        for _ in range(300):
            try:
                response = requests.get(environment["GOOGLE_URL"], timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
    finally:
        process.terminate()
        process.wait()
    assert "The organisation" in response.text
    assert {path.name for path in tmp_path.iterdir()} >= {"key.json", "meet-1.sqlite3"}


def test_what_it_lacks_is_a_sentence(environment):
    del environment["GOOGLE_URL"]
    result = subprocess.run(
        [sys.executable, "-m", "portal", "meet"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert result.stderr.startswith("portal: GOOGLE_URL is not set")
