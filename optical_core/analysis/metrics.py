"""Retrieval measures through ir-measures (pytrec_eval): never our own MAP."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import ir_measures

from optical_core.data.trec import Qrels, Run

MEASURES = ("AP", "nDCG@10", "R@100", "P@10", "RR", "AP@100", "AP@10")
"""The mean of AP is MAP, the mean of RR is MRR. AP and RR count the whole run: state its depth."""


@lru_cache(maxsize=1)
def _parsed() -> list[ir_measures.measures.Measure]:
    return [ir_measures.parse_measure(name) for name in MEASURES]


def per_query_measures(
    run: Mapping[str, Mapping[str, float]], qrels: Qrels
) -> dict[str, dict[str, float]]:
    """Compute `MEASURES` for every judged query, as `trec_eval -c` does.

    A judged query without a ranking counts as 0. Ties are ordered by descending document id.

    Args:
        run: query -> document -> score.
        qrels: query -> document -> grade.

    Returns:
        Measure -> query -> value.

    Examples:
        >>> run = {"q1": {"d1": 2.0, "d2": 1.0}}
        >>> per_query_measures(run, {"q1": {"d2": 1}, "q2": {"d1": 1}})["AP"]
        {'q1': 0.5, 'q2': 0.0}
    """
    plain: Run = {query: dict(scores) for query, scores in run.items() if query in qrels}
    values: dict[str, dict[str, float]] = {name: dict.fromkeys(qrels, 0.0) for name in MEASURES}
    if plain:
        for metric in ir_measures.iter_calc(_parsed(), qrels, plain):
            values[str(metric.measure)][metric.query_id] = metric.value
    return values


def mean_measures(run: Mapping[str, Mapping[str, float]], qrels: Qrels) -> dict[str, float]:
    """Average `per_query_measures` over all judged queries: measure -> mean.

    Examples:
        >>> mean_measures({"q1": {"d1": 2.0, "d2": 1.0}}, {"q1": {"d2": 1}})["RR"]
        0.5
    """
    per_query = per_query_measures(run, qrels)
    return {name: sum(v.values()) / max(len(v), 1) for name, v in per_query.items()}
