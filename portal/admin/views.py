"""The admin blueprint, one small file per subject."""

from flask import Blueprint

from portal.admin import (
    account_status,
    club,
    doctor,
    evidence,
    families,
    hours,
    inbox,
    invitations,
    log,
    meetings,
    messages,
    money,
    moving,
    one_meeting,
    operations,
    outbox,
    participants,
    people,
    renewal,
    schedule,
    series,
    today,
)

bp = Blueprint("admin", __name__, url_prefix="/admin")
for subject in (
    today,
    people,
    account_status,
    families,
    money,
    renewal,
    evidence,
    meetings,
    hours,
    one_meeting,
    participants,
    series,
    operations,
    club,
    moving,
    invitations,
    outbox,
    messages,
    inbox,
    schedule,
    doctor,
    log,
):
    subject.add_to(bp)
