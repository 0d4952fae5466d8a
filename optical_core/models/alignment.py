"""Align two texts with a pair of encoders: student tokens to teacher tokens.

Encoding and solving are two steps: a page can try several solvers and encode only once.
"""

from __future__ import annotations

import copy
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from optical_core.data.lines import check_characters, is_blank
from optical_core.errors import InputError
from optical_core.models.pair import EncoderPair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.tokens import Token
from optical_core.transport import (
    TransportPlan,
    TransportSettings,
    cosine_cost,
    mask_augmented,
    real_tokens,
    solve,
)
from optical_core.transport.convergence import ConvergencePoint, convergence
from optical_core.transport.marginals import check_marginals, mass_by_kind

EXACT = TransportSettings("exact")


@dataclass(frozen=True)
class EncodedPair:
    """A foreign text encoded by the student and an English one encoded by the teacher.

    Attributes:
        source: (n, d), the foreign text's vectors.
        target: (m, d), the English text's.
        source_tokens: the n tokens of the foreign text.
        target_tokens: the m tokens of the English text.
        truncated: tokens cut off both texts together, because they exceed the encoder's limit.
    """

    source: np.ndarray
    target: np.ndarray
    source_tokens: tuple[Token, ...]
    target_tokens: tuple[Token, ...]
    truncated: int


def encode_pair(
    encoders: EncoderPair,
    foreign: str,
    english: str,
    *,
    marginals: str = "real-tokens",
    query_tokens: int = 32,
    spaces: bool = False,
) -> EncodedPair:
    """Encode a pair as distillation does.

    Args:
        encoders: the student reads the foreign text, the teacher the English one.
        foreign: a query.
        english: its translation.
        marginals: with `mask-augmented`, both sides are extended with [MASK] to `query_tokens`.
        query_tokens: the length in tokens that both sides get.
        spaces: does only white space separate words, as in texts that are cut into words already?

    Raises:
        InputError: a text without tokens.
        ValueError: unknown marginals.

    Examples:
        >>> from optical_core.models.pair_store import load_pair  # doctest: +SKIP
        >>> pair = load_pair("optical-lowres")  # doctest: +SKIP
        >>> encode_pair(pair, "bahari ina chumvi", "the sea is salty")  # doctest: +SKIP
    """
    check_marginals(marginals)
    student, teacher = encoders.student, encoders.teacher
    for text, encoder in ((foreign, student), (english, teacher)):
        check_characters(text, "the text")
        if is_blank(text) or not encoder.scored_tokens(text, "query"):
            raise InputError(f"the text {text[:80]!r} has no tokens to align")
    if marginals == "mask-augmented":
        student, teacher = (_with_masks(encoder, query_tokens) for encoder in (student, teacher))
    return EncodedPair(
        source=student.encode_queries([foreign])[0],
        target=teacher.encode_queries([english])[0],
        source_tokens=tuple(student.scored_tokens(foreign, "query", spaces=spaces)),
        target_tokens=tuple(teacher.scored_tokens(english, "query", spaces=spaces)),
        truncated=student.truncated(foreign, "query") + teacher.truncated(english, "query"),
    )


def solve_pair(pair: EncodedPair, settings: TransportSettings = EXACT) -> TransportPlan:
    """Solve an encoded pair; every scored token of a side has equal mass.

    With [MASK]s, the plan's report also has the shares of the mass: mask_mask, mask_real,
    real_real.

    Raises:
        ValueError: an unknown method.

    Examples:
        >>> import numpy as np
        >>> from optical_core.models.tokens import Token
        >>> tokens = tuple(Token(word, i, 0, 0, "text", True) for i, word in enumerate("ab"))
        >>> plan = solve_pair(EncodedPair(np.eye(2), np.eye(2), tokens, tokens, truncated=0))
        >>> plan.plan.tolist(), plan.total_cost
        ([[0.5, 0.0], [0.0, 0.5]], 0.0)
    """
    cost, a, b = _problem(pair)
    solution = solve(cost, a, b, settings)
    report: dict[str, Any] = {
        "method": settings.method,
        "epsilon": None if settings.method == "exact" else settings.epsilon,
        "marginal_error": float(solution.marginal_error[0]),
        "iterations": int(solution.iterations[0]),
        "converged": bool(solution.converged[0]),
    }
    masks = [_positions(tokens, "mask") for tokens in (pair.source_tokens, pair.target_tokens)]
    if masks[0].any() or masks[1].any():
        kinds = mass_by_kind(solution.plan, *masks)
        report["mass"] = {kind: float(share[0]) for kind, share in kinds.items()}
    return TransportPlan(
        plan=solution.plan[0].double().numpy(),
        cost=cost[0].double().numpy(),
        source=tuple(token.piece for token in pair.source_tokens),
        target=tuple(token.piece for token in pair.target_tokens),
        source_words=tuple(token.word for token in pair.source_tokens),
        target_words=tuple(token.word for token in pair.target_tokens),
        report=report,
    )


def convergence_of(
    pair: EncodedPair, settings: TransportSettings, *, kept: Container[int] = ()
) -> list[ConvergencePoint]:
    """Report marginal error and cost of a pair's plan after each iteration; see `convergence`."""
    return convergence(*_problem(pair), settings, kept=kept)


def align_texts(
    encoders: EncoderPair,
    foreign: str,
    english: str,
    settings: TransportSettings = EXACT,
) -> TransportPlan:
    """Align a foreign query (student) with its English translation (teacher).

    Args:
        encoders: the student reads the foreign text, the teacher the English one.
        foreign: a query.
        english: its translation.
        settings: the solver, its options and the marginals.

    Raises:
        InputError: a text without tokens.
        ValueError: an unknown method.

    Examples:
        >>> from optical_core.models.pair_store import load_pair  # doctest: +SKIP
        >>> pair = load_pair("optical-lowres")  # doctest: +SKIP
        >>> align_texts(pair, "bahari ina chumvi", "the sea is salty").words()  # doctest: +SKIP
    """
    pair = encode_pair(encoders, foreign, english, marginals=settings.marginals)
    return solve_pair(pair, settings)


def _problem(pair: EncodedPair) -> tuple[Tensor, Tensor, Tensor]:
    source, target = torch.from_numpy(pair.source)[None], torch.from_numpy(pair.target)[None]
    return (
        cosine_cost(source, target),
        _marginals(pair.source_tokens),
        _marginals(pair.target_tokens),
    )


def _marginals(tokens: tuple[Token, ...]) -> Tensor:
    masks = _positions(tokens, "mask")
    return mask_augmented(~masks, masks) if masks.any() else real_tokens(~masks)


def _positions(tokens: tuple[Token, ...], role: str) -> Tensor:
    return torch.tensor([[token.role == role for token in tokens]])


def _with_masks(encoder: TokenEncoder, length: int) -> TokenEncoder:
    """Copy an encoder, weights shared; the copy extends queries with [MASK] to `length` tokens."""
    transformer: Any = copy.copy(encoder.model[0])
    transformer.query_expansion = {"strategy": "min", "length": length}
    model: Any = copy.copy(encoder.model)
    model._modules = {**encoder.model._modules, "0": transformer}
    return TokenEncoder(model, name=encoder.name)
