"""Continued multilingual pre-training: masked language modelling on bitext.

This arm of the research question has no teacher. `mlm` masks pieces in each sentence by itself
(Devlin et al. 2019). `tlm` masks them in the pair written as one text, where the other language
helps to predict them (translation language modelling, Lample and Conneau 2019, section 3.3).
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
"""Shares of the masked pieces that stay unchanged, and that become a random piece."""


class MaskedLanguageLoss(nn.Module):
    """Cross-entropy of masked pieces, for sentence-transformers' trainer.

    It uses the encoder before projection and masks. The head is a linear map (initially the
    identity), a layer norm, and the encoder's own word embeddings, which stay unchanged. The
    softmax is only over the pieces of the training texts: over 250,000 it would cost ten times the
    encoder on a CPU, and pieces that never occur teach nothing.

    Args:
        model: the encoder in training.
        pieces: (V,) ids of the pieces that occur in the training texts.
        objective: `mlm` or `tlm`, for the log.

    Raises:
        ValueError: the tokenizer has no mask token.
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
        """Compute the mean cross-entropy over the masked pieces of all columns."""
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
        """List the settings, for the trainer's model card."""
        return {"objective": self.objective, "pieces": len(self.pieces)}

    def _mask(self, ids: Tensor, attention: Tensor) -> tuple[Tensor, Tensor]:
        """Mask some input ids; also returns where (B, n) a piece must be predicted."""
        eligible = attention & torch.isin(ids, self.pieces)
        chosen = eligible & (torch.rand(ids.shape, device=ids.device) < MASKED)
        fate = torch.rand(ids.shape, device=ids.device)
        picks = torch.randint(len(self.pieces), ids.shape, device=ids.device)
        changed = torch.where(chosen & (fate >= KEPT + REPLACED), self._mask_id, ids)
        replaced = chosen & (fate < REPLACED)
        return torch.where(replaced, self.pieces[picks], changed), chosen

    def _logits(self, features: dict[str, Any], chosen: Tensor) -> Tensor:
        """Score the pieces at the chosen positions: (masked, V)."""
        transformer: Any = self.model[0]
        hidden = transformer(features)["token_embeddings"][chosen]
        words = transformer.model.get_input_embeddings().weight
        weights = words[self.pieces].detach()
        states = self.norm(self.transform(hidden.to(self.transform.weight.dtype)))
        return (states @ weights.to(states.dtype).T + self.bias).float()


def pieces_of(texts: Iterable[str], tokenizer: Any) -> Tensor:
    """Collect the ids of all pieces that occur in texts: (V,), ascending."""
    pieces: set[int] = set()
    for ids in tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]:
        pieces.update(ids)
    return torch.tensor(sorted(pieces), dtype=torch.long)
