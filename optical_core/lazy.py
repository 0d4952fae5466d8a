"""Public names that a package imports only when they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(package: str, modules: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Make a package's `__getattr__` (PEP 562).

    Args:
        package: its `__name__`.
        modules: module of the package -> the public names that it defines.

    Returns:
        A function from a public name to its object.

    Examples:
        >>> names = lazy_names("optical_core.data", {"languages": ["find_language"]})
        >>> names("find_language")("swh").code
        'sw'
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return attribute
