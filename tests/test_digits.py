import json

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from optical_core.analysis.export import csv_text, table_texts
from optical_core.digits import plain, single

SINGLES = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(SINGLES)
def test_the_digits_read_back_to_the_same_fp32_and_are_nine_at_most(value):
    text = repr(plain(float(value)))
    assert np.float32(text) == np.float32(value)
    digits = text.lower().split("e")[0].replace(".", "").lstrip("-0").rstrip("0")
    assert len(digits) <= 9


@given(st.floats(allow_nan=False))
def test_what_is_no_fp32_number_stays_in_full(value):
    kept = plain(value)
    assert kept == value or np.float32(kept) == np.float32(value) == value


def test_the_issue_s_mass():
    assert single(0.02500000037252903) == 0.025
    assert plain({"a": [np.float64(0.02500000037252903), 7, None, "x", True]}) == {
        "a": [0.025, 7, None, "x", True]
    }


def test_json_has_the_digits_of_fp32_and_csv_six():
    masses = np.float32([0.025, 1 / 3]).astype(float)
    table = pd.DataFrame({"mass": masses, "share": [1 / 3, np.nan], "n": [1, 2]})
    assert csv_text(table) == "mass,share,n\n0.025,0.333333,1\n0.333333,,2\n"
    rows = json.loads(table_texts(table.dropna())["json"])
    assert rows == [{"mass": 0.025, "share": 1 / 3, "n": 1}]
