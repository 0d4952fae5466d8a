"""The configuration of a distillation run: frozen and validated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from optical_core.data.languages import given_codes
from optical_core.validation import Settings, plain_name

if TYPE_CHECKING:
    from optical_core.distill.objectives import Objective
    from optical_core.transport import TransportSettings

Trainable = Literal["lora", "encoder", "full"]


def objective_names() -> tuple[str, ...]:
    """List the objectives: those over tokens or scores, and continued pre-training."""
    from optical_core.distill.objectives import OBJECTIVES

    return tuple(OBJECTIVES)


def solver_names() -> tuple[str, ...]:
    """List the solvers of balanced transport; `unbalanced` belongs to `optical-unbalanced`."""
    from optical_core.transport import METHODS

    return tuple(method for method in METHODS if method != "unbalanced")


class TrainingConfig(Settings):
    """The settings that every training has; the resolved copy is saved with the run."""

    model_config = ConfigDict(allow_inf_nan=False)

    name: Annotated[str, AfterValidator(plain_name)]
    licence: str = "unknown"
    """Licence of the model and of its data, for the card."""
    overlap: Literal["refuse", "drop"] = "refuse"
    """How to treat data that is part of an installed collection or of the dev collection."""

    trainable: Trainable = "lora"
    """LoRA on the attention and feed-forward matrices; all but the word embeddings; everything."""
    lora_rank: int = Field(16, ge=1, le=4096)
    learning_rate: float = Field(2e-4, gt=0)
    warmup: float = Field(0.1, ge=0, lt=1)
    steps: int = Field(300, ge=1, le=10_000_000)
    batch_size: int = Field(32, ge=1, le=1_000_000)
    accumulate: int = Field(1, ge=1, le=10_000)
    dropout: float = Field(0.0, ge=0, lt=1)
    """Of the student: none by default, because the teacher's vectors are exact targets."""
    average: float = Field(0.0, ge=0, lt=1)
    """Decay of a moving average of the trained weights, which the model gets in their place: with
    0.99, about the last hundred steps count. 0 leaves the weights as they are."""
    strength: float = Field(1.0, gt=0, le=1)
    """How far the model goes from the weights before training to the trained ones (WiSE-FT)."""
    bf16: bool | Literal["auto"] = "auto"
    """Whether to train in bf16; by default where the processor multiplies it natively."""
    seed: int = Field(1, ge=0, lt=2**32)
    checkpoint_every: int = Field(100, ge=1)

    dev: str | None = None
    """Collection on whose MAP the best step is chosen."""
    dev_languages: tuple[str, ...] = ()
    dev_every: int = Field(100, ge=1)
    dev_queries: int = Field(100, ge=1)

    def is_saved_as(self, saved: Any) -> bool:
        """Tell whether a saved copy means the same; settings added since have their defaults."""
        try:
            return type(self).model_validate(saved)._decided() == self._decided()
        except ValidationError:
            return False

    def _decided(self) -> Self:
        """Replace `auto` by its value on this machine."""
        from optical_core.models.precision import training_precision

        return self.model_copy(update={"bf16": training_precision(self.bf16) == "bf16"})

    @field_validator("languages", "dev_languages", mode="before", check_fields=False)
    @classmethod
    def _one_form(cls, codes: Any) -> Any:
        """Codes in any form, or a comma-separated list of them."""
        return given_codes(codes)


class DistillConfig(TrainingConfig):
    """Settings of `optical distill`.

    Raises:
        ValueError: an unknown or wrong setting, or settings that don't go together.

    Examples:
        >>> config = DistillConfig(name="mine", bitext=("demo",), solver="sinkhorn")
        >>> config.objective, config.transport.epsilon_share
        ('optical', 0.1)
    """

    teacher: str = "embedded"
    backbone: str | None = None
    """Encoder that the student is made from; by default the teacher. Another one has to learn the
    teacher's space: its vectors must have the same size, and LoRA isn't enough."""
    start: str | None = None
    """Student of the same teacher whose training is continued; by default the teacher's weights."""

    bitext: tuple[str, ...]
    """Files or folders; `demo` is the shipped one."""
    languages: tuple[str, ...] = ()
    """Languages to train on; by default all of the bitext."""
    pieces: int = Field(0, ge=0)
    """Most word embeddings trained besides, none by default: those of the pieces that are most
    frequent in the bitext's foreign sides, and more frequent than in its English sides."""
    pairs: int | None = Field(None, ge=1)
    """Most pairs of each language, drawn by the seed; all by default."""

    sides: Literal["queries", "both"] = "queries"
    """What the student encodes. With `both` it encodes passages too, in any of its languages, and
    collections get an index of their own for it."""

    objective: str = "optical"
    """One of `objective_names`."""
    marginals: Literal["real-tokens", "mask-augmented"] = "real-tokens"
    masses: Literal["even", "rarity", "ranking"] = "even"
    """What real tokens weigh in plans: all the same, or by how rare their pieces are (idf). With
    `ranking`, English tokens weigh by how much they decide the teacher's ranking of `corpus`."""
    query_tokens: int = Field(32, ge=4, le=512)
    """Length L to which [MASK] extends both sides; only for `mask-augmented`."""
    solver: str = "exact"
    """One of `solver_names`."""
    epsilon: float = Field(0.1, gt=0)
    """Of the entropic solvers, as a share of the costs' standard deviation."""
    mass_penalty: float = Field(0.5, gt=0)
    """Of `optical-unbalanced`, in units of cost; balanced transport is the objective `optical`."""
    plan_layer: int | None = Field(None, ge=0)
    """Layer (0 for the embeddings) whose vectors plans are made from; by default the output."""
    score_weight: float = Field(0.5, ge=0)
    temperature: float = Field(0.05, gt=0)
    corpus: str | None = None
    """Collection of English passages. The teacher ranks them for each English sentence, and the
    student learns its scores of the best, besides those of the batch's sentences."""
    ranked: int = Field(8, ge=2)
    """How many passages of the corpus are ranked for a sentence."""

    max_tokens: int = Field(64, ge=8, le=512)
    prompts: bool = False
    """Whether texts are read with the encoders' prompts, as in a search. Without them, students
    keep more of the teacher's quality in high-resource languages (study `real`)."""
    english_share: float = Field(0.1, ge=0, lt=1)
    sampling: float = Field(0.2, ge=0, le=1)
    """Languages are drawn by (pairs) ** sampling: 0 evenly, 1 in the data's proportions."""

    @property
    def transport(self) -> TransportSettings:
        """The solver's settings; `epsilon` of this configuration is their `epsilon_share`."""
        from optical_core.transport import TransportSettings

        return TransportSettings(
            self.solver,
            epsilon_share=self.epsilon,
            mass_penalty=self.mass_penalty,
            marginals=self.marginals,
        )

    def _needs(self) -> Objective:
        """The objective, which says what it needs; asked for only where that matters (torch)."""
        from optical_core.distill.objectives import OBJECTIVES

        return OBJECTIVES[self.objective]

    # Typed as strings: a new objective or solver needs only a line in its registry.
    @field_validator("objective")
    @classmethod
    def _known_objective(cls, name: str) -> str:
        return _one_of(objective_names(), name)

    @field_validator("solver")
    @classmethod
    def _known_solver(cls, name: str) -> str:
        return _one_of(solver_names(), name)

    @model_validator(mode="after")
    def _consistent(self) -> DistillConfig:
        if self.backbone and self.trainable == "lora":
            raise ValueError(
                "a student with a backbone of its own needs trainable encoder or full, not lora"
            )
        if self.corpus and not self.score_weight:
            raise ValueError("corpus is for the loss over scores: score_weight must be above 0")
        if self.corpus and not self._needs().teacher:
            raise ValueError(f"the objective {self.objective} has no scores: leave corpus out")
        if self.masses != "even" and self.marginals != "real-tokens":
            raise ValueError(f"masses by {self.masses} are for marginals real-tokens")
        if self.masses == "ranking" and not self.corpus:
            raise ValueError("masses by ranking need a corpus whose passages are ranked")
        if self.masses != "even" and not self._needs().plans:
            raise ValueError(f"the objective {self.objective} has no plans: masses must be even")
        if self.pieces and self.trainable == "full":
            raise ValueError("trainable full has all word embeddings: pieces must be 0")
        if self.backbone and self.plan_layer is not None:
            raise ValueError("plan_layer compares layers of one backbone: not with another one")
        if self.backbone and self.strength < 1:
            raise ValueError("strength goes back towards the teacher: not with another backbone")
        return self


def _one_of(names: tuple[str, ...], name: str) -> str:
    if name not in names:
        raise ValueError(f"must be one of {', '.join(names)}, got {name!r}")
    return name
