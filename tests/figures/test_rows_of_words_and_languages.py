"""Pictures with a row a word or a language: what is drawn, and that files draw it too."""

import pytest

from optical_core.figures.by_language import Panel, language_picture
from optical_core.figures.paired import paired_picture
from optical_core.figures.printed import Printed, printed

WORDS, SHARES = ["chumvi?", "<b>", "ina"], ([1.5, 0.5, 0.25], [0.5, 0.75, 0.25])


@pytest.mark.parametrize("comparable", [True, False])
def test_both_scores_stand_side_by_side_with_their_difference_if_they_can_be_compared(comparable):
    figure = paired_picture(
        WORDS, SHARES, ("a", "<i>"), comparable=comparable, dark=False, hover=(WORDS, WORDS)
    )
    one, other, *rest = figure.data
    assert [list(one.x), list(other.x)] == list(SHARES)
    assert other.name == "&lt;i&gt;"
    assert list(figure.layout.yaxis.ticktext) == ["chumvi?", "&lt;b&gt;", "ina"]
    if comparable:
        bars, numbers = rest
        assert list(bars.x) == [1.0, -0.25, 0.0]
        assert [text.strip() for text in numbers.text] == ["+1.000", "-0.250", "0"]
        assert one.xaxis == other.xaxis == "x"
    else:
        assert rest == []
        assert (one.xaxis, other.xaxis) == ("x", "x2")
    assert printed([Printed(figure, "Why")], "svg").startswith(b"<?xml")


def test_without_words_the_picture_says_so():
    figure = paired_picture([], ([], []), ("a", "b"), comparable=True, dark=True)
    assert "No word" in figure.layout.annotations[0].text


def test_each_panel_has_a_marker_for_each_model_and_language_that_has_a_value():
    cost = Panel("cost", [{"embedded": 0.5, "mine": 0.25}, {"embedded": 0.75, "mine": 0.5}], 0.6)
    precision = Panel("AP", [{}, {"embedded": 0.0, "mine": 1.0}], 0.4, (0.0, 1.0))
    figure = language_picture(["Somali", "Swahili"], [cost, precision], dark=False)
    markers = {
        (trace.xaxis, trace.name): (list(trace.x), list(trace.y))
        for trace in figure.data
        if trace.mode == "markers"
    }
    assert markers == {
        ("x", "embedded"): ([0.5, 0.75], [0, 1]),
        ("x", "mine"): ([0.25, 0.5], [0, 1]),
        ("x2", "embedded"): ([0.0], [1]),
        ("x2", "mine"): ([1.0], [1]),
    }
    assert [trace.name for trace in figure.data if trace.showlegend] == ["embedded", "mine"]
    assert printed([Printed(figure, "Languages")], "png").startswith(b"\x89PNG")
    assert "Nothing" in language_picture([], [], dark=False).layout.annotations[0].text
