"""What is damaged, old, or wanted by two at once; and a clock that goes back."""

import json
import os
import subprocess
import sys
import time

import pytest
import torch

from optical_core.data.collection import Passage
from optical_core.distill import jobs
from optical_core.distill.checkpoints import hashes, last_complete_checkpoint
from optical_core.distill.config import DistillConfig
from optical_core.distill.logs import COMPLETE
from optical_core.errors import InputError
from optical_core.models import embedded, weights
from optical_core.models.pair_store import load_pair
from optical_core.retrieval.indexing import append_to_index, collection_index
from optical_core.retrieval.token_index import TokenIndex
from optical_core.storage import home, replace_folder
from tests.faults.children import together
from tests.test_checksums import inverted


def edit(path, change):
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: edit(folder / "vectors.f16", lambda data: data[:-2]),
        lambda folder: edit(folder / "offsets.i64", lambda data: data[:8] + data[::-1][8:]),
        lambda folder: edit(folder / "ids.json", lambda data: data[:-3]),
        lambda folder: edit(folder / "index.json", lambda data: data[: len(data) // 2]),
        lambda folder: edit(
            folder / "index.json", lambda data: data.replace(b'"format": 1', b'"format": 0')
        ),
        lambda folder: (folder / "vectors.f16").unlink(),
    ],
    ids=["cut", "flipped", "ids", "record", "older format", "missing"],
)
def test_a_damaged_or_old_index_of_the_cache_is_built_again(collection, encoder, change):
    folder = collection_index(collection, encoder).folder
    change(folder)
    with pytest.raises(InputError):
        TokenIndex.open(folder)
    assert len(collection_index(collection, encoder)) == 6


def fake_conversion(monkeypatch, count=None):
    def convert(source, folder):
        if count:
            with count.open("a") as file:
                file.write("x")
            time.sleep(0.3)
        with replace_folder(folder) as temporary:
            weights.write_tensors(temporary / "model.safetensors", {"x": torch.ones(100)})

    monkeypatch.setattr(embedded, "convert", convert)


@pytest.mark.parametrize("left", [0, 3, 100, 400])
def test_weights_of_the_cache_that_were_cut_are_made_again(monkeypatch, left):
    fake_conversion(monkeypatch)
    path = embedded.embedded_folder() / "model.safetensors"
    whole = path.read_bytes()
    edit(path, lambda data: data[:left])
    assert not embedded.is_converted()
    assert (embedded.embedded_folder() / "model.safetensors").read_bytes() == whole


def test_a_tokenizer_of_the_cache_that_is_damaged_is_made_again(tmp_path):
    (tmp_path / "tokenizer.json").write_text('{"pieces": ["a", "b"]}')
    weights.write_tensors(tmp_path / "model.safetensors", {"x": torch.ones(100)})
    weights.write_provenance(tmp_path, model="m", origin="o")
    assert weights.is_whole(tmp_path)
    for name in ("tokenizer.json", "model.safetensors"):
        whole = (tmp_path / name).read_bytes()
        inverted(tmp_path / name, len(whole) - 12)
        assert not weights.is_whole(tmp_path)
        (tmp_path / name).write_bytes(whole)
    edit(tmp_path / "provenance.json", lambda data: data[:9])
    assert not weights.is_whole(tmp_path)


def test_two_that_convert_at_once_convert_once(monkeypatch, tmp_path):
    count = tmp_path / "count"
    fake_conversion(monkeypatch, count)
    assert together(*[embedded.embedded_folder] * 3) == [0, 0, 0]
    assert count.read_text() == "x"


def test_two_that_index_at_once_index_once(collection, encoder, tmp_path):
    count, plain = tmp_path / "count", encoder.encode

    def slow(texts, side, **options):
        with count.open("a") as file:
            file.write("x")
        time.sleep(0.3)
        return plain(texts, side, **options)

    encoder.encode = slow
    assert together(*[lambda: collection_index(collection, encoder)] * 3) == [0, 0, 0]
    assert count.read_text() == "x"


def test_two_that_append_at_once_are_both_there(collection, encoder):
    folder = collection_index(collection, encoder).folder
    plain = encoder.encode

    def slow(texts, side, **options):
        time.sleep(0.2)
        return plain(texts, side, **options)

    encoder.encode = slow

    def adding(name):
        return lambda: append_to_index(folder, [Passage(name, "", name)], encoder)

    assert together(adding("a"), adding("b")) == [0, 0]
    assert {"a", "b", "p1"} <= set(TokenIndex.open(folder).ids)


@pytest.mark.parametrize("damage", ["cut", "flipped", "unmarked", "older"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, damage):
    for step in (2, 4):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "trainable.safetensors").write_bytes(bytes(range(100)))
        (folder / COMPLETE).write_text(json.dumps(hashes(folder)))
    last = tmp_path / "checkpoint-4"
    if damage == "cut":
        edit(last / "trainable.safetensors", lambda data: data[:50])
    elif damage == "flipped":
        edit(last / "trainable.safetensors", lambda data: data[:50] + b"\xff" + data[51:])
    else:
        (last / COMPLETE).unlink()
        if damage == "older":
            (last / "complete").touch()
    assert last_complete_checkpoint(tmp_path) == str(tmp_path / "checkpoint-2")
    assert not last.exists()


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "flipped", "older format"])
def test_a_damaged_student_is_refused_in_one_sentence(tiny_encoder, bitext_file, damage):
    from optical_core.distill.trainer import distill

    config = DistillConfig(
        name="s",
        teacher=str(tiny_encoder),
        bitext=(str(bitext_file),),
        steps=1,
        batch_size=4,
        trainable="encoder",
        bf16=False,
    )
    folder = distill(config, device="cpu", progress=False)
    path = folder / "changed.safetensors"
    if damage == "cut":
        edit(path, lambda data: data[: len(data) // 2])
    elif damage == "flipped":
        edit(path, lambda data: data[:9] + b"\xff" + data[10:])
    else:
        edit(folder / "retriever.json", lambda data: data.replace(b'"format": 1', b'"format": 0'))
    with pytest.raises(InputError) as caught:
        load_pair("s", device="cpu")
    assert "\n" not in str(caught.value)


def test_a_job_is_known_though_the_clock_went_back(monkeypatch):
    command = [sys.executable, "-c", "import time; time.sleep(60)", jobs._WORKER, "one"]
    process = subprocess.Popen(command)
    try:
        config = DistillConfig(name="one", bitext=("demo",))
        record = {"config": config.model_dump(), "created": "", "state": "running", "error": ""}
        jobs._write("one", record)
        jobs._write("one", {"pid": process.pid, "started": time.time() + 3600}, jobs._PROCESS)
        monkeypatch.setattr("psutil.Process.create_time", lambda self: time.time() - 86_400)
        assert jobs.read_job("one").state == "running"
        # Another process has the number now.
        jobs._write("one", {"pid": os.getpid()}, jobs._PROCESS)
        assert jobs.read_job("one").state == "stopped"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"state": "running"}', '{"config": 1}'])
def test_a_damaged_job_is_left_out(text):
    path = home("runs", "one", "job.json")
    path.write_text(text)
    assert jobs.list_jobs() == []
    with pytest.raises(InputError):
        jobs.read_job("one")
