import math

import pytest

from optical_core.data.collection import Passage
from optical_core.retrieval.bm25 import BM25
from optical_core.retrieval.structured_query import StructuredQueries

PASSAGES = [
    Passage("d1", "", "The sea is salty, salty water."),
    Passage("d2", "", "Rivers bring water to the sea"),
    Passage("d3", "", "The moon is cold"),
    Passage("d4", "", "Fish live in water: in lakes, in the sea and in rivers of the city"),
]


def test_words_that_stand_for_themselves_are_plain_bm25():
    ours, theirs = StructuredQueries(PASSAGES, {}), BM25(PASSAGES)
    for query in ("salty water", "the sea sea", "cold moon", "nothing here"):
        expected = theirs.search(query)
        found = ours.search(query)
        assert [i for i, _ in found] == [i for i, _ in expected]
        assert dict(found) == pytest.approx(dict(expected), rel=1e-5)


def test_a_word_counts_as_its_translations_by_their_probabilities():
    lexicon = {"maji": {"water": 0.75, "sea": 0.25, "unknown": 0.5}}
    found = dict(StructuredQueries(PASSAGES[:3], lexicon).search("Maji!"))
    length, mean = 6, (6 + 6 + 4) / 3
    frequency, documents = 0.75 + 0.25, 0.75 * 2 + 0.25 * 2
    rarity = math.log(1 + (3 - documents + 0.5) / (documents + 0.5))
    norm = 1.5 * (1 - 0.75 + 0.75 * length / mean)
    assert found["d1"] == pytest.approx(rarity * frequency / (frequency + norm), abs=1e-4)
    assert set(found) == {"d1", "d2"}


def test_another_language_is_asked_of_the_same_passages():
    swahili = StructuredQueries(PASSAGES, {"maji": {"water": 1.0}})
    somali = swahili.asked_by({"biyo": {"water": 1.0}})
    assert somali.search("biyo") == swahili.search("maji") == BM25(PASSAGES).search("water")
    assert swahili.search("biyo") == somali.search("maji") == []
    assert somali.identity != swahili.identity


def test_nothing_to_search_finds_nothing():
    assert StructuredQueries([], {}).search("maji") == []
    assert StructuredQueries(PASSAGES, {}).search("") == []
    assert StructuredQueries(PASSAGES, {"maji": {"x": 1.0}}).run({"q": "maji"}) == {"q": {}}
