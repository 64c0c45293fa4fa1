"""Who is told what by mail, and who is asked for what before: the sentences of SECURITY.md, one by one."""

import re

import pytest

from portal.accounts.jobs import send_reset
from tests.accounts.conftest import PASSWORD, cheap_hashes, outbox, sets_up, with_password  # noqa: F401 - fixtures
from tests.support.cast import FAMILY
from tests.support.reading import do, one, words

NEW_PASSWORD, ELSEWHERE = "eleven loud mornings", "alice@elsewhere.example"


@pytest.fixture
def hers(sign_in, with_password, alice):  # noqa: F811
    """Alice's browser; she has a password."""
    return sign_in(with_password(alice))


@pytest.fixture
def told(outbox):  # noqa: F811
    """`told(address)`: the headlines of the mails to an address, oldest first."""
    return lambda address: [mail.text.partition("\n")[0] for mail in reversed(outbox(address))]


# --- "address, password, second factor and closing ask for the password, and are told by mail" ------------------------


def test_a_changed_password_is_told_by_mail(hers, told, alice):
    hers.submit("/account/password", old_password=PASSWORD, password=NEW_PASSWORD)
    assert told(alice.email) == ["Your password was changed"]


def test_a_password_set_by_mail_is_told_by_mail(client, hers, worker_app, outbox, told, superuser, alice):  # noqa: F811
    client.submit("/reset", email=alice.email)
    do(
        worker_app,
        send_reset,
        email=one(superuser, "select args ->> 'email' from procrastinate_jobs where args ? 'email'"),
    )
    client.submit(outbox(alice.email)[0].link, password=NEW_PASSWORD)
    assert told(alice.email) == ["Set a new password", "You have a new password"]


def test_a_changed_address_is_told_at_both(hers, outbox, told, alice):  # noqa: F811
    hers.submit("/account/address", email=ELSEWHERE, password=PASSWORD)
    hers.submit("/account/address/code", code=outbox(ELSEWHERE)[0].code)
    assert told(alice.email) == ["Your address was changed"]
    assert told(ELSEWHERE) == ["Confirm your new address", "Your address was changed"]


def test_every_change_of_the_second_factor_is_told_by_mail(hers, told, alice):
    sets_up(hers)
    page = hers.submit("/account/second-factor/recovery-codes", **{"codes-password": PASSWORD})
    hers.submit("/sign-in/code", second_factor=re.findall(r"<code>([0-9A-Z-]+)</code>", page.text)[0])
    hers.submit("/account/second-factor/off", **{"off-password": PASSWORD})
    assert told(alice.email) == [
        "Your second factor is set up",
        "You have new recovery codes",
        "A recovery code was used",
        "Your second factor is switched off",
    ]


def test_a_closed_account_is_told_by_mail(sign_in, with_password, told, charlie):  # noqa: F811
    sign_in(with_password(charlie)).submit("/account/close", password=PASSWORD)
    assert told(charlie.email) == ["Your account is closed"]


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/account/password", {"old_password": "wrong", "password": NEW_PASSWORD}),
        ("/account/address", {"email": ELSEWHERE, "password": "wrong"}),
        ("/account/close", {"password": "wrong"}),
        ("/account/second-factor", {"begin-password": "wrong"}),
    ],
)
def test_each_asks_for_the_password_and_tells_nobody_when_it_is_wrong(hers, told, alice, path, form):
    answer = hers.submit(path, **form)
    assert answer.status_code == 422 and "That is not your password." in words(answer) and told(alice.email) == []


# --- "with a second factor set, changing address, password and closing ask for it too" -------------------------------


def test_with_a_second_factor_the_way_in_is_changed_only_with_a_fresh_code(hers, told, superuser, alice):
    sets_up(hers)
    superuser.execute("update sign_ins set proved_at = proved_at - interval '31 minutes'")
    for path, form in (
        ("/account/password", {"old_password": PASSWORD, "password": NEW_PASSWORD}),
        ("/account/address", {"email": ELSEWHERE, "password": PASSWORD}),
        ("/account/close", {"password": PASSWORD}),
        ("/account/second-factor/off", {"off-password": PASSWORD}),
        ("/account/second-factor/recovery-codes", {"codes-password": PASSWORD}),
    ):
        answer = hers.submit(path, **form)
        assert answer.location.startswith("/sign-in/code"), path
        assert PASSWORD not in answer.text
    for path in ("/account/address", "/account/close"):
        assert hers.get(path).location == f"/sign-in/code?next={path}"
    assert "Enter a code first" in words(hers.get("/account"))
    assert told(alice.email) == ["Your second factor is set up"]


def test_without_a_second_factor_the_password_is_enough(hers, superuser):
    hers.submit("/account/password", old_password=PASSWORD, password=NEW_PASSWORD)
    assert one(superuser, "select count(*) from system_logs where operation = 'password.changed'") == 1


# --- "what a member typed begins no mail to a stranger" ---------------------------------------------------------------

LURE = "Bank of evil.com/pay now"


def test_no_stranger_reads_what_a_member_typed_where_a_mail_begins(client, hers, superuser):
    """The name is in the database already, past every form. The mails go to people who are not here."""
    superuser.execute("update users set first_name = %s, last_name = %s", [LURE, LURE])
    superuser.execute("update family_plans set plan_name = %s where id = %s", [LURE, FAMILY])
    client.submit("/sign-up", first_name="Free money", email="victim1@x.example", timezone="UTC")
    client.submit("/reset", email="victim1@x.example")
    hers.submit("/family/invitations", email="victim2@x.example")
    membership = one(superuser, "select id from family_memberships where state = 'invited'")
    hers.submit(f"/family/invitations/{membership}/again")
    hers.submit("/account/address", email="victim3@x.example", password=PASSWORD)
    mails = superuser.execute("select recipient, subject, text from mails where recipient like 'victim%%'").fetchall()
    assert {recipient for recipient, _, _ in mails} == {f"victim{n}@x.example" for n in (1, 2, 3)}
    for recipient, subject, text in mails:
        begins = subject + "".join(text.split("\n\n")[:2])
        assert "evil" not in begins and "Free money" not in begins, recipient
