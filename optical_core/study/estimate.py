"""The estimated time for the rest of a study on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterable

from optical_core.study.run import Step

SAMPLE = 64
OPENING = 4.0
"""Seconds to open a model and its index."""


def estimated_steps(
    steps: Iterable[Step], *, device: str | None = None
) -> list[tuple[Step, float]]:
    """Estimate the seconds of each step by encoding a few texts with each teacher.

    Scoring, and indexes that must be built first, are not counted: large collections take longer.
    """
    from optical_core.distill.estimate import estimate_seconds
    from optical_core.distill.trainer import load_bitext
    from optical_core.models.token_encoder import TokenEncoder

    encoders: dict[str, TokenEncoder] = {}
    texts: dict[tuple[str, ...], list] = {}
    estimated: list[tuple[Step, float]] = []
    each = 0.0
    for step in steps:
        training = step.column.training
        if training is not None and training.teacher not in encoders:
            encoders[training.teacher] = TokenEncoder.load(training.teacher, device=device)
        if step.collection is not None:
            if not each and encoders:
                each = _seconds_a_query(next(iter(encoders.values())), step)
            count = sum(len(step.collection.queries(code)) for code in step.languages)
            estimated.append((step, OPENING + each * count))
        elif training is not None:
            key = (*training.bitext, *training.languages)
            if key not in texts:
                texts[key] = list(load_bitext(training).pairs)
            seconds = estimate_seconds(training, texts[key], encoders[training.teacher])
            estimated.append((step, OPENING + seconds))
    return estimated


def _seconds_a_query(encoder, step: Step) -> float:
    """Measure the seconds to encode a query of the step's collection."""
    assert step.collection is not None
    queries = list(step.collection.queries(step.languages[0]).values())[:SAMPLE]
    encoder.encode_queries(queries[:8])
    begin = time.perf_counter()
    encoder.encode_queries(queries)
    return (time.perf_counter() - begin) / max(len(queries), 1)
