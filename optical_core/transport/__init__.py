"""Optimal transport between two rows of tokens: costs, marginals, solvers, plans.

This package knows nothing of text or models. Axis letters: B pairs, n source tokens, m target
tokens, d dimensions. `METHODS` maps a solver's name to its function.
"""

from optical_core.transport.marginals import cosine_cost, mask_augmented, real_tokens
from optical_core.transport.plan import TransportPlan
from optical_core.transport.problem import TransportSolution
from optical_core.transport.settings import TransportSettings
from optical_core.transport.solve import METHODS, solve

__all__ = [
    "METHODS",
    "TransportPlan",
    "TransportSettings",
    "TransportSolution",
    "cosine_cost",
    "mask_augmented",
    "real_tokens",
    "solve",
]
