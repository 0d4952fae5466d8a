"""The estimated time of a training on this machine, measured before it starts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from optical_core.data.bitext import SentencePair
from optical_core.data.relevance import Relevance
from optical_core.distill.config import DistillConfig
from optical_core.distill.teach_config import TeachConfig
from optical_core.models.token_encoder import TokenEncoder

PASSES = 5.0
"""A step's work, in encodings of its batch as queries: student forward and backward (3), teacher as
query and as passage (2; less once its vectors are cached)."""
TEACHING_PASSES = 3.0
"""Forward and backward, of queries and passages."""


def estimate_seconds(
    config: DistillConfig, pairs: list[SentencePair], encoder: TokenEncoder, *, sample: int = 64
) -> float:
    """Estimate the seconds of all steps, without dev measurements, by encoding a sample."""
    texts = [pair.foreign for pair in pairs]
    each = _seconds_each(encoder.encode_queries, texts, config.batch_size, sample)
    return each * PASSES * config.batch_size * config.accumulate * config.steps


def estimate_teaching(
    config: TeachConfig, relevance: Relevance, encoder: TokenEncoder, *, sample: int = 64
) -> float:
    """Estimate the seconds of all steps, without mining and dev measurements, in the same way."""
    queries = [example.query for example in relevance.examples]
    passages = [relevance.passages[e.positives[0]].full_text for e in relevance.examples]
    each = _seconds_each(encoder.encode_queries, queries, config.batch_size, sample)
    of_passage = _seconds_each(encoder.encode_passages, passages, config.batch_size, sample)
    each += of_passage * (1 + config.negatives)
    return each * TEACHING_PASSES * config.batch_size * config.accumulate * config.steps


def _seconds_each(
    encode: Callable[..., Sequence[Any]], texts: Sequence[str], batch_size: int, sample: int
) -> float:
    """Measure the seconds to encode a text, over texts from all over the data."""
    chosen = texts[:: max(1, len(texts) // sample)][:sample]
    if not chosen:
        return 0.0
    encode(chosen[:8], batch_size=8)
    begin = time.perf_counter()
    encode(chosen, batch_size=batch_size)
    return (time.perf_counter() - begin) / len(chosen)
