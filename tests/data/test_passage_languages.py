"""Passages in several languages: what they say of themselves, and filters by it."""

import json

import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.data.corpus import Passage
from optical_core.data.quality import check_collection
from optical_core.data.where import in_languages
from optical_core.errors import InputError


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"lang": "swa"}, "sw"),
        ({"language": "zho_Hant"}, "zh-Hant"),
        ({"lang": "xx", "language": "de"}, None),
        ({"lang": 3}, None),
        ({}, None),
    ],
)
def test_a_passage_says_its_language_in_any_form(fields, code):
    assert Passage("p", "", "", fields).language == code


def test_passages_are_chosen_by_their_language(mixed, collection):
    assert mixed.corpus.languages == {"en": 3, "sw": 3, "fr": 3}
    assert mixed.corpus.among("", ["sw"]) == {"p1-sw", "p2-sw", "p3-sw"}
    assert mixed.corpus.among("_id like 'p1%'", ["sw", "fr"]) == {"p1-sw", "p1-fr"}
    assert mixed.corpus.among("") is None
    assert mixed.corpus.language_of(None)["p2-fr"] == "fr"
    assert collection.corpus.language_of("en") == {}
    with pytest.raises(InputError, match="Somali: their `lang` is en, sw and fr"):
        mixed.corpus.among("", ["so"])
    with pytest.raises(InputError, match="in Swahili: their `lang` is missing"):
        collection.corpus.among("", ["sw"])
    assert in_languages([]) == ""


def test_passages_that_do_not_say_theirs_are_in_the_collections_language(tmp_path, mixed):
    other = Passage("p9", "", "hakuna")
    path = mixed.folder / "corpus.jsonl"
    path.write_text(path.read_text() + json.dumps(other.as_row()) + "\n")
    found = mixed.refreshed().corpus
    assert found.language_of("sw")["p9"] == "sw"
    assert "p9" not in found.language_of(None)
    assert found.matching("_language is null") == {"p9"}


def test_one_language_beside_the_collections_own_makes_two(collection):
    path = collection.folder / "corpus.jsonl"
    row = {"_id": "p9", "text": "bahari", "lang": "swa"}
    path.write_text(path.read_text() + json.dumps(row) + "\n")
    corpus = collection.refreshed().corpus
    assert (corpus.language_of("en")["p9"], corpus.language_of("en")["p1"]) == ("sw", "en")
    assert corpus.language_of(None) == corpus.language_of("sw") == {}


def test_languages_that_are_not_known_are_problems_of_a_collection(mixed):
    path = mixed.folder / "corpus.jsonl"
    rows = [{"_id": f"x{n}", "text": f"text {n}", "lang": "klingon"} for n in range(2)]
    rows += [{"_id": "x2", "text": "text 2", "lang": 7}, {"_id": "x3", "text": "3", "lang": None}]
    path.write_text(path.read_text() + "".join(json.dumps(row) + "\n" for row in rows))
    problems = check_collection(mixed.refreshed())
    assert "2 passages say an unknown language: 'klingon'" in problems
    assert "1 passage says an unknown language: 7" in problems
    assert sum("unknown language" in problem for problem in problems) == 2


def test_the_command_shows_and_filters_languages(mixed):
    search = ["search", "mixed", "salty sea", "--model", "bm25"]
    printed = CliRunner().invoke(app, search)
    assert "[en]  p1-en" in printed.output
    none = CliRunner().invoke(app, [*search, "--passages", "sw,fra"])
    assert (none.exit_code, "p1-en" in none.output) == (0, False)
    told = CliRunner().invoke(app, [*search, "--passages", "eng", "--json"])
    assert [row["language"] for row in json.loads(told.output)["results"]] == ["en"]
    refused = CliRunner().invoke(app, [*search, "--passages", "so"])
    assert "no passage says that it is in Somali" in str(refused.exception)
