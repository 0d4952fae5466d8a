"""OpticalLoss: OPTICAL and its rivals as a loss for sentence-transformers' trainer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from optical_core.distill import ranks
from optical_core.distill.objectives import OBJECTIVES
from optical_core.distill.teacher_vectors import KeptVectors, TeacherVectors
from optical_core.distill.token_batch import TokenBatch, collapse_alarms
from optical_core.transport import TransportSettings

if TYPE_CHECKING:
    from sentence_transformers import MultiVectorEncoder


PLANS = TransportSettings("exact", epsilon_share=0.1)
ALARM_EVERY = 50
"""Batches from one computing of the collapse alarms to the next: an eigenvalue problem each."""


class OpticalLoss(nn.Module):
    """Distil a frozen teacher's English token vectors into a student's foreign ones.

    Use it with `MultiVectorEncoderTrainer` and a dataset of columns (foreign, english) or, with
    `score_weight` above 0 or an objective over scores alone, (foreign, english, passage), where
    `passage` repeats the English sentence. Both sentences are queries to the encoders, so tell
    the trainer: `router_mapping={"foreign": "query", "english": "query"}`, and `prompts` for each
    column as the model has them.

    Under DistributedDataParallel the loss and its gradient are those of the ranks' batches taken as
    one: scores are over the passages of all ranks, and every rank needs a batch in every step.

    Args:
        model: the student, a MultiVectorEncoder.
        teacher: the frozen teacher; it reads the student's token ids, so it must share its
            tokenizer. Its vectors are kept, so an epoch after the first costs no teacher pass.
        objective: a key of `OBJECTIVES`, one with a teacher.
        transport: how plans are solved. With marginals `mask-augmented`, both sides must be
            extended with [MASK] by the encoders' `query_expansion`.
        plan_layer: layer (0 for the embeddings) whose token vectors the plans are made from; the
            encoders' own vectors by default. The loss is of those in either case.
        score_weight: weight of the score-preserving term beside the objective; 0 leaves it out.
        temperature: of the score distributions over in-batch passages.
        store: where the teacher's vectors are kept; its own by default.

    Raises:
        ValueError: an unknown objective, no such layer, or columns missing from the dataset.
    """

    def __init__(
        self,
        model: MultiVectorEncoder,
        teacher: MultiVectorEncoder,
        *,
        objective: str = "optical",
        transport: TransportSettings = PLANS,
        plan_layer: int | None = None,
        score_weight: float = 0.0,
        temperature: float = 0.05,
        store: KeptVectors | None = None,
    ) -> None:
        super().__init__()
        distilling = [name for name, known in OBJECTIVES.items() if known.teacher]
        if objective not in distilling:
            raise ValueError(f"objective must be one of {', '.join(distilling)}, got {objective!r}")
        self.model = model
        self.objective = objective
        self._objective = OBJECTIVES[objective]
        self.transport = transport
        self.plan_layer = plan_layer if self._objective.plans else None
        if self.plan_layer is not None:
            for encoder in (model, teacher):
                _give_layers(encoder, self.plan_layer)
        # No submodule: the teacher is neither trained nor saved.
        self._teacher = TeacherVectors(teacher, plan_layer=self.plan_layer, store=store)
        self.score_weight = 1.0 if self._objective.passages else score_weight
        self.temperature = temperature
        self.figures: dict[str, float] = {}
        """Figures of the last batch: marginal error, tokens; collapse alarms of the last batch
        for which they were computed."""
        self._batches, self._alarms = 0, dict[str, float]()

    def forward(
        self, sentence_features: Iterable[dict[str, Any]], labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Loss components by name, each a mean over pairs; the trainer adds them up."""
        columns = [dict(features) for features in sentence_features]
        needed = self._objective.columns(scores=self.score_weight > 0)
        if len(columns) < len(needed):
            raise ValueError(
                f"the objective {self.objective} needs the columns {', '.join(needed)}, "
                f"got {len(columns)} columns"
            )
        student = self._student(columns[0])
        device = student.vectors.device
        teacher = self._teacher.batch(columns[1], "query", device)
        # DDP takes the mean over ranks; the loss is the mean over pairs.
        pairs = len(student.mask)
        share = pairs * ranks.count() / ranks.total(student.vectors.new_tensor(pairs))
        components: dict[str, Tensor] = {}
        figures: dict[str, float] = {}
        if losses := self._objective.token_loss(student, teacher, self.transport):
            loss, figures = losses
            components[self.objective] = loss.mean() * share
        if self.score_weight:
            passages, first = _of_all_ranks(self._teacher.batch(columns[2], "document", device))
            scores = self._objective.score_loss(
                student, teacher, passages, temperature=self.temperature, first=first
            )
            components["scores"] = self.score_weight * scores.mean() * share
        if self._batches % ALARM_EVERY == 0:
            self._alarms = collapse_alarms(student)
        self._batches += 1
        self.figures = {
            **figures,
            **self._alarms,
            "tokens": float(student.mask.sum() + teacher.mask.sum()),
        }
        return components

    def get_config_dict(self) -> dict[str, Any]:
        """For the trainer's model card."""
        return {
            "objective": self.objective,
            "marginals": self.transport.marginals,
            "solver": self.transport.method,
            "epsilon_share": self.transport.epsilon_share,
            "plan_layer": self.plan_layer,
            "score_weight": self.score_weight,
            "temperature": self.temperature,
        }

    @property
    def citation(self) -> str:
        return """
@inproceedings{huang2023optical,
    title={Improving Cross-lingual Information Retrieval on Low-Resource Languages via Optimal Transport Distillation},
    author={Zhiqi Huang and Puxuan Yu and James Allan},
    booktitle={WSDM},
    year={2023},
    eprint={2301.12566},
    archivePrefix={arXiv}
}
"""  # noqa: E501

    def _student(self, features: dict[str, Any]) -> TokenBatch:
        outputs = self.model(features, task="query")
        mask = outputs["attention_mask"].bool()
        expansion = outputs.get("query_expansion_positions")
        expansion = torch.zeros_like(mask) if expansion is None else expansion.bool()
        layer = None
        if self.plan_layer is not None:
            layer = outputs["all_layer_embeddings"][self.plan_layer].float().detach()
        return TokenBatch(outputs["token_embeddings"].float(), mask, expansion, layer)


def _of_all_ranks(passages: TokenBatch) -> tuple[TokenBatch, int]:
    """The passages of all ranks, in the order of the ranks, and where this one's begin.

    Their real tokens alone are sent, in fp16, as the teacher's vectors are kept: nothing is lost.
    """
    if ranks.count() == 1:
        return passages, 0
    lengths = ranks.gather(passages.mask.sum(1))
    tokens = ranks.gather(passages.vectors[passages.mask].half())
    parts = [
        part.float()
        for own, size in zip(tokens, lengths, strict=True)
        for part in own.split(size.tolist())
    ]
    mask = [torch.ones(len(part), dtype=torch.bool, device=part.device) for part in parts]
    present = pad_sequence(mask, batch_first=True)
    everyone = TokenBatch(pad_sequence(parts, batch_first=True), present, torch.zeros_like(present))
    return everyone, sum(len(size) for size in lengths[: ranks.rank()])


def _give_layers(encoder: MultiVectorEncoder, layer: int) -> None:
    """Have an encoder return its layers. Raises ValueError if it has no such layer."""
    transformer: Any = encoder[0]
    config = transformer.model.config
    if not 0 <= layer <= config.num_hidden_layers:
        raise ValueError(f"plan_layer must be from 0 to {config.num_hidden_layers}, got {layer}")
    config.output_hidden_states = True
