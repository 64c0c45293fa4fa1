"""Descriptions are Markdown written by admins: rendered without raw HTML, then cleaned all the same."""

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).disable("image")
_TAGS = {"p", "br", "strong", "em", "ul", "ol", "li", "a", "blockquote", "code", "pre", "hr", "h3", "h4"}


@lru_cache(maxsize=64)
def rendered(text: str | None) -> Markup:
    """Safe HTML: paragraphs, lists, emphasis and links to http, https and mailto; nothing that loads or runs.

    Kept for the texts that were shown last: ten thousand brackets take a second to render.
    """
    if not text:
        return Markup()
    html = (
        _markdown.render(text)
        .replace("<h1>", "<h3>")
        .replace("</h1>", "</h3>")
        .replace("<h2>", "<h3>")
        .replace("</h2>", "</h3>")
    )
    return Markup(  # noqa: S704 - cleaned in the same breath
        nh3.clean(
            html,
            tags=_TAGS,
            attributes={"a": {"href"}},
            url_schemes={"http", "https", "mailto"},
            link_rel="noopener noreferrer nofollow",
        )
    )
