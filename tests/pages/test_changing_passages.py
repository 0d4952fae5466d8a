"""The collections page adds, replaces and deletes passages."""

import json
import shutil

import pytest

from optical_core.data.collection import open_collection
from optical_core.retrieval.compression import Compression
from optical_core.retrieval.windows import Windows
from optical_core.ui.collections.index_size import index_size
from optical_core.ui.collections.long_documents import windows_of
from optical_core.ui.library import Library
from tests.pages.checks import shown


@pytest.fixture
def mine(collection, home):
    """The tiny collection, installed."""
    folder = home / "collections" / "mine"
    shutil.copytree(collection.folder, folder)
    path = folder / "collection.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"name": "mine"}))
    return folder


def field(app, kind, label):
    return next(element for element in app.get(kind) if element.label.startswith(label))


def passages(app):
    return next(element.value for element in app.metric if element.label == "passages")


def test_passages_are_added_replaced_and_deleted(open_page, mine):
    app = open_page("collections", show="mine")
    assert passages(app) == "6"
    field(app, "text_input", "or one passage").set_value("p7")
    field(app, "text_area", "Text").set_value("the wind")
    field(app, "button", "Add or replace").click().run()
    assert [shown(element) for element in app.success] == ["1 passage added, 0 replaced."]
    assert passages(app) == "7"
    field(app, "text_area", "Ids").set_value("p1\np2 p99")
    field(app, "button", "Delete").click().run()
    assert "2 passages deleted; 1 of the ids weren't there." in shown(app.success[0])
    assert passages(app) == "5"
    opened = open_collection(mine)
    assert opened.by_id.keys() == {"p3", "p4", "p5", "p6", "p7"}
    assert opened.by_id["p7"].text == "the wind"


def test_what_cannot_be_done_is_one_sentence_and_the_demo_has_no_form(open_page, mine):
    app = open_page("collections", show="mine")
    for button, values, message in (
        ("Add or replace", {}, "give the passage a text"),
        ("Add or replace", {"or one passage": "a b", "Text": "x"}, "can't be the id"),
        ("Delete", {}, "type the ids"),
        ("Delete", {"Ids": "p99"}, "has no passage 'p99'"),
        ("Delete", {"Ids": "p1 p2 p3 p4 p5 p6"}, "nothing would be left of mine"),
    ):
        for label, value in values.items():
            kind = "text_input" if label == "or one passage" else "text_area"
            field(app, kind, label).set_value(value)
        field(app, "button", button).click().run()
        assert not app.exception
        assert any(message in shown(element) for element in app.error), message
    assert passages(app) == "6"
    assert "Change passages" not in [e.label for e in open_page("collections").expander]


def test_a_collection_with_long_passages_is_indexed_in_windows(open_page, mine, home):
    long = "Rivers carry dissolved salt to the sea. " * 120
    with (mine / "corpus.jsonl").open("a") as file:
        file.write(json.dumps({"_id": "long", "title": "", "text": long}) + "\n")
    app = open_page("collections", show="mine")
    captions = [shown(element) for element in app.caption]
    (loss,) = [text for text in captions if "cut off" in text]
    assert loss.startswith("1 of 7 passages is longer than the 508 tokens that the encoder reads")
    field(app, "number_input", "Window in tokens").set_value(20)
    field(app, "number_input", "Stride").set_value(30)
    field(app, "button", "Index in windows").click().run()
    assert "no token may be left out" in shown(app.error[0])
    field(app, "number_input", "Stride").set_value(20)
    field(app, "button", "Index in windows").click().run()
    assert not app.error
    captions = [shown(element) for element in app.caption]
    assert any(text.startswith("Indexed in windows of 20 tokens, each 20") for text in captions)
    assert windows_of(open_collection(mine)) == Windows(20, 20)


def test_an_index_is_stored_in_a_smaller_form(open_page, mine):
    app = open_page("collections", show="mine")
    assert "Size of the index" not in [e.label for e in app.expander]
    field(app, "button", "Index now").click().run()

    def size():
        return next(shown(e) for e in app.caption if "bytes a passage" in shown(e))

    before = size()
    assert before.startswith("fp16: ")
    field(app, "selectbox", "Bits").set_value(4)
    field(app, "selectbox", "One vector for").set_value(2)
    field(app, "button", "Store it so").click().run()
    assert not app.error
    assert size().startswith("4 bits a dimension, one vector for 2 tokens: ")
    assert size().endswith("% of the exact top ten are kept.")
    assert index_size(Library(), "mine").compression == Compression(bits=4, pool=2)
    field(app, "selectbox", "Bits").set_value(16)
    field(app, "selectbox", "One vector for").set_value(1)
    field(app, "button", "Store it so").click().run()
    assert size() == before
