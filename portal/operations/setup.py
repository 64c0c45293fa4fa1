"""`portal setup`: from an empty server to one whose processes can be started. A second run changes nothing and says what is left.

It writes the files of settings that are not there, from the examples; makes database, roles and the logins' passwords with a
superuser's rights, which are used once and kept nowhere; migrates; copies the files for browsers; and makes the first admin.
"""

import contextlib
import os
import re
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from portal.config import ASSETS, INSTALLED, LOGINS, ROOT, Settings, declared
from portal.database import roles
from portal.problems import Problem
from portal.setting_values import plain_url

EXAMPLES = ROOT / "examples" if INSTALLED else ROOT / "docs" / "examples"
FILES = ("common.env", "web.env", "worker.env", "operator.env")
KEYS = ("SECRET_KEY", "ADDRESS_KEY", "ROOM_KEY")
QUESTIONS = ("PUBLIC_URL", "CLUB_NAME", "CLUB_TIMEZONE", "HELP_EMAIL", "MAIL_URL", "MAIL_FROM", "BACKUPS")
"""What nobody can know but the operator; everything else has a default or is made here."""
LEFT = re.compile(r"change[ _-]me", re.IGNORECASE)

Ask = Callable[[str, str, str], str]
"""Asks for a setting: its name, its meaning, what the example has."""


def write_settings(folder: Path, database_address: str, group: str, ask: Ask) -> list[str]:
    """Write those of the four files that are not in `folder`; the names of those written. Raises `Problem`.

    `database_address` is host:port/name. The keys and the logins' passwords are made here; a file is readable by root and
    `group`, if this is root and there is such a group.
    """
    missing = [name for name in FILES if not (folder / name).exists()]
    if not missing:
        return []
    kept = read(folder)
    answers = {name: kept.get(name) or secrets.token_urlsafe(48) for name in KEYS}
    answers |= {name: kept.get(name) or _address(login, database_address) for name, login in LOGINS.items()}
    for name in QUESTIONS:
        setting = next(each for each in declared().values() if each.name == name)
        answers[name] = kept.get(name) or ask(name, setting.meaning, _example(name))
    folder.mkdir(parents=True, exist_ok=True)
    for name in missing:
        _put(folder / name, _filled((EXAMPLES / name).read_text(), answers), group)
    return missing


def read(folder: Path) -> dict[str, str]:
    """What the files of settings in `folder` say, together. Raises `Problem` for a line that is none."""
    environment = {}
    for file in (folder / name for name in FILES if (folder / name).exists()):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            try:
                name, _, value = shlex.split(line, comments=True)[0].partition("=")
            except (ValueError, IndexError) as unreadable:
                raise Problem(f'{file}, line {number}, is not of the form NAME="value".') from unreadable
            environment[name] = value
    return environment


def make_database(settings: Settings, superuser: str | None) -> bool:
    """Make database, roles and passwords, unless every login gets in already; whether anything was made. Raises `Problem`.

    `superuser` is the address of a superuser; None: root becomes Debian's `postgres`.
    """
    urls = {login: plain_url(getattr(settings, name)) for name, login in _LOGIN_FIELDS.items()}
    if all(_gets_in(url) for url in urls.values()):
        return False
    info = psycopg.conninfo.conninfo_to_dict(urls["portal_owner"])
    name = str(info["dbname"])
    exists = sql.SQL("select 1 from pg_catalog.pg_database where datname = {}").format(name).as_string(None)
    if not _as_superuser(exists, "postgres", superuser):
        _as_superuser(f"create database {sql.Identifier(name).as_string(None)}", "postgres", superuser)
    passwords = [
        f"alter role {login} password {_literal(str(psycopg.conninfo.conninfo_to_dict(url).get('password') or ''))};"
        for login, url in urls.items()
    ]
    _as_superuser("\n".join((roles.script(name), *passwords)), name, superuser)
    for url in urls.values():
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            raise Problem(
                f"The roles are made, but one cannot sign in: {str(error).strip().splitlines()[0]}"
            ) from error
    return True


def share_assets(folder: Path, group: str) -> None:
    """Let `group` add the files of later versions, if this is root, there is such a group, and the files are not the wheel's own."""
    if os.geteuid() != 0 or folder.resolve() == ASSETS.resolve():
        return
    with contextlib.suppress(LookupError):
        for place in (folder, folder / "files"):
            shutil.chown(place, group=group)
            place.chmod(0o775)


def left(folder: Path) -> list[str]:
    """What is still as the examples have it: a sentence each."""
    sentences = []
    for name in FILES:
        for line in (folder / name).read_text().splitlines():
            setting, _, value = line.partition("=")
            if LEFT.search(value) and not line.startswith("#"):
                sentences.append(f"{folder / name}: {setting} is still that of the example.")
    return sentences


_LOGIN_FIELDS = {
    "database_url": "portal_web",
    "worker_url": "portal_worker",
    "owner_url": "portal_owner",
    "backup_url": "portal_backup",
}


def _address(login: str, database_address: str) -> str:
    return f"postgresql://{login}:{secrets.token_urlsafe(24)}@{database_address}"


def _example(name: str) -> str:
    found = re.search(rf'^{name}="(.*)"$', "\n".join((EXAMPLES / file).read_text() for file in FILES), re.MULTILINE)
    return found[1] if found else ""


def _filled(example: str, answers: Mapping[str, str]) -> str:
    def fill(line: re.Match[str]) -> str:
        return f"{line[1]}={_quoted(line[1], answers[line[1]])}" if line[1] in answers else line[0]

    return re.sub(r"^([A-Z_]+)=.*$", fill, example, flags=re.MULTILINE)


def _quoted(name: str, value: str) -> str:
    """As a shell and systemd both read it: nothing between the marks means anything but itself."""
    if not re.search(r'["$`\\]', value):
        return f'"{value}"'
    if "'" not in value:
        return f"'{value}'"
    raise Problem(f"{name} has a ' and one of \" $ ` \\ in it; a shell and systemd do not both read that the same.")


def _put(file: Path, content: str, group: str) -> None:
    file.touch(mode=0o640)
    file.write_text(content)
    if os.geteuid() == 0:
        with contextlib.suppress(LookupError):
            shutil.chown(file, group=group)


def _gets_in(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _as_superuser(statements: str, database: str, superuser: str | None) -> str:
    """Run `statements` in `database`; what the last one found, as text. Never on a command line, which others can read."""
    if superuser is not None:
        with psycopg.connect(superuser, dbname=database, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statements.encode())
            return str(row[0]) if cursor.description and (row := cursor.fetchone()) else ""
    if os.geteuid() != 0:
        raise Problem(
            "Run this as root, or name a superuser of PostgreSQL: --superuser postgresql://postgres:…@host/postgres"
        )
    psql = ["runuser", "-u", "postgres", "--", "psql", "-qtAX", "-v", "ON_ERROR_STOP=1", database]
    done = subprocess.run(psql, input=statements, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        raise Problem(f"PostgreSQL's superuser could not do it: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.strip()


def _literal(value: str) -> str:
    return sql.Literal(value).as_string(None)
