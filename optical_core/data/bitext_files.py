"""Files of sentence pairs in the usual formats.

TSV, Moses (two line-parallel files), TMX (also zipped), JSON Lines, a Hugging Face `datasets`
folder. A bad line is reported with file and number and passed over; above 1 % bad lines reading
stops, since the file is then not what it is said to be.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element

from optical_core.data.archives import data_members, open_zip
from optical_core.data.compression import DAMAGE, on_disk, open_plain, plain_name
from optical_core.data.fields import text as a_text
from optical_core.data.folders import data_files
from optical_core.data.languages import language
from optical_core.data.lines import parse_object, read_lines
from optical_core.data.xml import xml_elements
from optical_core.errors import InputError

logger = logging.getLogger(__name__)

BAD_SHARE = 0.01
"""Share of unreadable lines above which a file is refused."""
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True)
class SentencePair:
    """An English sentence, its translation, and where they come from."""

    english: str
    foreign: str
    language: str
    source: str = ""


def bitext_files(path: Path) -> list[Path]:
    """The files to read of a file or folder. Raises InputError for a folder that has none."""
    if path.is_file() or (path / "dataset_info.json").is_file():
        return [path]
    files = [
        file
        for file in data_files(path)
        if _reader_for(file) is not None and not _is_foreign_side(file)
    ]
    if not files:
        raise InputError(
            f"{path} holds no bitext: *.tsv, *.txt, *.tmx, *.tmx.zip, *.jsonl or NAME.en with "
            "NAME.<language> were expected"
        )
    return files


def read_pairs(path: Path) -> Iterator[SentencePair]:
    """The pairs of one of `bitext_files`. Raises InputError: another form, too many bad lines."""
    reader = _reader_for(path)
    if reader is None:
        raise InputError(
            f"{path}: unknown form of bitext; use .tsv, .txt, .tmx, .tmx.zip, .jsonl, a pair "
            "NAME.en and NAME.<language>, or a datasets folder"
        )
    yield from reader(path)


def _reader_for(path: Path) -> Callable[[Path], Iterator[SentencePair]] | None:
    if path.is_dir():
        return _read_dataset
    path = path.with_name(plain_name(path.name))
    name = path.name.lower()
    if name.endswith((".tmx", ".tmx.zip")):
        return _read_tmx
    if name.endswith(".jsonl"):
        return _read_jsonl
    if path.suffix in (".en", ".eng") or name in ("en.txt", "eng.txt"):
        return _read_moses
    if name.endswith((".tsv", ".txt")):
        return _read_tsv
    return None


def _is_foreign_side(path: Path) -> bool:
    """Is this the `swa.txt` of a pair `eng.txt`, `swa.txt`?"""
    english = ("en.txt", "eng.txt")
    has_english = any(on_disk(path.parent / name).is_file() for name in english)
    name = plain_name(path.name)
    return has_english and name.endswith(".txt") and name not in english


class _BadLines:
    """Counts unreadable lines of one file and refuses it above BAD_SHARE."""

    def __init__(self, path: Path) -> None:
        self.path, self.bad, self.total, self.first = path, 0, 0, ""

    def report(self, number: int, reason: str) -> None:
        self.bad += 1
        self.first = self.first or f"line {number}: {reason}"
        logger.warning("%s, line %d: %s; passed over", self.path, number, reason)

    def close(self) -> None:
        if self.bad > BAD_SHARE * self.total:
            raise InputError(
                f"{self.path}: {self.bad} of {self.total} lines are unreadable (above 1 %), "
                f"the first at {self.first}"
            )


def _code_in_name(name: str) -> str | None:
    """The foreign language that a file's name tells: `eng-swa.tsv`, `news.sw.tsv`, `mar.txt`."""
    for part in reversed(re.split(r"[.\-_ ]", plain_name(name))):
        try:
            code = language(part).code
        except InputError:
            continue
        if code != "en":
            return code
    return None


def _read_tsv(path: Path) -> Iterator[SentencePair]:
    lines = read_lines(path)
    bad = _BadLines(path)
    header: list[str] | None = None
    code = _code_in_name(path.name)
    for number, line in lines:
        columns = line.split("\t")
        if number == 1:
            header = _header(columns)
            if header:
                continue
            if len(columns) < 2:
                raise InputError(
                    f"{path}, line 1: two tab-separated columns (English, foreign) were expected"
                )
        if not line.strip():
            continue
        bad.total += 1
        if header and len(columns) != len(header):
            bad.report(number, f"{len(columns)} columns, the header has {len(header)}")
        elif header:
            yield from _row_pairs(dict(zip(header, columns, strict=True)), path.name)
        elif len(columns) < 2:
            bad.report(number, "one column, two were expected")
        elif code is None:
            raise InputError(
                f"{path}: the language can't be told; name the file like news.sw.tsv or give a "
                "header line of language codes"
            )
        else:
            yield SentencePair(columns[0].strip(), columns[1].strip(), code, path.name)
    bad.close()


def _header(columns: list[str]) -> list[str] | None:
    """Codes of a header line such as `en sw so`, or None if the line is a sentence pair."""
    try:
        codes = [language(column).code for column in columns]
    except InputError:
        return None
    return codes if "en" in codes and len(codes) > 1 else None


def _row_pairs(row: dict[str, str], source: str) -> Iterator[SentencePair]:
    """Pairs of a multi-way row: its English text with every other language's."""
    for code, text in row.items():
        if code != "en":
            yield SentencePair(row["en"].strip(), text.strip(), code, source)


def _read_jsonl(path: Path) -> Iterator[SentencePair]:
    bad = _BadLines(path)
    for number, line in read_lines(path):
        if not line.strip():
            continue
        bad.total += 1
        try:
            yield from _object_pairs(parse_object(line, "", ()), path.name)
        except InputError as error:
            bad.report(number, str(error).removeprefix(": "))
    bad.close()


def _object_pairs(row: dict, source: str) -> Iterator[SentencePair]:
    if "translation" in row and isinstance(row["translation"], dict):
        row = row["translation"]
    if {"english", "foreign", "language"} <= set(row):
        code = language(a_text(row["language"], "language")).code
        english, foreign = (a_text(row[side], side) for side in ("english", "foreign"))
        yield SentencePair(english, foreign, code, source)
        return
    texts = {}
    for key, value in row.items():
        if isinstance(value, str) and key not in ("id", "_id", "source"):
            texts[language(key).code] = value
    if "en" not in texts or len(texts) < 2:
        raise InputError("an object with `en` and another language code was expected")
    yield from _row_pairs(texts, source)


def _read_dataset(path: Path) -> Iterator[SentencePair]:
    from datasets import load_from_disk

    try:
        dataset = load_from_disk(str(path))
        for part in dataset.values() if hasattr(dataset, "values") else [dataset]:
            # Arrow trusts the offsets in its files: wrong ones would be read past their end.
            part.data.table.validate(full=True)
            for row in part:
                yield from _object_pairs(row, path.name)
    except InputError:
        raise
    except Exception as error:  # the library raises many kinds for a damaged folder
        reason = " ".join(str(error).split())
        raise InputError(f"cannot read the datasets folder {path}: {reason}") from error


def _read_moses(path: Path) -> Iterator[SentencePair]:
    plain = Path(plain_name(path.name))
    if plain.suffix == ".txt":
        others, pattern = data_files(path.parent, "*.txt", deep=False), "<language>.txt"
        partners = [(other, _code_in_name(Path(plain_name(other.name)).stem)) for other in others]
    else:
        pattern = f"{plain.stem}.<language>"
        others = data_files(path.parent, f"{escape(plain.stem)}.*", deep=False)
        partners = [(other, _code_in_name(Path(plain_name(other.name)).suffix)) for other in others]
    foreign_sides = {other: code for other, code in partners if code and other != path}
    if not foreign_sides:
        raise InputError(f"{path}: no file {pattern} beside it")
    english = [line for _, line in read_lines(path)]
    for other, code in foreign_sides.items():
        foreign = [line for _, line in read_lines(other)]
        if len(foreign) != len(english):
            raise InputError(
                f"{path} has {len(english)} lines and {other.name} {len(foreign)}: "
                "the two sides of a Moses pair must have as many"
            )
        for left, right in zip(english, foreign, strict=True):
            yield SentencePair(left.strip(), right.strip(), code, other.name)


def _read_tmx(path: Path) -> Iterator[SentencePair]:
    if path.suffix != ".zip":
        try:
            with open_plain(path) as file:
                if not file.seekable():
                    raise InputError(f"{path}: TMX is read plain, zipped, or as .gz, .bz2 or .xz")
                yield from _tmx_units(file, path)
        except DAMAGE as error:
            raise InputError(f"cannot read {path}: {error}") from error
        return
    with open_zip(path) as archive:
        for member in data_members(archive):
            if member.filename.endswith(".tmx"):
                with archive.open(member) as file:
                    yield from _tmx_units(file, path)


def _tmx_units(file: IO[bytes], path: Path) -> Iterator[SentencePair]:
    bad = _BadLines(path)
    for element in xml_elements(file, "tu", str(path)):
        bad.total += 1
        try:
            yield from _row_pairs(_segments(element), path.name)
        except InputError as error:
            bad.report(bad.total, f"(translation unit) {error}")
    bad.close()


def _segments(unit: Element) -> dict[str, str]:
    """Texts of a translation unit by language, English among them."""
    texts: dict[str, str] = {}
    for variant in unit.findall("tuv"):
        code = language(variant.get(_LANG) or variant.get("lang") or "?").code
        segment = variant.find("seg")
        texts[code] = "".join(segment.itertext()) if segment is not None else ""
    if "en" not in texts:
        raise InputError("no English segment")
    return texts
