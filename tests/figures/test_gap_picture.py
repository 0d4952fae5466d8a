"""The gap picture and the waterfall: what is drawn where."""

import re

import pandas as pd
import pytest

from optical_core.analysis.contributions import contribution_table
from optical_core.analysis.measurements import Comparison
from optical_core.analysis.tables import Tables
from optical_core.figures.gaps import gap_picture
from optical_core.figures.waterfall import gap_waterfall, waterfall_told
from tests.measured import measured, two_models


@pytest.fixture
def tables():
    results = two_models()
    return Tables(results, Comparison.of(results, baseline="embedded"))


def drawn(tables, **settings):
    parts = (tables.measures, tables.comparisons, tables.groups, tables.comparison)
    return gap_picture(*parts, dark=False, **settings)


def scatters(figure):
    return [trace for trace in figure.data if trace.type == "scatter"]


def test_rows_stand_in_bands_the_best_served_first_under_their_mean(tables):
    axis = drawn(tables).layout.yaxis
    names = [name.strip("</b>") for name in axis.ticktext]
    assert names[0] == "English"
    assert names[1] == "Low (mean)"
    levels = tables.measures.set_index(["model", "language"])["AP"]["embedded"]
    order = sorted(["so", "yo"], key=lambda code: -levels[code])
    assert names[2:] == [{"so": "Somali", "yo": "Yoruba"}[code] for code in order]
    assert axis.range[0] > axis.range[1]  # the first row is at the top


def test_an_arrow_leads_from_the_baseline_to_the_model_in_the_same_row(tables):
    figure = drawn(tables)
    named = {trace.name: trace for trace in figure.data if trace.name}
    assert list(named) == ["embedded", "student"]
    before, after = named["embedded"], named["student"]
    assert list(before.y) == list(after.y)
    shaft = next(t for t in scatters(figure) if t.mode == "lines" and t.line.width == 3)
    assert list(shaft.x[:3]) == [before.x[0], after.x[0], None]
    for symbol, start, end in zip(after.marker.symbol, before.x, after.x, strict=True):
        assert symbol == f"triangle-{'right' if end >= start else 'left'}"


def test_stars_and_filled_markers_tell_what_is_significant(tables):
    figure = drawn(tables)
    (text,) = (trace for trace in scatters(figure) if trace.mode == "text")
    (marks,) = (t for t in scatters(figure) if t.mode == "markers" and t.xaxis == "x2")
    assert list(text.text) == ["", "***", "***", "***"]
    assert [str(symbol) for symbol in marks.marker.symbol] == ["circle-open", *["circle"] * 3]
    assert list(text.y) == list(marks.y)


def test_a_click_anywhere_in_a_row_meets_it_and_the_chosen_row_is_marked(tables):
    figure = drawn(tables, chosen="so")
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [bar.xaxis for bar in bars] == ["x", "x2"]
    for bar, axis in zip(bars, (figure.layout.xaxis, figure.layout.xaxis2), strict=True):
        assert bar.base[0] == axis.range[0]
        assert bar.base[0] + bar.x[0] == pytest.approx(axis.range[1])
        assert [code for code, _ in bar.customdata][:2] == ["en", "low-resource"]
        clear = [colour.endswith(",0)") for colour in bar.marker.color]
        assert clear == [code != "so" for code, _ in bar.customdata]


def test_several_models_have_a_lane_each(tables):
    results = two_models()
    third = results.table[results.table["model"] == "student"].assign(model="third")
    joined = type(results)(pd.concat([results.table, third]), "c", True)
    figure = drawn(Tables(joined, Comparison.of(joined, baseline="embedded")))
    named = {trace.name: trace for trace in figure.data if trace.name}
    assert all(a < b for a, b in zip(named["student"].y, named["third"].y, strict=True))
    assert len(named["embedded"].y) == 2 * len(named["student"].y)


def test_nothing_to_show_is_a_sentence():
    empty = pd.DataFrame()
    figure = gap_picture(empty, empty, empty, Comparison(("a",), ("so",), "a"), dark=False)
    assert "Nothing to show" in figure.layout.annotations[0].text


def test_the_waterfall_goes_from_nothing_over_one_gap_to_the_other(tables):
    figure = gap_waterfall(tables.contributions, "student", "AP", dark=False)
    (bars,) = figure.data
    labels = [label.strip("</b>") for label in figure.layout.yaxis.ticktext]
    totals = [label for label in labels if label.startswith("gap")]
    assert totals == ["gap, embedded", "gap, student"]
    gaps = tables.gaps.set_index("model")["gap"]
    for label, model in zip(totals, ("embedded", "student"), strict=True):
        place = labels.index(label)
        assert (bars.base[place], bars.x[place]) == (0, pytest.approx(gaps[model]))
    ends = [base + x for base, x in zip(bars.base, bars.x, strict=True)]
    # Each step begins where the one above it ends.
    steps = [at for at, label in enumerate(labels) if label not in totals]
    assert bars.base[0] == 0
    assert all(bars.base[at] == pytest.approx(ends[at - 1]) for at in steps[1:])


def test_without_a_parallel_collection_the_waterfall_has_the_changes_alone():
    levels = {"a": {"en": {"q1": 0.5}, "so": {"q2": 0.2}}}
    results = measured(levels | {"b": {"en": {"q1": 0.5}, "so": {"q2": 0.4}}}, parallel=False)
    table = contribution_table(results, Comparison.of(results))
    figure = gap_waterfall(table, "b", "AP", dark=True)
    assert list(figure.layout.yaxis.ticktext) == ["Somali", "English", "<b>change, b</b>"]
    assert figure.data[0].x[2] == pytest.approx(-0.2)
    assert "second model" in gap_waterfall(table, "c", "AP", dark=True).layout.annotations[0].text
    told = "Somali -0.200, English +0.000: change, b -0.200."
    assert waterfall_told(table, "b") == told
    assert waterfall_told(table, "c") == ""


def test_the_waterfall_is_said_in_words_with_all_its_values(tables):
    contributions = contribution_table(tables.measurements, tables.comparison)
    told = waterfall_told(contributions, "student")
    (bars,) = gap_waterfall(contributions, "student", "AP", dark=False).data
    assert re.findall(r"[+-]?\d\.\d{3}", told) == list(bars.text)
    assert ": gap, embedded 0." in told
    assert ": gap, student 0." in told
