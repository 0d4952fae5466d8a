"""SGML-like files of TREC and CLEF: elements one after another, no root, loose entities.

No XML parser reads them: ampersands are bare, end tags are optional in places, and a file is a
sequence of elements. Only the outer element is relied upon.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

from optical_core.data.collection import Passage
from optical_core.data.lines import read_lines
from optical_core.errors import InputError

_ANY_TAG = re.compile(
    r"<!--.*?-->|<!\[CDATA\[|\]\]>|<[?!][A-Za-z][^<>]*>|</?[A-Za-z][^<>]*>", re.DOTALL
)


def elements(path: Path, tag: str, *, fallback: str | None = None) -> Iterator[tuple[int, str]]:
    """Yield (line of the start tag, content) of every `<tag> ... </tag>`, streaming.

    Text between the elements is passed over.

    Args:
        path: the file.
        tag: name of the elements.
        fallback: as for `read_lines`.

    Raises:
        InputError: an element isn't closed.
    """
    opening = re.compile(rf"<{tag}(?:\s[^<>]*)?>", re.IGNORECASE)
    closing = re.compile(rf"</{tag}\s*>", re.IGNORECASE)
    start, inside = 0, list[str]()
    for number, line in read_lines(path, fallback=fallback):
        rest = line
        while True:
            match = (closing if start else opening).search(rest)
            if match is None:
                if start:
                    inside.append(rest)
                break
            if start:
                yield start, "\n".join([*inside, rest[: match.start()]])
                start, inside = 0, []
            else:
                start = number
            rest = rest[match.end() :]
    if start:
        raise InputError(
            f"{path}, line {start}: the file ends inside this <{tag}> element: it is cut short"
        )


def plain_text(markup: str) -> str:
    """Text without tags, its entities resolved and its white space made single.

    Examples:
        >>> plain_text("<P>AT&T &amp; 3 <!-- of <b> --> < 4</P>")
        'AT&T & 3 < 4'
    """
    return " ".join(html.unescape(_ANY_TAG.sub(" ", markup)).split())


def field(element: str, tag: str) -> str:
    """Plain text of all `<tag> ... </tag>` in an element's content; empty without any."""
    return plain_text(" ".join(re.findall(rf"(?is)<{tag}(?:\s[^<>]*)?>(.*?)</{tag}\s*>", element)))


def open_field(element: str, tag: str) -> str:
    """Plain text from the first `<tag>` to the next tag of any kind: end tags may be missing."""
    match = re.search(rf"(?is)<{tag}(?:\s[^<>]*)?>(.*?)(?=</?[a-z][^<>]*>|\Z)", element)
    return plain_text(match[1]) if match else ""


def documents(path: Path, *, fallback: str | None = None) -> Iterator[Passage]:
    """Passages of a file of `<DOC>` elements: `<DOCNO>`, `<HEADLINE>` or `<TITLE>`, `<TEXT>`.

    Raises:
        InputError: there is no `<DOC>`, one has no `<DOCNO>`, or the file is cut short.
    """
    number = 0
    for number, element in elements(path, "DOC", fallback=fallback):
        identifier = field(element, "DOCNO")
        if not identifier:
            raise InputError(f"{path}, line {number}: a <DOC> element without <DOCNO>")
        title = field(element, "HEADLINE") or field(element, "TITLE")
        yield Passage(identifier, title, field(element, "TEXT"))
    if not number:
        raise InputError(f"{path}: no <DOC> element in it")
