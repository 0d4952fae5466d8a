import pandas as pd
import pytest

from optical_core.ui.tables import cell_formats, heading, worded


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


def test_a_table_in_words_has_names_in_place_of_codes_and_keeps_the_rest():
    table = pd.DataFrame({"language": ["so", "sw"], "AP": [0.25, 0.5], "predictor": ["latin"] * 2})
    named = worded(table)
    assert named["language"].tolist() == ["Somali", "Swahili"]
    assert named["predictor"].tolist() == ["Latin script"] * 2
    assert named["AP"].equals(table["AP"])
    assert table["language"].tolist() == ["so", "sw"]
