"""The precision of encoding and training: it is decided only here.

Passages are encoded, and students trained, in bf16 where the processor multiplies it natively. This
is 2 to 3 times faster, and token vectors keep a cosine above .9998 with those of fp32. Other
processors (most laptops) would take many times as long and use fp32. Queries are encoded in fp32:
in bf16 a query's vectors depend on its batch, which moves its scores in the second decimal and lets
near ties change places. `$OPTICAL_PRECISION` decides for both sides. With `int8`, searches encode
their queries as `onnx_queries` does, and all else runs as with `auto`. A training's setting `bf16`
overrides the variable.
"""

from __future__ import annotations

import contextlib
import logging
import os
from contextlib import AbstractContextManager
from functools import cache
from typing import Literal

import torch

from optical_core import native
from optical_core.errors import InputError

logger = logging.getLogger(__name__)

VARIABLE = "OPTICAL_PRECISION"
CHOICES = ("auto", "bf16", "fp32", "int8")


def precision(device: str | torch.device | None = None) -> str:
    """Decide the precision of passages and trainings on a device (None for the default device).

    Returns:
        `bf16` or `fp32`.

    Raises:
        InputError: `$OPTICAL_PRECISION` has an unknown value.
    """
    wanted, multiplied = _wanted(), _native_bf16(_kind(device))
    if wanted == "bf16" and not multiplied:
        _warn(f"{VARIABLE}=bf16")
    if wanted in ("bf16", "fp32"):
        return wanted
    return "bf16" if multiplied else "fp32"


def asked_precision() -> str | None:
    """What `$OPTICAL_PRECISION` asks passages to be encoded in; None if it leaves that open."""
    wanted = _wanted()
    return wanted if wanted in ("bf16", "fp32") else None


def training_precision(
    bf16: bool | Literal["auto"], device: str | torch.device | None = None
) -> str:
    """Decide a training's precision: `bf16` or `fp32`; `auto` leaves it to `precision`."""
    if bf16 == "auto":
        return precision(device)
    if bf16 and not _native_bf16(_kind(device)):
        _warn("bf16=true")
    return "bf16" if bf16 else "fp32"


def query_precision(device: str | torch.device | None = None) -> str:
    """What searches encode their queries in: `fp32`, or `bf16` or (on a CPU) `int8` if asked."""
    wanted = _wanted()
    asked = wanted == "bf16" or (wanted == "int8" and _kind(device) == "cpu")
    return wanted if asked else "fp32"


def encoding(device: str | torch.device, wanted: str | None = None) -> AbstractContextManager:
    """The context in which encoders run on a device, in `precision` by default."""
    if (wanted or precision(device)) == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(torch.device(device).type, torch.bfloat16)


def _wanted() -> str:
    wanted = os.environ.get(VARIABLE, "auto")
    if wanted not in CHOICES:
        raise InputError(f"{VARIABLE} must be {', '.join(CHOICES)}, got {wanted!r}")
    return wanted


def _kind(device: str | torch.device | None) -> str:
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device).type


def _native_bf16(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # Without AVX-512 BF16 or AMX, PyTorch widens every operand: 60 times slower than fp32.
    return (
        kind == "cpu"
        and native.allows("avx512")
        and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    )


@cache
def _warn(setting: str) -> None:
    logger.warning(
        "%s, but this processor has no bf16 products of its own: it may take many times as long "
        "as fp32; `auto` takes what is fastest",
        setting,
    )
