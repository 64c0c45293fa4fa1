"""What `make server` needs of the machine, and the one line that brings what is missing."""

import shutil
import sys
from pathlib import Path

POSTGRES = Path("/usr/lib/postgresql/15/bin")
PACKAGES = {
    "postgresql-15": POSTGRES / "initdb",
    "pgbouncer": Path("pgbouncer"),
    "nginx-light": Path("nginx"),
    "dovecot-imapd": Path("/usr/lib/dovecot/imap"),
}
"""Debian's package, and a program of it."""


def missing() -> list[str]:
    """The packages that are not installed."""
    places = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return [package for package, program in PACKAGES.items() if shutil.which(str(program), path=places) is None]


def main() -> None:
    """Status 1 and the line to type, if anything is missing; with --quiet only the status."""
    if packages := missing():
        sys.exit(1 if "--quiet" in sys.argv else f"This needs: apt-get install {' '.join(packages)}")


if __name__ == "__main__":
    main()
