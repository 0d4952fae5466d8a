"""Text can be read on what it stands on: WCAG's 4.5, in the page and in saved pictures."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from optical_core.figures.theme import BLUE, GREY, ORANGE, blend, contrast, ground, ink, note
from optical_core.transport import TransportPlan
from optical_core.ui.alignment.figures import word_chips
from optical_core.ui.links import links_figure
from optical_core.ui.token_html import contribution_chips, heat_strip

CONFIG = Path(__file__).parent.parent.parent / ".streamlit" / "config.toml"
READABLE = 4.5
TEXT = {False: "#2F2D2B", True: "#EDEBE8"}
"""Streamlit's own colour of text, light and dark."""


def test_contrast_is_wcag_s():
    assert contrast("#FFFFFF", "#5AA9F0") == pytest.approx(2.5, abs=0.05)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("dark", [False, True])
def test_a_saved_picture_has_the_page_s_ground_and_text_that_is_read_on_it(dark):
    for figure in (
        note("empty", dark=dark),
        links_figure(["a"], ["b"], [], dark=dark, full_weight=1.0),
    ):
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == ground(dark)
        assert contrast(figure.layout.font.color, figure.layout.paper_bgcolor) >= READABLE
        label = figure.layout.hoverlabel
        assert contrast(label.font.color, label.bgcolor) >= READABLE
    assert contrast(ink(dark), ground(dark)) >= READABLE


@pytest.mark.parametrize("dark", [False, True])
def test_the_app_s_colours_carry_white_text_and_the_ground_is_the_pictures(dark):
    theme = tomllib.loads(CONFIG.read_text())["theme"]["dark" if dark else "light"]
    assert theme["backgroundColor"] == ground(dark)
    assert contrast("#FFFFFF", theme["primaryColor"]) >= READABLE
    assert contrast(theme["linkColor"], ground(dark)) >= READABLE


@pytest.mark.parametrize("dark", [False, True])
def test_words_are_read_on_the_grounds_of_chips_and_marks(dark):
    costs = np.linspace(0, 1.2, 7)[:, None]
    words = tuple("abcdefg")
    plan = TransportPlan(np.ones((7, 1)), costs, words, ("z",), tuple(range(7)), (0,))
    shown = [
        word_chips(plan),
        contribution_chips(words, costs[:, 0]),
        heat_strip("sea", {(0, 3): 1.0}),
    ]
    grounds = re.findall(r"background:rgba\((\d+),(\d+),(\d+),([.\d]+)\)", " ".join(shown))
    assert len(grounds) == 15
    for red, green, blue, strength in grounds:
        colour = f"#{int(red):02x}{int(green):02x}{int(blue):02x}"
        assert contrast(TEXT[dark], blend(ground(dark), colour, float(strength))) >= READABLE
    assert "opacity" not in " ".join(shown)


def test_chips_have_a_colour_by_cost_and_say_the_cost():
    plan = TransportPlan(
        np.array([[0.5, 0.0], [0.0, 0.5]]),
        np.array([[0.1, 1], [1, 0.9]]),
        ("a", "b"),
        ("x", "y"),
        (0, 1),
        (0, 1),
    )
    shown = word_chips(plan)
    assert "x 100% · 0.10" in shown
    assert "y 100% · 0.90" in shown
    blue, orange = (",".join(str(int(c[i : i + 2], 16)) for i in (1, 3, 5)) for c in (BLUE, ORANGE))
    assert shown.index(blue) < shown.index(orange)
    empty = TransportPlan(np.zeros((1, 1)), np.ones((1, 1)), ("a",), ("x",), (0,), (0,))
    assert str(int(GREY[1:3], 16)) in word_chips(empty)
