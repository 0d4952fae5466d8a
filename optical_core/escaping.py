"""The one place where texts of others become safe to show: in HTML, in Plotly, in Markdown."""

from __future__ import annotations

import html
import re

# Joiners (U+200C, U+200D) stay: Devanagari and Arabic need them.
_BARRED = re.compile(
    "[\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]"
)
_SYNTAX = re.compile(r"[\\`*_\[\]<>|~$&#]|^[-+=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]")
_REWRITTEN = re.compile(r"www(?=\.)|:(?=[\w+/-])|@|[-<](?=-)|-(?=>)|[<>~](?==)", re.IGNORECASE)
"""What is rewritten after Markdown is read, escaped or not: addresses become links, `:name:` an
emoji or icon, `--` a dash, `<=` a sign. A word joiner (no width) behind each keeps it apart."""


def html_text(text: str) -> str:
    """Escaped, and without control characters and direction overrides that leak out of a text.

    >>> html_text("<b>\\u202ex")
    '&lt;b&gt;x'
    """
    return html.escape(_BARRED.sub("", text))


def plotly_text(text: str) -> str:
    """For Plotly, which reads a little HTML but no escaped quotes, and fills in `%{…}`.

    >>> plotly_text("<a href='x'>%{x}")
    "&lt;a href='x'&gt;%\\u2060{x}"
    """
    return html.escape(_BARRED.sub("", text), quote=False).replace("%{", "%\u2060{")


def markdown_text(text: object) -> str:
    """A text (or an error's sentence) that Streamlit's Markdown shows as it is, on one line.

    >>> markdown_text("![x](http://y)")
    '!\\\\[x\\\\](http:\\u2060//y)'
    """
    line = " ".join(_BARRED.sub("", str(text)).split())
    return _SYNTAX.sub(r"\\\g<0>", _REWRITTEN.sub("\\g<0>\u2060", line))
