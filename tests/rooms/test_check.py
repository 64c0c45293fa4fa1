"""`portal rooms check`: each platform's credentials tried, each fault a sentence."""

from portal.rooms.platforms import in_words


def test_a_club_without_a_platform_is_told_what_to_do():
    (line,) = in_words([])
    assert "Type the link of each meeting or series" in line


def test_every_fault_is_a_sentence_of_its_own():
    results = [("Zoom", ["The app is not activated.", "The scope is missing."]), ("Google Meet", [])]
    assert in_words(results) == [
        "Zoom: The app is not activated.",
        "Zoom: The scope is missing.",
        "Google Meet: everything is there; rooms are made by themselves.",
    ]
