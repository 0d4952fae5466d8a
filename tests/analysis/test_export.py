"""Tables as files, to the letter."""

from pathlib import Path

import pandas as pd
import pytest

from optical_core.analysis.export import csv_text, latex, markdown, table_texts, write_table

TABLE = pd.DataFrame({"language": ["Yorùbá"], "AP": [1 / 3], "topics": [3]})
TEXTS = {
    "csv": "language,AP,topics\nYorùbá,0.333333,3\n",
    "json": '[\n  {\n    "language": "Yorùbá",\n    "AP": 0.3333333333333333,\n'
    '    "topics": 3\n  }\n]\n',
    "md": "| language | AP | topics |\n|---|---|---|\n| Yorùbá | 0.3333 | 3 |\n",
    "tex": "\\begin{tabular}{lrr}\n\\toprule\nlanguage & AP & topics \\\\\n\\midrule\n"
    "Yorùbá & 0.333 & 3 \\\\\n\\bottomrule\n\\end{tabular}\n",
}


def test_a_table_has_four_forms_with_digits_for_their_readers(tmp_path):
    assert table_texts(TABLE) == TEXTS
    assert TABLE["AP"][0] == 1 / 3  # The table itself is left as it was.
    write_table(TABLE, tmp_path, "means")
    written = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert written == {f"means.{suffix}": text for suffix, text in TEXTS.items()}


def test_what_json_has_no_form_for_is_written_as_text():
    table = pd.DataFrame({"folder": [Path("runs/a")]})
    assert '"folder": "runs/a"' in table_texts(table)["json"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=A1", "'=A1"),
        ("+A1", "'+A1"),
        ("-A1", "'-A1"),
        ("@A1", "'@A1"),
        ("\tA1", "'\tA1"),
        ("A1", "A1"),
        ("-1 or so", "'-1 or so"),
        ("-12", "-12"),
        ("+0.5", "+0.5"),
        ("-1.5e-3", "-1.5e-3"),
        ("-12%", "-12%"),
    ],
)
def test_no_text_of_a_csv_is_a_formula_and_numbers_stay_numbers(text, written):
    table = pd.DataFrame({text: [text, None], "value": [-1, 2]})
    assert csv_text(table) == f"{written},value\n{written},-1\n,2\n"


def test_latex_has_a_minus_before_a_number_and_dashes_for_none():
    table = pd.DataFrame({"difference": [-0.25, float("nan")], "model": ["a-b", None]})
    rows = latex(table).splitlines()
    assert rows[4:6] == [r"$-$0.250 & a-b \\", r"-- & -- \\"]


@pytest.mark.parametrize("start", ["\r", "\n"])
def test_a_line_break_does_not_hide_a_formula(start):
    assert f"'{start}=A1" in csv_text(pd.DataFrame({"name": [f"{start}=A1"]}))


def test_every_sign_that_markdown_or_latex_would_read_is_escaped():
    table = pd.DataFrame({"a  b": [r"\|<>[]`", "two\nlines"]})
    assert markdown(table).splitlines() == [
        "| a b |",
        "|---|",
        r"| \\\|\<\>\[\]\` |",
        "| two lines |",
    ]
    rows = latex(pd.DataFrame({"a  b": [r"\&%$#_{}~^", "two\nlines"]})).splitlines()
    assert rows[2] == r"a b \\"
    assert rows[4] == (r"\textbackslash{}\&\%\$\#\_\{\}\textasciitilde{}\textasciicircum{} \\")
    assert rows[5] == r"two lines \\"
