"""Continued multilingual pre-training: masked language modelling on bitext.

The arm of the research question that has no teacher. `mlm` masks pieces in either sentence by
itself (Devlin et al. 2019), `tlm` in the pair written as one text, so that a masked piece can be
read off the other language (translation language modelling, Lample and Conneau 2019, section 3.3).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from sentence_transformers import MultiVectorEncoder

MASKED = 0.15
KEPT, REPLACED = 0.1, 0.1
"""Of the masked pieces: share that stays as it is, and share that becomes a random piece."""


class MaskedLanguageLoss(nn.Module):
    """Cross-entropy of masked pieces, for sentence-transformers' trainer.

    Works on the encoder before projection and masks. The head is a linear map (from the identity)
    and a layer norm before the encoder's own word embeddings, which stay as they are. The softmax
    runs over the pieces of the training texts alone: over 250,000 it would cost ten times the
    encoder on a CPU, and pieces that never occur teach nothing.

    Args:
        model: the encoder that is trained.
        pieces: (V,) ids of the pieces that occur in the training texts.
        objective: `mlm` or `tlm`, for the log.
    """

    def __init__(self, model: MultiVectorEncoder, pieces: Tensor, *, objective: str) -> None:
        super().__init__()
        self.model = model
        self.objective = objective
        tokenizer: Any = model.tokenizer
        if tokenizer.mask_token_id is None:
            raise ValueError(f"the objective {objective} needs a tokenizer with a mask token")
        special = torch.tensor(
            sorted({*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder})
        )
        pieces = torch.unique(pieces)
        self._mask_id = int(tokenizer.mask_token_id)
        self.pieces: Tensor
        self.register_buffer("pieces", pieces[~torch.isin(pieces, special)], persistent=False)
        transformer: Any = model[0]
        width = transformer.model.get_input_embeddings().weight.shape[1]
        self.transform = nn.Linear(width, width)
        nn.init.eye_(self.transform.weight)
        nn.init.zeros_(self.transform.bias)
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(len(self.pieces)))
        self.score_weight = 0.0
        self.figures: dict[str, float] = {}

    def forward(
        self, sentence_features: Iterable[dict[str, Any]], labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Mean cross-entropy over the masked pieces of all columns."""
        losses, right, masked, tokens = [], 0.0, 0, 0.0
        for features in sentence_features:
            ids = features["input_ids"]
            changed, chosen = self._mask(ids, features["attention_mask"].bool())
            tokens += float(features["attention_mask"].sum())
            if not chosen.any():
                continue
            logits = self._logits({**features, "input_ids": changed}, chosen)
            target = torch.searchsorted(self.pieces, ids[chosen])
            losses.append(nn.functional.cross_entropy(logits, target, reduction="sum"))
            right += float((logits.argmax(-1) == target).sum())
            masked += len(target)
        total = torch.stack(losses).sum() / masked if losses else self.bias.sum() * 0
        self.figures = {"masked_accuracy": right / max(masked, 1), "tokens": tokens}
        return {self.objective: total}

    def get_config_dict(self) -> dict[str, Any]:
        """For the trainer's model card."""
        return {"objective": self.objective, "pieces": len(self.pieces)}

    def _mask(self, ids: Tensor, attention: Tensor) -> tuple[Tensor, Tensor]:
        """Input ids with masks in them, and where (B, n) a piece is to be predicted."""
        eligible = attention & torch.isin(ids, self.pieces)
        chosen = eligible & (torch.rand(ids.shape, device=ids.device) < MASKED)
        fate = torch.rand(ids.shape, device=ids.device)
        picks = torch.randint(len(self.pieces), ids.shape, device=ids.device)
        changed = torch.where(chosen & (fate >= KEPT + REPLACED), self._mask_id, ids)
        replaced = chosen & (fate < REPLACED)
        return torch.where(replaced, self.pieces[picks], changed), chosen

    def _logits(self, features: dict[str, Any], chosen: Tensor) -> Tensor:
        """(masked, V) scores of the pieces at the chosen positions."""
        transformer: Any = self.model[0]
        hidden = transformer(features)["token_embeddings"][chosen]
        words = transformer.model.get_input_embeddings().weight
        weights = words[self.pieces].detach()
        states = self.norm(self.transform(hidden.to(self.transform.weight.dtype)))
        return (states @ weights.to(states.dtype).T + self.bias).float()


def pieces_of(texts: Iterable[str], tokenizer: Any) -> Tensor:
    """Ids of all pieces that occur in texts, (V,), in rising order."""
    pieces: set[int] = set()
    for ids in tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]:
        pieces.update(ids)
    return torch.tensor(sorted(pieces), dtype=torch.long)
