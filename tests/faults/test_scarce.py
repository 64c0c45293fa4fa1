"""The database out of connections, or out of disk: honest pages, nothing lost, well again by itself."""

import contextlib
import os
import subprocess

import psycopg
import pytest

from tests.support.cast import ALICE


def test_no_connection_left_is_said_honestly_and_passes(faulty, meetings):
    faulty.postgres.setting("max_connections", "14")
    assert faulty.recovers(ALICE)
    hoard = [faulty.postgres.database.connect(autocommit=True)]
    hoard[0].execute("select pg_terminate_backend(pid) from pg_stat_activity where usename like 'portal\\_%'")
    with contextlib.suppress(psycopg.OperationalError):
        while len(hoard) < 40:
            hoard.append(faulty.postgres.database.connect())
    faulty.ask("GET", "/meetings", ALICE)  # finds its old connection gone
    status, text = faulty.ask("GET", "/meetings", ALICE)
    assert status == 503 and "out of breath" in text
    for connection in hoard:
        connection.close()
    assert faulty.recovers(ALICE)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 160 MB, where this machine lets us make one."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = (
        os.geteuid() == 0
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(place)], capture_output=True
        ).returncode
        == 0
    )
    if not mounted:
        pytest.skip("only root can make a disk that is small enough to fill")
    os.environ["FAULTS"] = str(place)
    yield place
    del os.environ["FAULTS"]
    subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_full_disk_refuses_answers_and_keeps_those_it_took(small_disk, request):
    faulty, meetings = request.getfixturevalue("faulty"), request.getfixturevalue("meetings")
    path = f"/meetings/{meetings[0].id}/answer"
    assert faulty.ask("POST", path, ALICE, "answer=accepted")[0] == 303
    ballast = small_disk / "ballast"
    with contextlib.suppress(OSError), open(ballast, "wb") as full:
        while True:
            full.write(b"0" * 65536)
    with faulty.postgres.database.connect(autocommit=True) as postgres, pytest.raises(psycopg.Error):
        postgres.execute("create table filler as select repeat('x', 1000) from generate_series(1, 50000)")
    wishes = [(wish, faulty.ask("POST", path, ALICE, f"answer={wish}")[0]) for wish in ("declined", "accepted") * 20]
    assert {status for _wish, status in wishes} <= {303, 503, 0}
    taken = ["accepted", *(wish for wish, status in wishes if status == 303)]
    ballast.unlink()
    faulty.postgres.start()
    assert faulty.recovers(ALICE)
    assert faulty.stored()[ALICE.id, meetings[0].id] == taken[-1]
    assert faulty.broken_promises() == ""
