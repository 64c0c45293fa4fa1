"""What came back by mail, as an admin sees it, and the mark on an address taken away."""

import pytest


@pytest.fixture
def marked(superuser, alice):
    """Mails to Alice come back for good."""
    superuser.execute(
        "insert into unreachable_addresses (address_key, hard, reason, first_at, last_at)"
        " values ('alice@club.example', true, 'there is no such mailbox (5.1.1)', now(), now())"
    )


def test_an_answer_that_did_not_count_stands_there_with_the_reason(sign_in, superuser, dora, alice, supper):
    superuser.execute(
        "insert into inbox_messages (mailbox, uidvalidity, uid, kind, outcome, sender, received_at, user_id, meeting_id)"
        " values ('inbox', 1, 1, 'reply', 'It answers an older version of the entry.', 'a@<b>.example', now(), %s, %s)",
        [alice.id, supper.id],
    )
    shown = sign_in(dora).get("/admin/inbox").text
    assert "It answers an older version of the entry." in shown and "a@<b>" not in shown
    assert f"/admin/people/{alice.id}" in shown and f"/admin/meetings/{supper.id}" in shown


def test_forty_at_a_time_none_twice(sign_in, superuser, dora):
    superuser.execute(
        "insert into inbox_messages (mailbox, uidvalidity, uid, kind, outcome, sender, received_at)"
        " select 'inbox', 1, n, 'letter', 'A letter.', 'letter' || n || '@far.example', now() from generate_series(1, 41) n"
    )
    browser = sign_in(dora)
    first = browser.get("/admin/inbox").text
    older = first.split('href="/admin/inbox?from=')[1].split('"')[0]
    second = browser.get(f"/admin/inbox?from={older}").text
    assert (first.count(">letter"), second.count(">letter")) == (40, 1)


def test_a_marked_address_stands_with_its_person_and_in_the_list(marked, sign_in, dora, alice):
    browser = sign_in(dora)
    for page in ("/admin/inbox", f"/admin/people/{alice.id}"):
        assert "There is no such mailbox (5.1.1)" in browser.get(page).text


def test_an_admin_has_it_tried_again_which_the_log_knows(marked, sign_in, superuser, dora, alice):
    answer = sign_in(dora).submit("/admin/inbox/addresses", address="alice@club.example")
    assert answer.status_code == 303
    assert superuser.execute("select count(*) from unreachable_addresses").fetchone() == (0,)
    assert superuser.execute(
        "select user_id, subject_id from system_logs where operation = 'address.lifted'"
    ).fetchall() == [(dora.id, alice.id)]


def test_an_address_without_a_mark_is_not_there(sign_in, dora):
    assert sign_in(dora).submit("/admin/inbox/addresses", address="nobody@club.example").status_code == 404


def test_nobody_else_lifts_a_mark(marked, as_, alice):
    with pytest.raises(Exception, match="permission denied"), as_(alice) as db:
        db.execute("delete from unreachable_addresses")
