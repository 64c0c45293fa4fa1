"""One row of every table, all of them about Alice: what the row policies are tried on."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.support.cast import ALICE, FAMILY, assemble, plan_meeting

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=1)
OPEN, SECRET, ORDER, SERIES = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
KEPT = ("alembic_version", "club_clock", "database_objects")
"""Tables whose rows no test makes: the database would not be itself without them."""


def key_of(table: str) -> str:
    """The column a table's rows are told apart by."""
    return {
        "adoptions": "provider_id",
        "alembic_version": "version_num",
        "club": "singleton",
        "club_clock": "singleton",
        "club_pictures": "digest",
        "database_objects": "path",
        "rate_limits": "key",
        "calendar_entries": "token",
        "club_domains": "domain",
        "credentials": "user_id",
        "free_days": "mark",
        "recovery_codes": "user_id",
        "second_factor_endings": "user_id",
        "second_factors": "user_id",
        "payers": "customer_id",
        "pool_timings": "day",
        "request_timings": "route",
        "statement_timings": "statement",
        "table_sizes": "name",
        "order_number_key": "only_one",
        "imported": "external_id",
        "move_parts": "move_id",
        "known_accounts": "account",
        "mail_preferences": "user_id",
        "unreachable_addresses": "address_key",
        "last_runs": "name",
        "raised_alarms": "name",
        "obsolete_rooms": "provider_id",
        "meeting_notes": "meeting_id",
        "room_registrants": "registrant_id",
        "rooms": "meeting_id",
        "rules_followed": "meeting_id",
        "series_links": "series_id",
    }.get(table, "id")


def rows(number: int) -> dict[str, dict[str, object]]:
    """For every table a complete row, in Alice's name where it has a person; `number` tells sets of rows apart."""
    id_ = UUID(int=0xABC0 + number)
    alice: dict[str, object] = {"id": id_, "user_id": ALICE.id}
    evening: dict[str, object] = {"meeting_id": SECRET if number else OPEN}
    return {
        "access_grants": alice | {"kind": "gift", "starts_at": NOW, "ends_at": LATER},
        "adoptions": {
            "provider_id": f"sub_{number}",
            "user_id": ALICE.id,
            "subscription_type": "individual",
            "billing_cycle": "monthly",
        },
        "alembic_version": {"version_num": f"none-{number}"},
        "announcements": evening
        | {
            "id": id_,
            "audience": "coming",
            "body": "Hello",
            "written_by": ALICE.id,
            "by_admin": False,
            "written_at": NOW,
            "leaves_at": LATER,
        },
        "backups": {
            "id": id_,
            "file": f"club-{number}.dump",
            "club_at": NOW,
            "bytes": 1,
            "sha256": "0" * 64,
            "revision": "v1.0",
            "row_counts": Jsonb({}),
        },
        "calendar_feeds": alice | {"name": "My phone", "shows": "mine", "token_hash": f"c{number}".encode()},
        "checkouts": alice
        | {
            "order_id": UUID(int=0xABC0 + 1),
            "subscription_type": "individual",
            "created_at": NOW,
            "billing_cycle": "monthly",
            "state": "open" if number else "expired",
        },
        "club": {
            "singleton": True,
            "club_name": "Goalete",
            "help_email": "help@goalete.club",
            "club_timezone": "Europe/Istanbul",
            "default_meeting_time": time(21),
            "doors_minutes": 10,
            "welcome_days": 7,
            "grace_days": 7,
        },
        "club_clock": {"singleton": True},
        "club_pictures": {
            "digest": f"{number:064x}",
            "media_type": "image/png",
            "width": 1,
            "height": 1,
            "content": b"pixels",
        },
        "calendar_changes": alice | evening | {"id": id_, "due_at": NOW},
        "calendar_entries": evening
        | {"user_id": ALICE.id, "token": f"{number:026d}".translate(str.maketrans("0189", "abcd"))},
        "club_domains": {"domain": f"club-{number}.example"},
        "credentials": {"user_id": id_, "password_hash": "$argon2id$", "changed_at": NOW},
        "database_objects": {"path": f"none/{number}.sql", "position": 0, "digest": "", "undo": ""},
        "drifts": alice
        | {"kind": "different", "provider_id": f"sub_{number}", "difference": "Look at it.", "found_at": NOW},
        "family_plans": {"id": id_, "primary_user_id": ALICE.id, "is_active": False, "plan_name": "Another"},
        "family_memberships": alice
        | {
            "plan_id": FAMILY,
            "state": "left",
            "email": "alice@club.example",
            "token_hash": f"f{number}".encode(),
            "joined_at": NOW,
            "ended_at": NOW,
        },
        "free_days": {"mark": bytes([number]) * 32, "user_id": ALICE.id},
        "mail_preferences": {"user_id": ALICE.id},
        "inbox_messages": {
            **alice,
            "mailbox": "inbox",
            "uidvalidity": 1,
            "uid": number,
            "kind": "letter",
            "outcome": "A letter.",
            "received_at": NOW,
        },
        "mails": alice
        | {
            "kind": "hello",
            "occasion": f"hello-{number}",
            "recipient": "alice@club.example",
            "subject": "Hello",
            "text": "Hello",
            "html": "<p>Hello</p>",
            "created_at": NOW,
        },
        "meeting_attendances": alice
        | {"meeting_id": (OPEN, SECRET)[number], "email_domain": "club.example", "note": "I’ll be late."},
        "meetings": {
            "id": UUID(int=100 + number),
            "title": "Another",
            "scheduled_date": LATER.date(),
            "start_time": "21:00",
            "starts_at": datetime.combine(LATER.date(), time(21), UTC),
        },
        "meeting_series": {
            "id": id_,
            "title": "Again",
            "repeats": "daily",
            "start_time": "20:00",
            "timezone": "UTC",
            "starts_on": LATER.date(),
        },
        "moves": {"id": id_, "admin_id": ALICE.id, "step": "file", "state": "done", "format": "ghost"},
        "move_parts": {"move_id": UUID(int=0xABC1), "kind": "file", "number": number, "content": b"email"},
        "imported": {"source": "ghost", "kind": "person", "external_id": f"g{number}", "row_id": ALICE.id},
        "last_runs": {"name": f"tests.{number}", "began_at": NOW, "ended_at": NOW, "well": True},
        "known_accounts": {"platform": "zoom", "account": f"z{number}", "user_id": ALICE.id, "learnt_at": NOW},
        "meeting_notes": evening | {"body": "Thank you all.", "written_at": NOW},
        "participants": evening | {"id": id_, "identity": f"registrant:{number}"},
        "recordings": evening
        | {
            "id": id_,
            "recording_id": f"r{number}",
            "kind": "MP4",
            "address": "sealed",
            "offered_at": NOW,
            "published_at": NOW,
        },
        "room_events": {
            "id": f"event-{number}",
            "platform": "zoom",
            "kind": "joined",
            "provider_id": "900",
            "body": Jsonb({}),
            "occurred_at": NOW,
            "received_at": NOW,
        },
        "obsolete_rooms": {"platform": "zoom", "provider_id": f"90{number}"},
        "room_registrants": evening | {"user_id": ALICE.id, "registrant_id": f"r{number}", "address": "sealed"},
        "series_links": {"series_id": id_ if number else SERIES, "address": "sealed"},
        "rooms": evening | {"made_by": "zoom", "title": "Secret", "starts_at": NOW, "duration": 60},
        "one_time_tokens": alice
        | {
            "purpose": "reset",
            "token_hash": f"t{number}".encode(),
            "code_hash": b"c",
            "created_at": NOW,
            "expires_at": LATER,
        },
        "order_number_key": {"only_one": True},
        "orders": alice
        | {
            "order_number": f"GO-{number}",
            "amount": 12,
            "amount_minor": 1200,
            "subscription_type": "individual",
            "billing_cycle": "monthly",
        },
        "payers": {"customer_id": f"cus_{number}", "user_id": ALICE.id},
        "pool_timings": {
            "day": NOW.date() + timedelta(days=number),
            "taken": 1,
            "waited_ms": 1,
            "waits": [1],
            "timeouts": 0,
        },
        "presences": alice | {"meeting_id": SECRET, "joined_at": NOW, "device_type": "mobile"},
        "procrastinate_events": {"id": 9_000_000 + number, "job_id": 9_000_000, "type": "deferred"},
        "procrastinate_jobs": {
            "id": 9_000_000 + number,
            "queue_name": "default",
            "task_name": "mail.deliver",
            "queueing_lock": f"lock-{number}",
        },
        "procrastinate_periodic_defers": {
            "id": 100 + number,
            "task_name": "nothing",
            "defer_timestamp": number,
            "periodic_id": "",
        },
        "procrastinate_workers": {"id": 100 + number},
        "provider_events": {"id": f"evt_{number}", "kind": "invoice.paid", "created_at": NOW, "received_at": NOW},
        "raised_alarms": {"name": f"alarm-{number}", "words": "x", "is_bad": False, "began_at": NOW, "seen_at": NOW},
        "rate_limits": {"key": f"door-{number}", "hits": 1, "expires_at": LATER},
        "recovery_codes": {"user_id": ALICE.id, "slot": number, "code_hash": "$argon2id$"},
        "rules_followed": evening | {"followed_at": NOW},
        "runs": {"id": id_, "name": "tidying"},
        "sandbox_mails": {
            "id": id_,
            "recipient": "alice@club.example",
            "subject": "Hello",
            "text": "Hello",
            "received_at": NOW,
        },
        "second_factor_endings": {"user_id": id_, "asked_at": NOW, "ends_at": LATER},
        "former_addresses": alice | {"email": "alice@before.example", "until": NOW},
        "second_factors": {"user_id": id_, "pending": "sealed"},
        "sign_ins": alice
        | {"key_hash": f"k{number}".encode(), "device": "Firefox", "created_at": NOW, "seen_at": NOW, "ended_at": NOW},
        "request_timings": {"route": f"/{number}", "status": 200, "requests": 1, "total_ms": 1},
        "standing_answers": alice
        | {"kind": "weekday", "weekday": 1 + number, "response": "accepted", "starts_at": NOW},
        "statement_timings": {
            "day": NOW.date(),
            "statement": f"select {number}",
            "calls": 1,
            "total_ms": 1,
            "most_ms": 1,
        },
        "subscriptions": alice
        | {
            "provider_subscription_id": f"sub_{number}",
            "status": "active" if number else "incomplete",
            "subscription_type": "individual",
            "billing_cycle": "monthly",
            "amount_minor": 1200,
            "currency": "USD",
            "started_at": NOW,
            "grace_days": 7,
        },
        "system_logs": alice | {"level": "info", "message": "Hello", "category": "user"},
        "table_sizes": {
            "day": NOW.date(),
            "name": f"table {number}",
            "estimated_rows": 1,
            "table_bytes": 1,
            "index_bytes": 1,
        },
        "unreachable_addresses": {
            "address_key": f"gone-{number}@club.example",
            "hard": True,
            "reason": "550 nobody here",
            "first_at": NOW,
            "last_at": NOW,
        },
        "users": {"id": id_, "email": f"new-{number}@club.example"},
    }


def create(postgres: psycopg.Connection) -> dict[str, object]:
    """The cast and one row of everything; returns the key of each table's row, and of each meeting."""
    assemble(postgres)
    plan_meeting(postgres, "Open", id=OPEN)
    plan_meeting(postgres, "Secret", id=SECRET, is_private=True, meeting_link="sealed", meeting_id="event-1")
    planted = rows(1)
    for table in ("users", "meetings", "family_plans", "order_number_key", *KEPT):  # there is one already
        del planted[table]
    planted["credentials"]["user_id"] = planted["second_factors"]["user_id"] = ALICE.id
    planted["second_factor_endings"]["user_id"] = ALICE.id
    # The parents of rows that have any come first.
    for table in sorted(planted, key=lambda name: (name not in ("procrastinate_jobs", "orders", "moves"), name)):
        if table == "procrastinate_events":
            planted[table]["job_id"] = 9_000_001
        insert(postgres, table, planted[table])
    postgres.execute(
        "update meetings set series_id = %s, series_date = scheduled_date where id = %s",
        [planted["meeting_series"]["id"], OPEN],
    )
    insert(postgres, "meeting_series", planted["meeting_series"] | {"id": SERIES})
    keys = {table: row[key_of(table)] for table, row in planted.items()}
    for table in KEPT:
        (keys[table],) = postgres.execute(f"select {key_of(table)} from {table}".encode()).fetchall()[0]
    keys |= {"users": ALICE.id, "family_plans": FAMILY, "order_number_key": True}
    return keys | {"open": OPEN, "secret": SECRET}


def insert(db: psycopg.Connection, table: str, row: dict[str, object]) -> None:
    db.execute(
        sql.SQL("insert into {} ({}) overriding system value values ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        ),
        list(row.values()),
    )


@contextmanager
def tried(db: psycopg.Connection) -> Iterator[None]:
    """Whatever happens inside is undone."""
    with db.transaction(force_rollback=True):
        yield
