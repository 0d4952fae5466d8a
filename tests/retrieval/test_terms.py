"""Stems and stop words: an option of BM25 and of structured queries, by the passages' language."""

import sys

import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.data.collection import CollectionInfo, Passage, write_collection
from optical_core.errors import InputError
from optical_core.retrieval import terms as module
from optical_core.retrieval.bm25 import BM25, LiveBM25
from optical_core.retrieval.searchers import open_searcher
from optical_core.retrieval.structured_query import StructuredQueries
from optical_core.retrieval.terms import Terms, terms_named
from optical_core.study.evaluate import evaluate, label

PASSAGES = [
    Passage("p1", "", "The fisherman was fishing in the rivers"),
    Passage("p2", "", "The moon and the sun"),
]
GERMAN = [Passage("p1", "", "Die Häuser der Stadt"), Passage("p2", "", "Der Mond und die Sonne")]


@pytest.fixture
def snowball():
    return pytest.importorskip("snowballstemmer", reason='needs pip install ".[words]"')


@pytest.fixture
def no_packages(monkeypatch):
    for name in ("snowballstemmer", "stopwordsiso"):
        monkeypatch.setitem(sys.modules, name, None)
    module._stemmer.cache_clear()
    module._stop_words.cache_clear()


def test_passages_without_a_word_match_nothing():
    bm25 = BM25([Passage("p1", "", ""), Passage("p2", "", "...")])
    assert bm25.search("...") == bm25.search("the sea") == []


def test_by_default_all_words_count_as_they_are():
    assert Terms().of_text("The rivers") == ["the", "rivers"]
    assert [i for i, _ in BM25(PASSAGES).search("the")] == ["p2", "p1"]
    assert BM25(PASSAGES).search("river fish") == []
    assert BM25(PASSAGES).name == "bm25"


@pytest.mark.parametrize(("code", "name"), [("en", "english"), ("fr", "french"), ("fi", "finnish")])
def test_stems_are_snowballs(snowball, code, name):
    text = "fishing rivers chevaux nationales taloissa kirjastossa"
    assert Terms(code, stem=True).of_text(text) == snowball.stemmer(name).stemWords(text.split())


def test_stems_make_forms_of_a_word_match(snowball):
    bm25 = BM25(PASSAGES, Terms(stem=True))
    assert [i for i, _ in bm25.search("river fish")] == ["p1"]
    assert bm25.name == "bm25-stem"
    assert [i for i, _ in BM25(GERMAN, Terms("de", stem=True)).search("Haus")] == ["p1"]
    assert [i for i, _ in BM25(GERMAN, Terms("de-AT", stem=True)).search("Haus")] == ["p1"]


def test_stop_words_are_left_out_of_both_sides():
    bm25 = BM25(PASSAGES, Terms(stop=True))
    assert bm25.search("the and was") == []
    assert [i for i, _ in bm25.search("the moon")] == ["p2"]
    assert Terms("de", stop=True).of_text("Die Häuser der Stadt") == ["häuser", "stadt"]


def test_low_resource_languages_have_stop_words_too():
    pytest.importorskip("stopwordsiso", reason='needs pip install ".[words]"')
    assert Terms("sw", stop=True).of_text("Maji ya bahari na chumvi") == [
        "maji",
        "bahari",
        "chumvi",
    ]


def test_structured_queries_count_translations_with_one_stem_together(snowball):
    lexicon = {"mto": {"river": 0.5, "rivers": 0.3, "the": 0.2}}
    terms = Terms(stem=True, stop=True)
    psq = StructuredQueries(PASSAGES, lexicon, terms)
    assert psq.name == "psq-stem-stop"
    assert psq.search("mto") == StructuredQueries(PASSAGES, {"mto": {"river": 0.8}}, terms).search(
        "mto"
    )
    assert [i for i, _ in psq.search("fished")] == ["p1"]  # it stands for itself
    plain = StructuredQueries(PASSAGES, lexicon)
    assert psq.identity != plain.identity


def test_names_say_the_options():
    pytest.importorskip("snowballstemmer", reason='needs pip install ".[words]"')
    assert terms_named("bm25-stem-stop", "bm25", "en") == Terms(stem=True, stop=True)
    assert terms_named("bm25-stop-stem", "bm25", "en") == Terms(stem=True, stop=True)
    assert terms_named("psq-stop", "psq", "fr") == Terms("fr", stop=True)
    for name in ("bm25-", "bm25-stem-stem", "bm25-x", "bm25stem", "psq-stem", "optical-stem", ""):
        assert terms_named(name, "bm25", "en") is None
    assert label("bm25-stem-stop@human") == "bm25-stem-stop@human"


def test_everything_that_decides_a_ranking_is_in_the_identity(snowball):
    made = [Terms(), Terms(stem=True), Terms(stop=True), Terms("de", stop=True), Terms("de")]
    identities = [BM25(PASSAGES, terms).identity for terms in made]
    assert len(set(identities)) == 4  # without options, the language decides nothing
    assert identities[0] == identities[4]


@pytest.mark.parametrize(
    ("code", "options", "message"),
    [
        ("sw", {"stem": True}, "no stemmer for Swahili.*leave -stem out"),
        ("am", {"stop": True}, "no stop words of Amharic.*leave -stop out"),
        (None, {"stem": True}, '"passage_language": "sw"'),
    ],
)
def test_a_language_without_them_is_one_sentence(code, options, message):
    for package in ("snowballstemmer", "stopwordsiso"):
        pytest.importorskip(package, reason='needs pip install ".[words]"')
    with pytest.raises(InputError, match=message):
        Terms(code, **options)


def test_without_the_extra_it_is_one_sentence(no_packages):
    for code, options in (("en", {"stem": True}), ("sw", {"stop": True})):
        with pytest.raises(InputError, match=r'pip install "optical-workbench\[words\]"'):
            Terms(code, **options)
    assert Terms("en", stop=True).of_text("the sea") == ["sea"]


@pytest.fixture
def german(tmp_path):
    info = CollectionInfo(
        name="stadt",
        licence="CC0",
        source="own",
        languages=("de",),
        parallel=False,
        passage_language="deu",
    )
    return write_collection(
        tmp_path / "stadt", info, GERMAN, {"de": {"q1": "das Haus"}}, {"q1": {"p1": 1}}
    )


def test_a_collection_knows_the_language_of_its_passages(snowball, german, tmp_path):
    assert german.info.passage_language == "de"
    searcher = open_searcher("bm25-stem-stop", german)
    assert isinstance(searcher, LiveBM25)
    assert searcher.terms == Terms("de", stem=True, stop=True)
    assert [i for i, _ in searcher.search("das Haus")] == ["p1"]
    table = evaluate(german, ["bm25", "bm25-stem"], [], tmp_path / "out").measures
    assert dict(zip(table["model"], table["AP"], strict=True)) == {"bm25": 0, "bm25-stem": 1}


def test_the_command_takes_the_names(snowball, german):
    asked = ["search", str(german.folder), "Haus", "--model", "bm25-stem", "--json"]
    result = CliRunner().invoke(app, asked)
    assert '"model": "bm25-stem"' in result.output
    assert '"id": "p1"' in result.output
