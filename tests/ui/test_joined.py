"""Joined models on the search page: what may be typed there, and what is said of them."""

import pytest

from optical_core.data.lexicons import write_lexicon
from optical_core.errors import InputError
from optical_core.models.fusions import Fusion, save_fusion
from optical_core.ui.library import Library
from optical_core.ui.search.joined import explainer, is_joined, members, typed_model

MODELS = ["embedded", "bm25", "mine"]


@pytest.fixture
def started(tmp_path, monkeypatch):
    """The folder in which the app was started."""
    place = tmp_path / "started"
    write_lexicon(place / "lexicon" / "sw.tsv", {"bahari": {"sea": 1.0}})
    monkeypatch.chdir(place)
    return place


def test_what_is_typed_gets_one_form(started):
    typed = " bm25 >> 0.9*embedded + .1*psq@lexicon"
    assert typed_model(typed, MODELS) == "bm25%100>>0.9*embedded+0.1*psq@lexicon"
    assert typed_model("rrf(bm25-stem,mine)", MODELS) == "rrf(bm25-stem,mine)"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("bm25>>embeded", "there is no model 'embeded' here; there is embedded, bm25 and mine"),
        ("bm25>>", "can't be read at its end"),
        ("bm25>>/etc", "is outside"),
        ("0.5*psq@/etc+0.5*bm25", "is outside"),
        ("bm25>>../model", "is outside"),
        ("rrf(bm25,hub/model)", "there is no model 'hub/model' here"),
    ],
)
def test_what_the_browser_may_not_open_is_refused(started, typed, sentence):
    with pytest.raises(InputError, match=sentence):
        typed_model(typed, MODELS)


def test_a_stored_fusion_is_joined_and_explained_by_its_last_stage(home):
    save_fusion(Fusion(name="mine", expression="0.9*embedded+0.1*psq@lexicon"))
    assert is_joined("mine")
    assert not is_joined("embedded")
    assert members("bm25>>mine") == {"bm25", "embedded", "psq"}
    assert explainer("mine") == ""
    assert explainer("mine%50>>bm25%20>>embedded@lexicon") == "embedded"


def test_the_library_knows_joined_models(home, collection, monkeypatch):
    monkeypatch.setattr(Library, "collection", lambda self, name: collection)
    monkeypatch.setattr(Library, "_folder", lambda self, name: collection.folder)
    library = Library()
    save_fusion(Fusion(name="mine", expression="0.9*bm25+0.1*bm25%1"))
    assert "mine" in library.model_names()
    assert "mine" not in library.model_names(token_level=True)
    assert library.description("mine") == library.description("rrf(a,b)") == "joined models"
    assert not library.explains("mine")
    assert library.joins("mine")
    ranking = library.rank("mine", "tiny", "salty water", 10)
    best = [identifier for identifier, _ in ranking.hits]
    shares = library.shares("mine", "tiny", "salty water", best)
    for identifier, score in ranking.hits:
        assert sum(share.share for share in shares[identifier]) == pytest.approx(score, abs=1e-3)
    before = dict(ranking.hits)
    save_fusion(Fusion(name="mine", expression="0.5*bm25+0.5*bm25%1"))
    assert dict(library.rank("mine", "tiny", "salty water", 10).hits) != before
