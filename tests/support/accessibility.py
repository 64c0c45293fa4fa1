"""What is wrong with a page for people who see, hear or point otherwise, as axe finds it, and what is too wide for it."""

from collections.abc import Iterator
from typing import Literal

from playwright.sync_api import Page

from portal.config import ROOT

AXE = ROOT / "var" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
"""For `page.add_init_script(path=AXE)`: sent once for all pages of a window, which is half as long as for each."""

RULES: dict[Literal["light", "dark"], object] = {
    "light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
"""WCAG 2.2 AA; of it, what the colours decide is judged in the dark too."""

FIND = """
async rules => (await axe.run(document, rules)).violations.flatMap(
  v => v.nodes.map(n => `${v.id} at ${n.target}: ${n.failureSummary.split("\\n").slice(1).join(" ")}`))
"""
TOO_WIDE = """
() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => `${e.tagName} ${e.className} ${e.innerText?.slice(0, 30)}`).slice(0, 3)
"""


def violations(page: Page) -> Iterator[str]:
    """Each with its theme. The page stays in the dark."""
    for theme, rules in RULES.items():
        page.emulate_media(color_scheme=theme)
        for violation in page.evaluate(FIND, {"runOnly": rules, "resultTypes": ["violations"]}):
            yield f"{theme}: {violation}"
