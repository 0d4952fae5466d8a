import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.data.gold import GoldPair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.study.alignment_quality import alignment_table
from optical_core.study.word_vectors import encode_sides

SENTENCES = [
    "the sea is salty",
    "a big city",
    "the moon is cold",
    "fish in water",
    "old tree",
    "blue lake of water",
    "the sun is hot",
]


@pytest.fixture
def encoder(tiny_encoder):
    return TokenEncoder.load(str(tiny_encoder), device="cpu")


def same_twice(text):
    links = frozenset((i, i) for i in range(len(text.split())))
    return GoldPair(text, text, links, links)


def test_states_are_of_every_layer_and_of_the_words_alone(encoder):
    side, _ = encode_sides(encoder, ["the sea, salty", "a"], [0, 1, 2])
    assert side.states.shape == (3, 4, 32)
    assert side.words == (0, 1, 1, 2)


def test_a_sentence_aligns_with_itself(encoder):
    table = alignment_table(
        "same", [same_twice(text) for text in SENTENCES], encoder, solvers=["exact", "sinkhorn"]
    )
    assert set(table["method"]) == {"argmax", "itermax", "softmax", "exact", "sinkhorn"}
    assert set(table["layer"]) == {0, 1, 2}
    perfect = table[table["method"].isin(["argmax", "exact"])]
    assert perfect["AER"].tolist() == pytest.approx([0.0] * 6)
    assert set(table["sentences"]) == {5}
    assert table[table["method"] == "argmax"]["share"].isna().all()
    assert table[table["method"] == "exact"]["share"].between(0.1, 0.9).all()


def test_a_dev_part_of_its_own_leaves_every_pair_to_the_test(encoder):
    pairs = [same_twice(text) for text in SENTENCES]
    crossed = [GoldPair(p.foreign, p.english, frozenset(), frozenset()) for p in pairs[:2]]
    table = alignment_table("same", pairs, encoder, dev=crossed, layers=[0])
    assert set(table["sentences"]) == {len(pairs)}
    assert (table["AER_dev"] == 100).all()
    assert table.set_index("method")["AER"]["argmax"] == 0


def test_a_sentence_without_tokens_is_a_pair_without_links(encoder):
    empty = GoldPair("", "the sea", frozenset(), frozenset())
    pairs = [*(same_twice(text) for text in SENTENCES), empty]
    table = alignment_table("same", pairs, encoder, layers=[0]).set_index("method")
    assert table["AER"]["exact"] == table["AER"]["argmax"] == 0


def test_a_layer_that_is_not_there_is_refused(encoder):
    with pytest.raises(ValueError, match="layers go from 0 to 2"):
        alignment_table("same", [same_twice(text) for text in SENTENCES], encoder, layers=[9])


def test_the_command_writes_a_table_and_names_the_published_figure(tiny_encoder, tmp_path):
    gold = tmp_path / "roen.src-tgt"
    gold.write_text("".join(f"{text} ||| {text}\n" for text in SENTENCES))
    links = [" ".join(f"{i}-{i}" for i in range(1, len(t.split()) + 1)) for t in SENTENCES]
    (tmp_path / "roen.gold").write_text("\n".join(links) + "\n")
    out = tmp_path / "out"
    arguments = ["align-quality", str(gold), "--out", str(out), "--encoders", str(tiny_encoder)]
    done = CliRunner().invoke(app, [*arguments, "--layers", "1,2", "--device", "cpu"])
    assert done.exit_code == 0, done.output
    table = pd.read_csv(out / "alignment.csv")
    assert set(table["layer"]) == {1, 2}
    assert np.allclose(table["published"], 27.9)
    record = json.loads((out / "record.json").read_text())
    assert record["environment"]
    assert record["layers"] == [1, 2]
    assert len(record["gold"][str(gold)]) == len(record["encoders"][str(tiny_encoder)]) == 16
    wrong = CliRunner().invoke(app, [*arguments, "--layers", "7"])
    assert wrong.exit_code != 0
