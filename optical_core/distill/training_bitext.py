"""The bitext of a training: read, joined, and held against the collections that measure it."""

from __future__ import annotations

import logging
from pathlib import Path

from optical_core.data.allowance import COMMAND, Allowance, allowed
from optical_core.data.bitext import Bitext, read_bitexts
from optical_core.data.overlap import evaluated_collections, guard_overlap, refuse_benchmarks
from optical_core.distill.config import DistillConfig
from optical_core.distill.sampling import first_pairs
from optical_core.storage import assets

logger = logging.getLogger(__name__)


def load_bitext(config: DistillConfig, allowance: Allowance = COMMAND) -> Bitext:
    """Read, join and check the run's bitext.

    Args:
        config: names the files and languages, and limits the pairs.
        allowance: what reading them may cost.

    Raises:
        InputError: the bitext can't be read, is a benchmark, or is part of an evaluated collection.
    """
    refuse_benchmarks(config.bitext)
    paths = [assets("demo", "bitext.tsv") if p == "demo" else Path(p) for p in config.bitext]
    with allowed(allowance):
        bitext = read_bitexts(paths, config.languages or None)
    evaluated = evaluated_collections(config.dev)
    bitext = guard_overlap(bitext, evaluated, drop=config.overlap == "drop")
    if config.pairs is not None:
        bitext = Bitext(first_pairs(bitext.pairs, config.pairs, seed=config.seed), bitext.dropped)
    logger.info("bitext: %s", bitext.report())
    return bitext
