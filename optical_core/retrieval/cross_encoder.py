"""CrossEncoding: rank few passages again with a model that reads query and passage together.

Any folder of sentence-transformers' CrossEncoder with one score is such a model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from optical_core.data.collection import Collection, Passage
from optical_core.data.lines import read_json
from optical_core.data.records import file_hash
from optical_core.data.trec import Hits, best_first
from optical_core.errors import InputError
from optical_core.models.backbones import refuse_pickles
from optical_core.retrieval.searcher import Query, Searcher

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_HEAD = "ForSequenceClassification"


def is_cross_encoder(name: str) -> bool:
    """Whether a name is a folder of a cross-encoder.

    Examples:
        >>> is_cross_encoder("bm25")
        False
    """
    config = Path(name) / "config.json"
    try:
        content = read_json(config) if config.is_file() else {}
    except InputError:
        return False
    architectures = content.get("architectures") if isinstance(content, dict) else None
    return any(str(kind).endswith(_HEAD) for kind in architectures or ())


class CrossEncoding(Searcher):
    """Scores the passages that another searcher has found; it can't search a whole collection.

    Scores are the model's own numbers, without an activation.

    Examples:
        >>> from optical_core.data import open_collection
        >>> CrossEncoding("my-cross-encoder", open_collection("demo"))  # doctest: +SKIP
    """

    def __init__(self, folder: str, collection: Collection, *, device: str | None = None) -> None:
        """Open a cross-encoder.

        Raises:
            InputError: the folder is damaged, its weights are a pickle, or it gives several scores.
        """
        from sentence_transformers import CrossEncoder
        from torch.nn import Identity

        refuse_pickles(Path(folder))
        self.name, self._collection = folder, collection
        try:
            self._model: CrossEncoder = CrossEncoder(
                folder,
                device=device,
                activation_fn=Identity(),
                local_files_only=True,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            first = (str(error).strip().splitlines() or [repr(error)])[0]
            raise InputError(f"the cross-encoder {folder} can't be opened ({first})") from error
        if self._model.num_labels != 1:
            raise InputError(
                f"the cross-encoder {folder} gives {self._model.num_labels} scores to a passage: "
                "one with a single score was expected"
            )
        self.weights = self._hash

    @property
    def identity(self) -> str:
        return f"cross-encoder {self.weights}"

    @cached_property
    def _hash(self) -> str:
        """Hash of its files."""
        files = sorted(path for path in Path(self.name).rglob("*.*") if path.is_file())
        text = "".join(f"{path.name} {file_hash(path)}" for path in files)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def rank(
        self, queries: Sequence[Query], *, top: int = 10, among: frozenset[str] | None = None
    ) -> list[Hits]:
        if among is None:
            raise InputError(
                f"the cross-encoder {self.name} ranks again what another model has found: put it "
                f"last, as in bm25%100>>{self.name}"
            )
        present = self._collection.refreshed()
        passages = [present.by_id[i] for i in sorted(among) if i in present.by_id]
        return [self._ranked(query.text, passages, top) for query in queries]

    def _ranked(self, query: str, passages: Sequence[Passage], top: int) -> Hits:
        pairs = [(query, passage.full_text) for passage in passages]
        if not pairs:
            return []
        scores = self._model.predict(pairs, show_progress_bar=False)
        return best_first(zip((passage.id for passage in passages), scores, strict=True), top)
