"""The admin blueprint, one small file per subject."""

from flask import Blueprint

from portal.admin import families, meetings, money, operations, people, standing, today

bp = Blueprint("admin", __name__, url_prefix="/admin")
for subject in (today, people, standing, families, money, meetings, operations):
    subject.add_to(bp)
