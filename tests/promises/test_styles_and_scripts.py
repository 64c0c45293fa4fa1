"""Styles and scripts: every file has its place, and a class is found in a template and in a stylesheet or not at all."""

import re
from collections.abc import Iterator

from portal import assets
from portal.config import ROOT

APART = {"mail", "stripe", "meet", "zoom"}
TEMPLATES = [
    path for path in (ROOT / "templates").rglob("*.html") if not APART & {*path.relative_to(ROOT / "templates").parts}
]
"""Without mails, which have no classes, and the stand-ins, which have stylesheets of their own."""

MODULES = {name: (assets.STATIC / "js" / f"{name}.js").read_text() for name in assets.SCRIPTS}
CLASS = re.compile(r'\bclass="((?:\{\{.*?\}\}|\{%.*?%\}|[^"{])*)"')
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
RESULT = re.compile(r"""(?:\{\{|else|\+|~)\s*(?:'([^']*)'|"([^"]*)")""")
QUOTED = re.compile(r"""'([\w -]+)'|"([\w -]+)\"""")


def words(found: re.Pattern[str], text: str) -> Iterator[str]:
    for groups in found.findall(text):
        yield from " ".join(groups if isinstance(groups, tuple) else [groups]).split()


def said_as_class(template: str) -> set[str]:
    """The classes a template gives by name, in the attribute itself or as what an expression in it may come to."""
    attributes = CLASS.findall(template)
    return {word for one in attributes for word in [*JINJA.sub(" ", one).split(), *words(RESULT, one)]}


def styled() -> set[str]:
    selectors = re.sub(r"/\*.*?\*/|\{[^{}]*\}", " ", assets.styles(), flags=re.DOTALL)
    return set(re.findall(r"\.([a-z][\w-]*)", selectors))


def looked_for() -> set[str]:
    """The classes scripts know: in selectors, and those they give."""
    script = "".join(MODULES.values())
    return {*re.findall(r'"[^"\n]*\.([a-z][\w-]*)[^"\n]*"', script), *words(QUOTED, script)}


def test_a_class_in_a_template_is_one_in_a_stylesheet_or_a_script() -> None:
    known = styled() | looked_for()
    unknown = {
        (str(path.relative_to(ROOT)), name) for path in TEMPLATES for name in said_as_class(path.read_text()) - known
    }
    assert unknown == set()


def test_a_class_in_a_stylesheet_is_one_in_a_template_or_a_script() -> None:
    templates = "".join(path.read_text() for path in TEMPLATES)
    assert styled() - said_as_class(templates) - {*words(QUOTED, templates)} - looked_for() == set()


def test_every_file_of_styles_and_scripts_has_its_place() -> None:
    styles = [name for names in assets.LAYERS.values() for name in names]
    for folder, ending, order in (("css", ".css", styles), ("js", ".js", [*assets.SCRIPTS])):
        assert sorted(order) == sorted(
            path.stem for path in (assets.STATIC / folder).iterdir() if path.suffix == ending
        )


def test_a_script_imports_only_what_stands_before_it() -> None:
    for number, (name, text) in enumerate(MODULES.items()):
        assert set(re.findall(r'from "\./([\w-]+)\.js"', text)) <= set(assets.SCRIPTS[:number]), name


def test_no_two_scripts_call_a_thing_by_the_same_name() -> None:
    """They are joined into one scope, where the second would replace the first."""
    named = re.findall(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", "\n".join(MODULES.values()), re.M)
    assert sorted(named) == sorted({*named})


def test_nothing_is_left_of_modules_in_the_joined_script() -> None:
    assert re.findall(r"^\s*(?:import|export)\b.*", assets.scripts(), re.MULTILINE) == []
