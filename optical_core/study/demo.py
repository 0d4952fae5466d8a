"""The comparison that `optical distill --demo` prints at its end."""

from __future__ import annotations

from optical_core.analysis.metrics import mean_measures
from optical_core.data.collection import open_collection
from optical_core.models.pair import EncoderPair
from optical_core.models.pair_store import load_pair
from optical_core.retrieval.indexing import collection_index
from optical_core.retrieval.late_interaction import LateInteraction


def demo_gain(name: str, *, device: str | None = None) -> dict[str, tuple[float, float]]:
    """Measure MAP on the demo collection before and after distillation, by language."""
    collection = open_collection("demo")
    after = load_pair(name, device=device)
    before = EncoderPair.undistilled(after.teacher)
    index = collection_index(collection, after.teacher, progress=True)
    gains = {}
    for code in collection.languages:
        queries, qrels = collection.queries(code), collection.qrels(code)
        values = [
            mean_measures(LateInteraction(pair, index).run(queries), qrels, ["AP"])["AP"]
            for pair in (before, after)
        ]
        gains[code] = (values[0], values[1])
    return gains
