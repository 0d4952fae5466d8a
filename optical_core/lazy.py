"""Public names that a package imports only when they are used."""

from __future__ import annotations

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def lazy_names(package: str, file: str) -> Callable[[str], Any]:
    """Make a package's `__getattr__` (PEP 562) from its imports under `if TYPE_CHECKING:`.

    Args:
        package: its `__name__`.
        file: its `__file__`.

    Returns:
        A function from a public name to its object.

    Examples:
        >>> import optical_core.data
        >>> names = lazy_names("optical_core.data", optical_core.data.__file__)
        >>> names("find_language")("swh").code
        'sw'
    """
    homes = {
        alias.name: statement.module
        for block in ast.parse(Path(file).read_text("utf-8")).body
        if isinstance(block, ast.If)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom) and statement.module
        for alias in statement.names
    }

    def attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if homes[name] == package:
            return import_module(f"{package}.{name}")
        return getattr(import_module(homes[name]), name)

    return attribute
