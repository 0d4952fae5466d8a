"""TokenEncoder: texts in, one unit vector per token out.

A thin layer over sentence-transformers' MultiVectorEncoder, which does the encoding. It adds ragged
fp32 arrays in bounded memory, descriptions of the tokens, and a hash that distinguishes encoders.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from optical_core.models.backbones import open_encoder
from optical_core.models.precision import encoding, precision, query_precision
from optical_core.models.tokens import Token, describe_tokens

if TYPE_CHECKING:
    from sentence_transformers import MultiVectorEncoder


Side = Literal["query", "passage"]
_TASK = {"query": "query", "passage": "document"}


class TokenEncoder:
    """One encoder with a query and a passage side.

    Args:
        model: does the encoding.
        name: of the encoder, for messages and files.

    Examples:
        >>> encoder = TokenEncoder.load("embedded")  # doctest: +SKIP
        >>> encoder.encode_queries(["Why is the sea salty?"])[0].shape  # doctest: +SKIP
        (7, 384)
    """

    def __init__(self, model: MultiVectorEncoder, *, name: str) -> None:
        self.model = model.eval()
        self.name = name

    @classmethod
    def load(cls, name_or_path: str, *, device: str | None = None) -> TokenEncoder:
        """Open an encoder.

        Args:
            name_or_path: `embedded`, `minilm`, a folder or a hub name.
            device: None for the best there is.

        Raises:
            InputError: there is no such encoder, or it can't be read.
        """
        return cls(open_encoder(name_or_path, device=device), name=str(name_or_path))

    def save(self, folder: Path | str) -> None:
        """Write a folder that plain sentence-transformers opens as a MultiVectorEncoder."""
        from optical_core.storage import replace_folder

        with replace_folder(Path(folder), ["modules.json"]) as temporary:
            self.model.save(str(temporary))

    @property
    def dimension(self) -> int:
        """Size d of the token vectors."""
        size = self.model.get_embedding_dimension()
        if size is None:
            raise ValueError(f"encoder {self.name} does not tell its dimension")
        return int(size)

    @property
    def layers(self) -> int:
        """Number of the last layer; layer 0 is the embeddings."""
        transformer: Any = self.model[0]
        return int(transformer.model.config.num_hidden_layers)

    @property
    def max_tokens(self) -> int:
        """Longest input in tokens, prompt and special tokens included."""
        return int(self.model.tokenizer.model_max_length)

    def encode_queries(
        self, texts: Sequence[str], *, batch_size: int = 32, progress: bool = False
    ) -> list[np.ndarray]:
        """Encode queries: each (tokens, d) fp32 with unit rows, punctuation included."""
        return list(self.encode(texts, "query", batch_size=batch_size, progress=progress))

    def encode_passages(
        self, texts: Sequence[str], *, batch_size: int = 32, progress: bool = False
    ) -> list[np.ndarray]:
        """Encode passages: each (tokens, d) fp32 with unit rows, without punctuation."""
        return list(self.encode(texts, "passage", batch_size=batch_size, progress=progress))

    def encode(
        self,
        texts: Iterable[str],
        side: Side,
        *,
        batch_size: int = 32,
        chunk: int = 1024,
        progress: bool = False,
    ) -> Iterator[np.ndarray]:
        """Stream the vectors of texts in their order, with `chunk` texts in memory at a time.

        Args:
            texts: any number.
            side: `query` or `passage`.
            batch_size: texts that the model reads at once.
            chunk: texts in memory.
            progress: whether to show a bar.

        Yields:
            (tokens, d) fp32, unit rows; (0, d) for a text without scored tokens (empty, say, or
            a passage of punctuation).
        """
        from tqdm import tqdm

        call = self.model.encode_query if side == "query" else self.model.encode_document
        total = len(texts) if isinstance(texts, Sequence) else None
        bar = tqdm(total=total, unit=" texts", desc=f"{side} vectors", disable=not progress)
        with bar:
            for part in _chunks(texts, chunk):
                with self._running(side):
                    vectors = call(
                        part, batch_size=batch_size, convert_to_numpy=True, show_progress_bar=False
                    )
                bar.update(len(part))
                for vector in vectors:
                    yield unit_rows(np.asarray(vector, dtype=np.float32))

    def describe(self, text: str, side: Side, *, spaces: bool = False) -> list[Token]:
        """Describe every token of a text on this side; the scored ones match `encode`'s rows.

        Args:
            text: without a prompt.
            side: `query` or `passage`.
            spaces: does only white space separate words, as in texts that are cut already?
        """
        prompt = self.model.prompts.get(_TASK[side]) or ""
        markers = frozenset(self.model.tokenizer.convert_tokens_to_ids(self._marker_pieces))
        tokens = describe_tokens(
            self.model.tokenizer, text, prompt, markers, self.max_length(side), spaces=spaces
        )
        features = self.model.preprocess([text], prompt=prompt, task=_TASK[side])
        scored = self._scored(features, side)[0]
        described = [
            Token(t.piece, t.word, t.start, t.end, t.role, bool(s))
            for t, s in zip(tokens, scored.tolist(), strict=False)
        ]
        mask = self.model.tokenizer.mask_token
        expansion = [Token(mask, -1, 0, 0, "mask", True) for s in scored[len(tokens) :] if s]
        return described + expansion

    def scored_tokens(self, text: str, side: Side, *, spaces: bool = False) -> list[Token]:
        """List the tokens whose vectors `encode` returns, in the same order; see `describe`."""
        return [token for token in self.describe(text, side, spaces=spaces) if token.scored]

    def scored_ids(self, text: str, side: Side) -> list[int]:
        """Vocabulary numbers of `scored_tokens`, in the same order."""
        prompt = self.model.prompts.get(_TASK[side]) or ""
        features = self.model.preprocess([text], prompt=prompt, task=_TASK[side])
        numbers = features["input_ids"][0]
        return numbers[self._scored(features, side)[0]].tolist()

    def max_length(self, side: Side) -> int:
        """Longest input of a side in tokens: the checkpoint's own limit, if it has one."""
        module = self.model[0]
        limit = getattr(module, "query_length" if side == "query" else "document_length", None)
        expansion = getattr(module, "query_expansion", None)
        if side == "query" and expansion and expansion["strategy"] == "fixed":
            limit = expansion["length"]
        return min(limit or self.max_tokens, self.max_tokens)

    def truncated(self, text: str, side: Side) -> int:
        """Count the tokens of a text beyond the encoder's limit, which are cut off."""
        return max(0, self._length(text, side) - self.max_length(side))

    def room(self, side: Side) -> int:
        """Most tokens of a text that are read: the limit without the prompt and special tokens."""
        return self.max_length(side) - self._length("", side)

    def _length(self, text: str, side: Side) -> int:
        """Number of tokens of a text, with the prompt and special tokens."""
        prompt = self.model.prompts.get(_TASK[side]) or ""
        encoded = self.model.tokenizer(prompt + text, truncation=False, verbose=False)
        return len(encoded.input_ids)

    @cached_property
    def hash(self) -> str:
        """Content hash of weights, prompts, masks and lengths: 16 hexadecimal digits.

        It covers only what decides the vectors, not the library's own bookkeeping: students and
        indexes must remain valid after a new release of the library.
        """
        digest = hashlib.blake2b(digest_size=8)
        for key, tensor in sorted(self.model.state_dict().items()):
            if ".pooler." in key:
                continue
            digest.update(key.encode())
            array = tensor.detach().cpu().contiguous()
            digest.update(array.flatten().view(torch.uint8).numpy().data)
        settings = ("skiplist_words", "skiplist_tasks", "query_length", "document_length")
        for module in self.model:
            values = [getattr(module, name, None) for name in settings]
            expansion = getattr(module, "query_expansion", None) or {}
            digest.update(repr([type(module).__name__, *values, sorted(expansion)]).encode())
            digest.update(repr([expansion.get(key) for key in ("length", "attend")]).encode())
        digest.update(repr(sorted(self.model.prompts.items())).encode())
        digest.update(str(len(self.model.tokenizer)).encode())
        return digest.hexdigest()

    def _running(self, side: Side) -> AbstractContextManager:
        """The context, and so the precision, in which `encode` runs."""
        device = self.model.device
        queries = "bf16" if query_precision(device) == "bf16" else "fp32"
        return encoding(device, queries if side == "query" else precision(device))

    @property
    def _marker_pieces(self) -> list[str]:
        """Added tokens that occur in prompts."""
        tokenizer = self.model.tokenizer
        added = set(tokenizer.get_added_vocab())
        pieces = {
            p for prompt in self.model.prompts.values() for p in tokenizer.tokenize(prompt or "")
        }
        return sorted(pieces & added)

    def _scored(self, features: dict, side: Side) -> torch.Tensor:
        return scored(self.model, features, _TASK[side])


def scored(model: Any, features: dict[str, Any], task: str) -> torch.Tensor:
    """Compute a model's scoring mask (B, tokens): its mask modules run without the transformer."""
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    for module in model:
        if isinstance(module, MultiVectorMask):
            features = module(features, task=task)
    return features["attention_mask"].bool()


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Restore the unit length of rows (n, d), which bf16 rounds."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)


def _chunks(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    part: list[str] = []
    for text in texts:
        part.append(text)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
