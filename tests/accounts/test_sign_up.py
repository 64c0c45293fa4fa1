"""From a stranger's form to an account, by link or by code."""

import re

NEW = {
    "first_name": "Nadia", "last_name": "Karim", "email": "Nadia@Karim.example", "password": "seven quiet evenings",
    "timezone": "Africa/Cairo",
}  # fmt: skip


def test_a_newcomer_confirms_by_link_and_signs_in(client, work, mails):
    assert client.submit("/sign-up", **NEW).location == "/verify"
    work()
    link = re.search(r"/verify/\S+", mails("Nadia@Karim.example")[0]["text"]).group()
    assert client.get(link).status_code == 200
    assert client.submit(link).location == "/sign-in"
    assert client.submit("/sign-in", email="nadia@karim.EXAMPLE", password=NEW["password"]).location == "/meetings"
    assert "Cairo" in client.get("/meetings").text


def test_signing_in_is_refused_before_the_address_is_confirmed(client):
    client.submit("/sign-up", **NEW)
    answer = client.submit("/sign-in", email=NEW["email"], password=NEW["password"])
    assert answer.status_code == 422 and "do not match" in answer.text
