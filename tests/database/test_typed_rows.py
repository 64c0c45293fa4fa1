"""A column that is not there is an error before any test runs: mypy knows each row from its query to the presenter."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RIGHT = """
from sqlalchemy.orm import Session
from portal.attendance import queries
from portal.families.queries import PEOPLE

def titles(db: Session) -> list[str]:
    return [row.title for row in queries.UPCOMING.all(db)]

def names(db: Session) -> list[str | None]:
    return [row.first_name for row in PEOPLE.all(db)]
"""
WRONG = {
    "of a meeting": ("row.title", "row.titel", '"Upcoming" has no attribute "titel"'),
    "of a family": ("row.first_name", "row.frist_name", '"PersonRow" has no attribute "frist_name"'),
    "of another type": ("row.title", "row.seats_taken", "expected List[str]"),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What mypy says of our own rows, by file. What the libraries say of theirs is left out: it takes most of the time."""
    place = tmp_path_factory.mktemp("typed")
    files = {"right": RIGHT} | {what: RIGHT.replace(there, typed) for what, (there, typed, _said) in WRONG.items()}
    for number, text in enumerate(files.values()):
        (place / f"file_{number}.py").write_text(text)
    run = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        ROOT / "pyproject.toml",
        "--cache-dir",
        place / "cache",
        "--no-site-packages",
        "--ignore-missing-imports",
        "--follow-imports",
        "silent",
        *sorted(place.glob("*.py")),
    ]
    output = subprocess.run(run, cwd=ROOT, capture_output=True, text=True).stdout
    lines = [line for line in output.splitlines() if "file_" in line]
    return {what: [line for line in lines if f"file_{number}.py" in line] for number, what in enumerate(files)}


@pytest.mark.parametrize("column", WRONG)
def test_a_column_that_is_not_there_is_an_error(told, column):
    (line,) = told[column]
    assert WRONG[column][2] in line


def test_what_is_spelled_right_is_none(told):
    assert told["right"] == []
