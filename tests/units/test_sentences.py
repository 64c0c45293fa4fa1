"""Sentences with a number or a list in them."""

import pytest
from markupsafe import Markup

from portal.sentences import listed, ngettext, ngettext_markup


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 people ask Ann"), (1, "1 person asks Ann"), (1234, "1,234 people ask Ann")]
)
def test_both_forms_stand_whole(count, text):
    assert ngettext("%(num)s person asks %(name)s", "%(num)s people ask %(name)s", count, name="Ann") == text


def test_in_a_template_the_tags_are_ours_and_the_fields_are_escaped():
    shown = ngettext_markup("<b>%(name)s</b>", "<b>%(name)s</b> and others", 2, name="<i>")
    assert shown == Markup("<b>&lt;i&gt;</b> and others")


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["Ann"], "Ann"), (["Ann", "Bo"], "Ann and Bo"), (["Ann", "Bo", "Cy"], "Ann, Bo and Cy")],
)
def test_names_in_a_row(names, text):
    assert listed(names) == text
