"""What the tests of several pages ask of them."""

import json
import re

import pytest


def assert_contributions_add_up(app) -> None:
    """The token matches that are shown add up to the score that is shown."""
    line = next(e.value for e in app.caption if "add up to" in e.value)
    total, score = (
        float(part.strip(" ,.")) for part in line.split("add up to")[1].split("; the score is")
    )
    assert total == pytest.approx(score, abs=1e-3)


def why(app, rank: int = 1):
    """The switch that explains a rank."""
    return next(toggle for toggle in app.toggle if toggle.label == f"Why rank {rank}?")


def shown(element) -> str:
    """An element's text as a reader sees it: without what keeps it from being Markdown."""
    return re.sub(r"\\(\W)", r"\1", element.value.replace("\u2060", ""))


def flows(app) -> list[dict]:
    """What the page gave the browser's own pictures of plans."""
    given = [element.proto.json for element in app.get("bidi_component")]
    # What only notices the theme is given nothing.
    return [json.loads(data) for data in given if data]
