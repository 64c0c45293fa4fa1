"""Who may do what to whose rows: the table of decisions, and every cell of it tried.

Each row below is a table, tried on one row that is Alice's. Each column is somebody who asks:

    nobody    a visitor (portal_anonymous)              family    Bob, in Alice's family plan
    login     the web login before it becomes anybody   stranger  Charlie, another member
    own       Alice                                     admin     Dora (who is a person too: of her own rows,
                                                                  she may change what any member may)
    worker    the jobs' own login

Each cell has four places, Select Insert Update Delete (for a view or a meeting seen as such, the same):

    S I U D   allowed: it reaches the row
    o         the right is there, but the policies show no such row (zero rows, or "violates row-level security")
    -         refused outright: permission denied

Where U or S does not mean every column, CHANGEABLE and HIDDEN below say which.
"""

import psycopg
import pytest
from psycopg import errors, sql

from tests.conftest import BECOME
from tests.support import world
from tests.support.cast import ALICE, BOB, CHARLIE, DORA
from tests.support.clean import Cleaner
from tests.support.server import Database

DECISIONS = """
                               nobody  login   own     family  stranger  admin   worker
access_grants                  ----    ----    S---    o---    o---      S---    SIUD
adoptions                      ----    ----    ----    ----    ----      ----    SIUD
alembic_version                ----    S---    ----    ----    ----      ----    S---
announcements                  ----    ----    S---    o---    o---      S---    SIUD
backups                        ----    ----    ----    ----    ----      S---    SIUD
calendar_changes               ----    ----    ----    ----    ----      ----    SIUD
calendar_entries               ----    ----    ----    ----    ----      ----    SIUD
calendar_feeds                 ----    ----    SI-D    oo-o    oo-o      oo-o    SIUD
checkouts                      ----    ----    S-U-    o-o-    o-o-      S-o-    SIUD
club                           S---    S---    S---    S---    S---      S-U-    S---
club_clock                     S---    S---    S---    S---    S---      S---    S---
club_domains                   ----    ----    ----    ----    ----      ----    SIUD
club_pictures                  S---    ----    S---    S---    S---      SI-D    S---
credentials                    ----    ----    ----    ----    ----      ----    ----
database_objects               ----    ----    ----    ----    ----      ----    ----
drifts                         ----    ----    ----    ----    ----      S---    SIUD
family_memberships             ----    ----    S---    o---    o---      S---    SIUD
family_plans                   ----    ----    S-U-    S-o-    o-o-      S-o-    SIUD
former_addresses               ----    ----    S---    o---    o---      o---    S--D
free_days                      ----    ----    ----    ----    ----      ----    SIUD
inbox_messages                 ----    ----    S---    o---    o---      S---    SIUD
imported                       ----    ----    ----    ----    ----      ----    SIUD
known_accounts                 ----    ----    ----    ----    ----      ----    SIUD
mail_preferences               ----    ----    SIU-    ooo-    ooo-      ooo-    SIUD
mails                          -I--    ----    -I--    -I--    -I--      SI--    SIUD
last_runs                      ----    ----    ----    ----    ----      S---    SIUD
meeting_attendances            ----    ----    S---    o---    o---      S---    SIUD
meeting_notes                  ----    ----    S---    o---    o---      S---    SIUD
meeting_series                 ----    ----    S---    S---    S---      SIU-    SIUD
meetings/open                  ----    ----    S---    S---    S---      SIU-    SIUD
meetings/secret                ----    ----    S---    o---    o---      SIU-    SIUD
move_parts                     ----    ----    ----    ----    ----      oo--    SIUD
moves                          ----    ----    ----    ----    ----      oooo    SIUD
obsolete_rooms                 ----    ----    ----    ----    ----      ----    SIUD
one_time_tokens                ----    ----    ----    ----    ----      ----    S--D
order_number_key               ----    ----    ----    ----    ----      ----    ----
orders                         ----    ----    S---    o---    o---      S---    SIUD
participants                   ----    ----    ----    ----    ----      S---    SIUD
payers                         ----    ----    S-U-    o-o-    o-o-      S-U-    SIUD
pool_timings                   ----    ----    ----    ----    ----      S---    SIUD
presences                      ----    ----    S---    o---    o---      S---    SIUD
procrastinate_events           -I--    ----    -I--    -I--    -I--      -I--    SIUD
procrastinate_jobs             SI--    ----    SI--    SI--    SI--      SI--    SIUD
procrastinate_periodic_defers  ----    ----    ----    ----    ----      ----    SIUD
procrastinate_workers          ----    ----    ----    ----    ----      ----    SIUD
provider_events                ----    ----    ----    ----    ----      S---    SIUD
raised_alarms                  ----    ----    ----    ----    ----      ----    SIUD
rate_limits                    ----    ----    ----    ----    ----      ----    S--D
recordings                     ----    ----    S---    o---    o---      S---    SIUD
recovery_codes                 ----    ----    ----    ----    ----      ----    ----
request_timings                ----    ----    ----    ----    ----      S---    SIUD
room_events                    ----    ----    ----    ----    ----      ----    SIUD
room_registrants               ----    ----    ----    ----    ----      ----    SIUD
rooms                          ----    ----    o---    o---    o---      S---    SIUD
rules_followed                 ----    ----    ----    ----    ----      ----    SIUD
runs                           ----    ----    ----    ----    ----      S---    SIUD
sandbox_mails                  S---    ----    S---    S---    S---      S---    SIUD
second_factor_endings          ----    ----    ----    ----    ----      ----    S---
second_factors                 ----    ----    ----    ----    ----      ----    ----
series_links                   ----    ----    ----    ----    ----      ----    SIUD
sign_ins                       ----    ----    S-U-    o-o-    o-o-      o-o-    S-UD
standing_answers               ----    ----    SIUD    oooo    oooo      oooo    SIUD
statement_timings              ----    ----    ----    ----    ----      S---    SIUD
subscriptions                  ----    ----    S---    o---    o---      S---    SIUD
system_logs                    -o--    ----    -I--    -o--    -o--      So--    SIUD
table_sizes                    ----    ----    ----    ----    ----      S---    SIUD
unreachable_addresses          ----    ----    ----    ----    ----      S--D    SIUD
users                          ----    ----    S-U-    o-o-    o-o-      S-o-    SIUD
"""

# The columns somebody may change, where somebody may change anything; the worker's are all of the table.
CHANGEABLE = {
    ("moves", "browser"): "changed_at step state bytes done total options report failure",
    ("club", "browser"): "changed_at club_name help_email club_address club_domains club_timezone default_meeting_time"
    " doors_minutes welcome_days grace_days tax_words front_title front_text front_picture front_picture_alt privacy_text"
    " terms_text accent_light accent_dark",
    ("standing_answers", "browser"): "response starts_at ends_at created_at followed_at ended_at keeps_answers",
    ("checkouts", "browser"): "customer_id session_id url expires_at",
    ("payers", "browser"): "asked_at asked_for",
    ("users", "browser"): "first_name last_name timezone preferred_meeting_time shares_attendance"
    " family_may_answer renewal_mail",
    ("family_plans", "browser"): "plan_name",
    ("sign_ins", "browser"): "ended_at",
    ("sign_ins", "worker"): "network",
    ("system_logs", "worker"): "ip_address",
    ("meetings", "browser"): "title description scheduled_date start_time duration timezone starts_at platform"
    " max_attendees is_private status host_id host_name requires_approval revision cancellation_reason changed_alone",
    ("meeting_series", "browser"): "title description host_id repeats weekdays month_day month_week start_time timezone"
    " duration platform max_attendees requires_approval is_private only_if_free starts_on ends_on skipped revision",
}

# The columns nobody reads who may read the others.
HIDDEN = {
    ("meetings", "browser"): "meeting_link meeting_id seats_kept everybody_invited_at",
    (
        "rooms",
        "browser",
    ): "title starts_at duration host_address host_address_until polled_at report_attempts reported_at"
    " recording_attempts reminded_at has_registrants",
    ("announcements", "browser"): "reached_user_id",
    ("mails", "browser"): "occasion text html calendar due_at has_turn",
    ("meeting_notes", "browser"): "written_by written_at told_at",
    ("recordings", "browser"): "recording_id",
    ("inbox_messages", "browser"): "mailbox uidvalidity uid token calendar may_answer sequence stamped_at",
    ("family_memberships", "browser"): "token_hash",
    ("family_memberships", "worker"): "token_hash",
    ("sign_ins", "browser"): "key_hash",
    ("calendar_feeds", "browser"): "token_hash",
    ("sign_ins", "worker"): "key_hash device created_at proved_at",
    ("one_time_tokens", "worker"): "purpose token_hash code_hash wrong_codes payload created_at",
    ("rate_limits", "worker"): "hits",
    ("procrastinate_jobs", "browser"): "queue_name task_name priority lock args status scheduled_at attempts"
    " abort_requested worker_id",
}

ACTORS = {
    "nobody": ("portal_web", "portal_anonymous", None),
    "login": ("portal_web", "none", None),
    "own": ("portal_web", "portal_member", ALICE.id),
    "family": ("portal_web", "portal_member", BOB.id),
    "stranger": ("portal_web", "portal_member", CHARLIE.id),
    "admin": ("portal_web", "portal_admin", DORA.id),
    "worker": ("portal_worker", "none", None),
}


def decisions() -> dict[tuple[str, str], str]:
    header, *lines = DECISIONS.strip("\n").splitlines()
    return {
        (line.split()[0], actor): cell
        for line in lines
        for actor, cell in zip(header.split(), line.split()[1:], strict=True)
    }


CELLS = [
    pytest.param(subject, actor, verb, cell[place], id=f"{actor}-{verb}-{subject}")
    for (subject, actor), cell in decisions().items()
    for place, verb in enumerate(("select", "insert", "update", "delete"))
]


@pytest.fixture(scope="module")
def scene(migrated: Database, backstage: psycopg.Connection, cleaner: Cleaner) -> dict[str, object]:
    """One row of everything, Alice's. The tries below undo what they do, so it is made once."""
    cleaner.clean()
    return world.create(backstage)


class Attempt:
    """One actor before one row of one table; every try is really made, and undone."""

    def __init__(self, db: psycopg.Connection, subject: str, actor: str, scene: dict[str, object]) -> None:
        self.db, self.actor = db, actor
        self.table, _, which = subject.partition("/")
        self.row = scene[which or self.table]
        self.key = world.key_of(self.table)

    def outcome(self, verb: str) -> str:
        """'allowed', 'o' or '-', as in the table of decisions."""
        with world.tried(self.db):
            _, role, user_id = ACTORS[self.actor]
            self.db.execute(BECOME, {"role": role, "user_id": str(user_id or "")})
            try:
                return "allowed" if getattr(self, verb)() else "o"
            except errors.InsufficientPrivilege as refusal:
                return "o" if "row-level security" in str(refusal) else "-"
            except (
                errors.ForeignKeyViolation,
                errors.RestrictViolation,
                errors.CheckViolation,
                errors.UniqueViolation,
            ):
                return "allowed"  # past grants and policies, stopped by a truth that binds everybody

    def execute(self, statement: str, *names: str, values: tuple[object, ...] = ()) -> int:
        parts = [sql.Identifier(name) for name in names]
        with self.db.transaction():  # a refusal spoils only this try
            return self.db.execute(sql.SQL(statement).format(*parts), values).rowcount  # type: ignore[arg-type]

    def select(self) -> int:
        return self.execute("select {1} from {0} where {1} = %s", self.table, self.key, values=(self.row,))

    def insert(self) -> int:
        row = world.rows(0)[self.table]
        if self.table == "procrastinate_events":
            row["job_id"] = 9_000_001
        world.insert(self.db, self.table, row)
        return 1

    def update(self) -> int:
        columns = self.changeable() or ["last_heartbeat" if self.table == "procrastinate_workers" else self.key]
        return max(self.write(column) for column in columns)

    def delete(self) -> int:
        return self.execute("delete from {} where {} = %s", self.table, self.key, values=(self.row,))

    def write(self, column: str) -> int:
        return self.execute("update {0} set {2} = {2} where {1} = %s", self.table, self.key, column, values=(self.row,))

    def changeable(self) -> list[str]:
        return CHANGEABLE.get((self.table, kind_of(self.actor)), "").split()


@pytest.mark.parametrize(("subject", "actor", "verb", "decided"), CELLS)
def test_the_database_decides_as_the_table_says(subject, actor, verb, decided, scene, logins):
    attempt = Attempt(logins[ACTORS[actor][0]], subject, actor, scene)
    expected = decided if decided in "o-" else "allowed"
    assert attempt.outcome(verb) == expected


@pytest.mark.parametrize("table", sorted(world.rows(0)))
def test_what_is_refused_to_others_is_possible_at_all(table, scene, backstage):
    """The control: with no policy in the way every row tried above can be inserted, so a refusal is a refusal."""
    with world.tried(backstage):
        row = world.rows(0)[table]
        if table == "procrastinate_events":
            row["job_id"] = 9_000_001
        if table in ("credentials", "mail_preferences", "second_factor_endings", "second_factors"):
            row["user_id"] = BOB.id
        if table in ("order_number_key", "club", "club_clock"):  # of these there is one
            backstage.execute(f"delete from {table}")
        world.insert(backstage, table, row)


@pytest.mark.parametrize(("subject", "actor"), [cell for cell, may in decisions().items() if may[2] in "Uo"])
def test_only_the_named_columns_can_be_changed(subject, actor, scene, backstage, logins):
    attempt = Attempt(logins[ACTORS[actor][0]], subject, actor, scene)
    allowed = {column for column in columns(backstage, attempt.table) if granted(backstage, attempt, column, "UPDATE")}
    assert allowed == set(attempt.changeable() or columns(backstage, attempt.table))


@pytest.mark.parametrize(("subject", "actor"), [cell for cell, may in decisions().items() if may[0] in "So"])
def test_no_hidden_column_can_be_read(subject, actor, scene, backstage, logins):
    attempt = Attempt(logins[ACTORS[actor][0]], subject, actor, scene)
    hidden = HIDDEN.get((attempt.table, kind_of(actor)), "").split()
    allowed = {column for column in columns(backstage, attempt.table) if granted(backstage, attempt, column, "SELECT")}
    assert allowed == set(columns(backstage, attempt.table)) - set(hidden)


@pytest.mark.parametrize(
    ("subject", "actor", "verb"),
    [(*cell, "SELECT") for cell, may in decisions().items() if may[0] == "-"]
    + [(*cell, "UPDATE") for cell, may in decisions().items() if may[2] == "-"],
)
def test_who_has_no_right_has_it_on_no_column(subject, actor, verb, scene, backstage, logins):
    """A blind `update … set` without a where needs no right to read; so the catalogue is asked as well."""
    attempt = Attempt(logins[ACTORS[actor][0]], subject, actor, scene)
    assert not [column for column in columns(backstage, attempt.table) if granted(backstage, attempt, column, verb)]


def kind_of(actor: str) -> str:
    return "worker" if actor == "worker" else "browser"


def columns(backstage: psycopg.Connection, table: str) -> list[str]:
    found = backstage.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped", [table]
    )
    return [name for (name,) in found]


def granted(backstage: psycopg.Connection, attempt: Attempt, column: str, right: str) -> bool:
    login, role, _ = ACTORS[attempt.actor]
    asks = [login if role == "none" else role, attempt.table, column, right]
    return backstage.execute("select has_column_privilege(%s, %s, %s, %s)", asks).fetchone() == (True,)


# --- promises about the whole schema ---------------------------------------------------------------------------------


def test_every_table_has_a_row_in_the_table_of_decisions(backstage):
    tables = backstage.execute(
        "select relname from pg_class where relkind in ('r', 'p', 'm', 'f') and relnamespace in"
        " ('public'::regnamespace, 'auth'::regnamespace)"
    )
    assert {name for (name,) in tables} == {subject.partition("/")[0] for subject, _ in decisions()}


def test_every_table_forces_its_policies_on_its_owner_too(backstage):
    unforced = backstage.execute(
        "select relname from pg_class where relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity)"
        " and relnamespace in ('public'::regnamespace, 'auth'::regnamespace)"
    )
    assert unforced.fetchall() == []


def test_every_view_obeys_the_policies_of_its_reader(backstage):
    views = backstage.execute(
        "select relname, reloptions from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace"
    ).fetchall()
    assert views == [(name, ["security_invoker=true"]) for name, _ in views]
    assert {"income", "meeting_statistics", "user_engagement"} <= {name for name, _ in views}


@pytest.mark.parametrize("view", ["income", "meeting_statistics", "user_engagement"])
@pytest.mark.parametrize("actor", ["nobody", "login", "own", "family", "stranger"])
def test_a_view_is_for_admins(view, actor, scene, logins):
    db = logins["portal_web"]
    with world.tried(db):
        _, role, user_id = ACTORS[actor]
        db.execute(BECOME, {"role": role, "user_id": str(user_id or "")})
        with pytest.raises(errors.InsufficientPrivilege):
            db.execute(f"select from {view}")
