"""`missing` tries what the portal was given, and says in a sentence what is to be done."""

import dataclasses

import pytest

from portal.rooms.google_meet import SCOPES, GoogleMeet
from portal.sandbox.meet.keys import write_key


@pytest.fixture
def missing(settings):
    """`missing(google_organizer=…)`: what is missing with other settings."""

    def sentences(**changes):
        return GoogleMeet(dataclasses.replace(settings, **changes)).missing()

    return sentences


def test_nothing_is_missing(missing):
    assert missing() == []


def test_the_delegation_is_missing(missing, google):
    google.switch(delegated=[])
    [sentence] = missing()
    assert "Domain-wide delegation" in sentence
    assert "100000000000000000042" in sentence
    assert all(scope in sentence for scope in SCOPES)


@pytest.mark.parametrize("scope", SCOPES)
def test_one_scope_is_missing(missing, google, scope):
    google.switch(delegated=[each for each in SCOPES if each != scope])
    [sentence] = missing()
    assert f"with the scope {scope}." in sentence


def test_the_apis_are_not_enabled(missing, google):
    google.switch(api="disabled")
    assert [sentence.split(" is not enabled")[0] for sentence in missing()] == [
        "The Google Calendar API",
        "The Google Meet REST API",
    ]


def test_the_organizer_is_unknown(missing):
    [sentence] = missing(google_organizer="nobody@aydin.club")
    assert sentence.startswith("Google knows no user nobody@aydin.club")


@pytest.mark.parametrize("content", [None, "not json", "[]", "{}", '{"client_email": "a@b.c", "private_key": "x"}'])
def test_the_key_file_is_no_key(missing, tmp_path, content):
    file = tmp_path / "key.json"
    if content is not None:
        file.write_text(content)
    [sentence] = missing(google_account=file)
    assert sentence.startswith(f"{file} cannot be read as a service account's key")


def test_the_key_was_deleted_at_google(missing, tmp_path):
    other = tmp_path / "other.json"
    write_key(other)
    [sentence] = missing(google_account=other)
    assert "it was deleted or disabled" in sentence


def test_google_cannot_be_reached(missing):
    assert missing(google_url="http://127.0.0.1:9") == ["Google cannot be reached."]
