"""The table for a paper, to the letter."""

from optical_core.analysis.measurements import Comparison
from optical_core.analysis.paper import paper_table
from optical_core.analysis.tables import Tables
from tests.measured import measured, two_models


def test_the_best_is_bold_stars_mark_what_is_significant_and_groups_have_means():
    results = two_models()
    text = paper_table(Tables(results, Comparison.of(results, baseline="embedded")))
    lines = text.splitlines()
    assert lines[0].startswith("% AP on c; stars: paired randomisation test against embedded")
    assert lines[1:4] == [r"\begin{tabular}{lrr}", r"\toprule", r" & embedded & student \\"]
    assert text.count(r"\midrule") == 2  # above the high-resource languages, and between the groups
    somali = next(line for line in lines if line.startswith("Somali"))
    assert somali.endswith(r"$^{***}$ \\")
    assert somali.count(r"\textbf{") == 1
    assert somali.split(" & ")[1] == f"{results.columns['embedded', 'so', 'AP'].mean():.3f}"
    mean = next(line for line in lines if line.startswith("low-resource mean"))
    assert r"\textbf{" in mean
    assert not any(line.startswith("high-resource mean") for line in lines)  # English alone


def test_names_are_escaped_and_what_is_missing_is_a_dash():
    results = measured({"a_b": {"so": {"q1": 0.5}}, "c": {"yo": {"q1": 0.5}}})
    text = paper_table(Tables(results, Comparison.of(results)))
    assert r" & a\_b & c \\" in text
    assert r"Somali & \textbf{0.500} & -- \\" in text


def test_equal_values_are_both_the_best():
    results = measured({"a": {"so": {"q1": 0.50001}}, "b": {"so": {"q1": 0.50002}}})
    text = paper_table(Tables(results, Comparison.of(results)))
    assert r"Somali & \textbf{0.500} & \textbf{0.500} \\" in text
