"""Where Chromium is. `python -m tests.support.chromium` makes sure there is one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGS = (  # root needs the first; the rest keeps it quiet: nothing is fetched that no page asked for
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoChromium(Exception):  # noqa: N818
    """There is no Chromium, and none could be brought."""


def path() -> str:
    """The Chromium to drive: CHROMIUM, the system's, or Playwright's own. Raises `NoChromium`."""
    if (named := os.environ.get("CHROMIUM")) and not shutil.which(named):
        raise NoChromium(f"CHROMIUM is {named!r}, and there is no such program.")
    for name in (named, *NAMES):
        if name and (found := shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/bin")):
            return found
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if Path(own).exists():
        return own
    raise NoChromium("There is no Chromium; install one, or name it with CHROMIUM=/path/to/chromium.")


def bring() -> str:
    """The path, after installing a Chromium if there was none. Raises `NoChromium` with what went wrong."""
    try:
        return path()
    except NoChromium:
        if os.environ.get("CHROMIUM"):
            raise
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("There is no Chromium; installing Debian's with apt-get …", flush=True)
        steps = [["apt-get", "update", "-qq"], ["apt-get", "install", "-qq", "-y", "chromium"]]
    else:
        print("There is no Chromium; fetching Playwright's …", flush=True)
        steps = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    for step in steps:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(step, capture_output=True, text=True, env=environment)
        if done.returncode:
            reason = (done.stderr.strip() or done.stdout.strip() or "it did not say why").splitlines()[-1]
            raise NoChromium(f"`{' '.join(step)}` failed ({reason}); name a Chromium with CHROMIUM=/path/to/chromium.")
    return path()


if __name__ == "__main__":
    try:
        bring()
    except NoChromium as none:
        sys.exit(str(none))
