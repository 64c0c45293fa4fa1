"""What the portal's meetings page is compared with: Flask, one raw query as a superuser, the same twenty rows, no login.

No row security, no identity, no sign-in, no CSRF, no headers, no layout worth the name.
"""

import os
from datetime import UTC, datetime

import psycopg_pool
from flask import Flask

QUERY = """
select m.id, m.title, m.host_name, m.platform, m.duration, m.starts_at, m.ends_at, m.status, m.max_attendees,
       m.seats_taken, m.waiting_count, a.answer
  from meetings m left join meeting_attendances a on a.meeting_id = m.id and a.user_id = %s
 where m.ends_at > %s and m.starts_at > %s and m.status <> 'archived' order by m.starts_at, m.id limit 21
"""
PAGE = """<!doctype html><title>Meetings</title><h1>Meetings</h1>
{% for m in rows %}<article><time>{{ m[5] }}</time><h2><a href="/meetings/{{ m[0] }}">{{ m[1] }}</a></h2>
<p>{{ m[2] }}, {{ m[4] }} min, {{ m[3] }}</p><p>{{ m[9] }} of {{ m[8] }} places, {{ m[10] }} waiting</p>
<form method="post" action="/meetings/{{ m[0] }}/answer"><button>{{ m[11] or "coming" }}</button></form></article>{% endfor %}"""

application = Flask(__name__)
template = application.jinja_env.from_string(PAGE)
pool = psycopg_pool.ConnectionPool(os.environ["BARE_DATABASE_URL"], min_size=1, max_size=4, open=True)
person = os.environ["BARE_PERSON"]


@application.get("/meetings")
def meetings() -> str:
    now = datetime.now(UTC)
    with pool.connection() as connection:
        rows = connection.execute(QUERY, [person, now, now]).fetchall()
    return template.render(rows=rows)
