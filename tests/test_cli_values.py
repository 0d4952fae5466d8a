"""Values of options and arguments that can't be meant."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.errors import InputError

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


VALUED = list(_valued(typer.main.get_command(app)))


@pytest.mark.parametrize("arguments", VALUED, ids=" ".join)
def test_an_empty_value_is_refused_and_never_means_the_default(home, arguments):
    for empty in ("", " \u200b"):
        done = runner.invoke(app, [*arguments, empty])
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
