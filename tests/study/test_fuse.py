"""Weights that are fitted: on planted data, by the command, and what is refused."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.data.collection import CollectionInfo, Passage, write_collection
from optical_core.data.lexicons import write_lexicon
from optical_core.errors import InputError
from optical_core.models.fusions import find_fusion
from optical_core.retrieval.searcher import Searcher
from optical_core.study import fuse
from optical_core.study.evaluate import evaluate


class Noisy(Searcher):
    """Gives the relevant passage of a query a mean score of 1, and all others 0, with noise."""

    identity = "noisy"

    def __init__(self, name, noise, seed):
        self.name = name
        self.noise, self.generator = noise, np.random.default_rng(seed)

    def rank(self, queries, *, top=10, among=None):
        found = []
        for query in queries:
            scores = self.generator.normal(0, self.noise, 20)
            scores[int(query.text) % 20] += 1
            hits = [(f"p{n}", float(score)) for n, score in enumerate(scores)]
            found.append(sorted(hits, key=lambda hit: -hit[1])[:top])
        return found


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A collection, and models that find more of it together: good, other; useless doesn't."""
    queries = {code: {f"q{n}": str(n) for n in range(80)} for code in ("en", "sw")}
    qrels = {f"q{n}": {f"p{n % 20}": 1} for n in range(80)}
    info = CollectionInfo(
        name="planted", licence="CC0", source="the tests", languages=("en", "sw"), parallel=True
    )
    passages = [Passage(f"p{n}", "", f"text {n}") for n in range(20)]
    collection = write_collection(tmp_path / "planted", info, passages, queries, qrels)
    kinds = {"good": (0.4, 1), "other": (0.5, 2), "useless": (50.0, 3)}

    def searchers(model, collection, codes, **options):
        noisy = Noisy(model, *kinds[model])
        return {code: (noisy, collection.queries(code)) for code in codes}

    monkeypatch.setattr(fuse, "searchers_by_language", searchers)
    return collection


def test_two_models_that_err_differently_gain_on_queries_that_were_held_out(planted):
    fitted = fuse.fit_weights("both", ["good", "other"], planted)
    best = max(fitted.single.values())
    assert fitted.held_out > best + 0.02
    assert fitted.gain == pytest.approx(fitted.held_out - best, abs=1e-9)
    assert 0 < fitted.interval[0] < fitted.gain < fitted.interval[1]
    first, second = (part.split("*") for part in fitted.fusion.expression.split("+"))
    assert 0.3 <= float(first[0]) <= 0.8
    assert (first[1], second[1]) == ("good", "other")
    assert fitted.fusion.record["queries"] == 80


def test_a_model_that_finds_nothing_gets_no_weight(planted):
    fitted = fuse.fit_weights("alone", ["good", "useless"], planted)
    assert fitted.fusion.expression.startswith(("good", "0.95*good", "0.9*good"))
    assert abs(fitted.gain) < 0.03


@pytest.mark.parametrize(("count", "size"), [(2, 21), (3, 66), (4, 286)])
def test_the_grid_has_each_model_alone_and_adds_up_to_one(count, size):
    grid = list(fuse.weightings(count))
    assert len(grid) == len(set(grid)) == size
    assert grid[:count] == [tuple(map(float, row)) for row in np.eye(count)]
    assert all(sum(weights) == pytest.approx(1) for weights in grid)


@pytest.mark.parametrize(
    ("models", "options", "sentence"),
    [
        (["good"], {}, "a fusion joins 2 to 4 models, got 1"),
        (["good", "good"], {}, "joins different models, got good and good"),
        (["good", "other"], {"name": "a/b"}, "the name of a fusion: letters, digits"),
        (["good", "other"], {"folds": 1}, "at least 2 folds, got 1"),
        (["good", "other"], {"folds": 200}, "80 judged queries for 200 folds"),
        (["good", "other"], {"name": "bm25"}, "'bm25' names another model, a known baseline"),
        (["good", "other"], {"measure": "nDGC@10"}, "there is no measure 'nDGC'"),
        (["good", "other"], {"measure": "R@2000"}, "R@2000 needs a depth of at least 2,000"),
    ],
)
def test_what_cannot_be_fitted_is_a_sentence(planted, models, options, sentence):
    with pytest.raises(InputError, match=sentence):
        fuse.fit_weights(options.pop("name", "both"), models, planted, **options)


def test_the_command_keeps_a_fusion_that_every_command_knows(collection, tmp_path, home):
    write_lexicon(tmp_path / "lexicon" / "sw.tsv", {"mji": {"city": 1.0}})
    models = ["bm25@human", f"psq@{tmp_path / 'lexicon'}"]
    arguments = ["fuse", *models, "--on", str(collection.folder), "--name", "mine"]
    done = CliRunner().invoke(app, [*arguments, "--languages", "sw", "--folds", "3"])
    assert done.exit_code == 0, done.output
    assert f"MAP 0.9000  {models[0]}" in done.output
    assert "on queries that the weights weren't chosen on: +0.0000" in done.output
    fusion = find_fusion("mine")
    assert fusion.record["collection"] == "tiny"
    listed = json.loads(CliRunner().invoke(app, ["models", "--json"]).stdout)
    assert ("mine", "fusion") in [(entry["name"], entry["kind"]) for entry in listed]
    found = evaluate(collection, ["mine"], ["sw"], tmp_path / "out")
    rows = found.measures[["model", "AP"]].round(4).to_dict("records")
    assert rows == [{"model": "mine", "AP": 0.9}]
