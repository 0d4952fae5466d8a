"""What the embedded encoder ranks as it is mostly used: one vector a text, compared by cosine.

    python -m tests.benchmarks.single_vector ntrex128 flores200 --languages en,sw,so

The vector is the mean of the last layer's tokens, after the prompts of multilingual-e5
(`query: `, `passage: `), as its authors use it (Wang et al. 2024, arXiv 2402.05672).
"""

from __future__ import annotations

import argparse

import numpy as np
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize
from sentence_transformers.sentence_transformer.modules import Pooling

from optical_core.analysis.metrics import per_query_measures
from optical_core.data.collection import Collection, open_collection
from optical_core.data.trec import Run
from optical_core.models.teachers import open_shared

DEPTH = 1000


def single_vectors() -> SentenceTransformer:
    """The embedded encoder's transformer with mean pooling."""
    encoder = open_shared("embedded")
    transformer = encoder.model[0]
    width = transformer.model.config.hidden_size
    return SentenceTransformer(modules=[transformer, Pooling(width, "mean"), Normalize()])


def mean_average_precision(
    model: SentenceTransformer, collection: Collection, languages: list[str]
) -> dict[str, float]:
    """MAP of each language's judged queries over the first 1,000 passages."""
    passages = list(collection.passages())
    texts = [passage.full_text for passage in passages]
    vectors = np.asarray(model.encode(texts, prompt="passage: "))
    found = {}
    for code in languages:
        qrels, asked = collection.qrels(code), collection.queries(code)
        queries = {query: text for query, text in asked.items() if query in qrels}
        scores = np.asarray(model.encode(list(queries.values()), prompt="query: ")) @ vectors.T
        run: Run = {}
        for query, row in zip(queries, scores, strict=True):
            best = np.argsort(-row, kind="stable")[:DEPTH]
            run[query] = {passages[place].id: float(row[place]) for place in best}
        values = per_query_measures(run, qrels, ("AP",))["AP"]
        found[code] = sum(values.values()) / len(values)
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collections", nargs="+", help="names or folders")
    parser.add_argument("--languages", default="en", help="comma-separated")
    options = parser.parse_args(arguments)
    model = single_vectors()
    for name in options.collections:
        collection = open_collection(name)
        wanted = options.languages.split(",")
        languages = [code for code in wanted if code in collection.languages]
        found = mean_average_precision(model, collection, languages)
        print(name, *(f"{code} {value:.4f}" for code, value in found.items()))


if __name__ == "__main__":
    main()
