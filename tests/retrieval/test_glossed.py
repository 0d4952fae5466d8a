import numpy as np
import pytest

from optical_core.data.corpus import Passage
from optical_core.models.pair import EncoderPair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.bm25 import BM25
from optical_core.retrieval.glossed import Glossed, gloss
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.late_interaction import LateInteraction

LEXICON = {"maji": {"water": 0.9}, "bahari": {"sea": 0.5, "ocean": 0.5}, "ya": {"of": 0.19}}
PASSAGES = [Passage("p1", "", "Salty water of the sea."), Passage("p2", "", "Maji is a word.")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Maji ya BAHARI?", "water ya sea?"),
        ("maji-maji, 2024", "water-water, 2024"),
        ("majimaji", "majimaji"),
        ("", ""),
    ],
)
def test_known_words_are_replaced_and_all_else_stays(text, wanted):
    assert gloss(text, LEXICON) == wanted


def test_a_searcher_by_words_is_asked_both_texts_as_one():
    plain, glossed = BM25(PASSAGES), Glossed(BM25(PASSAGES), LEXICON)
    assert [name for name, _ in plain.search("maji ya bahari")] == ["p2"]
    assert [name for name, _ in glossed.search("maji ya bahari")] == ["p1", "p2"]
    assert glossed.search("word") == plain.search("word")


def test_the_vectors_of_both_count(tiny_encoder, tmp_path):
    encoder = TokenEncoder.load(str(tiny_encoder), device="cpu")
    vectors = encoder.encode_queries(["maji kubwa", "water kubwa"])
    index = build_index(tmp_path / "index", PASSAGES, encoder)
    inner = LateInteraction(EncoderPair.undistilled(encoder), index)
    (query,) = Glossed(inner, LEXICON).encode(["maji kubwa"])
    np.testing.assert_allclose(query.vectors, np.concatenate(vectors), atol=1e-6)
    (query,) = Glossed(inner, LEXICON).encode(["kubwa"])
    assert query.vectors.shape == encoder.encode_queries(["kubwa"])[0].shape


def test_another_lexicon_is_another_searcher():
    inner = BM25(PASSAGES)
    assert Glossed(inner, LEXICON).identity != Glossed(inner, {}).identity != inner.identity
