"""Significance of a whole study, and MAP of large runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytrec_eval
from scipy import stats

from optical_core.analysis.metrics import MEASURES, per_query_measures
from optical_core.analysis.resampling import sign_flip_p
from tests.benchmarks.peers import peer
from tests.benchmarks.timing import OURS, Row, Timing, row, side_by_side

PACKAGES = ("numpy", "scipy", "ir-measures", "pytrec-eval-terrier", "ranx")
TESTS, TOPICS = 130, 200
SAMPLED = 2
"""The peers are timed on so many tests, and their times multiplied to the family's size."""
TREC = ("map", "ndcg_cut.10", "recall.100", "P.10", "recip_rank", "map_cut.100,10")
RANX = ["map", "ndcg@10", "recall@100", "precision@10", "mrr", "map@100", "map@10"]
"""Names of `SHARED` in ranx; `TREC` has pytrec_eval's."""
SHARED = [name for name in MEASURES if name != "Judged@10"]
"""Measures that the peers have too."""


def rows(quick: bool) -> Iterator[Row]:
    for permutations in (10_000,) if quick else (10_000, 100_000):
        yield _significance(permutations)
    for queries, depth in ((2_000, 100),) if quick else ((10_000, 100), (10_000, 1_000)):
        yield _measures(queries, depth)


def _significance(permutations: int) -> Row:
    generator = np.random.default_rng(0)
    means = generator.uniform(-0.02, 0.02, TESTS)
    family = [generator.normal(mean, 0.1, TOPICS) for mean in means]
    few = family[:: TESTS // SAMPLED][:SAMPLED]
    p_values: dict[str, list[float]] = {}
    contenders: dict[str, Callable[[], Any]] = {
        OURS: lambda: p_values.update(ours=sign_flip_p(family, resamples=permutations)),
        "scipy permutation_test": lambda: p_values.update(
            scipy=[_scipy(sample, permutations) for sample in few]
        ),
        "numpy loop": lambda: [_loop(sample, permutations) for sample in few],
    }
    timings = side_by_side(contenders)
    ours = timings.pop(OURS)
    scale = TESTS / SAMPLED
    peers = {
        name: Timing(scale * t.median, scale * t.least, scale * t.most)
        for name, t in timings.items()
    }
    off = np.abs(
        np.array(p_values["ours"][:: TESTS // SAMPLED][:SAMPLED]) - p_values["scipy"]
    ).max()
    case = (
        f"{TESTS} paired tests, {TOPICS} topics, {permutations} permutations "
        f"(peers: {SAMPLED} tests x {scale:.0f})"
    )
    times_the_loop = peers["numpy loop"].median / ours.median
    quality = {"p off scipy's by": float(off), "times the loop": times_the_loop}
    return Row("analysis", case, ours, peers, quality)


def _scipy(sample: np.ndarray, permutations: int) -> float:
    test = stats.permutation_test(
        (sample,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=permutations,
        batch=500,
        rng=np.random.default_rng(0),
    )
    return float(test.pvalue)


def _loop(sample: np.ndarray, permutations: int) -> float:
    generator = np.random.default_rng(0)
    observed = abs(sample.mean())
    count = 0
    for _ in range(permutations):
        signs = generator.choice((-1.0, 1.0), len(sample))
        count += abs((signs * sample).mean()) >= observed
    return (count + 1) / (permutations + 1)


def _measures(queries: int, depth: int) -> Row:
    """Compute the peers' measures and compare MAP; ranx breaks ties otherwise."""
    generator = np.random.default_rng(0)
    names = [f"d{number}" for number in range(depth)]
    run, qrels = {}, {}
    for number in range(queries):
        scores = generator.permutation(depth).astype(float).tolist()
        run[f"q{number}"] = dict(zip(names, scores, strict=True))
        relevant = generator.choice(depth, 10, replace=False)
        qrels[f"q{number}"] = {names[place]: 1 for place in relevant}
    means: dict[str, float] = {}

    def ours() -> None:
        values = per_query_measures(run, qrels, SHARED)["AP"].values()
        means[OURS] = sum(values) / queries

    def trec() -> None:
        values = pytrec_eval.RelevanceEvaluator(qrels, set(TREC)).evaluate(run).values()
        means["pytrec_eval"] = sum(value["map"] for value in values) / queries

    contenders: dict[str, Callable[[], Any]] = {OURS: ours, "pytrec_eval": trec}
    ranx = peer("ranx")
    if ranx is not None:

        def beside() -> None:
            measured = ranx.evaluate(ranx.Qrels(qrels), ranx.Run(run), RANX)
            means["ranx"] = float(measured["map"])

        contenders["ranx"] = beside
    case = f"{len(SHARED)} measures, {queries} queries, {depth} documents each"
    timed = row("analysis", case, contenders)
    timed.quality.update({f"MAP {name}": value for name, value in means.items()})
    every = side_by_side({OURS: lambda: per_query_measures(run, qrels)})[OURS]
    timed.quality["ms with Judged@10"] = every.median
    return timed
