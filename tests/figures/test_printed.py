"""Figures as files: what is in them, and that drawing them needs nothing that a page loads."""

import io
import subprocess
import sys

import numpy as np
import plotly.graph_objects as go
import pytest

from optical_core.analysis.measurements import Comparison
from optical_core.analysis.tables import Tables
from optical_core.figures.gaps import gap_picture
from optical_core.figures.levels import differences, level_dots
from optical_core.figures.printed import FORMS, Printed, picture_files, printed
from optical_core.figures.theme import figure, note
from optical_core.figures.waterfall import gap_waterfall
from tests.measured import two_models


def drawn(each: go.Figure, title: str = "") -> np.ndarray:
    """The pixels of a figure's file."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(printed([Printed(each, title)], "png"))).convert("RGB"))


def near(pixels: np.ndarray, colour: str) -> int:
    """How many pixels have a colour."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return int((np.abs(pixels.astype(int) - wanted).max(-1) < 12).sum())


@pytest.fixture(scope="module")
def tables():
    results = two_models()
    return Tables(results, Comparison.of(results, baseline="embedded"))


def test_a_file_is_of_the_form_that_is_asked_for():
    starts = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}
    for form in FORMS:
        assert printed([Printed(note("empty", dark=False), "Title")], form).startswith(starts[form])
    with pytest.raises(ValueError, match="unknown form 'gif'"):
        printed([Printed(note("empty", dark=False), "Title")], "gif")
    with pytest.raises(ValueError, match="no figure"):
        printed([], "svg")


def test_the_same_figure_gives_the_same_file():
    for form in FORMS:
        first, second = (printed([Printed(note("x", dark=False), "T")], form) for _ in range(2))
        assert first == second, form


def test_pdf_has_its_fonts_in_it():
    file = printed([Printed(note("Salt", dark=False), "A title")], "pdf")
    assert b"/FontFile2" in file
    assert b"/Type3" not in file


@pytest.mark.slow
def test_every_figure_of_measurements_can_be_drawn(tables):
    parts = (tables.measures, tables.comparisons, tables.groups, tables.comparison)
    for each in (
        gap_picture(*parts, dark=False),
        gap_waterfall(tables.contributions, "student", "AP", dark=False),
        level_dots(tables.measures, "AP", dark=False),
        differences(tables.comparisons, "AP", dark=False),
    ):
        assert drawn(each, "Title").std() > 5


@pytest.mark.slow
def test_markers_bars_lines_and_cells_have_their_colours_and_places():
    trace = {"type": "scatter", "mode": "markers", "x": [0.0, 1.0], "y": [0.0, 1.0]}
    marks = trace | {"marker": {"color": ["#D1495B", "#1FA187"], "size": 30}}
    pixels = drawn(figure([marks], dark=False, height=300))
    red = np.argwhere(np.abs(pixels.astype(int) - [0xD1, 0x49, 0x5B]).max(-1) < 12)
    green = np.argwhere(np.abs(pixels.astype(int) - [0x1F, 0xA1, 0x87]).max(-1) < 12)
    assert red[:, 0].min() > green[:, 0].max()  # below
    assert red[:, 1].max() < green[:, 1].min()  # on the left
    hidden = marks | {"marker": {"color": "#D1495B", "size": 30, "opacity": 0}}
    assert near(drawn(figure([hidden], dark=False, height=300)), "#D1495B") == 0
    bar = {"type": "bar", "orientation": "h", "x": [1], "y": [0], "base": [2], "text": ["+1"]}
    bars = figure([bar | {"marker": {"color": ["#2F86DE"]}}], dark=False, height=200)
    assert near(drawn(bars), "#2F86DE") > 1000
    path = {"type": "path", "path": "M 0,0 C 0.5,0 0.5,1 1,1 L 1,2 Z", "fillcolor": "#D98324"}
    assert near(drawn(figure([marks], dark=False, height=200, shapes=[path])), "#D98324") > 1000
    cells = {"type": "heatmap", "z": np.eye(2), "x": ["a", "b"], "y": ["a", "b"]}
    scale = [[0.0, "#FFFFFF"], [1.0, "#0B2545"]]
    heat = figure([cells | {"colorscale": scale}], dark=False, height=200)
    assert near(drawn(heat), "#0B2545") > 1000


def test_names_come_into_the_key_once_and_html_is_read(tables):
    one = {"type": "scatter", "mode": "markers", "x": [0], "y": [0], "name": "a &lt; <b>b</b>"}
    axes = draw_into([one, one | {"showlegend": False}, one | {"name": ""}])
    labels = axes.get_legend_handles_labels()[1]
    assert labels == ["a < b"]


def draw_into(traces):
    from matplotlib.figure import Figure

    from optical_core.figures.printed_axes import draw

    return draw(Figure(), figure(traces, dark=False, height=200))[0]


def test_axes_keep_range_titles_and_the_labels_of_categories():
    trace = {"type": "scatter", "mode": "markers", "x": ["q", "p"], "y": [1, 10]}
    axes = draw_into([trace])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["q", "p"]
    from matplotlib.figure import Figure

    from optical_core.figures.printed_axes import draw

    log = {"type": "log", "range": (0, 2), "title_text": "size"}
    settings = {"dark": False, "height": 200}
    (axes,) = draw(Figure(), figure([trace | {"x": [1, 2]}], y=log, **settings))
    assert axes.get_ylim() == (1, 100)
    assert axes.get_ylabel() == "size"


def test_a_trace_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="'pie'"):
        printed([Printed(go.Figure(go.Pie(values=[1])), "")], "svg")


def test_figures_stand_side_by_side_as_wide_as_they_should():
    half = [Printed(note("x", dark=False, height=200), "T", 0.5)] * 2
    one, two = (printed(parts, "png") for parts in (half[:1], half))
    from PIL import Image

    sizes = [Image.open(io.BytesIO(file)).size for file in (one, two)]
    assert sizes[0] == sizes[1]
    tall = Image.open(io.BytesIO(printed([*half, *half], "png"))).size
    assert tall[1] == pytest.approx(2 * sizes[0][1], abs=2)


def test_files_are_drawn_when_they_are_asked_for():
    asked = []
    files = picture_files("gap", lambda: asked.append(1) or [Printed(note("x", dark=False), "T")])
    assert list(files) == ["gap.svg", "gap.pdf", "gap.png"]
    assert not asked
    assert files["gap.svg"]().startswith(b"<?xml")
    assert asked == [1]


def test_importing_it_loads_no_matplotlib():
    code = "import sys, optical_core.figures.printed; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
