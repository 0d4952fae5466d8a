import pandas as pd
import pytest

from optical_core.ui.tables import cell_formats, heading


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("gap_low", "gap low"),
        ("p_fdr_bh", "p (Benjamini-Hochberg)"),
        ("p_t", "p (t-test)"),
        ("p_randomisation", "p (randomisation)"),
        ("p", "p"),
        ("r2_adjusted", "adjusted R²"),
        ("AP@100", "AP@100"),
    ],
)
def test_headings_are_words(column, words):
    assert heading(column) == words


def test_cells_name_languages_and_predictors():
    table = pd.DataFrame({"worst": ["so"], "term": ["intercept"], "AP": [0.5], "topics": [3]})
    formats = cell_formats(table)
    assert set(formats) == {"worst", "term", "AP"}
    written = {column: formats[column](table[column][0]) for column in formats}
    assert written == {"worst": "Somali", "term": "intercept", "AP": "0.5000"}
    assert (
        cell_formats(pd.DataFrame({"predictor": ["latin"]}))["predictor"]("latin") == "Latin script"
    )
