"""Fertility and transport costs of queries, measured once and kept in the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optical_core.analysis.measurements import Comparison, Measurements
from optical_core.ui.library import Library

if TYPE_CHECKING:
    from optical_core.study.predictors import QueryCosts


def costs_measurable(
    library: Library, measurements: Measurements, comparison: Comparison
) -> list[str]:
    """The compared models whose query costs can be measured here.

    The model and the collection must be installed. The collection must be parallel, have English
    queries, and be the version that the measurements come from.
    """
    name = measurements.collection
    if not measurements.parallel or name not in library.collection_names():
        return []
    collection = library.collection(name)
    if collection.english is None or measurements.fingerprint not in (None, collection.fingerprint):
        return []
    known = library.model_names(token_level=True)
    return [model for model in comparison.models if model in known]


def measured_costs(library: Library, model: str, collection: str, code: str) -> QueryCosts | None:
    """Fertility and transport costs of one language's queries; None if none has tokens."""

    def measure() -> QueryCosts | None:
        from optical_core.study.predictors import query_costs

        pair, opened = library.pair(model), library.collection(collection)
        # The lock is held for one language at a time: other tabs needn't wait for all of them.
        with library.encoding:
            return query_costs(pair, opened, [code]).get(code)

    return library.keep("query costs", measure, model=model, collection=collection, key=code)
