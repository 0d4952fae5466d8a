"""Measurements written as dicts, for tests."""

from collections.abc import Mapping

import numpy as np

from optical_core.analysis.measurements import Comparison, Measurements


def measured(results: Mapping, *, parallel: bool = True) -> Measurements:
    """Of model -> language -> measure -> query -> value; without measures it is AP."""
    values = {
        (model, code): found if _has_measures(found) else {"AP": found}
        for model, languages in results.items()
        for code, found in languages.items()
    }
    return Measurements(Measurements.rows(values), "c", parallel)


def _has_measures(found: Mapping) -> bool:
    return any(isinstance(value, Mapping) for value in found.values())


def values_of(measurements: Measurements, model: str, code: str, measure: str = "AP") -> dict:
    """Query -> value."""
    comparison = Comparison.of(measurements, measure=measure)
    return measurements.samples(comparison)[model][code].to_dict()


def two_models(count: int = 30) -> Measurements:
    """An encoder and a student that gains in Somali and Yoruba, not in English."""
    generator = np.random.default_rng(0)

    def topics(mean):
        drawn = generator.normal(mean, 0.05, count)
        return {f"q{i}": float(value) for i, value in enumerate(drawn)}

    return measured(
        {
            model: {"en": topics(0.6), "so": topics(low), "yo": topics(low)}
            for model, low in (("embedded", 0.3), ("student", 0.5))
        }
    )
