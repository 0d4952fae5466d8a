"""Evaluate models on a collection: runs, measures, gaps, significance, as files."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from optical_core.analysis.export import write_table
from optical_core.analysis.metrics import per_query_measures
from optical_core.analysis.report import comparison_table, gap_table, measure_table
from optical_core.data.collection import Collection
from optical_core.data.languages import language
from optical_core.data.records import write_record
from optical_core.data.trec import write_run
from optical_core.errors import InputError
from optical_core.retrieval.searcher import open_searcher
from optical_core.storage import writable
from optical_core.study.results import write_values

logger = logging.getLogger(__name__)

DEPTH = 1000


@dataclass(frozen=True)
class Evaluation:
    """Tables of an evaluation; `comparisons` is against the first model."""

    measures: pd.DataFrame
    gaps: pd.DataFrame
    comparisons: pd.DataFrame


def evaluate(
    collection: Collection,
    models: Sequence[str],
    languages: Sequence[str],
    out: Path,
    *,
    depth: int = DEPTH,
    device: str | None = None,
    progress: bool = False,
    watch: Callable[[float, str], None] | None = None,
) -> Evaluation:
    """Rank every language's queries with every model and measure the rankings.

    Writes OUT/<model>/<language>.run (TREC), OUT/<model>/<language>.csv (measures of each
    query), OUT/measures.*, gaps.*, comparisons.* (CSV, JSON, Markdown, LaTeX) and record.json.
    Every judged query counts. Comparisons are paired tests against `models[0]`. `watch` is told
    the share done and what is being done.

    Raises InputError: an unknown model, a language that the collection lacks, an unwritable OUT.
    """
    if not models:
        raise InputError("no models to evaluate: name at least one, such as --models embedded,bm25")
    languages = list(languages) or list(collection.languages)
    qrels = {code: collection.qrels(code) for code in languages}
    queries = {
        code: {q: text for q, text in collection.queries(code).items() if q in qrels[code]}
        for code in languages
    }
    with writable(out):
        out.mkdir(parents=True, exist_ok=True)
    results: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    done, total = 0, len(models) * len(languages)
    for model in models:
        if watch:
            watch(done / total, f"{model}: opening the model and the index")
        searcher = open_searcher(model, collection, device=device, progress=progress)
        label = re.sub(r"[^\w.-]+", "-", searcher.name).strip("-.")
        results[label] = {}
        for code in languages:
            if watch:
                watch(done / total, f"{label}: {language(code).name}")
            run = searcher.run(queries[code], top=depth)
            write_run(out / label / f"{code}.run", run, name=label)
            values = per_query_measures(run, qrels[code])
            write_values(out / label / f"{code}.csv", values)
            results[label][code] = values
            done += 1
            mean = sum(values["AP"].values()) / max(len(values["AP"]), 1)
            logger.info("%s %s: MAP %.4f", label, code, mean)
    evaluation = Evaluation(
        measures=measure_table(results),
        gaps=gap_table(results, parallel=collection.info.parallel),
        comparisons=comparison_table(results, next(iter(results))),
    )
    for name in ("measures", "gaps", "comparisons"):
        write_table(getattr(evaluation, name), out, name)
    write_record(
        out / "record.json",
        {
            "collection": collection.info.model_dump(),
            "fingerprint": collection.fingerprint,
            "models": list(results),
            "languages": languages,
            "depth": depth,
            "parallel": collection.info.parallel,
        },
    )
    return evaluation
