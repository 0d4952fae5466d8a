"""What queries cost an encoder that is installed here, measured once and kept in the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optical_core.analysis.measurements import Comparison, Measurements
from optical_core.ui.library import Library

if TYPE_CHECKING:
    from optical_core.study.predictors import QueryCosts


def costs_measurable(
    library: Library, measurements: Measurements, comparison: Comparison
) -> list[str]:
    """Of the models, those whose query costs can be measured here.

    Both they and the collection are installed, the collection is the one that was measured, and
    parallel with English.
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
        # One language at a time: other tabs needn't wait for all of them.
        with library.encoding:
            return query_costs(pair, opened, [code]).get(code)

    return library.keep("query costs", measure, model=model, collection=collection, key=code)
