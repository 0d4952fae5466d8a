"""Files of topics, as the campaigns publish them: queries with ids."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from optical_core.data.fields import add_once, identifier
from optical_core.data.lines import read_lines, read_queries
from optical_core.data.lines import read_topics as read_columns
from optical_core.data.readers import sgml
from optical_core.errors import InputError

FIELDS = {"title": "title", "description": "desc", "narrative": "narr"}
"""Fields of a topic -> their TREC tags."""
_LABELS = re.compile(r"(?i)^(number|topic|description|narrative):\s*")


def read_topics(path: Path, fields: Sequence[str] = ("title",)) -> dict[str, str]:
    """Read query id -> text.

    Read from:

        id<TAB>text                     a line a query
        {"_id": …, "text": …}           JSON Lines
        <top> with <num>, <title> …     TREC, with or without end tags

    Args:
        path: the file.
        fields: of a TREC topic (title, description, narrative), joined in the order given.

    Raises:
        InputError: there is no such file or no topic in it, a line is wrong, an id comes twice, a
            field is unknown, or topics that have none are asked for their fields.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "topics.tsv")
        ...     _ = path.write_text("1\\twhy is the sea salty\\n")
        ...     read_topics(path)
        {'1': 'why is the sea salty'}
    """
    unknown = [name for name in fields if name not in FIELDS]
    if unknown or not fields:
        named = ", ".join(unknown) or "none"
        raise InputError(f"topics have the fields {', '.join(FIELDS)}, not {named}")
    if not path.is_file():
        raise InputError(f"no such file of topics: {path}")
    lines = (line.strip() for _, line in read_lines(path))
    first = next((line for line in lines if line), "")
    if first.startswith("<"):
        topics = _trec_topics(path, fields)
    elif tuple(fields) != ("title",):
        raise InputError(f"{path} isn't of TREC's <top> elements: its topics have only a text")
    else:
        topics = read_queries(path) if first.startswith("{") else read_columns(path)
    if not topics:
        raise InputError(f"{path}: there is no topic in it")
    return topics


def _trec_topics(path: Path, fields: Sequence[str]) -> dict[str, str]:
    topics: dict[str, str] = {}
    for number, topic in sgml.elements(path, "top"):
        where = f"{path}, line {number}"
        key, *parts = (
            _LABELS.sub("", sgml.open_field(topic, tag)).strip()
            for tag in ("num", *(FIELDS[name] for name in fields))
        )
        if not key or not parts[0]:
            raise InputError(f"{where}: a <top> element without <num> or <{FIELDS[fields[0]]}>")
        add_once(topics, identifier(key, where), " ".join(filter(None, parts)), where)
    return topics
