"""A full disk and a folder that can't be written: one sentence, and what was there stays."""

import errno
import shutil
import subprocess

import pytest
import torch

from optical_core.data.collection import open_collection
from optical_core.data.readers import import_collection
from optical_core.errors import InputError
from optical_core.models import embedded, weights
from optical_core.retrieval.indexing import append_to_index, build_index, collection_index
from optical_core.retrieval.token_index import TokenIndex
from optical_core.storage import replace_folder
from optical_core.study.evaluate import evaluate
from optical_core.ui.uploads import keep_bitext
from tests.faults.children import left_over, open_folder, unprivileged, with_small_files
from tests.samples import COLLECTIONS, write_files


def refused(call, match="cannot write"):
    def run():
        with pytest.raises(InputError, match=match) as caught:
            call()
        assert "\n" not in str(caught.value)

    return run


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 kB, where the test may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(small_disk, monkeypatch):
    monkeypatch.setenv("OPTICAL_HOME", str(small_disk / "home"))
    kept = keep_bitext("x.sw.tsv", b"The sea\tBahari\n")
    with pytest.raises(InputError, match="no space left on device; free some space"):
        keep_bitext("y.sw.tsv", b"x" * 100_000)
    with (
        pytest.raises(InputError, match="cannot write"),
        replace_folder(small_disk / "weights") as temporary,
    ):
        weights.write_tensors(temporary / "model.safetensors", {"x": torch.ones(50_000)})
    assert kept.read_bytes() == b"The sea\tBahari\n"
    assert left_over(small_disk) == []


def test_every_writer_tells_it_in_one_sentence(collection, encoder, tmp_path, home, monkeypatch):
    index = tmp_path / "index"
    build_index(index, collection.passages(), encoder)
    source = write_files(tmp_path / "source", COLLECTIONS["beir"])

    def convert(source, folder):
        with replace_folder(folder) as temporary:
            weights.write_tensors(temporary / "model.safetensors", {"x": torch.ones(3)})

    monkeypatch.setattr(embedded, "convert", convert)
    for call in (
        lambda: import_collection("beir", source, home / "collections" / "x"),
        lambda: collection_index(collection, encoder),
        lambda: append_to_index(index, [], encoder),
        lambda: keep_bitext("x.sw.tsv", b"The sea\tBahari\n"),
        lambda: evaluate(collection, ["bm25"], ["en"], tmp_path / "results"),
        embedded.embedded_folder,
    ):
        assert with_small_files(10, refused(call)) == 0
    assert len(TokenIndex.open(index)) == 6
    assert left_over(tmp_path) == []


@pytest.mark.slow
def test_a_training_stops_with_a_sentence_and_goes_on(tiny_encoder, bitext_file, home):
    from optical_core.distill.config import DistillConfig
    from optical_core.distill.trainer import distill

    settings = DistillConfig(
        name="full",
        teacher=str(tiny_encoder),
        bitext=(str(bitext_file),),
        steps=4,
        batch_size=4,
        checkpoint_every=2,
        trainable="encoder",
        bf16=False,
    )
    assert with_small_files(5000, refused(lambda: distill(settings, device="cpu"))) == 0
    assert not (home / "models" / "full").exists()
    assert (distill(settings, device="cpu") / "record.json").is_file()
    assert list((home / "runs" / "full").glob("checkpoint-*")) == []


def test_a_home_that_cannot_be_written_can_be_read(collection, encoder, monkeypatch):
    with open_folder() as name:
        home = open_collection(collection.folder).folder.parent / "unused"
        monkeypatch.setenv("OPTICAL_HOME", f"{name}/home")
        shutil.copytree(collection.folder, f"{name}/home/collections/tiny")
        shared = open_collection("tiny")
        collection_index(shared, encoder)
        encoder.hash = "fedcba9876543210"

        def use():
            assert open_collection("tiny").queries("en")
            refused(lambda: keep_bitext("x", b"x"))()
            refused(lambda: collection_index(shared, encoder))()
            encoder.hash = "0123456789abcdef"
            assert len(collection_index(shared, encoder)) == 6

        from pathlib import Path

        assert unprivileged(Path(name, "home"), use) == 0
        assert not home.exists()


def test_the_command_says_so_too(monkeypatch, capsys):
    from optical_core import cli

    def full():
        raise OSError(errno.ENOSPC, "No space left on device", "/x/y")

    monkeypatch.setattr(cli, "app", full)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    assert capsys.readouterr().err == "optical: cannot write /x/y: no space left on device\n"
