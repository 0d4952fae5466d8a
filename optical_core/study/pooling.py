"""A pool for judges: the best passages of several models, without saying whose they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from optical_core.data.collection import Collection
from optical_core.data.judging import Pool, write_pool
from optical_core.data.languages import language
from optical_core.errors import InputError
from optical_core.study.evaluate import searchers_by_language
from optical_core.wording import listed

DEPTH = 10
MOST = 100
"""Passages of a model for each query: by default, and at most."""


def make_pool(
    collection: Collection,
    models: Sequence[str],
    languages: Sequence[str] = (),
    *,
    depth: int = DEPTH,
    device: str | None = None,
    watch: Callable[[float, str], None] | None = None,
) -> Pool:
    """Rank every query with each model, and pool the best passages (depth pooling, as in TREC).

    In a parallel collection, the passages that a query finds in any language are judged once.

    Args:
        collection: to judge.
        models: as `evaluate` takes them.
        languages: of the queries; by default all.
        depth: passages of each model for each query and language.
        device: None for the best there is.
        watch: called with the share that is done, and what is next.

    Raises:
        InputError: there are no models, they find nothing, the depth is out of range, or as
            `evaluate`.

    Examples:
        >>> from optical_core.data import open_collection
        >>> pool = make_pool(open_collection("demo"), ["bm25"], ["sw"], depth=2)  # doctest: +SKIP
    """
    if not models:
        raise InputError("name the models whose best passages are judged, such as bm25,embedded")
    if not 1 <= depth <= MOST:
        raise InputError(f"the depth of a pool goes from 1 to {MOST}, got {depth}")
    codes = collection.select_or_all(languages)
    found: dict[tuple[str, str], set[str]] = {}
    for number, model in enumerate(models):
        opened = searchers_by_language(model, collection, codes, device=device, progress=False)
        for place, code in enumerate(codes):
            if watch:
                done = (number + place / len(codes)) / len(models)
                watch(done, f"{model}: queries in {code}")
            searcher, asked = opened[code]
            for query, ranking in searcher.run(asked, top=depth).items():
                key = ("" if collection.info.parallel else code, query)
                found.setdefault(key, set()).update(ranking)
    if not any(found.values()):
        names = listed([language(code).name for code in codes])
        raise InputError(f"{listed(list(models))} found no passage for any query in {names}")
    return write_pool(collection, models, depth, found)
