"""What a training on relevance is made of."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from optical_core.distill.config import TrainingConfig


class TeachConfig(TrainingConfig):
    """Settings of `optical teach`."""

    encoder: str = "embedded"
    """Encoder that is taught: `embedded`, a teacher's name, a folder or a hub name."""
    relevance: tuple[str, ...] = Field(min_length=1)
    """Files or folders; `PATH:5000` takes at most so many queries of it."""
    languages: tuple[str, ...] = ("en",)
    """Languages of the queries, where a source has several."""
    pairs: int | None = Field(None, ge=1)
    """Most queries of each source that doesn't say it itself, drawn by the seed."""
    sampling: float = Field(1.0, ge=0, le=1)
    """Sources are drawn by (queries) ** sampling: 0 evenly, 1 as the data has them."""

    objective: Literal["contrastive", "margin-mse", "kl"] = "contrastive"
    """Cross-entropy over the batch's passages; or a teacher's scores, their margins or shares."""
    dimension: int | None = Field(128, ge=2)
    """Of the token vectors; None leaves the encoder's."""
    temperature: float = Field(0.05, gt=0)
    """Of the softmax over MaxSim as a mean over the query's tokens."""
    score_temperature: float = Field(1.0, gt=0)
    """Of the softmax over a teacher's scores; for `kl` alone."""
    query_tokens: int = Field(32, ge=8, le=512)
    passage_tokens: int = Field(160, ge=8, le=8192)
    """Longest texts in training, prompt included; searching takes what the encoder does."""
    mini_batch: int | None = Field(None, ge=1)
    """Queries whose passages are in memory at once (GradCache); for `contrastive` alone."""

    negatives: int = Field(1, ge=0)
    """Other passages beside each query's relevant one; 0 leaves the batch's alone."""
    rounds: int = Field(1, ge=1)
    """Times that negatives are mined: first by BM25, then by the model as it stands."""
    depth: int = Field(50, ge=2)
    """Ranks that are looked at for negatives."""
    negative_share: float = Field(0.95, gt=0)
    """A passage with a greater share of the relevant one's score may be relevant: left out."""

    patience: int | None = Field(None, ge=1)
    """Dev measurements without a gain after which training stops."""

    @model_validator(mode="after")
    def _consistent(self) -> TeachConfig:
        if self.objective != "contrastive":
            if self.mini_batch:
                raise ValueError(
                    f"mini_batch is for the objective contrastive, not {self.objective}"
                )
            if not self.negatives:
                raise ValueError(f"the objective {self.objective} needs negatives, at least 1")
            if self.rounds > 1:
                raise ValueError("passages with scores come with the data: rounds must be 1")
        if self.rounds > 1 and not self.negatives:
            raise ValueError("rounds mine negatives: negatives must be at least 1")
        if self.rounds > self.steps:
            raise ValueError(f"{self.rounds} rounds need as many steps, there are {self.steps}")
        if self.patience and not self.dev:
            raise ValueError("patience counts measurements on a dev collection: choose one (dev)")
        return self
