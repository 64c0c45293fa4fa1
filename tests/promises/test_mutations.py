"""The list of `make mutations` names rules that are there, and tests that are there."""

import pytest

from portal.config import ROOT
from tests.support.mutations import with_fault
from tests.support.rules import RULES


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_is_where_the_list_says(rule, superuser):
    assert with_fault(rule, superuser)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_a_test_that_is_there(rule):
    for test in rule.tests:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / "tests" / file).read_text()
    assert rule.tests and rule.was != rule.becomes
