"""Gold word alignments, in the forms in which they are published.

- awesome-align / GIZA: NAME.src-tgt (`foreign ||| English`, a line a pair) beside NAME.gold
  (`1-5` sure, `10p15` possible, indices from 1);
- XL-WA: a TSV of English, foreign and `0-0 1-2` (indices from 0, English first).

Spaces and tabs separate words. Other white space is part of a word, shown as ␣.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from optical_core.data.compression import on_disk, plain_name
from optical_core.data.lines import read_lines
from optical_core.errors import InputError

Links = frozenset[tuple[int, int]]
"""(foreign word, English word), counted from 0."""
_OTHER_BLANK = re.compile(r"[^\S \t]")
_LINK = re.compile(r"(\d{1,9})([-p])(\d{1,9})")


@dataclass(frozen=True)
class GoldPair:
    """A sentence pair with its gold word alignment.

    Attributes:
        foreign: words separated by spaces.
        english: words separated by spaces.
        sure: links that every annotator would make.
        possible: all links, the sure ones included.
    """

    foreign: str
    english: str
    sure: Links
    possible: Links


def read_gold(path: Path | str) -> list[GoldPair]:
    """Read gold word alignments of either form.

    Args:
        path: NAME.src-tgt, NAME.gold or a TSV.

    Raises:
        InputError: the companion file is missing, a line has the wrong columns, or a link names a
            word that the sentence lacks. The message has the file and the line.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "test.tsv")
        ...     _ = path.write_text("salty sea\\tbahari yenye chumvi\\t0-2 1-0\\n")
        ...     sorted(read_gold(path)[0].sure)
        [(0, 1), (2, 0)]
    """
    path = Path(path)
    plain = path.with_name(plain_name(path.name))
    if plain.suffix in (".src-tgt", ".gold"):
        return _read_two_files(*(on_disk(plain.with_suffix(end)) for end in (".src-tgt", ".gold")))
    pairs = []
    for number, line in read_lines(path):
        columns = line.split("\t")
        if len(columns) != 3:
            raise InputError(
                f"{path}, line {number}: English, foreign and links (3 columns) were expected, "
                f"this line has {len(columns)}"
            )
        english, foreign, links = columns
        pairs.append(_pair(foreign, english, links, f"{path}, line {number}", 0, flip=True))
    return pairs


def gold_name(path: Path) -> str:
    """The name of a gold file; XL-WA's is made of the folder (language) and the file (part).

    Examples:
        >>> gold_name(Path("gold/roen.src-tgt")), gold_name(Path("xlwa/es/test.tsv"))
        ('roen', 'es-test')
    """
    plain = Path(plain_name(path.name))
    return f"{path.parent.name}-{plain.stem}" if plain.suffix == ".tsv" else plain.stem


def dev_file(path: Path) -> Path | None:
    """XL-WA's dev.tsv beside a test.tsv; None if a file has no dev file."""
    beside = on_disk(path.with_name("dev.tsv"))
    return beside if plain_name(path.name) == "test.tsv" and beside.exists() else None


def _read_two_files(sentences: Path, gold: Path) -> list[GoldPair]:
    lines, links = list(read_lines(sentences)), list(read_lines(gold))
    if len(lines) != len(links):
        raise InputError(f"{sentences} has {len(lines)} lines, {gold} has {len(links)}")
    pairs = []
    for (number, line), (_, text) in zip(lines, links, strict=True):
        sides = line.split("|||")
        if len(sides) != 2:
            raise InputError(f"{sentences}, line {number}: 'foreign ||| English' was expected")
        pairs.append(_pair(sides[0], sides[1], text, f"{gold}, line {number}", 1, flip=False))
    return pairs


def _pair(
    foreign: str, english: str, links: str, where: str, first: int, *, flip: bool
) -> GoldPair:
    # The Japanese set has U+3000 as a word: it must stay one when `split` ends words at it.
    foreign, english = (
        _OTHER_BLANK.sub("\u2423", text.strip(" \t")) for text in (foreign, english)
    )
    sizes = len(foreign.split()), len(english.split())
    sure, possible = set(), set()
    for part in links.split():
        match = _LINK.fullmatch(part)
        if match is None:
            raise InputError(f"{where}: {part!r} is no link such as 1-5 or 10p15")
        i, j = int(match[1]) - first, int(match[3]) - first
        if flip:
            i, j = j, i
        if not (0 <= i < sizes[0] and 0 <= j < sizes[1]):
            raise InputError(f"{where}: the link {part} names a word that the sentence lacks")
        possible.add((i, j))
        if match[2] == "-":
            sure.add((i, j))
    return GoldPair(foreign, english, frozenset(sure), frozenset(possible))
