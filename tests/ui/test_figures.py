"""Figures as data: what is drawn, not how it looks."""

from itertools import pairwise

import numpy as np
import pytest

from optical_core.models.tokens import Token
from optical_core.retrieval.explain import TokenMatch
from optical_core.transport import TransportPlan
from optical_core.ui.alignment.figures import (
    plan_heatmap,
    plan_ribbons,
    shown_mass,
    word_chips,
)
from optical_core.ui.search.figures import match_figure
from optical_core.ui.search.view import explained
from optical_core.ui.token_html import contribution_chips, heat_strip, plain


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


def test_ribbons_are_stacked_at_both_ends(plan):
    ends = {"left": [], "right": []}
    for shape in ribbons(plan_ribbons(plan, dark=False)):
        y = [float(part.split(",")[1]) for part in shape.path.split() if "," in part]
        ends["left"].append((y[0], y[-1]))
        ends["right"].append((y[3], y[4]))
    for side in ends.values():
        side.sort()
        assert all(after[0] >= before[1] - 1e-3 for before, after in pairwise(side))
        assert sum(high - low for low, high in side) == pytest.approx(
            sum(high - low for low, high in ends["left"]), abs=1e-3
        )


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
