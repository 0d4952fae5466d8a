"""Tables of measurements as pages show them. Files keep the columns' names and codes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd

from optical_core.analysis.export import number_text
from optical_core.analysis.significance import CORRECTIONS
from optical_core.data.languages import language

_TESTS = CORRECTIONS | {"t": "t-test", "wilcoxon": "Wilcoxon"}
_PREDICTORS = {
    "tokens": "tokens in CC-100",
    "latin": "Latin script",
    "transport": "transport cost",
    "unaligned": "unaligned mass",
}
"""Shorter than in a figure, to leave room for the numbers on a telephone."""
_HEADINGS = {"r2_adjusted": "adjusted R²"}


def heading(column: str) -> str:
    """A column's name in words.

    >>> heading("relative_gap"), heading("p_holm"), heading("nDCG@10")
    ('relative gap', 'p (Holm)', 'nDCG@10')
    """
    if column.startswith("p_"):
        return f"p ({_TESTS.get(column[2:], column[2:])})"
    return _HEADINGS.get(column, column.replace("_", " "))


def is_p(column: str) -> bool:
    """Has a column p values? Small ones aren't rounded: see `number_text`."""
    return column == "p" or column.startswith("p_")


def cell_formats(table: pd.DataFrame, *, places: int = 4) -> dict[str, Callable[[Any], str]]:
    """Column -> how its cells are written: rounded numbers, names of languages and predictors."""
    formats: dict[str, Callable[[Any], str]] = {
        column: partial(number_text, column, places=places)
        for column in table.select_dtypes("float")
    }
    return formats | {column: named for column, named in _NAMED.items() if column in table}


def worded(table: pd.DataFrame) -> pd.DataFrame:
    """The table with languages and predictors by name."""
    named = {column: name for column, name in _NAMED.items() if column in table}
    return table.assign(**{column: table[column].map(name) for column, name in named.items()})


def _language(code: str) -> str:
    return language(code).name


def _predictor(name: str) -> str:
    return _PREDICTORS.get(name, name)


_NAMED: dict[str, Callable[[Any], str]] = {
    "language": _language,
    "worst": _language,
    "predictor": _predictor,
    "term": _predictor,
}
"""Column -> the name of what its cells have a code of."""
