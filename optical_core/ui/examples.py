"""What pages show first: the example's language and query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optical_core.ui.library import Library

AHEAD, BEHIND = "earth-q12", "craft-q20"
"""Queries of the demo: the shipped student ranks the Somali ones far better, and worse."""


def first_encoders(library: Library) -> list[str]:
    """The undistilled encoder and the default student, if there is one."""
    from optical_core.models.backbones import EMBEDDED

    return list(dict.fromkeys((EMBEDDED, library.model_names(token_level=True)[0])))


def first_language(codes: Sequence[str]) -> str:
    """Somali, if it is among the languages.

    >>> first_language(["sw", "so"]), first_language(["sw", "yo"])
    ('so', 'sw')
    """
    return "so" if "so" in codes else codes[0]


def first_query(queries: Mapping[str, str]) -> str:
    """Id of the first query. In the demo it is one that shows what distillation is for."""
    return AHEAD if AHEAD in queries else next(iter(queries))
