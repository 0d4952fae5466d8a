"""Addresses as the pages write them: each opens, shows what it names, and stays."""

import json
import shutil
from urllib.parse import urlencode

import pytest

from optical_core.study.evaluate import evaluate
from optical_core.ui.address import Address
from optical_core.ui.library import Library
from optical_core.ui.still import Flow, Picture
from optical_core.ui.stories.views import PAGES as VIEWS
from optical_core.ui.stories.views import view_parts
from tests.pages.checks import flows, shown

LINKS = {
    "": [
        ({}, "OPTICAL Workbench"),
        ({"lang": "sw"}, "Transport cost"),
    ],
    "alignment": [
        ({}, "Cost ⟨P, C⟩"),
        ({"lang": "sw", "need": "q2"}, "embedded"),
        ({"other": "sw", "need": "q3", "unit": "token"}, "embedded"),
        ({"lang": "sw", "a": "maji ya bahari", "b": "sea water"}, "embedded"),
        ({"show": "heatmap", "norm": "True", "min": "0.05"}, "A disc is mass"),
        ({"show": "chips", "model": "embedded"}, "Each chip is a token"),
        ({"solver": "sinkhorn", "eps": "0.1"}, "sinkhorn"),
        ({"solver": "ipot", "eps": "0.01"}, "ipot"),
        ({"solver": "unbalanced", "eps": "1.0"}, "unbalanced"),
        ({"marginals": "mask-augmented"}, "between [MASK]s"),
        ({"pin": "left.0"}, "One token is pinned"),
        ({"view": "many", "many": "sw", "texts": "so: biyo"}, "tokens a word"),
        ({"sentence": "2"}, "embedded"),
    ],
    "search": [
        ({}, "embedded"),
        ({"in": "elsewhere", "lang": "en", "need": "q3"}, "City"),
        ({"in": "mixed", "lang": "sw", "model": "bm25", "within": "sw"}, "violet-badge[Swahili]"),
        ({"lang": "sw", "need": "q2", "model": ["embedded", "bm25"], "top": "10"}, "Fish"),
        ({"q": "salty sea", "model": "embedded", "why": "embedded:p1"}, "add up to"),
        (
            {"q": "sea water", "model": "bm25", "compare": "True", "win": "bm25:p6"},
            "is ahead by",
        ),
    ],
    "gaps": [
        ({}, "embedded"),
        (
            {"results": "elsewhere", "measure": "nDCG@10", "baseline": "bm25"},
            "An arrow leads from bm25 to a model",
        ),
        ({"model": "bm25", "lang": "sw", "high": "sw", "low": "en"}, "Left out"),
        ({"form": "waterfall", "at": "low-resource", "versus": "bm25"}, "Orange widens it"),
        ({"at": "sw", "change": ["gain", "loss"], "hard": "easy"}, "quer"),
        ({"measure": "RR", "details": "numbers"}, "embedded"),
        ({"on": "elsewhere"}, "Evaluate models on this machine"),
        ({"details": "tests"}, "Holm's correction over the rows"),
        ({"details": "predictors"}, "Measure fertility and transport costs"),
        ({"results": "many", "details": "predictors", "terms": "latin"}, "Least squares"),
        ({"results": "mixed", "details": "languages"}, "How many of the first passages"),
        ({"results": "tiny (study trial)"}, "a study on this machine"),
    ],
    "inspector": [
        ({}, "Gain most from embedded to bm25"),
        ({"results": "elsewhere", "query": "q1", "at": "sw"}, "Search in Swahili"),
        ({"results": "elsewhere", "query": "q1", "at": "en", "compare": "True"}, "on different"),
        ({"model": "embedded", "baseline": "bm25"}, "Gain most from bm25 to embedded"),
        ({"measure": "P@10", "lang": "sw", "show": "level"}, "Left out"),
        ({"results": "tiny (study trial)", "query": "q2"}, "Install the collection"),
    ],
    "collections": [
        ({"lang": "sw"}, "kwa nini bahari ni chumvi ?"),
        ({"show": "elsewhere"}, "Source: the tests"),
        ({"show": "mixed"}, "Passages by language: English 3, Swahili 3, French 3"),
    ],
    "judge": [
        ({"in": "elsewhere"}, "Give your name to begin"),
        ({"in": "elsewhere", "judge": "ann", "lang": "sw"}, "kwa nini bahari ni chumvi ?"),
    ],
    "stories": [
        ({}, "This story came with the app"),
        ({"story": "somali", "step": "3"}, "Copy it"),
    ],
    "train": [
        ({}, "New teacher"),
        ({"from": "folder", "objective": "greedy", "train": "full", "steps": "7"}, "Start"),
        ({"dev": "demo", "from": "upload"}, "Start"),
    ],
}
"""Page -> (address, a text that is shown then)."""


MEASURED = {"embedded": (0.25, 0.5, 1), "bm25": (1, 0.125, 0.5)}
"""Model -> value of each query, in every measure and language."""


@pytest.fixture
def measured(demo, home, collection, mixed, many_languages):
    """Another collection, evaluations of both, one in many languages, one of a study."""
    folder = home / "collections" / "elsewhere"
    shutil.copytree(collection.folder, folder)
    info = json.loads((folder / "collection.json").read_text())
    (folder / "collection.json").write_text(json.dumps(info | {"name": "elsewhere"}))
    measures = ("AP", "nDCG@10", "R@100", "P@10", "RR", "AP@100", "AP@10")

    def write(folder, name, **told):
        for model, values in MEASURED.items():
            (folder / model).mkdir(parents=True)
            rows = [f"q{n},{','.join([str(v)] * len(measures))}" for n, v in enumerate(values, 1)]
            for code in ("en", "sw"):
                table = "\n".join([f"query,{','.join(measures)}", *rows, ""])
                (folder / model / f"{code}.csv").write_text(table)
        record = {"collection": {"name": name}, "parallel": True, "models": list(MEASURED)}
        (folder / "record.json").write_text(json.dumps(record | told))

    items = [{"language": "", "query": "q1", "passage": f"p{n}"} for n in (1, 2)]
    pool = {"collection": "elsewhere", "models": ["bm25"], "depth": 2, "items": items}
    (home / "judging" / "elsewhere").mkdir(parents=True)
    (home / "judging" / "elsewhere" / "pool.json").write_text(json.dumps(pool))
    write(home / "results" / "demo", "demo")
    write(home / "results" / "elsewhere", "elsewhere")
    write(home / "studies" / "trial" / "results" / "tiny", "tiny", study="trial")
    many_languages("many")
    evaluate(mixed, ["bm25"], [], home / "results" / "mixed")


def texts(app) -> str:
    """All that the page shows as text, the labels of its controls and links included."""
    written = ("title", "header", "markdown", "caption", "text", "info")
    labelled = ("page_link", "button", "expander")
    return "\n".join(
        [
            *(shown(element) for kind in written for element in app.get(kind)),
            *(element.proto.label for kind in labelled for element in app.get(kind)),
            *(element.proto.body for element in app.get("html")),
        ]
    )


def kept(app, key: str) -> str | list[str]:
    """A parameter after the run; what is the default leaves the address for the session."""
    value = app.query_params[key] if key in app.query_params else app.session_state[key]
    parts = [str(part) for part in (value if isinstance(value, list) else [value])]
    return parts[0] if len(parts) == 1 else parts


@pytest.mark.slow
@pytest.mark.parametrize("page", LINKS)
def test_a_deep_link_shows_what_it_names(page, measured, open_page):
    library = Library()
    for address, text in LINKS[page]:
        app = open_page(page, **address)
        assert not app.error, (address, app.error[0].value)
        assert text in texts(app), (address, texts(app))
        assert {key: kept(app, key) for key in address} == address
        if page in VIEWS and page != "train" and "Install the collection" not in texts(app):
            assert_a_still_shows_the_same(library, app, f"{page}?{urlencode(address, doseq=True)}")


def assert_a_still_shows_the_same(library: Library, app, address: str) -> None:
    """What a story would show of the view: its pictures are those of the page."""
    stills = [make() for make in view_parts(library, Address.parse(address)).values()]
    blocks = [block for columns in stills for column in columns for block in column]
    assert blocks
    pictures = [json.loads(element.proto.spec)["data"] for element in app.get("plotly_chart")]
    plans = [{**plan, "pins": 0, "label": 0} for plan in flows(app)]
    for block in blocks:
        if isinstance(block, Picture):
            assert json.loads(block.draw(dark=False).to_json())["data"] in pictures, (
                address,
                block.title,
            )
        if isinstance(block, Flow):
            assert {**json.loads(json.dumps(block.data)), "pins": 0, "label": 0} in plans, address
