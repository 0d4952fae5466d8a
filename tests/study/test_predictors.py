import numpy as np
import pytest

from optical_core.data.collection import CollectionInfo, Passage, write_collection
from optical_core.data.words import knows_words
from optical_core.errors import InputError
from optical_core.models.alignment import align_texts
from optical_core.models.pair_store import load_pair
from optical_core.study.predictors import EXPENSIVE, query_costs


@pytest.fixture
def pair(tiny_encoder):
    return load_pair(str(tiny_encoder))


def written(folder, queries, parallel=True):
    info = CollectionInfo(
        name="c", licence="CC0", source="the tests", languages=tuple(queries), parallel=parallel
    )
    return write_collection(folder, info, [Passage("p", "", "sea")], queries, {})


def test_costs_are_the_means_over_the_pairs_plans(pair, collection):
    found = query_costs(pair, collection)["sw"]
    english, swahili = collection.queries("en"), collection.queries("sw")
    plans = [align_texts(pair, swahili[q], english[q]) for q in english]
    assert found.topics == 3
    assert found.transport == pytest.approx(np.mean([p.total_cost for p in plans]), abs=1e-5)
    shares = [p.plan[p.cost > EXPENSIVE].sum() for p in plans]
    assert found.unaligned == pytest.approx(np.mean(shares), abs=1e-5)


def test_a_translation_that_is_the_english_text_costs_nothing(pair, tmp_path):
    texts = {"q1": "the salty sea", "q2": "where is the fish ?"}
    found = query_costs(pair, written(tmp_path / "c", {"en": texts, "sw": texts}))
    assert found["sw"].transport == pytest.approx(0, abs=1e-5)
    assert found["sw"].unaligned == 0


def test_fertility_counts_the_pieces_of_words(pair, tmp_path):
    # `maji` is in the tiny vocabulary; `abc` falls into three letters.
    queries = {"en": {"q1": "water", "q2": "sea"}, "sw": {"q1": "maji abc", "q2": "maji"}}
    queries["th"] = queries["sw"]
    found = query_costs(pair, written(tmp_path / "c", queries))
    assert found["sw"].fertility == pytest.approx((1 + 3 + 1) / 3)
    # Without ICU nobody knows the words of a Thai text.
    assert found["th"].fertility == (found["sw"].fertility if knows_words() else None)


def test_queries_without_tokens_or_translation_are_left_out(pair, tmp_path):
    queries = {
        "en": {"q1": "sea", "q2": "fish", "q3": "sun"},
        "sw": {"q1": "maji", "q2": "\u200b"},
        "so": {"q9": "maji"},
    }
    found = query_costs(pair, written(tmp_path / "c", queries), topics=2)
    assert set(found) == {"sw"}
    assert found["sw"].topics == 1


def test_the_first_topics_and_languages_asked_for_are_measured(pair, collection):
    told = []
    found = query_costs(
        pair, collection, ["en", "sw"], topics=1, watch=lambda share, text: told.append(text)
    )
    assert found["sw"].topics == 1
    assert told == ["Swahili"]


@pytest.mark.parametrize(
    ("queries", "parallel"),
    [({"en": {"q": "sea"}, "sw": {"q": "maji"}}, False), ({"sw": {"q": "maji"}}, True)],
)
def test_without_parallel_english_queries_there_is_no_cost(pair, tmp_path, queries, parallel):
    with pytest.raises(InputError, match="need a parallel collection with English"):
        query_costs(pair, written(tmp_path / "c", queries, parallel))
