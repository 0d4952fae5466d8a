"""What each token of an encoded text is: its piece, word, character span and role."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["text", "punctuation", "prefix", "special", "mask"]


@dataclass(frozen=True)
class Token:
    """One position of an encoded text.

    Attributes:
        piece: as a reader expects it: without the tokenizer's word-boundary mark.
        word: index of the whitespace-separated word it belongs to, -1 if none.
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
    starts = _word_starts(text)
    tokens = []
    for token_id, (start, end), special in zip(
        encoded["input_ids"],
        encoded["offset_mapping"],
        encoded["special_tokens_mask"],
        strict=True,
    ):
        piece = tokenizer.convert_ids_to_tokens(token_id)
        start, end = start - len(prompt), end - len(prompt)
        role: Role = "text"
        if token_id in markers or (end <= 0 and not special):
            role = "prefix"
        elif token_id == tokenizer.mask_token_id:
            role = "mask"
        elif special:
            role = "special"
        elif is_punctuation(piece):
            role = "punctuation"
        if role in ("text", "punctuation"):
            start = max(start, 0)
            while start < end and text[start].isspace():
                start += 1
            word = sum(begin <= start for begin in starts) - 1 if start < end else -1
            shown = text[start:end] or piece
            tokens.append(Token(shown, word, start, end, role, True))
        else:
            tokens.append(Token(piece, -1, 0, 0, role, True))
    return tokens


def _word_starts(text: str) -> list[int]:
    return [
        index
        for index, character in enumerate(text)
        if not character.isspace() and (index == 0 or text[index - 1].isspace())
    ]
