"""A private meeting exists for its guests and nobody else: inviting them, by whom, and taking it back."""

import pytest

from tests.support.cast import crowd
from tests.support.reading import answers, invite, link, one, operations, plan, rows, said_at, words

HIDDEN_AT = ("", ".ics", "/mine", "/live", "/guests", "/requests")


@pytest.fixture
def desk(sign_in, dora):
    """The admin's browser."""
    return sign_in(dora)


@pytest.fixture
def asks(desk, secret):
    """`asks(alice, later="y")`: the admin invites by address."""

    def press(*people, browser=None, **form):
        typed = "\n".join(getattr(person, "email", person) for person in people)
        return (browser or desk).submit(f"/meetings/{secret.id}/guests", addresses=typed, **form)

    return press


def guests(postgres, meeting):
    found = postgres.execute("select user_id from meeting_attendances where meeting_id = %s", [meeting.id])
    return {user_id for (user_id,) in found.fetchall()}


# --- inviting --------------------------------------------------------------------------------------------------------


def test_who_is_invited_is_told_once_and_sees_it_in_the_list(asks, sign_in, work, mails, alice, secret):
    asks(alice)
    asks(alice)
    work()
    (mail,) = mails(alice.email)
    assert mail["subject"] == "You are invited: Secret" and f"/meetings/{secret.id}" in mail["text"]
    assert "Dora invites you." in mail["text"]
    assert "Secret" in words(sign_in(alice).get("/meetings"))


def test_a_guest_says_whether_they_come(asks, desk, sign_in, superuser, alice, secret):
    asks(alice)
    hers = sign_in(alice)
    assert "Only invited people. Nobody else sees this meeting." in words(hers.get(f"/meetings/{secret.id}"))
    hers.submit(f"/meetings/{secret.id}/answer", answer="accepted")
    assert "Said yes" in next(row for row in rows(desk.get(f"/meetings/{secret.id}/guests"), "li") if "Alice" in row)


@pytest.mark.parametrize("path", HIDDEN_AT)
def test_for_everybody_else_it_does_not_exist(asks, sign_in, client, alice, bob, secret, path):
    asks(alice)
    assert sign_in(bob).get(f"/meetings/{secret.id}{path}").status_code == 404
    assert client.get(f"/meetings/{secret.id}{path}").status_code == 303


def test_it_is_in_no_list_and_on_no_front_page(asks, sign_in, client, alice, bob, secret):
    asks(alice)
    for answer in (sign_in(bob).get("/meetings"), sign_in(bob).get("/meetings/past"), client.get("/")):
        assert "Secret" not in answer.text


def test_many_are_invited_at_once_and_each_is_noted(asks, superuser, alice, bob, charlie, secret):
    answer = asks(alice, bob, f" {charlie.email.upper()} ;")
    assert answer.status_code == 303 and guests(superuser, secret) == {alice.id, bob.id, charlie.id}
    assert operations(superuser) == ["guest.invited"] * 3


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nobody", "Enter an e-mail address with an @, like ana@duarte.pt"),
        ("", "Enter an address, or at most 50, one a line."),
        ("\n".join(f"a{n}@b.pt" for n in range(51)), "Enter an address, or at most 50, one a line."),
    ],
)
def test_what_cannot_be_invited_is_said_and_nobody_is(asks, superuser, secret, typed, said):
    answer = asks(typed)
    assert answer.status_code == 422 and said_at(answer, "addresses") == said
    assert guests(superuser, secret) == set() and typed.partition("\n")[0] in answer.text


@pytest.mark.parametrize("gone", ["is_active = false", "email_verified = false"])
def test_who_cannot_come_in_is_not_invited(asks, superuser, alice, secret, gone):
    superuser.execute(f"update users set {gone} where id = %s", [alice.id])
    assert asks(alice).status_code == 303 and guests(superuser, secret) == set()


def test_an_admin_picks_from_the_clubs_list(desk, superuser, alice, secret):
    found = desk.get(f"/meetings/{secret.id}/guests?q=ALI")
    assert alice.email in words(found) and "bob@" not in words(found)
    desk.submit(f"/meetings/{secret.id}/guests", addresses=alice.email)
    assert alice.email not in words(desk.get(f"/meetings/{secret.id}/guests?q=ali")).partition("Invite from")[2]


def test_an_open_meeting_has_no_guest_list(desk, superuser, alice, supper):
    assert desk.get(f"/meetings/{supper.id}/guests").status_code == 404
    assert desk.submit(f"/meetings/{supper.id}/guests", addresses=alice.email).status_code == 404
    assert one(superuser, "select count(*) from meeting_attendances") == 0


def test_what_is_over_has_nobody_to_invite(desk, superuser, alice):
    over = plan(superuser, "Over", days=-1, is_private=True)
    answer = desk.submit(f"/meetings/{over.id}/guests", addresses=alice.email)
    assert answer.status_code == 409 and "Only a private meeting that is not over" in words(answer)


def test_after_planning_a_private_meeting_its_guests_come_next(desk, superuser):
    form = {
        "title": "Hush",
        "scheduled_date": "2099-05-05",
        "start_time": "21:00",
        "timezone": "UTC",
        "duration": "60",
        "platform": "zoom",
        "is_private": "y",
    }
    location = desk.submit("/admin/meetings/new", **form).location
    assert location == f"/meetings/{one(superuser, 'select id from meetings')}/guests"
    assert "Nobody is invited yet." in words(desk.get(location))


# --- the host --------------------------------------------------------------------------------------------------------


@pytest.fixture
def hosted(superuser, charlie, secret):
    """The same meeting, led by Charlie."""
    superuser.execute("update meetings set host_id = %s", [charlie.id])
    return secret


def test_the_host_is_a_guest_and_invites_by_address(asks, sign_in, superuser, alice, charlie, hosted):
    his = sign_in(charlie)
    assert link(his.get(f"/meetings/{hosted.id}"), "Who is invited") == f"/meetings/{hosted.id}/guests"
    asks(alice, browser=his)
    assert guests(superuser, hosted) == {alice.id, charlie.id}


def test_the_host_reads_names_and_answers_and_no_addresses(asks, sign_in, superuser, alice, bob, charlie, hosted):
    answers(superuser, hosted.id, declined=[alice])
    answer = sign_in(charlie).get(f"/meetings/{hosted.id}/guests?q=bob")
    assert "Alice" in words(answer) and "Said no" in words(answer)
    assert alice.email not in answer.text and bob.email not in answer.text


STRANGERS = ("nobody@b.pt", "somebody@b.pt")


def test_a_host_cannot_tell_who_has_an_account(asks, sign_in, superuser, alice, bob, charlie, hosted, work, mails):
    """One unknown and two addresses answered with exactly the unknown one; a list that grew told the rest."""
    his, page = sign_in(charlie), f"/meetings/{hosted.id}/guests"
    told = []
    for typed in (STRANGERS, (alice.email, bob.email), (*STRANGERS, alice.email)):
        answer = asks(*typed, browser=his)
        told.append((answer.status_code, answer.location, words(his.get(page))))
    assert told[0] == told[1] == told[2] and guests(superuser, hosted) == {alice.id, bob.id, charlie.id}
    work()
    assert len(mails(alice.email)) == 1 and mails("nobody@b.pt") == []


def test_a_host_takes_back_by_address_and_cannot_tell_either(asks, sign_in, superuser, alice, charlie, hosted):
    his = sign_in(charlie)
    his.get(asks(alice, browser=his).location)
    told = []
    for typed in ("nobody@b.pt", alice.email):
        answer = his.submit(f"/meetings/{hosted.id}/guests", addresses=typed, take_back="y")
        told.append((answer.status_code, words(his.get(answer.location))))
    assert told[0] == told[1] and guests(superuser, hosted) == {charlie.id}


def test_a_host_whose_access_ended_runs_nothing(asks, as_, sign_in, superuser, alice, charlie, hosted):
    superuser.execute("update users set access_until = now() - interval '1 hour' where id = %s", [charlie.id])
    answer = asks(alice, browser=sign_in(charlie))
    assert answer.status_code == 409 and "Your access has ended" in words(answer)
    with as_(charlie) as db:
        assert db.execute(
            "select refusal from invite_guests(%s, %s, false)", [hosted.id, [alice.email]]
        ).fetchone() == ("over",)
    assert guests(superuser, hosted) == {charlie.id}


def test_a_guest_is_no_host(asks, sign_in, superuser, alice, bob, secret):
    asks(alice)
    hers = sign_in(alice)
    assert hers.get(f"/meetings/{secret.id}/guests").status_code == 404
    assert asks(bob, browser=hers).status_code == 404 and guests(superuser, secret) == {alice.id}


def test_nobody_asks_for_the_whole_town(asks, sign_in, charlie, hosted):
    his = sign_in(charlie)
    assert [asks("nobody@b.pt", browser=his).status_code for _ in range(31)][-2:] == [303, 429]


def test_no_sql_of_a_members_reads_the_list(as_, asks, superuser, alice, bob, secret):
    asks(alice)
    for person in (alice, bob):
        with as_(person) as db:
            assert db.execute("select count(*) from guests_of(%s)", [secret.id]).fetchone() == (0,)
            said = db.execute("select refusal from invite_guests(%s, %s, false)", [secret.id, [bob.email]])
            assert said.fetchone() == ("over",)
            took = db.execute("select count(*) from take_back_invitation(%s, %s, false)", [secret.id, alice.id])
            assert took.fetchone() == (0,)
    assert guests(superuser, secret) == {alice.id}


# --- taking it back --------------------------------------------------------------------------------------------------


@pytest.fixture
def takes_back(desk, secret):
    """`takes_back(alice)`: the button beside a guest."""
    return lambda person, **form: desk.submit(f"/meetings/{secret.id}/guests/{person.id}/removal", **form)


def test_who_is_no_longer_invited_is_told_and_finds_nothing(asks, takes_back, sign_in, work, mails, alice, secret):
    asks(alice)
    work()
    takes_back(alice)
    work()
    assert mails(alice.email)[0]["subject"] == "No longer invited: Secret"
    assert sign_in(alice).get(f"/meetings/{secret.id}").status_code == 404


def test_a_place_they_had_goes_to_who_waits(asks, takes_back, superuser, alice, bob, secret):
    superuser.execute("update meetings set max_attendees = 1")
    answers(superuser, secret.id, accepted=[alice], waitlisted=[bob])
    takes_back(alice)
    assert one(superuser, "select answer from meeting_attendances") == "offered"
    assert one(
        superuser, "select args ->> 'user_id' from procrastinate_jobs where task_name = 'attendance.tell_offer'"
    ) == str(bob.id)


def test_invited_again_is_told_again(asks, takes_back, work, mails, alice):
    for _ in range(2):
        asks(alice)
        work()
        takes_back(alice)
    asks(alice)
    work()
    assert len([mail for mail in mails(alice.email) if mail["subject"].startswith("You are invited")]) == 3


def test_the_host_stays_and_so_does_who_was_there(takes_back, superuser, alice, charlie, hosted):
    invite(superuser, alice, hosted, answer="accepted", joined_at=hosted.starts_at)
    for person in (alice, charlie):
        assert takes_back(person).status_code == 409
    assert guests(superuser, hosted) == {alice.id, charlie.id}


# --- a series --------------------------------------------------------------------------------------------------------


@pytest.fixture
def weekly(superuser, secret):
    """Two more of the same private series, after it."""
    series = one(
        superuser,
        "insert into meeting_series (title, repeats, weekdays, start_time, timezone, starts_on, is_private)"
        " values ('Secret', 'weekly', '{2}', '21:00', 'UTC', current_date, true) returning id",
    )
    later = [plan(superuser, "Secret", days=days, is_private=True) for days in (8, 15)]
    superuser.execute("update meetings set series_id = %s, series_date = scheduled_date", [series])
    return later


def test_an_invitation_may_be_for_the_later_ones_too_and_is_one_mail(
    asks, work, mails, superuser, alice, bob, secret, weekly
):
    asks(alice, later="y")
    asks(bob)
    work()
    assert [guests(superuser, one) for one in weekly] == [{alice.id}, {alice.id}]
    (mail,) = mails(alice.email)
    assert "You are also invited to the later meetings of its series: Every Tuesday." in mail["text"]


def test_and_is_taken_back_so(asks, takes_back, work, mails, superuser, alice, secret, weekly):
    asks(alice, later="y")
    takes_back(alice)
    assert [guests(superuser, one) for one in (secret, *weekly)] == [set(), {alice.id}, {alice.id}]
    asks(alice)
    takes_back(alice, later="y")
    assert [guests(superuser, one) for one in (secret, *weekly)] == [set(), set(), set()]


def test_a_long_list_costs_no_more_statements_than_a_short_one(desk, superuser, secret):
    answers(superuser, secret.id, invited=crowd(superuser, 60))
    assert len([row for row in rows(desk.get(f"/meetings/{secret.id}/guests"), "li") if "Guest" in row]) == 60
