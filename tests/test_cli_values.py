"""Values of options, arguments and variables that can't be meant, and odd surroundings."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from click.testing import CliRunner as ClickRunner
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.data.collection import open_collection
from optical_core.data.lines import read_json
from optical_core.errors import InputError
from optical_core.storage import home as under_home

runner = CliRunner()


def _valued(command: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """The path of each command with each of its options that takes a value, and its argument."""
    for name, child in getattr(command, "commands", {}).items():
        yield from _valued(child, *path, name)
    if path and not hasattr(command, "commands"):
        options = [each for each in command.params if each.param_type_name == "option"]
        yield from ((*path, each.opts[0]) for each in options if not each.is_flag)
        if len(options) < len(command.params):
            yield path


COMMAND = typer.main.get_command(app)
VALUED = list(_valued(COMMAND))


@pytest.mark.parametrize("arguments", VALUED, ids=" ".join)
def test_an_empty_value_is_refused_and_never_means_the_default(home, arguments):
    for empty in ("", " \u200b"):
        # Not `app`, of which the runner would make all commands anew each time.
        done = ClickRunner().invoke(COMMAND, [*arguments, empty])
        assert isinstance(done.exception, InputError), done.output
        name = arguments[-1] if arguments[-1].startswith("-") else ""
        assert f"{name} is empty: give it a value" in str(done.exception)


def test_every_command_was_tried():
    assert len(VALUED) > 150
    assert {("evaluate", "--models"), ("index", "build", "--out"), ("index", "delete")} <= {*VALUED}


@pytest.mark.parametrize("names", [",", " , ,"])
def test_a_list_of_no_names_is_empty_too(home, names):
    done = runner.invoke(app, ["evaluate", "demo", "--out", "o", "--models", names])
    assert str(done.exception) == "--models is empty: give it a value, or leave it out"
    assert runner.invoke(app, ["search", "demo", names, "-m", "bm25"]).exception is None


def test_a_tilde_that_shells_leave_alone_is_the_users_folder(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    arguments = ["evaluate", "demo", "--models", "bm25", "--languages", "en", "--out=~/runs"]
    assert runner.invoke(app, arguments).exception is None
    assert (tmp_path / "user" / "runs" / "bm25" / "en.run").is_file()
    assert not (tmp_path / "~").exists()


def test_the_home_is_read_as_a_shell_reads_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for given, expected in (
        ("~/mine", tmp_path / "mine"),
        ("", tmp_path / "cache" / "optical"),
        ("  ", tmp_path / "cache" / "optical"),
    ):
        monkeypatch.setenv("OPTICAL_HOME", given)
        assert under_home("logs", "x") == expected / "logs" / "x"
    monkeypatch.setenv("OPTICAL_HOME", "~nobody-of-this-name/x")
    with pytest.raises(InputError, match="OPTICAL_HOME is ~nobody-of-this-name/x, and there is no"):
        under_home("logs", "x")


def _shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the shell in which `optical` is the command, in an interpreter of its own."""
    code = "from optical_core.cli import main; main()"
    line = f"optical() {{ '{sys.executable}' -c '{code}' \"$@\"; }}; {line}"
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, env=os.environ | environment
    )


@pytest.mark.parametrize("level", ["bogus", "10"])
def test_an_unknown_log_level_is_one_sentence(level):
    done = _shell("optical models", OPTICAL_LOG=level)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("optical: OPTICAL_LOG must be one of DEBUG, INFO")
    assert _shell("optical models", OPTICAL_LOG="debug").returncode == 0


def test_closed_streams_are_no_fault(home):
    assert _shell("optical models >&-").returncode == 0
    wrong = _shell("optical evaluate nowhere --out o 2>&-")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert _shell("optical search demo sea -m bm25 <&- >&- 2>&-").returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_json_is_json_in_every_encoding(home, encoding):
    query = "mer salée 😀"
    line = f"optical search demo '{query}' -m bm25 --json"
    assert json.loads(_shell(line, PYTHONIOENCODING=encoding).stdout)["query"] == query


@pytest.fixture
def odd(collection, tmp_path):
    """A collection and bitext in a folder whose name isn't UTF-8."""
    folder = tmp_path / os.fsdecode(b"bad\xff")
    collection.folder.rename(folder)
    (folder / "b.sw.tsv").write_text("the sea\tbahari\n")
    return folder


def test_what_is_in_a_folder_of_any_name_is_read_and_recorded(odd, tmp_path):
    lexicon = tmp_path / "lexicon"
    lexicon.mkdir()
    (lexicon / "sw.tsv").write_text("sea\tbahari\n")
    of_beir = odd / "beir"
    shutil.copytree(odd, of_beir, ignore=shutil.ignore_patterns("collection.json"))
    for arguments in (
        ["data", "import", "beir", str(of_beir), "--out", str(tmp_path / "copy")],
        ["evaluate", str(odd), "--models", "bm25", "--out", str(tmp_path / "results")],
        ["switch", str(odd / "b.sw.tsv"), "--lexicon", str(lexicon), "--out", str(tmp_path / "s")],
    ):
        done = runner.invoke(app, arguments)
        assert done.exception is None, (done.output, done.exception)
    assert open_collection(str(tmp_path / "copy")).info.description.startswith("Imported from")
    for record in ("results/record.json", "s/switched.sw.json"):
        assert read_json(tmp_path / record)["environment"]


@pytest.mark.parametrize("record", ["[]", '{"bitext": 5}', '{"bitext": [5, null]}', "{", "5"])
def test_a_damaged_record_of_lexicons_is_only_a_source_that_is_not_known(home, tmp_path, record):
    folder = tmp_path / "lexicon"
    folder.mkdir()
    (folder / "sw.tsv").write_text("bahari\tsea\t1\n")
    (folder / "record.json").write_text(record)
    done = runner.invoke(app, ["gloss", "optical-lowres", str(folder), "--name", "mine"])
    assert done.exception is None, done.exception
    card = read_json(home / "models" / "mine" / "retriever.json")["card"]
    assert card["data"][-1] == f"lexicons from {folder}"


def test_a_lexicon_instead_of_its_folder_is_refused(tmp_path):
    file = tmp_path / "sw.tsv"
    file.write_text("bahari\tsea\t1\n")
    for path in (file, tmp_path / "missing"):
        done = runner.invoke(app, ["gloss", "optical-lowres", str(path), "--name", "mine"])
        assert f"{path} is no folder" in str(done.exception)


@pytest.mark.parametrize(
    ("option", "message"),
    [("--bits", "vectors can't have 0 bits a dimension"), ("--pool", "0 tokens can't be pooled")],
)
def test_zero_is_no_default(collection, option, message):
    done = runner.invoke(app, ["index", str(collection.folder), option, "0"])
    assert message in str(done.exception)
