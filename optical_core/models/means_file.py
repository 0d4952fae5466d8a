"""The means of languages in a pair's folder: means.safetensors."""

from __future__ import annotations

import json
from pathlib import Path

from optical_core.data.lines import parse_json
from optical_core.errors import InputError
from optical_core.models.deltas import clone_model
from optical_core.models.language_means import LanguageMeans
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.weights import read_tensors, write_tensors

MEANS = "means.safetensors"
_SIDES = ("passage", "query")
_PARTS = ("means", "weights", "bias")


def write_means(path: Path, passages: LanguageMeans, queries: LanguageMeans) -> None:
    """Write the means of both sides."""
    tensors = {
        f"{side}.{part}": getattr(means, part).contiguous()
        for side, means in zip(_SIDES, (passages, queries), strict=True)
        for part in _PARTS
    }
    write_tensors(path, tensors, languages=json.dumps(passages.codes))


def read_means(path: Path) -> tuple[LanguageMeans, LanguageMeans]:
    """Read the means of passages and of queries.

    Raises:
        InputError: the file is damaged.
    """
    from safetensors import safe_open

    tensors = read_tensors(path)
    try:
        with safe_open(path, "pt") as file:
            codes = parse_json((file.metadata() or {})["languages"], str(path))
        made = [
            LanguageMeans(codes, *(tensors[f"{side}.{part}"] for part in _PARTS)) for side in _SIDES
        ]
    except KeyError as error:
        raise InputError(f"{path} lacks {error}: make it again") from error
    return made[0], made[1]


def with_means(
    path: Path, passages: TokenEncoder, queries: TokenEncoder, name: str
) -> tuple[TokenEncoder, TokenEncoder]:
    """Copies of two encoders that take a language's mean off, as the last step.

    Raises:
        InputError: the file is damaged.
    """
    ends = read_means(path)
    made = []
    for encoder, end in zip((passages, queries), ends, strict=True):
        model = clone_model(encoder)
        model.append(end.to(model.device))
        made.append(TokenEncoder(model, name=name))
    return made[0], made[1]
