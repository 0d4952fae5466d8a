"""`optical index --bits --pool --dims`, as a user runs it."""

import json

import numpy as np
import pytest

from optical_core.retrieval.compression import Compression
from optical_core.retrieval.indexing import collection_indexes
from optical_core.retrieval.live_index import LiveIndex
from tests.test_cli_updates import refused, run


def test_a_collection_is_compressed_searched_and_explained(
    tiny_encoder, collection, tmp_path, monkeypatch
):
    new = tmp_path / "new.jsonl"
    new.write_text(json.dumps({"_id": "p2", "text": "the moon is cheese"}) + "\n")
    where, model = collection.folder, ("-m", tiny_encoder)
    run("index", where, *model)
    with monkeypatch.context() as patched:
        patched.setattr(
            "optical_core.models.token_encoder.TokenEncoder.encode",
            lambda *_, **__: pytest.fail("was encoded again"),
        )
        output = run("index", where, *model, "--bits", 4, "--pool", 2)
    assert "6 passages" in output
    assert "compressed: keeps" in output
    assert "of the exact top 10" in output
    (folder,) = collection_indexes(collection)
    index = LiveIndex(folder)
    assert index.compression == Compression(bits=4, pool=2)
    assert run("index", where, *model).startswith("6 passages")  # keeps its form
    run("index", "update", where, new, *model)
    assert index.compression == Compression(bits=4, pool=2)
    for mode in ("exact", "int8", "candidates"):
        output = run("search", where, "why salty ?", *model, "--mode", mode, "--explain", "--json")
        for row in json.loads(output)["results"]:
            shares = [match["contribution"] for match in row["matches"]]
            assert np.isclose(sum(shares), row["score"], atol=2e-4)
    run("index", where, *model, "--bits", 16)
    assert index.compression.plain


def test_an_index_of_ones_own_folder_is_built_compressed(tiny_encoder, collection, tmp_path):
    out = tmp_path / "index"
    output = run("index", collection.folder, "-m", tiny_encoder, "--out", out, "--bits", 2)
    assert "compressed: keeps" in output
    assert json.loads((out / "index.json").read_text())["compression"]["bits"] == 2
    assert not (out / "vectors.f16").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--bits", 3), "can't have 3 bits"),
        (("--dims", 8), "fewer dimensions need fewer bits"),
        (("--bits", 2, "--append", "--out", "x"), "--append keeps their form"),
        (("--pool", 2, "--engine", "lancedb", "--uri", "x"), "belong to the engine local"),
    ],
)
def test_what_can_not_be_compressed_is_refused(collection, tiny_encoder, options, message):
    assert message in refused("index", collection.folder, "-m", tiny_encoder, *options)
