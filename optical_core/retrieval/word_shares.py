"""What each word of a query adds to a passage's score, and two such scores side by side.

Token matches are added up by word. Two encoders may cut a word differently, but the words are the
same, so their scores can be compared word by word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from optical_core.data.words import word_starts
from optical_core.digits import adding_up
from optical_core.errors import InputError
from optical_core.models.tokens import Token, word_of
from optical_core.retrieval.explain import Share, TokenMatch

OTHER = "[other tokens]"
"""Stands for the query tokens that belong to no word, such as [CLS], [MASK] and feedback's."""
PLACES = 3
"""Decimals to which shares are rounded where they are shown."""


_NEAR = 0.01
"""Shares may differ from their score by rounding, of stored vectors too, but not by more."""


@dataclass(frozen=True)
class WordShare:
    """A word of a query, or a part of a fusion, and its share of a passage's score.

    Attributes:
        word: as it is written; the part's name.
        share: of the score; the shares add up to it.
        matched: (begin, end) of the passage's words that its tokens match -> their part of `share`.
        gloss: is it a word of the query's gloss?
    """

    word: str
    share: float
    matched: Mapping[tuple[int, int], float]
    gloss: bool = False


@dataclass(frozen=True)
class WordPair:
    """A word's shares of two scores, rounded so that those of all words add up to the scores.

    Attributes:
        word: as it is written.
        gloss: is it a word of the query's gloss?
        shares: of both scores; 0 if it has none.
        matched: of both scores, as `WordShare` has it.
    """

    word: str
    gloss: bool
    shares: tuple[float, float]
    matched: tuple[Mapping[tuple[int, int], float], Mapping[tuple[int, int], float]]

    @property
    def difference(self) -> float:
        """How much more it adds to the first score."""
        return round(self.shares[0] - self.shares[1], PLACES)

    @property
    def name(self) -> str:
        """The word; in parentheses if it is one of the gloss."""
        return f"({self.word})" if self.gloss else self.word


def word_shares(
    query: str, passage: str, matches: Sequence[TokenMatch], *, gloss: str = ""
) -> list[WordShare]:
    """Add token matches up by word of the query, in the query's order.

    Args:
        query: as it was typed.
        passage: its `full_text`.
        matches: as `Searcher.explain` gives them.
        gloss: of the query; empty if it has none.

    Returns:
        All words of the query, then those of the gloss, then `OTHER` if there are such tokens.

    Examples:
        >>> from optical_core.data.corpus import Passage
        >>> from optical_core.retrieval.bm25 import BM25
        >>> passages = [Passage("p1", "", "The sea is salty."), Passage("p2", "", "Dry sand")]
        >>> bm25 = BM25(passages)
        >>> matches = bm25.explain(bm25.encode(["Salty water"])[0], passages)
        >>> [(each.word, each.share > 0) for each in word_shares("Salty water", "", matches[0])]
        [('Salty', True), ('water', False)]
    """
    asked, target = (_Words(query), _Words(gloss)), _Words(passage)
    found: dict[tuple[bool, int], dict[tuple[int, int], float]] = {
        (bool(side), number): {}
        for side, words in enumerate(asked)
        for number in range(len(words.spans))
    }
    for match in matches:
        key = (match.gloss, asked[match.gloss].number(match.query))
        span = target.span(match.passage)
        of_word = found.setdefault(key if key[1] >= 0 else (True, -1), {})
        of_word[span] = of_word.get(span, 0.0) + match.contribution
    return [
        WordShare(
            asked[side].word(number) if number >= 0 else OTHER,
            sum(matched.values()),
            matched,
            side and number >= 0,
        )
        for (side, number), matched in found.items()
    ]


def part_shares(shares: Sequence[Share]) -> list[WordShare]:
    """The shares of a fusion's parts in the form of words' shares."""
    return [WordShare(each.name, each.share, {}) for each in shares]


def paired(
    one: Sequence[WordShare],
    other: Sequence[WordShare],
    *,
    scores: tuple[float | None, float | None] = (None, None),
) -> list[WordPair]:
    """Set two scores side by side, word by word.

    Args:
        one: words of a query, as `word_shares` gives them.
        other: those of the same query to another passage, or in another model.
        scores: that the shares belong to; None for the sum of the shares, which may differ from
            the score in its last digit.

    Returns:
        A pair for each word of either side. Rounded shares add up to the rounded score.

    Raises:
        InputError: one score is made of words, the other one of a fusion's parts.

    Examples:
        >>> one = [WordShare("salty", 1.0, {}), WordShare("sea", 0.5, {})]
        >>> pairs = paired(one, [WordShare("salty", 0.25, {}), WordShare("sea", 0.5, {})])
        >>> [(pair.word, pair.difference) for pair in pairs]
        [('salty', 0.75), ('sea', 0.0)]
    """
    sides = [_keyed(shares) for shares in (one, other)]
    if one and other and not sides[0].keys() & sides[1].keys():
        raise InputError(
            "these scores have no words in common: a fusion's is made of its models' shares; "
            "compare it with a score of the same model"
        )
    rounded = [_rounded(side, score) for side, score in zip(sides, scores, strict=True)]
    nothing: Mapping[tuple[int, int], float] = {}
    pairs = []
    for key in sorted(dict.fromkeys([*sides[0], *sides[1]]), key=lambda k: (k[0], k[2])):
        first, second = (side[key].matched if key in side else nothing for side in sides)
        shares = rounded[0].get(key, 0.0), rounded[1].get(key, 0.0)
        pairs.append(WordPair(key[1], key[0] == 1, shares, (first, second)))
    return pairs


def told_difference(pairs: Sequence[WordPair], names: tuple[str, str]) -> str:
    """Which of two comparable scores is higher, and by which words, in a sentence or two.

    Examples:
        >>> one = [WordShare("salty", 1.0, {}), WordShare("sea", 0.5, {})]
        >>> other = [WordShare("salty", 0.25, {}), WordShare("sea", 0.6, {})]
        >>> told_difference(paired(one, other), ("p1", "p2"))
        'p1 is ahead by 0.650, most by “salty” (+0.750). Against it: “sea” (-0.100).'
    """
    ahead = round(sum(pair.difference for pair in pairs), PLACES)
    if not ahead:
        return f"{names[0]} and {names[1]} are level."
    sign, winner = (1, names[0]) if ahead > 0 else (-1, names[1])
    ranked = sorted(pairs, key=lambda pair: -sign * pair.difference)
    quoted = [
        (f"“{p.name}” ({sign * p.difference:+.{PLACES}f})", sign * p.difference) for p in ranked
    ]
    most = [text for text, value in quoted if value > 0][:3]
    against = [text for text, value in reversed(quoted) if value < 0][:2]
    text = f"{winner} is ahead by {abs(ahead):.{PLACES}f}, most by {', '.join(most)}."
    return text + (f" Against it: {', '.join(against)}." if against else "")


_Key = tuple[int, str, int]


def _keyed(shares: Sequence[WordShare]) -> dict[_Key, WordShare]:
    """Shares by (0 for the query, 1 for its gloss, 2 for what is no word), word and place.

    The same word may come twice. Another gloss has other words, at other places.
    """
    keyed: dict[_Key, WordShare] = {}
    place = [0, 0]
    for each in shares:
        if each.word == OTHER:
            keyed[2, OTHER, 0] = each
            continue
        keyed[int(each.gloss), each.word, place[each.gloss]] = each
        place[each.gloss] += 1
    return keyed


def _rounded(side: Mapping[_Key, WordShare], score: float | None) -> dict[_Key, float]:
    """The shares, rounded so that they add up to the rounded score."""
    shares = [each.share for each in side.values()]
    near = score is not None and abs(score - sum(shares)) < _NEAR
    return dict(zip(side, adding_up(shares, PLACES, total=score if near else None), strict=True))


class _Words:
    """The words of a text and their places."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def starts(self) -> list[int]:
        return word_starts(self.text)

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """(begin, end) of each word, with the punctuation beside it but without white space."""
        edges = pairwise([*self.starts, len(self.text)])
        return [(start, start + len(self.text[start:end].rstrip())) for start, end in edges]

    def number(self, token: Token) -> int:
        """The word that a token belongs to; -1 for one that isn't in the text."""
        if not self.starts or (token.piece and token.end == token.start):
            return -1
        return max(word_of(self.starts, token.start, token.end), 0)

    def span(self, token: Token) -> tuple[int, int]:
        """Where a token's word begins and ends; (0, 0) for one that isn't in the text."""
        number = self.number(token)
        return self.spans[number] if number >= 0 else (0, 0)

    def word(self, number: int) -> str:
        start, end = self.spans[number]
        return self.text[start:end]
