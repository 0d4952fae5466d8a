"""Dictionaries of every form, and code-switched sentences and queries made with them."""

import json

import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.data.bitext import read_bitext
from optical_core.data.dictionaries import phrase, read_dictionaries
from optical_core.data.relevance import read_relevance
from optical_core.data.switching import Switcher, switched_pairs
from optical_core.errors import InputError

SEA = {
    "sea": {"bahari": 1.0},
    "water": {"maji": 1.0},
    "sea water": {"maji ya bahari": 1.0},
    "moon": {"mwezi": 1.0},
}
TEXT = "the sea has water and the moon has cold water of the sea"


def made(*words):
    done = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


# --- Dictionaries -------------------------------------------------------------------------------


def test_two_columns_are_english_and_foreign(tmp_path):
    (tmp_path / "sw.tsv").write_text("Sea\tbahari\nto build\tjenga\nto build\tunda\n")
    assert read_dictionaries(tmp_path) == {
        "sw": {"sea": {"bahari": 1.0}, "build": {"jenga": 1.0, "unda": 1.0}}
    }


@pytest.mark.parametrize(
    "head",
    ["English\tSwahili", "en\tsw", "eng_Latn\tswh_Latn", "source\ttarget", "Word\tTranslation"],
)
def test_a_line_that_names_the_columns_is_no_entry(tmp_path, head):
    (tmp_path / "sw.tsv").write_text(f"\ufeff{head}\nsea\tbahari\nenglish\tKiingereza\n")
    assert read_dictionaries(tmp_path) == {
        "sw": {"sea": {"bahari": 1.0}, "english": {"Kiingereza": 1.0}}
    }


@pytest.mark.parametrize("head", ["sw\ten", "Swahili\tEnglish", "swh\teng", "foreign\tenglish"])
def test_a_line_that_names_english_second_turns_the_columns_round(tmp_path, head):
    (tmp_path / "sw.tsv").write_text(f"{head}\nbahari\tsea\n")
    assert read_dictionaries(tmp_path) == {"sw": {"sea": {"bahari": 1.0}}}


def test_a_first_entry_that_resembles_codes_is_an_entry(tmp_path):
    (tmp_path / "so.tsv").write_text("so\tmarkaas\nenglish\tingiriisi\n")
    assert read_dictionaries(tmp_path)["so"]["so"] == {"markaas": 1.0}


def test_a_learned_lexicon_is_turned_round_and_its_unlikely_entries_go(tmp_path):
    (tmp_path / "sw.tsv").write_text("bahari\tsea\t0.9\nmaji\tsea\t0.3\nmaji\tas\t0.1\nx\ty\t.1\n")
    assert read_dictionaries(tmp_path) == {"sw": {"sea": {"bahari": 0.9, "maji": 0.3}}}


def test_wiktionary_is_read_in_the_languages_asked_for(tmp_path):
    rows = [
        {
            "word": "sea",
            "lang_code": "en",
            "translations": [
                {"code": "sw", "word": "bahari"},
                {"lang_code": "so", "word": "bad"},
                {"code": "sw"},
                "x",
            ],
        },
        {"word": "mer", "lang_code": "fr", "translations": [{"code": "sw", "word": "no"}]},
        {"word": "moon", "lang_code": "en"},
    ]
    path = tmp_path / "wiktextract.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_dictionaries(path, ["sw"]) == {"sw": {"sea": {"bahari": 1.0}}}
    assert set(read_dictionaries(path, ["sw", "so"])) == {"sw", "so"}
    with pytest.raises(InputError, match="say which with --languages"):
        read_dictionaries(path)


@pytest.mark.parametrize(
    "entry", ["sea (salty)", "sea; ocean", "the first vowel in Marathi", "?", "a/b"]
)
def test_entries_that_are_no_plain_phrase_are_passed_over(tmp_path, entry):
    assert phrase(entry) is None
    (tmp_path / "sw.tsv").write_text(f"{entry}\tx\nsea\tbahari\nmoon\ta, b\nsun\tSun\n")
    assert read_dictionaries(tmp_path) == {"sw": {"sea": {"bahari": 1.0}}}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("fr.tsv", "sea\tmer\n", "no lexicon of sw"),
        ("sw.tsv", "sea\n", "line 1: 2 tab-separated columns"),
        ("sw.tsv", "bahari\tsea\t7\n", "line 1: .* a probability"),
        ("sw.tsv", "???\t!\n", "no lexicon of any language"),
        ("sw.jsonl", "{\n", "line 1: not JSON"),
    ],
)
def test_what_is_no_dictionary_is_one_sentence(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    wanted = ["sw"] if "any language" not in message else []
    with pytest.raises(InputError, match=message):
        read_dictionaries(tmp_path, wanted)


# --- Switching ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "replaced"), [(0.01, 1), (0.25, 3), (0.4, 5), (1.0, 5)])
def test_the_rate_is_the_share_of_words_as_far_as_they_are_known(rate, replaced):
    switched = Switcher(SEA, rate=rate).switch(TEXT)
    assert (switched.words, switched.replaced) == (13, replaced)
    foreign = {"bahari", "maji", "mwezi"}
    assert sum(word in foreign for word in switched.text.split()) == replaced


def test_a_phrase_goes_before_its_words_and_capitals_stay():
    assert Switcher(SEA, rate=1).switch("Sea water, Moon!").text == "Maji ya bahari, Mwezi!"


def test_a_sentence_is_switched_alike_among_any_others_and_other_seeds_differ():
    sentences = [f"the {n} {TEXT}" for n in range(20)]
    alone = [Switcher(SEA, rate=0.2).switch(sentence) for sentence in sentences]
    together = [each for _, each in switched_pairs(sentences[::-1], Switcher(SEA, rate=0.2), "sw")]
    assert together == alone[::-1]
    assert alone != [Switcher(SEA, rate=0.2, seed=2).switch(sentence) for sentence in sentences]


def test_translations_are_drawn_by_their_weights():
    switcher = Switcher({"sea": {"bahari": 0.9, "ziwa": 0.1}})
    drawn = [switcher.switch(f"sea {n}").text.split()[0] for n in range(400)]
    assert 330 < drawn.count("bahari") < 385


@pytest.mark.parametrize("rate", [0, -1, 1.5, float("nan")])
def test_a_rate_out_of_range_is_refused(rate):
    with pytest.raises(InputError, match="rate must be above 0"):
        Switcher(SEA, rate=rate)


# --- The command --------------------------------------------------------------------------------


@pytest.fixture
def lexicon(tmp_path):
    folder = tmp_path / "lexicon"
    folder.mkdir()
    (folder / "sw.tsv").write_text("sea\tbahari\nwater\tmaji\nmoon\tmwezi\nsalty\tchumvi\n")
    (folder / "mr.tsv").write_text("sea\tसमुद्र\nwater\tपाणी\n")
    return folder


def test_sentences_become_bitext_that_distil_reads(tmp_path, lexicon):
    english = tmp_path / "english.txt"
    english.write_text("The sea is salty.\nThe sea is salty.\nA tree\nthe cold water of the sea\n")
    out = tmp_path / "out"
    printed = made("switch", english, "--lexicon", lexicon, "-l", "sw", "--rate", "1", "--out", out)
    assert printed.startswith("sw: 2 sentences, 40% of the words replaced")
    pairs = [(pair.english, pair.foreign, pair.language) for pair in read_bitext(out).pairs]
    assert pairs == [
        ("The sea is salty.", "The bahari is chumvi.", "sw"),
        ("the cold water of the sea", "the cold maji of the bahari", "sw"),
    ]
    record = json.loads((out / "switched.sw.json").read_text())
    assert record["languages"]["sw"]["rate"] == 1
    assert (record["lexicon"], record["english"]) == (str(lexicon), [str(english)])


def test_the_english_side_of_bitext_is_taken_and_each_language_gets_a_file(
    tmp_path, lexicon, bitext_file
):
    out = tmp_path / "out"
    made("switch", bitext_file, "--lexicon", lexicon, "--rate", "1", "--out", out)
    found = read_bitext(out)
    assert found.languages["sw"] == 24
    # In another script only sentences with most letters in it are bitext.
    assert 0 < found.languages["mr"] < 24
    assert not found.dropped


def test_queries_become_relevance_that_teach_reads(tmp_path, lexicon, collection):
    out = tmp_path / "nq-switched"
    printed = made(
        "switch", collection.folder, "--relevance", "--lexicon", lexicon, "-l", "sw", "--out", out
    )
    assert printed.startswith("sw: 1 query, ")
    relevance = read_relevance([out], ["sw"])
    [example] = relevance.examples
    assert example.query in {
        "why is the bahari chumvi ?",
        "why is the bahari salty ?",
        "why is the sea chumvi ?",
    }
    texts = {relevance.passages[key].title for key in example.positives}
    assert texts == {"Sea", "Lake"}
    assert json.loads((out / "record.json").read_text())["languages"]["sw"]["texts"] == 1


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("A tree\n", [], "no sentence in mr is left"),
        ("\n", [], "no English sentence"),
        ("sea\n", ["--rate", "0"], "rate must be above 0"),
        ("sea\n", ["-l", "yo"], "no lexicon of yo"),
    ],
)
def test_what_cannot_be_switched_is_one_sentence(tmp_path, lexicon, text, options, message):
    (tmp_path / "english.txt").write_text(text)
    words = ["switch", str(tmp_path / "english.txt"), "--lexicon", str(lexicon), *options]
    with pytest.raises(InputError, match=message):
        CliRunner().invoke(app, [*words, "--out", str(tmp_path / "out")], catch_exceptions=False)
