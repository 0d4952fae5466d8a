"""Numbers and lists in words."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, one: str, many: str = "") -> str:
    """A count and its noun; the plural ends in -s unless it is given.

    Examples:
        >>> counted(1, "language"), counted(2000, "passage"), counted(2, "query", "queries")
        ('1 language', '2,000 passages', '2 queries')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: Sequence[str], *, word: str = "and") -> str:
    """Names with commas, and a word before the last.

    Examples:
        >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"], word="or")
        ('a', 'a and b', 'a, b or c')
    """
    return f" {word} ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
