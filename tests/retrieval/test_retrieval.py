import json
from functools import partial

import numpy as np
import pytest
import torch

from optical_core.data.collection import Passage
from optical_core.data.words import words
from optical_core.errors import InputError
from optical_core.models.pair_store import load_pair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval import shards, token_index
from optical_core.retrieval.bm25 import BM25
from optical_core.retrieval.explain import token_matches
from optical_core.retrieval.formats import FILES
from optical_core.retrieval.indexing import append_to_index, build_index, collection_index
from optical_core.retrieval.late_interaction import LateInteraction
from optical_core.retrieval.maxsim import maxsim_scores, rank_in_memory, top_passages
from optical_core.retrieval.searchers import open_searcher
from optical_core.retrieval.structured_query import StructuredQueries
from optical_core.retrieval.token_index import TokenIndex
from optical_core.storage import home
from tests.test_checksums import inverted

on_cpu = partial(load_pair, device="cpu")


@pytest.fixture(scope="module")
def encoder(tiny_encoder):
    return TokenEncoder.load(str(tiny_encoder), device="cpu")


def naive(query, passage):
    return (query @ passage.T).max(1).sum() if len(passage) else 0.0


def unit(seed, *shape):
    vectors = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_maxsim_is_the_sum_of_the_best_cosines_even_where_all_are_negative():
    query = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    passages = [np.array([[-1.0, 0.0]], np.float32), unit(0, 5, 2), np.zeros((0, 2), np.float32)]
    tokens = torch.from_numpy(np.concatenate(passages))
    owners = torch.tensor([0] + [1] * 5)
    (scores,) = maxsim_scores([torch.from_numpy(query)], tokens, owners, 3)
    np.testing.assert_allclose(scores, [naive(query, p) for p in passages], atol=1e-6)
    assert scores[0] == -1


def test_an_index_ranks_as_plain_maxsim_does(encoder, collection, tmp_path, monkeypatch):
    monkeypatch.setattr(token_index, "BLOCK_TOKENS", 7)
    index = build_index(tmp_path / "index", collection.passages(), encoder)
    texts = [p.full_text for p in collection.passages()]
    vectors = encoder.encode_passages(texts)
    for query in encoder.encode_queries(["the salty sea", "mji kubwa", "where is the fish ?"]):
        expected = {i: naive(query, v) for i, v in zip(index.ids, vectors, strict=True)}
        found = dict(index.search(query, top=10))
        assert found == pytest.approx(expected, abs=2e-3)
        best = rank_in_memory(["q"], [query], index.ids, vectors, top=2)["q"]
        assert list(best) == [i for i, _ in index.search(query, top=2)]


def test_equal_scores_are_in_the_order_of_ids_also_at_the_end_of_the_ranking(encoder, tmp_path):
    names = [f"p{number:02}" for number in range(40)]
    shuffled = np.random.default_rng(0).permutation(names).tolist()
    passages = [Passage(name, "", "the sea" if name < "p30" else "moon") for name in shuffled]
    index = build_index(tmp_path / "index", passages, encoder)
    (query,) = encoder.encode_queries(["the sea"])
    best = [f"p{number:02}" for number in range(29, 17, -1)]
    assert [name for name, _ in index.search(query, top=12)] == best
    vectors = [index.passage_vectors(name) for name in shuffled]
    ranked = rank_in_memory(["q"], [query], shuffled, vectors, top=12)
    assert list(ranked["q"]) == best


def test_many_queries_at_once_rank_as_one_at_a_time(encoder, collection, tmp_path, monkeypatch):
    monkeypatch.setattr(token_index, "GROUP_QUERIES", 2)
    index = build_index(tmp_path / "index", collection.passages(), encoder)
    queries = encoder.encode_queries(["the sea", "", "mji kubwa", "big city", "sun"])
    together = index.search_many(queries, top=4)
    for ranking, query in zip(together, queries, strict=True):
        alone = index.search(query, top=4)
        assert [i for i, _ in ranking] == [i for i, _ in alone]
        assert dict(ranking) == pytest.approx(dict(alone), abs=2e-4)
    assert together[1] == []


def test_an_index_is_fp16_memory_mapped_and_knows_its_encoder(encoder, collection, tmp_path):
    index = build_index(tmp_path / "index", collection.passages(), encoder)
    assert isinstance(index.vectors, np.memmap)
    assert index.vectors.dtype == np.float16
    info = json.loads((tmp_path / "index" / "index.json").read_text())
    assert info["encoder_hash"] == encoder.hash
    assert info["environment"]["packages"]["torch"]
    np.testing.assert_allclose(
        index.passage_vectors("p3"),
        encoder.encode_passages([collection.by_id["p3"].full_text])[0],
        atol=1e-3,
    )


def test_appending_gives_the_index_of_the_whole(encoder, collection, tmp_path):
    passages = list(collection.passages())
    whole = build_index(tmp_path / "whole", passages, encoder)
    build_index(tmp_path / "grown", passages[:4], encoder)
    grown = append_to_index(tmp_path / "grown", passages[4:], encoder)
    assert grown.ids == whole.ids
    np.testing.assert_array_equal(grown.offsets, whole.offsets)
    np.testing.assert_allclose(grown.vectors, whole.vectors, atol=1e-3)
    with pytest.raises(InputError, match="'p1' comes twice"):
        append_to_index(tmp_path / "grown", passages[:1], encoder)
    assert len(TokenIndex.open(tmp_path / "grown")) == 6


def test_an_index_of_another_encoder_is_refused_by_name(encoder, collection, tiny_bert, tmp_path):
    index = build_index(tmp_path / "index", collection.passages(), encoder)
    other = load_pair(str(tiny_bert), device="cpu")
    with pytest.raises(InputError, match=f"built by the encoder {encoder.name}"):
        LateInteraction(other, index)
    with pytest.raises(InputError, match="built by the encoder"):
        append_to_index(tmp_path / "index", [Passage("x", "", "sea")], other.teacher)


def test_a_failed_build_leaves_the_old_index_and_no_litter(encoder, collection, tmp_path):
    build_index(tmp_path / "index", collection.passages(), encoder)

    def broken():
        yield Passage("new", "", "sea")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="no space left"):
        build_index(tmp_path / "index", broken(), encoder)
    assert len(TokenIndex.open(tmp_path / "index")) == 6
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def inverted_in(name, folder):
    inverted(folder / name)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "vectors.f16").write_bytes(b"12"), "damaged"),
        (lambda f: (f / "offsets.i64").unlink(), "damaged"),
        (lambda f: (f / "ids.json").write_text("["), "damaged"),
        *((partial(inverted_in, name), f"{name} is damaged") for name in FILES),
        (lambda f: (f / "index.json").write_text('{"format": 99}'), "format 99"),
        (lambda f: (f / "index.json").unlink(), "no index"),
    ],
)
def test_a_damaged_index_is_one_sentence(encoder, collection, tmp_path, damage, message):
    build_index(tmp_path / "index", collection.passages(), encoder)
    damage(tmp_path / "index")
    with pytest.raises(InputError, match=message):
        TokenIndex.open(tmp_path / "index")


def test_a_collections_index_is_built_once_and_again_when_it_changed(encoder, collection, caplog):
    first = collection_index(collection, encoder)
    stamp = (first.folder / "index.json").stat().st_mtime_ns
    assert (collection_index(collection, encoder).folder / "index.json").stat().st_mtime_ns == stamp
    with (collection.folder / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "p7", "title": "", "text": ""}\n')
    assert len(collection_index(collection, encoder)) == 7
    assert "has changed" in caplog.text
    assert "1 passage has no text" in caplog.text


def test_explanations_add_up_to_the_score(tiny_encoder, collection):
    searcher = open_searcher(str(tiny_encoder), collection, load=on_cpu)
    query = "why is the sea salty ?"
    for identifier, score in searcher.search(query, top=6):
        passage = collection.by_id[identifier]
        text = passage.full_text
        (matches,) = searcher.explain(searcher.encode([query])[0], [passage])
        assert [m.query.piece for m in matches] == query.split()
        assert sum(m.contribution for m in matches) == pytest.approx(score, abs=2e-4)
        assert all(text[m.passage.start : m.passage.end] == m.passage.piece for m in matches)


@pytest.mark.slow
def test_queries_in_int8_search_the_same_index_and_explain_their_own_scores(
    exported_once, tiny_encoder, collection, monkeypatch
):
    query = "why is the sea salty ?"
    exact = dict(open_searcher(str(tiny_encoder), collection, load=on_cpu).search(query))
    monkeypatch.setenv("OPTICAL_PRECISION", "int8")
    searcher = open_searcher(str(tiny_encoder), collection, load=on_cpu)
    found = dict(searcher.search(query))
    assert found != exact
    assert found == pytest.approx(exact, rel=0.02)
    (matches,) = searcher.explain(searcher.encode([query])[0], [collection.by_id["p1"]])
    assert sum(match.contribution for match in matches) == pytest.approx(found["p1"], abs=2e-3)


def test_a_query_without_tokens_finds_nothing_and_a_long_one_is_told(
    tiny_encoder, collection, caplog
):
    searcher = open_searcher(str(tiny_encoder), collection, load=on_cpu)
    assert searcher.search("   ") == []
    assert len(searcher.search("sea " * 100, top=3)) == 3
    assert "cut" in caplog.text


def test_an_empty_index_is_refused(encoder, tmp_path):
    with pytest.raises(InputError, match="no passages"):
        build_index(tmp_path / "index", [], encoder)


HINDI = "भारत की राजधानी नई दिल्ली है।"
TELUGU = "సముద్రపు నీరు ఉప్పగా ఉంటుంది."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HINDI, ["भारत", "की", "राजधानी", "नई", "दिल्ली", "है"]),
        (TELUGU, ["సముద్రపు", "నీరు", "ఉప్పగా", "ఉంటుంది"]),
        ("القاهرة، مدينةٌ كبيرة؟", ["القاهرة", "مدينةٌ", "كبيرة"]),
        ("የባሕር ውሃ፣ ጨዋማ።", ["የባሕር", "ውሃ", "ጨዋማ"]),
        ("Ẹ̀yà ọjọ́; ƙasa ng'ombe", ["ẹ̀yà", "ọjọ́", "ƙasa", "ng'ombe"]),
    ],
)
def test_words_of_every_script_stay_whole(text, expected):
    assert words(text) == expected


def test_bm25_finds_by_words_in_any_script():
    engine = BM25(
        [Passage("hi", "", HINDI), Passage("te", "", TELUGU), Passage("en", "", "sea salt")]
    )
    assert [i for i, _ in engine.search("राजधानी दिल्ली")] == ["hi"]
    assert [i for i, _ in engine.search("ఉప్పగా నీరు")] == ["te"]
    assert engine.search("nothing shared") == []
    assert [i for i, _ in engine.search("salt salt SEA")] == ["en"]


def test_bm25_ranks_rare_words_and_short_passages_higher():
    engine = BM25(
        [
            Passage("a", "", "sea sea moon"),
            Passage("b", "", "sea water"),
            Passage("c", "", "sea and a very long passage about many other things and more"),
        ]
    )
    assert engine.search("moon sea")[0][0] == "a"
    order = [identifier for identifier, _ in engine.search("water sea")]
    assert order[0] == "b"
    assert order[-1] == "c"


def test_what_has_no_tokens_matches_nothing():
    assert token_matches([], unit(0, 0, 4), [], unit(0, 0, 4)) == []


def test_a_searcher_that_does_not_explain_says_so(collection):
    searcher = StructuredQueries(collection.passages(), {})
    assert not searcher.explains
    with pytest.raises(InputError, match="psq has no token matches to explain"):
        searcher.explain(searcher.encode(["sea"])[0], [collection.by_id["p1"]])


def test_nothing_to_rank_or_to_join_is_said():
    assert top_passages(torch.zeros(0), [], 3) == []
    with pytest.raises(InputError, match="there are no files to index"):
        shards.join_indexes(home("indexes", "out"), [])
