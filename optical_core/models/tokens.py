"""What each token of an encoded text is: its piece, word, character span and role."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

_MARKS = "▁Ġ "
"""Pieces of these alone only say where a word begins (SentencePiece's mark, byte-level BPE's)."""
Role = Literal["text", "punctuation", "prefix", "special", "mask"]
MARK = "▁"
"""What is shown of a token that has no text of its own."""


@dataclass(frozen=True)
class Token:
    """One position of an encoded text.

    Attributes:
        piece: the part of the text that it stands for, `text[start:end]`, as it is written there.
            The pieces of a text one after the other read as the text without its white space
            (a word that normalisation drops whole, of joiners alone, may have no token).
            Empty for a lone word-boundary mark and for the further tokens of one character; of a
            token that is not in the text, its name in the vocabulary.
        word: index of the whitespace-separated word it belongs to (a lone mark: that it begins),
            -1 if none.
        start: where it begins in the text as given; 0 for tokens that are not in the text.
        end: where it ends; 0 for tokens that are not in the text.
        scored: does its vector take part in MaxSim (and carry mass in transport)?
    """

    piece: str
    word: int
    start: int
    end: int
    role: Role
    scored: bool


def is_punctuation(piece: str) -> bool:
    """Is the piece made of Unicode punctuation (category P) alone? Danda and Arabic marks are.

    Examples:
        >>> is_punctuation("।"), is_punctuation("▁,"), is_punctuation("a.")
        (True, True, False)
    """
    bare = piece.replace("▁", "").removeprefix("##")
    return bool(bare) and all(unicodedata.category(c).startswith("P") for c in bare)


def describe_tokens(
    tokenizer: Any, text: str, prompt: str, markers: frozenset[int], max_length: int
) -> list[Token]:
    """Tokens of `prompt + text` as the encoder sees them; `scored` is left to the caller.

    `markers`: ids of tokens that only ever stand in a prompt. Of a prompt in plain text the
    tokens are known by their span.
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
    owned = _own_spans(
        text, [spans[i] for i in within], [not pieces[i].strip(_MARKS) for i in within], whole
    )
    starts = _word_starts(text)
    tokens = [Token(piece, -1, 0, 0, role, True) for piece, role in zip(pieces, roles, strict=True)]
    for index, (start, end) in zip(within, owned, strict=True):
        shown = text[start:end]
        word = bisect_right(starts, start) - 1
        role: Role = "punctuation" if is_punctuation(shown) else "text"
        tokens[index] = Token(shown, word, start, end, role, True)
    return tokens


def visible(piece: str) -> str:
    """A piece as it can be seen on its own: ▁ for one of nothing, a circle under a lone accent.

    Examples:
        >>> visible("sea"), visible(""), visible("\\u0301"), visible("\\u200d")
        ('sea', '▁', '◌\u0301', '▁')
    """
    if all(_is_invisible(character) for character in piece):
        return MARK
    return "◌" + piece if is_joined(piece[0]) else piece


def is_joined(character: str) -> bool:
    """Does it belong to the character before it: an accent, a vowel sign, a joiner?"""
    return character == "\u200d" or unicodedata.category(character).startswith("M")


def _is_invisible(character: str) -> bool:
    variation = "\ufe00" <= character <= "\ufe0f"
    return variation or unicodedata.category(character) in ("Cc", "Cf", "Zs")


def _own_spans(
    text: str, spans: Sequence[tuple[int, int]], marks: Sequence[bool], whole: bool
) -> list[tuple[int, int]]:
    """Of each token the part of the text that is its own: in order, none twice, nothing left out.

    Tokenizers give a lone word-boundary mark (`marks`) the character after it, all bytes of a
    character that character, and characters that normalisation drops (accents, controls) to
    none. White space belongs to nobody; unless the text is `whole`, neither does what follows
    the last token.
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


def _word_starts(text: str) -> list[int]:
    return [
        index
        for index, character in enumerate(text)
        if not character.isspace() and (index == 0 or text[index - 1].isspace())
    ]
