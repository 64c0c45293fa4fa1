"""Every sentence stands whole: none is glued from pieces, and both forms of a plural are written out (portal/sentences.py).

As far as reading can tell. What is looked for: words chosen by comparing a number with one, and words put into a sentence by
a condition, by joining with words, or by adding.
"""

import ast
import re
from collections.abc import Iterator

import pytest

from portal.config import ROOT

PLURAL_BY_IF = re.compile(
    r"""["'][^"'{}]*[a-z][^"'{}]*["']\s+if\s+(not\s+)?[^{}"']*?(==|!=|>|<|>=|<=)\s*[12]\b"""
    r"""|\bif\s+[^{}"']*?(==|!=|>|<|>=|<=)\s*[12]\s+else\s*["'][^"'{}]*[a-z]"""
)
GLUED = re.compile(r""""[^"{}/#=]*[a-z][^"{}/#=]* " ~|~ "[,;:.]? [^"{}/#=]*[a-z]{3}|[a-z] \{\{ "[^"]* [^"]*" if """)
"""Words added to something by ~, and a piece of a sentence chosen inside it."""
OWN_WORLD = (ROOT / "portal/sandbox/stripe", ROOT / "templates/sandbox/stripe")
"""The stand-in Stripe speaks its own words and uses nothing of the portal."""


def words(node: ast.AST) -> bool:
    """Whether this is a text with words in it."""
    if isinstance(node, ast.JoinedStr):
        return any(words(part) for part in node.values if isinstance(part, ast.Constant))
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(re.search(r"[a-z]", node.value))


def phrase(node: ast.AST) -> bool:
    """Whether this is a text with words and blanks in it."""
    return words(node) and " " in ast.unparse(node)


def by_number(test: ast.expr) -> bool:
    """Whether this compares something with one or two."""
    return isinstance(test, ast.Compare) and any(
        isinstance(side, ast.Constant) and side.value in (1, 2) for side in test.comparators
    )


def glue(tree: ast.AST) -> Iterator[ast.AST]:
    """What puts a sentence of a Python file together."""
    for node in ast.walk(tree):
        if isinstance(node, ast.IfExp) and by_number(node.test) and (words(node.body) or words(node.orelse)):
            yield node
        elif isinstance(node, ast.JoinedStr) and words(node):
            for inner in (
                part for value in node.values if isinstance(value, ast.FormattedValue) for part in ast.walk(value)
            ):
                if isinstance(inner, ast.IfExp) and (words(inner.body) or words(inner.orelse)):
                    yield inner
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join":
            yield from [node] if phrase(node.func.value) else []
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            yield from [node] if phrase(node.left) or phrase(node.right) else []


def offenders_in_python() -> list[str]:
    """Every such place, as file:line."""
    return [
        f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)[:90]}"
        for path in sorted((ROOT / "portal").rglob("*.py"))
        if OWN_WORLD[0] not in path.parents and path != ROOT / "portal" / "sentences.py"
        for node in glue(ast.parse(path.read_text()))
    ]


def offenders_in_templates() -> list[str]:
    """The same for templates."""
    return [
        f"{path.relative_to(ROOT)}:{number} {found[0][:90]}"
        for path in sorted((ROOT / "templates").rglob("*"))
        if path.is_file() and OWN_WORLD[1] not in path.parents
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for found in (*PLURAL_BY_IF.finditer(line), *GLUED.finditer(line))
    ]


def test_no_sentence_of_the_code_is_glued():
    assert offenders_in_python() == []


def test_no_sentence_of_a_template_is_glued():
    assert offenders_in_templates() == []


@pytest.mark.parametrize(
    "code",
    [
        "f\"{n} {'person' if n == 1 else 'people'}\"",
        "f\"You were there{ago or ''}, {'and came' if came else ''}\"",
        '" and ".join(names)',
        '"Paid until " + day',
    ],
)
def test_what_is_looked_for_in_code_is_seen(code):
    assert list(glue(ast.parse(code))) != []


@pytest.mark.parametrize(
    "line",
    [
        '{{ n }} {{ "person" if n == 1 else "people" }}',
        'more day{{ "s" if days > 1 }}',
        '{{ disc("half", "Asked on " ~ day) }}',
        'It is {{ "paid for" if taken else "free" }}.',
    ],
)
def test_what_is_looked_for_in_templates_is_seen(line):
    assert any(pattern.search(line) for pattern in (PLURAL_BY_IF, GLUED))
