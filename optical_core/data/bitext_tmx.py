"""TMX, the exchange form of translation memories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element

from optical_core.data.archives import data_members, open_zip
from optical_core.data.compression import DAMAGE, metered, open_plain
from optical_core.data.sentence_pairs import BadLines, SentencePair, row_pairs, say_unknown
from optical_core.data.xml import local_name, xml_elements
from optical_core.errors import InputError

_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_CODES = ("bpt", "ept", "ph", "it", "ut")
"""Elements of a segment that contain markup of the original document (TMX 1.4b, 3.4)."""


def read_tmx(path: Path) -> Iterator[SentencePair]:
    """The pairs of `*.tmx`, or of all such members of `*.tmx.zip`."""
    if path.suffix.lower() != ".zip":
        try:
            with open_plain(path) as file:
                if not file.seekable():
                    raise InputError(f"{path}: TMX is read plain, zipped, or as .gz, .bz2 or .xz")
                yield from _units(file, path)
        except DAMAGE as error:
            raise InputError(f"cannot read {path}: {error}") from error
        return
    with open_zip(path) as archive:
        for member in data_members(archive):
            if member.filename.lower().endswith(".tmx"):
                with archive.open(member) as file:
                    yield from _units(metered(file, f"{path}: {member.filename}"), path)


def _units(file: IO[bytes], path: Path) -> Iterator[SentencePair]:
    bad = BadLines(path)
    unknown: Counter[str] = Counter()
    for element in xml_elements(file, "tu", str(path)):
        bad.total += 1
        try:
            yield from row_pairs(_segments(element), path.name, unknown)
        except InputError as error:
            bad.report(bad.total, f"(translation unit) {error}")
    say_unknown(path, unknown)
    bad.close()


def _segments(unit: Element) -> list[tuple[str, str]]:
    """(language code, text) of a translation unit's variants."""
    texts = []
    for variant in unit.findall("{*}tuv"):
        segment = variant.find("{*}seg")
        code = variant.get(_LANG) or variant.get("lang") or "?"
        texts.append((code, " ".join(_text(segment).split()) if segment is not None else ""))
    return texts


def _text(element: Element) -> str:
    """An element's text without its native codes; highlighted text (hi) is kept."""
    parts = [element.text or ""]
    for child in element:
        # Comments have no name.
        if local_name(child).lower() not in ("", *_CODES):
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)
