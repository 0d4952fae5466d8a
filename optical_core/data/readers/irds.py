"""Data sets of the catalogue ir_datasets (MacAvaney et al., SIGIR 2021) by their ids."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optical_core.data.collection import Collection, CollectionInfo, Passage, write_collection
from optical_core.data.languages import language
from optical_core.data.trec import Qrels
from optical_core.errors import InputError

logger = logging.getLogger(__name__)


def import_irds(source: str, target: Path, *, name: str, unit: str | None = None) -> Collection:
    """Import a data set by its id, such as `msmarco-passage/dev/small`.

    ir_datasets downloads what it doesn't have, into a folder of its own. The text of a query or a
    document is what ir_datasets holds for its default.

    Raises InputError: the package isn't installed, there is no such id, the data set lacks
    documents, queries or judgements, or it can't be had.
    """
    dataset = _load(source)
    with _explained(source):
        queries = {str(query.query_id): _text(query) for query in dataset.queries_iter()}
        qrels: Qrels = {}
        for judged in dataset.qrels_iter():
            grades = qrels.setdefault(str(judged.query_id), {})
            grades[str(judged.doc_id)] = int(judged.relevance)
        told = dataset.queries_lang()
    if told is None:
        logger.warning("ir_datasets doesn't tell the language of %s: taken as English", source)
    code = language(told or "en").code
    info = CollectionInfo(
        name=name,
        description=f"{source} of ir_datasets.",
        licence="as the source's",
        source=f"{source}, ir-datasets.com",
        languages=(code,),
        parallel=True,
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
        missing = [what for what in ("docs", "queries", "qrels") if not dataset.has(what)]
    if missing:
        raise InputError(
            f"{identifier} of ir_datasets has no {' and no '.join(missing)}: name a subset that "
            "has docs, queries and qrels, such as msmarco-passage/dev/small"
        )
    return dataset


def _passages(dataset: Any, identifier: str) -> Iterator[Passage]:
    with _explained(identifier):
        for document in dataset.docs_iter():
            if hasattr(document, "text"):
                title = str(getattr(document, "title", None) or "")
                yield Passage(str(document.doc_id), title, str(document.text or ""))
            else:
                yield Passage(str(document.doc_id), "", _text(document))


def _text(record: Any) -> str:
    if hasattr(record, "default_text"):
        return str(record.default_text())
    if hasattr(record, "text"):
        return str(record.text)
    raise InputError(
        f"ir_datasets' {type(record).__name__} has no text of its own ({', '.join(record._fields)})"
    )


@contextlib.contextmanager
def _explained(identifier: str) -> Iterator[None]:
    """Turn what ir_datasets raises on downloads and damaged files into one sentence."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # its parsers let through what they meet
        first = error.args[0] if error.args else error
        reason = " ".join((first if isinstance(first, str) else str(error)).split())
        kind = type(error).__name__
        raise InputError(f"ir_datasets cannot give {identifier}: {reason or kind}") from error
