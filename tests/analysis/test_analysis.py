import json

import numpy as np
import pandas as pd
import pytest
import pytrec_eval

from optical_core.analysis.export import latex, markdown, write_table
from optical_core.analysis.gaps import language_gaps
from optical_core.analysis.measurements import Comparison
from optical_core.analysis.metrics import MEASURES, mean_measures, per_query_measures
from optical_core.analysis.significance import bootstrap_interval, paired_tests
from optical_core.analysis.tables import comparison_table, gap_table, measure_table
from optical_core.data.trec import read_run, write_run
from tests.measured import measured


def random_case(seed, queries=8, passages=60):
    generator = np.random.default_rng(seed)
    run = {
        f"q{q}": {f"d{d}": float(generator.integers(0, 20)) for d in range(passages)}
        for q in range(queries)
    }
    qrels = {
        f"q{q}": {f"d{d}": int(generator.integers(0, 3)) for d in generator.permutation(70)[:12]}
        for q in range(queries + 1)
    }
    return run, {q: {**grades, "d0": 1} for q, grades in qrels.items()}


def test_measures_are_trec_evals_with_ties_and_with_a_query_that_the_run_misses(tmp_path):
    run, qrels = random_case(0)
    expected = pytrec_eval.RelevanceEvaluator(
        qrels, {"map", "ndcg_cut.10", "recall.100", "P.10", "recip_rank", "map_cut.100,10"}
    )
    # The run goes through its file, as a user's trec_eval would read it.
    write_run(tmp_path / "x.run", run, name="x")
    reference = expected.evaluate(read_run(tmp_path / "x.run"))
    found = per_query_measures(run, qrels)
    keys = ("map", "ndcg_cut_10", "recall_100", "P_10", "recip_rank", "map_cut_100", "map_cut_10")
    for measure, key in zip(MEASURES[:-1], keys, strict=True):
        assert found[measure]["q8"] == 0
        for query, values in reference.items():
            assert found[measure][query] == pytest.approx(values[key], abs=1e-12)
        mean = sum(values[key] for values in reference.values()) / 9
        assert mean_measures(run, qrels)[measure] == pytest.approx(mean)


@pytest.mark.parametrize("lowest", [-1, -2, -3, -10_000])
def test_negative_grades_are_not_relevant_also_where_a_topic_has_no_others(lowest):
    # trec_eval crashes on a topic whose largest grade is -2, and reads the topic before for -1.
    run, qrels = random_case(2, queries=40, passages=20)
    for number, grades in enumerate(qrels.values()):
        grades |= dict.fromkeys(list(grades)[number % 2 * 4 :], lowest)
    plain = {q: {p: max(g, 0) for p, g in grades.items()} for q, grades in qrels.items()}
    names = (*MEASURES, "Rprec", "Success@5", "nDCG")
    assert per_query_measures(run, qrels, names) == per_query_measures(run, plain, names)
    assert per_query_measures(run, {"q1": {}})["AP"] == {"q1": 0.0}


def test_an_empty_run_counts_as_zero():
    _, qrels = random_case(1)
    assert mean_measures({}, qrels) == dict.fromkeys(MEASURES, 0.0)
    assert mean_measures({}, {}) == dict.fromkeys(MEASURES, 0.0)


def test_a_query_that_is_not_judged_counts_for_nothing():
    found = per_query_measures({"q1": {"d1": 1.0}, "q2": {"d1": 1.0}}, {"q1": {"d1": 1}})
    assert found == {m: {"q1": 0.1 if m == "P@10" else 1.0} for m in MEASURES}


@pytest.mark.slow
def test_the_randomisation_test_is_exact_on_a_small_case():
    # All five differences positive: 2 of the 2^5 sign patterns are as extreme.
    found = paired_tests({"x": [0.1, 0.2, 0.3, 0.4, 0.5]})["x"]
    assert found.p_randomisation == pytest.approx(2 / 32)
    assert found.mean == pytest.approx(0.3)
    assert found.low <= found.mean <= found.high


def test_holm_corrects_the_family_and_identical_systems_are_never_significant():
    generator = np.random.default_rng(0)
    family = {
        "better": 0.1 + 0.02 * generator.random(80),
        "same": np.zeros(80),
        "noise": 0.1 * generator.standard_normal(80),
    }
    better, same, noise = paired_tests(family).values()
    assert better.significant
    assert better.p_corrected == pytest.approx(3 * better.p_randomisation)
    assert same.p_corrected == same.p_randomisation == 1
    assert (same.low, same.mean, same.high, same.effect) == (0, 0, 0, 0)
    assert not noise.significant
    assert paired_tests(family) == paired_tests(family)


def test_the_bootstrap_interval_covers_the_mean_and_narrows():
    values = np.random.default_rng(1).random(400)
    few, many = bootstrap_interval(values[:25]), bootstrap_interval(values)
    assert few[0] < values[:25].mean() < few[1]
    assert many[1] - many[0] < few[1] - few[0]
    assert bootstrap_interval([0.5, 0.5]) == (0.5, 0.5)


GAP = {
    "en": {"1": 0.9, "2": 0.8, "3": 0.7},
    "de": {"1": 0.7, "2": 0.8, "3": 0.6},
    "so": {"1": 0.4, "2": 0.5, "3": 0.3},
}


def gaps(values, *, parallel=True):
    measurements = measured({"m": values}, parallel=parallel)
    return language_gaps(measurements, Comparison.of(measurements))


def test_a_gap_is_the_difference_of_group_means():
    (gap,) = gaps(GAP)
    assert gap.high == pytest.approx(0.75)
    assert gap.low == pytest.approx(0.4)
    assert gap.absolute == pytest.approx(0.35)
    assert gap.relative == pytest.approx(0.35 / 0.75)
    assert (gap.worst, gap.worst_value) == ("so", pytest.approx(0.4))
    assert gap.interval[0] <= gap.absolute <= gap.interval[1]
    assert -1 <= gap.rank_correlation <= 1


def test_paired_topics_give_a_narrower_interval_than_independent_ones():
    generator = np.random.default_rng(2)
    hard = generator.random(100)
    values = {
        code: {str(i): float(h + shift) for i, h in enumerate(hard)}
        for code, shift in (("en", 0.3), ("so", 0.0))
    }
    (paired,), (apart,) = gaps(values), gaps(values, parallel=False)
    assert paired.interval[1] - paired.interval[0] < 0.01 < apart.interval[1] - apart.interval[0]
    assert apart.rank_correlation is None


def test_without_both_groups_there_is_no_gap():
    assert gaps({"en": {"1": 1.0}}) == []


RESULTS = measured(
    {
        model: {
            code: {name: {q: v * factor for q, v in values.items()} for name in MEASURES}
            for code, values in GAP.items()
        }
        for model, factor in (("embedded", 1.0), ("bm25_x", 0.5))
    }
)


def test_tables_have_a_row_for_each_model_and_language(tmp_path):
    comparison = Comparison.of(RESULTS)
    measures = measure_table(RESULTS, comparison)
    assert len(measures) == 6
    assert measures.query("model == 'embedded' and language == 'so'")["AP"].item() == pytest.approx(
        0.4
    )
    assert list(gap_table(RESULTS, comparison)["gap"]) == pytest.approx([0.35, 0.175])
    compared = comparison_table(RESULTS, comparison)
    assert set(compared["language"]) == {"en", "de", "so"}
    assert (compared["difference"] < 0).all()
    write_table(measures, tmp_path, "measures")
    assert pd.read_csv(tmp_path / "measures.csv").shape == measures.shape
    assert len(json.loads((tmp_path / "measures.json").read_text())) == 6
    assert (tmp_path / "measures.md").read_text().count("\n") == 8
    assert r"bm25\_x" in (tmp_path / "measures.tex").read_text()


def test_exports_escape_what_would_break_them():
    table = pd.DataFrame([{"model": "a|b & 100% {x}_1", "AP": "0.5"}])
    assert r"a\|b" in markdown(table)
    assert r"a|b \& 100\% \{x\}\_1" in latex(table)
