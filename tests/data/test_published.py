import numpy as np
import pytest

from optical_core.analysis.measurements import Comparison
from optical_core.analysis.tables import published_table
from optical_core.data.languages import LANGUAGES
from optical_core.data.published import (
    MIRACL_DEV,
    MIRACL_MEASURES,
    MIRACL_MODELS,
    MIRACL_TOPICS,
)
from tests.measured import measured


@pytest.mark.parametrize(
    ("model", "ndcg", "recall"),
    [("BM25", 0.385, 0.772), ("mDPR", 0.421, 0.797), ("BM25 + mDPR", 0.579, 0.895)],
)
def test_the_means_over_18_languages_guard_against_a_slip_in_the_table(model, ndcg, recall):
    figures = [list(found.values()) for found in MIRACL_DEV[model].values()]
    assert len(figures) == 18
    assert list(np.mean(figures, axis=0)) == pytest.approx([ndcg, recall], abs=6e-4)


def test_the_dev_queries_of_the_16_known_languages_add_up():
    assert sum(MIRACL_TOPICS.values()) == 13_071
    assert set(MIRACL_TOPICS) == set(MIRACL_DEV["mDPR"]) - {"de", "yo"}
    assert set(MIRACL_DEV["mDPR"]) <= set(LANGUAGES)


def test_own_results_stand_below_the_published_ones_of_their_language():
    own = {name: {"a": 0.25, "b": 0.75} for name in MIRACL_MEASURES}
    mine = measured({"mine": {"sw": own, "so": own, "yo": own}})
    table = published_table(mine, Comparison.of(mine, measure="nDCG@10"))
    assert list(table["language"]) == ["sw"] * 4 + ["yo"] * 4  # MIRACL has no Somali
    swahili = table[table["language"] == "sw"].set_index("model")
    assert list(swahili.index) == [*MIRACL_MODELS, "mine"]
    assert swahili.loc["mine", "nDCG@10"] == 0.5
    assert swahili.loc["BM25", "R@100"] == 0.7008
    assert list(swahili["topics"]) == [482, 482, 482, 2]
    assert table["topics"].isna().sum() == 3
    somali = measured({"mine": {"so": own}})
    assert published_table(somali, Comparison.of(somali, measure="nDCG@10")).empty
