"""OpticalLoss: OPTICAL and its rivals as a loss for sentence-transformers' trainer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from optical_core.distill.objectives import (
    OBJECTIVES,
    SCORES_ALONE,
    TokenBatch,
    TransportOptions,
    collapse_alarms,
    contrast,
    score_distillation,
)
from optical_core.transport.marginals import check_marginals

if TYPE_CHECKING:
    from sentence_transformers import MultiVectorEncoder


Entry = tuple[Tensor, ...]
"""A text of the teacher's: vectors (n, d), which are [MASK]s (n,), what plans are made from if that
is something else (n, e); fp16."""


class OpticalLoss(nn.Module):
    """Distil a frozen teacher's English token vectors into a student's foreign ones.

    Use it with `MultiVectorEncoderTrainer` and a dataset of columns (foreign, english) or, with
    `score_weight` above 0 or an objective of `SCORES_ALONE`, (foreign, english, passage), where
    `passage` repeats the English sentence. Both sentences are queries to the encoders, so tell
    the trainer: `router_mapping={"foreign": "query", "english": "query"}`, and `prompts` for each
    column as the model has them.

    Args:
        model: the student, a MultiVectorEncoder.
        teacher: the frozen teacher; it reads the student's token ids, so it must share its
            tokenizer. Its vectors are kept, so an epoch after the first costs no teacher pass.
        objective: a key of `OBJECTIVES`.
        marginals: `real-tokens` (1/|q| over scored tokens) or `mask-augmented` (both sides
            extended with [MASK] by the encoders' `query_expansion`).
        solver: a transport method; `exact` by default.
        plan_layer: layer (0 for the embeddings) whose token vectors the plans are made from; the
            encoders' own vectors by default. The loss is of those in either case.
        epsilon: of the entropic solvers, as a share of the standard deviation of the costs.
        score_weight: weight of the score-preserving term beside the objective; 0 leaves it out.
        temperature: of the score distributions over in-batch passages.
        cache_tokens: how many teacher token vectors to keep (fp16), least recently used go.

    Raises:
        ValueError: an unknown objective or marginals, no such layer, or columns missing from the
            dataset.
    """

    def __init__(
        self,
        model: MultiVectorEncoder,
        teacher: MultiVectorEncoder,
        *,
        objective: str = "optical",
        marginals: str = "real-tokens",
        solver: str = "exact",
        epsilon: float = 0.1,
        mass_penalty: float = 0.5,
        plan_layer: int | None = None,
        score_weight: float = 0.0,
        temperature: float = 0.05,
        cache_tokens: int = 2_000_000,
    ) -> None:
        super().__init__()
        if objective not in OBJECTIVES:
            raise ValueError(f"objective must be one of {', '.join(OBJECTIVES)}, got {objective!r}")
        check_marginals(marginals)
        self.model = model
        # In a tuple, so that the teacher is no submodule: it is neither trained nor saved.
        self._teacher = (teacher.eval().requires_grad_(False),)
        self.objective = objective
        self.options = TransportOptions(solver, epsilon, marginals, mass_penalty)
        self.plan_layer = plan_layer
        if plan_layer is not None:
            for encoder in (model, teacher):
                _give_layers(encoder, plan_layer)
        self.score_weight = 1.0 if objective in SCORES_ALONE else score_weight
        self.temperature = temperature
        self.cache_tokens = cache_tokens
        self.figures: dict[str, float] = {}
        """Figures of the last batch: marginal error, collapse alarms, tokens."""
        self._cache: OrderedDict[bytes, Entry] = OrderedDict()
        self._cached = 0

    def forward(
        self, sentence_features: Iterable[dict[str, Any]], labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Loss components by name, each a mean over pairs; the trainer adds them up."""
        columns = [dict(features) for features in sentence_features]
        needed = 3 if self.score_weight else 2
        if len(columns) < needed:
            wanted = ("foreign", "english", "passage")[:needed]
            raise ValueError(
                f"the objective {self.objective} needs the columns {', '.join(wanted)}, "
                f"got {len(columns)} columns"
            )
        student = self._student(columns[0])
        teacher = self._teach(columns[1], "query", student.vectors.device)
        loss, figures = OBJECTIVES[self.objective](student, teacher, self.options)
        components = {} if self.objective in SCORES_ALONE else {self.objective: loss.mean()}
        if self.score_weight:
            passages = self._teach(columns[2], "document", student.vectors.device)
            scores = (
                contrast(student, passages, temperature=self.temperature)
                if self.objective == "translate-train"
                else score_distillation(student, teacher, passages, temperature=self.temperature)
            )
            components["scores"] = self.score_weight * scores.mean()
        self.figures = {
            **figures,
            **collapse_alarms(student),
            "tokens": float(student.mask.sum() + teacher.mask.sum()),
        }
        return components

    def get_config_dict(self) -> dict[str, Any]:
        """For the trainer's model card."""
        return {
            "objective": self.objective,
            "marginals": self.options.marginals,
            "solver": self.options.solver,
            "epsilon": self.options.epsilon,
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
        layer = None if self.plan_layer is None else self._layer(outputs).detach()
        return TokenBatch(outputs["token_embeddings"].float(), mask, expansion, layer)

    def _layer(self, outputs: dict[str, Any]) -> Tensor:
        return outputs["all_layer_embeddings"][self.plan_layer].float()

    @torch.no_grad()
    def _teach(self, features: dict[str, Any], task: str, device: torch.device) -> TokenBatch:
        """The teacher's vectors of a batch, from the cache where it has them."""
        ids, attention = features["input_ids"].cpu(), features["attention_mask"].cpu().bool()
        expansion = features.get("query_expansion_positions")
        real = attention if expansion is None else attention | expansion.cpu().bool()
        keys = [
            task.encode() + row[kept].numpy().tobytes() for row, kept in zip(ids, real, strict=True)
        ]
        known = {key: self._cache[key] for key in keys if key in self._cache}
        missing = [row for row, key in enumerate(keys) if key not in known]
        if missing:
            for row, entry in zip(missing, self._encode(features, missing, task), strict=True):
                known[keys[row]] = entry
                self._remember(keys[row], entry)
        vectors, kinds, *layer = zip(*(known[key] for key in keys), strict=True)
        mask = [torch.ones_like(kind) for kind in kinds]
        parts = (
            pad_sequence(list(part), batch_first=True) for part in (vectors, mask, kinds, *layer)
        )
        padded, present, masks, *inner = (part.to(device) for part in parts)
        plan_vectors = inner[0].float() if inner else None
        return TokenBatch(padded.float(), present, masks, plan_vectors)

    def _encode(self, features: dict[str, Any], rows: list[int], task: str) -> list[Entry]:
        teacher = self._teacher[0]
        device = next(self.model.parameters()).device
        if next(teacher.parameters()).device != device:
            teacher.to(device)
        size = len(features["input_ids"])
        part = {
            key: value[rows].to(device)
            if isinstance(value, Tensor) and value.ndim and len(value) == size
            else value
            for key, value in features.items()
        }
        outputs = teacher(part, task=task)
        expansion = outputs.get("query_expansion_positions")
        found = []
        for row in range(len(rows)):
            mask = outputs["attention_mask"][row].bool()
            kind = torch.zeros_like(mask) if expansion is None else expansion[row].bool()
            entry = [outputs["token_embeddings"][row][mask].half(), kind[mask]]
            if self.plan_layer is not None:
                entry.append(self._layer(outputs)[row][mask].half())
            found.append(tuple(part.cpu() for part in entry))
        return found

    def _remember(self, key: bytes, entry: Entry) -> None:
        self._cache[key] = entry
        self._cached += len(entry[0])
        while self._cached > self.cache_tokens:
            _, oldest = self._cache.popitem(last=False)
            self._cached -= len(oldest[0])


def _give_layers(encoder: MultiVectorEncoder, layer: int) -> None:
    """Have an encoder return its layers. Raises ValueError if it has no such layer."""
    transformer: Any = encoder[0]
    config = transformer.model.config
    if not 0 <= layer <= config.num_hidden_layers:
        raise ValueError(f"plan_layer must be from 0 to {config.num_hidden_layers}, got {layer}")
    config.output_hidden_states = True
