"""Numbers and lists in words, and lists of names as they are typed."""

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


def first_of(names: Sequence[object], most: int) -> str:
    """The first names with commas, and dots if there are more.

    Examples:
        >>> first_of(["a", "b"], 2), first_of(["a", "b", "c"], 2)
        ('a, b', 'a, b, …')
    """
    return ", ".join([*map(str, names[:most]), *(["…"] if len(names) > most else [])])


def split_names(text: str) -> list[str]:
    """Names that commas separate; commas in parentheses belong to a name.

    Examples:
        >>> split_names("bm25, rrf(bm25,(a%5>>b)), AP(rel=2)")
        ['bm25', 'rrf(bm25,(a%5>>b))', 'AP(rel=2)']
    """
    names, depth = [""], 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth <= 0:
            names.append("")
        else:
            names[-1] += sign
    return [name.strip() for name in names if name.strip()]
