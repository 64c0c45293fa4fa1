"""What is rendered: one cached fragment per meeting and audience, and the clients that show it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from portal.live.sse_client import AsgiMessage, SseClient, body, event
from portal.live.token import Audience, Ticket

Key: TypeAlias = tuple[str, Audience]
"""A meeting, and the audience that sees it."""
RenderedFragment: TypeAlias = tuple[bytes, datetime | None]
"""HTML, and when the clock alone will change it (None: never)."""

OVERDUE = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
LAST = body(b"", more=False)


@dataclass(slots=True)
class CachedFragment:
    """How a meeting looks to one audience."""

    event: AsgiMessage | None = None
    next_change: datetime = OVERDUE
    clients: set[SseClient] = field(default_factory=set)


class CachedFragments:
    """Every picture somebody looks at; it is forgotten with its last reader."""

    def __init__(self) -> None:
        self._fragments: dict[Key, CachedFragment] = {}
        self._changed: set[str] = set()

    def clients(self) -> list[SseClient]:
        """Everybody who looks at anything."""
        return [client for fragment in self._fragments.values() for client in fragment.clients]

    def join(self, client: SseClient) -> AsgiMessage | None:
        """Let the reader look from now on; the answer is what there is to see already."""
        fragment = self._fragments.setdefault(_key(client), CachedFragment())
        fragment.clients.add(client)
        return fragment.event

    def leave(self, client: SseClient) -> bool:
        """Forget the reader; whether there was one to forget."""
        fragment = self._fragments.get(_key(client))
        if fragment is None or client not in fragment.clients:
            return False
        fragment.clients.discard(client)
        if not fragment.clients:
            del self._fragments[_key(client)]
        return True

    def move(self, client: SseClient, ticket: Ticket) -> AsgiMessage | None:
        """Let the reader, if still here, look at another ticket's picture from now on, as `join`."""
        if not self.leave(client):
            return None
        client.ticket = ticket
        return self.join(client)

    def end(self, client: SseClient) -> None:
        """Forget the reader and finish its response, which wakes whoever waits for that."""
        self.leave(client)
        client.take(LAST)

    def change(self, meeting: str) -> None:
        """Note that pictures of this meeting are out of date."""
        self._changed.add(meeting)

    def change_all(self) -> None:
        """Note that every picture may be out of date."""
        self._changed.update(meeting for meeting, _ in self._fragments)

    def take_due(self, now: datetime) -> list[Key]:
        """What is to be drawn; it stays due until it is shown."""
        changed, self._changed = self._changed, set()
        due = [
            (key, fragment)
            for key, fragment in self._fragments.items()
            if key[0] in changed or fragment.next_change <= now
        ]
        for _, fragment in due:
            fragment.next_change = OVERDUE
        return [key for key, _ in due]

    def show(self, key: Key, rendered: RenderedFragment | None) -> None:
        """Give a picture to its readers if it looks different; None: the meeting is gone."""
        fragment = self._fragments.get(key, CachedFragment())
        if rendered is None:
            for client in list(fragment.clients):
                self.end(client)
            return
        html, next_change = rendered
        fragment.next_change = next_change or NEVER
        if (latest := event(html)) != fragment.event:
            fragment.event = latest
            self.tell(fragment.clients, latest)

    def tell(self, clients: Iterable[SseClient], message: AsgiMessage) -> None:
        """Give everyone the message; who cannot take it now is dropped, and may come back."""
        for late in [client for client in clients if not client.take(message)]:
            self.end(late)


def _key(client: SseClient) -> Key:
    return client.ticket.meeting, client.ticket.audience
