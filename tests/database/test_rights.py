"""What no grant may open: keys and hashes, another role, anything of one's own making. And an index for each reference."""

import pytest
from psycopg import errors

from tests.support import world

from .conftest import BROWSER_ROLES


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
    [
        ("credentials", "password_hash"),
        ("one_time_tokens", "token_hash"),
        ("one_time_tokens", "code_hash"),
        ("one_time_tokens", "payload"),
        ("second_factors", "secret"),
        ("second_factors", "pending"),
        ("recovery_codes", "code_hash"),
        ("sign_ins", "key_hash"),
        ("family_memberships", "token_hash"),
        ("order_number_key", "key"),
    ],
)
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


@pytest.mark.parametrize(
    "wanted", ["postgres", "portal_owner", "portal_worker", "portal_definer", "portal_backup", "portal_monitor"]
)
def test_the_web_login_cannot_become_more_than_an_admin(wanted, logins):
    db = logins["portal_web"]
    with world.tried(db), pytest.raises(errors.InsufficientPrivilege):
        db.execute("select set_config('role', %s, true)", [wanted])
