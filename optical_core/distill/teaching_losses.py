"""sentence-transformers' losses over query and passages, configured for `optical teach`."""

from __future__ import annotations

from typing import Any

import torch
from sentence_transformers.multi_vector_encoder.losses import (
    CachedMultiVectorMultipleNegativesRankingLoss,
    MultiVectorDistillKLDivLoss,
    MultiVectorMarginMSELoss,
    MultiVectorMultipleNegativesRankingLoss,
)
from sentence_transformers.multi_vector_encoder.scoring import (
    mean_colbert_kd_scores,
    mean_colbert_scores,
)
from torch import nn

from optical_core.distill import ranks
from optical_core.distill.loss import ALARM_EVERY
from optical_core.distill.teach_config import TeachConfig
from optical_core.distill.token_batch import TokenBatch, collapse_alarms


def teaching_loss(config: TeachConfig, model: Any) -> Any:
    """Make the library's loss for a configuration, observed for the log.

    MaxSim is a mean over the query's tokens, so one temperature fits short and long queries.
    Margins are between sums, as in the scores of published sets.
    """
    if config.objective == "margin-mse":
        loss: nn.Module = MultiVectorMarginMSELoss(model)
    elif config.objective == "kl":
        loss = MultiVectorDistillKLDivLoss(
            model,
            similarity_fct=mean_colbert_kd_scores,
            student_temperature=config.temperature,
            teacher_temperature=config.score_temperature,
        )
    else:
        settings: dict[str, Any] = {
            "scale": 1 / config.temperature,
            "similarity_fct": mean_colbert_scores,
            "gather_across_devices": ranks.count() > 1,
        }
        loss = (
            CachedMultiVectorMultipleNegativesRankingLoss(
                model, mini_batch_size=config.mini_batch, **settings
            )
            if config.mini_batch
            else MultiVectorMultipleNegativesRankingLoss(model, **settings)
        )
    return observed(loss, config.objective)


def observed(loss: Any, objective: str) -> Any:
    """Add to a loss what the log needs: its objective's name, and figures of a batch."""
    loss.objective, loss.figures = objective, {}
    observer = _Observer(loss)
    loss.register_forward_pre_hook(observer.before)
    loss.model.register_forward_hook(observer.within)
    return loss


class _Observer:
    """Counts a batch's tokens, and checks now and then whether the tokens become alike."""

    def __init__(self, loss: Any) -> None:
        self.figures: dict[str, float] = loss.figures
        self.batches, self.due = 0, False

    def before(self, loss: Any, arguments: tuple[Any, ...]) -> None:
        self.due = self.batches % ALARM_EVERY == 0
        self.batches += 1
        tokens = (float(features["attention_mask"].sum()) for features in arguments[0])
        self.figures["tokens"] = sum(tokens)

    def within(self, model: Any, arguments: tuple[Any, ...], outputs: dict[str, Any]) -> None:
        if self.due and outputs["token_embeddings"].requires_grad:
            self.due = False
            mask = outputs["attention_mask"].bool()
            batch = TokenBatch(outputs["token_embeddings"], mask, torch.zeros_like(mask))
            self.figures.update(collapse_alarms(batch))
