"""`optical index update|delete|compact`, as a user runs them."""

import json

import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.data import changes
from optical_core.data.collection import open_collection
from optical_core.errors import InputError

runner = CliRunner()


def run(*arguments):
    """Output of a command."""
    result = runner.invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def refused(*arguments):
    """The sentence of a command that fails."""
    failure = runner.invoke(app, list(map(str, arguments))).exception
    assert isinstance(failure, InputError), failure
    return str(failure)


@pytest.fixture
def new(tmp_path):
    """A file that replaces p2 and adds p7."""
    rows = [
        {"_id": "p2", "title": "Moon", "text": "the moon is cheese", "year": 2024},
        {"_id": "p7", "text": "the wind", "source": "bbc"},
    ]
    path = tmp_path / "new.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def found(collection, model, *options, query="moon cheese"):
    """id -> text, of all that is found."""
    output = run("search", collection.folder, query, "-m", model, "-k", 20, "--json", *options)
    return {row["id"]: row["text"] for row in json.loads(output)["results"]}


@pytest.mark.slow
@pytest.mark.parametrize("out", [True, False])
def test_passages_are_added_replaced_and_deleted(tiny_encoder, collection, new, tmp_path, out):
    made = ("--out", tmp_path / "index") if out else ()
    where = ("--index", tmp_path / "index") if out else ()
    run("index", collection.folder, "-m", tiny_encoder, *made)
    output = run("index", "update", collection.folder, new, "-m", tiny_encoder, *where)
    assert "1 passage added, 1 replaced, 2 encoded" in output
    texts = found(collection, tiny_encoder, *where)
    assert set(texts) == {f"p{number}" for number in range(1, 8)}
    assert texts["p2"] == "the moon is cheese"
    again = run("index", "update", collection.folder, new, "-m", tiny_encoder, *where)
    assert "0 passages added, 2 replaced, 0 encoded" in again
    (tmp_path / "gone").write_text("p1\n\np99\n")
    output = run("index", "delete", collection.folder, "p7", "--ids", tmp_path / "gone", *where)
    assert "2 passages deleted, 1 weren't there" in output
    assert set(found(collection, tiny_encoder, *where)) == {f"p{number}" for number in range(2, 7)}
    before = found(collection, tiny_encoder, *where)
    run("index", "compact", collection.folder, *where)
    assert found(collection, tiny_encoder, *where) == before
    assert not (collection.folder / changes.FILE).exists()
    corpus = (collection.folder / "corpus.jsonl").read_text()
    assert "cheese" in corpus
    assert "p1" not in corpus
    assert open_collection(collection.folder).by_id["p2"].fields == {"year": 2024}
    assert found(collection, "bm25", query="cheese wind salty") == {"p2": "the moon is cheese"}


def test_only_passages_that_fulfil_a_condition_are_found(collection, new):
    corpus = collection.folder / "corpus.jsonl"
    corpus.write_text(corpus.read_text() + new.read_text().splitlines()[1] + "\n")
    arguments = (collection.folder, "the wind is in the sea", "-m", "bm25", "--json", "--where")
    output = run("search", *arguments, "source = 'bbc' or _id = 'p1'")
    fields = {row["id"]: row["fields"] for row in json.loads(output)["results"]}
    assert fields == {"p1": {}, "p7": {"source": "bbc"}}
    assert "there are _id, title, source" in refused("search", *arguments, "yaer > 2000")
    assert "may only compare fields" in refused("search", *arguments, "(select 1)")


@pytest.mark.slow
def test_an_index_alone_is_changed_by_itself(tiny_encoder, collection, new, tmp_path):
    index = tmp_path / "alone"
    run("index", collection.folder, "-m", tiny_encoder, "--out", index)
    output = run("index", "update", index, new, "-m", tiny_encoder)
    assert "1 passage added, 1 replaced" in output
    assert "1 passage deleted" in run("index", "delete", index, "p1")
    run("index", "compact", index)
    message = refused("search", collection.folder, "wind", "-m", tiny_encoder, "--index", index)
    assert "a passage 'p7' that tiny lacks" in message
    assert len(open_collection(collection.folder).by_id) == 6


@pytest.mark.slow
def test_what_is_wrong_is_one_sentence(tiny_encoder, collection, new, tmp_path):
    folder, model = collection.folder, ("-m", tiny_encoder)
    alone = tmp_path / "alone"
    run("index", folder, *model, "--out", alone)
    (tmp_path / "twice.jsonl").write_text(2 * '{"_id": "a", "text": "x"}\n')
    cases = {
        "comes with the package": ("update", "demo", new, *model),
        "package and stays": ("delete", "demo", "earth-11b"),
        "and stays as it is": ("compact", "demo"),
        "has none of the 1 passage": ("delete", folder, "p99"),
        "name the passages": ("delete", folder),
        "nothing would be left": ("delete", folder, *(f"p{number}" for number in range(1, 7))),
        "comes twice": ("update", folder, tmp_path / "twice.jsonl", *model),
        "no such file": ("update", folder, tmp_path / "none.jsonl", *model),
        "belong to a collection": ("delete", alone, "p1", "--index", alone),
        "takes --index": ("update", folder, new, "--uri", "x", *model),
        "no collection 'nothing'": ("compact", "nothing"),
    }
    for message, arguments in cases.items():
        assert message in refused("index", *arguments), message
    assert not (folder / changes.FILE).exists()


def test_the_present_usage_is_unchanged_and_the_help_names_the_subcommands(collection):
    shown = runner.invoke(app, ["index", "-h"]).output
    assert "Example:  optical index demo" in shown
    assert "update, delete and compact" in shown
    for name in ("update", "delete", "compact"):
        assert f"Example:  optical index {name}" in runner.invoke(app, ["index", name, "-h"]).output
    assert "Missing argument 'collection'" in runner.invoke(app, ["index"]).output
    assert "no collection 'x'" in refused("index", "--batch-size", 3, "x")


def test_an_invisible_sign_in_a_file_of_ids_is_told_with_its_line(collection, tmp_path):
    (tmp_path / "ids.txt").write_text("p1\n\ufeffp2\n", "utf-8")
    sentence = refused("index", "delete", collection.folder, "--ids", tmp_path / "ids.txt")
    assert "ids.txt, line 2: '\\ufeffp2' can't be the id" in sentence
    assert "p1" in open_collection(str(collection.folder)).by_id
