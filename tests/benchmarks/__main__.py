"""`optical bench PATH …`, or `python -m tests.benchmarks PATH …`: our speed beside our peers'.

A path is a module of this folder with `PACKAGES`, whose versions are printed, and `rows(quick)`.
Peers that aren't installed are left out, with a line about each (`pip install ".[bench]"`).
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from optical_core.data.records import package_versions
from optical_core.errors import InputError
from tests.benchmarks.timing import Row, machine, table, write_report

PATHS = {
    "transport": "Sinkhorn and exact transport of sentence pairs",
    "analysis": "significance tests and MAP",
    "search": "exact, 8-bit and candidate search among 10,000 and 100,000 passages",
    "distill": "a step of distillation",
    "encode": "token vectors of single queries and of many passages",
    "app": "clicks in the app, in a browser, against a target of 350 ms",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="optical bench", description="Time our hot paths beside our peers'."
    )
    parser.add_argument("paths", nargs="+", choices=PATHS, metavar="PATH", help=", ".join(PATHS))
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer and smaller cases, on what ships: two minutes at most",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    arguments = parser.parse_args()
    rows: list[Row] = []
    packages: dict[str, None] = {}
    failed = False
    for path in dict.fromkeys(arguments.paths):
        try:
            module = import_module(f"tests.benchmarks.{path}")
            packages.update(dict.fromkeys(module.PACKAGES))
            for row in module.rows(arguments.quick):
                print(f"{row.path}: {row.case}", file=sys.stderr, flush=True)
                rows.append(row)
        except ImportError as error:
            failed = True
            print(
                f'{path} is left out ({error}): pip install ".[bench,browser,fast,onnx]"',
                file=sys.stderr,
            )
        except InputError as error:
            failed = True
            print(f"{path} is left out: {error}", file=sys.stderr)
    if not rows:
        sys.exit(1)
    if arguments.json:
        write_report(arguments.json, rows, list(packages))
    print(table(rows))
    about = machine()
    extensions = " ".join(about["vector extensions"])
    threads = f"{about['threads']} threads of {about['cores']} cores"
    print(f"\n{about['processor']} ({extensions}), {threads}")
    print(", ".join(f"{name} {version}" for name, version in package_versions(packages).items()))
    sys.exit(failed)


if __name__ == "__main__":
    main()
