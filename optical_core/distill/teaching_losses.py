"""sentence-transformers' losses over query and passages, configured for `optical teach`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
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
from torch import Tensor, nn

from optical_core.distill import ranks
from optical_core.distill.loss import ALARM_EVERY
from optical_core.distill.teach_config import TeachConfig
from optical_core.distill.token_batch import TokenBatch, collapse_alarms


def teaching_loss(config: TeachConfig, model: Any, base: Any) -> Any:
    """Make the library's loss for a configuration, observed for the log.

    MaxSim is a mean over the query's tokens, so one temperature fits short and long queries.
    Margins are between sums, as in the scores of published sets.

    Args:
        config: of the training.
        model: is trained.
        base: what it is made from, whose scores are kept if `keep` is above 0.
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
        if config.mini_batch:
            loss = CachedMultiVectorMultipleNegativesRankingLoss(
                model, mini_batch_size=config.mini_batch, **settings
            )
        elif config.keep:
            loss = KeepingLoss(
                model,
                base,
                weight=config.keep,
                base_scale=1 / config.keep_temperature,
                **settings,
            )
        else:
            loss = MultiVectorMultipleNegativesRankingLoss(model, **settings)
    return observed(loss, config.objective)


class KeepingLoss(MultiVectorMultipleNegativesRankingLoss):
    """Contrastive, plus KL(base || model) of the distributions over the batch's passages.

    The base's are those before training. Learning without Forgetting (Li and Hoiem 2016), over
    rankings instead of classes. The last column has passages that may be relevant to their row's
    query, of the same document for instance: they are no negatives of it, but their scores are
    kept, so that the model goes on distinguishing passages that are alike.

    Args:
        model: is trained.
        base: gives the scores that are kept; its vectors may have another size.
        weight: of the KL divergence.
        base_scale: 1 / temperature of the base's distribution.
        **settings: of the contrastive loss, `scale` and `similarity_fct` among them.
    """

    def __init__(
        self, model: Any, base: Any, *, weight: float, base_scale: float, **settings: Any
    ) -> None:
        super().__init__(model, **settings)
        self.weight, self.base_scale = weight, base_scale
        self._score = self.similarity_fct
        self._scores: list[Tensor] = []
        self.similarity_fct = self._recorded
        # Not a submodule: the base is neither trained nor saved.
        self._base = (MultiVectorMultipleNegativesRankingLoss(base, **settings),)
        self._base[0].similarity_fct = self._recorded

    def forward(
        self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor | None = None
    ) -> Tensor:
        columns = [dict(features) for features in sentence_features]
        self._scores.clear()
        contrastive = super().forward(columns, labels)
        with torch.no_grad():
            self._base[0](columns, labels)
        scores, before = self._scores
        self._scores.clear()
        kept = F.kl_div(
            (scores * self.scale).log_softmax(-1),
            (before * self.base_scale).log_softmax(-1),
            reduction="batchmean",
            log_target=True,
        )
        return contrastive + self.weight * kept

    def _recorded(self, queries: Tensor, documents: Tensor, **masks: Any) -> Tensor:
        """Score as the library does, each query's own last passage left out."""
        scores = self._score(queries, documents, **masks)
        self._scores.append(scores)
        count, width = len(queries), documents.shape[1]
        first = ranks.rank() * count * width if self.gather_across_devices else 0
        own = first + torch.arange(count, device=scores.device) * width + width - 1
        return scores.scatter(1, own[:, None], -torch.inf)


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
