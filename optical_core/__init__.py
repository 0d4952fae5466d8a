"""OPTICAL Workbench: cross-lingual retrieval for low-resource languages by optimal transport.

Importing the package is light; torch and the models are loaded when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optical_core.errors import InputError

if TYPE_CHECKING:
    from optical_core.models.pair import EncoderPair

__version__ = "0.1.0"
__all__ = ["InputError", "load_pair"]


def load_pair(name_or_path: str, *, device: str | None = None) -> EncoderPair:
    """Load a teacher-student pair by name (`optical models`) or from a folder."""
    from optical_core.models.pair_store import load_pair as load

    return load(name_or_path, device=device)
