"""What `optical evaluate demo` writes, compared with what it wrote before.

`demo_evaluation/` holds the tables and the record of the models that give the same bytes on every
processor, and in SHA256SUMS the hashes of their rankings and values. A change that is meant:

    optical evaluate demo --models bm25,bm25@human -l en,sw,so --out OUT

and take them from OUT.
"""

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from optical_core.analysis.tables import TABLES
from optical_core.cli import app

BEFORE = Path(__file__).parent / "demo_evaluation"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "out"
    arguments = ["evaluate", "demo", "--models", "bm25,bm25@human", "-l", "en,sw,so"]
    done = CliRunner().invoke(app, [*arguments, "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out


@pytest.mark.slow
def test_rankings_and_values_are_the_same_bytes(written):
    files = [path for path in written.glob("*/*") if path.suffix in (".run", ".csv")]
    sums = {
        path.relative_to(written).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
    lines = (BEFORE / "SHA256SUMS").read_text().splitlines()
    assert sums == {name: digest for digest, name in map(str.split, lines)}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_the_same(written, name):
    """To the byte where numbers are rounded; in full their last digit may be the processor's."""
    for suffix in ("md", "tex"):
        file = f"{name}.{suffix}"
        assert (written / file).read_bytes() == (BEFORE / file).read_bytes()
    before = pd.read_csv(BEFORE / f"{name}.csv")
    full = pd.read_json(written / f"{name}.json")
    pd.testing.assert_frame_equal(full, before, rtol=1e-9, check_dtype=False)
    six_digits = pd.read_csv(written / f"{name}.csv")
    pd.testing.assert_frame_equal(six_digits, before, rtol=5e-6, check_dtype=False)


def test_the_record_says_the_same(written):
    record = json.loads((written / "record.json").read_text())
    del record["environment"]
    assert record == json.loads((BEFORE / "record.json").read_text())


def test_nothing_else_is_written(written):
    beside = {path.name for path in written.iterdir() if path.is_file()}
    tables = {f"{name}.{suffix}" for name in TABLES for suffix in ("csv", "json", "md", "tex")}
    assert beside == {*tables, "record.json"}
    codes = ("en", "sw", "so")
    named = {f"{code}.{suffix}" for code in codes for suffix in ("csv", "run", "run.metadata.yaml")}
    for model in ("bm25", "bm25@human"):
        assert {path.name for path in (written / model).iterdir()} == {*named, "measured.json"}
