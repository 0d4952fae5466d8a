"""Tables as files: CSV, JSON, Markdown and LaTeX."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from optical_core.data.languages import find_language
from optical_core.digits import plain
from optical_core.storage import replace_file

SMALLEST_P = 0.0001
"""A smaller p is written as "< .0001": 10,000 draws of a randomisation test show no less."""


def write_table(table: pd.DataFrame, folder: Path, name: str) -> None:
    """Write NAME.csv (6 digits), .json (all digits), .md (4 places) and .tex (3 places).

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
        "tex": latex(table),
    }


def number_text(column: str, value: float, *, places: int = 4) -> str:
    """Format a number of a column to 4 places; a p that would round to 0 is "< .0001".

    Examples:
        >>> number_text("AP", 0.00001), number_text("p_t", 0.00001), number_text("p", 0.0001)
        ('0.0000', '< .0001', '0.0001')
    """
    smallest = SMALLEST_P * 10 ** (4 - places)
    if value < smallest and (column == "p" or column.startswith("p_")):
        return f"< {smallest:.{places}f}".replace("0.", ".")
    return f"{value:.{places}f}"


def csv_text(table: pd.DataFrame) -> str:
    """Format a table as CSV, numbers to 6 digits. A spreadsheet takes no text in it for a formula.

    A text that begins like a formula gets an apostrophe before it, as OWASP advises.
    """
    safe = table.rename(columns=_no_formula)
    for column, kind in enumerate(safe.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            safe.isetitem(column, safe.iloc[:, column].map(_no_formula))
        elif pd.api.types.is_float_dtype(kind):
            safe.isetitem(column, safe.iloc[:, column].map(_six_digits))
    return safe.to_csv(index=False)


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")


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


def latex_text(value: object) -> str:
    """Escape a text for LaTeX, on one line.

    Examples:
        >>> latex_text("a_b & 5 %")
        'a\\\\_b \\\\& 5 \\\\%'
    """
    text = " ".join(str(value).split())
    return "".join(_LATEX.get(character, character) for character in text)


def latex(table: pd.DataFrame) -> str:
    """Format a table for LaTeX's booktabs: numbers to 3 places, languages by name."""
    sides = "".join("r" if pd.api.types.is_numeric_dtype(kind) else "l" for kind in table.dtypes)
    rows = [
        [_latex_cell(*cell) for cell in zip(table.columns, row, strict=True)]
        for row in table.itertuples(index=False)
    ]
    return tabular(sides, [[latex_text(column) for column in table.columns]], rows)


def tabular(sides: str, head: Sequence[Sequence[str]], *groups: Sequence[Sequence[str]]) -> str:
    """Lay out LaTeX's tabular of booktabs, a rule between groups of rows.

    Args:
        sides: `l` or `r` for each column.
        head: rows of headings, in LaTeX.
        groups: of rows of cells, in LaTeX.
    """
    lines = [rf"\begin{{tabular}}{{{sides}}}", r"\toprule"]
    lines += [" & ".join(row) + r" \\" for row in head]
    for group in groups:
        lines += [r"\midrule", *(" & ".join(row) + r" \\" for row in group)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _latex_cell(column: str, value: object) -> str:
    if column in ("language", "worst") and (known := find_language(str(value))):
        return latex_text(known.name)
    if value is pd.NA or value is None or value != value:
        return "--"
    if isinstance(value, float):
        text = latex_text(number_text(column, value, places=3))
        # A hyphen is shorter than a minus.
        return text.replace("-", "$-$")
    return latex_text(value)
