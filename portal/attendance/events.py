"""What happens to attendance."""

from uuid import UUID

from portal.jobs import event


@event
def account_learnt(meeting_id: UUID) -> None:
    """It is known now whose an account is that was in the room of this meeting, and nobody's there."""


@event
def recording_made(meeting_id: UUID) -> None:
    """A platform told that it has recorded this meeting, and not yet what."""


@event
def recording_offered(meeting_id: UUID) -> None:
    """There is a recording of this meeting that was not known before, for its host to publish."""


@event
def missing_reminded(meeting_id: UUID) -> None:
    """The host of a running meeting wants those reminded who said yes and have not come."""


@event
def request_decided(meeting_id: UUID, user_id: UUID) -> None:
    """The host decided somebody's request for a place."""


@event
def answered_for(meeting_id: UUID, user_id: UUID, by: UUID) -> None:
    """One of the family said yes for somebody."""


@event
def guest_invited(meeting_id: UUID, user_id: UUID, by: UUID, later: bool) -> None:
    """Somebody was invited to a private meeting; `later`: to those of its series after it, too."""


@event
def invitation_taken_back(meeting_id: UUID, user_id: UUID) -> None:
    """Somebody is no longer invited to a private meeting."""


@event
def places_requested(meeting_id: UUID) -> None:
    """Rules of members ask its host for places."""


@event
def rules_changed(user_id: UUID) -> None:
    """Somebody wrote or ended a rule that answers many meetings."""
