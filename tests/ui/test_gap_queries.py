"""The queries behind a gap: their values, changes, difficulty, and the scatter of them."""

import pandas as pd
import pytest

from optical_core.analysis.measurements import Comparison
from optical_core.ui.gaps.queries import (
    MOST_CHOICES,
    chosen_points,
    query_choices,
    query_points,
    with_texts,
)
from optical_core.ui.gaps.scatter import query_scatter
from tests.measured import measured

BEFORE = {"q1": 0.1, "q2": 0.5, "q3": 0.9}
AFTER = {"q1": 0.4, "q2": 0.4, "q3": 0.9}


@pytest.fixture
def points():
    results = measured({"base": {"so": BEFORE, "en": AFTER}, "new": {"so": AFTER, "en": AFTER}})
    return query_points(results, Comparison.of(results, baseline="base"), "new")


def test_the_most_changed_queries_come_first(points):
    assert list(points["query"])[:2] == ["q1", "q2"]
    assert list(points["change"])[:2] == ["gain", "loss"]
    assert set(points["change"][2:]) == {"same"}
    assert points["difference"][0] == pytest.approx(0.3)


def test_difficulty_is_a_query_s_third_over_all_models_and_languages(points):
    by_query = points.groupby("query")["difficulty"].unique()
    assert {q: list(found) for q, found in by_query.items()} == {
        "q1": ["hard"],
        "q2": ["middling"],
        "q3": ["easy"],
    }


def test_elsewhere_a_language_has_queries_of_its_own():
    results = measured({m: {"so": {"q1": 0.1}, "sw": {"q1": 0.9}} for m in "ab"}, parallel=False)
    table = query_points(results, Comparison.of(results), "b").set_index("language")
    assert table.loc["so", "difficulty"] != table.loc["sw", "difficulty"]


def test_filters_keep_what_they_name_and_empty_ones_all(points):
    assert len(chosen_points(points)) == 6
    assert set(chosen_points(points, languages=("so",))["language"]) == {"so"}
    assert list(chosen_points(points, changes=("loss",))["query"]) == ["q2"]
    both = chosen_points(points, changes=("gain", "loss"), difficulties=("hard",))
    assert list(both["query"]) == ["q1"]


def test_english_stands_beside_foreign_texts(points):
    table = with_texts(points, {"so": {"q1": "waa maxay"}, "en": {"q1": "what is"}})
    first = table[(table["query"] == "q1") & (table["language"] == "so")].iloc[0]
    assert (first["text"], first["english"]) == ("waa maxay", "what is")
    own = table[(table["query"] == "q1") & (table["language"] == "en")].iloc[0]
    assert (own["text"], own["english"]) == ("what is", "")


def test_queries_are_offered_in_words_the_most_changed_first_and_not_all_of_many(points):
    table = with_texts(points, {"so": {"q1": "waa maxay"}, "en": {"q1": "what is"}})
    value, text = query_choices(table)[0]
    assert value == ["q1", "so"]
    assert text == "Somali, q1 · waa maxay · what is · 0.100 → 0.400 (+0.300)"
    many = pd.concat([table] * MOST_CHOICES)
    assert len(query_choices(many)) == MOST_CHOICES


def test_the_scatter_has_a_marker_a_query_and_a_line_where_nothing_changes(points):
    figure = query_scatter(with_texts(points, {}), "base", "new", "AP", dark=False)
    assert [trace.name for trace in figure.data] == ["better (1)", "worse (1)", "the same (4)"]
    (better, *_) = figure.data
    assert (better.x[0], better.y[0]) == (0.1, 0.4)
    assert list(better.customdata[0]) == ["q1", "so"]
    line = figure.layout.shapes[0]
    assert (line.x0, line.x1) == (line.y0, line.y1)
    assert figure.layout.xaxis.title.text == "AP, base"
    none = query_scatter(with_texts(points[:0], {}), "base", "new", "AP", dark=False)
    assert none.layout.annotations[0].text
