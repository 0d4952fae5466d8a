"""Files of 8-bit token vectors, derived from an index's vectors and made again when outdated.

A file is in safetensors' form and memory-mapped. It has blocks of 16 tokens (see int8_kernel) and
the basis on which the tokens were projected, (d, k) fp32, if any. Its metadata name the original
vectors, and the recall that was measured when the file was made. It is written in bounded memory,
whole or not at all.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from optical_core.checksums import check_noted, replace_noted
from optical_core.retrieval import int8_kernel
from optical_core.retrieval.token_index import TokenIndex

logger = logging.getLogger(__name__)

FORMAT = "2"
_ALIGNED = 64
"""Bytes of a cache line: a block that begins with one is read fastest."""


@dataclass(frozen=True)
class PackedTokens:
    """The 8-bit tokens of an index: all of them or means of neighbours, whole or projected.

    Attributes:
        index: the index that they are derived from.
        blocks: as `int8_kernel.pack` makes them.
        offsets: (P + 1,) where each passage's tokens begin.
        basis: the directions that they are projected on, (d, k); None if they aren't.
        recall: share of the exact top 10 that a search with them keeps.
    """

    index: TokenIndex
    blocks: np.ndarray
    offsets: np.ndarray
    basis: np.ndarray | None
    recall: float

    def scores(self, query: np.ndarray, positions: np.ndarray | None = None) -> np.ndarray:
        """MaxSim (P,) in 8 bits of a query (n, d) with the passages at `positions`, or with all."""
        vectors = np.asarray(query, np.float32)
        if positions is None:
            begins, ends = self.offsets[:-1], self.offsets[1:]
        else:
            begins, ends = self.offsets[positions], self.offsets[positions + 1]
        # By einsum: BLAS's threads for `@` go on spinning while maxsim.c runs.
        projected = vectors if self.basis is None else np.einsum("nd,dk->nk", vectors, self.basis)
        return int8_kernel.maxsim(self.blocks, begins, ends, projected)


def packed_tokens(
    index: TokenIndex,
    name: str,
    measure: Callable[[PackedTokens], float],
    *,
    basis: Callable[[], Tensor] | None = None,
    window: int = 1,
) -> PackedTokens:
    """Open a file of an index; make it if it is missing, damaged or of other vectors.

    Args:
        index: whose tokens are packed.
        name: of the file.
        measure: gives the recall of a new file.
        basis: gives the directions to project tokens on, (d, k).
        window: the file has the means of this many neighbouring tokens, as unit vectors.
    """
    path = index.folder / name
    if there := _read(index, path, window):
        return there
    projection = basis() if basis else None
    with replace_noted(path) as temporary:
        with temporary.open("wb") as file:
            _write_head(file, index, projection, window, recall=0.0)
            for tokens in _whole_blocks(_kept(index, projection, window)):
                file.write(int8_kernel.pack(tokens).tobytes())
        made = _read(index, temporary, window)
        assert made is not None
        recall = measure(made)
        with temporary.open("r+b") as file:
            _write_head(file, index, projection, window, recall=recall)
    logger.info("%s keeps %.1f%% of the exact top 10", path, 100 * recall)
    return replace(made, recall=recall)


def _kept(index: TokenIndex, projection: Tensor | None, window: int) -> Iterator[Tensor]:
    for tokens, owners, passages in index.blocks():
        pooled = tokens if window == 1 else _means(tokens, owners, passages, window)
        yield pooled if projection is None else pooled @ projection


def _means(tokens: Tensor, owners: Tensor, passages: int, window: int) -> Tensor:
    """Unit means of every `window` tokens of a passage (the last mean may be of fewer)."""
    lengths = torch.bincount(owners, minlength=passages)
    windows = -(-lengths // window)
    places = torch.arange(len(tokens)) - (lengths.cumsum(0) - lengths)[owners]
    numbers = (windows.cumsum(0) - windows)[owners] + places // window
    sums = tokens.new_zeros(int(windows.sum()), tokens.shape[1]).index_add_(0, numbers, tokens)
    return torch.nn.functional.normalize(sums)


def _whole_blocks(parts: Iterable[Tensor]) -> Iterator[Tensor]:
    """The same tokens, cut at the ends of blocks."""
    rest: list[Tensor] = []
    for part in parts:
        tokens = torch.cat([*rest, part])
        split = len(tokens) - len(tokens) % int8_kernel.TOKENS
        yield tokens[:split]
        rest = [tokens[split:].clone()]
    yield from rest


def _offsets(index: TokenIndex, window: int) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(-(-np.diff(index.offsets) // window))])


def _read(index: TokenIndex, path: Path, window: int) -> PackedTokens | None:
    if not path.is_file():
        return None
    try:
        check_noted(path)
        with safe_open(path, "pt") as file:
            facts = file.metadata()
            if _identity(index, window).items() - facts.items():
                logger.info("%s is of other vectors or an older form: made again", path)
                return None
            basis = file.get_tensor("basis").numpy() if "basis" in file.keys() else None  # noqa: SIM118
            blocks, recall = file.get_tensor("blocks").numpy(), float(facts["recall"])
            return PackedTokens(index, blocks, _offsets(index, window), basis, recall)
    except (SafetensorError, KeyError, TypeError, ValueError, OSError, AttributeError) as error:
        logger.warning("%s is damaged (%s): made again", path, error)
        return None


def _identity(index: TokenIndex, window: int) -> dict[str, str]:
    """The metadata that a file must have to be used."""
    return {"format": FORMAT, "of": index.fingerprint, "window": str(window)}


def _write_head(
    file: BinaryIO, index: TokenIndex, basis: Tensor | None, window: int, *, recall: float
) -> None:
    """Write all that precedes the blocks; its length doesn't depend on the recall."""
    content = b"" if basis is None else basis.numpy().astype("<f4").tobytes()
    width = int8_kernel.token_bytes(index.dimension if basis is None else basis.shape[1])
    count = -(-int(_offsets(index, window)[-1]) // int8_kernel.TOKENS)
    shape, begin = [count, int8_kernel.TOKENS * width], len(content)
    facts = _identity(index, window) | {"recall": f"{recall:.4f}"}
    head: dict[str, object] = {"__metadata__": facts}
    if basis is not None:
        head["basis"] = {"dtype": "F32", "shape": list(basis.shape), "data_offsets": [0, begin]}
    ends = begin + shape[0] * shape[1]
    head["blocks"] = {"dtype": "U8", "shape": shape, "data_offsets": [begin, ends]}
    encoded = json.dumps(head).encode()
    encoded += b" " * (-(8 + len(encoded) + begin) % _ALIGNED)
    file.write(len(encoded).to_bytes(8, "little") + encoded + content)


def principal_basis(index: TokenIndex, width: int) -> Tensor:
    """The `width` directions (d, width) that keep most of the tokens' products."""
    moment = torch.zeros(index.dimension, index.dimension, dtype=torch.float64)
    for tokens, _, _ in index.blocks():
        moment += (tokens.T @ tokens).double()
    return torch.linalg.eigh(moment).eigenvectors[:, -width:].float().contiguous()
