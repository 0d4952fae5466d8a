"""Pictures that app and report share: what is drawn, not how it looks."""

import pandas as pd
import pytest

from optical_core.analysis.measurements import Comparison
from optical_core.analysis.tables import comparison_table, measure_table
from optical_core.figures.labels import label_places
from optical_core.figures.levels import differences, level_dots
from optical_core.figures.theme import cost_scale, figure, model_colours, value_scale
from tests.measured import two_models


@pytest.fixture
def results():
    return two_models()


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


def test_differences_take_either_correction(results, comparison):
    table = comparison_table(results, comparison, correction="fdr_bh")
    figure = differences(table, "AP", dark=False)
    _, shown = (trace for trace in figure.data if trace.name == "student")
    assert "Benjamini-Hochberg" in shown.hovertemplate
    assert [float(entry[1].split()[1]) for entry in shown.customdata] == pytest.approx(
        list(table["p_fdr_bh"]), abs=1e-4
    )


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


@pytest.mark.parametrize("dark", [False, True])
def test_an_axis_has_the_common_look_beside_settings_of_its_own(dark):
    plain = figure(dark=dark, height=100).layout
    own = figure(dark=dark, height=100, y={"title_text": "MAP", "automargin": False}).layout
    assert (own.yaxis.title.text, own.yaxis.automargin) == ("MAP", False)
    assert own.yaxis.title.standoff == plain.yaxis.title.standoff == 10
    assert own.yaxis.gridcolor == plain.yaxis.gridcolor == plain.xaxis.gridcolor
    assert plain.yaxis.automargin
