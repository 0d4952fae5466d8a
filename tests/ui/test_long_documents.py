"""What the collections page says of long passages."""

from optical_core.data.collection import Passage
from optical_core.models.pair import EncoderPair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.indexing import collection_index
from optical_core.retrieval.windows import WHOLE, Windows
from optical_core.ui.collections import long_documents
from optical_core.ui.collections.long_documents import cut_off, windows_line, windows_of
from optical_core.ui.library import Library
from tests.conftest import tiny_collection


def test_what_is_cut_off_is_said_of_the_first_passages(tiny_encoder, home, monkeypatch):
    made = tiny_collection(home / "collections" / "tiny")
    encoder = TokenEncoder.load(str(tiny_encoder), device="cpu")
    pair = EncoderPair.undistilled(encoder)
    monkeypatch.setattr(Library, "pair", lambda *_: pair)
    monkeypatch.setattr(long_documents, "is_converted", lambda: True)
    library = Library()
    assert cut_off(library, "tiny") == ""
    long = Passage("p0", "", "the sea " * 100)
    with (made.folder / "corpus.jsonl").open("a") as file:
        file.write(f'{{"_id": "p0", "text": "{long.text}"}}\n')
    assert cut_off(library, "tiny").startswith("1 of 7 passages is longer than the 61 tokens")
    monkeypatch.setattr(long_documents, "MOST", 6)
    assert cut_off(Library(), "tiny") == ""
    monkeypatch.setattr(long_documents, "is_converted", lambda: False)
    assert cut_off(Library(), "tiny") == ""


def test_how_a_collection_is_indexed(tiny_encoder, collection):
    assert windows_of(collection) == WHOLE
    encoder = TokenEncoder.load(str(tiny_encoder), device="cpu")
    collection_index(collection, encoder, windows=Windows(20, 10, "first"))
    assert windows_of(collection) == Windows(20, 10, "first")
    assert windows_line(windows_of(collection)).endswith("The first one counts.")
