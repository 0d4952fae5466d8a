"""Tables as files: CSV, JSON, Markdown and LaTeX."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from optical_core.storage import replace_file


def write_table(table: pd.DataFrame, folder: Path, name: str) -> None:
    """Write NAME.csv, .json, .md and .tex; numbers in full in the first two, to 4 places else."""
    for suffix, text in table_texts(table).items():
        with replace_file(folder / f"{name}.{suffix}") as temporary:
            temporary.write_text(text, encoding="utf-8")


def table_texts(table: pd.DataFrame) -> dict[str, str]:
    """A table in every form, by file suffix."""
    rounded = table.copy()
    for column in rounded.select_dtypes("float"):
        rounded[column] = rounded[column].map(lambda value: f"{value:.4f}")
    records = json.dumps(table.to_dict("records"), indent=2, ensure_ascii=False, default=str)
    return {
        "csv": table.to_csv(index=False),
        "json": records + "\n",
        "md": markdown(rounded),
        "tex": latex(rounded),
    }


def markdown(table: pd.DataFrame) -> str:
    """A Markdown table; pipes in names are escaped."""
    cells = [[str(value).replace("|", r"\|") for value in row] for row in table.to_numpy()]
    lines = ["| " + " | ".join(map(str, table.columns)) + " |"]
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
}


def latex(table: pd.DataFrame) -> str:
    """A booktabs table; special characters in names are escaped."""

    def escaped(value: object) -> str:
        return "".join(_LATEX.get(character, character) for character in str(value))

    lines = [r"\begin{tabular}{" + "l" * len(table.columns) + "}", r"\toprule"]
    lines.append(" & ".join(map(escaped, table.columns)) + r" \\")
    lines.append(r"\midrule")
    lines += [" & ".join(map(escaped, row)) + r" \\" for row in table.to_numpy()]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"
