"""Killed at any change that it makes on disk, work begins anew, and nothing finished is lost."""

import json

import pandas as pd
import pytest
import torch

from optical_core.data.collection import Passage, installed_collections, open_collection
from optical_core.data.readers import import_collection
from optical_core.models import embedded, weights
from optical_core.models.catalogue import list_models
from optical_core.retrieval.indexing import append_to_index, build_index, collection_index
from optical_core.retrieval.token_index import TokenIndex
from optical_core.storage import home, replace_file, replace_folder
from optical_core.study.evaluate import evaluate
from optical_core.study.results import read_results
from optical_core.ui.collections.view import import_upload
from optical_core.ui.uploads import keep_bitext
from tests.faults.children import killed_at, killed_everywhere, left_over
from tests.samples import COLLECTIONS, FOLDER, write_files, zipped


def test_a_file_is_the_old_or_the_new_one(tmp_path):
    target = tmp_path / "x"
    target.write_text("old")

    def write():
        with replace_file(target) as temporary:
            temporary.write_text("new")

    kills = 0
    for _ in killed_everywhere(tmp_path, write):
        kills += 1
        assert target.read_text() in ("old", "new")
        assert len(left_over(tmp_path)) <= 1, "an earlier one was not cleared"
    assert kills >= 3
    assert target.read_text() == "new"
    assert left_over(tmp_path) == []


@pytest.mark.slow
def test_a_folder_is_the_old_or_the_new_one(tmp_path):
    target = home("models", "x")

    def write(text):
        with replace_folder(target) as temporary:
            (temporary / "a").write_text(text)

    write("old")
    kills = 0
    for _ in killed_everywhere(target.parent, lambda: write("new")):
        kills += 1
        # Whoever asks for a path of the home finds things in order.
        assert (home("models", "x") / "a").read_text() in ("old", "new")
        assert left_over(home("models", "x").parent) == []
    assert kills >= 4
    assert (target / "a").read_text() == "new"


@pytest.mark.slow
def test_conversion_of_the_encoder(monkeypatch, home):
    def convert(source, folder):
        with replace_folder(folder) as temporary:
            weights.write_tensors(temporary / "model.safetensors", {"x": torch.ones(3)})
            (temporary / "config.json").write_text("{}")

    monkeypatch.setattr(embedded, "convert", convert)
    for _ in killed_everywhere(home, embedded.embedded_folder):
        folder = embedded.embedded_folder()
        assert sorted(path.name for path in folder.iterdir()) == [
            "config.json",
            "model.safetensors",
        ]
        assert left_over(home) == []
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


@pytest.mark.slow
def test_import_keeps_what_was_installed(tmp_path, home):
    source = write_files(tmp_path / "source", COLLECTIONS["beir"])
    target = home / "collections" / "mine"
    import_collection("beir", source, target)
    for _ in killed_everywhere(home, lambda: import_collection("beir", source, target)):
        found = open_collection("mine")
        assert found.queries("en") == {"q1": "why"}
        assert [collection.name for collection in installed_collections()] == ["demo", "mine"]
        assert left_over(home) == []


@pytest.mark.slow
def test_upload_of_a_collection_and_of_bitext(home):
    data = zipped(FOLDER)

    def upload():
        keep_bitext("x.sw.tsv", b"The sea\tBahari\n")
        if not (home / "collections" / "mine").exists():
            import_upload(data, "folder", "mine")

    kills = list(killed_everywhere(home, upload))
    assert len(kills) > 5
    assert open_collection("mine").queries("en") == {"q1": "why salty"}
    assert keep_bitext("x.sw.tsv", b"The sea\tBahari\n").read_bytes() == b"The sea\tBahari\n"
    assert left_over(home) == []


@pytest.mark.slow
def test_an_index_is_built_anew(collection, encoder, home):
    for _ in killed_everywhere(home, lambda: collection_index(collection, encoder)):
        pass
    assert len(collection_index(collection, encoder)) == 6
    assert left_over(home) == []


@pytest.mark.slow
def test_an_append_loses_nothing(collection, encoder, tmp_path):
    folder = tmp_path / "index"
    build_index(folder, collection.passages(), encoder)
    for number in killed_everywhere(
        tmp_path, lambda: append_to_index(folder, [Passage("new", "", "new")], encoder)
    ):
        index = TokenIndex.open(folder)
        assert len(index) in (6, 7), f"killed at change {number}"
        assert left_over(tmp_path) == []
        if len(index) == 7:
            break
    assert "p1" in TokenIndex.open(folder).ids


def test_an_evaluation_comes_to_the_same_numbers(collection, tmp_path):
    def run(name):
        return evaluate(collection, ["bm25"], ["en", "sw"], tmp_path / name)

    run("straight")
    kills = sum(killed_at(number, tmp_path / "out", lambda: run("out")) for number in (2, 9, 25))
    assert kills == 3
    run("out")
    tables = [read_results(tmp_path / name).table for name in ("out", "straight")]
    pd.testing.assert_frame_equal(*tables)
    assert left_over(tmp_path / "out") == []


def test_half_written_work_is_never_listed(home):
    for parent, name in (("models", "retriever.json"), ("collections", "collection.json")):
        half = home / parent / ".x.new-0-1-2-3"
        half.mkdir(parents=True)
        (half / name).write_text(json.dumps({}))
    names = [entry.name for entry in list_models()]
    assert not any(name.startswith(".") for name in names)
    assert [collection.name for collection in installed_collections()] == ["demo"]


@pytest.mark.parametrize("other", ["machine", "process"])
def test_what_the_living_write_stays(tmp_path, other):
    from optical_core import storage

    machine = "0" * 8 if other == "machine" else storage._MACHINE
    living = tmp_path / f".x.new-{machine}-1-abc-def"
    living.write_text("half")
    with replace_file(tmp_path / "x") as temporary:
        temporary.write_text("whole")
    assert living.exists()
