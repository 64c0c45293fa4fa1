"""The log as admins read it: newest first, narrowed, page by page."""

from html import unescape

import pytest

from tests.support.cast import plan_meeting
from tests.support.reading import one, words

WROTE = (
    "insert into system_logs (level, category, message, operation, user_id, subject_id, meeting_id, request_id, timestamp)"
    " values (%s, %s, %s, 'x.y', %s, %s, %s, %s, now() + %s * interval '1 second')"
)


@pytest.fixture
def desk(sign_in, dora):
    """The admin's browser."""
    return sign_in(dora)


@pytest.fixture
def tonight(superuser):
    """A meeting."""
    return plan_meeting(superuser, "Mending hour")


@pytest.fixture
def wrote(superuser):
    """Write a row: `wrote("What happened", by=alice, level="warn")`."""

    def write(message, *, by=None, to=None, meeting=None, level="info", category="user", reference=None, after=0):
        ids = [one_ and one_.id for one_ in (by, to, meeting)]
        superuser.execute(WROTE, [level, category, message, *ids, reference, after])

    return write


def told(answer):
    """Which of the rows this test wrote are on the page, in their order."""
    return [line.partition("<")[0].strip() for line in answer.text.split('<td class="lead">')[1:] if line.startswith("Row ")]


def test_newest_first_with_who_did_it_to_whom_and_where(desk, wrote, alice, bob, tonight):
    wrote("Row old", by=alice, to=bob, after=-60)
    wrote("Row new", by=alice, meeting=tonight, after=60)
    answer = desk.get("/admin/log")
    assert told(answer) == ["Row new", "Row old"]
    assert "Alice" in words(answer) and "to Bob" in words(answer) and tonight.title in words(answer)


def test_it_is_narrowed_by_how_bad_and_what_about(desk, wrote):
    wrote("Row fine")
    wrote("Row warned", level="warn", category="billing", after=1)
    wrote("Row broke", level="error", after=2)
    assert told(desk.get("/admin/log?level=trouble")) == ["Row broke", "Row warned"]
    assert told(desk.get("/admin/log?level=error")) == ["Row broke"]
    assert told(desk.get("/admin/log?category=billing")) == ["Row warned"]
    assert told(desk.get("/admin/log?level=nonsense&category=nonsense")) == ["Row broke", "Row warned", "Row fine"]


def test_a_person_is_found_in_what_they_did_and_in_what_was_done_to_them(desk, wrote, alice, bob, charlie):
    wrote("Row by", by=alice)
    wrote("Row to", by=bob, to=alice, after=1)
    wrote("Row of others", by=charlie, to=bob, after=2)
    answer = desk.get(f"/admin/log?person={alice.id}")
    assert told(answer) == ["Row to", "Row by"] and "About Alice" in words(answer)


def test_a_meeting_and_the_reference_of_an_error_page(desk, wrote, tonight):
    wrote("Row of it", meeting=tonight)
    wrote("Row of the request", reference="7F3K-20QX")
    assert told(desk.get(f"/admin/log?meeting={tonight.id}")) == ["Row of it"]
    assert told(desk.get("/admin/log?reference=7f3k-20qx")) == ["Row of the request"]


def test_page_by_page_each_row_once(desk, superuser, wrote):
    for number in range(120):
        wrote(f"Row {number}", after=number // 7 + 60)  # several of one second
    pages, url = [], "/admin/log?category=user"
    while url:
        answer = desk.get(unescape(url))
        pages.append(told(answer))
        url = answer.text.partition('">Earlier</a>')[0].rpartition('href="')[2] if "Earlier</a>" in answer.text else ""
    assert [len(rows) for rows in pages] == [50, 50, 20]
    assert len({row for rows in pages for row in rows}) == 120


@pytest.mark.parametrize("query", ["before=x", "before=9e99,1", "person=x", "meeting=%00", "before=nan,x", "reference=%27"])
def test_odd_questions_find_something_or_nothing(query, desk, wrote):
    wrote("Row fine")
    assert desk.get(f"/admin/log?{query}").status_code == 200


def test_what_was_typed_is_shown_as_text_and_members_see_none_of_it(desk, sign_in, wrote, alice):
    wrote("Row <b>bold</b>")
    assert "Row &lt;b&gt;bold" in desk.get("/admin/log").text
    assert sign_in(alice).get("/admin/log").status_code == 404


def test_person_and_meeting_lead_to_what_happened(desk, alice, tonight, superuser):
    assert f"/admin/log?person={alice.id}" in desk.get(f"/admin/people/{alice.id}").text
    assert f"/admin/log?meeting={tonight.id}" in desk.get(f"/admin/meetings/{tonight.id}").text
    assert one(superuser, "select count(*) from system_logs where operation = 'x.y'") == 0
