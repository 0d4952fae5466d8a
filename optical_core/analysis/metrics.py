"""Retrieval measures through ir-measures (pytrec_eval): never our own MAP."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import ir_measures
import pytrec_eval
from ir_measures.measures import Measure
from ir_measures.providers import registry

from optical_core.analysis.measure_names import needed_depth, parsed_measure
from optical_core.data.trec import Qrels, Run, trec_order
from optical_core.errors import InputError
from optical_core.wording import listed

MEASURES = ("AP", "nDCG@10", "R@100", "P@10", "RR", "AP@100", "AP@10", "Judged@10")
"""The mean of AP is MAP, the mean of RR is MRR. AP and RR count the whole run: state its depth.
Judged@10 is the share of the first ten passages that has a judgement."""
_TREC = registry["pytrec_eval"]
_WHOLE = {"AP": "map", "RR": "recip_rank"}
_CUT = {"AP": "map_cut", "nDCG": "ndcg_cut", "R": "recall", "P": "P"}
"""trec_eval's names for the measures that every evaluation has. pytrec_eval is asked for them at
once, because ir-measures takes as long again to wrap each of its values."""


def per_query_measures(
    run: Mapping[str, Mapping[str, float]], qrels: Qrels, measures: Sequence[str] = MEASURES
) -> dict[str, dict[str, float]]:
    """Compute measures for every judged query, as `trec_eval -c` does.

    A judged query without a ranking counts as 0. Ties are ordered by descending document id.

    Args:
        run: query -> document -> score.
        qrels: query -> document -> grade.
        measures: names, from `measure_names`.

    Returns:
        Measure -> query -> value.

    Raises:
        InputError: a measure can't be computed on these queries.

    Examples:
        >>> run = {"q1": {"d1": 2.0, "d2": 1.0}}
        >>> per_query_measures(run, {"q1": {"d2": 1}, "q2": {"d1": 1}})["AP"]
        {'q1': 0.5, 'q2': 0.0}
        >>> per_query_measures(run, {"q1": {"d2": 1}}, ["P@2"])
        {'P@2': {'q1': 0.5}}
    """
    qrels = {query: _graded(grades) for query, grades in qrels.items()}
    plain: Run = {
        query: scores if isinstance(scores, dict) else dict(scores)
        for query, scores in run.items()
        if query in qrels and scores
    }
    values: dict[str, dict[str, float]] = {name: dict.fromkeys(qrels, 0.0) for name in measures}
    if plain:
        named = {name: parsed_measure(name) for name in measures}
        keys = {name: key for name, measure in named.items() if (key := _trec_key(measure))}
        if keys:
            judged = pytrec_eval.RelevanceEvaluator(qrels, _grouped(keys.values())).evaluate(plain)
            for name, key in keys.items():
                values[name].update({query: row[key] for query, row in judged.items()})
        rest = [measure for name, measure in named.items() if name not in keys]
        for name, query, value in _metrics(rest, qrels, plain):
            values[name][query] = value
    return values


def _graded(grades: Mapping[str, int]) -> dict[str, int]:
    """A topic's grades, with one of 0 if all are negative.

    trec_eval counts grades up to the largest of a topic. It writes outside its memory if that is
    -2 or less, and takes the count of the topic before if it is -1. No ranking has the passage of
    the grade added here, because ids have no blanks.

    Examples:
        >>> _graded({"p1": -2}), _graded({"p1": -2, "p2": 1})
        ({'p1': -2, ' ': 0}, {'p1': -2, 'p2': 1})
    """
    if max(grades.values(), default=-1) < 0:
        return {**grades, " ": 0}
    return grades if isinstance(grades, dict) else dict(grades)


def _trec_key(measure: Measure) -> str | None:
    """The measure's name in pytrec_eval's answers, if it is one of the usual ones.

    Examples:
        >>> _trec_key(ir_measures.nDCG @ 10), _trec_key(ir_measures.RR), _trec_key(ir_measures.RBP)
        ('ndcg_cut_10', 'recip_rank', None)
    """
    if not measure.params:
        return _WHOLE.get(str(measure.NAME))
    if list(measure.params) == ["cutoff"] and measure.NAME in _CUT:
        return f"{_CUT[measure.NAME]}_{measure['cutoff']}"
    return None


def _grouped(keys: Iterable[str]) -> set[str]:
    """pytrec_eval's questions for these keys: all depths of a measure in one.

    Examples:
        >>> sorted(_grouped(["map", "P_10", "P_5"]))
        ['P.10,5', 'map']
    """
    depths: dict[str, list[str]] = {}
    for key in keys:
        name, _, depth = key.rpartition("_")
        if depth.isdigit():
            depths.setdefault(name, []).append(depth)
        else:
            depths[key] = []
    return {f"{name}.{','.join(cuts)}" if cuts else name for name, cuts in depths.items()}


def _metrics(
    measures: Sequence[Measure], qrels: Qrels, run: Run
) -> Iterator[tuple[str, str, float]]:
    """(measure, query, value); what isn't trec_eval's is computed of the run in its order."""
    ours = [measure for measure in measures if _TREC.supports(measure)]
    if ours:
        yield from _computed(ours, qrels, run)
    shares = [measure for measure in measures if measure.NAME == "Judged" and measure.params]
    for measure in shares:
        for query, scores in run.items():
            yield str(measure), query, _judged(scores, qrels[query], measure["cutoff"])
    others = [measure for measure in measures if measure not in ours and measure not in shares]
    if not others:
        return
    whole = any("cutoff" not in measure.params for measure in others)
    depth = None if whole else needed_depth(map(str, others))
    # Some providers want numbers as queries, and each has its own order of ties.
    queries = list(run)
    ranked = {
        str(number): {
            passage: float(-rank) for rank, passage in enumerate(trec_order(run[query], depth))
        }
        for number, query in enumerate(queries)
    }
    judged = {str(number): qrels[query] for number, query in enumerate(queries)}
    for name, number, value in _computed(others, judged, ranked):
        yield name, queries[int(number)], value


def _judged(scores: Mapping[str, float], grades: Mapping[str, int], depth: int) -> float:
    """The share of the first passages that has a grade, as ir-measures computes it, but faster.

    Examples:
        >>> _judged({"a": 3.0, "b": 2.0, "c": 1.0}, {"a": 0, "c": 1}, 2)
        0.5
    """
    first = trec_order(scores, depth)
    return len(grades.keys() & first) / len(first)


def _computed(measures: Sequence[Measure], qrels: Qrels, run: Run) -> list[tuple[str, str, float]]:
    try:
        computed = [
            (str(metric.measure), metric.query_id, float(metric.value))
            for metric in ir_measures.iter_calc(measures, qrels, run)
        ]
    except Exception as error:  # providers start other programs, and raise what they like
        names = listed([str(measure) for measure in measures])
        raise InputError(f"{names} can't be computed of these rankings: {error}") from error
    for name, query, value in computed:
        if not math.isfinite(value):
            raise InputError(f"{name} is {value} for the query {query}")
    return computed


def mean_measures(
    run: Mapping[str, Mapping[str, float]], qrels: Qrels, measures: Sequence[str] = MEASURES
) -> dict[str, float]:
    """Average `per_query_measures` over all judged queries: measure -> mean.

    Examples:
        >>> mean_measures({"q1": {"d1": 2.0, "d2": 1.0}}, {"q1": {"d2": 1}})["RR"]
        0.5
    """
    per_query = per_query_measures(run, qrels, measures)
    return {name: sum(v.values()) / max(len(v), 1) for name, v in per_query.items()}
