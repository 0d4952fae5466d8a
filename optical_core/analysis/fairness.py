"""Fairness between the languages of passages: does a ranking prefer some of them?

PEER is the probability of equal expected rank (Yang, Jänich, Mayfield and Lawrie, SIGIR 2024): the
p of a Kruskal-Wallis test that a query's relevant passages are ranked alike in all languages. 1 is
fair. The authors' package, peer_measure, doesn't run with the present ir-measures; its formula is
here. A query with one relevant passage in each of k languages has the same p however they are
ranked, that of chi squared = k - 1 (.39 for four languages), unless some are beyond the cutoff.

The preference rate is the share of queries whose first relevant passage is in the query's language,
where relevant passages are there in it and in others, as in a pool of translations. It follows the
language preference rate of MLAIRE (Jang et al. 2026). `by_chance` is the rate of a ranking that
doesn't look at languages.

The share of a language among the first passages shows where the preference is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from optical_core.data.trec import Qrels, Run, trec_order

CUTOFF = 20
"""Passages that PEER looks at, as in its paper."""
RANKS = (1, 2, 3, 5, 10, 20, 50, 100)
"""Numbers of first passages whose languages are counted."""
Runs = Mapping[tuple[str, str], Run]
"""Run of each model and query language."""


def equal_rank_probability(
    run: Run,
    qrels: Qrels,
    languages: Mapping[str, str],
    *,
    cutoff: int = CUTOFF,
    weights: Mapping[int, float] | None = None,
) -> dict[str, float]:
    """PEER of each judged query that has a ranking, with the formula of `peer_measure` 0.0.1.

    Over the passages of one grade, with ranks r and N of them, and n_l of language l,

        H = (N - 1) sum over l of n_l (mean r of l - mean r)^2 / sum of (r - mean r)^2

    is distributed as chi squared with one degree of freedom less than there are languages. Relevant
    passages beyond the cutoff share the rank (2N + their number + 1) / 2. If there is one language
    only, or no passage within the cutoff, the p is 1.

    Args:
        run: query -> passage -> score.
        qrels: query -> passage -> grade.
        languages: passage -> code of its language; others are left out.
        cutoff: passages that count.
        weights: of the grades; by default each grade above 0 that a query has counts alike.

    Examples:
        >>> run = {"q": {"a": 4.0, "b": 3.0, "c": 2.0, "d": 1.0}}
        >>> qrels, languages = {"q": dict.fromkeys("abcd", 1)}, dict(zip("abcd", "xyxy"))
        >>> round(equal_rank_probability(run, qrels, languages)["q"], 4)
        0.4386
    """
    found = {}
    for query, grades in qrels.items():
        if not run.get(query):
            continue
        places = {p: rank for rank, p in enumerate(_first(run[query], languages)[:cutoff], 1)}
        ranks: dict[int, dict[str, list[int | None]]] = {}
        for passage, grade in grades.items():
            if grade > 0 and passage in languages:
                of_grade = ranks.setdefault(grade, {})
                of_grade.setdefault(languages[passage], []).append(places.get(passage))
        if ranks:
            counted = weights or dict.fromkeys(ranks, 1 / len(ranks))
            parts = (counted.get(grade, 0.0) * _alike(r.values()) for grade, r in ranks.items())
            found[query] = sum(parts)
    return found


def _alike(ranks: Collection[Sequence[int | None]]) -> float:
    """The p that the ranks of several languages are alike; None is beyond the cutoff."""
    beyond = sum(rank is None for of_language in ranks for rank in of_language)
    total = sum(map(len, ranks))
    if len(ranks) < 2 or beyond == total:
        return 1.0
    last = (2 * total + beyond + 1) / 2
    samples = [np.array([last if rank is None else rank for rank in r], float) for r in ranks]
    everything = np.concatenate(samples)
    between = sum(len(s) * (s.mean() - everything.mean()) ** 2 for s in samples)
    spread = ((everything - everything.mean()) ** 2).sum()
    return float(chi2.sf((total - 1) * between / spread, len(ranks) - 1)) if spread else 1.0


def _first(scores: Mapping[str, float], languages: Mapping[str, str]) -> list[str]:
    """The ranked passages whose language is known."""
    return [passage for passage in trec_order(scores) if passage in languages]


def preferred(
    run: Run, qrels: Qrels, languages: Mapping[str, str], code: str
) -> dict[str, tuple[bool, float]]:
    """Whether each query's first relevant passage is in the query's language, and by chance.

    Only queries with relevant passages in that language and in another one count. A query whose
    ranking has no relevant passage is left out.

    Args:
        run: query -> passage -> score.
        qrels: query -> passage -> grade.
        languages: passage -> code of its language.
        code: of the queries' language.

    Returns:
        Query -> is it, and how likely that is where languages play no part: the share of its
        relevant passages that are in the language.

    Examples:
        >>> qrels = {"q": {"a": 1, "b": 1, "c": 1}}
        >>> preferred({"q": {"b": 2.0, "a": 1.0}}, qrels, {"a": "en", "b": "sw", "c": "fr"}, "sw")
        {'q': (True, 0.3333333333333333)}
    """
    found: dict[str, tuple[bool, float]] = {}
    for query, grades in qrels.items():
        relevant = {p: languages[p] for p, grade in grades.items() if grade > 0 and p in languages}
        own = sum(of_passage == code for of_passage in relevant.values())
        first = next((p for p in trec_order(run.get(query, {})) if p in relevant), None)
        if 0 < own < len(relevant) and first is not None:
            found[query] = (relevant[first] == code, own / len(relevant))
    return found


def fairness_table(
    runs: Runs, qrels: Mapping[str, Qrels], languages: Mapping[str, str]
) -> pd.DataFrame:
    """PEER and the preference rate, a row a model and query language.

    Args:
        runs: by (model, language).
        qrels: language -> judgements.
        languages: passage -> code of its language.

    Returns:
        The columns model, language, topics, PEER@20, own_language (the preference rate) and
        by_chance; missing where no query counts.

    Examples:
        >>> runs, qrels = {("m", "sw"): {"q": {"b": 1.0}}}, {"sw": {"q": {"a": 1, "b": 1}}}
        >>> fairness_table(runs, qrels, {"a": "en", "b": "sw"})["own_language"].tolist()
        [1.0]
    """
    rows = []
    for (model, code), run in runs.items():
        row: dict[str, Any] = {"model": model, "language": code, "topics": len(qrels[code])}
        values = equal_rank_probability(run, qrels[code], languages)
        row[f"PEER@{CUTOFF}"] = _mean([*values.values()])
        own = preferred(run, qrels[code], languages, code).values()
        row["own_language"] = _mean([first for first, _ in own])
        row["by_chance"] = _mean([chance for _, chance in own])
        rows.append(row)
    return pd.DataFrame(rows)


def share_table(
    runs: Runs, qrels: Mapping[str, Qrels], languages: Mapping[str, str]
) -> pd.DataFrame:
    """Each language's share of the first passages: a row a model, query language, rank, language.

    Args:
        runs: by (model, language).
        qrels: language -> judgements; the rankings of judged queries count.
        languages: passage -> code of its language.

    Returns:
        The columns model, language, first (how many passages), passages (their language), share,
        and collection: the language's share of all passages.

    Examples:
        >>> runs, qrels = {("m", "sw"): {"q": {"b": 1.0}}}, {"sw": {"q": {"a": 1, "b": 1}}}
        >>> share_table(runs, qrels, {"a": "en", "b": "sw"})[["passages", "share"]].values.tolist()
        [['en', 0.0], ['sw', 1.0]]
    """
    counts = Counter(languages.values())
    rows = []
    for (model, code), run in runs.items():
        rankings = [_first(run[query], languages) for query in qrels[code] if run.get(query)]
        deepest = max(map(len, rankings), default=0)
        for first in (rank for rank in RANKS if rank <= deepest):
            found = Counter(languages[p] for ranking in rankings for p in ranking[:first])
            rows += [
                {
                    "model": model,
                    "language": code,
                    "first": first,
                    "passages": other,
                    "share": found[other] / found.total(),
                    "collection": count / counts.total(),
                }
                for other, count in counts.most_common()
            ]
    return pd.DataFrame(rows)


def _mean(values: Sequence[float]) -> float | None:
    return float(sum(values)) / len(values) if values else None
