"""What a user has in a folder stays there, whatever is written to `--out`."""

import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.data.changes import change_corpus, compact_corpus
from optical_core.data.collection import open_collection
from optical_core.data.corpus import Passage
from optical_core.errors import InputError
from optical_core.study.translations import translate_queries

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


def test_nothing_is_written_over_what_is_read(collection, tiny_encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(collection.folder)
    texts = {
        "topics.tsv": "q1\tthe sea\n",
        "sw.tsv": "the sea\tbahari\n",
        "switched.sw.tsv": "the sea\tbahari\n",
        "story.yaml": "title: x\nsteps:\n- {title: One, view: '/gaps?results=xquad_r'}\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    model, before = str(tiny_encoder), sorted(tiny_encoder.iterdir())
    for words in (
        ["evaluate", str(collection.folder), "--models", "bm25", "--out", "link"],
        ["search", "link", "--queries", "topics.tsv", "-m", "bm25", "--out", "./topics.tsv"],
        ["lexicon", "sw.tsv", "--aligner", "ot", "--encoder", model, "--out", "."],
        ["switch", "switched.sw.tsv", "--lexicon", "sw.tsv", "--out", "."],
        ["story", "export", "story.yaml", "--out", "story.yaml"],
        ["export", "hub", model, "--out", model],
    ):
        failure = CliRunner().invoke(app, words).exception
        assert isinstance(failure, InputError), failure
        assert str(failure).endswith("is read here, and would be replaced: write to another place")
    assert {name: (tmp_path / name).read_text() for name in texts} == texts
    assert not (collection.folder / "record.json").exists()
    assert sorted(tiny_encoder.iterdir()) == before


def test_translations_do_not_go_among_the_queries(collection):
    with pytest.raises(InputError, match="is read here, and would be replaced"):
        translate_queries(collection, None, ["sw"], collection.folder / "queries")


def test_an_import_does_not_replace_a_collection_that_was_updated_since(collection, home):
    words = ["data", "import", "beir", str(collection.folder), "--out", "mine"]
    for _ in range(2):  # as it was imported, it may be imported again
        assert CliRunner().invoke(app, words).exit_code == 0
    folder = home / "collections" / "mine"
    change_corpus(folder, [Passage("new", "", "The sea")], [])
    for _ in range(2):  # also when the changes are part of the corpus
        refused = CliRunner().invoke(app, words).exception
        assert isinstance(refused, InputError)
        assert "has been updated since it was imported" in str(refused)
        compact_corpus(folder)
    assert "new" in {passage.id for passage in open_collection("mine").passages()}
