"""How many mutants of optical_core/transport and optical_core/analysis the tests kill.

python -m tests.mutation --sample 300      # of all of them, drawn by --seed; without it: all

mutmut (the extra `dev`) makes the mutants and runs the tests of both packages on each, as
`[tool.mutmut]` of pyproject.toml says. Its folder `mutants` is made anew; afterwards
`mutmut show NAME` prints a mutant.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
from collections import Counter
from typing import Any

FEW = "optical_core.transport.threads.*"
"""Mutants to begin with: mutmut makes all, and runs these."""


def pytest_collection_finish(session: Any) -> None:
    """mutmut has pytest load this file: the C is compiled before processes are forked off."""
    from optical_core.transport import compiled_sinkhorn, exact

    if session.config.option.collectonly:
        compiled_sinkhorn.library()
        exact.library()


def run(*mutants: str) -> None:
    """Try these mutants, with one thread: torch's own don't outlive a fork."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(["mutmut", "run", "--max-children", "1", *mutants], env=environment, check=True)


def verdicts() -> dict[str, str]:
    """Mutant -> killed, survived, timeout, …, or not checked."""
    command = ["mutmut", "results", "--all", "true"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.strip().split(": ", 1) for line in lines if "__mutmut_" in line)


def main() -> None:
    from statsmodels.stats.proportion import proportion_confint

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, help="mutants to try (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    chosen = parser.parse_args()
    shutil.rmtree("mutants", ignore_errors=True)
    run(FEW)
    names = sorted(verdicts())
    size = min(chosen.sample or len(names), len(names))
    tried = random.Random(chosen.seed).sample(names, size)
    run(*tried)
    found = {name: verdict for name, verdict in verdicts().items() if name in set(tried)}
    counts = Counter(found.values())
    low, high = proportion_confint(counts["killed"], size, method="wilson")
    print(f"{len(names)} mutants, {size} tried (seed {chosen.seed})")
    for verdict, count in counts.most_common():
        print(f"{count:6} {verdict}")
    print(f"killed: {counts['killed'] / size:.1%} (95 % interval {low:.1%} to {high:.1%})")
    for name in sorted(name for name, verdict in found.items() if verdict != "killed"):
        print(f"  {found[name]}: {name}")


if __name__ == "__main__":
    main()
