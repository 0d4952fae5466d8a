import json
import random

import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.data.collection import open_collection
from optical_core.data.lexicons import lexicon_of, read_lexicon, write_lexicon
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder
from optical_core.study.evaluate import evaluate
from optical_core.study.lexicon import (
    build_lexicon,
    eflomal_aligner,
    ot_aligner,
    sentence_words,
)

PAIRS = [
    ("maji ya bahari", "sea water"),
    ("bahari", "sea"),
    ("maji", "water"),
    ("maji baridi", "cold water"),
    ("bahari baridi", "cold sea"),
]


def test_probabilities_are_shares_of_the_links_and_rare_ones_go():
    pairs = [(["maji"], ["water"])] * 97 + [(["maji"], ["sea"])] * 3
    made = build_lexicon(pairs, lambda some: [[(0, 0)] for _ in some])
    assert made == {"maji": {"water": 1.0}}
    pairs = [(["maji"], ["water"])] * 3 + [(["maji"], ["sea"])]
    made = build_lexicon(pairs, lambda some: [[(0, 0)] for _ in some])
    assert made == {"maji": {"water": 0.75, "sea": 0.25}}


def test_eflomal_finds_the_translations():
    pytest.importorskip("eflomal", reason='needs pip install ".[eflomal]"')
    foreign = "maji bahari mwezi jua nyota samaki ndege mti mto ziwa mji moto".split()
    english = "water sea moon sun star fish bird tree river lake city fire".split()
    draw = random.Random(0)
    rows = [draw.sample(range(len(foreign)), 4) for _ in range(400)]
    pairs = [([foreign[i] for i in row], [english[i] for i in row]) for row in rows]
    made = build_lexicon(pairs, eflomal_aligner())
    best = {word: max(found, key=found.get) for word, found in made.items()}
    assert best == dict(zip(foreign, english, strict=True))


def test_without_its_package_eflomal_is_one_sentence(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "eflomal", None)
    with pytest.raises(InputError, match="pip install"):
        eflomal_aligner()


def test_plans_align_a_sentence_with_itself(tiny_encoder):
    encoder = TokenEncoder.load(str(tiny_encoder), device="cpu")
    same = [(text, text) for _, text in PAIRS]
    made = build_lexicon(sentence_words(same), ot_aligner(encoder))
    assert made == {"sea": {"sea": 1.0}, "water": {"water": 1.0}, "cold": {"cold": 1.0}}


def test_a_lexicon_is_written_and_read(tmp_path):
    made = {"maji": {"water": 0.75, "sea": 0.25}, "ya": {"of": 1.0}}
    write_lexicon(tmp_path / "sw.tsv", made)
    assert read_lexicon(tmp_path / "sw.tsv") == made
    assert lexicon_of(tmp_path, "en") == {}
    with pytest.raises(InputError, match="no lexicon"):
        lexicon_of(tmp_path, "so")


@pytest.mark.parametrize("line", ["maji\twater", "maji\twater\tmuch", "a\tb\t2", "a\tb\t1\tc"])
def test_a_wrong_line_is_named(tmp_path, line):
    (tmp_path / "sw.tsv").write_text(f"ya\tof\t1\n{line}\n")
    with pytest.raises(InputError, match="line 2: foreign word"):
        read_lexicon(tmp_path / "sw.tsv")


def test_a_damaged_lexicon_is_refused_and_one_of_ones_own_is_read(tmp_path):
    path = tmp_path / "so.tsv"
    write_lexicon(path, {"badda": {"sea": 1.0}})
    path.write_text("badda\tsun\t1\n")
    with pytest.raises(InputError, match="is damaged"):
        read_lexicon(path)
    (tmp_path / "so.tsv.sha256").unlink()
    assert read_lexicon(path) == {"badda": {"sun": 1.0}}


@pytest.mark.slow
def test_the_command_makes_what_evaluate_asks_with(tiny_encoder, tmp_path):
    bitext = tmp_path / "train.sw.tsv"
    bitext.write_text("".join(f"{english}\t{foreign}\n" for foreign, english in PAIRS))
    out = tmp_path / "lexicon"
    done = CliRunner().invoke(
        app,
        [
            "lexicon",
            str(bitext),
            "--out",
            str(out),
            "--aligner",
            "ot",
            "--encoder",
            str(tiny_encoder),
            "--device",
            "cpu",
        ],
    )
    assert done.exit_code == 0, done.output
    assert json.loads((out / "record.json").read_text())["languages"]["sw"]["pairs"] == 5
    assert read_lexicon(out / "sw.tsv")
    done = CliRunner().invoke(
        app,
        [
            "evaluate",
            "demo",
            "--models",
            f"bm25,psq@{out},bm25@{out}",
            "--languages",
            "en,sw",
            "--out",
            str(tmp_path / "results"),
        ],
    )
    assert done.exit_code == 0, done.output
    assert (tmp_path / "results" / "psq@lexicon" / "sw.csv").is_file()
    typed, glossed = (
        (tmp_path / "results" / name / "sw.csv").read_text() for name in ("bm25", "bm25@lexicon")
    )
    assert typed != glossed
    english = [tmp_path / "results" / name / "en.csv" for name in ("bm25", "bm25@lexicon")]
    assert english[0].read_text() == english[1].read_text()
    wrong = CliRunner().invoke(app, ["lexicon", str(bitext), "--out", "x", "--aligner", "magic"])
    assert isinstance(wrong.exception, InputError)


def test_two_models_of_one_name_in_the_tables_are_refused(tmp_path):
    demo = open_collection("demo")
    models = [f"psq@{tmp_path}/a/lexicon", f"psq@{tmp_path}/b/lexicon"]
    with pytest.raises(InputError, match="both be called 'psq@lexicon'"):
        evaluate(demo, models, ["sw"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
