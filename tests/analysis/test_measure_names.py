"""Measures of one's own choice: their names, and their values."""

import ir_measures
import numpy as np
import pytest

from optical_core.analysis import metrics
from optical_core.analysis.measure_names import (
    check_depth,
    measure_names,
    needed_depth,
)
from optical_core.analysis.metrics import MEASURES, per_query_measures
from optical_core.errors import InputError
from optical_core.wording import split_names

RUN = {"q1": {"a": 3.0, "b": 2.0, "c": 1.0}, "q2": {"a": 1.0, "b": 1.0}, "q3": {}}
QRELS = {"q1": {"a": 1, "c": 2, "x": 0}, "q2": {"b": 0}, "q3": {"a": 1}}


def test_names_are_given_in_one_form_and_once():
    assert split_names(" nDCG@20,SetF(beta=2.0,rel=2), MAP,") == [
        "nDCG@20",
        "SetF(beta=2.0,rel=2)",
        "MAP",
    ]
    assert measure_names(["MAP", "AP", "nDCG@20", "MRR@10"]) == ("AP", "nDCG@20", "RR@10")
    assert needed_depth(["AP", "nDCG@20", "R@2000"]) == 2000


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("ndcg@10", "there is no measure 'ndcg': did you mean nDCG?"),
        ("Jugded@10", "did you mean Judged?"),
        ("model", "did you mean AP, nDCG@10, R@100, RR or Judged@10?"),
        ("nDCG@", "'nDCG@' is no name of a measure"),
        ("", "'' is no name of a measure"),
        ("x.y", "is no name of a measure"),
        ("(" * 3000, "is no name of a measure"),
        ("P", "it needs a cutoff"),
        ("AP(relevant=2)", "has no setting 'relevant'; it has cutoff, judged_only and rel"),
        ("AP(rel='two')", "invalid param rel='two'"),
        # trec_eval ends the process here.
        ("nDCG@0", "cutoff must be from 1 to 1,000,000"),
        ("P@99999999999", "cutoff must be from 1 to 1,000,000"),
        ("AP(rel=0)", "rel must be from 1"),
        ("RBP(p=2.0)", "p must be from 0 to 1"),
        ("NumQ", "has no mean over queries"),
        ("RBP@10", "can't be computed with these settings"),
    ],
)
def test_a_name_that_is_none_gets_one_sentence(name, sentence):
    with pytest.raises(InputError, match=r"^[^\n]+$") as error:
        measure_names([name])
    assert sentence in str(error.value)


def test_a_measure_of_a_package_that_is_missing_names_the_package(monkeypatch):
    provider = metrics.registry["cwl_eval"]
    monkeypatch.setattr(provider, "_is_available", False)
    with pytest.raises(InputError, match=r'pip install "optical-workbench\[measures\]"'):
        measure_names(["INST(max_rel=3)"])


def test_a_measure_that_looks_deeper_than_the_run_is_refused():
    check_depth(["AP", "R@1000"], 1000)
    with pytest.raises(InputError, match="R@1000 needs a depth of at least 1,000, got 999"):
        check_depth(["AP", "R@1000"], 999)


def test_values_are_those_of_the_definitions():
    found = per_query_measures(RUN, QRELS, ["Judged@2", "Judged@10", "AP(rel=2)", "Success@1"])
    # Both passages of q2 have the same score: b comes first, as in trec_eval.
    assert found["Judged@2"] == {"q1": 1 / 2, "q2": 1 / 2, "q3": 0}
    assert found["Judged@10"] == {"q1": 2 / 3, "q2": 1 / 2, "q3": 0}
    assert found["AP(rel=2)"] == {"q1": pytest.approx(1 / 3), "q2": 0, "q3": 0}
    assert found["Success@1"] == {"q1": 1, "q2": 0, "q3": 0}
    tied = per_query_measures(RUN, QRELS, ["Judged@1"])
    assert tied["Judged@1"] == {"q1": 1, "q2": 1, "q3": 0}


def test_the_judged_share_is_that_of_ir_measures():
    generator = np.random.default_rng(0)
    run, qrels = {}, {}
    for query in map(str, range(50)):
        passages = [
            f"p{number}" for number in generator.permutation(30)[: generator.integers(1, 30)]
        ]
        scores = generator.permutation(len(passages)).tolist()
        run[query] = dict(zip(passages, map(float, scores), strict=True))
        qrels[query] = {f"p{number}": 0 for number in generator.choice(40, 8, replace=False)}
    measure = ir_measures.Judged @ 7
    theirs = {found.query_id: found.value for found in measure.iter_calc(qrels, run)}
    assert per_query_measures(run, qrels, ["Judged@7"])["Judged@7"] == theirs


def test_rank_biased_precision_counts_grades_from_one_on():
    pytest.importorskip("cwl")
    (name,) = measure_names(["RBP(p=.5)"])
    assert name == "RBP(p=0.5,rel=1)"
    # 0.5 x (1 + 0.5^2): the relevant passages are at ranks 1 and 3.
    assert per_query_measures(RUN, QRELS, [name])[name]["q1"] == pytest.approx(0.625)


def test_a_provider_that_fails_gets_one_sentence(monkeypatch):
    def fail(*arguments):
        raise OSError("no perl here")

    monkeypatch.setattr(metrics.ir_measures, "iter_calc", fail)
    with pytest.raises(InputError, match="ERR@20 can't be computed of these rankings: no perl"):
        per_query_measures(RUN, QRELS, ["ERR@20"])


def test_every_name_has_the_value_that_ir_measures_gives():
    """Whichever way it is computed."""
    generator = np.random.default_rng(3)
    names = [f"d{number}" for number in range(60)]
    run = {
        f"q{n}": dict(zip(names, generator.normal(size=60).tolist(), strict=True)) for n in range(9)
    }
    qrels = {
        query: {names[place]: int(generator.integers(0, 4)) for place in generator.choice(60, 15)}
        for query in run
    }
    asked = (
        *MEASURES,
        "AP@7",
        "P@3",
        "nDCG",
        "nDCG@20",
        "AP(rel=2)",
        "R(rel=2)@10",
        "RR@5",
        "Bpref",
    )
    values = per_query_measures(run, qrels, asked)
    for metric in ir_measures.iter_calc(map(ir_measures.parse_measure, asked), qrels, run):
        assert values[str(metric.measure)][metric.query_id] == pytest.approx(metric.value, abs=1e-9)
    assert {name: len(by_query) for name, by_query in values.items()} == dict.fromkeys(asked, 9)
