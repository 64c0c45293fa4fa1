"""A host who cannot come calls the meeting off."""

import pytest

from tests.support.reading import link, one, operations, plan, words


@pytest.fixture
def hers(superuser, sign_in, alice):
    """A meeting Alice leads, and her browser."""
    return plan(superuser, "Supper", days=2, host_id=alice.id, host_name="Alice"), sign_in(alice)


def test_the_host_cancels_and_whoever_is_coming_is_told(hers, sign_in, work, mails, superuser, bob):
    supper, browser = hers
    sign_in(bob).submit(f"/meetings/{supper.id}/answer", answer="accepted")
    address = link(browser.get(f"/meetings/{supper.id}"), "You cannot come? Cancel it")
    assert "Cancel Supper ?" in words(browser.get(address))
    assert browser.submit(address).status_code == 422
    assert browser.submit(address, reason="I am ill.").location == f"/meetings/{supper.id}"
    work()
    assert "I am ill." in mails("bob@club.example")[-1]["text"]
    assert one(superuser, "select status from meetings") == "cancelled"
    assert "meeting.cancelled" in operations(superuser)
    assert browser.get(address).status_code == browser.submit(address, reason="Again.").status_code == 404


def test_nobody_else_does_and_no_host_without_access(hers, sign_in, superuser, alice, bob):
    supper, browser = hers
    address = f"/meetings/{supper.id}/cancellation"
    assert sign_in(bob).get(address).status_code == sign_in(bob).submit(address, reason="No.").status_code == 404
    superuser.execute("update users set access_until = now() - interval '1 hour' where id = %s", [alice.id])
    assert browser.submit(address, reason="I am ill.").status_code == 409
    assert one(superuser, "select status from meetings") == "scheduled"
