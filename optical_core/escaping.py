"""The one place that makes foreign text safe to show: in HTML, in Plotly, in Markdown."""

from __future__ import annotations

import html
import re

# Joiners (U+200C, U+200D) stay: Devanagari and Arabic need them.
_BARRED = re.compile(
    "[\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]"
)
_BREAK, _TAG = re.compile(r"<br\s*/?>"), re.compile(r"</?\w+[^<>]*>")
_SYNTAX = re.compile(r"[\\`*_\[\]<>|~$&#]|^[-+=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]")
_REWRITTEN = re.compile(r"www(?=\.)|:(?=[\w+/-])|@|[-<](?=-)|-(?=>)|[<>~](?==)", re.IGNORECASE)
"""Streamlit rewrites these after it has read the Markdown, escaped or not: addresses become links,
`:name:` an emoji or icon, `--` a dash, `<=` a sign. A word joiner (no width) after each prevents
it."""


def plain_text(text: str) -> str:
    """A text for a place that shows it as it is: control characters and direction overrides go.

    Examples:
        >>> plain_text("<b>\\u202ex")
        '<b>x'
    """
    return _BARRED.sub("", text)


def html_text(text: str) -> str:
    """Escape a text for HTML, and remove control characters and direction overrides.

    Examples:
        >>> html_text("<b>\\u202ex")
        '&lt;b&gt;x'
    """
    return html.escape(_BARRED.sub("", text))


def plotly_text(text: str) -> str:
    """Escape a text for Plotly, which reads some HTML, no escaped quotes, and fills in `%{…}`.

    Examples:
        >>> plotly_text("<a href='x'>%{x}")
        "&lt;a href='x'&gt;%\\u2060{x}"
    """
    return html.escape(_BARRED.sub("", text), quote=False).replace("%{", "%\u2060{")


def plotly_plain(text: str) -> str:
    """A text of a Plotly figure as it is read: without HTML, `<br>` as a new line.

    Examples:
        >>> plotly_plain("<b>a &lt; b</b><br>c")
        'a < b\\nc'
    """
    text = _TAG.sub("", _BREAK.sub("\n", text))
    return html.unescape(text).replace("\u2060", "")


def markdown_text(text: object) -> str:
    """Escape a text or an error: Streamlit's Markdown then shows it as it is, on one line.

    Examples:
        >>> markdown_text("![x](http://y)")
        '!\\\\[x\\\\](http:\\u2060//y)'
    """
    line = " ".join(_BARRED.sub("", str(text)).split())
    return _SYNTAX.sub(r"\\\g<0>", _REWRITTEN.sub("\\g<0>\u2060", line))
