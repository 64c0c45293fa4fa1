"""The family page: who is in, until when, and how little anybody learns of the others."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.cast import FAMILY
from tests.support.orders import subscription
from tests.support.reading import link, one, rows, said_at, words


def people_on(answer):
    """Each seat of the page, in order; navigation and footer have none."""
    return [row for row in rows(answer, "li") if row[0].isdigit()]


def test_who_is_in_no_family_reads_so(sign_in, charlie):
    answer = sign_in(charlie).get("/family")
    assert "You are in no family plan." in words(answer) and link(answer, "See the plans") == "/plans"


def test_the_page_names_the_plan_and_counts_its_seats(sign_in, alice):
    answer = sign_in(alice).get("/family")
    assert words(answer, "h1") == "Alice and friends"
    assert "Two people are in. Four seats are free. Everyone is covered until" in words(answer)
    assert people_on(answer)[3:] == [f"{n} A free seat" for n in (4, 5, 6)]
    assert people_on(answer)[2].startswith("3 Invite somebody to this seat")


def test_everybody_reads_the_same_date(sign_in, superuser, alice, bob):
    superuser.execute("update family_plans set subscription_expiry = '2027-11-27 12:00+00'")
    for person in (alice, bob):
        assert "Everyone is covered until 27 November 2027." in words(sign_in(person).get("/family"))


def test_the_payer_sees_names_addresses_and_since_when(sign_in, superuser, alice):
    superuser.execute("update family_memberships set joined_at = '2026-03-14 23:30+00'")
    first, second, *_ = people_on(sign_in(alice).get("/family"))
    assert first == "1 Alice alice@club.example, since 15 March 2026 Primary, pays the plan"
    assert second == "2 Bob bob@club.example, since 15 March 2026 Remove Bob"


def test_a_member_sees_names_and_no_address_but_their_own(sign_in, bob):
    text = sign_in(bob).get("/family").text
    assert "Alice" in text and "alice@" not in text and "bob@club.example" in text


def test_nobody_sees_an_answer_or_a_presence_of_the_others(sign_in, superuser, alice, bob, supper):
    superuser.execute(
        "insert into meeting_attendances (meeting_id, user_id, answer) values (%s, %s, 'declined')", [supper.id, bob.id]
    )
    text = words(sign_in(alice).get("/family"))
    assert "Supper" not in text and "declined" not in text and "said no" not in text


def test_who_has_no_name_is_not_named_by_the_address(sign_in, superuser, alice, bob):
    superuser.execute("update users set first_name = null, last_name = null where id = %s", [alice.id])
    answer = sign_in(bob).get("/family")
    assert "alice" not in "".join(people_on(answer)) and people_on(answer)[0].startswith("1 member")


def test_a_plan_without_name_and_date_is_a_page_too(sign_in, superuser, alice):
    superuser.execute("update family_plans set plan_name = null, subscription_expiry = null")
    answer = sign_in(alice).get("/family")
    assert words(answer, "h1") == "Your family" and "covered" not in words(answer)


def test_an_admin_sees_no_family_but_their_own(sign_in, dora):
    answer = sign_in(dora).get("/family")
    assert "You are in no family plan." in words(answer) and "Alice" not in answer.text


def test_a_plan_that_ended_is_not_shown(sign_in, superuser, bob):
    superuser.execute("select close_family(%s, now())", [FAMILY])
    assert "You are in no family plan." in words(sign_in(bob).get("/family"))


def test_only_the_payer_reads_price_next_payment_and_card(sign_in, superuser, alice, bob):
    renews_at = datetime(2027, 3, 14, 12, tzinfo=UTC)
    subscription(
        superuser, alice, "family", amount_minor=2400, renews_at=renews_at, card="Visa ••4242", card_expires="08/28"
    )
    facts = "Price $24.00 a month Next payment $24.00 on 14 March 2027 Card Visa ••4242, valid to 08/28"
    assert facts in words(sign_in(alice).get("/family"))
    hers = words(sign_in(bob).get("/family"))
    assert "$" not in hers and "4242" not in hers


# --- its name --------------------------------------------------------------------------------------------------------


def test_the_payer_renames_the_plan(sign_in, superuser, alice, bob):
    browser = sign_in(alice)
    assert browser.submit("/family", plan_name="  The Duarte family ").location == "/family"
    assert "The family is called The Duarte family now." in words(browser.get("/family"))
    assert words(sign_in(bob).get("/family"), "h1") == "The Duarte family"
    row = superuser.execute("select operation, user_id from system_logs").fetchone()
    assert row == ("family.renamed", alice.id)


def test_a_member_has_no_form_and_no_way_around_it(sign_in, superuser, bob):
    browser = sign_in(bob)
    assert 'name="plan_name"' not in browser.get("/family").text
    assert browser.submit("/family", plan_name="Mine").status_code == 404
    assert one(superuser, "select plan_name from family_plans") == "Alice and friends"


def test_neither_stranger_nor_admin_renames_it(sign_in, superuser, charlie, dora):
    for person in (charlie, dora):
        assert sign_in(person).submit("/family", plan_name="Mine", plan_id=str(FAMILY)).status_code == 404
    assert one(superuser, "select plan_name from family_plans") == "Alice and friends"


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("", "Give the family a name, like The Duarte family."),
        (" \u00a0 ", "Give the family a name, like The Duarte family."),
        ("x" * 81, "Use at most 80 characters here."),
        ("a\u202eb", "There is an invisible character in this."),
    ],
)
def test_a_name_that_cannot_be_is_said_at_the_field(sign_in, superuser, alice, name, refusal):
    answer = sign_in(alice).submit("/family", plan_name=name)
    assert answer.status_code == 422 and refusal in words(answer) and 'aria-invalid="true"' in answer.text
    assert words(answer, "h1") == "Alice and friends" == one(superuser, "select plan_name from family_plans")


def test_a_name_is_shown_as_text(sign_in, superuser, alice):
    superuser.execute("update family_plans set plan_name = '<b>Duarte</b> & co'")
    assert "<bdi>&lt;b&gt;Duarte&lt;/b&gt; &amp; co</bdi>" in sign_in(alice).get("/family").text


def test_what_could_be_markup_is_refused_and_stays_typed(sign_in, superuser, alice):
    answer = sign_in(alice).submit("/family", plan_name="<b>Duarte & co")
    assert (
        answer.status_code == 422
        and said_at(answer, "plan_name") == "A name holds no web or mail address, and none of / \\ @ < >."
    )
    assert 'value="&lt;b&gt;Duarte &amp; co"' in answer.text
    assert one(superuser, "select plan_name from family_plans") == "Alice and friends"


def test_since_is_told_in_the_readers_own_days(sign_in, superuser, alice):
    moment = datetime(2026, 3, 14, 12, tzinfo=UTC) + timedelta(hours=11)
    superuser.execute("update family_memberships set joined_at = %s", [moment])
    superuser.execute("update users set timezone = 'America/New_York'")
    assert "since 14 March 2026" in words(sign_in(alice).get("/family"))
