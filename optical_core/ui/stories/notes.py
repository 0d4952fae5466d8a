"""Notes in Markdown as HTML: what looks like HTML in them stays text, and nothing is fetched."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt

from optical_core.escaping import plain_text

_LEFT = ["image", "heading", "lheading"]
"""Pictures, which a browser would fetch, are links; a note has no headings of its own."""


@cache
def _reader() -> MarkdownIt:
    """CommonMark with tables. The library refuses links to scripts and files."""
    return MarkdownIt("js-default", {"html": False, "linkify": False}).disable(_LEFT)


def note_html(text: str) -> str:
    """A note as HTML. Control characters and direction overrides are dropped.

    >>> note_html("A *note* <script>").strip()
    '<p>A <em>note</em> &lt;script&gt;</p>'
    >>> note_html("[here](javascript:alert(1))").strip()
    '<p>[here](javascript:alert(1))</p>'
    """
    html: str = _reader().render(plain_text(text))
    return html.replace("<a href=", '<a target="_blank" rel="noopener noreferrer" href=')
