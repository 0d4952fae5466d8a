"""The estimated time of a distillation on this machine, measured before it starts."""

from __future__ import annotations

import time

from optical_core.data.bitext import SentencePair
from optical_core.distill.config import DistillConfig
from optical_core.models.token_encoder import TokenEncoder

PASSES = 5.0
"""A step's work, in encodings of its batch as queries: student forward and backward (3), teacher as
query and as passage (2; less once its vectors are cached)."""


def estimate_seconds(
    config: DistillConfig, pairs: list[SentencePair], encoder: TokenEncoder, *, sample: int = 64
) -> float:
    """Estimate the seconds of all steps, without dev measurements, by encoding a sample."""
    texts = [pair.foreign for pair in pairs[:: max(1, len(pairs) // sample)]][:sample]
    if not texts:
        return 0.0
    encoder.encode_queries(texts[:8], batch_size=8)
    begin = time.perf_counter()
    encoder.encode_queries(texts, batch_size=config.batch_size)
    each = (time.perf_counter() - begin) / len(texts)
    return each * PASSES * config.batch_size * config.accumulate * config.steps
