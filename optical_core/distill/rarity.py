"""How rare the pieces of a bitext are: rare ones decide what a query finds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from optical_core.data.sentence_pairs import SentencePair

_TOGETHER = 10_000
"""Sentences that are cut into pieces at a time."""


def rarities(
    batches: Iterable[Iterable[SentencePair]], student: Any, teacher: Any
) -> tuple[Tensor, Tensor]:
    """Compute the rarity of the pieces that two tokenizers cut a training's sentences into."""
    pairs = dict.fromkeys(pair for batch in batches for pair in batch)
    sentences = dict.fromkeys(
        said for p in pairs for said in ((p.language, p.foreign), ("en", p.english))
    )
    own = rarity(sentences, student)
    same = student.get_vocab() == teacher.get_vocab()
    return own, own if same else rarity(sentences, teacher)


def rarity(sentences: Iterable[tuple[str, str]], tokenizer: Any) -> Tensor:
    """Compute each piece's inverse document frequency, log(1 + sentences / those that have it).

    It is counted in each language by itself, and the language where a piece is most frequent
    counts: a function word of one language is rare in all the others.

    Args:
        sentences: (language, text), each once.
        tokenizer: cuts them into pieces.

    Returns:
        (V,) fp32, by the number of the piece. Pieces that never occur have the highest value.
    """
    by_language: dict[str, list[str]] = defaultdict(list)
    for language, text in sentences:
        by_language[language].append(text)
    share = torch.zeros(len(tokenizer))
    fewest = 1.0
    for texts in by_language.values():
        counts = Counter[int]()
        for begin in range(0, len(texts), _TOGETHER):
            part = texts[begin : begin + _TOGETHER]
            for ids in tokenizer(part, add_special_tokens=False, verbose=False)["input_ids"]:
                counts.update(set(ids))
        pieces = torch.tensor(list(counts.keys()), dtype=torch.long)
        found = torch.tensor(list(counts.values()), dtype=torch.float) / len(texts)
        share[pieces] = torch.maximum(share[pieces], found)
        fewest = min(fewest, 1 / len(texts))
    return torch.log1p(1 / share.clamp_min(fewest))
