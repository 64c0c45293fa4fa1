"""The admin blueprint, one small file per subject."""

from flask import Blueprint

from portal.admin import (
    families,
    log,
    meetings,
    money,
    one_meeting,
    operations,
    participants,
    people,
    series,
    standing,
    today,
)

bp = Blueprint("admin", __name__, url_prefix="/admin")
for subject in (today, people, standing, families, money, meetings, one_meeting, participants, series, operations, log):
    subject.add_to(bp)
