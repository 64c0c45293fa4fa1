"""The log page: newest first, by level and kind, about a person, a meeting, a family, or by a reference."""

import re
from datetime import timedelta
from unittest import mock
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.support.cast import ALICE, BOB, FAMILY
from tests.support.reading import link, lives_in, plain, rows, statements, words


@pytest.fixture
def note(superuser, now):
    """`note("Said hello", minutes=5, user_id=…)`: a row of so many minutes ago."""

    def write(message, minutes=0, **columns):
        row = {
            "level": "info",
            "category": "user",
            **columns,
            "message": message,
            "timestamp": now - timedelta(minutes=minutes),
        }
        row = {name: Jsonb(value) if name == "metadata" else value for name, value in row.items()}
        names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
        superuser.execute(f"insert into system_logs ({names}) values ({marks})", list(row.values()))

    return write


@pytest.fixture
def look(desk):
    """`look("level=warn")`: the page."""

    def see(query=""):
        answer = desk.get(f"/admin/log?{query}")
        assert answer.status_code == 200
        return answer

    return see


def sentences(answer):
    """What happened, in the order shown."""
    entries = re.findall(r"</time>\s*<div>(.*?)<details>", answer.text, re.S)
    return [plain(sentence).removeprefix("Warning: ").removeprefix("Error: ").removesuffix(".") for sentence in entries]


def test_what_happened_newest_first(look, note):
    note("First", minutes=2)
    note("Last")
    note("Between", minutes=1)
    assert sentences(look()) == ["Last", "Between", "First"]


def test_a_row_is_a_sentence_with_both_names_linked(look, note, superuser, alice, bob, dora, supper, now):
    lives_in(superuser, dora, "Asia/Tokyo")
    note(
        "Invited to a private meeting",
        operation="guest.invited",
        user_id=alice.id,
        subject_id=bob.id,
        meeting_id=supper.id,
    )
    answer = look()
    moment = superuser.execute("select to_char(%s at time zone 'Asia/Tokyo', 'HH24:MI')", [now]).fetchone()[0]
    assert rows(answer, "li")[-1].startswith(f"{moment} Alice invited Bob to Supper.")
    assert link(answer, "Alice") == f"/admin/people/{alice.id}" and link(answer, "Bob") == f"/admin/people/{bob.id}"
    assert link(answer, "Supper") == f"/admin/meetings/{supper.id}"


def test_days_are_leaves_and_only_the_newest_is_open(look, note):
    for days in range(3):
        note(f"Day {days}", minutes=days * 24 * 60)
    page = look().text
    assert [plain(day) for day in re.findall(r'<h2 id="day-.*?">(.*?)</h2>', page)][:2] == ["Today", "Yesterday"]
    newest, *others = page.split('class="leaf day"')[1:]
    assert "<details><summary>1 entry" not in newest and all("<details><summary>1 entry" in each for each in others)


def test_the_heading_says_what_went_wrong_today(look, note):
    assert words(look(), "h1") == "Nothing went wrong today."
    note("Broke", level="error", category="api")
    note("Refused", level="warn", category="security")
    note("Refused again", level="warn", category="user")
    note("Long ago", level="error", minutes=3 * 24 * 60)
    assert words(look(), "h1") == "One error and two warnings today."


@pytest.mark.parametrize(
    ("operation", "columns", "sentence"),
    [
        (None, {}, "Something"),
        (None, {"user_id": ALICE.id}, "Alice: something"),
        (None, {"user_id": ALICE.id, "subject_id": BOB.id}, "Alice: something, about Bob"),
        (None, {"user_id": uuid4()}, "Somebody who is gone: something"),
        (None, {"subject_id": uuid4()}, "Something, about somebody who is gone"),
        (None, {"meeting_id": uuid4()}, "Something"),
        ("limit.reached", {"ip_address": "192.0.2.7"}, "Something: a visitor"),
        ("second-factor.given", {"subject_id": ALICE.id, "ip_address": "192.0.2.7"}, "Two-step code accepted: Alice"),
        ("account.closed", {"user_id": ALICE.id, "subject_id": ALICE.id}, "Alice closed their account"),
        ("meeting.planned", {"user_id": ALICE.id, "meeting_id": uuid4()}, "Alice planned a meeting"),
        ("attendance.released", {"subject_id": ALICE.id}, "Places of Alice were released: access ended"),
    ],
)
def test_a_sentence_names_whoever_is_known_once(look, note, operation, columns, sentence):
    note("Something", operation=operation, **columns)
    assert sentences(look()) == [sentence]


def test_braces_in_a_message_are_only_braces(look, note):
    note("{who} wrote {meeting}")
    assert sentences(look()) == ["(who) wrote (meeting)"]


def test_an_answer_is_told_in_words(look, desk, supper):
    desk.submit(f"/meetings/{supper.id}/answer", answer="accepted")
    answer = look()
    assert sentences(answer) == ["Dora said yes to Supper"]
    assert "Kind Meetings, answer.accepted Noted as Answered accepted At" in rows(answer, "details")[0]


def test_details_are_folded_and_whole(look, note):
    note(
        "Kept",
        metadata={"why": "<b>Why</b>", "people": [1, 2], "none": None},
        user_agent="Agent",
        request_id="7F3K-20QX",
    )
    answer = look()
    (folded,) = rows(answer, "details")
    assert "Kind People and families Noted as Kept By The portal At" in folded
    assert folded.endswith("Why <b>Why</b> People [1, 2] With Agent Reference 7F3K-20QX")
    assert "<details open" not in answer.text and link(answer, "7F3K-20QX") == "/admin/log?reference=7F3K-20QX"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("level=warn", ["Warned", "Refused"]),
        ("category=security", ["Refused", "Entered"]),
        ("level=warn&category=security", ["Refused"]),
        ("level=error", []),
        ("level=nonsense&category=nonsense", ["Warned", "Refused", "Entered"]),
        ("reference=7F3K-20QX", ["Refused"]),
        ("reference=7f3k+2oqx", ["Refused"]),
        ("reference=7F3K-20QX&level=info", []),
        ("reference=nonsense", []),
    ],
)
def test_the_log_is_filtered(look, note, query, found):
    note("Warned", level="warn")
    note("Refused", minutes=1, level="warn", category="security", request_id="7F3K-20QX")
    note("Entered", minutes=2, category="security", request_id="ZZZZ-ZZZZ")
    assert sentences(look(query)) == found


def test_what_was_looked_for_stays_in_the_form(look, alice):
    page = look(f"person={alice.id}&level=warn&category=cron&reference=<x>").text
    assert f'name="person" value="{alice.id}"' in page and '<option value="warn" selected>' in page
    assert '<option value="cron" selected>' in page and 'name="reference" value="&lt;x&gt;"' in page


def test_nothing_found_is_a_sentence_and_the_way_back(look):
    assert "Nothing has happened yet." in words(look())
    answer = look("level=error")
    assert "Nothing in the log matches." in words(answer) and link(answer, "Show everything") == "/admin/log"


def test_a_person_is_who_did_it_or_had_it_done_and_once(look, note, alice, bob):
    note("Did", user_id=alice.id, subject_id=bob.id)
    note("Had done", minutes=1, user_id=bob.id, subject_id=alice.id)
    note("Both", minutes=2, user_id=alice.id, subject_id=alice.id)
    note("Neither", minutes=3, user_id=bob.id)
    assert sentences(look(f"person={alice.id}")) == [
        "Alice: did, about Bob",
        "Bob: had done, about Alice",
        "Alice: both",
    ]


def test_person_and_meeting_narrow_each_other(look, note, alice, bob, supper):
    note("Hers there", user_id=alice.id, meeting_id=supper.id)
    note("His there", user_id=bob.id, meeting_id=supper.id)
    note("Hers", user_id=alice.id)
    assert sentences(look(f"person={alice.id}&meeting={supper.id}")) == ["Alice: hers there, at Supper"]
    assert len(sentences(look(f"meeting={supper.id}"))) == 2


def test_a_family_is_what_its_people_do_as_one(look, note, alice, bob, charlie):
    note("Renamed to Us", user_id=alice.id, operation="family.renamed")
    note("Removed somebody", minutes=1, user_id=alice.id, subject_id=bob.id, operation="family.removed")
    note("Ended", minutes=2, operation="family.ended", metadata={"plan_id": str(FAMILY)})
    note("Signed in", user_id=alice.id, operation="sign-in.opened")
    note("Another", user_id=charlie.id, operation="family.renamed")
    note("Another's end", operation="family.ended", metadata={"plan_id": str(uuid4())})
    assert sentences(look(f"family={FAMILY}")) == [
        "Alice renamed their family: renamed to Us",
        "Alice removed Bob from the family",
        "Ended",
    ]


@pytest.mark.parametrize("name", ["person", "meeting", "family"])
def test_something_that_is_gone_still_has_its_rows(look, note, name):
    gone = uuid4()
    columns = {
        "person": {"subject_id": gone},
        "meeting": {"meeting_id": gone},
        "family": {"metadata": {"plan_id": str(gone)}},
    }
    note("It was here", **columns[name])
    answer = look(f"{name}={gone}")
    (sentence,) = sentences(answer)
    assert sentence.startswith("It was here") and "gone" in words(answer, "h1")


@pytest.mark.parametrize("query", ["person=x", "meeting=7", "family=%27"])
def test_what_is_no_id_is_nowhere(desk, query):
    assert desk.get(f"/admin/log?{query}").status_code == 404


def test_there_and_back_again(desk, look, alice, supper):
    for name, path in (
        ("person", f"/admin/people/{alice.id}"),
        ("meeting", f"/admin/meetings/{supper.id}"),
        ("family", f"/admin/families/{FAMILY}"),
    ):
        there = link(desk.get(path), "What happened here")
        assert there == f"/admin/log?{name}={path.rpartition('/')[2]}"
        assert f'href="{path}">Back to' in desk.get(there).text


def test_pages_follow_without_gap_or_repeat(look, superuser, people, now):
    superuser.execute(
        "insert into system_logs (level, message, category, timestamp)"
        " select 'info', n::text, 'cron', %s - n / 3 * interval '1 second' from generate_series(1, 130) n",
        [now],
    )
    seen, query, pages = [], "category=cron", 0
    while query is not None:
        answer = look(query)
        following = link(answer, "Older")
        seen, pages, query = seen + sentences(answer), pages + 1, following and following.partition("?")[2]
    assert (len(seen), len(set(seen)), pages) == (130, 130, 4)
    assert link(answer, "Newest") == "/admin/log?category=cron" and link(look(), "Newest") is None


def test_a_page_costs_who_asks_and_three_statements(look, note):
    note("Something")
    look()  # the first page of a process also asks who the server is
    with statements() as sent:
        look()
    assert len(sent) == 1 + 3


MANY = """
insert into system_logs (level, message, category, user_id, subject_id, meeting_id, request_id, timestamp)
select 'info', n::text, 'meeting', new_id(), new_id(), new_id(), n::text, now() - n * interval '1 minute'
  from generate_series(1, 20000) n
"""


@pytest.mark.parametrize(
    "rare", ["", "level=error", "category=email", "reference=x", "person={id}", "meeting={id}", "family={id}"]
)
def test_rare_rows_are_found_among_many_by_an_index(look, superuser, as_, dora, database, rare):
    superuser.execute(MANY)
    superuser.execute("analyze system_logs")
    asked = []
    execute = psycopg.Cursor.execute

    def note(cursor, *statement, **options):
        asked.append(statement)
        return execute(cursor, *statement, **options)

    with mock.patch.object(psycopg.Cursor, "execute", note):
        look(rare.format(id=uuid4()))
    statement, params = next(one for one in asked if "system_logs" in str(one[0]))
    with as_(dora) as db:
        plan = "\n".join(line for (line,) in db.execute(f"explain (analyze) {statement}", params))
    assert "Seq Scan on system_logs" not in plan and not re.search(r"Removed by Filter: \d{3}", plan), plan
