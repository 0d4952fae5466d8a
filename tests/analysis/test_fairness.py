"""Fairness between languages: PEER as peer_measure has it, preference and shares by hand."""

import numpy as np
import pytest
from scipy.stats import chi2, kruskal

from optical_core.analysis.fairness import (
    equal_rank_probability,
    fairness_table,
    preferred,
    share_table,
)

PEERS = {
    5: (0.6207276647028654, 0.7382217169904637, 0.5102033143401852),
    10: (0.6207276647028654, 0.6139473445705765, 0.4261248568188266),
    20: (0.47923960449868536, 0.1895516432371017, 0.2621962972172047),
}
"""What PEER of peer_measure 0.0.1 gives for the rankings below (with the function that ir-measures
0.4 has dropped)."""


@pytest.mark.parametrize("cutoff", PEERS)
def test_peer_is_that_of_its_authors(cutoff):
    drawn = np.random.default_rng(5)
    codes = np.array(["x", "y", "z"])[drawn.integers(0, 3, 30)].tolist()
    languages = dict(zip([f"d{number:02d}" for number in range(30)], codes, strict=True))
    run, qrels = {}, {}
    for query in ("q1", "q2", "q3"):
        ranked = drawn.permutation(list(languages)).tolist()
        run[query] = {p: float(30 - place) for place, p in enumerate(ranked[:24])}
        grades = zip(ranked, drawn.integers(0, 3, 30), strict=True)
        qrels[query] = {p: int(grade) for p, grade in grades if drawn.random() < 0.8}
        qrels[query].setdefault(ranked[0], 0)
    found = equal_rank_probability(run, qrels, languages, cutoff=cutoff, weights={1: 0.4, 2: 0.6})
    assert tuple(found.values()) == pytest.approx(PEERS[cutoff])


def ranking(order):
    return {passage: float(-place) for place, passage in enumerate(order)}


LANGUAGES = {"a": "en", "b": "en", "c": "sw", "d": "sw"}
ALL = dict.fromkeys("abcd", 1)


def test_peer_of_whole_rankings_is_the_kruskal_wallis_test():
    found = equal_rank_probability({"q": ranking("abcd")}, {"q": ALL}, LANGUAGES)["q"]
    assert found == pytest.approx(kruskal([1, 2], [3, 4]).pvalue)
    fair = equal_rank_probability({"q": ranking("acdb")}, {"q": ALL}, LANGUAGES)["q"]
    assert fair == pytest.approx(1)
    # Grades count alike: the 1s are in one language only, which is fair.
    graded = {"a": 1, "b": 1, "c": 2, "d": 2}
    assert equal_rank_probability({"q": ranking("abcd")}, {"q": graded}, LANGUAGES) == {"q": 1}


@pytest.mark.parametrize("order", ["ac", "ca", "xac", "cxxa"])
def test_peer_cannot_tell_rankings_apart_where_each_language_has_one_passage(order):
    found = equal_rank_probability({"q": ranking(order)}, {"q": {"a": 1, "c": 1}}, LANGUAGES)
    assert found["q"] == pytest.approx(chi2.sf(1, 1))


def test_peer_of_what_is_not_found_and_not_judged():
    run = {"q": ranking("xyz"), "unjudged": ranking("ab")}
    assert equal_rank_probability(run, {"q": ALL, "empty": ALL}, LANGUAGES) == {"q": 1.0}
    assert equal_rank_probability(run, {"q": {"a": 0}}, LANGUAGES) == {}


def test_the_first_relevant_passage_tells_the_preference():
    run = {"q1": ranking("xca"), "q2": ranking("ba"), "q3": ranking("x"), "q4": ranking("c")}
    qrels = {"q1": ALL, "q2": {"a": 1, "c": 1, "d": 1}, "q3": ALL, "q4": {"c": 1}}
    # q3 finds nothing relevant; what q4 needs is there in one language only.
    assert preferred(run, qrels, LANGUAGES, "sw") == {
        "q1": (True, 0.5),
        "q2": (False, pytest.approx(2 / 3)),
    }


def test_the_tables_have_means_and_shares():
    runs = {("m", "sw"): {"q1": ranking("cabd"), "q2": ranking("dcx")}}
    qrels = {"sw": {"q1": ALL, "q2": ALL, "q3": ALL}}
    (row,) = fairness_table(runs, qrels, LANGUAGES).to_dict("records")
    assert (row["topics"], row["own_language"], row["by_chance"]) == (3, 1.0, 0.5)
    shares = share_table(runs, qrels, LANGUAGES)
    found = shares.set_index(["first", "passages"])["share"]
    assert found[1, "sw"] == 1.0
    assert found[2, "sw"] == 0.75
    # Of q1's three first ones one is Swahili; q2 has only two with a language.
    assert found[3, "en"] == pytest.approx(2 / 5)
    assert set(shares["first"]) == {1, 2, 3}
    assert set(shares["collection"]) == {0.5}
    assert share_table({("m", "sw"): {}}, qrels, LANGUAGES).empty
