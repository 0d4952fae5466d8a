"""The one place where texts of others become safe to show: in HTML, and in Streamlit's Markdown."""

from __future__ import annotations

import html
import re

# Joiners (U+200C, U+200D) stay: Devanagari and Arabic need them.
_BARRED = re.compile(
    "[\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]"
)
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~:$])")


def html_text(text: str, *, quote: bool = True) -> str:
    """Escaped, and without control characters and direction overrides that leak out of a text.

    Without `quote` it is for plotly, which reads a little HTML but no escaped quotes.

    >>> html_text("<b>\\u202ex")
    '&lt;b&gt;x'
    """
    return html.escape(_BARRED.sub("", text), quote=quote)


def markdown_text(text: str) -> str:
    """A text that Markdown shows as it is: no link, picture, badge or formula comes of it.

    >>> markdown_text("![x](http://y)")
    '!\\\\[x\\\\](http\\\\://y)'
    """
    return _MARKDOWN.sub(r"\\\1", " ".join(_BARRED.sub("", text).split()))
