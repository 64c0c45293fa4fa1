"""What is drawn: one picture per meeting and audience, and who looks at it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from portal.live.reader import Message, Reader, body, event
from portal.live.token import Audience, Ticket

Key: TypeAlias = tuple[str, Audience]
"""A meeting, and the audience that sees it."""
Drawing: TypeAlias = tuple[bytes, datetime | None]
"""HTML, and when the clock alone will change it (None: never)."""

OVERDUE = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
LAST = body(b"", more=False)


@dataclass(slots=True)
class Picture:
    """How a meeting looks to one audience."""

    event: Message | None = None
    next_change: datetime = OVERDUE
    readers: set[Reader] = field(default_factory=set)


class Pictures:
    """Every picture somebody looks at; it is forgotten with its last reader."""

    def __init__(self) -> None:
        self._pictures: dict[Key, Picture] = {}
        self._changed: set[str] = set()

    def readers(self) -> list[Reader]:
        """Everybody who looks at anything."""
        return [reader for picture in self._pictures.values() for reader in picture.readers]

    def join(self, reader: Reader) -> Message | None:
        """Let the reader look from now on; the answer is what there is to see already."""
        picture = self._pictures.setdefault(_key(reader), Picture())
        picture.readers.add(reader)
        return picture.event

    def leave(self, reader: Reader) -> bool:
        """Forget the reader; whether there was one to forget."""
        picture = self._pictures.get(_key(reader))
        if picture is None or reader not in picture.readers:
            return False
        picture.readers.discard(reader)
        if not picture.readers:
            del self._pictures[_key(reader)]
        return True

    def move(self, reader: Reader, ticket: Ticket) -> Message | None:
        """Let the reader, if still here, look at another ticket's picture from now on, as `join`."""
        if not self.leave(reader):
            return None
        reader.ticket = ticket
        return self.join(reader)

    def end(self, reader: Reader) -> None:
        """Forget the reader and finish its response, which wakes whoever waits for that."""
        self.leave(reader)
        reader.take(LAST)

    def change(self, meeting: str) -> None:
        """Note that pictures of this meeting are out of date."""
        self._changed.add(meeting)

    def change_all(self) -> None:
        """Note that every picture may be out of date."""
        self._changed.update(meeting for meeting, _ in self._pictures)

    def take_due(self, now: datetime) -> list[Key]:
        """What is to be drawn; it stays due until it is shown."""
        changed, self._changed = self._changed, set()
        due = [
            (key, picture) for key, picture in self._pictures.items() if key[0] in changed or picture.next_change <= now
        ]
        for _, picture in due:
            picture.next_change = OVERDUE
        return [key for key, _ in due]

    def show(self, key: Key, drawing: Drawing | None) -> None:
        """Give a picture to its readers if it looks different; None: the meeting is gone."""
        picture = self._pictures.get(key, Picture())
        if drawing is None:
            for reader in list(picture.readers):
                self.end(reader)
            return
        html, next_change = drawing
        picture.next_change = next_change or NEVER
        if (latest := event(html)) != picture.event:
            picture.event = latest
            self.tell(picture.readers, latest)

    def tell(self, readers: Iterable[Reader], message: Message) -> None:
        """Give everyone the message; who cannot take it now is dropped, and may come back."""
        for late in [reader for reader in readers if not reader.take(message)]:
            self.end(late)


def _key(reader: Reader) -> Key:
    return reader.ticket.meeting, reader.ticket.audience
