"""Which part of a published data set is imported, where a folder may hold several."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from optical_core.errors import InputError


def chosen_language(source: Path, found: Collection[str], unit: str | None, what: str) -> str:
    """The language `unit`, or the only one of `found`, which isn't empty.

    Raises InputError: several and none chosen, or one that the folder has no `what` in.
    """
    if unit is None and len(found) > 1:
        raise InputError(
            f"{source} has several languages ({', '.join(found)}): say which with --unit"
        )
    code = next(iter(found)) if unit is None else unit
    if code not in found:
        raise InputError(f"{source} has no {what} in {code!r}, only {', '.join(found)}")
    return code
