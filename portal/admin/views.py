"""The admin blueprint, one small file per subject."""

from flask import Blueprint

from portal.admin import families, meetings, people, today

bp = Blueprint("admin", __name__, url_prefix="/admin")
for subject in (today, people, families, meetings):
    subject.add_to(bp)
