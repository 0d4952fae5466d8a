"""Which part of a published data set is imported if a folder has several."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from optical_core.errors import InputError


def chosen_language(source: Path, codes: Collection[str], unit: str | None, part: str) -> str:
    """The language `unit`, or the only one of `codes`, which isn't empty.

    Args:
        source: the folder, for messages.
        codes: the languages that it has.
        unit: the chosen language, if any.
        part: what the folder has in each language, for messages.

    Raises:
        InputError: there are several languages and none is chosen, or the chosen one is missing.
    """
    if unit is None and len(codes) > 1:
        raise InputError(
            f"{source} has several languages ({', '.join(codes)}): say which with --unit"
        )
    code = next(iter(codes)) if unit is None else unit
    if code not in codes:
        raise InputError(f"{source} has no {part} in {code!r}, only {', '.join(codes)}")
    return code


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
