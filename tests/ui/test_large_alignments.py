"""Long texts, small screens: what is drawn of an alignment is bounded, and says so."""

import numpy as np
import pytest

from optical_core.transport import TransportPlan
from optical_core.ui.alignment.figures import (
    MOST_CELLS,
    MOST_LINKS,
    left_out,
    plan_heatmap,
    plan_ribbons,
    shown_mass,
)
from optical_core.ui.links import LONGEST, links_figure


def square(size, *, blur=0.0):
    """A diagonal plan, some of its mass spread evenly."""
    mass = (1 - blur) * np.eye(size) / size + blur / size**2
    cost = np.random.default_rng(0).uniform(size=(size, size))
    names, numbers = tuple(f"w{i}" for i in range(size)), tuple(range(size))
    return TransportPlan(mass, cost, names, names, numbers, numbers)


ALL = {"row_normalised": False, "threshold": 0.0}


@pytest.mark.parametrize("blur", [0.0, 0.5, 1.0])
def test_a_heatmap_of_240_words_is_one_image_and_a_bounded_number_of_discs(blur):
    figure = plan_heatmap(square(240, blur=blur), dark=False)
    ground, discs = figure.data
    assert (ground.type, ground.z.shape) == ("heatmap", (240, 240))
    assert 240 <= len(discs.x) <= MOST_LINKS
    assert len(figure.to_json()) < 700_000
    assert figure.layout.height < 1_300


def test_ribbons_of_a_blurred_plan_are_the_heaviest():
    for size in (100, 240):
        assert len(plan_ribbons(square(size, blur=1.0), dark=True).layout.shapes) == MOST_LINKS
    shares = shown_mass(square(240, blur=0.5), **ALL)
    assert np.count_nonzero(np.diag(shares)) == 240
    assert np.count_nonzero(shown_mass(square(240, blur=0.2), **ALL)) == 240


def test_what_is_left_out_is_said():
    assert left_out(square(240), **ALL) == ""
    assert left_out(square(100, blur=1.0), **ALL) == (
        "Drawn: the 800 heaviest of 10,000 links, 8% of the mass. The files have all links."
    )
    assert "links, 0% of the mass" in left_out(
        square(9, blur=1.0), row_normalised=True, threshold=0.5
    )


def test_empty_cells_can_be_clicked_where_they_are_few():
    few, many = (int(MOST_CELLS**0.5) + more for more in (0, 1))
    assert len(plan_heatmap(square(few), dark=False).data[1].x) == few**2
    assert len(plan_heatmap(square(many), dark=False).data[1].x) == many


def test_the_browser_leaves_out_labels_for_which_there_is_no_room():
    figure = plan_heatmap(square(240), dark=False)
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert axis.type == "category"
        assert axis.tickvals is None
        assert axis.labelalias["239"] == "w239"


@pytest.mark.parametrize(
    ("left", "right"), [("w", "w" * 40), ("w" * 40, "w" * 40), ("医" * 9, "a")]
)
def test_labels_have_room_on_a_telephone(left, right):
    figure = links_figure([left], [right], [], dark=False, full_weight=1.0)
    begin, end = figure.layout.xaxis.range
    pixels = 334 / (end - begin)
    shown = {trace.x[0]: trace.text[0] for trace in figure.data if trace.mode == "markers+text"}
    for text, room in ((shown[0.0], -begin), (shown[1.0], end - 1)):
        width = sum(15 if letter > "\u2e80" else 7.6 for letter in text)
        assert width + 8 <= room * pixels
        assert len(text) <= LONGEST
