"""What a row of the log says to whoever reads it."""

LEVELS = {
    "info": ("ring", "Note", ""), "warn": ("quarter", "Warning", "amber"), "error": ("cross", "Error", "bad"),
    "debug": ("ring", "Detail", ""),
}  # fmt: skip
"""How much a row matters: its disc, its word, its tone."""

CATEGORIES = {
    "meeting": "Meetings", "user": "People and families", "billing": "Money", "email": "Mail", "security": "Security",
    "cron": "Done by the clock", "api": "Defects",
}  # fmt: skip

# A message is plain words already, but where it names a state as the tables do.
HAPPENED = {
    "answer.accepted": "Said yes", "answer.declined": "Said no", "answer.requested": "Asked for a place",
    "answer.waitlisted": "Joined the line", "answer.offered": "Has an offer of a place", "answer.withdrawn": "No longer waits or asks",
    "answer.together": "Answered for the family", "attendance.corrected": "Corrected whether somebody came",
    "request.accepted": "Let somebody in who asked for a place", "request.rejected": "Refused somebody who asked for a place",
    "request.waitlisted": "Put somebody in line who asked for a place", "billing.reconciled": "Compared with Stripe",
    "order.amount_differs": "Stripe asked another amount than was shown", "request.broke": "Something broke on our side",
}  # fmt: skip


def happened(operation: str | None, message: str) -> str:
    """A row in a few words: Said yes, for the operation answer.accepted."""
    return HAPPENED.get(operation or "", message)
