"""The parts that all commands share: the application, its groups, common options, output."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

import optical_core
from optical_core.data.lines import is_blank
from optical_core.errors import InputError
from optical_core.escaping import plain_text

if TYPE_CHECKING:
    from optical_core.data.collection import Collection

_TILDE = re.compile(r"^(--[a-z-]+=)~(?=/|$)")
SETTINGS = {"help_option_names": ["-h", "--help"]}


class _Command(TyperCommand):
    """A command that refuses empty values: `--models "$MODELS"` must not mean the defaults.

    It also reads `--out=~/runs`, which shells leave alone, as `--out ~/runs`.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        args = [_TILDE.sub(lambda found: f"{found[1]}{os.path.expanduser('~')}", a) for a in args]
        # Before they are converted: an empty path becomes the current folder.
        given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        for parameter in self.params:
            _check_given(parameter, given.get(parameter.name))
        return super().parse_args(ctx, args)


def _check_given(parameter: Any, given: Any) -> None:
    """Check that a value that was typed isn't empty.

    Raises:
        InputError: it is, or lists no name between its commas.
    """
    is_option = parameter.param_type_name == "option"
    values = given if isinstance(given, list | tuple) else [given]
    for value in (value for value in values if isinstance(value, str)):
        if is_blank(value.replace(",", "") if is_option else value):
            name = max(parameter.opts, key=len) if is_option else parameter.metavar
            rest = "" if parameter.required else ", or leave it out"
            raise InputError(f"{name or parameter.name.upper()} is empty: give it a value{rest}")


class Application(typer.Typer):
    """An application, or a group of commands, that refuses empty values."""

    def command(self, *args: Any, **options: Any) -> Any:
        return super().command(*args, **{"cls": _Command, **options})


app = Application(
    name="optical",
    help="Cross-lingual retrieval for low-resource languages by optimal transport distillation.",
    context_settings=SETTINGS,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
data_app = Application(
    help="Import collections and look at bitext.",
    context_settings=SETTINGS,
    no_args_is_help=True,
)
app.add_typer(data_app, name="data")
export_app = Application(
    help="Write a student in a form that other software opens.",
    context_settings=SETTINGS,
    no_args_is_help=True,
)
app.add_typer(export_app, name="export")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"optical {optical_core.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Options before the name of a subcommand."""


Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="A name that `optical models` lists, or a folder; in searches also models joined, "
        "such as bm25%100>>NAME.",
    ),
]
Device = Annotated[
    str | None, typer.Option(help="cpu, cuda, cuda:1, …; by default the best available.")
]
Engine = Annotated[
    str, typer.Option(help="Engine that stores the vectors: local, lancedb, qdrant.")
]
Uri = Annotated[
    str | None,
    typer.Option(help="Place of the vectors: a folder, object storage (s3://…), a server's URL."),
]
Student = Annotated[str, typer.Argument(help="A name of `optical models`, or a folder.")]
Languages = Annotated[
    str, typer.Option("--languages", "-l", help="Language codes, comma-separated.")
]


def default_student() -> str:
    """The name of the default model."""
    from optical_core.models.catalogue import list_models

    entries = list_models()
    return next((entry.name for entry in entries if entry.default), entries[0].name)


def print_left_out(collection: Collection) -> None:
    """Report judgements that no measure counts."""
    from optical_core.data.left_out import judgements_left_out

    for sentence in judgements_left_out(collection):
        print(sentence)


def one_line(text: str) -> str:
    """A text from elsewhere on one line, without characters that a terminal would obey."""
    return plain_text(" ".join(text.split()))


def print_json(value: Any) -> None:
    """Print JSON; where the output has not all characters (ASCII, a Windows code page), escaped."""
    from optical_core.digits import plain

    text = json.dumps(plain(value), ensure_ascii=False, indent=2, default=str)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = json.dumps(plain(value), indent=2, default=str)
    print(text)
