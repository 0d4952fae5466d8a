"""The estimated time for the rest of a study on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from optical_core.distill.config import DistillConfig
from optical_core.distill.teach_config import TeachConfig
from optical_core.study.run import Step

if TYPE_CHECKING:
    from optical_core.models.token_encoder import TokenEncoder

SAMPLE = 64
OPENING = 4.0
"""Seconds to open a model and its index."""


def estimated_steps(
    steps: Iterable[Step], *, device: str | None = None
) -> list[tuple[Step, float]]:
    """Estimate the seconds of each step by encoding a few texts with each encoder.

    Scoring, and indexes that must be built first, are not counted: large collections take longer.
    """
    trainings = _Trainings(device)
    estimated: list[tuple[Step, float]] = []
    each = 0.0
    for step in steps:
        training = step.column.training
        encoder = trainings.encoder(training) if training else None
        if step.collection is not None:
            if not each and encoder:
                each = _seconds_a_query(encoder, step)
            count = sum(len(step.collection.queries(code)) for code in step.languages)
            estimated.append((step, OPENING + each * count))
        elif training is not None:
            estimated.append((step, OPENING + trainings.seconds(training)))
    return estimated


class _Trainings:
    """The encoders and data of a study's trainings, each opened once."""

    def __init__(self, device: str | None) -> None:
        self._device = device
        self._encoders: dict[str, TokenEncoder] = {}
        self._taught: dict[str, str] = {}
        self._data: dict[tuple[str, ...], Any] = {}

    def encoder(self, training: DistillConfig | TeachConfig) -> TokenEncoder:
        """The training's encoder; of one that is still to be taught, what it is taught from."""
        from optical_core.models.token_encoder import TokenEncoder

        if isinstance(training, TeachConfig):
            self._taught[training.name] = training.encoder
        name = training.encoder if isinstance(training, TeachConfig) else training.teacher
        while name in self._taught:
            name = self._taught[name]
        if name not in self._encoders:
            self._encoders[name] = TokenEncoder.load(name, device=self._device)
        return self._encoders[name]

    def seconds(self, training: DistillConfig | TeachConfig) -> float:
        """Estimate the seconds of a training."""
        from optical_core.distill.estimate import estimate_seconds, estimate_teaching
        from optical_core.distill.teach import load_relevance
        from optical_core.distill.training_bitext import load_bitext

        encoder = self.encoder(training)
        if isinstance(training, TeachConfig):
            key = (*training.relevance, *training.languages)
            if key not in self._data:
                self._data[key] = load_relevance(training)
            return estimate_teaching(training, self._data[key], encoder)
        key = (*training.bitext, *training.languages)
        if key not in self._data:
            self._data[key] = list(load_bitext(training).pairs)
        return estimate_seconds(training, self._data[key], encoder)


def _seconds_a_query(encoder: TokenEncoder, step: Step) -> float:
    """Measure the seconds to encode a query of the step's collection."""
    assert step.collection is not None
    queries = list(step.collection.queries(step.languages[0]).values())[:SAMPLE]
    encoder.encode_queries(queries[:8])
    begin = time.perf_counter()
    encoder.encode_queries(queries)
    return (time.perf_counter() - begin) / max(len(queries), 1)
