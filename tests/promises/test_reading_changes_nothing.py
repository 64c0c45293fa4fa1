"""GET and HEAD leave the database as it was, whoever asks, whatever for."""

import pytest

from tests.support.reading import contents


@pytest.mark.parametrize("who", ["visitor", "alice", "charlie", "dora"])
def test_looking_at_every_page_changes_nothing(who, routes, everybody, superuser):
    before = contents(superuser)
    for route in routes:
        if route.method == "GET":
            got, head = everybody[who].get(route.path), everybody[who].head(route.path)
            assert got.status_code == head.status_code < 500 and head.data == b"", route
            assert head.headers.get("Content-Type") == got.headers.get("Content-Type"), route
    assert contents(superuser) == before


def test_the_fingerprint_notices_one_changed_word(everything, superuser):
    before = contents(superuser)
    superuser.execute("update meetings set description = 'Opened' where id = %s", [everything["open"]])
    changed = {name for name, mark in contents(superuser).items() if mark != before[name]}
    assert changed == {"meetings"}


def test_odd_parameters_are_harmless(routes, everybody, superuser):
    before = contents(superuser)
    odd = "?from=zzz&from=%00&id=1&id=2&q=%00%27%22%3C&next=//evil.example&access=((("
    for route in routes:
        if route.method == "GET":
            assert everybody["dora"].get(route.path + odd).status_code < 500, route
    assert contents(superuser) == before
