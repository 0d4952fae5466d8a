"""One rule for equal scores, trec_eval's, whoever ranks and however deep."""

import itertools

import numpy as np
import pytest
import torch

from optical_core.analysis.metrics import per_query_measures
from optical_core.data.collection import CollectionInfo, Passage, write_collection
from optical_core.data.trec import best_first, read_run
from optical_core.retrieval.bm25 import BM25
from optical_core.retrieval.engine_store import EngineStore
from optical_core.retrieval.maxsim import top_passages
from optical_core.retrieval.quantised import largest
from optical_core.retrieval.structured_query import StructuredQueries
from optical_core.study.evaluate import evaluate

IDS = ["b", "a", "d10", "d9", "Z", "é"]
ORDER = ["é", "d9", "d10", "b", "a", "Z"]
"""Falling, as the bytes of UTF-8 are."""


class Store:
    """An engine that holds passages of one score, and cuts them as it likes."""

    def nearest(self, query, count):
        return [(f"p{n:03}", 1.0 + n % 7 * 1e-8) for n in range(100)][:count]


@pytest.mark.parametrize("top", [1, 2, 5, 6, 100])
def test_every_ranking_cuts_equal_scores_alike(top):
    passages = [Passage(key, "", "salty sea") for key in IDS]
    found = [
        best_first([(key, 1.0) for key in IDS], top),
        best_first([(key, 1.0 + n * 1e-7) for n, key in enumerate(IDS)], top),
        BM25(passages).search("sea", top=top),
        StructuredQueries(passages, {"bahari": {"sea": 1.0}}).search("bahari", top=top),
        top_passages(torch.ones(len(IDS)) + torch.rand(len(IDS)) * 1e-6, IDS, top),
    ]
    for ranking in found:
        assert [key for key, _ in ranking] == ORDER[:top]
    stored = EngineStore.search(Store(), np.ones((1, 2)), top=top)
    assert [key for key, _ in stored] == sorted((f"p{n:03}" for n in range(100)), reverse=True)[
        :top
    ]


def test_candidates_take_all_that_equal_the_last():
    scores = np.array([1, 3, 1, 2, 1], np.float32)
    assert largest(scores, 3).tolist() == [0, 1, 2, 3, 4]
    assert largest(scores, 2).tolist() == [1, 3]


@pytest.mark.slow
def test_the_first_passage_is_the_same_at_every_depth(tmp_path):
    info = CollectionInfo(name="t", licence="x", source="x", languages=("en",), parallel=True)
    texts = {"a": "sea salt", "b": "sea salt", "c": "moon"}
    for order in itertools.permutations(texts):
        passages = [Passage(key, "", texts[key]) for key in order]
        out = tmp_path / "".join(order)
        collection = write_collection(out, info, passages, {"en": {"q": "sea"}}, {"q": {"b": 1}})
        for depth in (1, 10):
            evaluate(collection, ["bm25"], ["en"], out / str(depth), depth=depth)
            run = read_run(out / str(depth) / "bm25" / "en.run")
            assert next(iter(run["q"])) == "b"
            assert per_query_measures(run, collection.qrels("en"))["AP"]["q"] == 1
