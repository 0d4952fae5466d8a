"""Names of models: new ones, their sources, their labels in tables, and their folders."""

from __future__ import annotations

import re
from pathlib import Path

from optical_core.errors import InputError
from optical_core.models.catalogue import list_models
from optical_core.models.fusions import find_fusion
from optical_core.paths import check_path
from optical_core.retrieval.expression_reader import parse
from optical_core.retrieval.expressions import SIGNS, Name, Node, names, renamed, replaced
from optical_core.retrieval.terms import is_of
from optical_core.storage import home
from optical_core.validation import plain_name

_NESTED = 5
"""Most stored fusions within each other."""


def new_model_folder(name: str) -> Path:
    """The folder of a student or teacher with a new name; one that is there isn't refused.

    Raises:
        InputError: no folder can have the name, or it means another model.
    """
    check_new_name(plain_name(name))
    return home("models", name)


def check_new_name(name: str, *, fusion: bool = False) -> None:
    """Check that a model would be found by a new name.

    Args:
        name: of a student or teacher in `$OPTICAL_HOME`.
        fusion: is it a fusion's instead?

    Raises:
        InputError: the name means another model, or is an expression.
    """
    own = home("models", name)
    kinds = [
        entry.kind
        for entry in list_models()
        if entry.name == name and not (entry.kind == "fusion" if fusion else entry.folder == own)
    ]
    if any(is_of(name, family) for family in ("bm25", "psq")):
        kinds.append("baseline")
    if kinds:
        raise InputError(f"{name!r} names another model, a known {kinds[0]}: choose another name")
    if not isinstance(parse(name), Name):
        raise InputError(f"{name!r} would be read as an expression: choose another name")


def model_and_source(spec: str) -> tuple[str, str | None]:
    """Split `NAME@SOURCE`; if a folder has the whole name, it is a model's.

    Raises:
        InputError: the model or the source has no name.

    Examples:
        >>> model_and_source("bm25@human"), model_and_source("embedded")
        (('bm25', 'human'), ('embedded', None))
    """
    name, separator, source = spec.partition("@")
    check_path(spec)
    if not separator or Path(spec).exists():
        return spec, None
    if not name.strip() or not source.strip():
        raise InputError(f"{spec!r}: a model, @ and a source of its queries were expected")
    return name, source


def label(spec: str) -> str:
    """Name a model in tables: an expression with short names, a folder without its signs.

    Examples:
        >>> label("runs/my model"), label("bm25@human"), label("psq@/data/lexicon")
        ('runs-my-model', 'bm25@human', 'psq@lexicon')
        >>> label("0.9*embedded + 0.1*psq@/data/lexicon")
        '0.9*embedded+0.1*psq@lexicon'
    """
    node = parse(spec)
    if not isinstance(node, Name):
        return str(renamed(node, label))
    name, source = model_and_source(node.name)
    return _plain(_named(name) if source is None else f"{name}@{Path(_named(source)).name}")


def expanded(node: Node) -> Node:
    """The expression with the stored fusions in it written out.

    Raises:
        InputError: a fusion can't be read, or is part of itself.
    """
    for _ in range(_NESTED):
        stored = {name: fusion for name in names(node) if (fusion := find_fusion(name))}
        if not stored:
            return node
        trees = {name: parse(fusion.expression) for name, fusion in stored.items()}
        node = replaced(node, lambda name: trees.get(name, Name(name)))  # noqa: B023
    raise InputError(f"the fusion {next(iter(stored))} is part of itself: fit it again")


def folder_name(label: str) -> str:
    """The name of a model's folder among results; only an expression's is another than its label.

    Examples:
        >>> folder_name("bm25%100>>optical-lowres"), folder_name("tlm+optical")
        ('bm25-100-optical-lowres', 'tlm+optical')
    """
    return _plain(label) if SIGNS.search(label) else label


def _named(path: str) -> str:
    """A path whose last part is a name: `.` and `..` are the folders that they lead to."""
    return path if Path(path).name.strip(".") else str(Path(path).resolve().name)


def _plain(label: str) -> str:
    return re.sub(r"[^\w.@+-]+", "-", label).strip("-.")
