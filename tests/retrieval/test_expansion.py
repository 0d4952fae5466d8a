"""Queries expanded by feedback, against values worked out by hand from the published formulas."""

import numpy as np
import pytest
from sklearn.cluster import KMeans

from optical_core.data.collection import CollectionInfo, Passage, write_collection
from optical_core.data.lexicons import write_lexicon
from optical_core.errors import InputError
from optical_core.models.pair_store import load_pair
from optical_core.retrieval.bm25 import BM25, WeightedQuery
from optical_core.retrieval.expansions import Prf, Rm3
from optical_core.retrieval.expression_reader import parse
from optical_core.retrieval.expressions import Chain, Cut, Expanded, Name, Weighted
from optical_core.retrieval.late_interaction import TokenVectors
from optical_core.retrieval.relevance_model import relevance_model
from optical_core.retrieval.searchers import open_searcher
from optical_core.retrieval.token_feedback import centres, token_passages
from optical_core.study.evaluate import searchers_by_language
from optical_core.ui.search.joined import explainer, is_joined, kind_of


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a+rm3", Expanded(Name("a"), Rm3())),
        ("tlm+optical + prf", Expanded(Name("tlm+optical"), Prf())),
        ("a+prfx", Name("a+prfx")),
        ('"a+prf"%3', Cut(Name("a+prf"), 3)),
        ("a+rm3(docs=5, weight=.7)%2", Cut(Expanded(Name("a"), Rm3(5, 10, 0.7)), 2)),
        (
            "b@x+rm3>>0.5*a+prf(terms=2)+0.5*b",
            Chain(
                (
                    Cut(Expanded(Name("b@x"), Rm3()), 100),
                    Weighted(((0.5, Expanded(Name("a"), Prf(terms=2))), (0.5, Name("b")))),
                )
            ),
        ),
    ],
)
def test_an_expansion_is_read_and_written_again(text, tree):
    assert parse(text) == tree
    assert parse(str(tree)) == tree


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a+rm3(k=5)", "'k=5' can't be read; it takes docs, terms, weight, each a number"),
        ("a+rm3(docs=5,docs=6)", "'docs=6' can't be read"),
        ("a+prf(docs=2.5)", "'docs=2.5' can't be read"),
        ("a+rm3(docs=0)", "docs is 1 to 100, not 0"),
        ("a+rm3(weight=2)", "weight is 0 to 1, not 2"),
        ("a+prf(weight=0)", "weight is above 0"),
        ("a+prf(weight=nan)", "weight is above 0"),
        ("a+prf(terms=30)", "each term is one of the 24 clusters, so terms can't be 30"),
        ("a+rm3(", "can't be read at"),
    ],
)
def test_what_is_no_expansion_gets_one_sentence(text, sentence):
    with pytest.raises(InputError, match=r"^[^\n]+$") as error:
        parse(text)
    assert sentence in str(error.value)


def test_rm3_is_anserinis_worked_out_by_hand():
    """Two passages with the scores 3 and 1, two terms of each passage, two terms in all.

    The first keeps salt 4/6 and sea 2/6 (tie: sea before wave), the second tide 1/2 and moon 1/2
    (moon before tide): salt 2, sea 1, moon 1/2, tide 1/2. Of these salt and sea stay: 2/3, 1/3.
    """
    first = ({"salt": 4, "sea": 2, "wave": 2}, 3.0)
    second = ({"tide": 1, "moon": 1}, 1.0)
    weights = relevance_model({"sea": 1, "why": 1}, [first, second], Rm3(2, 2, 0.6))
    assert weights == pytest.approx({"sea": 0.3 + 0.4 / 3, "why": 0.3, "salt": 0.8 / 3})
    assert sum(weights.values()) == pytest.approx(1)
    assert relevance_model({"sea": 2}, [], Rm3()) == {"sea": 1}
    assert relevance_model({"sea": 2}, [first], Rm3(weight=1)) == {"sea": 1}


OTHERS = [Passage(f"o{n}", "", f"the river number{n} of hills") for n in range(40)]
SEA = [
    Passage("p1", "", "the sea the sea the sea has salt salt and an extraordinarilyveryverylong x"),
    Passage("p2", "", "the salt of a lake"),
    Passage("p3", "", "the moon"),
]


@pytest.fixture
def sea(tmp_path):
    info = CollectionInfo(
        name="sea", licence="CC0", source="own", languages=("en",), parallel=False
    )
    queries, qrels = {"en": {"q1": "sea"}}, {"q1": {"p1": 1}}
    return write_collection(tmp_path / "sea", info, [*SEA, *OTHERS], queries, qrels)


def test_bm25_asks_weighted_terms_and_finds_what_lacks_the_query(sea):
    searcher = open_searcher("bm25+rm3", sea)
    (query,) = searcher.expanded(searcher.encode(["sea"]))
    # Every passage has “the”; one term is too short and one too long. Four of p1's terms are left.
    assert {entry.text for entry in query.added} == {"salt", "has", "and", "an"}
    assert query.weights == pytest.approx(
        {"sea": 0.5 + 0.5 * 3 / 8, "salt": 1 / 8} | dict.fromkeys(("has", "and", "an"), 1 / 16)
    )
    (hits,) = searcher.rank([query])
    assert [identifier for identifier, _ in hits] == ["p1", "p2"]
    assert hits == searcher.rank([query])[0] == searcher.search("sea")
    alone = BM25([*SEA, *OTHERS]).search("salt")
    assert dict(hits)["p2"] == pytest.approx(dict(alone)["p2"] / 8, abs=1e-4)
    for (_, score), shares in zip(hits, searcher.shares(query, SEA[:2]), strict=True):
        assert sum(share.share for share in shares) == pytest.approx(score, abs=1e-4)
    (salt,) = searcher.shares(query, SEA[1:2])[0]
    assert (salt.name, salt.rank, salt.standing) == ("0.125 × salt (added)", None, "")


def test_feedback_comes_only_from_passages_that_may_be_found(sea):
    searcher = open_searcher("bm25+rm3", sea)
    (query,) = searcher.encode(["sea salt"])
    among = frozenset({"p2"})
    (expanded,) = searcher.expanded([query], among=among)
    assert [entry.text for entry in expanded.added] == ["lake"]
    assert searcher.rank([query], among=among) == searcher.rank([expanded], among=among)
    # As a second stage: only p2 is ranked again.
    chain = open_searcher("bm25%1>>bm25+rm3", sea)
    (asked,) = chain.expanded(chain.encode(["lake"]))
    assert {entry.text for entry in asked.added} == {"salt"}
    assert chain.shares(asked, SEA[1:2])[0][0].name == "bm25%1"
    assert open_searcher("bm25", sea).expanded([query]) == [query]


def test_nothing_is_ranked_again_for_a_query_that_is_expanded(sea, monkeypatch):
    searcher = open_searcher("bm25+rm3", sea)
    (query,) = searcher.expanded(searcher.encode(["lake"]))
    (hits,) = searcher.rank([query])
    monkeypatch.setattr(searcher.searcher, "rank", lambda *_, **__: pytest.fail("ranked again"))
    assert searcher.expanded([query]) == [query]
    assert [share.name for share in searcher.shares(query, SEA)[0]]
    monkeypatch.undo()
    assert searcher.search("lake") == hits


def test_a_query_without_passages_stays_as_it_is(sea):
    searcher = open_searcher("bm25+rm3", sea)
    assert searcher.search("bahari") == []
    assert searcher.expanded(searcher.encode(["bahari"]))[0].added == ()


def test_a_weighted_query_counts_as_often_as_it_says(sea):
    bm25 = BM25(sea.passages())
    twice = bm25.rank([WeightedQuery("", weights={"salt": 2.0, "nowhere": 1.0})])
    assert twice == bm25.rank(bm25.encode(["salt salt"]))


def test_the_centres_of_rare_tokens_are_added_by_the_papers_formula():
    """As many clusters as vectors: each vector is its own centre."""
    found = [
        TokenVectors(["sea", "the"], [5, 1], np.eye(4, dtype=np.float32)[:2]),
        TokenVectors(["salt"], [7], np.eye(4, dtype=np.float32)[2:3]),
    ]
    passages = {5: 9, 1: 99, 7: 0}
    more, added = centres(found, lambda n: np.log(100 / (passages[n] + 1)), Prf(weight=0.5))
    # “the” is in every passage: its idf is 0.
    assert [(entry.text, round(entry.weight, 4)) for entry in added] == [
        ("salt", round(0.5 * np.log(100), 4)),
        ("sea", round(0.5 * np.log(10), 4)),
    ]
    expected = np.zeros((2, 4))
    expected[0, 2], expected[1, 0] = 0.5 * np.log(100), 0.5 * np.log(10)
    assert more == pytest.approx(expected, abs=1e-6)
    (one,) = centres(found, lambda n: 1.0, Prf(terms=1))[1]
    assert one.weight == 1
    halves, _ = centres(found, lambda n: 1.0, Prf(clusters=1, terms=1))
    assert halves == pytest.approx(np.array([[1, 1, 1, 0]]) / 3, abs=1e-6)


def test_the_centres_are_those_of_the_authors_k_means():
    """Ten starts from the seed 42, as scikit-learn 0.23 made them by default."""
    vectors = np.random.default_rng(0).normal(size=(80, 8)).astype(np.float32)
    pieces, ids = [f"t{n}" for n in range(80)], list(range(80))
    more, _ = centres([TokenVectors(pieces, ids, vectors)], lambda n: 1.0, Prf(terms=24))
    theirs = KMeans(24, n_init=10, random_state=42).fit(vectors).cluster_centers_
    np.testing.assert_allclose(np.sort(more, axis=0), np.sort(theirs, axis=0), atol=1e-5)


@pytest.fixture
def tiny(tiny_encoder, collection, home):
    def opened(text):
        return open_searcher(
            text.replace("TINY", str(tiny_encoder)),
            collection,
            load=lambda name: load_pair(name, device="cpu"),
        )

    return opened


@pytest.mark.parametrize("text", ["TINY+prf(docs=2)", "bm25%3>>TINY+prf", "TINY@LEXICON+prf"])
def test_matches_of_an_expanded_query_add_up_to_the_score(tiny, collection, tmp_path, text):
    write_lexicon(tmp_path / "sw.tsv", {"salty": {"sea": 1.0}})
    searcher = tiny(text.replace("LEXICON", str(tmp_path)))
    (query,) = searcher.expanded(searcher.encode(["salty water"]))
    (hits,) = searcher.rank([query], top=3)
    assert hits == searcher.search("salty water", top=3)
    assert 0 < len(query.added) <= 10
    passages = [collection.by_id[identifier] for identifier, _ in hits]
    for (_, score), matches in zip(hits, searcher.explain(query, passages), strict=True):
        assert sum(m.contribution for m in matches) == pytest.approx(score, abs=2e-3)
        shown = [match.query.piece for match in matches[-len(query.added) :]]
        assert shown == [f"+{entry.text}" for entry in query.added]


def test_passages_of_a_token_are_counted(tiny_encoder):
    encoder = load_pair(str(tiny_encoder), device="cpu").teacher
    passages = [Passage("p1", "", "sea, sea"), Passage("p2", "", "salt sea")]
    counts, total = token_passages(encoder, passages)
    ids = encoder.scored_ids("sea salt", "passage")
    assert ([counts[number] for number in ids], total) == ([2, 1], 2)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("TINY+rm3", r"\+rm3 expands BM25's queries, not those of "),
        ("bm25+prf", r"\+prf expands queries of a model with token vectors, not those of bm25"),
        ("(0.5*bm25+0.5*bm25%1)+rm3", r"not those of 0.5\*bm25"),
        ("bm25+rm3+rm3", r"not those of bm25\+rm3"),
    ],
)
def test_what_cannot_be_expanded_is_a_sentence(tiny, text, sentence):
    with pytest.raises(InputError, match=sentence):
        tiny(text)


@pytest.mark.parametrize(
    "text", ["nosuch+rm3", "bm25+prf", "bm25%10>>psq@x+prf", "(bm25>>a)+prf", "rrf(a,b+rm3)"]
)
def test_what_cannot_be_expanded_is_refused_before_anything_is_opened(collection, text):
    def load(name):
        raise AssertionError(f"{name} was opened")

    with pytest.raises(InputError, match=r"\+(rm3|prf) expands"):
        open_searcher(text, collection, load=load)
    with pytest.raises(InputError, match=r"\+(rm3|prf) expands"):
        searchers_by_language(text, collection, ["sw"], device=None, progress=False)


def test_pages_know_what_an_expansion_is():
    assert (kind_of("a+prf"), kind_of("a>>b+prf"), kind_of("a")) == ("expansion", "fusion", "")
    assert (is_joined("bm25+rm3"), is_joined("a+prf"), is_joined("b>>a+prf")) == (True, False, True)
    assert (explainer("b>>a+prf"), explainer("bm25+rm3")) == ("a", "")
