import numpy as np
import pytest

from optical_core.data.corpus import Passage
from optical_core.data.lexicons import likeliest
from optical_core.errors import InputError
from optical_core.models.pair import EncoderPair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.bm25 import BM25
from optical_core.retrieval.glossed import Glossed, Glosses
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.late_interaction import LateInteraction

LEXICON = {"maji": {"water": 0.9}, "bahari": {"sea": 0.5, "ocean": 0.5}, "ya": {"of": 0.19}}
LIKELIEST = likeliest(LEXICON)
SWAHILI = Glosses({"sw": LIKELIEST}, language="sw")
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
    assert SWAHILI.gloss(text) == wanted


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Maji ya bahari", "sw"),
        ("badda iyo biyo", "so"),
        ("maji mengi sana hapa", None),  # one of four words
        ("sea water", None),
        ("badda water sea", None),
        ("मराठी", None),
        ("?!", None),
        ("", None),
    ],
)
def test_a_texts_own_words_say_which_lexicon_is_its_own(text, language):
    somali = {"badda": {"sea": 1.0}, "biyo": {"water": 1.0}, "maji": {"maji": 0.3}}
    glosses = Glosses({"so": somali, "sw": LIKELIEST})
    assert glosses.guess(text) == language
    assert (glosses.gloss(text) == text) == (language is None)


def test_glosses_stand_apart_where_the_text_has_no_spaces():
    pytest.importorskip("icu4py", reason='needs pip install ".[words]"')
    lexicon = {"海水": {"seawater": 1.0}, "咸": {"salty": 1.0}, "ฉัน": {"i": 1.0}}
    assert Glosses({"zh": lexicon}, language="zh").gloss("海水是咸的。") == "seawater 是 salty 的。"
    assert Glosses({"th": lexicon}, language="th").gloss("ฉันกินข้าว") == "i กินข้าว"


def test_without_a_lexicon_nothing_is_glossed():
    assert Glosses({}).gloss("maji ya bahari") == "maji ya bahari"


@pytest.mark.parametrize("translations", [{"sea": 0.5, "ocean": 0.5}, {}])
def test_a_lexicon_that_leaves_a_choice_is_refused(translations):
    with pytest.raises(InputError, match="of sw hasn't one translation of each word"):
        Glosses({"sw": {"bahari": translations}})


def test_a_searcher_by_words_is_asked_both_texts_as_one():
    plain, glossed = BM25(PASSAGES), Glossed(BM25(PASSAGES), SWAHILI)
    assert [name for name, _ in plain.search("maji ya bahari")] == ["p2"]
    assert [name for name, _ in glossed.search("maji ya bahari")] == ["p1", "p2"]
    assert glossed.search("word") == plain.search("word")


def test_the_vectors_of_both_count(tiny_encoder, tmp_path):
    encoder = TokenEncoder.load(str(tiny_encoder), device="cpu")
    vectors = encoder.encode_queries(["maji kubwa", "water kubwa"])
    index = build_index(tmp_path / "index", PASSAGES, encoder)
    inner = LateInteraction(EncoderPair.undistilled(encoder), index)
    (query,) = Glossed(inner, SWAHILI).encode(["maji kubwa"])
    np.testing.assert_allclose(query.vectors, np.concatenate(vectors), atol=1e-6)
    (query,) = Glossed(inner, SWAHILI).encode(["kubwa"])
    assert query.vectors.shape == encoder.encode_queries(["kubwa"])[0].shape


def test_another_lexicon_is_another_searcher():
    inner = BM25(PASSAGES)
    assert (
        Glossed(inner, SWAHILI).identity != Glossed(inner, Glosses({})).identity != inner.identity
    )


def test_what_makes_up_a_score_is_explained_by_both_texts(tiny_encoder, tmp_path):
    encoder = TokenEncoder.load(str(tiny_encoder), device="cpu")
    index = build_index(tmp_path / "index", PASSAGES, encoder)
    inner = LateInteraction(EncoderPair.undistilled(encoder), index)
    searcher = Glossed(inner, SWAHILI)
    for text in ("maji kubwa", "kubwa"):
        query = searcher.encode([text])[0]
        scores = dict(searcher.rank([query])[0])
        for passage, matches in zip(PASSAGES, searcher.explain(query, PASSAGES), strict=True):
            assert len(matches) == len(query.vectors)
            total = sum(match.contribution for match in matches)
            assert total == pytest.approx(scores[passage.id], abs=1e-4)
            assert {match.gloss for match in matches} == (
                {False, True} if len(text) > 5 else {False}
            )


def test_a_student_with_lexicons_is_another_one():
    assert Glossed(BM25(PASSAGES), SWAHILI).weights == ""
    inner = BM25(PASSAGES)
    inner.weights = "abc"
    weights = {Glossed(inner, glosses).weights for glosses in (SWAHILI, Glosses({}))}
    assert len(weights | {"abc"}) == 3
