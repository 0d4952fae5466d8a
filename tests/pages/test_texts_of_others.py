"""Names, texts and errors that aren't ours are never Markdown or HTML, whatever shows them."""

import json
import re
import shutil
from collections.abc import Iterator

import pytest
from google.protobuf.message import Message

from optical_core.data.collection import CollectionInfo, Passage, write_collection
from optical_core.study.results import write_values

HOSTILE = "![zq](zq.png) [zq](zq) <img src=zq> :red[zq] **zq** `zq` $zq$ www.zq.test"
RAW = ("![zq", "[zq](", "<img src=zq", ":red[zq", "**zq*", "`zq`", "$zq$", "www.zq")
PLAIN = {
    # Streamlit shows these as they are.
    ("Text", "body"),
    ("Selectbox", "options"),
    ("Selectbox", "raw_value"),
    ("Json", "body"),
    ("MultiSelect", "options"),
    ("MultiSelect", "raw_values"),
    ("TextInput", "placeholder"),
    ("TextInput", "default"),
    ("TextInput", "value"),
    ("PageLink", "query_string"),
    ("PlotlyChart", "config"),
    # The scripts of optical_core/ui/browser only make text of it.
    ("BidiComponent", "json"),
    ("PlotlyChart", "alt"),
}
MARKUP = {("Html", "body"), ("PlotlyChart", "spec")}
"""HTML, or the bit of it that Plotly reads: Markdown is nothing to them."""


def strings(message: Message) -> Iterator[tuple[tuple[str, str], str]]:
    """((message, field), text) of every text in a message."""
    for field, value in message.ListFields():
        for one in value if field.is_repeated else [value]:
            if isinstance(one, Message):
                yield from strings(one)
            elif isinstance(one, str) and field.name not in ("id", "element_id", "key"):
                yield (message.DESCRIPTOR.name, field.name), one


def nodes(node) -> Iterator:
    yield node
    for child in getattr(node, "children", {}).values():
        yield from nodes(child)


def assert_plain(app) -> None:
    """No text of the page is Markdown or HTML by what HOSTILE holds, and HOSTILE is there."""
    seen = 0
    for node in nodes(app._tree):
        message = getattr(node, "proto", None)
        for place, text in strings(message) if isinstance(message, Message) else ():
            seen += "zq" in text
            if place in MARKUP:
                assert "<img" not in text, (place, text[:300])
            elif place not in PLAIN:
                bare = re.sub(r"\\\W", "", text)
                assert not [raw for raw in RAW if raw in bare], (place, text[:300])
    assert seen


@pytest.fixture
def hostile(with_embedded, demo, home):
    """A collection, evaluations, a training, a gold file: all their texts are hostile."""
    info = CollectionInfo(
        name=HOSTILE,
        description=HOSTILE,
        licence=HOSTILE,
        source=HOSTILE,
        languages=("en", "sw"),
        parallel=True,
    )
    identifier = HOSTILE.replace(" ", "_")
    queries = {f"q{n}_{identifier}": f"{HOSTILE} {n}" for n in range(4)}
    write_collection(
        home / "collections" / HOSTILE,
        info,
        [Passage(f"p{n}", HOSTILE, f"{HOSTILE} sea") for n in range(2)],
        {"en": queries, "sw": queries},
        {query: {"p0": 1} for query in queries},
    )
    folder = home / "results" / "x"
    for model, level in ((HOSTILE, 0.9), ("embedded", 0.8), ("bm25", 0.2)):
        for code, loss in (("en", 0), ("sw", 0.1)):
            values = {q: level - loss - n / 50 for n, q in enumerate(queries)}
            write_values(folder / model / f"{code}.csv", dict.fromkeys(("AP", "nDCG@10"), values))
    record = {"collection": {"name": HOSTILE}, "parallel": True, "languages": ["en", "sw"]}
    (folder / "record.json").write_text(json.dumps(record))
    run = home / "runs" / "student" / "job.json"
    run.parent.mkdir(parents=True)
    job = {
        "config": {"name": "student", "bitext": [HOSTILE]},
        "created": "2026",
        "state": "failed",
        "error": HOSTILE,
    }
    run.write_text(json.dumps(job))


VIEWS = [
    ("collections", {"show": HOSTILE}),
    ("gaps", {"results": HOSTILE, "baseline": HOSTILE, "details": "tests"}),
    ("gaps", {"results": HOSTILE, "details": "predictors"}),
    ("inspector", {"results": HOSTILE, "model": HOSTILE, "baseline": "embedded"}),
    ("train", {}),
    ("alignment", {"a": HOSTILE, "model": ["embedded"], "show": "chips"}),
    ("alignment", {"gold": f"/nowhere/{HOSTILE}", "model": ["embedded"]}),
    ("search", {"in": HOSTILE, "q": HOSTILE, "model": ["bm25"]}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "query"), VIEWS, ids=[f"{i}-{v[0]}" for i, v in enumerate(VIEWS)])
def test_a_page_shows_them_as_they_are(hostile, open_page, page, query):
    assert_plain(open_page(page, **query))


def test_names_of_a_server_are_shown_as_they_are(tiny_encoder, collection, tmp_path, monkeypatch):
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    from optical_core.serve.app import create_app
    from optical_core.serve.holdings import load_holdings
    from tests.pages.test_search_with_a_server import opened
    from tests.serve.running import running

    model = shutil.copytree(tiny_encoder, tmp_path / HOSTILE)
    holdings = load_holdings([str(collection.folder)], [str(model), "bm25"], device="cpu")
    with running(create_app(holdings)) as address:
        monkeypatch.setenv("OPTICAL_SERVER", address)
        assert_plain(opened(lang="en", need="q1"))
