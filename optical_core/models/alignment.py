"""Align two texts with a retriever's encoders: student tokens to teacher tokens."""

from __future__ import annotations

import torch

from optical_core.errors import InputError
from optical_core.models.retriever import Retriever
from optical_core.transport import TransportPlan, cosine_cost, real_tokens, solve


def align_texts(
    retriever: Retriever,
    foreign: str,
    english: str,
    *,
    method: str = "exact",
    epsilon: float = 0.05,
) -> TransportPlan:
    """The plan between a foreign query (student) and its English translation (teacher).

    Real tokens carry equal mass, as in distillation. Raises InputError for a text of no tokens,
    and ValueError for a bad solver option.
    """
    sides = ((foreign, retriever.student, "first"), (english, retriever.teacher, "second"))
    for text, encoder, _ in sides:
        if not encoder.scored_tokens(text, "query"):
            raise InputError(f"the text {text!r} has no tokens to align")
    source = torch.from_numpy(retriever.student.encode_queries([foreign])[0])[None]
    target = torch.from_numpy(retriever.teacher.encode_queries([english])[0])[None]
    cost = cosine_cost(source, target)
    a = real_tokens(torch.ones(1, source.shape[1]))
    b = real_tokens(torch.ones(1, target.shape[1]))
    solution = solve(cost, a, b, method=method, epsilon=epsilon)
    source_tokens = retriever.student.scored_tokens(foreign, "query")
    target_tokens = retriever.teacher.scored_tokens(english, "query")
    return TransportPlan(
        plan=solution.plan[0].double().numpy(),
        cost=cost[0].double().numpy(),
        source=tuple(token.piece for token in source_tokens),
        target=tuple(token.piece for token in target_tokens),
        source_words=tuple(token.word for token in source_tokens),
        target_words=tuple(token.word for token in target_tokens),
        report={
            "method": method,
            "epsilon": epsilon,
            "marginal_error": float(solution.marginal_error[0]),
            "iterations": int(solution.iterations[0]),
            "converged": bool(solution.converged[0]),
        },
    )
