"""The live board: drawn for a page with its viewer's eyes, and for the stream once per zone.

The stream's half knows nobody: it reads numbers and first names through two functions of the database.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from flask import Flask, current_app, render_template
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.database.query import Query
from portal.database.rows import Shape, row_type
from portal.live.cached_fragments import Key, RenderedFragment
from portal.live.token import Audience, Ticket, issue
from portal.meetings.board import Board, Clock, Here, next_change
from portal.meetings.rows import AnyMeeting, MeetingRow

if TYPE_CHECKING:
    from portal.accounts.member import Member


@row_type
class BoardRow(MeetingRow):
    """What everybody sees of a meeting: how many are inside, when something of it last changed, and how its room stands."""

    here: int
    changed_at: datetime
    provision_state: str


class Present(NamedTuple):
    """Somebody who is inside a meeting, since when, and the mark that tells them from the others of it."""

    meeting_id: UUID
    name: str
    since: datetime
    is_host: bool | None
    mark: str


BOARDS = Query(BoardRow, text(f"select {', '.join(Shape(BoardRow).columns)} from boards(:ids)"))  # noqa: S608
ROSTERS = Query(Present, text("select meeting_id, name, since, is_host, mark from rosters(:ids)"))


class LiveBoard(Board):
    """A board that a page keeps up to date."""

    _row: BoardRow

    def __init__(self, row: BoardRow, clock: Clock, people: list[Here] | None) -> None:
        super().__init__(row, clock, row.here, people)

    @property
    def changed(self) -> str:
        """When something of it last changed, for a page that waits for news."""
        return f"{self._row.changed_at.timestamp():f}"

    @property
    def doors_known(self) -> str:
        """What a page compares to know whether its door may have turned: the room, and the host's earlier hour."""
        host_doors_at = self.starts_at - self._clock.of_host.doors
        return f"{self._row.provision_state == 'ready'} {host_doors_at <= self._clock.now}"


MAY_WATCH = text("""
select may_watch(t.sign_in, t.meeting, t.names)
  from unnest(cast(:sign_ins as uuid[]), cast(:meetings as uuid[]), cast(:names as boolean[]))
  with ordinality t (sign_in, meeting, names, place) order by place
""")


def for_viewer(db: Session, row: AnyMeeting, clock: Clock, viewer: "Member") -> tuple[Board, str]:
    """The board of a meeting the viewer may see (already found), and the address of its stream.

    `viewer` is the current user; names are for those who have access themselves.
    """
    names = bool(viewer.entitled or viewer.acts_as_admin)
    ends = None if viewer.acts_as_admin or not names else viewer.access_until
    until = int(ends.timestamp()) if ends else None
    ticket = Ticket(str(row.id), Audience(clock.zone, names), str(viewer.sign_in_id), until)
    live_url = f"/live/meetings?token={issue(current_app.config['SETTINGS'].secret_key, ticket)}"
    board = _boards(db, [row.id], clock, names)[row.id]
    board.me = sha256(f"{row.id}{viewer.id}".encode()).hexdigest()[:12]  # as `rosters` marks who is here
    return board, live_url


def render_fragments(
    app: Flask, db: Session, keys: Iterable[Key], clock_in: Callable[[str], Clock]
) -> dict[Key, RenderedFragment]:
    """HTML and next change for every (meeting, audience) asked for. A meeting that is gone is left out.

    `clock_in` makes the Clock for a zone. Two statements whatever the number of audiences.
    """
    keys = list(keys)
    ids = list({UUID(meeting) for meeting, _ in keys})
    rows = {row.id: row for row in BOARDS.all(db, ids=ids)}
    rosters = _rosters(db, ids)
    fragments: dict[Key, RenderedFragment] = {}
    for meeting, audience in keys:
        row = rows.get(UUID(meeting))
        if row is not None:
            clock = clock_in(audience.zone)
            people = _people(rosters.get(row.id, []), clock) if audience.names_shown else None
            board = LiveBoard(row, clock, people)
            html = app.jinja_env.get_template("attendance/_live_board.html").render(b=board)
            fragments[meeting, audience] = (html.encode(), next_change(row, clock))
    return fragments


def rendered(db: Session, row: AnyMeeting, clock: Clock, viewer: "Member") -> str:
    """The board's HTML for one viewer, for pages without a stream."""
    return render_template("attendance/_live_board.html", b=for_viewer(db, row, clock, viewer)[0])


def _boards(db: Session, ids: list[UUID], clock: Clock, names: bool) -> dict[UUID, LiveBoard]:
    rows = BOARDS.all(db, ids=ids)
    rosters = _rosters(db, ids) if names else {}
    return {row.id: LiveBoard(row, clock, _people(rosters.get(row.id, []), clock) if names else None) for row in rows}


def _rosters(db: Session, ids: list[UUID]) -> dict[UUID, list[Present]]:
    rosters: dict[UUID, list[Present]] = {}
    for person in ROSTERS.all(db, ids=ids):
        rosters.setdefault(person.meeting_id, []).append(person)
    return rosters


def _people(rows: Iterable[Present], clock: Clock) -> list[Here]:
    return [Here(row.name, f"{clock.here(row.since):%H:%M}", bool(row.is_host), row.mark) for row in rows]
