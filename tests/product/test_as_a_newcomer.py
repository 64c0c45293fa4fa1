"""The product as somebody meets it who has just unpacked it: `make run` in a fresh copy of the tree."""

import contextlib
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from portal.config import ROOT
from tests.support.club_server import free_port
from tests.support.windows import chromium_running

pytestmark = pytest.mark.product

INSTALL_SECONDS, AGAIN_SECONDS, CLOSE_SECONDS = 300, 30, 30
OURS = re.compile(
    "^(PYTHON|VIRTUAL_ENV|MAKE|MFLAGS|PYTEST|COV|DATABASE_URL|OWNER_|WORKER_|SECRET_KEY|SANDBOX|PUBLIC_URL|ASSETS|PORT|STRIPE)"
)
ADDRESS, PASSWORD = "frida@club.example", "seven quiet boats"


@pytest.fixture(scope="module", params=["installed", pytest.param("bare", marks=pytest.mark.server)])
def packages(request: pytest.FixtureRequest) -> list[str]:
    """What `make` is told of Python's packages: those of the tests serve, or, which takes minutes, nothing is there yet."""
    if request.param == "bare":
        return []
    return [f"VENV={sys.prefix}", f"--old-file={sys.prefix}/.installed"]


@pytest.fixture(scope="module")
def copy(packages: list[str]) -> Iterator[Path]:
    """The tree as it would be handed on: what git knows or would take, nothing of var/."""
    # Not pytest's folder: that one is locked again and again against other users, and PostgreSQL runs as one.
    with tempfile.TemporaryDirectory(prefix="newcomer-") as folder:
        target = Path(folder) / "portal"
        hand_on(target)
        yield target


def hand_on(target: Path) -> None:
    listed = subprocess.check_output(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT)
    for name in listed.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


class Run:
    """One `make run`, in a process group of its own like a terminal's."""

    def __init__(self, copy: Path, packages: list[str], port: int, **environment: str) -> None:
        self.log = copy.parent / f"run-{time.monotonic_ns()}.log"
        kept = {name: value for name, value in os.environ.items() if not OURS.match(name)}
        with open(self.log, "wb") as log:
            self.make = subprocess.Popen(
                ["make", "run", *packages],
                cwd=copy,
                env={**kept, "PORT": str(port), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.log.read_text()

    def address(self, patience: float) -> str:
        """Where the club is, as soon as it says so."""
        until = time.monotonic() + patience
        while time.monotonic() < until and self.make.poll() is None:
            if found := re.search(r"The club is open: (\S+)", self.said()):
                return found.group(1)
            time.sleep(0.2)
        raise AssertionError(f"The club did not open within {patience:.0f} s:\n{self.said()}")

    def press_ctrl_c(self) -> None:
        os.killpg(self.make.pid, signal.SIGINT)
        self.make.wait(CLOSE_SECONDS)


@pytest.fixture
def make_run(copy: Path, packages: list[str]) -> Callable[..., AbstractContextManager[Run]]:
    """`with make_run(port) as run`: started, and whatever happens gone at the end."""

    @contextlib.contextmanager
    def start(port: int, **environment: str) -> Iterator[Run]:
        run = Run(copy, packages, port, **environment)
        try:
            yield run
        finally:
            for process in left_over(copy):
                with contextlib.suppress(psutil.Error):
                    process.kill()
            run.make.wait(CLOSE_SECONDS)

    return start


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with chromium_running() as browser:
        yield browser


@pytest.mark.server
def test_from_make_run_to_an_answer_others_see_and_back_to_nothing(
    copy: Path, make_run: Callable[..., AbstractContextManager[Run]], chromium: Browser
) -> None:
    before, port = content(copy), free_port()
    with make_run(port) as run:
        url = run.address(INSTALL_SECONDS)
        password = re.search(r"password {2}(.+)", run.said())
        newcomer, bilal = (chromium.new_page(base_url=url) for _ in range(2))
        assert password
        sign_in(bilal, "bilal@rahman.uk", password.group(1))
        sign_up(newcomer)
        answer_where_the_other_sees_it(newcomer, bilal)
        buy(newcomer)
        run.press_ctrl_c()
        assert "The club is closed." in run.said()
        assert "Traceback" not in run.said()
        assert left_over(copy) == []
        assert content(copy) == before
    with make_run(port) as again:
        asked = time.monotonic()
        again.address(AGAIN_SECONDS)
        sign_in(newcomer, ADDRESS, PASSWORD)
        expect(newcomer.get_by_text("You’re coming").first).to_be_visible()
        again.press_ctrl_c()
        assert time.monotonic() - asked < AGAIN_SECONDS + CLOSE_SECONDS
    assert left_over(copy) == []


def test_a_port_that_is_taken_is_one_sentence(copy: Path, make_run: Callable[..., AbstractContextManager[Run]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with make_run(port) as run:
            assert run.make.wait(INSTALL_SECONDS) != 0
    assert [line for line in words(run) if f"Port {port} is taken" in line] == words(run)


def test_a_database_that_does_not_answer_is_one_sentence(
    copy: Path, make_run: Callable[..., AbstractContextManager[Run]]
) -> None:
    nowhere = f"postgresql://portal_web@127.0.0.1:{free_port()}/goalete"
    with make_run(free_port(), DATABASE_URL=nowhere) as run:
        assert run.make.wait(INSTALL_SECONDS) != 0
    assert len(words(run)) == 1
    assert "database" in words(run)[0].lower()


def words(run: Run) -> list[str]:
    """What `make run` said, without make's own report and the notes of an installation."""
    return [line for line in run.said().splitlines() if line and not re.match(r"make: \*\*\*|Installing |npm ", line)]


def sign_up(page: Page) -> None:
    page.goto("/sign-up")
    page.get_by_label("First name").fill("Frida")
    page.get_by_label("E-mail").fill(ADDRESS)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/verify")
    page.get_by_role("link", name="mailbox", exact=True).click()
    mail = page.get_by_role("row", name=ADDRESS).get_by_role("link")
    for _try in range(50):
        if mail.count():
            break
        page.wait_for_timeout(200)
        page.reload()
    mail.click()
    page.locator("a[href*='/verify/']").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Come in").click()
    expect(page.get_by_text("Your address is confirmed")).to_be_visible()


def sign_in(page: Page, address: str, password: str) -> None:
    page.context.clear_cookies()
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(address)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/meetings")


def answer_where_the_other_sees_it(page: Page, other: Page) -> None:
    yes = page.get_by_role("button", name="I’m coming")
    page.locator("article", has=yes, has_not_text="Live now").first.get_by_role("link").first.click()
    with other.expect_response("**/live/meetings*"):
        other.goto(page.url)
    stood = other.locator("[data-changed]").get_attribute("data-changed") or ""
    yes.click()
    expect(page.get_by_text("You’re coming")).to_be_visible()
    expect(other.locator("[data-changed]")).not_to_have_attribute("data-changed", stood)


def buy(page: Page) -> None:
    """A plan, paid on the page of the Stripe that came with the club."""
    page.goto("/plans")
    page.get_by_role("button", name="Start yearly").first.click()
    page.get_by_role("button", name="Continue to Stripe").click()
    for field, words in (
        ("Card number", "4242424242424242"),
        ("Expires", "12/40"),
        ("Security code", "123"),
        ("Name", "Frida"),
    ):
        page.get_by_label(field).first.fill(words)
    page.get_by_role("button", name="Begin the free time").click()
    expect(page.get_by_role("heading", name="It is arranged.")).to_be_visible(timeout=20_000)
    page.goto("/orders")
    expect(page.get_by_text("$120.00")).to_be_visible()


def left_over(copy: Path) -> list[psutil.Process]:
    """Every process that was started in the copy or knows of it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and str(copy) in f"{process.cwd()} {process.cmdline()} {process.environ()}":
                found.append(process)
    return found


def content(copy: Path) -> dict[str, str]:
    """Every file outside var/ and what is in it."""
    return {
        str(file.relative_to(copy)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in copy.rglob("*")
        if file.is_file() and file.relative_to(copy).parts[0] != "var"
    }
