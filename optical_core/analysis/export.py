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
"""A smaller p is written as "< .0001": 10,000 draws of a randomisation test show no less."""


def write_table(table: pd.DataFrame, folder: Path, name: str) -> None:
    """Write NAME.csv, .json, .md and .tex: numbers in full in the first two, else to 4 places.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_table(pd.DataFrame({"AP": [0.25]}), Path(folder), "means")
        ...     sorted(path.name for path in Path(folder).iterdir())
        ['means.csv', 'means.json', 'means.md', 'means.tex']
    """
    for suffix, text in table_texts(table).items():
        with replace_file(folder / f"{name}.{suffix}") as temporary:
            temporary.write_text(text, encoding="utf-8")


def table_texts(table: pd.DataFrame) -> dict[str, str]:
    """Format a table as CSV, JSON, Markdown and LaTeX.

    Returns:
        File suffix -> text.

    Examples:
        >>> print(table_texts(pd.DataFrame({"model": ["bm25"], "AP": [0.25]}))["md"], end="")
        | model | AP |
        |---|---|
        | bm25 | 0.2500 |
    """
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
    """Format a number of a column to 4 places; a p that would round to 0 is "< .0001".

    Examples:
        >>> number_text("AP", 0.00001), number_text("p_t", 0.00001), number_text("p", 0.0001)
        ('0.0000', '< .0001', '0.0001')
    """
    small = value < SMALLEST_P and (column == "p" or column.startswith("p_"))
    return "< .0001" if small else f"{value:.4f}"


def csv_text(table: pd.DataFrame) -> str:
    """Format a table as CSV. A spreadsheet takes no text in it for a formula.

    A text that begins like a formula gets an apostrophe before it, as OWASP advises. Numbers in
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
    """Format a table as Markdown; names can't end a cell or become HTML, links or code."""

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
    """Format a table for LaTeX's booktabs; special characters in names are escaped."""

    def escaped(value: object) -> str:
        text = " ".join(str(value).split())
        return "".join(_LATEX.get(character, character) for character in text)

    lines = [r"\begin{tabular}{" + "l" * len(table.columns) + "}", r"\toprule"]
    lines.append(" & ".join(map(escaped, table.columns)) + r" \\")
    lines.append(r"\midrule")
    lines += [" & ".join(map(escaped, row)) + r" \\" for row in table.to_numpy()]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"
