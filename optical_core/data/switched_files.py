"""Code-switched training data as files, with the record of how it was made."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from optical_core.data.bitext import filter_pairs, read_bitext
from optical_core.data.collection import CollectionInfo, write_collection
from optical_core.data.compression import plain_name
from optical_core.data.lexicons import lexicon_hash
from optical_core.data.lines import read_lines
from optical_core.data.records import write_record
from optical_core.data.relevance import read_relevance
from optical_core.data.switching import Switched, Switcher, switched_pairs, switched_queries
from optical_core.errors import InputError
from optical_core.paths import check_apart
from optical_core.storage import replace_file

Counts = dict[str, tuple[int, float]]
"""Language -> number of sentences or queries, and the share of their words that was replaced."""


def english_sentences(paths: Iterable[Path | str]) -> list[str]:
    """The English sentences of text files, a line each, and of bitext; each once.

    Raises:
        InputError: there is no such file, or no sentence in it.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "sea.txt").write_text("The sea is salty.\\n")
        ...     english_sentences([Path(folder, "sea.txt")])
        ['The sea is salty.']
    """
    found: dict[str, None] = {}
    for path in map(Path, paths):
        found |= dict.fromkeys(" ".join(text.split()) for text in _sentences(path))
    found.pop("", None)
    if not found:
        raise InputError(f"no English sentence in {', '.join(map(str, paths))}")
    return list(found)


def _sentences(path: Path) -> Iterator[str]:
    if plain_name(path.name).endswith(".txt") and path.is_file():
        first = next((line for _, line in read_lines(path) if line.strip()), "")
        if "\t" not in first:
            yield from (line for _, line in read_lines(path))
            return
    yield from (pair.english for pair in read_bitext(path).pairs)


def write_bitext(
    out: Path, sources: Sequence[Path | str], switchers: Mapping[str, Switcher], *, lexicon: Path
) -> Counts:
    """Write `switched.<language>.tsv` of English and switched sentences, each with its record.

    The filters of bitext apply: in a language of another script, a sentence stays only if most of
    its letters are of that script.

    Args:
        out: the folder; files of the same name are replaced.
        sources: text files or bitext, see `english_sentences`.
        switchers: language -> what switches its sentences.
        lexicon: where the dictionaries were read from, for the record.

    Raises:
        InputError: the sources can't be read, or no sentence of a language is left.
    """
    sentences = english_sentences(sources)
    counts: Counts = {}
    for code, switcher in switchers.items():
        check_apart(out / f"switched.{code}.tsv", sources)
        made = dict(switched_pairs(sentences, switcher, code))
        pairs = filter_pairs(made)
        if not pairs.pairs:
            raise InputError(
                f"no sentence in {code} is left ({pairs.report()}): its lexicon knows too few of "
                "their words, or the rate is too low for another script"
            )
        with (
            replace_file(out / f"switched.{code}.tsv") as temporary,
            temporary.open("w", encoding="utf-8") as file,
        ):
            file.write(f"en\t{code}\n")
            file.writelines(f"{pair.english}\t{pair.foreign}\n" for pair in pairs.pairs)
        counts[code] = _count(made[pair] for pair in pairs.pairs)
        record = _record(sources, {code: switcher}, lexicon, counts)
        write_record(out / f"switched.{code}.json", record)
    return counts


def write_relevance(
    out: Path, sources: Sequence[Path | str], switchers: Mapping[str, Switcher], *, lexicon: Path
) -> Counts:
    """Write a collection of English passages and switched queries, with `record.json` in it.

    A teacher's scores aren't kept: they are those of the English query.

    Args:
        out: the collection's folder; replaced.
        sources: relevance data, see `read_relevance`.
        switchers: language -> what switches its queries.
        lexicon: where the dictionaries were read from, for the record.

    Raises:
        InputError: the sources can't be read, or no query of a language is left.
    """
    relevance = read_relevance(sources, ["en"])
    switched, qrels = switched_queries(relevance, switchers)
    for code, of_language in switched.items():
        if not of_language:
            raise InputError(f"no query in {code} is left: its lexicon knows none of their words")
    queries = {
        code: {key: each.text for key, each in of_language.items()}
        for code, of_language in switched.items()
    }
    info = CollectionInfo(
        name=Path(os.path.realpath(out)).name,
        description="English queries with some words replaced by a lexicon's translations.",
        licence="as the sources'",
        source=", ".join(map(str, sources)),
        languages=tuple(queries),
        parallel=False,
    )
    write_collection(
        out, info, relevance.passages.values(), queries, qrels, qrels_per_language=True
    )
    counts = {code: _count(of_language.values()) for code, of_language in switched.items()}
    write_record(out / "record.json", _record(sources, switchers, lexicon, counts))
    return counts


def _count(switched: Iterable[Switched]) -> tuple[int, float]:
    kept = list(switched)
    return len(kept), sum(each.replaced for each in kept) / sum(each.words for each in kept)


def _record(
    sources: Sequence[Path | str],
    switchers: Mapping[str, Switcher],
    lexicon: Path,
    counts: Counts,
) -> dict[str, Any]:
    settings = {
        code: {
            "rate": switcher.rate,
            "seed": switcher.seed,
            "entries": len(switcher.dictionary),
            "dictionary": lexicon_hash(switcher.dictionary),
            "texts": counts[code][0],
            "replaced": round(counts[code][1], 4),
        }
        for code, switcher in switchers.items()
    }
    return {"english": list(map(str, sources)), "lexicon": str(lexicon), "languages": settings}
