"""Peers that may not be installed; a line says which are left out."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from types import ModuleType


@cache
def peer(name: str) -> ModuleType | None:
    """Import a module; None if it can't be imported."""
    try:
        return import_module(name)
    except ImportError as error:
        print(f'{name} is left out ({error}): pip install ".[bench]"', file=sys.stderr)
        return None
