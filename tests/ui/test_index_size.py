"""The size of a collection's index, as the collections page says it."""

import pytest

from optical_core.errors import InputError
from optical_core.models import backbones
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.compression import Compression
from optical_core.retrieval.indexing import collection_index
from optical_core.ui.collections import index_size as module
from optical_core.ui.collections.index_size import index_size
from optical_core.ui.library import Library
from tests.conftest import tiny_collection


def test_an_index_is_measured_again_only_when_it_changes(tiny_encoder, home, monkeypatch):
    collection = tiny_collection(home / "collections" / "tiny")
    encoder = TokenEncoder.load(str(tiny_encoder), device="cpu")
    monkeypatch.setattr(backbones, "EMBEDDED", encoder.name)
    measured = []
    measure = module._measured
    monkeypatch.setattr(module, "_measured", lambda folders: measured.append(1) or measure(folders))
    library = Library()
    assert index_size(library, "tiny") is None
    collection_index(collection, encoder)
    plain = index_size(library, "tiny")
    assert (plain.passages, plain.compression.plain) == (len(collection.by_id), True)
    assert index_size(library, "tiny") == plain
    assert len(measured) == 2
    small = collection_index(collection, encoder, compression=Compression(bits=2))
    assert index_size(library, "tiny").compression.bits == 2
    assert len(measured) == 3
    (small.folder / "index.json").write_text("{}")
    with pytest.raises(InputError, match="damaged"):
        index_size(library, "tiny")
