"""What the documents name is there: files, commands, settings; and the examples work as they stand."""

import json
import re
import shlex
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

from portal.cli import portal
from portal.config import LOGINS, PAGES, ROOT, VERSION, WORK, Settings, declared
from portal.operations.addresses import document

DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
EXAMPLES = ROOT / "docs" / "examples"
OURS = re.compile(r"`((?:portal|templates|tests|migrations|static|docs)/[\w./]+)`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document):
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_is_named_is_there(document):
    assert [name for name in OURS.findall(document.read_text()) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_that_is_named_is_one(document):
    text = document.read_text()
    named = {*re.findall(r"`portal ([a-z-]+)", text), *re.findall(r"^    portal ([a-z-]+)", text, re.MULTILINE)}
    assert named <= portal.commands.keys()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^    )make ([a-z]+)\b", text, re.MULTILINE)) <= targets


def test_the_list_of_addresses_is_that_of_the_portal(app):
    assert (ROOT / "docs" / "api.md").read_text() == document(app), "`portal addresses > docs/api.md` makes it"


def environment(*names: str) -> dict[str, str]:
    """What a shell or systemd makes of these files."""
    lines = [line for name in names for line in (EXAMPLES / f"{name}.env").read_text().splitlines()]
    return dict(shlex.split(line)[0].split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize(
    ("name", "needs"), [("web", PAGES), ("worker", WORK), ("operator", [*LOGINS, "SECRET_KEY", "BACKUPS"])]
)
def test_each_file_of_settings_is_enough_for_its_process(name, needs):
    made = Settings.from_environment(environment("common", name), needs=needs)
    assert made.warnings == () and not made.sandbox


@pytest.mark.parametrize(("name", "login"), [("web", "DATABASE_URL"), ("worker", "WORKER_DATABASE_URL")])
def test_a_process_is_given_one_login(name, login):
    assert LOGINS.keys() & environment("common", name).keys() == {login}


def test_the_settings_beside_a_comment_sign_are_settings():
    known = {setting.name for setting in declared().values()}
    commented = re.findall(
        r"^# ([A-Z_]+)=", "\n".join(path.read_text() for path in EXAMPLES.glob("*.env")), re.MULTILINE
    )
    assert set(commented) <= known


@pytest.mark.parametrize("unit", sorted(EXAMPLES.glob("*.service")), ids=lambda path: path.stem)
def test_a_unit_starts_what_is_there_with_files_that_are_there(unit):
    lines = unit.read_text().splitlines()
    for file in (line.partition("=")[2] for line in lines if line.startswith("EnvironmentFile=")):
        assert (EXAMPLES / Path(file).name).is_file()
    for command in (shlex.split(line.partition("=")[2]) for line in lines if line.startswith("ExecStart=")):
        program, *words = command
        assert program.startswith("/srv/goalete/venv/bin/")
        if program.endswith("/portal"):
            assert words[0] in portal.commands
        else:
            help_text = subprocess.check_output([ROOT / "var/venv/bin/granian", "--help"], text=True)
            assert [word for word in words if word.startswith("--") and not re.search(rf"{word}\b", help_text)] == []
    timer = unit.with_suffix(".timer")
    assert ("Type=oneshot" in lines) == timer.is_file()


CONTAINERFILE = (EXAMPLES / "Containerfile").read_text()


def instructions(name: str) -> list[str]:
    """What each instruction of this name in the Containerfile says, in their order."""
    return re.findall(rf"^{name} (.+)$", CONTAINERFILE, re.MULTILINE)


def started(unit: str) -> str:
    """What a unit starts, as it is typed in a container, where it listens on every address of it."""
    (command,) = re.findall(r"^ExecStart=/srv/goalete/venv/bin/(.+)$", (EXAMPLES / unit).read_text(), re.MULTILINE)
    return command.replace("127.0.0.1", "0.0.0.0")


def test_a_line_of_the_containerfile_is_an_instruction_or_a_comment():
    names = [line.split()[0] for line in CONTAINERFILE.splitlines() if line and not line.startswith("#")]
    assert names == ["FROM", "RUN", "COPY", "RUN", "USER", "WORKDIR", "EXPOSE", "STOPSIGNAL", "CMD"]


def test_a_container_is_one_of_the_processes_of_the_units():
    (command,) = instructions("CMD")
    assert shlex.join(json.loads(command)) == started("goalete-web.service")
    by_hand = re.findall(r"^#   podman run .* goalete(?: (.+))?$", CONTAINERFILE, re.MULTILINE)
    assert by_hand == ["", started("goalete-live.service"), started("goalete-worker.service"), "portal migrate"]


def test_a_container_has_the_wheel_no_setting_and_not_the_rights_of_root():
    (copied,) = instructions("COPY")
    assert fnmatch(f"goalete_portal-{VERSION}-py3-none-any.whl", copied.split()[0])
    assert instructions("USER") == ["goalete"] and instructions("ENV") == instructions("ARG") == []
    files = re.findall(r"--env-file (\S+)", CONTAINERFILE)
    assert [name for name in files if not (EXAMPLES / name).is_file()] == []
