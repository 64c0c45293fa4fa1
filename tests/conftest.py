"""What every test may ask for: a database of its own, the cast, and the eyes of each of them."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime

import psycopg
import pytest

from portal import clock
from portal.config import ROOT
from portal.database.identity import BECOME
from tests.support import cast, server
from tests.support.cast import Meeting, Person
from tests.support.clean import Cleaner, Snapshot
from tests.support.server import Database

pytest_plugins = ["tests.support.web", "tests.support.bank", "tests.support.inbox"]

TEST_DATA = ROOT / "var" / "test"

LONGEST = ("product", "browser", "sandbox", "families", "billing")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that no process of `make test` is left with half of it while the others are done."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.relative_to(TEST_DATA.parents[1] / "tests").parts[0], len(rank)))


# --- the server and the database -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A superuser's address of the PostgreSQL all tests share; with TEST_SERVER_URL, of one that is running anyway."""
    if running := os.environ.get("TEST_SERVER_URL"):
        yield running
        return
    with server.shared(TEST_DATA) as url:
        yield url


@pytest.fixture(scope="session")
def migrated(server_url: str) -> Iterator[Database]:
    """This process's database, migrated, as the last test left it. Tests want `database`."""
    with server.new_database(server_url, TEST_DATA) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def backstage(migrated: Database) -> Iterator[psycopg.Connection]:
    """The superuser's connection, for fixtures that outlive a test. Tests want `superuser`.

    Where a test sets the portal's clock (`clock.at`), the database's stands at the same moment.
    """
    with migrated.connect(autocommit=True) as connection:

        def stand_at(moment: datetime | None) -> None:
            connection.execute("update club_clock set stands_at = %s", [moment])

        with clock.followed_by(stand_at):
            yield connection


@pytest.fixture(scope="session")
def cleaner(migrated: Database) -> Iterator[Cleaner]:
    """Empties the tables between two tests."""
    with migrated.connect(autocommit=True) as connection:
        yield Cleaner(connection)


@pytest.fixture
def database(migrated: Database, backstage: psycopg.Connection, cleaner: Cleaner) -> Database:
    """The database with every table empty. What a test commits is really committed, and gone before the next."""
    cleaner.clean()
    return migrated


@pytest.fixture
def superuser(database: Database, backstage: psycopg.Connection) -> psycopg.Connection:
    """Sees and does everything, one statement at a time. Only for setting scenes and for looking behind them."""
    return backstage


@pytest.fixture
def jobs_of_tests(database: Database, backstage: psycopg.Connection) -> Iterator[None]:
    """Anybody may hand in jobs whose names begin with `tests.`, which no club has."""
    backstage.execute(
        "create policy tests on procrastinate_jobs for insert to public with check (task_name like 'tests.%')"
    )
    yield
    backstage.execute("drop policy tests on procrastinate_jobs")


Connect = Callable[..., psycopg.Connection]
As = Callable[..., AbstractContextManager[psycopg.Connection]]


@pytest.fixture
def connect(database: Database) -> Iterator[Connect]:
    """`connect("portal_web")` opens a connection of one's own; closed after the test."""
    opened: list[psycopg.Connection] = []

    def open_as(login: str, **options: object) -> psycopg.Connection:
        opened.append(database.connect(login, **options))
        return opened[-1]

    yield open_as
    for connection in opened:
        connection.close()


@pytest.fixture(scope="session")
def idle(migrated: Database) -> Iterator[dict[str, list[psycopg.Connection]]]:
    """Connections used again and again, as a web process's pool would."""
    pool: dict[str, list[psycopg.Connection]] = {"portal_web": [], "portal_worker": []}
    yield pool
    for connection in [*pool["portal_web"], *pool["portal_worker"]]:
        connection.close()


@pytest.fixture
def as_(database: Database, idle: dict[str, list[psycopg.Connection]]) -> As:
    """One transaction with the eyes of a person: `with as_(alice) as db`, `as_(None)`, `as_(alice, "portal_admin")`.

    The identity is set as the portal sets it. Without a role it is the one the portal would choose. `as_("worker")`
    and `as_("login")` are the two logins themselves, as nobody. Committed at the end, rolled back on an error.
    """

    @contextmanager
    def act(person: Person | str | None, role: str | None = None) -> Iterator[psycopg.Connection]:
        if isinstance(person, str):
            login, role, known_as = {"worker": "portal_worker", "login": "portal_web"}[person], role or "none", ""
        else:
            usual = "portal_anonymous" if person is None else "portal_admin" if person.is_admin else "portal_member"
            login, role, known_as = "portal_web", role or usual, "" if person is None else str(person.id)
        connection = idle[login].pop() if idle[login] else database.connect(login)
        with connection.transaction():
            connection.execute(BECOME, {"role": role, "user_id": known_as})
            yield connection
        idle[login].append(connection)

    return act


# --- the cast --------------------------------------------------------------------------------------------------------


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="session")
def assembled() -> list[Snapshot]:
    """The database with the cast in it, once a test wanted that."""
    return []


@pytest.fixture
def people(
    database: Database, superuser: psycopg.Connection, cleaner: Cleaner, assembled: list[Snapshot]
) -> tuple[Person, ...]:
    """Alice, Bob, Charlie, Dora and Eve, in the database."""
    before = cleaner.used()
    if assembled and assembled[0].fits(before):
        assembled[0].write(cleaner)
    else:
        cast.assemble(superuser)
        if not before:
            assembled[:] = [Snapshot(superuser, cast.TABLES)]
    return cast.EVERYBODY


@pytest.fixture
def alice(people: tuple[Person, ...]) -> Person:
    """The primary of a family plan, with access by it."""
    return cast.ALICE


@pytest.fixture
def bob(people: tuple[Person, ...]) -> Person:
    """A member of Alice's family, with access by her plan."""
    return cast.BOB


@pytest.fixture
def charlie(people: tuple[Person, ...]) -> Person:
    """A stranger to Alice and Bob, with access of his own."""
    return cast.CHARLIE


@pytest.fixture
def dora(people: tuple[Person, ...]) -> Person:
    """The only admin."""
    return cast.DORA


@pytest.fixture
def eve(people: tuple[Person, ...]) -> Person:
    """Signed up and verified, without access."""
    return cast.EVE


@pytest.fixture
def supper(database: Database, superuser: psycopg.Connection) -> Meeting:
    """Tomorrow at nine, open to all, two places."""
    return cast.plan_meeting(superuser, "Supper", max_attendees=2)


@pytest.fixture
def quiet(database: Database, superuser: psycopg.Connection) -> Meeting:
    """Open to all, as many as come."""
    return cast.plan_meeting(superuser, "Quiet", max_attendees=None)


@pytest.fixture
def circle(database: Database, superuser: psycopg.Connection) -> Meeting:
    """Open to all who are approved."""
    return cast.plan_meeting(superuser, "Circle", requires_approval=True)


@pytest.fixture
def secret(database: Database, superuser: psycopg.Connection) -> Meeting:
    """Private, and nobody is invited yet."""
    return cast.plan_meeting(superuser, "Secret", is_private=True)
