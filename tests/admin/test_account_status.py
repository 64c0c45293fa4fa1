"""Who may come in and who plans: an admin's word, with a second factor given within half an hour."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from portal import clock
from portal.database.identity import BECOME
from tests.accounts.conftest import PASSWORD, another, cheap_hashes, enters, gives, sets_up, with_password  # noqa: F401 - fixtures
from tests.support.cast import plan_meeting
from tests.support.reading import link, one, until_somebody_waits, words

MINUTE = timedelta(minutes=1)


def presses(browser, person, standing, reason="A reason that counts", **more):
    return browser.submit(f"/admin/people/{person.id}/standing/{standing}", reason=reason, **more)


def account_status_of(superuser, person):
    return superuser.execute("select is_active, is_admin from users where id = %s", [person.id]).fetchone()


@pytest.fixture
def her_phone(desk, with_password, dora, superuser):  # noqa: F811
    """Dora has an app, and half an hour has gone by since she gave its code."""
    with_password(dora)
    phone = sets_up(desk)
    superuser.execute("update sign_ins set proved_at = proved_at - interval '31 minutes'")
    return phone


def test_a_person_is_suspended_and_out_at_once(desk, sign_in, alice, superuser):
    hers = sign_in(alice)
    assert presses(desk, alice, "suspend").location == f"/admin/people/{alice.id}"
    assert account_status_of(superuser, alice) == (False, False) and hers.get("/account").status_code == 303
    assert "Suspended" in words(desk.get(f"/admin/people/{alice.id}"))
    presses(desk, alice, "let-in")
    assert account_status_of(superuser, alice) == (True, False)


def test_a_person_becomes_an_admin_and_a_member_again(desk, charlie, superuser):
    presses(desk, charlie, "make-admin")
    assert account_status_of(superuser, charlie) == (True, True)
    presses(desk, charlie, "make-member")
    assert account_status_of(superuser, charlie) == (True, False)
    logged = superuser.execute("select subject_id, category from system_logs where operation = 'account.standing'")
    assert logged.fetchall() == [(charlie.id, "security")] * 2


@pytest.mark.parametrize("standing", ["suspend", "make-member"])
def test_the_last_admin_stays(desk, dora, superuser, standing):
    answer = presses(desk, dora, standing)
    assert answer.status_code == 409 and "The last admin stays." in answer.text
    assert account_status_of(superuser, dora) == (True, True)


def test_each_has_a_page_of_its_own_that_says_about_whom_and_changes_nothing(desk, alice, superuser):
    person = desk.get(f"/admin/people/{alice.id}")
    page = desk.get(link(person, "Suspend: Alice"))
    assert words(page, "h1") == "Suspend Alice ?" and alice.email in words(page)
    assert account_status_of(superuser, alice) == (True, False)


def test_without_a_reason_nothing_is_done(desk, alice, superuser):
    answer = presses(desk, alice, "suspend", reason=" ")
    assert (
        answer.status_code == 422
        and "Say why" in words(answer)
        and account_status_of(superuser, alice) == (True, False)
    )


@pytest.mark.parametrize(
    ("standing", "subject"),
    [
        ("suspend", "Your account is suspended"),
        ("make-admin", "You are an admin of the club now"),
        ("let-in", "Your account is open again"),
        ("make-member", "You are no longer an admin"),
    ],
)
def test_they_are_told_by_mail_and_the_reason_is_in_the_log(desk, alice, superuser, work, mails, standing, subject):
    presses(desk, alice, standing)
    work()
    (mail,) = mails(alice.email)
    assert mail["subject"] == subject and "A reason that counts" in mail["text"]
    assert (
        one(superuser, "select metadata ->> 'reason' from system_logs where operation = 'account.standing'")
        == "A reason that counts"
    )


def test_the_suspended_read_so_with_the_right_password_only(desk, client, with_password, alice, another):  # noqa: F811
    with_password(alice)
    wrong = words(client.submit("/sign-in", email=alice.email, password="not her password"))
    presses(desk, alice, "suspend")
    right = client.submit("/sign-in", email=alice.email, password=PASSWORD)
    assert right.status_code == 422 and "This account is suspended" in words(right)
    assert words(another().submit("/sign-in", email=alice.email, password="not her password")) == wrong


def test_no_other_word_is_taken(desk, alice, superuser):
    assert [presses(desk, alice, word).status_code for word in ("none", "delete", "true")] == [404] * 3


# --- fresh enough --------------------------------------------------------------------------------------------------------


def test_after_half_an_hour_the_code_is_asked_for_and_nothing_is_done(desk, her_phone, alice, superuser):
    answer = presses(desk, alice, "suspend")
    assert answer.status_code == 403 and "Enter a code again" in answer.text
    assert account_status_of(superuser, alice) == (True, False)
    assert desk.get("/admin/people").status_code == 200, "looking needs no fresh code"


def test_with_the_code_the_form_goes_on_as_it_was_typed(desk, her_phone, alice, superuser):
    asked = presses(desk, alice, "suspend").text
    hidden = dict(re.findall(r'type="hidden" name="([a-z]+)" value="([^"]*)"', asked.split("<main")[1]))
    action = re.search(r'<form class="form" method="post" action="([^"]+)"', asked).group(1)
    with clock.at(clock.now() + MINUTE):
        assert desk.submit(action, **hidden, second_factor=her_phone.code).location == f"/admin/people/{alice.id}"
        assert account_status_of(superuser, alice) == (False, False)
        assert presses(desk, alice, "let-in").status_code == 303, "fresh now"


def test_a_wrong_code_asks_again_and_keeps_what_was_typed(desk, her_phone, alice, superuser):
    answer = presses(desk, alice, "suspend", reason="<b>late</b>", second_factor="000000")
    assert answer.status_code == 422 and "does not fit" in answer.text
    assert "&lt;b&gt;late&lt;/b&gt;" in answer.text and "<b>late" not in answer.text
    assert account_status_of(superuser, alice) == (True, False)


def test_a_code_given_is_used_up_even_when_the_form_is_refused(desk, her_phone, dora, superuser):
    with clock.at(clock.now() + MINUTE):
        code = her_phone.code
        assert presses(desk, dora, "suspend", second_factor=code).status_code == 409
        assert one(superuser, "select proved_at from sign_ins where ended_at is null") > clock.now() - MINUTE
        assert desk.get("/admin").status_code == 200
        superuser.execute("update sign_ins set proved_at = proved_at - interval '31 minutes'")
        assert presses(desk, dora, "suspend", second_factor=code).status_code == 422


def test_the_browser_gets_a_new_key_with_each_code(desk, her_phone, alice):
    def key():
        with desk.session_transaction() as session:
            return session["_user_id"]

    before = key()
    with clock.at(clock.now() + MINUTE):
        presses(desk, alice, "suspend", second_factor=her_phone.code)
    assert key() != before and desk.get("/admin").status_code == 200


def test_guessing_the_code_has_a_limit(desk, her_phone, alice):
    for _ in range(5):
        presses(desk, alice, "suspend", second_factor="000000")
    with clock.at(clock.now() + MINUTE):
        assert "Wait 15 minutes" in presses(desk, alice, "suspend", second_factor=her_phone.code).text


def test_a_piece_of_a_page_is_led_to_the_whole_one(desk, her_phone, alice):
    answer = desk.submit(f"/admin/people/{alice.id}/standing/suspend", htmx=True, reason="x")
    assert answer.headers["HX-Redirect"].startswith("/sign-in/code")
    with clock.at(clock.now() + MINUTE):
        assert gives(desk, her_phone.code) and presses(desk, alice, "suspend").status_code == 303


def test_none_of_it_is_there_for_a_member(sign_in, charlie, alice, superuser):
    assert presses(sign_in(charlie), alice, "suspend").status_code == 404
    assert account_status_of(superuser, alice) == (True, False)


def test_two_buttons_at_once_undo_nothing_of_each_other(desk, charlie, superuser, connect, dora):
    other = connect("portal_web")
    other.execute(BECOME, {"role": "portal_admin", "user_id": str(dora.id)})
    other.execute("select auth.set_account_status(%s, null, true)", [charlie.id])
    with ThreadPoolExecutor(1) as thread:
        pressed = thread.submit(presses, desk, charlie, "suspend")
        until_somebody_waits(superuser)
        other.commit()
        assert pressed.result().status_code == 303
    assert account_status_of(superuser, charlie) == (False, True)


def test_a_persons_page_says_how_often_they_came(sign_in, superuser, alice, dora):
    desk, page = sign_in(dora), f"/admin/people/{alice.id}"
    assert "Has not been to a meeting yet." in desk.get(page).text
    meeting = plan_meeting(superuser, "Evening")
    superuser.execute(
        "insert into meeting_attendances (meeting_id, user_id, answer, outcome, joined_at, join_duration)"
        " values (%s, %s, 'accepted', 'attended', '2026-03-05 18:00Z', 41)",
        [meeting.id, alice.id],
    )
    text = words(desk.get(page))
    assert (
        "Came to 1 of 1 they were invited to or answered, for 41 minutes on average. The last was on 5 Mar 2026."
        in text
    )
