"""The console command `portal`: thin, each command calls a room."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import psycopg
from flask import Flask, current_app
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from portal.config import LOGINS, PAGES, SANDBOX_KEY, VAR, VERSION, WORK, Settings, declared, table
from portal.jobs.runs import noted
from portal.problems import Problem, Refused
from portal.sentences import ngettext
from portal.setting_values import plain_url

OWNER = ("OWNER_DATABASE_URL",)
PAGE_OF_SETTINGS = """# Settings

Every process reads its settings from the environment, once, at start; what is missing or wrong is told then, all of it
at once. [installation.md](installation.md) says which process wants which. `portal settings` makes this page.

{table}"""


@click.group()
@click.version_option(VERSION, message="Goalete Portal %(version)s")
def portal() -> None:
    """The member portal of a club that meets online every day."""


def init_app(app: Flask) -> None:
    """Make the commands reachable as `flask portal …` too."""
    app.cli.add_command(portal)


def main() -> None:
    """Run a command; what the operator has to put right is a sentence, or one for each wrong setting, not a traceback."""
    try:
        portal(prog_name="portal")
    except (Problem, Refused) as problem:
        failure = str(problem)
    except OperationalError as error:
        failure = f"The database cannot be reached: {_first_line(error.orig)}"
    except DBAPIError as error:
        failure = f"The database says no: {_first_line(error.orig)}"
    except psycopg.Error as error:
        failure = f"The database says no: {_first_line(error)}"
    except OSError as error:
        failure = f"{error.filename or 'This machine'}: {error.strerror or error}."
    for line in failure.splitlines():
        print(f"portal: {line}", file=sys.stderr)
    sys.exit(1)


def _first_line(error: BaseException | None) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _app(settings: Settings | None = None, database_url: str | None = None, threads: int | None = None) -> Flask:
    from portal import create_app

    if current_app and database_url is None:
        return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return]
    return create_app(settings, database_url=database_url, threads=threads)


@portal.command()
@click.option("--var", default=str(VAR), help="Where everything is kept.")
def run(var: str) -> None:
    """Everything on this machine, with a demo club: database, pages, streams, worker."""
    from portal.sandbox.run import run as run_everything

    run_everything(Path(var))


@portal.command()
def assets() -> None:
    """Build the files browsers load."""
    from portal.assets import build

    build(Settings.from_environment(needs=()).assets)


@portal.command()
@click.option("--folder", default="/etc/goalete", show_default=True, help="Where the files of settings are.")
@click.option("--database", default="127.0.0.1:5432/goalete", show_default=True, help="Host, port and name.")
@click.option("--superuser", help="Address of a PostgreSQL superuser, if this is not root beside Debian's PostgreSQL.")
@click.option("--group", default="goalete", show_default=True, help="Who may read the files, besides root.")
@click.option("--admin", help="Address of the first admin.")
@click.option("--empty", is_flag=True, help="Make no tables and no admin: `portal restore` fills the database.")
def setup(folder: str, database: str, superuser: str | None, group: str, admin: str | None, empty: bool) -> None:
    """Make this server ready: settings, database, roles, tables, first admin. What is there already stays as it is."""
    from portal.assets import build
    from portal.database.identity import WORKER
    from portal.database.transactions import transaction
    from portal.operations import setup as steps
    from portal.operations.accounts import first_admin
    from portal.operations.migrate import migrate as bring

    place = Path(folder)
    for name in steps.write_settings(place, database, group, _ask):
        print(f"Wrote {place / name}.")
    settings = Settings.from_environment({**os.environ, **steps.read(place)}, needs=(*LOGINS, "SECRET_KEY"))
    if steps.make_database(settings, superuser):
        print("The database has its roles, and each login its own password.")
    build(settings.assets)
    steps.share_assets(settings.assets, group)
    print(f"The files for browsers are in {settings.assets}.")
    if empty:
        print("The database has no tables, as `portal restore` wants it.")
        return
    bring(settings, "head")
    print("The tables are those of this version.")
    if admin:
        with transaction(_app(settings, settings.worker_url), WORKER) as db:
            path = first_admin(db, admin)
        if path:
            print(
                f"{admin} is the first admin and chooses a password at {settings.public_url}{path} within 30 minutes."
            )
    for sentence in steps.left(place):
        print(sentence)


def _ask(name: str, meaning: str, example: str) -> str:
    """A setting's value: from the environment, or typed by the operator."""
    read = next(each.read for each in declared().values() if each.name == name)
    if name in os.environ:
        read(os.environ[name])
        return os.environ[name]

    def usable(value: str) -> str:
        try:
            read(value)
        except ValueError as refused:
            raise click.UsageError(f"It {refused}.") from refused
        return value

    print(f"{name}: {meaning}")
    return str(click.prompt(name, default=example, value_proc=usable))


@portal.command("settings")
def settings_table() -> None:
    """Print every setting with its meaning, as `docs/settings.md` has them."""
    print(PAGE_OF_SETTINGS.format(table=table()))


@portal.command("addresses")
def addresses() -> None:
    """Print every address of the portal where cards are taken, as `docs/api.md` has them."""
    from portal.operations.addresses import document

    settings = replace(Settings.from_environment(needs=()), stripe_key=SANDBOX_KEY)
    print(document(_app(settings, "postgresql+psycopg://")), end="")


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

    bring(Settings.from_environment(needs=OWNER), revision)


@portal.command()
def plant() -> None:
    """Plant the demo club in an empty sandbox; a club that is there is left alone."""
    settings = Settings.from_environment(needs=OWNER)
    if settings.sandbox:
        from portal.sandbox.club import plant as plant_club

        plant_club(_app())


@portal.command()
def stripe() -> None:
    """Serve the sandbox's Stripe: its API, its pages to pay on, its knocks at our door."""
    from portal.sandbox.run import serve_stripe

    serve_stripe(Settings.from_environment())


@portal.command()
def zoom() -> None:
    """Serve the sandbox's Zoom: its API, its rooms, its events to our door."""
    from portal.sandbox.run import serve_zoom

    serve_zoom(Settings.from_environment())


@portal.command()
def meet() -> None:
    """Serve the sandbox's Google: Calendar, Meet, and the rooms in which the demo sits."""
    from portal.sandbox.run import serve_meet

    serve_meet(Settings.from_environment(needs=("GOOGLE_URL", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_ORGANIZER")))


@portal.command("plans")
@click.argument("what", type=click.Choice(["sync"]))
def plans(what: str) -> None:  # noqa: ARG001 - the one verb there is
    """Create or match the plans' products and prices at Stripe (`portal plans sync`)."""
    from portal.billing.provider import ProviderDown, sync_plans
    from portal.operations.stripe import what_stripe_said

    settings = Settings.from_environment(needs=["STRIPE_SECRET_KEY"])
    with _app(settings, settings.database_url or "postgresql+psycopg://").app_context():
        current_app.logger.disabled = True  # what the provider said is told here, in a sentence
        try:
            sync_plans()
        except ProviderDown as down:
            raise Problem(what_stripe_said(down.__cause__, settings)) from down
        finally:
            current_app.logger.disabled = False
    print("The plans and their prices stand at Stripe.")


@portal.command("rooms")
@click.argument("what", type=click.Choice(["check"]))
def rooms(what: str) -> None:  # noqa: ARG001 - the one verb there is
    """Try the credentials of Zoom and Google, and say what is missing; exit status 1 if anything is (`portal rooms check`)."""
    from portal.rooms.platforms import check as check_platforms
    from portal.rooms.platforms import in_words

    results = check_platforms(Settings.from_environment(needs=()))
    for line in in_words(results):
        print(line)
    sys.exit(1 if any(missing for _name, missing in results) else 0)


@portal.command("mail")
@click.argument("what", type=click.Choice(["test"]))
@click.argument("address")
def mail(what: str, address: str) -> None:  # noqa: ARG001 - the one verb there is
    """Send ADDRESS a mail past the outbox, and say what the mail server answered (`portal mail test ADDRESS`)."""
    from portal.operations.mail import send_test

    settings = Settings.from_environment(needs=["MAIL_URL"])
    with _app(settings, settings.database_url or "postgresql+psycopg://").app_context():
        print(send_test(settings, address))


@portal.command()
def work() -> None:
    """Do the jobs and keep the schedule, until told to stop."""
    from portal.operations.work import AT_ONCE
    from portal.operations.work import work as work_on

    settings = Settings.from_environment(needs=WORK)
    work_on(_app(settings, settings.worker_url, threads=AT_ONCE), plain_url(settings.queue_url or settings.worker_url))


@portal.command()
@click.option("--at-rest", is_flag=True, help="While nothing runs: leave out what needs a worker.")
def check(at_rest: bool) -> None:
    """Count what breaks each promise of the data; exit status 1 if anything does."""
    from portal.operations.check import findings, notes

    with _at_work() as (db, settings):
        broken = 0
        for note in notes(db, takes_cards=settings.takes_cards):
            print(f"note  {note}")
        for finding in findings(db, at_rest=at_rest):
            broken += bool(finding.broken)
            print(f"{'ok  ' if not finding.broken else f'{finding.broken:>4}'}  {finding.promise}.")
    sys.exit(1 if broken else 0)


@portal.command()
@click.option("--mail", "mail_to", metavar="ADDRESS", help="Send a mail there.")
def doctor(mail_to: str | None) -> None:
    """Try every part of the club from outside in; exit status 1 if any is not well. Wants the settings of all processes."""
    from portal.operations.doctor import examine

    settings = Settings.from_environment(needs={*PAGES, *WORK})
    ill = 0
    with _app(settings, settings.database_url).app_context():
        current_app.logger.disabled = True  # what a provider said is told here, in a sentence
        for found in examine(settings, mail_to):
            mark = {True: "ok", False: "ILL", None: "note"}[found.well]
            ill += found.well is False
            print(f"{mark:<5} {found.part}: {found.words}{f'  -> {found.remedy}' if found.remedy else ''}")
    sys.exit(1 if ill else 0)


@portal.command()
@click.option(
    "--until", metavar="TIME", help='When it should be over: "21:30" or "2026-12-01 02:00", in the club\'s zone.'
)
@click.option("--off", is_flag=True, help="It is over.")
def maintenance(until: str | None, off: bool) -> None:
    """Close the pages of this host until TIME, or open them; without either, say how it stands. Asks no database."""
    from portal.operations import maintenance as work_on

    settings = Settings.from_environment(needs=("MAINTENANCE_FILE",))
    file = settings.maintenance_file
    assert file is not None, "it is needed"  # noqa: S101
    if off:
        work_on.end(file)
    elif until:
        work_on.begin(file, work_on.parsed(until, settings.club_timezone))
    state = work_on.read(file)
    print(work_on.in_words(state, settings.club_timezone) if state else "The pages are open.")


@portal.command()
def backup() -> None:
    """Dump the database into the folder BACKUPS names, and let go of what its time is over for."""
    from portal.operations.backup import back_up

    with _at_work("BACKUP_DATABASE_URL", any_version=True) as (db, settings), noted(db, "backup") as run:
        run.outcome = f"{back_up(db, settings).in_words}."
    print(f"Backed up to {run.outcome}")


@portal.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--identity", type=click.Path(path_type=Path), help="The file with age's private key, for a FILE.age.")
def restore(file: Path, identity: Path | None) -> None:
    """Fill an empty database from FILE, one of `portal backup`'s."""
    from portal.operations.restore import restore as bring_back

    print(bring_back(Settings.from_environment(needs=("OWNER_DATABASE_URL", "DATABASE_URL")), file, identity))


@portal.command()
def prove() -> None:
    """Restore the newest backup into a database of its own, count it, check it and sign in to it."""
    from portal.operations.proof import prove as prove_newest

    with _at_work(*LOGINS) as (db, settings), noted(db, "proof") as run:
        run.outcome = prove_newest(db, settings)
    print(run.outcome)


@portal.command()
@click.option("--days", default=30, show_default=True, help="How far to go.")
@click.option("--backup", "file", metavar="FILE", help="The name of the backup to begin with, if not the newest.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the report there too."
)
def rehearse(days: int, file: str | None, json_file: Path | None) -> None:
    """Run the newest backup a month ahead in a copy from which nothing can leave, and report what would happen.

    Exit status 1 if something tried to reach outside.
    """
    from portal.operations.backup import folder_of
    from portal.rehearsal import report
    from portal.rehearsal.rehearse import rehearse as run_ahead

    with _at_work(*LOGINS, any_version=True) as (db, settings), noted(db, "rehearsal") as run:
        found = run_ahead(db, settings, days, file, click.echo)
        run.outcome, run.details = report.outcome(found), report.in_short(found)
        run.well = not found["refused"]
    for line in report.summary(found):
        print(line)
    print(f"Every line of it: {report.text_file(folder_of(settings), found)}")
    if json_file:
        json_file.write_text(json.dumps(found, indent=1, ensure_ascii=False))
    sys.exit(1 if found["refused"] else 0)


@portal.command()
def analyse() -> None:
    """Bring the planner's statistics up to date of tables that autovacuum has not got to."""
    from portal.operations.jobs import analysed

    with _at_work("OWNER_DATABASE_URL") as (db, settings), noted(db, "statistics") as run:
        run.outcome = analysed(settings)
    print(run.outcome)


@portal.command()
def upgrade() -> None:
    """Bring a club that runs to this code's tables: backup, trial on a copy, migration, check."""
    from portal.operations.upgrade import upgrade as bring_up

    with _at_work(*LOGINS, any_version=True) as (db, settings):
        bring_up(db, settings, click.echo)


@portal.command()
def reset() -> None:
    """Delete everybody and everything and begin anew with the demo club; in the sandbox only."""
    from portal.operations.upgrade import reset as begin_anew
    from portal.sandbox.club import plant as plant_club

    begin_anew(Settings.from_environment(needs=OWNER))
    plant_club(_app())


@contextmanager
def _at_work(*more: str, any_version: bool = False) -> Iterator[tuple[Session, Settings]]:
    """A session of the worker's login, committed at the end; `more` are other logins the command needs."""
    from portal.database.identity import WORKER
    from portal.database.transactions import transaction
    from portal.operations.start import refuse_unsafe

    settings = Settings.from_environment(needs=("WORKER_DATABASE_URL", "SECRET_KEY", *more))
    app = _app(settings, settings.worker_url)
    refuse_unsafe(app, "portal_worker", any_version=any_version)
    if any_version:
        del app.extensions["club"]  # older tables have none
    with transaction(app, WORKER) as session:
        yield session, settings


@portal.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def export_club(file: Path) -> None:
    """Write everything the club has into FILE.zip, as CSV and JSON; no password, token or key is in it."""
    from portal.moving.export import export

    settings = Settings.from_environment(needs=("WORKER_DATABASE_URL",))
    export(plain_url(settings.worker_url), file, click.echo)
    print(f"Everything is in {file}.")


@portal.command("import", context_settings={"show_default": True})
@click.argument("where", metavar="SOURCE")
@click.option(
    "--as",
    "source",
    required=True,
    type=click.Choice(["original", "ghost", "memberful", "pmpro", "csv", "archive"]),
    help="What SOURCE is: an address of the original system's database, a file, an archive of portal export.",
)
@click.option("--name", help="What the source is called here, if there are several files of a kind; else its kind.")
@click.option("--map", "columns", multiple=True, metavar="FIELD=COLUMN", help="Which column of a CSV is what.")
@click.option(
    "--price",
    "prices",
    multiple=True,
    metavar="THEIRS=PLAN/CYCLE",
    help="Which plan a price or plan there is here, as Gold=individual/monthly.",
)
@click.option("--dates", multiple=True, metavar="PATTERN", help="How dates are written, as %d.%m.%Y.")
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), help="How long people have who are free there without an end."
)
@click.option("--dry-run", is_flag=True, help="Say what would be taken, and change nothing.")
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), help="A CSV of every row not taken, and why."
)
@click.option("--invite", is_flag=True, help="Then invite everybody who was taken to choose a password, by mail, once.")
def import_club(
    where: str,
    source: str,
    name: str | None,
    columns: tuple[str, ...],
    prices: tuple[str, ...],
    dates: tuple[str, ...],
    until: datetime | None,
    dry_run: bool,
    report: Path | None,
    invite: bool,
) -> None:
    """Move a club in from another system. May be repeated, and goes on where it was cut short; see docs/moving.md."""
    from portal.moving import archive, invitations, reading, running

    if source == "archive":
        archive.bring(Settings.from_environment(needs=OWNER), Path(where), click.echo)
        print("The club is here. Everybody chooses a password anew, under “Forgot your password?”.")
        return
    try:
        plans = reading.prices(prices)
    except ValueError as wrong:
        raise Problem(f"--price {wrong} is not like Gold=individual/monthly.") from wrong
    pairs = [pair.partition("=") for pair in columns]
    with _at_work("ADDRESS_KEY", "PUBLIC_URL") as (db, settings):
        wish = running.wish_of(
            settings,
            prices=plans,
            columns={field: column for field, _, column in pairs},
            dates=dates,
            until=until and until.replace(tzinfo=ZoneInfo(settings.club_timezone)),
        )
        kept_as = name or source
        running.run(db, source, kept_as, where, wish, dry_run=dry_run, report_file=report, say=click.echo)
        if invite and not dry_run:
            invited = invitations.invite(db, kept_as)
            print(
                ngettext(
                    "%(num)s person was invited to choose a password.",
                    "%(num)s people were invited to choose a password.",
                    invited,
                )
            )


@portal.command("make-admin")
@click.argument("email")
def make_admin(email: str) -> None:
    """Make the confirmed account of EMAIL an admin (the first one, or one more)."""
    from portal.operations.accounts import make_admin as make

    with _at_work() as (db, _settings):
        make(db, email)
    print(f"{email} is an admin.")


@portal.command("reset-second-factor")
@click.argument("email")
def reset_second_factor(email: str) -> None:
    """Take away the second factor of EMAIL, who lost app and recovery codes and is known to you by other means."""
    from portal.operations.accounts import reset_second_factor as take_away

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

    fill(
        Settings.from_environment(needs=("OWNER_DATABASE_URL", "WORKER_DATABASE_URL")),
        users,
        meetings,
        attendances,
        click.echo,
    )
