"""What happens in the mailbox that others follow."""

from uuid import UUID

from portal.jobs import event


@event
def reply_received(message_id: UUID) -> None:
    """A calendar object came back by mail: the row of inbox_messages holds it until it was applied."""
