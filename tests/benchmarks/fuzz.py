"""`python -m tests.benchmarks.fuzz --inputs 50000`: the laws of `tests/laws.py`, on more inputs.

It prints for each law how many inputs were accepted and refused. For a broken law it prints the
error, the smallest input that shows it, and the command that repeats it.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.laws import LAWS

PART = 250
"""Inputs drawn from one seed: at most so many must be drawn again to repeat a failure."""


@dataclass
class Count:
    """How many of a law's inputs were accepted and refused, and the failures."""

    seen: Counter[bool] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def try_law(name: str, number: int, inputs: int, count: Count) -> None:
    """Try one law on `inputs` inputs from the seed `number`."""

    @seed(number)
    @settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(data=st.data())
    def hold(data: st.DataObject) -> None:
        count.seen[LAWS[name](data)] += 1

    try:
        hold()
    except Exception as error:
        notes = "\n".join(getattr(error, "__notes__", []))
        again = f'python -m tests.benchmarks.fuzz --only "{name}" --seed {number} --inputs {inputs}'
        count.broken.append(f"{name}: {type(error).__name__}: {error}\n{notes}\nagain: {again}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fuzz")
    parser.add_argument("--inputs", type=int, default=50_000, help="in all, shared by the laws")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=LAWS, action="append", help="this law; may be repeated")
    arguments = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    names = arguments.only or list(LAWS)
    counts = {name: Count() for name in names}
    share = max(1, arguments.inputs // len(names))
    print(f"{'law':20} {'accepted':>9} {'refused':>9} {'broken':>7} {'seconds':>8}")
    for name in names:
        begin = time.perf_counter()
        for number, done in enumerate(range(0, share, PART), arguments.seed):
            try_law(name, number, min(PART, share - done), counts[name])
        seen, broken = counts[name].seen, counts[name].broken
        seconds = time.perf_counter() - begin
        print(
            f"{name:20} {seen[True]:9,} {seen[False]:9,} {len(broken):7} {seconds:8.1f}", flush=True
        )
    failures = [text for count in counts.values() for text in count.broken]
    print(f"\n{sum(count.seen.total() for count in counts.values()):,} inputs")
    for text in failures:
        print(f"\n{text}")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
