"""Laws by name, each of one hypothesis draw: what `tests/test_damage.py` checks and `fuzz` repeats.

A law returns True where its input was read (or solved), False where it was refused, and raises
where it is broken.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import chdir
from functools import partial, partialmethod
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from hypothesis import strategies as st

from optical_core.data.readers import import_collection
from tests import laws_judged
from tests.damage import allowed, damaged_files, read_or_refused
from tests.laws_languages import LANGUAGE_LAWS
from tests.laws_server import SERVER_LAWS
from tests.readers import SAMPLES, look
from tests.samples import FOLDER, write_files

Law = Callable[[st.DataObject], bool]

_KNOWN = (
    "tiny bm25 bm25@human psq@x nowhere en sw,so xx -1 0 3 1e9 nan exact ipot beir trec x.tsv "
    "steps=0 steps=x a=b=c - -- @ , = \u202e \0 é {} . .."
).split(" ")
_TEXT = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), max_size=8)
_WORDS = st.sampled_from([*_KNOWN, "", "a b"]) | _TEXT
_COMMANDS = {
    ("models",): ["--json"],
    ("collections",): ["--json"],
    ("data", "import"): ["--out", "--unit"],
    ("data", "bitext"): ["--languages"],
    ("data", "check"): [],
    ("search",): ["--top", "--explain", "--approximate", "--index", "--json"],
    ("index",): ["--out", "--append", "--batch-size"],
    ("evaluate",): ["--out", "--languages", "--depth", "--json"],
    ("distill",): ["--name", "--bitext", "--languages", "--objective", "--steps", "--set", "--dev"],
    ("study", "--report-only"): ["--data", "--out"],
    ("align-quality",): ["--out", "--layers", "--solvers", "--limit"],
    ("lexicon",): ["--out", "--aligner", "--pairs", "--languages"],
    ("align",): ["--solver", "--epsilon", "--tokens", "--json"],
    ("translate",): ["--out", "--languages"],
    ("magic",): [],
}
_FLAGS = {"--json", "--explain", "--approximate", "--append", "--tokens"}
# A model that needs no encoder, as the default one (an empty name) does: opening it takes seconds
# and a gigabyte, and other laws cover it.
_MODEL = {
    "search": "--model",
    "index": "--model",
    "align": "--model",
    "evaluate": "--models",
    "distill": "--teacher",
    "align-quality": "--encoders",
    "lexicon": "--encoder",
    "translate": "--model",
}


def command_line(data: st.DataObject) -> bool:
    """Arguments of any kind: a result, a usage error or one sentence, with nothing else raised."""
    from typer.testing import CliRunner

    from optical_core.cli import app

    command = data.draw(st.sampled_from(sorted(_COMMANDS)))
    arguments = [*command, *data.draw(st.lists(_WORDS, max_size=3))]
    for option in data.draw(st.lists(st.sampled_from([*_COMMANDS[command], "--help"]), max_size=3)):
        arguments += [option] if option in {*_FLAGS, "--help"} else [option, data.draw(_WORDS)]
    if option := _MODEL.get(command[0]):
        names = ["bm25", "nowhere", " ", "\0", "a b", ","]
        arguments += [option, data.draw(st.sampled_from(names))]
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        write_files(Path(folder, "tiny"), FOLDER)
        Path("x.tsv").write_text("en\tsw\nThe sea\tbahari\n")
        settings = {"OPTICAL_HOME": str(Path(folder, "home")), "HF_HUB_OFFLINE": "1"}
        with mock.patch.dict(os.environ, settings):
            codes: list[int] = []

            def run() -> None:
                result = CliRunner().invoke(app, arguments)
                codes.append(result.exit_code)
                if result.exception and not isinstance(result.exception, SystemExit):
                    raise result.exception

            done = allowed(run)
    assert all(code in (0, 1, 2) for code in codes), f"exit code {codes} of {arguments}"
    return done and codes == [0]


_SIZES = [0.0, 1e-30, 1e-6, 0.5, 1.0, 2.0, 1e3, 1e8, 1e30]
_COSTS = st.sampled_from(_SIZES) | st.floats(0, 2, width=32)
_MASSES = st.sampled_from([0.0, 0.0, 1e-6, 1e-3, 0.25, 1.0])


def transport(method: str, data: st.DataObject) -> bool:
    """Costs and masses of any size: no NaN, no negative mass, and the error that is reported."""
    from optical_core.transport import TransportSettings, solve

    pairs, n, m = (data.draw(st.integers(1, limit)) for limit in (2, 5, 5))
    same = data.draw(st.booleans())
    size = 1 if same else pairs * n * m
    values = data.draw(st.lists(_COSTS, min_size=size, max_size=size))
    cost = torch.tensor(values if not same else values * (pairs * n * m)).reshape(pairs, n, m)
    sides = []
    for count in (n, m):
        mass = torch.tensor(
            [data.draw(st.lists(_MASSES, min_size=count, max_size=count)) for _ in range(pairs)]
        )
        sides.append(mass)
    a, b = sides
    both = (a.sum(-1) > 0) & (b.sum(-1) > 0)
    a, b = a * both[:, None], b * both[:, None]
    if method != "unbalanced":
        a, b = (side / side.sum(-1, keepdim=True).clamp_min(1e-9) for side in (a, b))
    epsilon = data.draw(st.sampled_from([1e-4, 1e-2, 0.05, 1.0, 100.0]))
    solution = solve(cost, a, b, TransportSettings(method, epsilon=epsilon, max_iterations=100))
    for name in ("plan", "cost", "marginal_error"):
        assert torch.isfinite(getattr(solution, name)).all(), f"{name} {getattr(solution, name)}"
    assert (solution.plan >= 0).all(), "negative mass"
    padding = (a[:, :, None] == 0) | (b[:, None, :] == 0)
    assert (solution.plan[padding] == 0).all(), "mass on padding"
    rows = (solution.plan.double().sum(-1) - a).abs().sum(-1)
    columns = (solution.plan.double().sum(-2) - b).abs().sum(-1)
    told = solution.marginal_error.double()
    assert torch.allclose(told, rows + columns, rtol=1e-2, atol=1e-5), f"{told}: {rows + columns}"
    if method != "unbalanced":
        within = told <= 1e-4 * a.sum(-1) * 2 + 1e-5
        assert within[solution.converged].all(), f"converged, but {told}"
    return bool(solution.converged.all())


_VALUES = st.sampled_from(["d1", "d2", "q1", "", "\0", "a\tb", "\ud800", 7, -1, 10**30, None, 0.5])
_VALUES = _VALUES | st.text(max_size=4)
_ERRORS = st.sampled_from([OSError("a\nb"), ValueError(), KeyError("x"), zlib.error("Error -3")])


def catalogue(data: st.DataObject) -> bool:
    """What ir_datasets gives or raises: imported whole, or refused with nothing half written."""
    forms = {
        "docs": ["doc_id", "title", "text"],
        "queries": ["query_id", "text"],
        "qrels": ["query_id", "doc_id", "relevance"],
    }
    rows = {
        part: [{n: f"{n[0]}{row}" if n[-3:] == "_id" else 1 for n in fields} for row in range(3)]
        for part, fields in forms.items()
    }
    for _ in range(data.draw(st.integers(0, 3))):
        row = data.draw(st.sampled_from([row for part in rows.values() for row in part]))
        row[data.draw(st.sampled_from(sorted(row)))] = data.draw(_VALUES)
    methods: dict[str, Any] = {"has": lambda self, part: True}
    for part, fields in forms.items():
        kept = fields[:-1] if data.draw(st.integers(0, 19)) == 0 else fields
        form = namedtuple(part, kept)
        found = [form(*(row[name] for name in kept)) for row in rows[part]]
        end = data.draw(_ERRORS) if data.draw(st.integers(0, 9)) == 0 else None
        methods[f"{part}_iter"] = partialmethod(_records, found, end)
    told = data.draw(st.sampled_from(["sw", "en-US", None, "", "?", "zxx"]))
    methods["queries_lang"] = methods["docs_lang"] = lambda self: told
    module = SimpleNamespace(load=lambda name: type("Dataset", (), methods)())
    given = mock.patch.dict("sys.modules", ir_datasets=module)
    with tempfile.TemporaryDirectory() as folder, given:
        target = Path(folder, "installed", "out")
        read = allowed(lambda: look(import_collection("irds", "x", target)))
        left = [path.name for path in target.parent.glob("*")]
        # An id that comes twice among millions is noticed by who reads them.
        assert left in ([["out"]] if read else [[], ["out"]]), f"left behind: {left}"
    return read


def _records(_: Any, found: list[Any], end: Exception | None) -> Iterator[Any]:
    yield from found
    if end:
        raise end


def reading(name: str, data: st.DataObject) -> bool:
    """A damaged input of one reader: read or refused."""
    return read_or_refused(SAMPLES[name], data.draw(damaged_files(SAMPLES[name].files)))


METHODS = ("sinkhorn", "ipot", "exact", "unbalanced")
LAWS: dict[str, Law] = {
    **LANGUAGE_LAWS,
    **{name: partial(reading, name) for name in SAMPLES},
    "irds": catalogue,
    "command line": command_line,
    **SERVER_LAWS,
    **{f"transport-{method}": partial(transport, method) for method in METHODS},
    **laws_judged.LAWS,
}
