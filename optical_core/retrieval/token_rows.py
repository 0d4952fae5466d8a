"""Files of 8-bit token vectors beside an index's own: derived, checked, made again when stale.

A file is in safetensors' form and memory-mapped: rows (T, bytes), a token's values and its scale
(see int8_kernel), and the basis that the tokens were projected on, (d, k) fp32, if any. Its
metadata name the vectors that it is of and the recall measured when it was made. It is written in
bounded memory, whole or not at all.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from optical_core.retrieval import int8_kernel
from optical_core.retrieval.token_index import TokenIndex
from optical_core.storage import replace_file

logger = logging.getLogger(__name__)

FORMAT = "1"


@dataclass(frozen=True)
class TokenRows:
    """The 8-bit tokens of an index, all of their dimensions or projected on a basis."""

    index: TokenIndex
    rows: np.ndarray
    basis: np.ndarray | None
    recall: float
    """Share of the exact top 10 that a search with them keeps."""

    def scores(self, query: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """MaxSim (P,) in 8 bits with the passages at some positions."""
        vectors = np.asarray(query, np.float32)
        begins, ends = self.index.offsets[positions], self.index.offsets[positions + 1]
        projected = vectors if self.basis is None else vectors @ self.basis
        return int8_kernel.maxsim(self.rows, begins, ends, projected)


def token_rows(
    index: TokenIndex,
    name: str,
    measure: Callable[[TokenRows], float],
    basis: Callable[[], Tensor] | None = None,
) -> TokenRows:
    """Open the file `name` of an index; make it if it is missing, damaged or of other vectors.

    `measure` gives the recall of new rows; `basis` what they are projected on, (d, k).
    """
    path = index.folder / name
    if found := _read(index, path):
        return found
    projection = basis() if basis else None
    with replace_file(path) as temporary:
        with temporary.open("wb") as file:
            _write_head(file, index, projection, recall=0.0)
            for tokens, _, _ in index.blocks():
                kept = tokens if projection is None else tokens @ projection
                file.write(int8_kernel.pack(kept).tobytes())
        made = _read(index, temporary)
        assert made is not None
        recall = measure(made)
        with temporary.open("r+b") as file:
            _write_head(file, index, projection, recall=recall)
    logger.info("%s keeps %.1f%% of the exact top 10", path, 100 * recall)
    return replace(made, recall=recall)


def _read(index: TokenIndex, path: Path) -> TokenRows | None:
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            facts = file.metadata()
            if facts["of"] != index.fingerprint or facts["format"] != FORMAT:
                logger.info("%s is of other vectors: made again", path)
                return None
            basis = file.get_tensor("basis").numpy() if "basis" in file.keys() else None  # noqa: SIM118
            return TokenRows(index, file.get_tensor("rows").numpy(), basis, float(facts["recall"]))
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        logger.warning("%s is damaged (%s): made again", path, error)
        return None


def _write_head(file: BinaryIO, index: TokenIndex, basis: Tensor | None, *, recall: float) -> None:
    """All that comes before the rows, of one length whatever the recall."""
    content = b"" if basis is None else basis.numpy().astype("<f4").tobytes()
    width = int8_kernel.row_bytes(index.dimension if basis is None else basis.shape[1])
    shape, begin = [len(index.vectors), width], len(content)
    facts = {"format": FORMAT, "of": index.fingerprint, "recall": f"{recall:.4f}"}
    head: dict[str, object] = {"__metadata__": facts}
    if basis is not None:
        head["basis"] = {"dtype": "F32", "shape": list(basis.shape), "data_offsets": [0, begin]}
    ends = begin + shape[0] * shape[1]
    head["rows"] = {"dtype": "U8", "shape": shape, "data_offsets": [begin, ends]}
    encoded = json.dumps(head).encode()
    encoded += b" " * (-len(encoded) % 8)
    file.write(len(encoded).to_bytes(8, "little") + encoded + content)


def principal_basis(index: TokenIndex, width: int) -> Tensor:
    """The `width` directions (d, width) that hold most of the tokens' products."""
    moment = torch.zeros(index.dimension, index.dimension, dtype=torch.float64)
    for tokens, _, _ in index.blocks():
        moment += (tokens.T @ tokens).double()
    return torch.linalg.eigh(moment).eigenvectors[:, -width:].float().contiguous()
