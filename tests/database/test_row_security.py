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

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql

from tests.conftest import BECOME, CLEAN
from tests.support import world
from tests.support.cast import ALICE, BOB, CHARLIE, DORA
from tests.support.server import Database

DECISIONS = """
                               nobody  login   own     family  stranger  admin   worker
access_grants                  ----    ----    S---    o---    o---      S---    SIUD
alembic_version                ----    S---    ----    ----    ----      ----    S---
backups                        ----    ----    ----    ----    ----      S---    SIUD
club_domains                   ----    ----    ----    ----    ----      ----    SIUD
checkouts                      ----    ----    S-U-    o-o-    o-o-      S-o-    SIUD
credentials                    ----    ----    ----    ----    ----      ----    ----
drifts                         ----    ----    ----    ----    ----      S---    SIUD
family_memberships             ----    ----    S---    o---    o---      S---    SIUD
family_plans                   ----    ----    S-U-    S-o-    o-o-      S-o-    SIUD
mails                          -I--    ----    -I--    -I--    -I--      -I--    SIUD
meeting_attendances            ----    ----    S---    o---    o---      S---    SIUD
meetings/open                  ----    ----    S---    S---    S---      SIU-    SIUD
meetings/secret                ----    ----    S---    o---    o---      SIU-    SIUD
meeting_series                 ----    ----    S---    S---    S---      SIU-    SIUD
one_time_tokens                ----    ----    ----    ----    ----      ----    S--D
order_number_key               ----    ----    ----    ----    ----      ----    ----
orders                         ----    ----    S---    o---    o---      S---    SIUD
payers                         ----    ----    S-U-    o-o-    o-o-      S-U-    SIUD
pool_timings                   ----    ----    ----    ----    ----      S---    SIUD
presences                      ----    ----    S---    o---    o---      S---    SIUD
procrastinate_events           -I--    ----    -I--    -I--    -I--      -I--    SIUD
procrastinate_jobs             SI--    ----    SI--    SI--    SI--      SI--    SIUD
procrastinate_periodic_defers  ----    ----    ----    ----    ----      ----    SIUD
procrastinate_workers          ----    ----    ----    ----    ----      ----    SIUD
provider_events                ----    ----    ----    ----    ----      S---    SIUD
rate_limits                    ----    ----    ----    ----    ----      ----    S--D
recovery_codes                 ----    ----    ----    ----    ----      ----    ----
runs                           ----    ----    ----    ----    ----      S---    SIUD
sandbox_mails                  S---    ----    S---    S---    S---      S---    SIUD
second_factors                 ----    ----    ----    ----    ----      ----    ----
sign_ins                       ----    ----    S-U-    o-o-    o-o-      o-o-    S-UD
statement_timings              ----    ----    ----    ----    ----      S---    SIUD
subscriptions                  ----    ----    S---    o---    o---      S---    SIUD
table_sizes                    ----    ----    ----    ----    ----      S---    SIUD
system_logs                    -o--    ----    -I--    -o--    -o--      So--    SIUD
users                          ----    ----    S-U-    o-o-    o-o-      S-o-    SIUD
"""

# The columns somebody may change, where somebody may change anything; the worker's are all of the table.
CHANGEABLE = {
    ("checkouts", "browser"): "customer_id session_id url expires_at",
    ("payers", "browser"): "asked_at",
    ("users", "browser"): "first_name last_name timezone preferred_meeting_time shares_attendance"
    " family_may_answer",
    ("family_plans", "browser"): "plan_name",
    ("sign_ins", "browser"): "ended_at",
    ("sign_ins", "worker"): "network",
    ("system_logs", "worker"): "ip_address",
    ("meetings", "browser"): "title description scheduled_date start_time duration timezone platform max_attendees"
    " is_private status host_id host_name requires_approval revision cancellation_reason changed_alone",
    ("meeting_series", "browser"): "title description host_id repeats weekdays month_day month_week start_time timezone"
    " duration platform max_attendees requires_approval is_private only_if_free starts_on ends_on skipped revision",
}

# The columns nobody reads who may read the others.
HIDDEN = {
    ("meetings", "browser"): "meeting_link meeting_id seats_kept",
    ("family_memberships", "browser"): "token_hash",
    ("family_memberships", "worker"): "token_hash",
    ("sign_ins", "browser"): "key_hash",
    ("sign_ins", "worker"): "key_hash device created_at proved_at",
    ("one_time_tokens", "worker"): "purpose token_hash code_hash wrong_codes payload created_at",
    ("rate_limits", "worker"): "hits",
    ("procrastinate_jobs", "browser"): "queue_name task_name priority lock args status scheduled_at attempts"
    " abort_requested worker_id",
}

ASKERS = {
    "nobody": ("portal_web", "portal_anonymous", None),
    "login": ("portal_web", "none", None),
    "own": ("portal_web", "portal_member", ALICE.id),
    "family": ("portal_web", "portal_member", BOB.id),
    "stranger": ("portal_web", "portal_member", CHARLIE.id),
    "admin": ("portal_web", "portal_admin", DORA.id),
    "worker": ("portal_worker", "none", None),
}
BROWSER_ROLES = ("portal_web", "portal_anonymous", "portal_member", "portal_admin")


def decisions() -> dict[tuple[str, str], str]:
    header, *lines = DECISIONS.strip("\n").splitlines()
    return {
        (line.split()[0], asker): cell
        for line in lines
        for asker, cell in zip(header.split(), line.split()[1:], strict=True)
    }


CELLS = [
    pytest.param(subject, asker, verb, cell[place], id=f"{asker}-{verb}-{subject}")
    for (subject, asker), cell in decisions().items()
    for place, verb in enumerate(("select", "insert", "update", "delete"))
]


@pytest.fixture(scope="module")
def scene(migrated: Database, backstage: psycopg.Connection) -> dict[str, object]:
    """One row of everything, Alice's. The tries below undo what they do, so it is made once."""
    backstage.execute(CLEAN)
    return world.create(backstage)


@pytest.fixture(scope="module")
def logins(migrated: Database) -> Iterator[dict[str, psycopg.Connection]]:
    with migrated.connect("portal_web") as web, migrated.connect("portal_worker") as worker:
        yield {"portal_web": web, "portal_worker": worker}


class Attempt:
    """One asker before one row of one table; every try is really made, and undone."""

    def __init__(self, db: psycopg.Connection, subject: str, asker: str, scene: dict[str, object]) -> None:
        self.db, self.asker = db, asker
        self.table, _, which = subject.partition("/")
        self.row = scene[which or self.table]
        self.key = world.key_of(self.table)

    def outcome(self, verb: str) -> str:
        """'allowed', 'o' or '-', as in the table of decisions."""
        with world.tried(self.db):
            _, role, user_id = ASKERS[self.asker]
            self.db.execute(BECOME, {"role": role, "user_id": str(user_id or "")})
            try:
                return "allowed" if getattr(self, verb)() else "o"
            except errors.InsufficientPrivilege as refusal:
                return "o" if "row-level security" in str(refusal) else "-"
            except (errors.ForeignKeyViolation, errors.RestrictViolation, errors.CheckViolation):
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
        return CHANGEABLE.get((self.table, kind_of(self.asker)), "").split()


@pytest.mark.parametrize(("subject", "asker", "verb", "decided"), CELLS)
def test_the_database_decides_as_the_table_says(subject, asker, verb, decided, scene, logins):
    attempt = Attempt(logins[ASKERS[asker][0]], subject, asker, scene)
    expected = decided if decided in "o-" else "allowed"
    assert attempt.outcome(verb) == expected


@pytest.mark.parametrize("table", sorted(world.rows(0)))
def test_what_is_refused_to_others_is_possible_at_all(table, scene, backstage):
    """The control: with no policy in the way every row tried above can be inserted, so a refusal is a refusal."""
    with world.tried(backstage):
        row = world.rows(0)[table]
        if table == "procrastinate_events":
            row["job_id"] = 9_000_001
        if table in ("credentials", "second_factors"):
            row["user_id"] = BOB.id
        if table == "order_number_key":  # of this there is one
            backstage.execute("delete from order_number_key")
        world.insert(backstage, table, row)


@pytest.mark.parametrize(("subject", "asker"), [cell for cell, may in decisions().items() if may[2] in "Uo"])
def test_only_the_named_columns_can_be_changed(subject, asker, scene, backstage, logins):
    attempt = Attempt(logins[ASKERS[asker][0]], subject, asker, scene)
    given = {column for column in columns(backstage, attempt.table) if granted(backstage, attempt, column, "UPDATE")}
    assert given == set(attempt.changeable() or columns(backstage, attempt.table))


@pytest.mark.parametrize(("subject", "asker"), [cell for cell, may in decisions().items() if may[0] in "So"])
def test_no_hidden_column_can_be_read(subject, asker, scene, backstage, logins):
    attempt = Attempt(logins[ASKERS[asker][0]], subject, asker, scene)
    hidden = HIDDEN.get((attempt.table, kind_of(asker)), "").split()
    given = {column for column in columns(backstage, attempt.table) if granted(backstage, attempt, column, "SELECT")}
    assert given == set(columns(backstage, attempt.table)) - set(hidden)


@pytest.mark.parametrize(
    ("subject", "asker", "verb"),
    [(*cell, "SELECT") for cell, may in decisions().items() if may[0] == "-"]
    + [(*cell, "UPDATE") for cell, may in decisions().items() if may[2] == "-"],
)
def test_who_has_no_right_has_it_on_no_column(subject, asker, verb, scene, backstage, logins):
    """A blind `update … set` without a where needs no right to read; so the catalogue is asked as well."""
    attempt = Attempt(logins[ASKERS[asker][0]], subject, asker, scene)
    assert not [column for column in columns(backstage, attempt.table) if granted(backstage, attempt, column, verb)]


def kind_of(asker: str) -> str:
    return "worker" if asker == "worker" else "browser"


def columns(backstage: psycopg.Connection, table: str) -> list[str]:
    found = backstage.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped", [table]
    )
    return [name for (name,) in found]


def granted(backstage: psycopg.Connection, attempt: Attempt, column: str, right: str) -> bool:
    login, role, _ = ASKERS[attempt.asker]
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
@pytest.mark.parametrize("asker", ["nobody", "login", "own", "family", "stranger"])
def test_a_view_is_for_admins(view, asker, scene, logins):
    db = logins["portal_web"]
    with world.tried(db):
        _, role, user_id = ASKERS[asker]
        db.execute(BECOME, {"role": role, "user_id": str(user_id or "")})
        with pytest.raises(errors.InsufficientPrivilege):
            db.execute(f"select from {view}")


# Each function that looks past the policies, and who may call it. None: only others of them, or a trigger.
DOORS = {
    "access_sources": "admin worker",
    "cut_order": "admin",
    "give_access": "admin",
    "my_access_sources": "member admin",
    "note_provider_event": "anonymous",
    "note_timings": "web worker",
    "open_checkout": "member admin",
    "open_connections": "admin",
    "paid_coverage": "worker",
    "auth.ask_address": "member admin",
    "auth.ask_reset": "worker",
    "auth.begin_second_factor": "member admin",
    "auth.change_address": "member admin",
    "auth.close_account": "member admin",
    "auth.drop_second_factor": "member admin",
    "auth.family_plan_id": "member",
    "auth.forget_hits": "web",
    "auth.hit": "web",
    "auth.keep_second_factor": "member admin",
    "auth.new_recovery_codes": "member admin",
    "auth.open_sign_in": "anonymous member admin",
    "auth.own_password": "member admin",
    "auth.own_second_factor": "member admin",
    "auth.password_of": "anonymous member admin",
    "auth.prove": "anonymous member admin",
    "auth.redeem": "anonymous member admin",
    "auth.rehash": "anonymous member admin",
    "auth.reset_second_factor": "worker",
    "auth.second_factor": "anonymous member admin",
    "auth.set_own_password": "member admin",
    "auth.set_standing": "admin worker",
    "auth.sign_up": "anonymous member admin",
    "auth.sign_up_again": "anonymous member admin",
    "auth.whoami": "web",
    "accept_invitation": "member admin",
    "all_of_us": None,
    "answer_meeting": "member admin",
    "answer_together": "member admin",
    "boards": "web member admin",
    "check_membership": None,
    "check_primary": None,
    "close_family": None,
    "close_presences": "worker",
    "correct_attendance": "admin",
    "count_members": None,
    "count_seats": None,
    "decide_request": "member admin",
    "decline_invitation": "anonymous member admin",
    "dissolve_family": "member admin",
    "end_lapsed_family": "worker",
    "entitled": "worker",
    "family_attendance": "member admin",
    "family_invitations": "member admin",
    "family_people": "member admin",
    "follow_series": "admin",
    "former_family": "member admin",
    "guests_of": "member admin",
    "hold_family": "worker",
    "hold_series": "admin worker",
    "invitations_today": None,
    "invite_guests": "member admin",
    "invite_host": None,
    "invite_to_family": "member admin",
    "join_meeting": "member admin",
    "keep_an_admin": None,
    "lapse_offers": None,
    "mail_standing": "admin worker",
    "leave_family": "member admin",
    "leave_meeting": "member admin",
    "may_watch": "web",
    "minutes_inside": None,
    "name_host": None,
    "names_of_us": "member admin",
    "next_order_number": "worker",
    "note_domain": None,
    "private_meetings": None,
    "project_access": "worker",
    "project_membership": None,
    "propose_transfer": "member admin",
    "public_programme": "anonymous member admin",
    "queue_standing": "admin worker",
    "read_invitation": "anonymous member admin",
    "remove_member": "member admin",
    "renew_invitation": "member admin",
    "revoke_invitation": "member admin",
    "release_places": "worker",
    "rename_host": None,
    "requests_of": "member admin",
    "rolls": "web member admin",
    "runs_family": None,
    "runs_meeting": None,
    "seat_by_token": None,
    "seat_past_parties": None,
    "set_family_seats": "admin",
    "settle": "worker",
    "sign_up_to_family": "anonymous member admin",
    "slow_statements": "admin",
    "still_here": "member admin",
    "take_back_invitation": "member admin",
    "take_over_family": "worker",
    "tell_access_cut": None,
    "tell_ended": None,
    "tend_line": "admin worker",
    "undo_removal": "member admin",
    "unseat": None,
    "waiting_position": "member admin",
    "welcome": "anonymous worker",
    "worker_heartbeat": "web worker admin",
}


def test_every_door_past_the_policies_is_known_with_its_callers(backstage):
    doors = backstage.execute("""
        select case when pronamespace = 'auth'::regnamespace then 'auth.' else '' end || proname,
               (select string_agg(substr(grantee::regrole::text, 8), ' ' order by grantee::regrole::text)
                  from aclexplode(proacl) where grantee <> proowner)
          from pg_proc where prosecdef and pronamespace::regnamespace::text in ('public', 'auth')
    """).fetchall()
    expected = {name: callers and " ".join(sorted(callers.split())) for name, callers in DOORS.items()}
    assert dict(doors) == expected
    assert len(doors) == len(expected), "two of one name"


def test_every_door_is_pinned_owned_and_closed_to_the_public(backstage):
    loose = backstage.execute("""
        select oid::regprocedure from pg_proc
         where prosecdef and pronamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
           and (proowner::regrole::text <> case when proname in ('open_connections', 'slow_statements') then 'portal_monitor'
                                                else 'portal_definer' end or proconfig is distinct from '{"search_path=\\"\\""}'
                or proacl is null or exists (select from aclexplode(proacl) where grantee = 0))
    """)
    assert loose.fetchall() == []


def test_every_foreign_key_has_an_index(backstage):
    bare = backstage.execute("""
        select conrelid::regclass::text, conname from pg_constraint c
         where contype = 'f' and conrelid::regclass::text not like 'procrastinate%'
           and not exists (select from pg_index where indrelid = conrelid and indpred is null
                              and (indkey::smallint[])[0:cardinality(conkey) - 1] = conkey)
    """)
    assert bare.fetchall() == []


@pytest.mark.parametrize("role", [*BROWSER_ROLES, "portal_worker"])
@pytest.mark.parametrize(
    ("table", "column"),
    [("credentials", "password_hash"), ("one_time_tokens", "token_hash"), ("one_time_tokens", "code_hash"),
     ("one_time_tokens", "payload"), ("second_factors", "secret"), ("second_factors", "pending"), ("recovery_codes", "code_hash"),
      ("sign_ins", "key_hash"), ("family_memberships", "token_hash"),
     ("order_number_key", "key")],
)  # fmt: skip
def test_nobody_reads_passwords_tokens_or_keys(role, table, column, backstage):
    asked = backstage.execute("select has_column_privilege(%s, %s, %s, 'SELECT')", [role, table, column])
    assert asked.fetchone() == (False,)


@pytest.mark.parametrize("role", BROWSER_ROLES)
@pytest.mark.parametrize("column", ["meeting_link", "meeting_id"])
def test_who_answers_browsers_never_reads_a_rooms_address(role, column, backstage):
    asked = backstage.execute("select has_column_privilege(%s, 'meetings', %s, 'SELECT')", [role, column])
    assert asked.fetchone() == (False,)


@pytest.mark.parametrize("role", BROWSER_ROLES)
def test_who_answers_browsers_owns_nothing_and_makes_nothing(role, backstage):
    owned = backstage.execute(
        "select classid::regclass::text, objid from pg_shdepend where refobjid = %s::regrole and deptype = 'o'", [role]
    )
    assert owned.fetchall() == []
    makes = backstage.execute(
        "select nspname from pg_namespace where has_schema_privilege(%(r)s, nspname, 'create')"
        " union all select 'a temporary table' where has_database_privilege(%(r)s, current_database(), 'temporary')"
        " union all select 'a schema' where has_database_privilege(%(r)s, current_database(), 'create')",
        {"r": role},
    )
    assert makes.fetchall() == []


@pytest.mark.parametrize("role", [*BROWSER_ROLES, "portal_worker"])
def test_who_serves_can_become_nobody_who_bypasses(role, backstage):
    reach = backstage.execute(
        "select rolname from pg_roles where (rolsuper or rolbypassrls or rolcreaterole or rolname = 'portal_owner')"
        " and pg_has_role(%s, oid, 'member')",
        [role],
    )
    assert reach.fetchall() == []


@pytest.mark.parametrize("wanted", ["postgres", "portal_owner", "portal_worker", "portal_definer", "portal_backup", "portal_monitor"])
def test_the_web_login_cannot_become_more_than_an_admin(wanted, logins):
    db = logins["portal_web"]
    with world.tried(db), pytest.raises(errors.InsufficientPrivilege):
        db.execute("select set_config('role', %s, true)", [wanted])
