"""Line-parallel articles as a collection: the first line of an article asks for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.corpus import NO_FIELDS
from optical_core.data.languages import language_codes
from optical_core.data.lines import read_lines
from optical_core.data.trec import Qrels
from optical_core.errors import InputError


def read_parallel(files: Mapping[str, Path], articles: int) -> dict[str, list[str]]:
    """Lines of each language's file, all as many as there are article names."""
    texts = {code: [line for _, line in read_lines(path)] for code, path in files.items()}
    for code, lines in texts.items():
        if len(lines) != articles:
            raise InputError(
                f"{files[code]} has {len(lines)} lines, {articles} were expected (one for each "
                "line of the article list)"
            )
    return texts


def write_articles(
    target: Path,
    articles: Sequence[str],
    texts: Mapping[str, Sequence[str]],
    *,
    unit: str,
    name: str,
    description: str,
    licence: str,
    source: str,
) -> Collection:
    """Write a collection from line-parallel texts.

    `articles`: the article of each line. The first line of each article of at least two lines is
    the query in every language; its other English lines are one passage (`unit="article"`) or a
    passage each (`unit="sentence"`). `article:en,sw` takes these lines in each of the languages:
    a pool in which translations are judged alike.
    """
    unit, codes = _unit(unit, texts)
    mixed = len(codes) > 1
    members: dict[str, list[int]] = {}
    for line, article in enumerate(articles):
        members.setdefault(article.strip(), []).append(line)
    passages: list[Passage] = []
    queries: dict[str, dict[str, str]] = {code: {} for code in texts}
    qrels: Qrels = {}
    for number, lines in enumerate(members.values()):
        if len(lines) < 2:
            continue
        query = f"a{number:03d}"
        for code, side in texts.items():
            queries[code][query] = side[lines[0]]
        of_article = []
        for code in codes:
            body = [texts[code][line] for line in lines[1:]]
            pieces = [" ".join(body)] if unit == "article" else body
            ending, fields = (f"-{code}", {"lang": code}) if mixed else ("", NO_FIELDS)
            of_article += [
                Passage(f"{query}-{index:02d}{ending}", "", text, fields)
                for index, text in enumerate(pieces, 1)
            ]
        passages += of_article
        qrels[query] = {passage.id: 1 for passage in of_article}
    info = CollectionInfo(
        name=name,
        description=description,
        licence=licence,
        source=source,
        languages=tuple(queries),
        parallel=True,
        passage_language=None if mixed else codes[0],
    )
    return write_collection(target, info, passages, queries, qrels)


def _unit(unit: str, known: Mapping[str, Sequence[str]]) -> tuple[str, list[str]]:
    """What of an article is a passage, and the languages of the passages.

    Raises:
        InputError: there is no such unit, or no text in a language.
    """
    part, separator, listed = unit.partition(":")
    if part not in ("article", "sentence"):
        raise InputError(
            f"unknown unit {unit!r}: use article or sentence, or with the passages' languages "
            "article:en,sw"
        )
    codes = language_codes(listed) if separator else ["en"]
    lacking = [code for code in codes if code not in known]
    if lacking or not codes:
        found = f"no texts in {', '.join(lacking)}" if lacking else "no language"
        raise InputError(f"the unit {unit!r} has {found}: there are {', '.join(known)}")
    return part, codes
