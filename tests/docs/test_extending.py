"""The examples of extending.md, executed as they stand, and what they add used once."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
import torch

from tests.docs.blocks import PAGES, blocks

EXAMPLES = {block.title: block.text for block in blocks(PAGES / "extending.md")}


def execute(title: str, **instead: str) -> None:
    text = EXAMPLES[title]
    for written, read in instead.items():
        text = text.replace(written, read)
    exec(compile(text, title, "exec"), {"__name__": title})


def test_a_backbone(tiny_bert, monkeypatch):
    from optical_core import load_pair
    from optical_core.models import backbones
    from optical_core.models.catalogue import list_models

    monkeypatch.setattr(backbones, "PACKAGED", dict(backbones.PACKAGED))
    monkeypatch.setattr("optical_core.models.catalogue.PACKAGED", backbones.PACKAGED)
    execute("backbone", **{"path/to/house-bert": str(tiny_bert)})
    assert ("house-bert", ("en",)) in [(entry.name, entry.languages) for entry in list_models()]
    student = load_pair("house-bert", device="cpu").student
    assert student.encode_queries(["the sea is salty"])[0].shape == (4, 32)


@pytest.mark.slow
def test_an_objective(tiny_encoder, bitext_file, monkeypatch):
    from optical_core.distill import objectives
    from optical_core.distill.logs import read_log
    from optical_core.distill.settings import resolve_config
    from optical_core.distill.trainer import distill
    from optical_core.errors import InputError
    from optical_core.storage import home

    given = {
        "name": "near",
        "bitext": [str(bitext_file)],
        "teacher": str(tiny_encoder),
        "objective": "nearest",
        "steps": 10,
        "batch_size": 4,
        "lora_rank": 4,
    }
    with pytest.raises(InputError, match=r"objective: must be one of optical, .*, tlm, got"):
        resolve_config(given, None, [], demo=False)
    monkeypatch.setitem(objectives.OBJECTIVES, "nearest", None)
    execute("objective")
    distill(resolve_config(given, None, [], demo=False), device="cpu", progress=False)
    assert 0 <= float(read_log(home("runs", "near") / "log.csv")[-1]["nearest"]) <= 2


def test_a_solver(monkeypatch):
    from optical_core.distill.config import DistillConfig
    from optical_core.transport import METHODS, TransportSettings, solve

    monkeypatch.setitem(METHODS, "independent", None)
    execute("solver")
    cost = torch.rand(2, 3, 4)
    found = solve(
        cost, torch.full((2, 3), 1 / 3), torch.full((2, 4), 1 / 4), TransportSettings("independent")
    )
    assert found.converged.all()
    torch.testing.assert_close(found.cost, cost.mean((1, 2)))
    assert DistillConfig(name="x", bitext=("demo",), solver="independent").solver == "independent"


def test_a_vector_store(tiny_encoder, collection, monkeypatch):
    from optical_core.models.token_encoder import TokenEncoder
    from optical_core.retrieval.indexing import collection_index
    from optical_core.retrieval.vector_stores import STORES, fill_store, open_store

    monkeypatch.setitem(STORES, "memory", None)
    execute("store")
    encoder = TokenEncoder.load(str(tiny_encoder), device="cpu")
    assert fill_store("memory", "here", collection, encoder) == 6
    assert fill_store("memory", "here", collection, encoder) == 0
    (query,) = encoder.encode_queries(["the salty sea"])
    hits = open_store("memory", "here", collection, encoder).search(query, top=3)
    expected = collection_index(collection, encoder).search(query, top=3)
    assert dict(hits) == pytest.approx(dict(expected), abs=2e-4)


def test_a_reader(tmp_path, monkeypatch):
    from optical_core.data.readers import READERS, import_collection

    monkeypatch.setitem(READERS, "faq", None)
    execute("reader")
    (tmp_path / "faq.tsv").write_text("Salt stays behind.\tKwa nini bahari ina chumvi?\n")
    collection = import_collection("faq", tmp_path, tmp_path / "help")
    assert collection.queries("sw") == {"q0": "Kwa nini bahari ina chumvi?"}
    assert collection.qrels("sw") == {"q0": {"d0": 1}}


def test_a_page(monkeypatch):
    from streamlit.testing.v1 import AppTest

    from pages.common.router import PAGES as REGISTRY

    module = ModuleType("pages.lengths")
    exec(compile(EXAMPLES["pages/lengths.py"], "pages/lengths.py", "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "pages.lengths", module)
    monkeypatch.setitem(REGISTRY, "lengths", None)
    execute("page")
    app = AppTest.from_string("from pages.lengths import render\nrender()", default_timeout=60)
    app.run()
    assert not app.exception
    assert [metric.label for metric in app.metric][:2] == ["en", "fr"]
    assert REGISTRY["lengths"][0] == "Lengths"
