"""Finding people: by the beginning of any word of a name or an address, in any script, and by an order's number."""

import re
from unittest import mock

import pytest

from portal.database.driver import Driver
from tests.support.cast import crowd
from tests.support.reading import one, plain, rows, words

RENAMED = {
    "alice": ("İpek", "Yılmaz"),
    "bob": ("Bilal", "Rahman-Duarte"),
    "charlie": ("Zoë", "Straße"),
    "eve": ("Жанна", "Őry"),
}


@pytest.fixture
def found(desk, superuser, people):
    """`found("duarte")`: the first names of whoever is listed, among people with names from everywhere."""
    for email, names in RENAMED.items():
        superuser.execute(
            "update users set first_name = %s, last_name = %s where email = %s", [*names, f"{email}@club.example"]
        )
    superuser.execute("update users set email = 'zoe.k@gmail.com' where first_name = 'Zoë'")

    def look(q, at="/admin/people"):
        answer = desk.get(at, query_string={"q": q})
        assert answer.status_code == 200
        return [plain(name).split()[0] for name in re.findall(r'class="lead">.*?<bdi>(.*?)</bdi>', answer.text)]

    return look


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("rahman", ["Bilal"]),
        ("Duarte", ["Bilal"]),
        ("bilal duarte", ["Bilal"]),
        ("duarte bob@club", ["Bilal"]),
        ("Yılmaz", ["İpek"]),
        ("yilmaz", ["İpek"]),
        ("YILMAZ", ["İpek"]),
        ("İpek", ["İpek"]),
        ("ipek", ["İpek"]),
        ("IPEK", ["İpek"]),
        ("gmail", ["Zoë"]),
        ("zoe", ["Zoë"]),
        ("Zoe\u0308", ["Zoë"]),
        ("STRASSE", ["Zoë"]),
        ("ЖАН", ["Жанна"]),
        ("ory", ["Жанна"]),
        ("ahman", []),
        ("bilal yilmaz", []),
    ],
)
def test_any_word_of_a_name_or_address_is_found_however_it_is_written(found, q, names):
    assert found(q) == names


def test_an_orders_number_finds_who_paid_it_and_only_whole(found, superuser):
    number = one(superuser, "select order_number from orders")
    assert found(number) == found(number.lower()) == ["İpek"]
    assert found(number[:-1]) == []


@pytest.mark.parametrize(
    "q", [":*", "'", "\\", "& | !", "<->", "'x':*|!(", "\x00", "x" * 1000, "ﷺ" * 100, "\u0301", "%", "_"]
)
@pytest.mark.parametrize("at", ["/admin/people", "/admin/families"])
def test_what_is_no_word_finds_nobody_and_harms_nothing(desk, people, q, at):
    answer = desk.get(at, query_string={"q": q})
    everybody = not q.replace("\x00", "")
    assert (answer.status_code, len(rows(answer, "tr")) > 1) == (200, everybody)


def test_names_are_folded_alike_in_every_locale(superuser):
    written = "İPEK Yılmaz ẞtraße ŁUKASZ Øst ЖАННА ΩΜΈΓΑΣ ՀԱՅԿ Őry"
    ours, plain_c = superuser.execute(
        'select folded_words(%(w)s), folded_words(%(w)s collate "C")', {"w": written}
    ).fetchone()
    assert ours == plain_c
    assert set(ours) == {"ipek", "yilmaz", "sstrasse", "lukasz", "ost", "жанна", "ωμεγασ", "հայկ", "ory"}


def test_a_family_is_found_by_any_word_of_its_name_or_people(found, superuser):
    superuser.execute("update family_plans set plan_name = 'Çelik & Işık'")
    assert [found(q, "/admin/families") for q in ("isik", "ÇELİK", "yilmaz", "duarte", "zoe")] == [["Çelik"]] * 4 + [[]]


def test_a_guest_of_one_meeting_is_found_by_last_name(desk, superuser, supper, bob):
    superuser.execute("update users set last_name = 'Rahman' where id = %s", [bob.id])
    superuser.execute(
        "insert into meeting_attendances (meeting_id, user_id, answer) values (%s, %s, 'declined')", [supper.id, bob.id]
    )
    assert "Bob Rahman" in words(desk.get(f"/admin/meetings/{supper.id}?q=rahman"))
    assert "Bob Rahman" not in words(desk.get(f"/admin/meetings/{supper.id}?q=duarte"))


@pytest.mark.parametrize("page", ["/admin/people", "/admin/families"])
def test_one_among_many_is_found_by_an_index_past_the_policies(desk, superuser, as_, dora, people, page):
    crowd(superuser, 2000)
    superuser.execute("update users set last_name = 'Duarte' where email = 'guest7@club.example'")
    superuser.execute("select gin_clean_pending_list('ix_users_search')")  # as autovacuum does before it counts
    superuser.execute("analyze users")
    asked, ask = [], Driver.ask

    def note(driver, statement, given):
        named = re.sub(
            rb"\$(\d+)", lambda place: b"%%(%b)s" % statement.names[int(place[1]) - 1].encode(), statement.sql
        )
        asked.append((named.decode(), given))
        return ask(driver, statement, given)

    with mock.patch.object(Driver, "ask", note):
        desk.get(page, query_string={"q": "duarte"})
    searches = [one for one in asked if "searched(" in one[0]]
    assert searches
    with as_(dora) as db:
        for statement, given in searches:
            plan = "\n".join(line for (line,) in db.execute(f"explain {statement}", given))
            assert "ix_users_search" in plan and "Seq Scan on users" not in plan, plan
