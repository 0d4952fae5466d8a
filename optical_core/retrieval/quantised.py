"""QuantisedIndex: every passage scored from 8-bit token vectors, the best of them again exactly.

    int8.safetensors    rows (T, bytes): a token's values and its scale (see int8_kernel)

The file lies in the index's folder, is derived from its vectors when first asked for, and is made
again when they have changed. The scores that a search returns are exact MaxSim's: 8-bit scores
only choose which passages are scored exactly.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from safetensors import SafetensorError, safe_open

from optical_core.retrieval import int8_kernel
from optical_core.retrieval.recall import measured_recall
from optical_core.retrieval.token_index import TokenIndex
from optical_core.storage import replace_file

logger = logging.getLogger(__name__)

FILE = "int8.safetensors"
FORMAT = "1"
RESCORED = 40
"""Passages scored exactly for a query, at least; twice as many as are asked for."""


@dataclass(frozen=True)
class QuantisedIndex:
    """An index with the 8-bit form of its vectors, memory-mapped."""

    index: TokenIndex
    rows: np.ndarray
    recall: float
    """Share of the exact top 10 that it keeps, on queries made from the passages."""

    @classmethod
    def open(cls, index: TokenIndex) -> QuantisedIndex:
        """Open the index's 8-bit form; make it if it is missing, damaged or of other vectors."""
        path = index.folder / FILE
        found = cls._read(index, path)
        if found:
            return found
        with replace_file(path) as temporary:
            with temporary.open("wb") as file:
                _write(file, index, 0.0)
                for tokens, _, _ in index.blocks():
                    file.write(int8_kernel.pack(tokens).tobytes())
            unmeasured = cls._read(index, temporary)
            assert unmeasured is not None
            recall = measured_recall(index, unmeasured)
            with temporary.open("r+b") as file:
                _write(file, index, recall)
        logger.info("int8 in %s keeps %.1f%% of the exact top 10", index.folder, 100 * recall)
        return cls(index, unmeasured.rows, recall)

    @classmethod
    def _read(cls, index: TokenIndex, path: Path) -> QuantisedIndex | None:
        if not path.is_file():
            return None
        try:
            with safe_open(path, "pt") as file:
                facts = file.metadata()
                if facts["of"] != index.fingerprint or facts["format"] != FORMAT:
                    logger.info("%s is of other vectors: made again", path)
                    return None
                return cls(index, file.get_tensor("rows").numpy(), float(facts["recall"]))
        except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
            logger.warning("%s is damaged (%s): made again", path, error)
            return None

    def search(self, query: np.ndarray, *, top: int = 10) -> list[tuple[str, float]]:
        """The best passages with their exact MaxSim scores: (id, score), best first.

        query: (n, d) unit token vectors; one without tokens finds nothing.
        """
        if not len(query):
            return []
        return self.rescored(query, np.arange(len(self.index)), top)

    def search_many(
        self, queries: Sequence[np.ndarray], *, top: int = 10
    ) -> list[list[tuple[str, float]]]:
        """`search` for many queries."""
        return [self.search(query, top=top) for query in queries]

    def rescored(
        self, query: np.ndarray, positions: np.ndarray, top: int
    ) -> list[tuple[str, float]]:
        """The best passages at `positions`: chosen by 8-bit MaxSim, ranked by exact MaxSim."""
        offsets = self.index.offsets
        scores = int8_kernel.maxsim(self.rows, offsets[positions], offsets[positions + 1], query)
        best = largest(scores, max(RESCORED, 2 * top))
        return self.index.score(query, positions[best])[:top]


def largest(scores: np.ndarray, count: int) -> np.ndarray:
    """Positions (<= count,) of the largest scores, ascending."""
    if count >= len(scores):
        return np.arange(len(scores))
    return np.sort(np.argpartition(scores, len(scores) - count)[-count:])


def _write(file: BinaryIO, index: TokenIndex, recall: float) -> None:
    """The file's head, of one length whatever the recall: rows follow it as they are made."""
    shape = [len(index.vectors), int8_kernel.row_bytes(index.dimension)]
    head = {
        "__metadata__": {"format": FORMAT, "of": index.fingerprint, "recall": f"{recall:.4f}"},
        "rows": {"dtype": "U8", "shape": shape, "data_offsets": [0, shape[0] * shape[1]]},
    }
    content = json.dumps(head).encode()
    content += b" " * (-len(content) % 8)
    file.write(len(content).to_bytes(8, "little") + content)
