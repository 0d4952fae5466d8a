"""What the browser draws itself: scripts and styles, served from this package."""

from __future__ import annotations

from importlib.resources import files


def source(*names: str) -> str:
    """The text of files of this folder, one after another.

    >>> source("flow.js").startswith("//")
    True
    """
    folder = files(__package__)
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)
