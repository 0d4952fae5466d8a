"""Learning curves on values made up so that the slopes are known."""

import re
from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from optical_core.analysis import Comparison, Measurements
from optical_core.data.collection_info import CollectionInfo
from optical_core.figures.curves import learning_curve
from optical_core.study.config import StudyConfig
from optical_core.study.curves import curve_table
from optical_core.study.report import write_report
from optical_core.study.summary import Findings

QUERIES = [f"q{number}" for number in range(20)]
ARMS = {"few": {"pairs": 500}, "most": {"pairs": 8000}, "some": {"pairs": 2000}}


def study(**settings):
    training = {"bitext": ("demo",), "teacher": "embedded"}
    curves = ({"setting": "pairs", "arms": ("some", "most", "few")},)
    given = {"arms": ARMS, "curves": curves, "reference": "most"} | settings
    return StudyConfig(name="mine", collections=("demo",), training=training, **given)


def findings(arms=("few", "some", "most")):
    """MAP grows by .02 with each doubling in Somali, by .01 in Swahili and not at all in French."""
    generator = np.random.default_rng(0)
    levels = {code: generator.uniform(0.2, 0.4, len(QUERIES)) for code in ("fr", "so", "sw")}
    gains = {"fr": 0.0, "so": 0.02, "sw": 0.01}
    doublings = {"embedded": -1, "few": 0, "some": 2, "most": 4}

    def values(model, code):
        noise = generator.normal(0, 0.002, len(QUERIES))
        level = levels[code] + gains[code] * doublings[model] + noise - noise.mean()
        return {"AP": dict(zip(QUERIES, level.tolist(), strict=True))}

    measured = {(m, code): values(m, code) for m in ("embedded", *arms) for code in levels}
    measurements = Measurements(Measurements.rows(measured), "demo", parallel=True)
    comparison = Comparison.of(measurements, high=("fr",), low=("so", "sw"))
    info = CollectionInfo(
        name="demo",
        description="Made up.",
        licence="CC0",
        source="here",
        languages=("fr", "so", "sw"),
        parallel=True,
    )
    seeds = {arm: {1: measurements} for arm in arms}
    return Findings(info, measurements, comparison, seeds)


def test_the_slope_is_what_a_doubling_adds():
    config = study()
    table = curve_table(config, config.curves[0], findings()).set_index("language")
    assert list(table) == ["500", "2000", "8000", "per doubling", "low", "high"]
    assert list(table.index) == ["fr", "so", "sw", "low-resource"]
    for name, gain in {"fr": 0, "so": 0.02, "sw": 0.01, "low-resource": 0.015}.items():
        assert table.loc[name, "per doubling"] == pytest.approx(gain, abs=1e-9)
        assert table.loc[name, "low"] < gain < table.loc[name, "high"]
        assert table.loc[name, "high"] - table.loc[name, "low"] < 0.002
        assert table.loc[name, "8000"] - table.loc[name, "500"] == pytest.approx(4 * gain)


def test_arms_that_are_not_measured_yet_are_left_out():
    config = study()
    table = curve_table(config, config.curves[0], findings(("few", "most")))
    assert list(table)[1:3] == ["500", "8000"]
    assert curve_table(config, config.curves[0], findings(("few",))).empty


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        ({"setting": "pairs", "arms": ("few", "none")}, "'none' must be one of arms"),
        ({"setting": "objective", "arms": ("few", "some")}, "a number above 0"),
        ({"setting": "prompts", "arms": ("few", "some")}, "a number above 0"),
        ({"setting": "steps", "arms": ("few", "some")}, "two arms have 300"),
        ({"setting": "pairs", "arms": ("few",)}, "at least 2"),
        ({"setting": "pairs", "arms": ("few", "some"), "name": "a/b"}, "name"),
    ],
)
def test_a_curve_needs_a_number_that_differs(curve, message):
    with pytest.raises(ValidationError, match=message):
        study(curves=(curve,))


def test_two_curves_have_two_names():
    curve = {"setting": "pairs", "arms": ("few", "some")}
    with pytest.raises(ValidationError, match="two curves have the same name"):
        study(curves=(curve, curve))
    assert study(curves=(curve, curve | {"name": "again"})).curves[1].label == "again"


@pytest.mark.slow
def test_the_report_has_the_curve_as_picture_and_table(tmp_path):
    config = study()
    page = write_report(config, [findings()], tmp_path, "optical study mine").read_text()
    assert "Learning curve: pairs" in page
    assert '"type":"log"' in page
    text = (tmp_path / "report.md").read_text()
    assert re.search(r"\| so \|.*0\.02", text)
    assert (tmp_path / "tables" / "demo-curve-pairs.csv").is_file()


def test_labels_at_the_end_of_the_lines_keep_apart():
    config = study()
    table = curve_table(config, config.curves[0], findings())
    table["8000"] = 0.3
    figure = learning_curve(table, "pairs", "AP", dark=True)
    at = sorted(label.y for label in figure.layout.annotations)
    low, high = figure.layout.yaxis.range
    assert all(b - a > 0.04 * (high - low) for a, b in pairwise(at))
    assert {label.text for label in figure.layout.annotations} == {
        "French",
        "Somali",
        "Swahili",
        "<b>mean of low-resource</b>",
    }
