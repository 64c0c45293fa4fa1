"""The console command `portal`: thin, each command calls a room."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask import Flask, current_app
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from portal.config import ROOT, Settings, plain_url
from portal.jobs.runs import noted
from portal.problems import Problem, Refused


@click.group()
def portal() -> None:
    """The member portal of a club that meets online every day."""


def init_app(app: Flask) -> None:
    """Make the commands reachable as `flask portal …` too."""
    app.cli.add_command(portal)


def main() -> None:
    """Run a command; what the operator has to put right is one sentence, not a traceback."""
    try:
        portal(prog_name="portal")
    except (Problem, Refused) as problem:
        said = str(problem)
    except OperationalError as error:
        said = f"The database cannot be reached: {str(error.orig).strip().splitlines()[0]}"
    print(f"portal: {said}", file=sys.stderr)
    sys.exit(1)


def _app(database_url: str | None = None) -> Flask:
    from portal import create_app

    if current_app and database_url is None:
        return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return]
    return create_app(database_url=database_url)


@portal.command()
@click.option("--var", default=str(ROOT / "var"), help="Where everything is kept.")
def run(var: str) -> None:
    """Everything on this machine, with a demo club: database, pages, streams, worker."""
    from portal.sandbox.run import run as run_everything

    run_everything(Path(var))


@portal.command()
def assets() -> None:
    """Build the files browsers load."""
    from portal.assets import build

    build(Settings.from_environment().assets)


@portal.command()
@click.argument("database")
def roles(database: str) -> None:
    """Print the SQL with which a superuser makes the portal's roles for DATABASE."""
    from portal.database.roles import script

    print(script(database))


@portal.command()
@click.argument("revision", default="head")
def migrate(revision: str) -> None:
    """Bring the tables to REVISION (the newest), as portal_owner; two at once do it once."""
    from portal.operations.migrate import migrate as bring

    bring(Settings.from_environment(), revision)


@portal.command()
def plant() -> None:
    """Plant the demo club in an empty sandbox; a club that is there is left alone."""
    settings = Settings.from_environment()
    if settings.sandbox:
        from portal.sandbox.club import plant as plant_club

        plant_club(_app())


@portal.command()
def stripe() -> None:
    """Serve the sandbox's Stripe: its API, its pages to pay on, its knocks at our door."""
    from portal.sandbox.run import serve_stripe

    serve_stripe(Settings.from_environment())


@portal.command("plans")
@click.argument("what", type=click.Choice(["sync"]))
def plans(what: str) -> None:  # noqa: ARG001 - the one verb there is
    """Create or match the plans' products and prices at Stripe (`portal plans sync`)."""
    from portal.billing.provider import sync_plans

    with _app().app_context():
        sync_plans()
    print("The plans and their prices stand at Stripe.")


@portal.command()
def work() -> None:
    """Do the jobs and keep the schedule, until told to stop."""
    from portal.operations.work import work as work_on

    settings = Settings.from_environment()
    work_on(_app(settings.worker_url), plain_url(settings.worker_url))


@portal.command()
@click.option("--at-rest", is_flag=True, help="While nothing runs: leave out what needs a worker.")
def check(at_rest: bool) -> None:
    """Count what breaks each promise of the data; exit status 1 if anything does."""
    from portal.operations.check import findings, notes

    with _at_work() as (db, _settings):
        broken = 0
        for note in notes(db):
            print(f"note  {note}")
        for finding in findings(db, at_rest=at_rest):
            broken += bool(finding.broken)
            print(f"{'ok  ' if not finding.broken else f'{finding.broken:>4}'}  {finding.promise}.")
    sys.exit(1 if broken else 0)


@portal.command()
def backup() -> None:
    """Dump the database into the folder BACKUPS names, and let go of what its time is over for."""
    from portal.operations.backup import back_up

    with _at_work() as (db, settings), noted(db, "backup") as run:
        run.said = f"{back_up(db, settings).in_words}."
    print(f"Backed up to {run.said}")


@portal.command()
@click.argument("file", type=click.Path(path_type=Path))
def restore(file: Path) -> None:
    """Fill an empty database from FILE, one of `portal backup`'s."""
    from portal.operations.restore import restore as bring_back

    print(bring_back(Settings.from_environment(), file))


@portal.command()
def prove() -> None:
    """Restore the newest backup into a database of its own, count it, check it and sign in to it."""
    from portal.operations.proof import prove as prove_newest

    with _at_work() as (db, settings), noted(db, "proof") as run:
        run.said = prove_newest(db, settings)
    print(run.said)


@portal.command()
def upgrade() -> None:
    """Bring a club that runs to this code's tables: backup, trial on a copy, migration, check."""
    from portal.operations.upgrade import upgrade as bring_up

    with _at_work() as (db, settings):
        bring_up(db, settings, click.echo)


@portal.command()
def reset() -> None:
    """Delete everybody and everything and begin anew with the demo club; in the sandbox only."""
    from portal.operations.upgrade import reset as begin_anew
    from portal.sandbox.club import plant as plant_club

    begin_anew(Settings.from_environment())
    plant_club(_app())


@contextmanager
def _at_work() -> Iterator[tuple[Session, Settings]]:
    """A session of the worker's login, committed at the end."""
    from portal.database import db
    from portal.database.identity import WORKER, act_as

    settings = Settings.from_environment()
    with _app(settings.worker_url).app_context():
        act_as(db.session(), WORKER)
        yield db.session(), settings
        db.session.commit()


@portal.command("make-admin")
@click.argument("email")
def make_admin(email: str) -> None:
    """Make the confirmed account of EMAIL an admin (the first one, or one more)."""
    from portal.operations.standing import make_admin as make

    with _at_work() as (db, _settings):
        make(db, email)
    print(f"{email} is an admin.")


@portal.command("reset-second-factor")
@click.argument("email")
def reset_second_factor(email: str) -> None:
    """Take away the second factor of EMAIL, who lost app and recovery codes and is known to you by other means."""
    from portal.operations.standing import reset_second_factor as take_away

    with _at_work() as (db, _settings):
        take_away(db, email)
    print(f"{email} signs in with the password alone now, and was told by mail.")


@portal.command()
@click.option("--users", default=10_000, show_default=True)
@click.option("--meetings", default=1_000, show_default=True)
@click.option("--attendances", default=100_000, show_default=True)
def seed(users: int, meetings: int, attendances: int) -> None:
    """Fill a database of its own for load work, by set-based statements."""
    from portal.operations.seed import seed as fill

    fill(Settings.from_environment(), users, meetings, attendances, click.echo)
