"""The list of people: by name, filtered by a plain form, each with the last fourteen evenings."""

import re
from datetime import timedelta

import pytest

from portal.clock import at
from tests.support.cast import crowd
from tests.support.reading import invite, link, plain, plan, rows, statements, words


@pytest.fixture
def look(desk):
    """`look("q=ana")`: the list."""

    def see(query=""):
        answer = desk.get(f"/admin/people?{query}")
        assert answer.status_code == 200
        return answer

    return see


def names(answer):
    """Who is listed, in order."""
    return [plain(name) for name in re.findall(r'class="lead"><bdi>(.*?)</bdi>', answer.text)]


def test_everybody_stands_there_by_name(look):
    assert names(look()) == ["Alice", "Bob", "Charlie", "Dora", "Eve"]
    assert words(look()).startswith("5 people, 4 may come in By name.")


def test_a_row_says_plan_access_date_and_zone(look, superuser, alice, eve):
    superuser.execute("update users set timezone = 'Asia/Tokyo' where id = %s", [eve.id])
    _head, first, *_, last = rows(look(), "tr")
    assert first.startswith("Alice alice@club.example Family, pays Active until ") and first.endswith("Istanbul")
    assert last == "Eve eve@club.example None yet Tokyo"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"is_active": False}, "Suspended"),
        ({"subscription_status": "pending"}, "Pending"),
        ({"access_until": "2026-01-01"}, "Lapsed since 1 Jan 2026"),
        ({"access_until": "2099-01-01"}, "Active until 1 Jan 2099"),
        ({"access_until": "2099-01-08", "subscription_expiry": "2099-01-01"}, "Active until 1 Jan 2099"),
        ({"access_until": "2099-01-08", "subscription_expiry": "2026-01-01"}, "Grace since 1 Jan 2026"),
    ],
)
def test_access_is_a_word(look, superuser, eve, columns, said):
    for column, value in columns.items():
        superuser.execute(f"update users set {column} = %s where id = %s", [value, eve.id])
    assert said in rows(look(), "tr")[-1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=al", ["Alice"]),
        ("q=ALICE", ["Alice"]),
        ("q=bob@club", ["Bob"]),
        ("q=lice", []),
        ("q=%25", []),
        ("q=_lice", []),
        ("q=%5C", []),
        ("q=%00al", ["Alice"]),
        ("access=active", ["Alice", "Bob", "Charlie", "Dora"]),
        ("access=none", ["Eve"]),
        ("access=nonsense", ["Alice", "Bob", "Charlie", "Dora", "Eve"]),
        ("plan=family", ["Alice", "Bob"]),
        ("plan=individual", ["Charlie", "Dora"]),
        ("plan=none", ["Eve"]),
        ("plan=family&access=none", []),
        ("plan=family&q=b", ["Bob"]),
    ],
)
def test_the_list_is_filtered(look, query, found):
    assert names(look(query)) == found


def test_nobody_is_a_sentence_and_the_way_back(look):
    answer = look("q=zz")
    assert words(answer).startswith("Nobody found") and "Nobody matches." in words(answer)
    assert link(answer, "Clear filters") == "/admin/people"


def test_what_was_searched_stays_in_the_form(look):
    assert (
        'value="&lt;al&gt;"' in look("q=<al>").text and '<option value="active" selected>' in look("access=active").text
    )


def walk(look, query=""):
    """Everybody on the way along the links, and how many pages there were."""
    seen, pages = [], 0
    while query is not None:
        answer = look(query)
        following = link(answer, "Next page")
        seen, pages, query = seen + names(answer), pages + 1, following and following.partition("?")[2]
    return seen, pages


def test_pages_follow_without_gap_or_repeat(look, superuser, people):
    crowd(superuser, 60)
    seen, pages = walk(look)
    assert (len(seen), pages) == (65, 4)


def test_one_comes_back_to_the_first_page(look, superuser, people):
    crowd(superuser, 30)
    assert link(look("q=guest"), "First page") is None
    second = look(link(look("q=guest"), "Next page").partition("?")[2])
    assert link(second, "First page") == "/admin/people?q=guest&access=&plan="


def test_a_filter_survives_the_pages(look, superuser, people):
    crowd(superuser, 30)
    seen, pages = walk(look, "q=guest&access=active")
    assert (len(seen), pages) == (30, 2)


def test_a_search_with_odd_characters_survives_the_pages(look, superuser, people):
    crowd(superuser, 30)
    superuser.execute("update users set first_name = 'R&D #1 + 50%% ' || id::text where email like 'guest%%'")
    seen, pages = walk(look, "q=R%26D+%231+%2B+50%25")
    assert (len(seen), pages) == (30, 2)


def test_people_of_one_name_are_paged_by_their_rows(look, superuser, people):
    crowd(superuser, 45)
    answer, emails = look("q=guest"), []
    while True:
        emails += re.findall(r"guest\d+@club.example", words(answer))
        if not link(answer, "Next page"):
            break
        answer = look(link(answer, "Next page").partition("?")[2])
    assert len(emails) == len(set(emails)) == 45


@pytest.mark.parametrize(
    "cursor", ["x", "%00", "é", "AAAA", "____", "YQ==", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
)
def test_a_page_that_never_was_is_the_first_one(look, cursor):
    assert len(names(look(f"from={cursor}"))) == 5


def test_ticks_are_the_last_fourteen_evenings(look, superuser, alice):
    for days in range(1, 17):
        meeting = plan(superuser, f"Evening {days}", days=-days, status="completed")
        if days in (1, 3, 14, 15, 16):
            invite(superuser, alice, meeting, answer="accepted", joined_at=meeting.starts_at)
    cancelled = plan(superuser, "Film", days=-1, status="cancelled", cancellation_reason="Ill.", start_time="12:00")
    invite(superuser, alice, cancelled, answer="accepted")
    page = look("q=alice").text
    assert 'aria-label="3 of the last 14 evenings"' in page
    ticks = page.partition('class="ticks"')[2].partition('<path d="')[2].partition('"')[0]
    assert re.findall(r"M(\d+) ", ticks) == ["0", str(11 * 8), str(13 * 8)]


def test_a_club_without_evenings_has_no_ticks(look):
    assert 'aria-label="0 of the last 14 evenings"' in look().text


def test_a_page_costs_who_asks_and_two_statements(app, look, superuser, people):
    crowd(superuser, 40)
    with statements() as sent:
        look()
    assert len(sent) == 1 + 2


def test_access_ends_by_the_clock(desk, now):
    with at(now + timedelta(days=13)):
        assert len(names(desk.get("/admin/people?access=active"))) == 4


def test_a_member_reads_which_admin_looked(desk, sign_in, alice, charlie, superuser):
    for page in ("", "/money", ""):
        desk.get(f"/admin/people/{alice.id}{page}")
    desk.get(f"/admin/log?person={alice.id}")
    hers, his = words(sign_in(alice).get("/account")), words(sign_in(charlie).get("/account"))
    assert hers.count("Dora opened your page Today at") == 1 and "Nobody did." in his
    assert superuser.execute("select count(*) from system_logs where operation = 'person.opened'").fetchone() == (1,)


def test_nobody_is_told_that_they_looked_at_themselves(desk, dora):
    desk.get(f"/admin/people/{dora.id}")
    assert "Nobody did." in words(desk.get("/account"))
