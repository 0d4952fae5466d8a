"""Model names that are expressions: `bm25%100>>optical-lowres`, `0.9*a+0.1*b`, `rrf(a,b)`.

The signs are PyTerrier's (Macdonald and Tonellotto 2020):

    A%100               the first 100 passages of A
    A%100>>B            B ranks the first 100 passages of A again; `A>>B` means this too
    0.9*A+0.1*B         weighted sum of scores, each query's scaled from 0 to 1 (min-max)
    rrf(A,B)            reciprocal rank fusion, k = 60; `rrf(A,B,k=20)`
    A+rm3, A+prf        A's queries are expanded (see `expansions`); `A+rm3(docs=5)`
    (…)                 groups; `>>` binds least, `+rm3` most
    "my model+(new)"    a name with such signs in it

A `+` belongs to a name (`tlm+optical`) unless a weight, `rm3` or `prf` follows it.
"""

from __future__ import annotations

import re
from pathlib import Path

from optical_core.errors import InputError
from optical_core.paths import check_path, is_too_long
from optical_core.retrieval.expansions import read_expansion
from optical_core.retrieval.expressions import (
    EXPANDING,
    RANK_CONSTANT,
    SIGNS,
    WEIGHT,
    Chain,
    Cut,
    Expanded,
    Name,
    Node,
    Reciprocal,
    Weighted,
    names,
)

FIRST = 100
"""Passages that are ranked again where no number is given: the OPTICAL paper's protocol."""
_LONGEST, _DEEPEST, _MOST_PARTS = 1000, 10, 10
_LEAST, _MOST = 0.0001, 999_999
"""Weights; others would be written with an exponent, which isn't read."""
_TOKEN = re.compile(
    rf"""\s*(?:(?P<chain>>>)|%\s*(?P<cut>\d+)|(?P<weight>\d*\.?\d+)\s*\*|(?P<plus>\+)\s*(?={WEIGHT})
    |(?P<expand>{EXPANDING}(?:\s*\([^()]*\))?)|(?P<rrf>rrf\s*\()|(?P<open>\()|(?P<close>\))|k\s*=\s*(?P<k>\d+)|(?P<comma>,)
    |"(?P<quoted>[^"]*[^"\s][^"]*)"|(?P<name>(?=\S)(?:(?!>>|%\s*\d|\+\s*{WEIGHT}|{EXPANDING})[^(),*"])+))""",
    re.VERBOSE,
)


def parse(text: str) -> Node:
    """Read a model's name. Its `str` is the name in one form, without blanks between its signs.

    What lies on the disk under the whole text is a name, whatever signs it has.

    Raises:
        InputError: the text is no expression.

    Examples:
        >>> str(parse("bm25 >> 0.9 * optical-lowres + 0.1 * psq@lexicon"))
        'bm25%100>>0.9*optical-lowres+0.1*psq@lexicon'
        >>> parse("tlm+optical")
        Name(name='tlm+optical')
    """
    if not SIGNS.search(text):
        check_path(text)
        return Name(text.strip())
    if _exists(text):
        return Name(text)
    if len(text) > _LONGEST:
        raise InputError(f"{text[:40]!r}… is longer than an expression may be ({_LONGEST})")
    reader = _Reader(text)
    node = reader.chain(0)
    reader.end()
    if len(list(names(node))) > _MOST_PARTS:
        raise InputError(f"{text!r} has more than {_MOST_PARTS} models")
    return node


def is_name(text: str) -> bool:
    """Whether a model's name is a single one.

    Examples:
        >>> is_name("psq@lexicon"), is_name("rrf(bm25,embedded)")
        (True, False)
    """
    return isinstance(parse(text), Name)


def _exists(text: str) -> bool:
    try:
        return not is_too_long(text) and Path(text).exists()
    except (OSError, ValueError):  # it can't be a path
        return False


class _Reader:
    """Reads an expression by recursive descent, a method a rule of the grammar."""

    def __init__(self, text: str) -> None:
        self.text, self.place, self.before = text, 0, 0
        self.kind, self.value = "", ""
        self.advance()

    def advance(self) -> None:
        found = _TOKEN.match(self.text, self.place)
        self.before = self.place
        if found is None and self.text[self.place :].strip():
            raise self.wrong()
        self.place = found.end() if found else len(self.text)
        self.kind = (found.lastgroup or "") if found else ""
        self.value = found[self.kind].strip() if found and self.kind else ""

    def wrong(self) -> InputError:
        rest = self.text[self.before :].strip()
        where = f"at {rest[:30]!r}" if rest else "at its end"
        return InputError(
            f"{self.text!r} can't be read {where}: an expression is like bm25%100>>optical-lowres, "
            "0.9*optical-lowres+0.1*bm25, rrf(optical-lowres,bm25) or bm25+rm3"
        )

    def take(self, kind: str) -> str:
        if self.kind != kind:
            raise self.wrong()
        value = self.value
        self.advance()
        return value

    def end(self) -> None:
        if self.kind:
            raise self.wrong()

    def chain(self, depth: int) -> Node:
        stages = [self.sum(depth)]
        while self.kind == "chain":
            self.advance()
            stages.append(self.sum(depth))
        if len(stages) == 1:
            return stages[0]
        *first, last = stages
        return Chain((*(s if isinstance(s, Cut) else Cut(s, FIRST) for s in first), last))

    def sum(self, depth: int) -> Node:
        if self.kind != "weight":
            return self.cut(depth)
        terms: list[tuple[float, Node]] = []
        while self.kind == "weight":
            weight = float(f"{float(self.take('weight')):g}")  # as it is written again
            terms.append((weight, self.cut(depth)))
            if self.kind == "plus":
                self.advance()
        if len(terms) < 2 or not all(_LEAST <= weight <= _MOST for weight, _ in terms):
            raise InputError(
                f"{self.text!r}: a sum needs two models or more, with weights of {_LEAST} to "
                f"{_MOST}"
            )
        return Weighted(tuple(terms))

    def cut(self, depth: int) -> Node:
        node = self.expanded(depth)
        while self.kind == "cut":
            if (count := int(self.take("cut"))) < 1:
                raise InputError(f"{self.text!r}: after % a number from 1 on was expected")
            node = Cut(node, count)
        return node

    def expanded(self, depth: int) -> Node:
        node = self.atom(depth)
        while self.kind == "expand":
            sign, _, numbers = self.take("expand").removeprefix("+").strip(" )").partition("(")
            node = Expanded(node, read_expansion(sign.strip(), numbers))
        return node

    def atom(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise InputError(f"{self.text[:40]!r}… has more than {_DEEPEST} parentheses in another")
        if self.kind == "open":
            self.advance()
            node = self.chain(depth + 1)
            self.take("close")
            return node
        if self.kind == "rrf":
            return self.reciprocal(depth)
        return Name(self.take("quoted" if self.kind == "quoted" else "name"))

    def reciprocal(self, depth: int) -> Node:
        self.advance()
        members, k = [self.chain(depth + 1)], RANK_CONSTANT
        while self.kind == "comma":
            self.advance()
            if self.kind == "k":
                k = int(self.take("k"))
                break
            members.append(self.chain(depth + 1))
        self.take("close")
        if len(members) < 2 or k < 1:
            raise InputError(f"{self.text!r}: rrf needs two models or more, and a k from 1 on")
        return Reciprocal(tuple(members), k)
