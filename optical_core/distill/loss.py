"""OpticalLoss: OPTICAL and its rivals as a loss for sentence-transformers' trainer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from optical_core.distill import ranks
from optical_core.distill.objectives import OBJECTIVES
from optical_core.distill.ranked_passages import RankedPassages
from optical_core.distill.score_losses import ranked_distillation, ranking_weights
from optical_core.distill.teacher_vectors import KeptVectors, TeacherVectors
from optical_core.distill.token_batch import TokenBatch, collapse_alarms
from optical_core.transport import TransportSettings

if TYPE_CHECKING:
    from sentence_transformers import MultiVectorEncoder


PLANS = TransportSettings("exact", epsilon_share=0.1)
ALARM_EVERY = 50
"""The collapse alarms are computed once in so many batches: each takes an eigenvalue problem."""


class OpticalLoss(nn.Module):
    """Distil a frozen teacher's English token vectors into a student's foreign ones.

    Use it with `MultiVectorEncoderTrainer` and a dataset with the columns foreign and english. With
    `score_weight` above 0, or an objective over scores, a column passage repeats the English
    sentence. Both sentences are queries to the encoders. Tell the trainer so with
    `router_mapping={"foreign": "query", "english": "query"}`, and give it the model's `prompts` for
    each column.

    Under DistributedDataParallel, loss and gradient are those of the ranks' batches joined: scores
    are over the passages of all ranks, and every rank needs a batch in every step.

    Args:
        model: the student, a MultiVectorEncoder.
        teacher: the frozen teacher. It reads the student's token ids, so both need the same
            tokenizer. Its vectors are kept: epochs after the first need no teacher pass.
        objective: a key of `OBJECTIVES`, one with a teacher.
        transport: how plans are solved. With marginals `mask-augmented`, the encoders must extend
            both sides with [MASK] (`query_expansion`).
        plan_layer: layer (0 for the embeddings) whose token vectors plans are made from; by default
            the encoders' output. The loss itself always uses the output.
        score_weight: weight of the loss over scores besides the objective; 0 leaves it out.
        temperature: of the score distributions over in-batch passages.
        store: keeps the teacher's vectors; its own by default.
        rarity: the student's and the teacher's pieces' weights (V,), by which tokens get mass in
            plans; by default all real tokens get the same.
        ranked: passages that the teacher has ranked for the sentences. Their scores are learned
            besides, with `score_weight`; the column label then has each row's sentence number.
        by_ranking: whether English tokens get mass by how much they decide the ranking of `ranked`.

    Raises:
        ValueError: an unknown objective, no such layer, or columns missing from the dataset.

    Examples:
        >>> loss = OpticalLoss(student, teacher, score_weight=0.5)  # doctest: +SKIP
        >>> trainer = MultiVectorEncoderTrainer(  # doctest: +SKIP
        ...     model=student, args=arguments, train_dataset=rows, loss=loss
        ... )
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
        rarity: tuple[Tensor, Tensor] | None = None,
        ranked: RankedPassages | None = None,
        by_ranking: bool = False,
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
        self.score_weight = 1.0 if self._objective.passages else score_weight
        # Not a submodule: the teacher is neither trained nor saved.
        tasks = ("query", "document") if self.score_weight else ("query",)
        self._teacher = TeacherVectors(
            teacher, plan_layer=self.plan_layer, store=store, tasks=tasks
        )
        self.temperature = temperature
        self.rarity = rarity
        self.ranked, self.by_ranking = ranked, by_ranking
        self.figures: dict[str, float] = {}
        """Figures of the last batch (marginal error, tokens), and the last collapse alarms."""
        self._batches, self._alarms = 0, dict[str, float]()

    def forward(
        self, sentence_features: Iterable[dict[str, Any]], labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Compute the loss components by name, each a mean over pairs; the trainer adds them up."""
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
        if self.rarity:
            tables = (table.to(device) for table in self.rarity)
            student, teacher = (
                replace(side, weights=table[side.pieces])
                for side, table in zip((student, teacher), tables, strict=True)
            )
        own = self._own_passages(labels, device)
        if own and self.by_ranking:
            teacher = replace(teacher, weights=ranking_weights(teacher, own))
        # DDP averages over ranks, but the loss is the mean over pairs.
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
        if own:
            scores = ranked_distillation(student, teacher, own, temperature=self.temperature)
            components["ranked"] = self.score_weight * scores.mean() * share
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
        """List the settings, for the trainer's model card."""
        return {
            "objective": self.objective,
            "marginals": self.transport.marginals,
            "solver": self.transport.method,
            "epsilon_share": self.transport.epsilon_share,
            "plan_layer": self.plan_layer,
            "score_weight": self.score_weight,
            "temperature": self.temperature,
            "ranked": self.ranked.found.shape[1] if self.ranked else 0,
        }

    @property
    def citation(self) -> str:
        """BibTeX of the paper, for the trainer's model card."""
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

    def _own_passages(self, labels: Tensor | None, device: torch.device) -> TokenBatch | None:
        """Each pair's passages of `ranked`; None without them."""
        if self.ranked is None:
            return None
        if labels is None:
            raise ValueError("ranked passages need a column label: each row's sentence number")
        return self.ranked.batch(labels, device)

    def _student(self, features: dict[str, Any]) -> TokenBatch:
        outputs = self.model(features, task="query")
        mask = outputs["attention_mask"].bool()
        expansion = outputs.get("query_expansion_positions")
        expansion = torch.zeros_like(mask) if expansion is None else expansion.bool()
        layer = None
        if self.plan_layer is not None:
            layer = outputs["all_layer_embeddings"][self.plan_layer].float().detach()
        vectors = outputs["token_embeddings"].float()
        return TokenBatch(vectors, mask, expansion, layer, outputs["input_ids"])


def _of_all_ranks(passages: TokenBatch) -> tuple[TokenBatch, int]:
    """Collect the passages of all ranks, in the order of the ranks, and where this one's begin.

    Only real tokens are sent, in fp16. The teacher's vectors are kept in fp16, so nothing is lost.
    """
    if ranks.count() == 1:
        return passages, 0
    lengths = ranks.gather(passages.mask.sum(1))
    tokens = ranks.gather(passages.vectors[passages.mask].half())
    parts = [
        part.float()
        for sent, size in zip(tokens, lengths, strict=True)
        for part in sent.split(size.tolist())
    ]
    mask = [torch.ones(len(part), dtype=torch.bool, device=part.device) for part in parts]
    present = pad_sequence(mask, batch_first=True)
    everyone = TokenBatch(pad_sequence(parts, batch_first=True), present, torch.zeros_like(present))
    return everyone, sum(len(size) for size in lengths[: ranks.rank()])


def _give_layers(encoder: MultiVectorEncoder, layer: int) -> None:
    """Make an encoder return its layers.

    Raises:
        ValueError: it has no such layer.
    """
    transformer: Any = encoder[0]
    config = transformer.model.config
    if not 0 <= layer <= config.num_hidden_layers:
        raise ValueError(f"plan_layer must be from 0 to {config.num_hidden_layers}, got {layer}")
    config.output_hidden_states = True
