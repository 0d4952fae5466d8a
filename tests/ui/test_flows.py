"""What the browser is given of a plan: bands, ribbons, one scale of colours, words for it all."""

import numpy as np
import pytest

from optical_core.transport import TransportPlan
from optical_core.ui.alignment.flows import (
    LEAST_SPREAD,
    change_flow,
    change_text,
    cost_range,
    flow_data,
    plan_flow,
    plan_text,
)
from optical_core.ui.browser import source


def plan(mass, cost=None, *, words=(0, 1, 1)):
    mass = np.array(mass, float)
    cost = np.full(mass.shape, 0.5) if cost is None else np.array(cost, float)
    names = tuple("abc"), tuple("xyz")[: mass.shape[1]]
    return TransportPlan(mass, cost, *names, words, tuple(range(mass.shape[1])))


SHARP = np.eye(3) / 3


def test_a_word_s_band_is_the_mass_of_its_tokens_and_ribbons_fill_it():
    flow = plan_flow(plan(SHARP), "word")
    assert flow.source == ("a", "bc")
    np.testing.assert_allclose(flow.source_mass, [1 / 3, 2 / 3])
    np.testing.assert_allclose(flow.mass.sum(1), flow.source_mass)
    np.testing.assert_allclose(flow.mass.sum(0), flow.target_mass)


def test_mass_that_stays_behind_leaves_a_band_unfilled():
    flow = plan_flow(plan(SHARP * 0.6), "token")
    np.testing.assert_allclose(flow.source_mass, 1 / 3)
    np.testing.assert_allclose(flow.mass.sum(1), 0.2)


def test_tokens_outside_any_word_have_no_band_among_words():
    flow = plan_flow(plan(SHARP, words=(0, 1, -1)), "word")
    np.testing.assert_allclose(flow.source_mass, [1 / 3, 1 / 3])


def test_row_normalised_bands_are_ones_and_hidden_links_leave_them_as_they_are():
    mass = [[0.3, 0.03, 0], [0, 1 / 3, 0], [0, 0, 1 / 3]]
    flow = plan_flow(plan(mass), "token", row_normalised=True, threshold=0.2)
    np.testing.assert_allclose(flow.source_mass, 1)
    assert np.count_nonzero(flow.mass) == 3
    assert flow.target_mass.sum() == pytest.approx(3)


def test_a_change_is_what_was_gained_and_lost():
    turned = SHARP[[1, 0, 2]]
    flow = change_flow(plan(turned), plan(SHARP), "token")
    np.testing.assert_allclose(flow.mass, turned - SHARP)
    np.testing.assert_allclose(flow.mass.sum(0), 0, atol=1e-12)
    assert change_text(flow, -0.1) == "67% of the mass goes elsewhere, and the cost falls by 0.100."
    assert not change_flow(plan(SHARP + 1e-4), plan(SHARP), "token").mass.any()


def test_plans_of_other_tokens_have_no_change_but_their_words_may_have_one():
    other = TransportPlan(SHARP, SHARP, ("a", "b", "cc"), ("x", "y", "z"), (0, 1, 1), (0, 1, 2))
    assert change_flow(other, plan(SHARP), "token") is None


def test_one_scale_of_colours_spans_what_all_pictures_draw():
    near = plan_flow(plan(SHARP, np.full((3, 3), 0.2)), "token")
    far = plan_flow(plan(SHARP, np.diag([0.3, 0.5, 0.7]) + 1 - np.eye(3)), "token")
    assert cost_range([near, far]) == pytest.approx((0.2, 0.7))
    low, high = cost_range([near])
    assert high - low == pytest.approx(LEAST_SPREAD)
    assert cost_range([]) == (0.0, 1.0)


def test_the_data_says_what_the_picture_shows_and_holds_no_direction_overrides():
    shown = plan(SHARP)
    data = flow_data(plan_flow(shown, "word"), (0, 1), "\u202e" + plan_text(shown.words()))
    assert data["label"] == "a: x 100 %; bc: y 50 %"
    assert data["left"]["masses"] == pytest.approx([1 / 3, 2 / 3])
    assert [link[:2] for link in data["links"]] == [[0, 0], [1, 1], [1, 2]]
    empty = TransportPlan(np.zeros((0, 0)), np.zeros((0, 0)), (), (), (), ())
    assert flow_data(plan_flow(empty, "word"), (0, 1), plan_text(empty))["links"] == []


def test_the_scripts_are_in_the_package():
    assert "class Flow" in source("flow.js")
    assert source("flow.js", "picture.js", "mount_picture.js").count("export default") == 1
