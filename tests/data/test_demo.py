"""The shipped demo is what it says it is."""

import re
from collections import Counter

import pytest

from optical_core.data.bitext import read_bitext
from optical_core.data.collection import Passage, open_collection, write_collection
from optical_core.data.overlap import guard_overlap
from optical_core.data.quality import check_collection, check_pairs
from optical_core.storage import assets

LANGUAGES = {"en", "fr", "de", "it", "es", "sw", "so", "tl", "mr", "hi", "ha", "yo"}


@pytest.fixture(scope="module")
def demo():
    return open_collection("demo")


@pytest.fixture(scope="module")
def bitext():
    return read_bitext(assets("demo", "bitext.tsv"))


def test_the_demo_has_no_problems(demo, bitext):
    assert check_collection(demo) == []
    assert check_pairs(list(bitext.pairs)) == []


def test_passages_are_of_the_promised_number_and_length(demo):
    passages = list(demo.passages())
    assert len(passages) >= 400
    assert all(50 <= len(p.text.split()) <= 120 and p.title for p in passages)


def test_passages_come_in_clusters_of_near_misses(demo):
    clusters = Counter(re.sub(r"[a-z]$", "", passage.id) for passage in demo.passages())
    assert set(clusters.values()) == {4}


def test_needs_are_asked_in_every_language_and_judged(demo):
    assert set(demo.languages) == LANGUAGES
    needs = demo.queries("en")
    assert len(needs) >= 120
    for code in LANGUAGES:
        assert demo.queries(code).keys() == needs.keys()
        assert demo.qrels(code).keys() == needs.keys()
    for grades in demo.qrels("en").values():
        assert 1 <= len(grades) <= 4
        assert max(grades.values()) == 2


def test_the_bitext_covers_the_languages_and_shares_nothing_with_the_collection(demo, bitext):
    assert set(bitext.languages) == LANGUAGES - {"en"}
    assert min(bitext.languages.values()) >= 500
    assert guard_overlap(bitext, [demo]) is bitext


def test_each_kind_of_problem_is_found(collection, tmp_path):
    passages = [*collection.passages(), Passage("p7", "", "the moon is a small cold star")]
    queries = {
        "en": {"q1": "why salty", "q2": "why salty", "q3": "big city"},
        "sw": {"q1": "बड़ा शहर", "q2": "!", "q3": "Big city"},
    }
    qrels = {"q1": {"p1": 1}, "q2": {"p1": 0}}
    bad = write_collection(tmp_path / "bad", collection.info, passages, queries, qrels)
    problems = "\n".join(check_collection(bad))
    for expected in (
        "2 passages have the same text",
        "2 passages share the sentence",
        "en texts q1 and q2 are the same",
        "sw text q1 is in devanagari script",
        "sw text q2 is empty",
        "sw query q3 is untranslated",
        "en query q2 has no relevant passage",
        "1 en query without judgements",
    ):
        assert expected in problems


def test_shipped_measurements_of_the_demo_are_of_this_demo(demo):
    from optical_core.study.results import read_results

    results = read_results(assets("results", "demo"))
    assert results.fingerprint == demo.fingerprint, "evaluate the demo again: it has changed"
    assert {"embedded", "optical-lowres", "bm25"} <= set(results.models)
    assert set(results.languages) == LANGUAGES
