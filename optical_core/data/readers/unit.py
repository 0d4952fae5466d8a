"""Which part of a published data set is imported if a folder has several."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from optical_core.data.languages import find_language
from optical_core.errors import InputError


def chosen_language(source: Path, codes: Collection[str], unit: str | None, part: str) -> str:
    """The one of `codes` that is, or means, the language `unit`; without a unit the only one.

    Args:
        source: the folder, for messages.
        codes: the languages that it has, as it writes them; at least one.
        unit: the chosen language, if any, by any of its codes or its name.
        part: what the folder has in each language, for messages.

    Raises:
        InputError: there are several languages and none is chosen, or the chosen one is missing.
    """
    if unit is None and len(codes) > 1:
        raise InputError(
            f"{source} has several languages ({', '.join(codes)}): say which with --unit"
        )
    if unit is None or unit in codes:
        return unit or next(iter(codes))
    wanted = find_language(unit)
    same = [code for code in codes if wanted and find_language(code) == wanted]
    if not same:
        raise InputError(f"{source} has no {part} in {unit!r}, only {', '.join(codes)}")
    return same[0]


def chosen_split(
    source: Path, splits: Collection[str], split: str | None, order: Sequence[str]
) -> str:
    """The split `split`, or the first of `order` that a folder has; `splits` isn't empty.

    Raises:
        InputError: the folder lacks the chosen split.
    """
    if split is not None and split not in splits:
        raise InputError(f"{source} has no split {split!r}, only {', '.join(sorted(splits))}")
    return split or min(splits, key=order.index)
