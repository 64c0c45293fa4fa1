"""Passwords: any characters, used as typed, none of the first anybody would try."""

import threading
import time
import unicodedata

import pytest
from argon2 import PasswordHasher, extract_parameters
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from portal.accounts import passwords
from portal.limits import Busy

GOOD = "seven quiet evenings"


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "  two spaces in front",
        "Žluťoučký kůň úpěl",
        "密码是我的秘密花园里的花",
        "🌙🌙 moon over bosphorus 🌙",
        "tab\tand\x00nul are fine too",
        "x7$" + "long and winding " * 12,
        "k" * 200 + "unusual ending",
    ],
)
def test_any_characters_make_a_password(password):
    kept = passwords.hashed(password)
    assert (
        passwords.fits(password, kept)
        and not passwords.fits(password + " ", kept)
        and not passwords.fits(password.strip() + "x", kept)
    )


def test_spaces_and_case_count():
    kept = passwords.hashed(f" {GOOD} ")
    assert not passwords.fits(GOOD, kept) and not passwords.fits(f" {GOOD} ".upper(), kept)


def test_a_password_is_not_cut_at_seventy_two_bytes():
    long = "ü" * 72
    kept = passwords.hashed(long + "a")
    assert passwords.fits(long + "a", kept) and not passwords.fits(long + "b", kept) and not passwords.fits(long, kept)


COMPOSED, APART = (unicodedata.normalize(form, "Zoë kommt im März später") for form in ("NFC", "NFD"))


def test_a_password_is_the_same_on_every_keyboard():
    """RFC 8265, 4.2: one keyboard composes ë, another sends two characters; some write their own kind of space."""
    assert COMPOSED != APART and passwords.fits(APART, passwords.hashed(COMPOSED))
    assert passwords.fits(COMPOSED, passwords.hashed(APART))
    assert passwords.fits(GOOD.replace(" ", "\u00a0"), passwords.hashed(GOOD))


@pytest.mark.parametrize("typed", [COMPOSED, APART])
def test_what_was_hashed_as_it_was_typed_still_fits(typed):
    before = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(APART)
    assert passwords.fitting_form(typed, before) == APART != passwords.kept_form(typed)


def test_the_hash_is_argon2id_as_strong_as_advised_and_salted():
    made = extract_parameters(passwords.hashed(GOOD))
    assert made.type.name == "ID" and made.memory_cost >= 19_456 and made.time_cost >= 2 and made.salt_len >= 16
    assert passwords.hashed(GOOD) != passwords.hashed(GOOD) and not passwords.outdated(passwords.hashed(GOOD))


def test_an_older_hash_is_known_as_such():
    assert passwords.outdated(PasswordHasher(time_cost=1, memory_cost=1024).hash(GOOD))


@pytest.mark.parametrize("kept", [None, "", "plain text", "$2b$12$somebcrypt", "$argon2id$broken"])
def test_without_a_hash_that_is_one_nothing_fits(kept):
    assert not passwords.fits(GOOD, kept) and not passwords.fits("nobody has this password", kept)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "elevenchars",
        "passwordpassword",
        "password1234",
        "123456789012",
        "aaaaaaaaaaaa",
        "qwertyuiop12",
        "abcdefghijkl",
        "letmeinletmein",
        "iloveyouiloveyou",
    ],
)
def test_the_first_ones_anybody_would_try_are_refused(password):
    assert passwords.fault(password)


LONG_LEAKED = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= passwords.SHORTEST]


@pytest.mark.parametrize("change", [str, str.upper, str.title, lambda word: f"{word}1", lambda word: f"{word}!"])
def test_none_of_the_commonest_leaked_ones_is_taken(change):
    assert len(LONG_LEAKED) > 200 and [word for word in LONG_LEAKED if not passwords.fault(change(word))] == []


def test_ones_own_name_makes_no_password():
    assert passwords.fault("nadia.karim@x.example", "nadia.karim@x.example", "Nadia", None)


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "correct horse battery staple",
        "Žluťoučký kůň úpěl",
        "x" * 6 + "7q!mountain goat",
        "密码是我的秘密花园里的花",
    ],
)
def test_good_ones_are_taken(password):
    assert passwords.fault(password, "nadia@karim.example", "Nadia") is None


def test_twelve_to_two_hundred_and_fifty_six():
    assert "at least 12" in passwords.fault("kzm7 q!w2 x")
    assert passwords.fault("kzm7 q!w2 xy") is None
    assert passwords.fault("kzm7 q!w2 xy " * 19 + "123456789") is None and "at most 256" in passwords.fault(
        "kzm7 q!w2 xy " * 20
    )


@pytest.mark.parametrize("marks", ["\u0301\u0323", "\u0f73\u0327", "\u0344"])
def test_a_password_of_nothing_but_marks_holds_nobody_up(marks):
    """Bringing them in order takes the square of their number, and the whole process waits for it."""
    begun = time.process_time()
    assert passwords.fitting_form("a" + marks * 60_000, None) is None
    assert "at most 256" in passwords.fault("a" + marks * 60_000)
    assert time.process_time() - begun < 2


def test_the_settings_are_one_of_owasps():
    """Memory in KiB, passes, lanes: the Password Storage Cheat Sheet's list, August 2026."""
    made = extract_parameters(passwords.hashed(GOOD))
    known = {(47_104, 1, 1), (19_456, 2, 1), (12_288, 3, 1), (9216, 4, 1), (7168, 5, 1)}
    assert (made.memory_cost, made.time_cost, made.parallelism) in known


@pytest.fixture
def cores(monkeypatch):
    """`cores(4)`: as on a machine of four."""
    return lambda number: monkeypatch.setattr(passwords.os, "cpu_count", lambda: number)


def hash_at_once(turns, threads):
    """So many want to hash at the same moment, each until all have been let in or sent away; how many got their turn."""
    inside, answers, done = [], [], threading.Event()

    def one():
        try:
            with turns.one():
                inside.append(1)
                done.wait(5)
                answers.append("hashed")
        except Busy:
            answers.append("busy")

    crowd = [threading.Thread(target=one) for _thread in range(threads)]
    for thread in crowd:
        thread.start()
    time.sleep(0.4)
    most = len(inside)
    done.set()
    for thread in crowd:
        thread.join()
    return most, sorted(answers)


@pytest.mark.parametrize(("threads", "machine", "most"), [(2, 8, 1), (8, 2, 1), (8, 4, 3), (4, 8, 3), (1, 1, 1)])
def test_one_core_and_one_thread_are_left_to_others(threads, machine, most, cores):
    cores(machine)
    assert hash_at_once(passwords.Turns(threads), threads)[0] == most


def test_who_waits_for_a_turn_leaves_a_thread_for_pages(cores):
    cores(2)
    assert hash_at_once(passwords.Turns(8), 8) == (1, ["busy"] + ["hashed"] * 7)


def test_nobody_waits_without_end(cores, monkeypatch):
    cores(2)
    monkeypatch.setattr(passwords, "PATIENCE", 0.1)
    assert hash_at_once(passwords.Turns(8), 4) == (1, ["busy"] * 3 + ["hashed"])


@pytest.mark.parametrize(
    "password", ["Goalete Portal 2026", "goaleteportal1", "welcome2goalete", "nadia karim 1", "Nadia.Karim.99"]
)
def test_the_clubs_name_and_ones_own_make_no_password_however_they_are_joined(password):
    assert passwords.fault(password, "Goalete", "Portal", "nadia@karim.example", "Nadia", "Karim")
