"""The configuration of a training on relevance."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from optical_core.distill.config import TrainingConfig


class TeachConfig(TrainingConfig):
    """Settings of `optical teach`.

    Raises:
        ValueError: an unknown or wrong setting, or settings that don't go together.

    Examples:
        >>> TeachConfig(name="my-teacher", relevance=("scifact",), rounds=2).negatives
        1
    """

    encoder: str = "embedded"
    """Encoder to teach: `embedded`, a teacher's name, a folder or a hub name."""
    start: str | None = None
    """Teacher of the same encoder whose training is continued; by default the encoder's weights."""
    relevance: tuple[str, ...] = Field(min_length=1)
    """Files or folders; `PATH:5000` takes at most 5,000 queries from it."""
    languages: tuple[str, ...] = ("en",)
    """Languages of the queries, if a source has several."""
    pairs: int | None = Field(None, ge=1)
    """Most queries of a source without its own limit, drawn by the seed."""
    sampling: float = Field(1.0, ge=0, le=1)
    """Sources are drawn by (queries) ** sampling: 0 evenly, 1 in the data's proportions."""

    objective: Literal["contrastive", "margin-mse", "kl"] = "contrastive"
    """Cross-entropy over the batch's passages, or a teacher's scores: their margins, or shares."""
    dimension: int | None = Field(128, ge=2)
    """Of the token vectors; None keeps the encoder's."""
    temperature: float = Field(0.05, gt=0)
    """Of the softmax over MaxSim, which is a mean over the query's tokens."""
    score_temperature: float = Field(1.0, gt=0)
    """Of the softmax over a teacher's scores; only for `kl`."""
    keep: float = Field(0.0, ge=0)
    """Weight of a second loss that keeps the encoder's own scores of the batch's passages, so that
    it forgets less of what it can do already. Each query has one passage more for it, one that
    mining left out since it may be relevant. Only for `contrastive`."""
    keep_temperature: float = Field(0.03, gt=0)
    """Of the softmax over the scores that are kept."""
    query_tokens: int = Field(32, ge=8, le=512)
    passage_tokens: int = Field(160, ge=8, le=8192)
    """Longest texts in training, prompt included; a search has the encoder's limit."""
    mini_batch: int | None = Field(None, ge=1)
    """Queries whose passages are in memory at once (GradCache); only for `contrastive`."""

    negatives: int = Field(1, ge=0)
    """Passages besides each query's relevant one; with 0, only the batch's other passages."""
    rounds: int = Field(1, ge=1)
    """How often negatives are mined: first by BM25, then by the model in training."""
    depth: int = Field(50, ge=2)
    """Negatives are taken from this many ranks."""
    negative_share: float = Field(0.95, gt=0)
    """A passage above this share of the relevant one's score may be relevant, and is left out."""

    patience: int | None = Field(None, ge=1)
    """Dev measurements without a gain after which training stops."""

    @property
    def round_ends(self) -> list[int]:
        """The last step of each round."""
        return [self.steps * (number + 1) // self.rounds for number in range(self.rounds)]

    @model_validator(mode="after")
    def _consistent(self) -> TeachConfig:
        if self.keep and (self.objective != "contrastive" or self.mini_batch):
            raise ValueError("keep is for the objective contrastive, without mini_batch")
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
