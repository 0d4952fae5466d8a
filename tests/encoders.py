"""An encoder without a model: a text's vectors are random, and always the same."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np


class RandomEncoder:
    """Stands for a teacher: 2 to 9 unit vectors a text, none for an empty one."""

    name, hash, dimension = "random", "0123456789abcdef", 32
    model = SimpleNamespace(device="cpu")

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def room(self, side: str) -> int:
        return 1 << 20

    def encode(self, texts: Iterable[str], side: str, **_: Any) -> Iterator[np.ndarray]:
        for text in texts:
            self.encoded.append(text)
            yield vectors_of(text)


def vectors_of(text: str) -> np.ndarray:
    """The vectors (tokens, 32) of a text."""
    generator = np.random.default_rng(zlib.crc32(text.encode()))
    vectors = generator.standard_normal((generator.integers(2, 10) if text else 0, 32))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
