"""A room at a platform, and what the platform saw in it."""

from datetime import datetime, timedelta

import psycopg

from tests.support.cast import Meeting, Person

MINUTE = timedelta(minutes=1)


def has_room(postgres: psycopg.Connection, meeting: Meeting, made_by: str = "zoom", **columns: object) -> None:
    """The room of a meeting stood ready in time; `columns` of `rooms` say otherwise."""
    row = {
        "meeting_id": meeting.id,
        "made_by": made_by,
        "title": "Room",
        "starts_at": meeting.starts_at,
        "duration": 60,
        "ready_at": meeting.starts_at - timedelta(days=1),
        **columns,
    }
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    postgres.execute(f"insert into rooms ({names}) values ({marks})".encode(), list(row.values()))
    if made_by != "link":
        postgres.execute(
            "update meetings set platform = %s, meeting_id = %s where id = %s", [made_by, f"r-{meeting.id}", meeting.id]
        )


def seen(
    postgres: psycopg.Connection,
    person: Person,
    meeting: Meeting,
    since: float,
    until: float | None,
    source: str = "event",
    device: str = "desktop",
) -> None:
    """The platform saw somebody it knows by their own address into the room, from minute to minute after the start."""
    postgres.execute(
        "insert into participants (meeting_id, identity, name, user_id, matched_by)"
        " values (%s, %s, %s, %s, 'registrant') on conflict do nothing",
        [meeting.id, f"r-{person.id}", person.first_name, person.id],
    )
    postgres.execute(
        "insert into presences (meeting_id, user_id, participant_id, source, session, joined_at, left_at, device_type)"
        " select meeting_id, user_id, id, %s, %s, %s, %s, %s from participants where meeting_id = %s and identity = %s",
        [
            source,
            f"{since}-{until}",
            moment(meeting, since),
            None if until is None else moment(meeting, until),
            device,
            meeting.id,
            f"r-{person.id}",
        ],
    )
    postgres.execute("select refresh_attendance(%s, array[%s]::uuid[])", [meeting.id, person.id])


def moment(meeting: Meeting, minutes: float) -> datetime:
    """So many minutes after the start."""
    return meeting.starts_at + minutes * MINUTE
