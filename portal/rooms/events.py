"""What happens to rooms."""

from portal.jobs import event


@event
def told(event_id: str) -> None:
    """A platform said something about a room of ours: a row of `room_events`."""
