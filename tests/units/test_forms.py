"""What a form lets in: text one can see and keep."""

import time
import unicodedata

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from portal.forms import EmailLine, Form, Line, Name, Paragraphs, only_known, tidy


class Card(Form):
    """Two kinds of text and an address."""

    name = Line("Name", most=20, missing="Say a name.")
    note = Line("Note", most=20)
    text = Paragraphs("Text", most=40)
    email = EmailLine(optional=True)


class Badge(Form):
    """What somebody is called."""

    name = Name("Name", most=80)


BARE = Flask(__name__)
BARE.secret_key = "for tests of forms only"


def filled(**fields) -> Card:
    """The card, checked."""
    with BARE.test_request_context():
        card = Card(MultiDict({"name": "Ana", **fields}))
        card.validate()
        return card


@pytest.mark.parametrize(
    "name",
    [
        "Ana",
        "Ólöf Þóra",
        "李小龍",
        "محمد",
        "אָבִיב",
        "👩‍👩‍👧‍👦 Duarte",
        "O'Brien-Smith",
        "🏳️‍🌈",
        "Null",
        "<b>",
        "{{x}}",
        "%s",
    ],
)
def test_names_of_the_world_are_taken_as_typed(name):
    card = filled(name=name)
    assert card.errors == {} and card.name.data == tidy(20)(name)


@pytest.mark.parametrize(
    "bad",
    ["a\x00b", "a\nb", "a\rb", "a\tb", "a\x1bb", "a\x7fb", "a\x85b", "a\u202eb", "a\u2066b", "a\u2028b", "a\ud800b"],
)
def test_characters_that_act_instead_of_showing_are_refused(bad):
    assert "invisible character" in filled(name=bad).errors["name"][0]
    assert "invisible character" in filled(note=bad).errors["note"][0]


@pytest.mark.parametrize(
    "nothing", ["", "   ", "\u200b", "\ufeff \u2060", "\u3164", "\u2800\u115f", "\u00ad", "\u0301"]
)
def test_a_name_that_shows_nothing_is_none(nothing):
    assert filled(name=nothing).errors["name"] == ["Say a name."]


def test_paragraphs_keep_their_lines_and_no_more():
    assert filled(text="One\r\n\n\tTwo 🌙").errors == {}
    assert (
        "invisible" in filled(text="One\x00").errors["text"][0]
        and "invisible" in filled(text="\u202eTwo").errors["text"][0]
    )


def test_what_looks_the_same_is_the_same():
    assert filled(name="Zoe\u0308").name.data == filled(name=" Zo\u00eb ").name.data == "Zo\u00eb"


def test_lengths_count_characters():
    assert filled(name="é" * 20).errors == {} and "at most 20" in filled(name="é" * 21).errors["name"][0]
    assert "at most 40" in filled(text="x" * 41).errors["text"][0]


def test_an_empty_field_that_may_be_empty_is_fine():
    assert filled(note="", text="", email="").errors == {}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ana@duarte.pt", "ana@duarte.pt"),
        (" ANA@Duarte.PT ", "ANA@duarte.pt"),
        ("o'neil+club@x.example", "o'neil+club@x.example"),
        ("ana@MÜLLER.example", "ana@müller.example"),
        ("ana@xn--mller-kva.example", "ana@müller.example"),
    ],
)
def test_addresses(typed, kept):
    card = filled(email=typed)
    assert card.errors == {} and card.email.data == kept


@pytest.mark.parametrize(
    "typed",
    [
        "ana",
        "ana@",
        "@duarte.pt",
        "ana@duarte",
        "ana @duarte.pt",
        "ana@duarte..pt",
        "a@b.pt, c@d.pt",
        "<ana@duarte.pt>",
        "ana@[127.0.0.1]",
        "ana@localhost",
        "anä@duarte.pt",
        '"a b"@duarte.pt',
    ],
)
def test_what_mail_cannot_reach(typed):
    assert filled(email=typed).errors["email"] == ["Enter an e-mail address with an @, like ana@duarte.pt"]


@given(st.text(max_size=30))
def test_any_text_is_kept_or_refused_but_never_breaks(text):
    card = filled(name=text, note=text, text=text, email=text)
    for field in (card.name, card.note):
        if not field.errors:
            assert not set(field.data) & set("\x00\n\r\u202e")


def test_only_known_words():
    check = only_known(["a"], "Choose one.")
    with pytest.raises(Exception, match="Choose one"):
        check(None, type("Field", (), {"data": "b"}))
    assert check(None, type("Field", (), {"data": "a"})) is None


def test_what_is_far_too_long_is_refused_before_any_work_on_it():
    """Marks of two classes in turn are brought in order in the square of their number, in one step nobody can stop."""
    marks = "a" + "\u0301\u0323" * 120_000
    begun = time.process_time()
    card = filled(name=marks, note=marks, text=marks, email=marks)
    assert time.process_time() - begun < 1
    assert {field: len(said) for field, said in card.errors.items()} == dict.fromkeys(
        ("name", "note", "text", "email"), 1
    )


def test_nor_does_what_is_within_its_length_but_all_marks():
    begun = time.process_time()
    tidy(10_000)("a" + "\u0301\u0323" * 19_000)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    "name",
    [
        "J.R. Smith",
        "O'Neil",
        "Anne-Marie",
        "Ph.D.",
        "St. John",
        "Zoë",
        "Mary-Jane O’Hara Jr.",
        "J. R. R. Tolkien",
        "李小龙",
        "Nguyễn Thị Minh",
        "محمد",
        "D’Angelo",
        "A.",
        "Dr. No",
        "M.C.",
        "3rd, Henry",
    ],
)
def test_a_name_is_taken_as_people_write_it(name):
    with BARE.test_request_context():
        badge = Badge(MultiDict({"name": name}))
        assert badge.validate(), badge.errors
        assert badge.name.data == unicodedata.normalize("NFC", name)


ADDRESS, BLANK = "no web or mail address", "a blank after the dot"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Win! https://evil.example", ADDRESS),
        ("www.evil.example", ADDRESS),
        ("WWW.EVIL.example", ADDRESS),
        ("a@evil.example", ADDRESS),
        ("Bank of evil.com/pay now", ADDRESS),
        ("evil\\pay", ADDRESS),
        ("<b>Ana", ADDRESS),
        ("a > b", ADDRESS),
        ("ｅｖｉｌ．ｃｏｍ", BLANK),
        ("evil。com", BLANK),
        ("ⓦⓦⓦ.evil", ADDRESS),
        ("a＠evil", ADDRESS),
        ("evil／pay", ADDRESS),
        ("Bank of evil.com", BLANK),
        ("St.John", BLANK),
        ("J.R.Smith", BLANK),
        ("1.com", BLANK),
        ("пример.рф", BLANK),
        ("ﬁne.com", BLANK),
        ("evil\u200b.\u200bcom", BLANK),
        ("evil.\u00adcom", BLANK),
        ("evil.c\u200dom", BLANK),
        ("x\u0301.com", BLANK),
        ("evil.\u034fcom", BLANK),
        ("ww\u200bw.evil", ADDRESS),
        (":\u200b//evil", ADDRESS),
    ],
)
def test_a_name_leads_nowhere(name, why):
    with BARE.test_request_context():
        badge = Badge(MultiDict({"name": name}))
        assert not badge.validate() and why in badge.errors["name"][0]
