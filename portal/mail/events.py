"""What happens in the mailbox that others follow."""

from uuid import UUID

from portal.jobs import event


@event
def reply_received(message_id: UUID) -> None:
    """A calendar object came back by mail: the row of inbox_messages holds it until it was applied."""


@event
def not_delivered(mail_id: UUID) -> None:
    """A mail with a calendar object will not reach its recipient: dropped, refused for good, or come back."""
