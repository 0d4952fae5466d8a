"""Word embeddings that a training has moved: those of a few pieces, the rest shared with the base.

An encoder of a hundred languages keeps most of its weights in the embeddings of 250,000 pieces. A
training for some languages sees few of them. What it adds to these is kept apart, so that student
and teacher still share the large matrix.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from optical_core.errors import InputError
from optical_core.models.weights import read_tensors, write_tensors

FILE = "pieces.safetensors"


class MovedPieces(nn.Module):
    """Stands in the place of word embeddings, and adds to those of some pieces.

    Args:
        embeddings: (V, d); they stay as they are.
        pieces: (n,) ids of the pieces that may move, each once.
        moves: (n, d), what is added; zeros by default.

    Raises:
        ValueError: a piece is beyond the vocabulary.

    Examples:
        >>> words = nn.Embedding(5, 2)
        >>> moved = MovedPieces(words, torch.tensor([3]), torch.ones(1, 2))
        >>> (moved(torch.tensor([2, 3])) - words(torch.tensor([2, 3]))).round().tolist()
        [[0.0, 0.0], [1.0, 1.0]]
    """

    pieces: Tensor
    _rows: Tensor

    def __init__(
        self, embeddings: nn.Embedding, pieces: Tensor, moves: Tensor | None = None
    ) -> None:
        super().__init__()
        count, width = embeddings.weight.shape
        if len(pieces) and not 0 <= int(pieces.min()) <= int(pieces.max()) < count:
            raise ValueError(f"the vocabulary has {count:,} pieces: {int(pieces.max())} is none")
        self.embeddings = embeddings
        self.register_buffer("pieces", pieces.clone())
        rows = torch.zeros(count, dtype=torch.int32)
        rows[pieces] = torch.arange(1, len(pieces) + 1, dtype=torch.int32)
        self.register_buffer("_rows", rows, persistent=False)
        # Row 0 is for all other pieces: it is zero and has no gradient.
        self.moves = nn.Embedding(len(pieces) + 1, width, padding_idx=0)
        with torch.no_grad():
            self.moves.weight.zero_()
            if moves is not None:
                self.moves.weight[1:] = moves
        self.to(embeddings.weight.device)

    @property
    def weight(self) -> Tensor:
        """The embeddings before they were moved (V, d), which are shared."""
        return self.embeddings.weight

    def forward(self, ids: Tensor) -> Tensor:
        """Look up pieces: ids (...) to vectors (..., d)."""
        return self.embeddings(ids) + self.moves(self._rows[ids])

    def merged(self) -> nn.Embedding:
        """Plain embeddings with the same vectors; a second copy of the matrix."""
        weight = self.embeddings.weight.detach().clone()
        weight[self.pieces] += self.moves.weight.detach()[1:]
        return nn.Embedding.from_pretrained(weight, padding_idx=self.embeddings.padding_idx)


def own_pieces(
    pairs: Iterable[tuple[str, str]], tokenizer: Any, most: int, *, least: int = 2
) -> Tensor:
    """Choose the pieces that belong to the languages of bitext rather than to English.

    Args:
        pairs: foreign and English sentences, as often as a training reads them.
        tokenizer: of the student.
        most: how many; the most frequent ones are taken.
        least: how often a piece must occur.

    Returns:
        (n,) ids, ascending, of pieces more frequent in foreign sentences than in English ones.
    """
    foreign, english = Counter[int](), Counter[int]()
    for counts, texts in zip((foreign, english), zip(*pairs, strict=True), strict=True):
        for ids in tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]:
            counts.update(ids)
    own = {piece: n for piece, n in foreign.items() if n >= least and n > english[piece]}
    kept = sorted(own, key=lambda piece: (-own[piece], piece))[:most]
    return torch.tensor(sorted(kept), dtype=torch.long)


def moved_pieces(model: Any) -> MovedPieces | None:
    """Find the moved pieces of a MultiVectorEncoder; None if it has none."""
    embeddings = _transformer(model).get_input_embeddings()
    return embeddings if isinstance(embeddings, MovedPieces) else None


def move_pieces(model: Any, pieces: Tensor, moves: Tensor | None = None) -> None:
    """Let some pieces of a MultiVectorEncoder move; those that have moved already stay moved."""
    before = moved_pieces(model)
    if before is not None:
        joined = torch.unique(torch.cat([before.pieces, pieces]))
        start = torch.zeros(len(joined), before.weight.shape[1])
        start[torch.searchsorted(joined, before.pieces)] = before.moves.weight.detach()[1:]
        if moves is not None:
            start[torch.searchsorted(joined, pieces)] += moves
        embeddings, pieces, moves = before.embeddings, joined, start
    else:
        embeddings = _transformer(model).get_input_embeddings()
    _transformer(model).set_input_embeddings(MovedPieces(embeddings, pieces, moves))


def state_besides(model: Any) -> dict[str, Tensor]:
    """Return a MultiVectorEncoder's state without moved pieces and the embeddings under them."""
    state: dict[str, Tensor] = model.state_dict()
    moved = moved_pieces(model)
    if moved is None:
        return state
    inside = next(f"{name}." for name, module in model.named_modules() if module is moved)
    return {key: value for key, value in state.items() if not key.startswith(inside)}


def merge_pieces(model: Any) -> None:
    """Replace the moved pieces of a MultiVectorEncoder by plain embeddings, if it has any."""
    if moved := moved_pieces(model):
        _transformer(model).set_input_embeddings(moved.merged())


def save_pieces(folder: Path, moved: MovedPieces) -> None:
    """Write the moved pieces, and what is added to them in 8 bits, with a scale for each piece."""
    moves = moved.moves.weight.detach().cpu()[1:].float()
    scales = (moves.abs().amax(1, keepdim=True) / 127).half()
    steps = torch.where(scales > 0, moves / scales.float(), 0).round().clamp(-127, 127)
    tensors = {"pieces": moved.pieces.cpu().int(), "moves": steps.to(torch.int8), "scales": scales}
    write_tensors(folder / FILE, {name: tensor.contiguous() for name, tensor in tensors.items()})


def load_pieces(folder: Path, model: Any) -> None:
    """Move the pieces of a MultiVectorEncoder as a folder says; not at all if it says nothing.

    Raises:
        InputError: the file is damaged, or is of another encoder.
    """
    path = folder / FILE
    if not path.is_file():
        return
    tensors = read_tensors(path)
    try:
        moves = tensors["moves"].float() * tensors["scales"].float()
        move_pieces(model, tensors["pieces"].long(), moves)
    except (KeyError, ValueError, RuntimeError, IndexError) as error:
        raise InputError(f"{path} doesn't belong to this encoder: {error}") from error


def _transformer(model: Any) -> Any:
    return model[0].model
