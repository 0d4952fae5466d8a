"""Topics in every published form, and the runs that are made of them."""

import json

import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.data.readers.topics import read_topics
from optical_core.data.trec import read_run
from optical_core.errors import InputError

TREC = """<top>
<num> Number: 301
<title> salty sea
<desc> Description:
Why is the sea salty?
<narr> Narrative:
Rivers bring salt.
</top>
<top><num>302</num><title>fish</title><desc>Which fish swims?</desc><narr></narr></top>
"""


@pytest.fixture
def written(tmp_path):
    def write(text, name="topics.txt"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("fields", "first"),
    [
        (("title",), "salty sea"),
        (("title", "description"), "salty sea Why is the sea salty?"),
        (("narrative", "title"), "Rivers bring salt. salty sea"),
    ],
)
def test_the_fields_of_trecs_topics_are_chosen(written, fields, first):
    topics = read_topics(written(TREC.replace("<narr></narr>", "<narr>x</narr>")), fields)
    assert list(topics) == ["301", "302"]
    assert topics["301"] == first


def test_tables_and_json_lines_are_told_by_their_first_line(written):
    assert read_topics(written("7\tsalty sea\n\n8\tfish\n")) == {"7": "salty sea", "8": "fish"}
    rows = [{"_id": "7", "text": "salty sea"}, {"_id": "8", "text": "fish"}]
    text = "\n" + "".join(json.dumps(row) + "\n" for row in rows)
    assert read_topics(written(text)) == {"7": "salty sea", "8": "fish"}


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        ("", ("title",), "is empty"),
        ("\n \n", ("title",), "there is no topic in it"),
        ("7 salty sea\n", ("title",), "line 1: 2 tab-separated columns were expected"),
        ("7\ta\n7\tb\n", ("title",), "'7' comes twice"),
        (TREC.replace("<title> salty sea\n", ""), ("title",), "line 1: a <top> element without"),
        (TREC, ("titel",), "topics have the fields title, description, narrative, not titel"),
        (TREC, (), "not none"),
        ("7\tsalty sea\n", ("description",), "its topics have only a text"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(written, text, fields, message):
    with pytest.raises(InputError, match=message):
        read_topics(written(text), fields)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no such file of topics: .*nowhere\.tsv"):
        read_topics(tmp_path / "nowhere.tsv")


def run(*arguments):
    return CliRunner().invoke(app, ["search", *map(str, arguments)])


def test_the_command_writes_a_run_of_topics_that_nobody_judged(collection, written, tmp_path):
    topics, out = written("a\tsalty sea\nb\tzzz\n"), tmp_path / "runs" / "mine.run"
    done = run(collection.folder, "--queries", topics, "--out", out, "--model", "bm25", "-k", 2)
    assert done.exit_code == 0, done.output
    found = read_run(out)
    assert list(found) == ["a"]
    assert "no passage found for 1 of 2 topics: b" in done.output
    assert next(iter(found["a"])) == "p1"
    assert out.read_text().splitlines()[0].endswith(" bm25")
    alone = CliRunner().invoke(
        app, ["search", str(collection.folder), "salty sea", "-m", "bm25", "--json"]
    )
    expected = {row["id"]: row["score"] for row in json.loads(alone.stdout)["results"][:2]}
    assert found["a"] == pytest.approx(expected)


@pytest.mark.parametrize(
    "arguments",
    [
        ["salty", "--queries", "FILE", "--out", "RUN"],
        ["--queries", "FILE"],
        ["salty", "--out", "RUN"],
        ["--queries", "FILE", "--out", "RUN", "--explain"],
    ],
)
def test_a_run_needs_its_file_and_nothing_else(collection, written, tmp_path, arguments):
    places = {"FILE": str(written("a\tsea\n")), "RUN": str(tmp_path / "run")}
    refused = run(collection.folder, *(places.get(word, word) for word in arguments), "-m", "bm25")
    assert isinstance(refused.exception, InputError)
    assert "a run needs --queries FILE and --out RUN" in str(refused.exception)
    assert not (tmp_path / "run").exists()
