"""What a user has in a folder stays there, whatever is written to `--out`."""

import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.errors import InputError

COMMANDS = {
    "import": ["data", "import", "beir", "COLLECTION"],
    "index": ["index", "COLLECTION", "-m", "MODEL"],
    "index-files": ["index-files", "COLLECTION/corpus.jsonl", "-m", "MODEL"],
    "hub": ["export", "hub", "MODEL"],
    "onnx": ["export", "onnx", "MODEL"],
    "relevance": ["switch", "COLLECTION", "--relevance", "--lexicon", "LEXICON"],
}


def run(command, out, collection, model, lexicon):
    given = {"COLLECTION": collection.folder, "MODEL": model, "LEXICON": lexicon}
    words = [
        word.replace(name, str(given[name])) if (name := word.split("/")[0]) in given else word
        for word in COMMANDS[command]
    ]
    return CliRunner().invoke(app, [*words, "--out", str(out)])


@pytest.fixture
def lexicon(tmp_path):
    folder = tmp_path / "lexicon"
    folder.mkdir()
    (folder / "sw.tsv").write_text("sea\tbahari\n")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_with_other_files_is_refused(
    command, collection, tiny_encoder, lexicon, tmp_path, monkeypatch, request
):
    if command == "onnx":
        request.getfixturevalue("onnx")
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "diary.txt").write_text("mine")
    monkeypatch.chdir(folder)
    for out in ("./", str(folder)):
        done = run(command, out, collection, tiny_encoder, lexicon)
        assert isinstance(done.exception, InputError), (done.output, done.exception)
        assert f"{folder} has other files, and all of it would be replaced" in str(done.exception)
    assert [path.name for path in folder.iterdir()] == ["diary.txt"]


@pytest.mark.parametrize("command", ["import", "index", "index-files", "hub"])
def test_what_a_command_wrote_it_writes_again(command, collection, tiny_encoder, lexicon, tmp_path):
    for _ in range(2):
        done = run(command, tmp_path / "out", collection, tiny_encoder, lexicon)
        assert done.exception is None, (done.output, done.exception)


def test_a_collection_is_not_replaced_by_what_is_read_from_it(collection):
    (collection.folder / "notes.txt").write_text("mine")
    for out in (collection.folder, collection.folder.parent):
        done = CliRunner().invoke(
            app, ["data", "import", "beir", str(collection.folder), "--out", str(out)]
        )
        assert "would be replaced by what is read" in str(done.exception)
    assert (collection.folder / "notes.txt").read_text() == "mine"
