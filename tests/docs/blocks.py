"""The fenced blocks of a Markdown page, and the `optical` commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import typer.main

from optical_core.cli import app

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "assets" / "docs" / "pages"
_FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block's language, the file it is to be saved as (or ""), and its text."""

    language: str
    title: str
    text: str


def blocks(path: Path) -> list[Block]:
    return [Block(*found) for found in _FENCE.findall(path.read_text("utf-8"))]


def commands(text: str) -> Iterator[list[str]]:
    """Words of every `optical` command in shell text, also of those inside a loop."""
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r";\s+(?:do\s+)?", line):
            words = shlex.split(part, comments=True)
            if words[:1] == ["optical"]:
                yield words[1:]


def parse(words: list[str]) -> None:
    """Have the command line read the words, without running the command.

    Raises click's UsageError for an unknown command or option, or a missing argument.
    """
    command: Any = typer.main.get_command(app)
    name = "optical"
    while hasattr(command, "commands"):
        assert words, f"{name} needs a command"
        if hasattr(command, "with_command"):
            words = command.with_command(words)
        name, *words = words
        assert name in command.commands, f"no command {name}"
        command = command.commands[name]
    command.make_context(name, list(words))
