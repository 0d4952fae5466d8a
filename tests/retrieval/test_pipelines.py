"""Pipelines against values worked out by hand: fusions, re-rankings, cross-encoders."""

import json

import pytest

from optical_core.data.collection import Passage
from optical_core.data.lexicons import write_lexicon
from optical_core.errors import InputError
from optical_core.models.fusions import Fusion, save_fusion
from optical_core.models.pair_store import load_pair
from optical_core.retrieval.expression_reader import parse
from optical_core.retrieval.pipelines import assembled
from optical_core.retrieval.searcher import Query, Searcher
from optical_core.retrieval.searchers import open_searcher
from tests.conftest import write_bert


class Fixed(Searcher):
    """Gives the same scores for every query; encodes it as a text with its name."""

    identity = "fixed"

    def __init__(self, name, scores):
        self.name, self.scores, self.weights = name, scores, f"w{name}"

    def encode(self, queries):
        return [Query(f"{self.name}:{query}") for query in queries]

    def rank(self, queries, *, top=10, among=None):
        assert all(query.text.startswith(f"{self.name}:") for query in queries)
        hits = sorted(self.scores.items(), key=lambda hit: -hit[1])
        found = [hit for hit in hits if among is None or hit[0] in among]
        return [found[:top] for _ in queries]


PARTS = {
    "a": Fixed("a", {"p1": 9.0, "p2": 7.0, "p3": 5.0}),
    "b": Fixed("b", {"p3": 0.4, "p4": 0.3, "p2": 0.2}),
    "c": Fixed("c", {"p4": -1.0}),
}
PASSAGES = [Passage(f"p{n}", "", "") for n in range(1, 5)]


def searcher(text):
    return assembled(parse(text), PARTS.__getitem__)


def test_a_weighted_sum_adds_up_scaled_scores():
    # a: 1, .5, 0 for p1, p2, p3; b: 1, .5, 0 for p3, p4, p2; in hundredths.
    assert searcher("0.8*a+0.2*b").search("q") == [
        ("p1", 80.0),
        ("p2", 40.0),
        ("p3", 20.0),
        ("p4", 10.0),
    ]
    # One passage alone is both the first and the last: it counts as the first.
    assert searcher("1*a+0.5*c").search("q", top=2) == [("p1", 100.0), ("p4", 50.0)][:2]


def test_reciprocal_rank_fusion_is_cormacks():
    expected = {
        "p1": 1 / 61,
        "p2": 1 / 62 + 1 / 63,
        "p3": 1 / 63 + 1 / 61,
        "p4": 1 / 62,
    }
    found = searcher("rrf(a,b)").search("q")
    assert [identifier for identifier, _ in found] == ["p3", "p2", "p1", "p4"]
    assert dict(found) == pytest.approx({p: 1000 * v for p, v in expected.items()}, abs=5e-5)
    assert dict(searcher("rrf(a,b,k=1)").search("q"))["p1"] == 500


def test_a_part_that_is_cut_counts_with_its_first_passages():
    assert dict(searcher("0.5*a%2+0.5*b%1").search("q")) == {"p1": 50, "p2": 0, "p3": 50}
    assert searcher("a%2").search("q") == [("p1", 9.0), ("p2", 7.0)]
    assert searcher("a%2").search("q", top=1) == [("p1", 9.0)]


def test_the_first_passages_are_ranked_again_and_no_others():
    assert searcher("a%2>>b").search("q") == [("p2", 0.2)]
    assert searcher("a>>b").search("q") == [("p3", 0.4), ("p2", 0.2)]
    assert searcher("a>>b%1>>a").search("q") == [("p3", 5.0)]
    # A fusion behind another model is scaled over what it ranks again.
    assert dict(searcher("a%2>>0.5*a+0.5*b").search("q")) == {"p1": 50.0, "p2": 50.0}
    among = frozenset({"p1", "p3"})
    (query,) = searcher("a>>b").encode(["q"])
    assert searcher("a>>b").rank([query], among=among) == [[("p3", 0.4)]]


@pytest.mark.parametrize(
    "text", ["0.8*a+0.2*b", "rrf(a,b,c)", "a>>b", "a%3>>rrf(a,b)", "(rrf(a,b))%2"]
)
def test_shares_add_up_to_the_score(text):
    made = searcher(text)
    (query,) = made.encode(["q"])
    (hits,) = made.rank([query])
    assert made.fuses
    found = made.shares(query, PASSAGES)
    for passage, shares in zip(PASSAGES, found, strict=True):
        if passage.id in dict(hits):
            assert sum(s.share for s in shares) == pytest.approx(dict(hits)[passage.id], abs=1e-4)


def test_a_share_has_the_parts_name_rank_and_score():
    made = searcher("b>>0.8*a+0.2*c")
    (query,) = made.encode(["q"])
    first, a, c = made.shares(query, PASSAGES[2:3])[0]
    assert (first.name, first.rank, first.score, first.share) == ("b%100", 1, 0.4, 0)
    # Of b's passages a knows p2 and p3.
    assert (a.name, a.rank, a.score, a.share) == ("a", 2, 5.0, 0)
    assert (c.name, c.rank, c.score, c.share) == ("c", None, None, 0)


def test_what_decides_a_ranking_is_in_the_identity_and_the_weights():
    one, other = searcher("0.8*a+0.2*b"), searcher("0.7*a+0.3*b")
    assert one.identity != other.identity
    assert one.weights == other.weights == "wa-wb"
    assert one.name == "0.8*a+0.2*b"


@pytest.fixture
def on_cpu():
    return lambda name: load_pair(name, device="cpu")


def test_the_papers_protocol_gives_the_students_scores_to_bm25s_passages(
    tiny_encoder, collection, on_cpu
):
    text = f"bm25%100>>{tiny_encoder}"
    pipeline = open_searcher(text, collection, load=on_cpu)
    alone = dict(open_searcher(str(tiny_encoder), collection, load=on_cpu).search("salty water"))
    lexical = dict(open_searcher("bm25", collection).search("salty water"))
    found = dict(pipeline.search("salty water"))
    assert found.keys() == lexical.keys() < alone.keys()
    assert found == pytest.approx({key: alone[key] for key in found}, abs=1e-4)
    (query,) = pipeline.encode(["salty water"])
    passages = [collection.by_id[identifier] for identifier in found]
    for passage, matches in zip(passages, pipeline.explain(query, passages), strict=True):
        total = sum(match.contribution for match in matches)
        assert total == pytest.approx(found[passage.id], abs=1e-3)


def test_lexicons_of_a_folder_are_asked_by_the_language_of_the_words(collection, tmp_path):
    write_lexicon(tmp_path / "sw.tsv", {"bahari": {"sea": 1.0}, "mji": {"city": 1.0}})
    write_lexicon(tmp_path / "so.tsv", {"magaalo": {"city": 1.0}})
    psq = open_searcher(f"psq@{tmp_path}", collection)
    assert [psq.search(word)[0][0] for word in ("bahari", "mji", "magaalo")] == ["p1", "p5", "p5"]
    assert psq.search("zzz") == []
    glossed = open_searcher(f"rrf(bm25@{tmp_path},bm25)", collection)
    assert glossed.search("magaalo")[0][0] == "p5"
    assert glossed.encode(["magaalo"])[0].gloss == "city"
    with pytest.raises(InputError, match="nowhere is no folder of lexicons, and translations"):
        open_searcher("bm25@nowhere", collection)


def test_a_stored_fusion_is_opened_by_its_name(collection, home):
    save_fusion(Fusion(name="mine", expression="0.6*bm25+0.4*bm25%1"))
    found = open_searcher("mine", collection).search("salty water")
    assert found == open_searcher("0.6*bm25+0.4*bm25%1", collection).search("salty water")


@pytest.fixture
def cross_encoder(tmp_path):
    return write_cross_encoder(tmp_path / "cross")


def write_cross_encoder(folder, labels=1):
    from transformers import BertConfig, BertForSequenceClassification

    write_bert(folder)
    config = BertConfig.from_pretrained(folder, num_labels=labels)
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_a_cross_encoder_is_a_last_stage(cross_encoder, collection):
    from sentence_transformers import CrossEncoder
    from torch.nn import Identity

    pipeline = open_searcher(f"bm25%3>>{cross_encoder}", collection, device="cpu")
    found = pipeline.search("salty water")
    assert len(found) == 3
    model = CrossEncoder(str(cross_encoder), device="cpu", activation_fn=Identity())
    for identifier, score in found:
        pair = ("salty water", collection.by_id[identifier].full_text)
        assert model.predict([pair])[0] == pytest.approx(score, abs=1e-3)
    assert [score for _, score in found] == sorted((s for _, s in found), reverse=True)
    assert pipeline.weights
    assert pipeline.search("zzz") == []


def test_a_cross_encoder_that_cannot_be_one_is_a_sentence(cross_encoder, collection, tmp_path):
    alone = open_searcher(str(cross_encoder), collection, device="cpu")
    with pytest.raises(InputError, match="put it last, as in bm25%100>>"):
        alone.search("sea")
    several = write_cross_encoder(tmp_path / "several", labels=3)
    with pytest.raises(InputError, match="gives 3 scores to a passage"):
        open_searcher(f"bm25>>{several}", collection, device="cpu")
    config = json.loads((cross_encoder / "config.json").read_text())
    (cross_encoder / "config.json").write_text(json.dumps(config | {"hidden_size": 7}))
    with pytest.raises(InputError, match=r"^the cross-encoder [^\n]+ can't be opened \([^\n]+\)$"):
        open_searcher(f"bm25>>{cross_encoder}", collection, device="cpu")
