"""OPTICAL Workbench: cross-lingual retrieval for low-resource languages by optimal transport.

Importing the package is fast: torch and the models are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optical_core.errors import InputError

if TYPE_CHECKING:
    from optical_core.models.pair import EncoderPair

__version__ = "0.1.0"
__all__ = ["InputError", "load_pair"]


def load_pair(name_or_path: str, *, device: str | None = None) -> EncoderPair:
    """Load a pair of encoders: a student, which encodes queries, and its teacher, for passages.

    Args:
        name_or_path: a name that `optical models` lists, or a folder.
        device: `cpu`, `cuda`, `cuda:1`, …; the best available by default.

    Raises:
        InputError: the name is unknown, or the folder has no model that can be read.

    Examples:
        >>> pair = load_pair("embedded", device="cpu")
        >>> (vectors,) = pair.student.encode_queries(["Kwa nini bahari ina chumvi?"])
        >>> vectors.shape[1] == pair.teacher.dimension
        True
    """
    from optical_core.models.pair_store import load_pair as load

    return load(name_or_path, device=device)
