"""The inspector page: its tables, and how languages go together."""

import pytest

from optical_core.analysis.measurements import Comparison
from optical_core.ui.inspector.figures import cell_style, correlation_figure
from optical_core.ui.inspector.view import extremes, mean_correlation, query_table
from tests.measured import two_models, values_of


def test_query_table_differences_extremes_and_correlation():
    results = two_models()
    comparison = Comparison(("student", "embedded"), ("en", "so"), "embedded")
    table = query_table(results, comparison, {"q1": "text"}, difference=True)
    expected = (
        values_of(results, "student", "so")["q1"] - values_of(results, "embedded", "so")["q1"]
    )
    assert table.loc["q1", "so"] == pytest.approx(expected)
    assert table.loc["q1", "text"] == "text"
    winners, losers = extremes(table, 3)
    assert len(winners) == 3
    assert winners["mean"].iloc[0] == table["mean"].max()
    assert (losers["mean"] < 0).all()
    levels = query_table(results, comparison, {}, difference=False)
    figure = correlation_figure(levels, ["en", "so"], dark=False)
    assert figure.data[0].z[0][0] == 1
    mean = mean_correlation(levels, ["en", "so"])
    assert mean == pytest.approx(figure.data[0].z[0][1], abs=1e-3)
    assert mean_correlation(levels, ["en"]) is None
    assert correlation_figure(levels, ["en"], dark=False).layout.annotations[0].text


def test_cells_are_shaded_by_value():
    assert cell_style(float("nan"), difference=True) == ""
    assert "47,134,222" in cell_style(0.5, difference=True)
    assert "217,131,36" in cell_style(-0.5, difference=True)
