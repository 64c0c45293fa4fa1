"""The restricted pages do not exist for anybody else."""

import pytest

from tests.support.reading import one

LOOKS = [
    "/admin",
    "/admin/people",
    "/admin/meetings",
    "/admin/meetings/new",
    "/admin/meetings/{id}/edit",
    "/admin/meetings/{id}/cancellation",
]
ACTS = [
    "/admin/meetings/new",
    "/admin/meetings/{id}/edit",
    "/admin/meetings/{id}/cancellation",
    "/admin/meetings/{id}/cancellation/back",
]


@pytest.mark.parametrize("path", LOOKS)
def test_a_page_is_nowhere_for_members_and_visitors(client, sign_in, alice, supper, path):
    path = path.format(id=supper.id)
    assert client.get(path).status_code == sign_in(alice).get(path).status_code == 404


@pytest.mark.parametrize("path", LOOKS)
def test_a_page_is_there_for_an_admin(sign_in, dora, supper, path):
    assert sign_in(dora).get(path.format(id=supper.id)).status_code == 200


@pytest.mark.parametrize("path", ACTS)
def test_a_button_is_nowhere_for_members_and_visitors(client, sign_in, superuser, alice, supper, path):
    path = path.format(id=supper.id, person=alice.id)
    for browser in (client, sign_in(alice)):
        assert browser.submit(path, reason="I say so.", decision="accept").status_code == 404
    assert one(superuser, "select status from meetings") == "scheduled"


def test_who_stops_being_an_admin_finds_nothing_from_the_next_click_on(sign_in, superuser, alice, dora):
    superuser.execute("update users set is_admin = true where id = %s", [alice.id])
    browser = sign_in(dora)
    assert browser.get("/admin").status_code == 200
    superuser.execute("update users set is_admin = false where id = %s", [dora.id])
    assert browser.get("/admin").status_code == 404


def test_only_admins_are_shown_the_way(sign_in, alice, dora):
    assert 'href="/admin"' in sign_in(dora).get("/meetings").text
    assert "/admin" not in sign_in(alice).get("/meetings").text
