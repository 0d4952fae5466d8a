"""Tables as files: CSV, JSON, Markdown and LaTeX."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import pandas as pd

from optical_core.digits import plain
from optical_core.storage import replace_file

SMALLEST_P = 0.0001
"""Below it a p is only said to be so: a randomisation test with 10,000 draws tells no less."""


def write_table(table: pd.DataFrame, folder: Path, name: str) -> None:
    """Write NAME.csv, .json, .md and .tex; numbers in full in the first two, to 4 places else."""
    for suffix, text in table_texts(table).items():
        with replace_file(folder / f"{name}.{suffix}") as temporary:
            temporary.write_text(text, encoding="utf-8")


def table_texts(table: pd.DataFrame) -> dict[str, str]:
    """A table in every form, by file suffix."""
    rounded = table.copy()
    for column in rounded.select_dtypes("float"):
        rounded[column] = rounded[column].map(partial(number_text, column))
    rows = plain(table.to_dict("records"))
    records = json.dumps(rows, indent=2, ensure_ascii=False, default=str)
    return {
        "csv": csv_text(table),
        "json": records + "\n",
        "md": markdown(rounded),
        "tex": latex(rounded),
    }


def number_text(column: str, value: float) -> str:
    """A number of a column to 4 places; a p that would be nought there as what it is below.

    Examples:
        >>> number_text("AP", 0.00001), number_text("p_t", 0.00001), number_text("p", 0.0001)
        ('0.0000', '< .0001', '0.0001')
    """
    small = value < SMALLEST_P and (column == "p" or column.startswith("p_"))
    return "< .0001" if small else f"{value:.4f}"


def csv_text(table: pd.DataFrame) -> str:
    """A table as CSV; no text in it is taken for a formula by a spreadsheet.

    A text that begins as formulas do gets an apostrophe before it, as OWASP advises. Numbers of
    fp32 have the digits of fp32.
    """
    safe = table.rename(columns=_no_formula)
    for column, kind in enumerate(safe.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            safe.isetitem(column, safe.iloc[:, column].map(_no_formula))
        elif pd.api.types.is_float_dtype(kind):
            safe.isetitem(column, safe.iloc[:, column].map(plain))
    return safe.to_csv(index=False)


def _no_formula(value: object) -> object:
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        return value
    return value if _NUMBER.fullmatch(value) else "'" + value


_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?%?")
_MARKDOWN = re.compile(r"([\\|<>\[\]`])")


def markdown(table: pd.DataFrame) -> str:
    """A Markdown table; what would be a cell's end, HTML, a link or code in a name is escaped."""

    def escaped(value: object) -> str:
        return _MARKDOWN.sub(r"\\\1", " ".join(str(value).split()))

    cells = [[escaped(value) for value in row] for row in table.to_numpy()]
    lines = ["| " + " | ".join(map(escaped, table.columns)) + " |"]
    lines.append("|" + "|".join("---" for _ in table.columns) + "|")
    lines += ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join(lines) + "\n"


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def latex(table: pd.DataFrame) -> str:
    """A booktabs table; special characters in names are escaped."""

    def escaped(value: object) -> str:
        text = " ".join(str(value).split())
        return "".join(_LATEX.get(character, character) for character in text)

    lines = [r"\begin{tabular}{" + "l" * len(table.columns) + "}", r"\toprule"]
    lines.append(" & ".join(map(escaped, table.columns)) + r" \\")
    lines.append(r"\midrule")
    lines += [" & ".join(map(escaped, row)) + r" \\" for row in table.to_numpy()]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"
