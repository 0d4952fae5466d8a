"""The frozen teacher's token vectors: each sentence is encoded once, then remembered."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from optical_core.data.sentence_pairs import SentencePair
from optical_core.distill.config import DistillConfig
from optical_core.distill.token_batch import TokenBatch
from optical_core.models.precision import encoding, precision
from optical_core.models.token_encoder import TokenEncoder, scored

Entry = tuple[Tensor, ...]
"""A text as the teacher encodes it: vectors (n, d), which of them are [MASK]s (n,), the pieces (n,)
and, if plans are made from other vectors, those (n, e); all vectors in fp16."""


class KeptVectors:
    """Entries by key, with at most `tokens` token vectors; the least recently used go first."""

    def __init__(self, tokens: int = 2_000_000) -> None:
        self.tokens = tokens
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self.held = 0
        """Token vectors in it now."""

    def get(self, key: bytes) -> Entry | None:
        """Look up an entry; None if it isn't there."""
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def put(self, key: bytes, entry: Entry) -> None:
        """Add an entry, and drop old ones if there are too many vectors."""
        self._entries[key] = entry
        self.held += len(entry[0])
        while self.held > self.tokens:
            _, oldest = self._entries.popitem(last=False)
            self.held -= len(oldest[0])


def shared_vectors(
    config: DistillConfig, teacher: TokenEncoder, batches: Iterable[Iterable[SentencePair]]
) -> KeptVectors:
    """Share the teacher's vectors with trainings of this process that have the same batches.

    The arms of a study read the same sentences with the same teacher. The batches must be the same
    because a sentence's neighbours and padding move its last digits: a study that was killed and
    resumed in a new process must reach the same numbers.
    """
    digest = hashlib.blake2b(digest_size=8)
    for pair in (pair for batch in batches for pair in batch):
        digest.update(f"{pair.foreign}\0{pair.english}\0".encode())
    device = teacher.model.device
    length = config.query_tokens if config.marginals == "mask-augmented" else None
    read = (config.prompts, config.max_tokens, length, config.plan_layer)
    return _shared((teacher.hash, str(device), precision(device), read, digest.hexdigest()))


@lru_cache(maxsize=4)
def _shared(key: Hashable) -> KeptVectors:
    """The key has everything that decides the vectors."""
    return KeptVectors(1_000_000)


class TeacherVectors:
    """Encodes batches of token ids with a frozen teacher.

    Args:
        teacher: a MultiVectorEncoder.
        plan_layer: layer whose vectors are kept beside the output's, to make plans from.
        store: keeps the vectors.
        tasks: `query`, `document` or both. A text that is asked for in both is encoded once, if
            only the masks differ.
    """

    def __init__(
        self,
        teacher: Any,
        *,
        plan_layer: int | None = None,
        store: KeptVectors | None = None,
        tasks: tuple[str, ...] = ("query", "document"),
    ) -> None:
        self.teacher = teacher.eval().requires_grad_(False)
        self.plan_layer = plan_layer
        self.store = store if store is not None else KeptVectors()
        self._tasks = tasks if _one_encoder(teacher) else ()

    @torch.no_grad()
    def batch(self, features: dict[str, Any], task: str, device: torch.device) -> TokenBatch:
        """Encode a batch's texts, with vectors on `device`; task is `query` or `document`."""
        ids, attention = features["input_ids"].cpu(), features["attention_mask"].cpu().bool()
        expansion = features.get("query_expansion_positions")
        real = attention if expansion is None else attention | expansion.cpu().bool()
        texts = [row[kept].numpy().tobytes() for row, kept in zip(ids, real, strict=True)]
        keys = [task.encode() + text for text in texts]
        known = {key: entry for key in keys if (entry := self.store.get(key)) is not None}
        missing = [row for row, key in enumerate(keys) if key not in known]
        if missing:
            encoded = self._encode(features, missing, task, device)
            for each, entries in encoded.items():
                for row, entry in zip(missing, entries, strict=True):
                    key = each.encode() + texts[row]
                    if self.store.get(key) is None:
                        self.store.put(key, entry)
            known.update(zip((keys[row] for row in missing), encoded[task], strict=True))
        vectors, kinds, pieces, *layer = zip(*(known[key] for key in keys), strict=True)
        mask = [torch.ones_like(kind) for kind in kinds]
        parts = (
            pad_sequence(list(part), batch_first=True)
            for part in (vectors, mask, kinds, pieces, *layer)
        )
        padded, present, masks, numbers, *inner = (part.to(device) for part in parts)
        plan_vectors = inner[0].float() if inner else None
        return TokenBatch(padded.float(), present, masks, plan_vectors, numbers.long())

    def _encode(
        self, features: dict[str, Any], rows: list[int], task: str, device: torch.device
    ) -> dict[str, list[Entry]]:
        """Encode some rows: by task, the one that is asked for and those that cost no more."""
        if next(self.teacher.parameters()).device != device:
            self.teacher.to(device)
        size = len(features["input_ids"])
        part = {
            key: value[rows].to(device)
            if isinstance(value, Tensor) and value.ndim and len(value) == size
            else value
            for key, value in features.items()
        }
        with encoding(device):
            outputs = self.teacher(dict(part), task=task)
        masks = {task: outputs["attention_mask"]}
        for other in self._tasks:
            if other != task:
                masks[other] = scored(self.teacher, dict(part), other)
        return {each: self._entries(outputs, mask.bool()) for each, mask in masks.items()}

    def _entries(self, outputs: dict[str, Any], scored_tokens: Tensor) -> list[Entry]:
        expansion = outputs.get("query_expansion_positions")
        entries = []
        for row, mask in enumerate(scored_tokens):
            kind = torch.zeros_like(mask) if expansion is None else expansion[row].bool()
            vectors = torch.nn.functional.normalize(outputs["token_embeddings"][row].float(), dim=1)
            pieces = outputs["input_ids"][row][mask].int()
            entry = [vectors[mask].half(), kind[mask], pieces]
            if self.plan_layer is not None:
                entry.append(outputs["all_layer_embeddings"][self.plan_layer][row][mask].half())
            entries.append(tuple(part.cpu() for part in entry))
        return entries


def _one_encoder(teacher: Any) -> bool:
    """Tell whether queries and passages of the same tokens get the same vectors before masks."""
    from sentence_transformers.base.modules import Router

    routed = any(isinstance(module, Router) for module in teacher)
    return not routed and not getattr(teacher[0], "query_expansion", None)
