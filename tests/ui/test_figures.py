"""Figures as data: what is drawn, not how it looks."""

import numpy as np
import pandas as pd
import pytest

from optical_core.analysis.measurements import Comparison
from optical_core.analysis.predictors import correlation_table, language_values
from optical_core.analysis.tables import comparison_table, measure_table
from optical_core.figures.labels import label_places
from optical_core.figures.levels import differences, level_dots
from optical_core.figures.theme import cost_scale, model_colours, value_scale
from optical_core.models.tokens import Token
from optical_core.retrieval.explain import TokenMatch
from optical_core.transport import TransportPlan
from optical_core.transport.convergence import ConvergencePoint
from optical_core.ui.alignment.figures import (
    convergence_figure,
    plan_heatmap,
    plan_ribbons,
    shown_mass,
    word_chips,
)
from optical_core.ui.gaps.figures import predictor_panels, resource_scatter
from optical_core.ui.inspector.figures import cell_style, correlation_figure
from optical_core.ui.inspector.view import (
    extremes,
    mean_correlation,
    query_table,
)
from optical_core.ui.search.figures import match_figure
from optical_core.ui.search.view import explained
from optical_core.ui.token_html import contribution_chips, heat_strip, plain
from tests.measured import measured, values_of


@pytest.fixture
def plan():
    mass = np.array([[0.25, 0.0, 0.0], [0.0, 0.2, 0.05], [0.0, 0.05, 0.2], [0.0, 0.0, 0.25]])
    cost = np.array([[0.1, 1.0, 1.0], [1.0, 0.2, 0.9], [1.0, 0.5, 0.3], [1.0, 1.0, 0.4]])
    report = {"method": "exact", "marginal_error": 0.0}
    return TransportPlan(
        mass,
        cost,
        ("na", "maji", "na", "<b>"),
        ("and", "wat", "er"),
        (0, 1, 2, 3),
        (0, 1, 1),
        report,
    )


def ribbons(figure):
    return list(figure.layout.shapes)


def thickness(shape):
    """Height of a ribbon at its left end: the path begins and ends there."""
    numbers = [float(part.split(",")[1]) for part in shape.path.split() if "," in part]
    return numbers[-1] - numbers[0]


def hovers(figure):
    """What a ribbon tells, in the order of the ribbons."""
    return list(dict.fromkeys(figure.data[0].text))


def test_ribbons_are_the_plan_s_mass(plan):
    figure = plan_ribbons(plan, dark=False)
    assert len(ribbons(figure)) == int((plan.plan > 0).sum())
    labels = [list(trace.text) for trace in figure.data if trace.mode == "markers+text"]
    assert labels == [["na", "maji", "na", "&lt;b&gt;"], ["and", "wat", "er"]]


def test_a_ribbon_is_as_thick_as_its_mass_and_tells_about_it(plan):
    figure = plan_ribbons(plan, dark=False)
    heights = {
        text.split("<br>")[1]: thickness(shape)
        for text, shape in zip(hovers(figure), ribbons(figure), strict=True)
    }
    assert heights["mass 0.250, cost 0.100"] == pytest.approx(
        5 * heights["mass 0.050, cost 0.900"], rel=1e-3
    )


def test_a_pinned_token_keeps_its_ribbons_and_fades_the_others(plan):
    figure = plan_ribbons(plan, dark=False, pinned=("right", 2))
    clear = [
        text
        for text, shape in zip(hovers(figure), ribbons(figure), strict=True)
        if shape.opacity > 0.5
    ]
    assert len(clear) == 3
    assert all("→ er" in text for text in clear)


def test_ribbons_of_no_tokens_say_so():
    empty = TransportPlan(np.zeros((0, 0)), np.zeros((0, 0)), (), (), (), ())
    assert plan_ribbons(empty, dark=True).layout.annotations[0].text


def test_colours_mean_the_same_cost_in_every_picture(plan):
    dearer = TransportPlan(
        plan.plan, plan.cost + 0.3, plan.source, plan.target, plan.source_words, plan.target_words
    )
    first = {shape.fillcolor for shape in ribbons(plan_ribbons(plan, dark=False))}
    assert first != {shape.fillcolor for shape in ribbons(plan_ribbons(dearer, dark=False))}


def test_heatmap_keeps_repeated_tokens_apart_and_every_cell_clickable(plan):
    figure = plan_heatmap(plan, dark=False, gold=[(0, 0)])
    assert list(figure.layout.yaxis.labelalias.values()) == ["na", "maji", "na", "&lt;b&gt;"]
    assert list(figure.layout.xaxis.categoryarray) == ["0", "1", "2"]
    cells = figure.data[1]
    assert len(cells.x) == 12
    assert [tuple(pair) for pair in cells.customdata[:3]] == [(0, 0), (0, 1), (0, 2)]
    drawn = np.array(cells.marker.opacity).reshape(4, 3) > 0
    np.testing.assert_array_equal(drawn, plan.plan > 0)
    assert figure.data[2].name == "gold"


def test_row_normalised_and_thresholded_masses(plan):
    rows = shown_mass(plan, row_normalised=True, threshold=0.3)
    np.testing.assert_allclose(rows[1], [0, 0.8, 0])
    assert shown_mass(plan, row_normalised=False, threshold=0.0).max() == pytest.approx(1.0)


def test_convergence_draws_error_and_cost():
    figure = convergence_figure(
        [ConvergencePoint(10, 0.1, 0.5), ConvergencePoint(20, 0, 0.4)], dark=False
    )
    assert list(figure.data[1].y) == [0.5, 0.4]
    assert min(figure.data[0].y) > 0  # the axis is logarithmic
    assert convergence_figure([], dark=False).layout.annotations[0].text


def values(low, high, count=30):
    generator = np.random.default_rng(0)

    def topics(mean):
        return {f"q{i}": float(v) for i, v in enumerate(generator.normal(mean, 0.05, count))}

    return {"en": topics(high), "so": topics(low), "yo": topics(low)}


@pytest.fixture
def results():
    return measured({"embedded": values(0.3, 0.6), "student": values(0.5, 0.6)})


@pytest.fixture
def comparison(results):
    return Comparison.of(results)


def test_level_dots_has_a_row_a_language_sorted_by_spread(results, comparison):
    figure = level_dots(measure_table(results, comparison), "AP", dark=False)
    assert figure.layout.yaxis.ticktext[0] == "English"
    named = {trace.name: trace for trace in figure.data if trace.name}
    assert set(named) == {"embedded", "student"}
    assert named["embedded"].marker.symbol != named["student"].marker.symbol
    assert all(length >= 0 for length in named["student"].error_x.array)
    # Nothing but the models' own traces: a model that is hidden leaves no bar.
    assert len(figure.data) == 2
    assert not figure.layout.shapes


def test_differences_are_hollow_where_not_significant(results, comparison):
    figure = differences(comparison_table(results, comparison), "AP", dark=False)
    listed, trace = (trace for trace in figure.data if trace.name == "student")
    # The legend's marker is filled, and hides the others with it.
    assert (listed.marker.symbol, listed.showlegend, trace.showlegend) == ("diamond", None, False)
    assert listed.legendgroup == trace.legendgroup
    hollow = [str(symbol).endswith("-open") for symbol in trace.marker.symbol]
    languages = [entry[0] for entry in trace.customdata]
    assert dict(zip(languages, hollow, strict=True)) == {
        "English": True,
        "Somali": False,
        "Yoruba": False,
    }
    assert differences(pd.DataFrame(), "AP", dark=False).layout.annotations[0].text


def test_resources_leave_out_languages_that_cc100_lacks(results, comparison):
    figure = resource_scatter(measure_table(results, comparison), "AP", dark=False)
    assert set(figure.data[0].customdata) == {"Somali", "English"}


def test_differences_take_either_correction(results, comparison):
    table = comparison_table(results, comparison, correction="fdr_bh")
    figure = differences(table, "AP", dark=False)
    _, shown = (trace for trace in figure.data if trace.name == "student")
    assert "Benjamini-Hochberg" in shown.hovertemplate
    assert [float(entry[1].split()[1]) for entry in shown.customdata] == pytest.approx(
        list(table["p_fdr_bh"]), abs=1e-4
    )


def test_predictors_have_a_panel_each_and_constant_ones_none(results, comparison):
    known = {("student", "so"): {"transport": 0.5}, ("student", "yo"): {"transport": 0.6}}
    values = language_values(results, comparison, known)
    panels = predictor_panels(values, correlation_table(values), "AP", dark=False)
    # Somali and Yoruba are both written in Latin letters, Yoruba isn't in CC-100.
    ((name, figure),) = panels.items()
    assert name == "transport"
    assert figure.layout.xaxis.title.text == "transport cost to English"
    assert {trace.name: list(trace.x) for trace in figure.data} == {"student": [0.5, 0.6]}
    assert list(figure.data[0].text) == ["so", "yo"]
    alone = values[values["language"] == "so"]
    assert predictor_panels(alone, pd.DataFrame(), "AP", dark=False) == {}


def test_models_of_one_script_stand_beside_each_other_and_tell_the_script():
    topics = {"q1": 0.2, "q2": 0.4}
    results = measured({m: {"so": topics, "mr": topics} for m in ("one", "two")})
    values = language_values(results, Comparison.of(results))
    figure = predictor_panels(values, pd.DataFrame(), "AP", dark=False)["latin"]
    first, second = (list(trace.x) for trace in figure.data)
    assert [round(x) for x in first] == [round(x) for x in second] == [1, 0]
    assert set(first).isdisjoint(second)
    assert [told for _, told in figure.data[0].customdata] == [
        "Latin script, as English: yes",
        "Latin script, as English: no",
    ]


def test_labels_of_near_sizes_do_not_cover_each_other():
    codes = ["fr", "de"]
    table = pd.DataFrame({"model": "bm25", "language": codes, "AP": [0.15, 0.16]})
    (trace,) = resource_scatter(table, "AP", dark=False).data
    assert list(trace.text) == codes
    near = pd.DataFrame({"model": "bm25", "language": ["en", "fr", "de"], "AP": [0.9, 0.15, 0.16]})
    (trace,) = resource_scatter(near, "AP", dark=False).data
    assert len(set(trace.textposition[:2])) == 2


def test_labels_of_neighbours_go_to_other_sides_and_away_where_there_is_no_room():
    assert label_places([(0.5, 0.5)]) == ["top center"]
    apart = label_places([(0.2, 0.5), (0.8, 0.5)])
    assert apart == ["top center", "top center"]
    beside = label_places([(0.5, 0.5), (0.55, 0.5)])
    assert len(set(beside)) == 2
    assert None not in beside
    assert label_places([(0.5, 0.5)], [(0.5, 0.57)]) == ["bottom center"]
    # Beside the axis the left is no place, and on the right is another marker.
    assert label_places([(0.06, 0.5)], [(0.08, 0.5), (0.06, 0.58), (0.06, 0.42)]) == [None]
    crowd = label_places([(0.5 + 0.005 * n, 0.5) for n in range(8)])
    assert None in crowd


def test_the_undistilled_encoder_has_one_colour_everywhere():
    assert model_colours(["a", "embedded"])["embedded"] == model_colours(["embedded"])["embedded"]
    assert len(set(model_colours(["embedded", "bm25", "a", "b", "c"]).values())) == 5


def test_query_table_differences_extremes_and_correlation(results):
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


def token(piece, start, end):
    return Token(piece, 0, start, end, "text", True)


@pytest.fixture
def matches():
    sea, other = token("sea", 0, 3), token("sea", 9, 12)
    return [
        TokenMatch(token("ba", 0, 2), other, 0.5),
        TokenMatch(token("hari", 2, 6), other, 0.25),
        TokenMatch(token("?", 6, 7), sea, 0.1),
    ]


def test_an_explanation_adds_up_and_keeps_equal_words_apart(matches):
    found = explained(matches)
    assert found.total == pytest.approx(0.85)
    assert found.targets == ("sea", "sea")
    assert found.links == (1, 1, 0)
    assert found.spans == {(9, 12): 0.75, (0, 3): 0.1}
    assert len(ribbons(match_figure(found, dark=False))) == 3


def test_heat_strip_marks_spans_and_escapes_the_rest(matches):
    shown = heat_strip("sea <x> &sea", explained(matches).spans)
    assert shown.count("<mark") == 2
    assert "&lt;x&gt; &amp;" in shown


@pytest.mark.parametrize("nasty", ["<script>x</script>", "<img src=x onerror=y>", "\u202e", "\x07"])
def test_no_markup_or_override_of_a_text_reaches_the_page(nasty, plan):
    for shown in (
        plain(nasty),
        contribution_chips([nasty], [0.5]),
        heat_strip(nasty, {(0, 3): 1.0}),
        word_chips(
            TransportPlan(plan.plan[:1, :1], plan.cost[:1, :1], (nasty,), (nasty,), (0,), (0,))
        ),
    ):
        assert nasty not in shown
        assert "<script" not in shown
        assert "<img" not in shown


def test_joiners_of_indic_scripts_stay():
    assert "क्\u200dष" in plain("क्\u200dष")


def test_word_chips_show_where_the_mass_goes(plan):
    shown = word_chips(plan.words())
    assert "maji" in shown
    assert "water" in shown
    assert "100%" in shown


@pytest.mark.parametrize("scale", [cost_scale, value_scale])
def test_a_scale_begins_or_ends_with_the_ground_of_its_theme(scale):
    def brightness(colour):
        return sum(int(colour[at : at + 2], 16) for at in (1, 3, 5))

    for dark in (False, True):
        places, colours = zip(*scale(dark), strict=True)
        assert (places[0], places[-1]) == (0.0, 1.0)
        light = [brightness(colour) for colour in colours]
        assert light == sorted(light) or light == sorted(light, reverse=True)
        ground = light[-1] if scale is cost_scale else light[0]
        assert ground < 150 if dark else ground > 700
