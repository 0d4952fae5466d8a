"""Scores by word: they add up for every searcher, also with glosses, windows, fusions and stems."""

import json

import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.data.corpus import Passage
from optical_core.digits import adding_up
from optical_core.errors import InputError
from optical_core.models.pair_store import load_pair
from optical_core.models.tokens import Token
from optical_core.retrieval.bm25 import BM25, LiveBM25
from optical_core.retrieval.explain import Share, TokenMatch
from optical_core.retrieval.glossed import Glossed, Glosses
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.late_interaction import LateInteraction
from optical_core.retrieval.live_index import LiveIndex
from optical_core.retrieval.terms import Terms
from optical_core.retrieval.windows import WHOLE, Windows
from optical_core.retrieval.word_shares import (
    OTHER,
    PLACES,
    paired,
    part_shares,
    told_difference,
    word_shares,
)

PASSAGES = [
    Passage("p1", "Sea", "the sea is salty water " * 9 + "and the moon " * 3),
    Passage("p2", "Moon", "the moon is a small cold star"),
]
GLOSSES = Glosses({"sw": {"bahari": {"sea": 1.0}, "mwezi": {"moon": 1.0}}})
QUERY = "bahari mwezi, bahari na the MOON"


@pytest.fixture(scope="module")
def tiny(tiny_encoder):
    return load_pair(str(tiny_encoder), device="cpu")


def searchers(pair, folder):
    for number, windows in enumerate((WHOLE, Windows(16, 8), Windows(16, 8, "sum"))):
        build_index(folder / str(number), PASSAGES, pair.teacher, windows=windows)
        yield LateInteraction(pair, LiveIndex(folder / str(number)))
    yield BM25(PASSAGES)


def test_shares_and_rounded_pairs_add_up_to_both_scores(tiny, tmp_path):
    for plain in searchers(tiny, tmp_path):
        for searcher in (plain, Glossed(plain, GLOSSES)):
            (query,) = searcher.encode([QUERY])
            scores = dict(searcher.rank([query])[0])
            sides = [
                word_shares(QUERY, passage.full_text, matches, gloss=query.gloss)
                for passage, matches in zip(
                    PASSAGES, searcher.explain(query, PASSAGES), strict=True
                )
            ]
            for passage, side in zip(PASSAGES, sides, strict=True):
                total = sum(each.share for each in side)
                assert total == pytest.approx(scores[passage.id], abs=3e-3)
                words = [each.word for each in side if not each.gloss and each.word != OTHER]
                assert words == QUERY.split()
                for each in side:
                    assert sum(each.matched.values()) == pytest.approx(each.share)
                    for start, end in each.matched:
                        assert passage.full_text[start:end] in passage.full_text.split()
            pairs = paired(*sides, scores=(scores["p1"], scores["p2"]))
            for number, passage in enumerate(PASSAGES):
                shown = sum(pair.shares[number] for pair in pairs)
                assert round(shown, PLACES) == round(scores[passage.id], PLACES)
            assert any(pair.gloss for pair in pairs) == (searcher is not plain)


def test_bm25_gives_each_word_its_weight_with_stems_and_repeated_words(collection):
    passages = [*collection.passages(), Passage("p9", "", "The seas, the SEA: Straße")]
    for terms in (Terms(), Terms(stop=True)):
        bm25 = BM25(passages, terms)
        assert bm25.explains
        for text in ("the Sea, the sea and salty water", "STRASSE seas", "zzz"):
            (query,) = bm25.encode([text])
            hits = dict(bm25.rank([query])[0])
            found = [passage for passage in passages if passage.id in hits]
            for passage, matches in zip(found, bm25.explain(query, found), strict=True):
                total = sum(match.contribution for match in matches)
                assert total == pytest.approx(hits[passage.id], abs=1e-4)
                for match in matches:
                    for token, whole in ((match.query, text), (match.passage, passage.full_text)):
                        assert whole[token.start : token.end] == token.piece
    assert {match.passage.piece for match in bm25.explain(*_asked(bm25, "STRASSE", "p9"))[0]} == {
        "Straße"
    }


def _asked(bm25, text, identifier):
    return bm25.encode([text])[0], [Passage(identifier, "", "The seas, the SEA: Straße")]


def test_bm25_explains_no_passage_that_has_changed(collection):
    bm25 = LiveBM25(collection)
    (query,) = bm25.encode(["salty sea"])
    (matches,) = bm25.explain(query, [collection.by_id["p1"]])
    assert [match.passage.piece for match in matches] == ["salty", "Sea"]
    for other in (Passage("p1", "", "dry sand"), Passage("p77", "", "the salty sea")):
        with pytest.raises(InputError, match=f"{other.id} has changed since it was counted"):
            bm25.explain(query, [other])


def test_tokens_outside_the_words_are_one_row_and_a_server_s_tokens_have_words_too():
    def token(piece, start, end):
        return Token(piece, -1, start, end, "text", True)

    sea = token("sea", 4, 7)
    matches = [
        TokenMatch(token("[CLS]", 0, 0), sea, 0.5),
        TokenMatch(token("ba", 0, 2), sea, 0.25),
        TokenMatch(token("hari", 2, 6), token("[CLS]", 0, 0), 0.25),
        TokenMatch(token("[MASK]", 0, 0), sea, 0.5, gloss=True),
    ]
    shares = word_shares("bahari", "the sea.", matches, gloss="")
    assert [(each.word, each.share, each.gloss) for each in shares] == [
        ("bahari", 0.5, False),
        (OTHER, 1.0, False),
    ]
    assert shares[0].matched == {(4, 8): 0.25, (0, 0): 0.25}
    assert word_shares("", "", []) == []


def test_words_of_another_gloss_and_parts_of_a_fusion():
    def side(query, gloss, share):
        matches = [
            TokenMatch(
                Token(text, -1, 0, len(text), "text", True),
                Token("x", -1, 0, 1, "text", True),
                share,
                gloss=number > 0,
            )
            for number, text in enumerate((query, gloss))
        ]
        return word_shares(query, "x", matches, gloss=gloss)

    pairs = paired(side("maji", "water", 1.0), side("maji", "sea", 0.5))
    assert [(pair.name, pair.shares) for pair in pairs] == [
        ("maji", (1.0, 0.5)),
        ("(water)", (1.0, 0.0)),
        ("(sea)", (0.0, 0.5)),
    ]
    parts = part_shares([Share("bm25", 1, 3.0, 60.0), Share("embedded", None, None, 0.0)])
    assert [pair.shares for pair in paired(parts, parts)] == [(60.0, 60.0), (0.0, 0.0)]
    with pytest.raises(InputError, match="no words in common"):
        paired(parts, side("maji", "water", 1.0))
    assert told_difference(paired(parts, parts), ("a", "b")) == "a and b are level."


@pytest.mark.parametrize("total", [None, 1.0, 0.998, 1.003])
def test_rounded_numbers_add_up(total):
    values = [1 / 3, 1 / 3, 1 / 3, 0.0, -0.0004, 0.0004]
    rounded = adding_up(values, 3, total=total)
    assert round(sum(rounded), 3) == round(total or 1.0, 3)
    assert rounded == pytest.approx(values, abs=0.002)
    assert adding_up([], 3) == []


def test_the_command_sets_two_passages_or_two_models_side_by_side(
    tiny_encoder, collection, tmp_path
):
    where, model = str(collection.folder), str(tiny_encoder)

    def run(*arguments):
        done = CliRunner().invoke(app, ["why", where, "why salty sea ?", *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    found = json.loads(run("-m", model, "--json"))
    assert [side["rank"] for side in found["scores"]] == [1, 2]
    for number, side in enumerate(found["scores"]):
        total = sum(word["shares"][number] for word in found["words"])
        assert total == pytest.approx(side["score"], abs=6e-4)
    shown = run("-m", model, "-p", "p5,p1").splitlines()
    assert [line.split("\t")[0] for line in shown[2:-1]] == [
        "word", "why", "salty", "sea", "?", "sum",
    ]  # fmt: skip
    assert shown[-1].split()[1:4] == ["is", "ahead", "by"]
    other = run("-m", f"{model},bm25", "-p", "p1").splitlines()
    assert other[2] == f"word\t{model}\tbm25"
    assert "different scales" in other[-1]
    parts = run("-m", "rrf(bm25,bm25%1)", "-p", "p1,p2").splitlines()
    assert [line.split("\t")[0] for line in parts[3:6]] == ["bm25", "bm25%1", "sum"]
