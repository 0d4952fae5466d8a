"""Sinkhorn one pair at a time, compiled for the CPU by numba (the optional extra `fast`).

The same fixed point as `sinkhorn`, reached sooner for sentences: each pair stops when it has
converged (in a batch the slowest decides), padding is cut away, and a kernel of sentence size
stays in a core's first cache. Potentials start where every row and column of the kernel has an
entry of one, and take up the scalings before those leave the range of fp32.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from optical_core.transport.problem import TransportProblem
from optical_core.transport.threads import over_threads

ABSORB = 1e8
"""Scalings beyond this factor go into the potentials."""
RELAX = 0.1
"""Error, as a share of the mass, below which scalings are over-relaxed: it may diverge earlier."""
LARGEST = 60.0
"""Of the kernel's exponents: rounding of huge costs must not overflow."""


def applies(problem: TransportProblem) -> bool:
    """Is the problem on the CPU, and numba there?"""
    return problem.cost.device.type == "cpu" and _kernel() is not None


def compiled_sinkhorn(
    problem: TransportProblem, *, epsilon: float, tolerance: float, max_iterations: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Plan (B, n, m), iterations (B,) and converged (B,), as `sinkhorn` gives them."""
    cost, a, b = (x.contiguous().numpy() for x in (problem.cost, problem.a, problem.b))
    plan = np.zeros_like(cost)
    iterations = np.zeros(len(cost), np.int64)
    converged = np.zeros(len(cost), np.bool_)
    kernel = _kernel()

    def work(pairs: np.ndarray) -> None:
        kernel(cost, a, b, pairs, epsilon, tolerance, max_iterations, plan, iterations, converged)

    over_threads(len(cost), work)
    return torch.from_numpy(plan), torch.from_numpy(iterations), torch.from_numpy(converged)


@cache
def _kernel() -> Any:
    """The compiled loop over pairs; None without numba."""
    try:
        from numba import njit
    except ImportError:
        return None
    # Sums may be reordered, so that they run in vectors; infinities keep their meaning.
    compiled = njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz", "arcp"})
    globals()["_fill"] = compiled(_fill)
    globals()["_scale"] = compiled(_scale)
    globals()["_iterate"] = compiled(_iterate)
    return compiled(_pairs)


# What follows is compiled: plain loops over arrays of one dtype, no Python objects.


def _pairs(cost, a, b, pairs, epsilon, tolerance, max_iterations, plan, iterations, converged):
    """Solve the chosen pairs into plan, iterations and converged."""
    height, width = cost.shape[1], cost.shape[2]
    rows, columns = np.empty(height, np.int64), np.empty(width, np.int64)
    f, u, reached, mass_a = (
        np.empty(height, cost.dtype), np.empty(height, cost.dtype),
        np.empty(height, cost.dtype), np.empty(height, cost.dtype),
    )  # fmt: skip
    g, v, sums, mass_b = (
        np.empty(width, cost.dtype), np.empty(width, cost.dtype),
        np.empty(width, cost.dtype), np.empty(width, cost.dtype),
    )  # fmt: skip
    for pair in pairs:
        n, m, total = 0, 0, 0.0
        for i in range(height):
            if a[pair, i] > 0:
                rows[n], mass_a[n] = i, a[pair, i]
                total += a[pair, i]
                n += 1
        for j in range(width):
            if b[pair, j] > 0:
                columns[m], mass_b[m] = j, b[pair, j]
                m += 1
        if n == 0 or m == 0:
            converged[pair] = total == 0
            continue
        inner = np.empty((n, m), cost.dtype)
        kernel = np.empty((n, m), cost.dtype)
        g[:m] = np.inf
        for i in range(n):
            least = np.inf
            for j in range(m):
                inner[i, j] = cost[pair, rows[i], columns[j]]
                least = min(least, inner[i, j])
            f[i] = least
            for j in range(m):
                g[j] = min(g[j], inner[i, j] - f[i])
        done, error = 0, np.inf
        while done < max_iterations and error > tolerance * total:
            _fill(kernel, inner, f, g, v, 1 / epsilon)
            done, error = _iterate(
                kernel, mass_a, mass_b, u, reached, v, sums, total, tolerance * total, done,
                max_iterations,
            )  # fmt: skip
            if done < max_iterations and error > tolerance * total:
                for i in range(n):
                    f[i] += epsilon * math.log(u[i])
                for j in range(m):
                    g[j] += epsilon * math.log(v[j])
        iterations[pair] = done
        converged[pair] = error <= tolerance * total
        for i in range(n):
            for j in range(m):
                plan[pair, rows[i], columns[j]] = u[i] * kernel[i, j] * v[j]


def _fill(kernel, inner, f, g, v, sharpness):
    """The kernel of the potentials, and scalings of one."""
    n, m = kernel.shape
    v[:m] = 1
    # In the kernel's dtype: an exponential in fp64 takes twice as long.
    factor, largest = kernel.dtype.type(sharpness), kernel.dtype.type(LARGEST)
    for i in range(n):
        for j in range(m):
            exponent = (f[i] + g[j] - inner[i, j]) * factor
            kernel[i, j] = math.exp(min(exponent, largest))


def _iterate(kernel, mass_a, mass_b, u, reached, v, sums, total, limit, done, most):
    """Scale rows and columns until the rows are right, or a scaling has to be absorbed.

    Returns the iterations done and the error of the rows (the columns are right by then). Near
    the end, scalings go 1.5 times as far, which takes a third of the iterations where convergence
    is slow (Thibault, Chizat, Dossal and Papadakis 2021).
    """
    n, m = kernel.shape
    tiny = kernel.dtype.type(1e-30)
    error = np.inf
    first, relaxing, below = True, False, RELAX * total
    while done < most:
        # Loops apart, so that each runs in vectors.
        for i in range(n):
            row = kernel[i]
            dot = row[0] * v[0]
            for j in range(1, m):
                dot += row[j] * v[j]
            reached[i] = dot
        if not first:
            error = 0.0
            for i in range(n):
                error += abs(u[i] * reached[i] - mass_a[i])
            if error <= limit and not relaxing:
                break
        _scale(u, mass_a, reached, tiny, relaxing, n)
        sums[:m] = 0
        for i in range(n):
            row, scaling = kernel[i], u[i]
            for j in range(m):
                sums[j] += row[j] * scaling
        # It ends plainly, so that the columns are right; and where relaxing takes it away from
        # its end, it comes nearer without before it tries again.
        if relaxing and (error <= limit or error > 2 * below):
            below = 0.0 if error <= limit else below / 4
            relaxing = False
        _scale(v, mass_b, sums, tiny, relaxing, m)
        relaxing = relaxing or error <= below
        done += 1
        first = False
        low, high = u[0], u[0]
        for i in range(n):
            low, high = min(low, u[i]), max(high, u[i])
        for j in range(m):
            low, high = min(low, v[j]), max(high, v[j])
        if high > ABSORB or low < 1 / ABSORB:
            break
    return done, error


def _scale(scaling, mass, reached, tiny, relaxing, count):
    """The scalings that give what is reached the mass; over-relaxed by 1.5, if wanted."""
    if relaxing:
        for k in range(count):
            exact = mass[k] / max(reached[k], tiny)
            scaling[k] = exact * np.sqrt(exact / scaling[k])
    else:
        for k in range(count):
            scaling[k] = mass[k] / max(reached[k], tiny)
