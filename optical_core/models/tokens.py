"""The tokens of an encoded text: piece, word, character span and role of each."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from optical_core.data.words import word_starts

_MARKS = "▁Ġ "
"""A piece of only these marks where a word begins (SentencePiece's mark, byte-level BPE's)."""
Role = Literal["text", "punctuation", "prefix", "special", "mask"]
MARK = "▁"
"""Shown for a token that has no text of its own."""


@dataclass(frozen=True)
class Token:
    """One position of an encoded text.

    Attributes:
        piece: its part of the text, `text[start:end]`, as written there. The pieces of a text, one
            after another, are the text without its white space (only a word that normalisation
            drops, one of joiners alone, may have no token). A lone word-boundary mark has the empty
            piece, as have the second and later tokens of one character. A token that isn't in the
            text has its name in the vocabulary.
        word: index of the word that has most of it (that a lone mark begins); -1 if none. Words
            are separated by white space, or else cut as in `data.words`.
        start: where it begins in the text; 0 for tokens that aren't in the text.
        end: where it ends; 0 for tokens that aren't in the text.
        role: `text`, `punctuation`, `prefix` (of the prompt), `special` or `mask`.
        scored: whether its vector takes part in MaxSim (and carries mass in transport).
    """

    piece: str
    word: int
    start: int
    end: int
    role: Role
    scored: bool


def is_punctuation(piece: str) -> bool:
    """Tell whether a piece is only Unicode punctuation (category P), danda and Arabic marks too.

    Examples:
        >>> is_punctuation("।"), is_punctuation("▁,"), is_punctuation("a.")
        (True, True, False)
    """
    bare = piece.replace("▁", "").removeprefix("##")
    return bool(bare) and all(unicodedata.category(c).startswith("P") for c in bare)


def describe_tokens(
    tokenizer: Any,
    text: str,
    prompt: str,
    markers: frozenset[int],
    max_length: int,
    *,
    spaces: bool = False,
) -> list[Token]:
    """Describe the tokens of `prompt + text` as the encoder sees them.

    Args:
        tokenizer: a fast one of transformers.
        text: without its prompt.
        prompt: in marker tokens, or in plain text, whose tokens are known by their span.
        markers: ids of tokens that occur only in prompts.
        max_length: in tokens, the prompt included.
        spaces: does only white space separate words, as in texts that are cut into words already?

    Returns:
        A token a position. All are marked as `scored`: the caller corrects that.
    """
    encoded = tokenizer(
        prompt + text,
        truncation=True,
        max_length=max_length,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
    )
    pieces = tokenizer.convert_ids_to_tokens(encoded["input_ids"])
    spans = [(begin - len(prompt), end - len(prompt)) for begin, end in encoded["offset_mapping"]]
    roles: list[Role] = []
    for token_id, (_, end), special in zip(
        encoded["input_ids"], spans, encoded["special_tokens_mask"], strict=True
    ):
        if token_id in markers or (prompt and end <= 0 and not special):
            roles.append("prefix")
        else:
            roles.append("special" if special else "text")
    within = [index for index, role in enumerate(roles) if role == "text"]
    whole = len(pieces) < max_length
    marks = [not pieces[i].strip(_MARKS) for i in within]
    owned = _own_spans(text, [spans[i] for i in within], marks, whole)
    starts = _after_spaces(text) if spaces else word_starts(text)
    tokens = [Token(piece, -1, 0, 0, role, True) for piece, role in zip(pieces, roles, strict=True)]
    for index, (start, end), mark in zip(within, owned, marks, strict=True):
        piece = text[start:end]
        # The second token of a character belongs to that character.
        begin = start if piece or mark else max(0, start - 1)
        word = word_of(starts, begin, end)
        role: Role = "punctuation" if is_punctuation(piece) else "text"
        tokens[index] = Token(piece, word, start, end, role, True)
    return tokens


def visible(piece: str) -> str:
    """Make a piece visible on its own: ▁ for an empty one, a circle under a lone accent.

    Examples:
        >>> visible("sea"), visible(""), visible("\\u0301"), visible("\\u200d")
        ('sea', '▁', '◌\u0301', '▁')
    """
    if all(_is_invisible(character) for character in piece):
        return MARK
    return "◌" + piece if is_joined(piece[0]) else piece


def is_joined(character: str) -> bool:
    """Tell whether it belongs to the character before it: an accent, a vowel sign, a joiner."""
    return character == "\u200d" or unicodedata.category(character).startswith("M")


def _is_invisible(character: str) -> bool:
    variation = "\ufe00" <= character <= "\ufe0f"
    return variation or unicodedata.category(character) in ("Cc", "Cf", "Zs")


def _own_spans(
    text: str, spans: Sequence[tuple[int, int]], marks: Sequence[bool], whole: bool
) -> list[tuple[int, int]]:
    """Share the text out to the tokens: in order, no character twice, none left out.

    Tokenizers give a lone word-boundary mark (`marks`) the character after it, every byte of a
    character the whole character, and no token the characters that normalisation drops (accents,
    controls). White space belongs to no token. Unless the text is `whole`, the text after the last
    token belongs to none either.
    """
    owned = []
    position = 0
    for index, ((start, end), mark) in enumerate(zip(spans, marks, strict=True)):
        last = index + 1 == len(spans)
        following = (len(text) if whole else end) if last else spans[index + 1][0]
        start = max(start, position)
        end = max(start, min(end, following) if mark else end)
        while start < (len(text) if mark else end) and text[start].isspace():
            start += 1
        end = max(start, end)
        while end > start and text[end - 1].isspace():
            end -= 1
        while start > position and not text[start - 1].isspace():
            start -= 1
        while end < following and not text[end].isspace():
            end += 1
        owned.append((start, end))
        position = end
    return owned


def word_of(starts: Sequence[int], start: int, end: int) -> int:
    """The word, of those that begin at `starts`, that has most of a token; the first of several.

    Examples:
        >>> word_of([0, 4, 10], 4, 7)
        1
    """
    first, last = bisect_right(starts, start) - 1, bisect_left(starts, max(end, start + 1)) - 1
    edges = [start, *starts[first + 1 : last + 1], end]
    lengths = [after - before for before, after in pairwise(edges)]
    return first + lengths.index(max(lengths))


def _after_spaces(text: str) -> list[int]:
    return [found.start() for found in re.finditer(r"\S+", text)]
