"""What the portal's pages are compared with: plain Flask and raw psycopg, as a superuser.

The meetings page: one query, the same rows and buttons. It shows the same week with the same words, times in the
reader's zone and an answer form each. It has no row security or identity, no sign-in or session, no form tokens, no
headers, no navigation or footer, no picture of the places, no second clock, and it knows no answer but "coming" and no
state of a meeting but "planned". An answer: one call of the database's function, and a redirect.
"""

import os
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import psycopg_pool
from flask import Flask, redirect, request
from werkzeug import Response

from portal.database.identity import BECOME

QUERY = """
select m.id, m.title, m.host_name, m.platform, m.duration, m.starts_at, m.ends_at, m.status, m.max_attendees,
       m.seats_taken, m.waiting_count, a.answer
  from meetings m left join meeting_attendances a on a.meeting_id = m.id and a.user_id = %s
 where m.ends_at > %s and m.starts_at > %s and m.status <> 'archived' order by m.starts_at, m.id limit 21
"""
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Meetings</title></head><body><h1>Meetings</h1>
{% for m, starts in rows %}<article><h2>{{ starts.strftime("%a %d") }}</h2>
<time datetime="{{ starts.isoformat() }}">{{ starts.strftime("%H:%M") }}</time>
<h3><a href="/meetings/{{ m.id }}">{{ m.title }}</a></h3><p>{{ m.host_name }}, {{ m.duration }} min, {{ m.platform }}</p>
<p>{% if m.max_attendees %}{{ m.seats_taken }} of {{ m.max_attendees }} places, {{ m.waiting_count }} waiting
{% else %}{{ m.seats_taken }} coming{% endif %}</p>
<form method="post" action="/meetings/{{ m.id }}/answer"><fieldset><legend>Your answer to {{ m.title }}</legend>
<button name="answer" value="accepted" id="yes-{{ m.id }}"
  aria-pressed="{{ 'true' if m.answer == 'accepted' else 'false' }}">I’m coming</button>
<button name="answer" value="declined" id="no-{{ m.id }}"
  aria-pressed="{{ 'true' if m.answer == 'declined' else 'false' }}">Not this time</button>
</fieldset></form></article>
{% endfor %}</body></html>"""

application = Flask(__name__)
template = application.jinja_env.from_string(PAGE)
pool = psycopg_pool.ConnectionPool(
    os.environ["BARE_DATABASE_URL"],
    min_size=1,
    max_size=4,
    open=True,
    kwargs={"row_factory": psycopg.rows.namedtuple_row},
)
person, zone = os.environ["BARE_PERSON"], ZoneInfo(os.environ["BARE_ZONE"])


@application.get("/meetings")
def meetings() -> str:
    now = datetime.now(UTC)
    with pool.connection() as connection:
        found = connection.execute(QUERY, [person, now, now - timedelta(hours=8)]).fetchall()
    rows = [(m, m.starts_at.astimezone(zone)) for m in found]
    end = rows[0][1].date() + timedelta(days=7)
    return template.render(rows=[row for row in rows if row[1].date() < end])


@application.post("/meetings/<uuid:meeting>/answer")
def answer(meeting: str) -> Response:
    """An answer: one call of the database's function, in the person's name; nobody asks who they are, or notes it."""
    with pool.connection() as connection:
        connection.execute(BECOME, {"role": "portal_member", "user_id": person})
        connection.execute("select * from rsvp(%s, %s)", [meeting, request.form["answer"]]).fetchone()
    return redirect(f"/meetings/{meeting}", 303)
