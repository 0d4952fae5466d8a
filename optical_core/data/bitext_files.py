"""Files of sentence pairs in the usual formats.

TSV, Moses (two line-parallel files), TMX (also zipped), JSON Lines, a Hugging Face `datasets`
folder. A bad line is reported with file and number, and passed over. A file with more than 1 % bad
lines is refused: it isn't in the format that its name says.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from optical_core.data.bitext_columns import read_tsv
from optical_core.data.bitext_names import foreign_language
from optical_core.data.bitext_tmx import read_tmx
from optical_core.data.compression import plain_name
from optical_core.data.fields import text as a_text
from optical_core.data.folders import MOST_NAMED, data_files
from optical_core.data.languages import UnknownLanguageError, find_language, is_english
from optical_core.data.lines import parse_object, read_lines
from optical_core.data.sentence_pairs import (
    BadLines,
    SentencePair,
    plain_sentence,
    row_pairs,
    say_unknown,
)
from optical_core.errors import InputError
from optical_core.wording import first_of

logger = logging.getLogger(__name__)


def read_file_or_folder(path: Path) -> Iterator[SentencePair]:
    """The pairs of a file, or of all files in a folder.

    Files in a folder whose language is unknown are left out with a warning.

    Raises:
        InputError: there is nothing readable, or there are too many bad lines.
    """
    files = bitext_files(path)
    left_out: list[UnknownLanguageError] = []
    for file in files:
        try:
            yield from read_pairs(file)
        except UnknownLanguageError as error:
            if len(files) == 1:
                raise
            left_out.append(error)
    if len(left_out) == len(files):
        raise left_out[0]
    for reason in left_out:
        logger.warning("left out: %s", reason)


def bitext_files(path: Path) -> list[Path]:
    """The bitext files that a path stands for: itself, or those in the folder.

    Files of other forms in a folder are named in a warning.

    Raises:
        InputError: the folder has none.
    """
    if path.is_file() or (path / "dataset_info.json").is_file():
        return [path]
    present = [file for file in data_files(path) if not _is_foreign_side(file)]
    files = [file for file in present if _reader_for(file) is not None]
    _say_passed_over(path, present, files)
    if not files:
        raise InputError(
            f"{path} has no bitext: *.tsv, *.txt, *.tmx, *.tmx.zip, *.jsonl or NAME.en with "
            "NAME.<language> were expected"
        )
    return files


def _say_passed_over(folder: Path, present: list[Path], read: list[Path]) -> None:
    """Warn of files that are neither read nor the other side of one that is."""
    plain = {file: file.with_name(plain_name(file.name)) for file in present}
    sides = {plain[file].with_suffix("") for file in read if _is_english_side(plain[file])}
    others = [f for f in present if f not in read and plain[f].with_suffix("") not in sides]
    if read and others:
        names = [file.relative_to(folder).as_posix() for file in others]
        shown = first_of(names, MOST_NAMED)
        logger.warning("%s: passed over, since bitext has other forms: %s", folder, shown)


def read_pairs(path: Path) -> Iterator[SentencePair]:
    """The pairs of one of `bitext_files`.

    Raises:
        InputError: the form is unknown, or there are too many bad lines.
    """
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
        return read_tmx
    if name.endswith(".jsonl"):
        return _read_jsonl
    if _is_english_side(path):
        return _read_moses
    if name.endswith((".tsv", ".txt")):
        return read_tsv
    return None


def _is_foreign_side(path: Path) -> bool:
    """Is this the `swa.txt` of a pair `eng.txt`, `swa.txt`?"""
    plain = Path(plain_name(path.name))
    if plain.suffix != ".txt" or _is_english_side(plain):
        return False
    beside = data_files(path.parent, "*.txt", deep=False)
    return any(_is_english_side(Path(plain_name(other.name))) for other in beside)


def _is_english_side(path: Path) -> bool:
    """Does a name end in English's code in any form: NAME.en, NAME.eng_Latn, en-US.txt?"""
    code = path.stem if path.suffix == ".txt" else path.suffix.removeprefix(".")
    known = find_language(code)
    return known is not None and is_english(known.code)


def _read_jsonl(path: Path) -> Iterator[SentencePair]:
    bad = BadLines(path)
    unknown: Counter[str] = Counter()
    for number, line in read_lines(path):
        if not line.strip():
            continue
        bad.total += 1
        try:
            yield from _object_pairs(parse_object(line, "", ()), path.name, unknown)
        except InputError as error:
            bad.report(number, str(error).removeprefix(": "))
    say_unknown(path, unknown)
    bad.close()


def _object_pairs(
    row: dict[str, Any], source: str, unknown: Counter[str]
) -> Iterator[SentencePair]:
    if "translation" in row and isinstance(row["translation"], dict):
        row = row["translation"]
    if {"english", "foreign", "language"} <= set(row):
        code, english, foreign = (a_text(row[k], k) for k in ("language", "english", "foreign"))
        yield from row_pairs([("en", english), (code, foreign)], source, unknown)
        return
    texts = [
        (key, value)
        for key, value in row.items()
        if isinstance(value, str) and key not in ("_id", "source")
    ]
    # `id` is Indonesian where nothing else can be the other side.
    without_id = [(key, value) for key, value in texts if key != "id"]
    texts = (
        without_id if sum(find_language(key) is not None for key, _ in without_id) > 1 else texts
    )
    if len(texts) < 2:
        raise InputError("an object with `en` and another language code was expected")
    yield from row_pairs(texts, source, unknown)


def _read_dataset(path: Path) -> Iterator[SentencePair]:
    from datasets import load_from_disk

    unknown: Counter[str] = Counter()
    try:
        dataset = load_from_disk(str(path))
        for part in dataset.values() if hasattr(dataset, "values") else [dataset]:
            # Arrow trusts the offsets in its files: wrong ones would be read past their end.
            part.data.table.validate(full=True)
            for row in part:
                yield from _object_pairs(row, path.name, unknown)
    except InputError:
        raise
    except Exception as error:  # the library raises many kinds for a damaged folder
        reason = " ".join(str(error).split())
        raise InputError(f"cannot read the datasets folder {path}: {reason}") from error
    say_unknown(path, unknown)


def _read_moses(path: Path) -> Iterator[SentencePair]:
    # Names are compared, not globbed: a name may contain the characters of a pattern.
    plain = Path(plain_name(path.name))
    beside = {
        other: Path(plain_name(other.name))
        for other in data_files(path.parent, deep=False)
        if other != path
    }
    if plain.suffix == ".txt":
        pattern = "<language>.txt"
        names = {other: name.stem for other, name in beside.items() if name.suffix == ".txt"}
    else:
        pattern = f"{plain.stem}.<language>"
        names = {o: name.suffix[1:] for o, name in beside.items() if name.stem == plain.stem}
    codes = {other: foreign_language(Path(name)) for other, name in names.items()}
    known = {other: code for other, code in codes.items() if code is not None}
    if not known:
        raise UnknownLanguageError(f"{path}: no file {pattern} beside it")
    english = [plain_sentence(line) for _, line in read_lines(path)]
    for other, code in known.items():
        foreign = [line for _, line in read_lines(other)]
        if len(foreign) != len(english):
            raise InputError(
                f"{path} has {len(english)} lines and {other.name} {len(foreign)}: "
                "the two sides of a Moses pair must have as many"
            )
        for left, right in zip(english, foreign, strict=True):
            yield SentencePair(left, plain_sentence(right), code, other.name)
