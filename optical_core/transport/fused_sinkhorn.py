"""Sinkhorn on a GPU as one kernel: one program solves one pair, from first iteration to plan.

The batched path starts several kernels an iteration and waits for its slowest pair. Here a pair's
costs stay in registers, and a pair stops when it has converged. Iterations are in the log domain
(Peyré and Cuturi 2019, remark 4.23), where a small eps neither overflows nor underflows. Triton
comes with PyTorch's CUDA builds; its interpreter (TRITON_INTERPRET=1) runs the kernel on a CPU.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from optical_core.transport.problem import TransportProblem
from optical_core.transport.settings import TransportSettings

if TYPE_CHECKING:
    import triton.language as tl
    from triton.language import constexpr

LARGEST = 128
"""Tokens of the longer side that fit into registers; longer pairs take the batched path."""


def applies(problem: TransportProblem) -> bool:
    """Whether the problem is on a GPU, in fp32 and short enough, and Triton is installed."""
    cost = problem.cost
    fits = cost.is_cuda and cost.dtype == torch.float32 and max(cost.shape[1:]) <= LARGEST
    return fits and _kernel() is not None


def fused_sinkhorn(
    problem: TransportProblem, settings: TransportSettings
) -> tuple[Tensor, Tensor, Tensor]:
    """Solve on the GPU; plan (B, n, m), iterations (B,) and converged (B,) as `sinkhorn`'s."""
    cost, a, b = (x.contiguous() for x in (problem.cost, problem.a, problem.b))
    pairs, n, m = cost.shape
    plan = torch.zeros_like(cost)
    iterations = torch.zeros(pairs, dtype=torch.int32, device=cost.device)
    error = torch.zeros(pairs, dtype=cost.dtype, device=cost.device)
    if pairs and n and m:
        _kernel()[(pairs,)](
            cost,
            a,
            b,
            plan,
            iterations,
            error,
            n,
            m,
            settings.epsilon,
            settings.tolerance,
            settings.max_iterations,
            N=_power_of_two(n),
            M=_power_of_two(m),
        )
    return plan, iterations.long(), error <= settings.tolerance * problem.total


def _power_of_two(size: int) -> int:
    return max(1 << (size - 1).bit_length(), 2)


@cache
def _kernel() -> Any:
    """Compile the kernel; None without Triton. Its language must be a global of this module."""
    try:
        import triton
        import triton.language
    except ImportError:
        return None
    globals()["tl"] = triton.language
    return triton.jit(_pair)


# What follows is Triton's language: blocks of registers, no Python objects.
# pragma: no mutate block


def _pair(
    cost,
    a,
    b,
    plan,
    iterations,
    error,
    n,
    m,
    epsilon,
    tolerance,
    most,
    N: constexpr,  # noqa: N803
    M: constexpr,  # noqa: N803
):
    """Solve the pair with this program's number; N and M: n and m up to a power of two."""
    pair = tl.program_id(0)
    rows, columns = tl.arange(0, N), tl.arange(0, M)
    inside = (rows < n)[:, None] & (columns < m)[None, :]
    cells = pair * n * m + rows[:, None] * m + columns[None, :]
    c = tl.load(cost + cells, mask=inside, other=0.0)
    mass_a = tl.load(a + pair * n + rows, mask=rows < n, other=0.0)
    mass_b = tl.load(b + pair * m + columns, mask=columns < m, other=0.0)
    total = tl.sum(mass_a)
    live_a, live_b = mass_a > 0, mass_b > 0
    live = live_a[:, None] & live_b[None, :]
    # Potentials in units of eps. Dead rows and columns stay at zero and out of every sum.
    sharp = tl.where(live, -c / epsilon, -float("inf"))
    log_a = tl.log(tl.where(live_a, mass_a, 1.0))
    log_b = tl.log(tl.where(live_b, mass_b, 1.0))
    f = tl.zeros((N,), tl.float32)
    g = tl.zeros((M,), tl.float32)
    # The first g is the least cost of each column: it only sets where rows begin.
    best = tl.max(sharp, 0)
    g = tl.where(live_b, -best, 0.0)
    done = 0
    wrong = tl.where(total > 0, float("inf"), 0.0)
    while (done < most) & (wrong > tolerance * total):
        tilted = sharp + g[None, :]
        top = tl.where(live_a, tl.max(tilted, 1), 0.0)
        soft = top + tl.log(tl.where(live_a, tl.sum(tl.exp(tilted - top[:, None]), 1), 1.0))
        fresh = tl.where(live_a, log_a - soft, 0.0)
        if done > 0:
            # With the old f the columns were right; the rows' sums are a exp(old - new).
            wrong = tl.sum(mass_a * tl.abs(tl.exp(f - fresh) - 1))
        if wrong > tolerance * total:
            f = fresh
            tilted = sharp + f[:, None]
            top = tl.where(live_b, tl.max(tilted, 0), 0.0)
            soft = top + tl.log(tl.where(live_b, tl.sum(tl.exp(tilted - top[None, :]), 0), 1.0))
            g = tl.where(live_b, log_b - soft, 0.0)
            done += 1
    solved = tl.exp(sharp + f[:, None] + g[None, :])
    tl.store(plan + cells, tl.where(live, solved, 0.0), mask=inside)
    tl.store(iterations + pair, done)
    tl.store(error + pair, wrong)
