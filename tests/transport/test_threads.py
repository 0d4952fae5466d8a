import threading

import numpy as np
import torch

from optical_core.transport import TransportSettings, solve
from optical_core.transport.threads import over_threads


def test_every_pair_is_done_once_by_as_many_threads_as_torch_has(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    together = threading.Barrier(3, timeout=20)
    done = []

    def work(pairs: np.ndarray) -> None:
        together.wait()
        done.extend(pairs)

    over_threads(8, work)
    assert sorted(done) == list(range(8))
    over_threads(0, work)
    assert len(done) == 8


def test_few_pairs_stay_on_the_callers_thread(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    threads = []
    for pairs, expected in ((1, 1), (19, 1), (20, 2), (50, 4)):
        threads.clear()
        over_threads(pairs, lambda part: threads.append(threading.get_ident()), least=10)
        assert len(threads) == expected, pairs
        assert threading.get_ident() in threads


def test_exact_plans_are_the_same_with_any_number_of_threads(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    cost = torch.rand(9, 5, 7, generator=generator)
    a, b = torch.full((9, 5), 1 / 5), torch.full((9, 7), 1 / 7)
    # Padding between tokens, not behind them.
    a[3] = torch.tensor([0.5, 0, 0.25, 0, 0.25])
    plans = []
    for threads in (1, 4):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        plans.append(solve(cost, a, b, TransportSettings("exact")).plan)
    assert torch.equal(*plans)
    torch.testing.assert_close(plans[0].sum(2), a)
    torch.testing.assert_close(plans[0].sum(1), b)
