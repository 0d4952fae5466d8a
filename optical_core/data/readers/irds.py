"""Data sets of the catalogue ir_datasets (MacAvaney et al., SIGIR 2021) by their ids."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.fields import add_once, grade, identifier, text
from optical_core.data.languages import known_code, language
from optical_core.data.trec import Qrels, join_judgements
from optical_core.errors import InputError

logger = logging.getLogger(__name__)


def import_irds(source: str, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import a data set by its id, such as `msmarco-passage/dev/small`.

    ir_datasets downloads missing data into a folder of its own. The text of a query or document is
    ir_datasets' default text.

    Raises:
        InputError: the package isn't installed, there is no such id, or the data set can't be
            downloaded or lacks documents, queries or judgements.
    """
    dataset = _load(source)
    with _explained(source):
        queries: dict[str, str] = {}
        for query in dataset.queries_iter():
            key = identifier(query.query_id, f"{source}, queries")
            add_once(queries, key, _text(query, f"{source}, query {key}"), source)
        qrels: Qrels = {}
        for judged in dataset.qrels_iter():
            key, where = identifier(judged.query_id, f"{source}, qrels"), f"{source}, qrels"
            value = grade(judged.relevance, where)
            join_judgements(qrels, key, {identifier(judged.doc_id, where): value}, where)
        tag, documents = dataset.queries_lang(), dataset.docs_lang()
    if tag is None:
        logger.warning("ir_datasets doesn't tell the language of %s: taken as English", source)
    code = language(tag or "en").code
    info = CollectionInfo(
        name=name,
        description=f"{source} of ir_datasets.",
        licence="as the source's",
        source=f"{source}, ir-datasets.com",
        languages=(code,),
        parallel=True,
        passage_language=known_code(documents or ""),
    )
    return write_collection(target, info, _passages(dataset, source), {code: queries}, qrels)


def _load(identifier: str) -> Any:
    try:
        import ir_datasets
    except ModuleNotFoundError as error:
        raise InputError(
            "importing by id needs the package ir_datasets: pip install ir-datasets"
        ) from error
    with _explained(identifier):
        try:
            dataset = ir_datasets.load(identifier)
        except KeyError as error:
            raise InputError(
                f"ir_datasets knows no {identifier!r}: its ids are listed at ir-datasets.com"
            ) from error
        missing = [part for part in ("docs", "queries", "qrels") if not dataset.has(part)]
    if missing:
        raise InputError(
            f"{identifier} of ir_datasets has no {' and no '.join(missing)}: name a subset that "
            "has docs, queries and qrels, such as msmarco-passage/dev/small"
        )
    return dataset


def _passages(dataset: Any, source: str) -> Iterator[Passage]:
    with _explained(source):
        for document in dataset.docs_iter():
            key = identifier(document.doc_id, f"{source}, documents")
            where = f"{source}, document {key}"
            if hasattr(document, "text"):
                title, body = getattr(document, "title", None), document.text
                yield Passage(key, text(title or "", where), text(body or "", where))
            else:
                yield Passage(key, "", _text(document, where))


def _text(record: Any, where: str) -> str:
    if hasattr(record, "default_text"):
        return text(record.default_text(), where)
    if hasattr(record, "text"):
        return text(record.text, where)
    raise InputError(
        f"ir_datasets' {type(record).__name__} has no text of its own ({', '.join(record._fields)})"
    )


@contextlib.contextmanager
def _explained(identifier: str) -> Iterator[None]:
    """Turn ir_datasets' exceptions on downloads and damaged files into one sentence."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # its parsers let any exception through
        first = error.args[0] if error.args else error
        reason = " ".join((first if isinstance(first, str) else str(error)).split())
        kind = type(error).__name__
        raise InputError(f"ir_datasets cannot give {identifier}: {reason or kind}") from error
