"""What a row of the log says to whoever reads it."""

import re

LEVELS = {
    "info": ("ring", "Note", ""),
    "warn": ("quarter", "Warning", "amber"),
    "error": ("cross", "Error", "bad"),
    "debug": ("ring", "Detail", ""),
}
"""How much a row matters: its disc, its word, its tone."""

CATEGORIES = {
    "meeting": "Meetings",
    "user": "People and families",
    "billing": "Money",
    "email": "Mail",
    "security": "Security",
    "cron": "Scheduled work",
    "api": "Defects",
}

# What each operation says as a sentence. {who} did it and {whom} had it done to them; {one} is whom it is about: whom it
# was done to if that is known, else who did it. {meeting} is where, {said} the row's own message.
SENTENCES = {
    "answer.accepted": "{who} said yes to {meeting}",
    "answer.declined": "{who} said no to {meeting}",
    "answer.requested": "{who} asked for a place at {meeting}",
    "answer.waitlisted": "{who} joined the line for {meeting}",
    "answer.offered": "{who} was offered a place at {meeting}",
    "answer.withdrawn": "{who} no longer waits or asks for a place at {meeting}",
    "answer.together": "{who} answered for their family: {meeting}",
    "reply.applied": "{who} answered {meeting} from a calendar, by mail",
    "attendance.corrected": "{who} corrected whether {whom} came to {meeting}",
    "attendance.released": "Places of {whom} were released: access ended",
    "club.moved-in": "People and what belongs to them were taken from another system",
    "club.moved-in-invited": "Whoever moved in was invited to choose a password",
    "club.file-uploaded": "{who} uploaded a file of people to move in",
    "club.move-asked": "{who} had people moved in from a file",
    "club.invitations-asked": "{who} had those who moved in invited to choose a password",
    "club.archive-asked": "{who} had an archive of everything made, to move out",
    "club.archive-downloaded": "{who} downloaded an archive of everything",
    "guest.invited": "{who} invited {whom} to {meeting}",
    "guest.taken-back": "{who} withdrew the invitation of {whom} to {meeting}",
    "invitations.asked": "{who} had everybody invited to the open meetings ahead",
    "invitations.written": "{said}",
    "request.accepted": "{who} gave {whom} a place at {meeting}",
    "request.rejected": "{who} declined the request of {whom} to join {meeting}",
    "request.waitlisted": "{who} put {whom} in line for {meeting}",
    "request.withdrawn": "The request of {whom} to join {meeting} lapsed: access had ended",
    "meeting.joined": "{who} came to {meeting}",
    "meeting.left": "{who} left {meeting}",
    "meeting.planned": "{who} planned {meeting}",
    "meeting.changed": "{who} changed {meeting}",
    "meeting.moved": "{who} moved {meeting} to another time",
    "meeting.cancelled": "{who} cancelled {meeting}",
    "meeting.reinstated": "{who} reinstated {meeting}",
    "meeting.settled": "It was settled who came to {meeting}",
    "meeting.reminded": "{who} had those reminded who said yes to {meeting} and were missing",
    "participant.named": "{who} recognised {whom} in the room of {meeting}",
    "participant.guest": "{who} said of somebody in the room of {meeting} that they are nobody of the club",
    "notes.written": "{who} wrote notes for {meeting}",
    "notes.removed": "{who} removed the notes of {meeting}",
    "recording.published": "{who} published a recording of {meeting}",
    "recording.taken-back": "{who} took a recording of {meeting} back",
    "recording.not-told": "The platform did not tell what it recorded of {meeting}: {said}",
    "room.unreported": "The platform did not tell who was in the room of {meeting}: {said}",
    "room.link-set": "{who} typed the link to the room of {meeting}",
    "room.link-removed": "{who} removed the link to the room of {meeting}",
    "schedule.run-now": "{who} had something on the schedule done at once: {said}",
    "room.retried": "{who} had the room of {meeting} made again",
    "room.revealed": "{who} looked at the address of the room of {meeting}",
    "room.ready": "The room of {meeting} is ready",
    "room.failed": "The room of {meeting} could not be made",
    "room.gone": "The room of {meeting} was deleted at its platform",
    "room.let-go": "The room of {meeting} was let go",
    "series.planned": "{who} {said}",
    "series.link-set": "{who} typed the link to the room of a series",
    "series.link-removed": "{who} removed the link to the room of a series",
    "series.changed": "{who} {said}",
    "series.stopped": "{who} stopped a series: {said}",
    "series.skipped": "{who} skipped a day: {said}",
    "series.held": "{who} reinstated a day: {said}",
    "club.changed": "{who} changed the club: {said}",
    "account.signed-up": "{one} signed up",
    "account.confirmed": "{one} confirmed their address",
    "account.standing": "{who} changed the access or the role of {whom}",
    "account.made-admin": "The operator made {whom} an admin",
    "account.exported": "{one} took a copy of their data",
    "account.closed": "{one} closed their account",
    "profile.changed": "{one} changed their profile",
    "address.asked": "{one} asked to change their address",
    "address.confirmed": "{one} confirmed their address once more",
    "address.changed": "{one} changed their address",
    "address.lifted": "{who} has mails sent to the address of {whom} again",
    "address.refused": "A code for a new address did not match: {one}",
    "password.reset-asked": "{one} asked for a new password",
    "password.reset-sent": "{one} was sent a link for a new password",
    "password.reset": "{one} chose a new password by mail",
    "password.changed": "{one} changed their password",
    "password.refused": "A password did not match: {one}",
    "feed.made": "{who} made a calendar feed",
    "feed.revoked": "{who} revoked a calendar feed",
    "sign-in.opened": "{one} {said}",
    "sign-in.ended": "{one} ended a sign-in",
    "sign-in.others-ended": "{one} ended all other sign-ins",
    "sign-in.refused": "Address and password did not match: {one}",
    "second-factor.given": "Two-step code accepted: {one}",
    "second-factor.refused": "Two-step code refused: {one}",
    "second-factor.set-up": "{one} set up a second factor",
    "second-factor.dropped": "{one} switched the second factor off",
    "second-factor.new-recovery": "{one} made new recovery codes",
    "second-factor.reset": "The operator took away the second factor of {whom}",
    "limit.reached": "{said}: {one}",
    "request.broke": "Something broke on our side for {who}",
    "order.paid": "{one}: {said}",
    "order.opened": "{one}: {said}",
    "order.refund-asked": "{who} asked Stripe to refund {whom}: {said}",
    "order.marked-paid": "{who} marked an order of {whom} as paid: {said}",
    "order.returned": "{who} noted money sent back to {whom}: {said}",
    "order.withdrawn": "{one} withdrew an order: {said}",
    "order.amount_differs": "Stripe asked {one} another amount than was shown: {said}",
    "subscription.begun": "{one}: {said}",
    "access.given": "{who} gave {whom} days: {said}",
    "plan.set-to-end": "{one} set their plan to end",
    "plan.resumed": "{one} kept their plan after all",
    "plan.ended-by-club": "{who} set the plan of {whom} to end: {said}",
    "plan.resumed-by-club": "{who} let the plan of {whom} renew again: {said}",
    "plan.changed": "{one} changed their plan: {said}",
    "plan.change-planned": "{one} planned a change of plan: {said}",
    "plan.change-dropped": "{one} dropped a planned change of plan",
    "billing.reconciled": "The portal compared with Stripe: {said}",
    "billing.compare-asked": "{who} asked to compare with Stripe",
    "family.started": "{one} {said}",
    "family.renamed": "{who} renamed their family: {said}",
    "family.seats-set": "{who} {said} in a family",
    "family.sharing": "{who} decided about sharing with the family: {said}",
    "family.answering": "{who} decided about answers by the family: {said}",
    "family.invited": "{who} invited somebody to their family",
    "family.invited-again": "{who} sent a family invitation again",
    "family.invitation-revoked": "{who} withdrew a family invitation",
    "family.declined": "A family invitation was declined",
    "family.joined": "{one} joined a family",
    "family.left": "{who} left their family",
    "family.removed": "{who} removed {whom} from the family",
    "family.removal-undone": "{who} took back the removal of {whom}",
    "family.transfer-proposed": "{who} asked {whom} to take over the family",
    "family.transfer-withdrawn": "An offer to hand over a family was withdrawn",
    "family.taken-over": "{one} took over the family",
    "family.ending": "{who} let the family plan end",
    "mail.opened": "{who} read a mail to {whom} in the outbox",
    "mail.sent-again": "{who} had a mail to {whom} sent again",
    "mail.retried": "{who} had a mail to {whom} tried again that had failed",
    "mail.retry-all-asked": "{who} had all failed mails tried again",
    "mail.tested": "{who} sent a test mail",
    "announcement.written": "{who} wrote a message to a group: {said}",
    "announcement.taken-back": "{who} took a message to a group back: {said}",
    "announcement.stopped": "{who} stopped a message to a group: {said}",
    "announcement.sent": "A message was written to everybody in its group: {said}",
    "announcement.broken-off": "A message to a group was broken off: {said}",
    "family.take-over-refused": "{one} paid to take over a family that was no longer on offer",
}
_PIECES = re.compile(r"(\{\w+\})")


def sentence(operation: str | None, message: str, *, by_person: bool, about: bool, at_meeting: bool) -> list[str]:
    """A row as the pieces of one sentence: words, and {who}, {whom}, {one} and {meeting} for what a page links.

    Whoever and whatever the row knows and its sentence does not name is added at the end. Before an operation has a
    sentence here, its message says what happened, after the name of whoever did it.
    """
    message = message.removesuffix(
        "."
    )  # what somebody typed as a reason may end with one; the page ends every sentence
    # A name, a number or an order's sign keeps its capital.
    begins = message[:1].lower() + message[1:] if message[1:2].islower() else message
    template = SENTENCES.get(operation or "") or (
        "{who}: {said}" if by_person else message.replace("{", "(").replace("}", ")")
    )
    if about and not {"{whom}", "{one}"} & set(_PIECES.findall(template)):
        template += ", about {whom}"
    if at_meeting and "{meeting}" not in template:
        template += ", at {meeting}"
    return [begins if piece == "{said}" else piece for piece in _PIECES.split(template) if piece]
