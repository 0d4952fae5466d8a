"""Laws of languages and of solver arguments: see `tests/laws.py`."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path

import torch
from hypothesis import strategies as st

from optical_core.data.bitext import read_bitext
from optical_core.data.languages import LANGUAGES, find_language, language
from optical_core.data.readers import import_collection
from optical_core.distill.config import DistillConfig
from optical_core.errors import InputError

_BASES = st.sampled_from([*LANGUAGES, *"zh pt sr az en swh fil iw por srp zho nob aka qq".split()])
_SCRIPTS = st.sampled_from(["", "", "Latn", "Cyrl", "Arab", "Hans", "Hant", "Deva", "Qqqq"])
_REGIONS = st.sampled_from(["", "", "", "BR", "PT", "CN", "TW", "HK", "US", "419", "XX", "QQ"])


@st.composite
def _codes(draw: st.DrawFn) -> str:
    parts = [part for part in (draw(_BASES), draw(_SCRIPTS), draw(_REGIONS)) if part]
    code = draw(st.sampled_from("-_")).join(parts)
    return draw(st.sampled_from([str, str.upper, str.lower]))(code)


def codes_of_both_sides(data: st.DataObject) -> bool:
    """A code's one form is its own form, in a setting as by itself."""
    code = data.draw(_codes())
    found = find_language(code)
    if found is None:
        return False
    assert language(found.code) == found
    config = DistillConfig(name="x", bitext=("demo",), languages=code, dev_languages=[code])
    assert config.languages == config.dev_languages == (found.code,)
    return True


def variants_of_a_collection(data: st.DataObject) -> bool:
    """Each query file is kept under a code that finds it, or two of one language are named."""
    codes = data.draw(st.lists(_codes(), min_size=1, max_size=4, unique_by=str.lower))
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "in")
        (source / "queries").mkdir(parents=True)
        (source / "corpus.jsonl").write_text('{"_id": "d1", "title": "", "text": "sea"}\n')
        (source / "qrels.tsv").write_text("q1\td1\t1\n")
        for code in codes:
            row = json.dumps({"_id": "q1", "text": code})
            (source / "queries" / f"{code}.jsonl").write_text(row + "\n")
        known = [code for code in codes if find_language(code)]
        try:
            made = import_collection("beir", source, Path(folder, "out"))
        except InputError as error:
            named = [code for code in codes if f"{code}.jsonl" in str(error)]
            assert named, f"names no file: {error}"  # noqa: PT017
            assert not known or len({language(code).code for code in known}) < len(known)
            return False
        assert {made.queries(code)["q1"] for code in known} == set(known), "a variant is lost"
        return True


def variants_of_a_bitext(data: st.DataObject) -> bool:
    """No text of a known language is lost, whichever columns a table has."""
    codes = data.draw(st.lists(_codes(), min_size=1, max_size=4, unique_by=str.lower))
    known = [code for code in codes if (found := find_language(code)) and found.base != "en"]
    lines = ["\t".join(["eng", *codes]), "\t".join(["The sea", *(f"{c} 7" for c in codes)])]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "all.tsv")
        path.write_text("\n".join(lines) + "\n")
        try:
            made = read_bitext(path, max_length_ratio=99)
        except InputError:
            assert not known
            return False
        assert len(made) + sum(made.dropped.values()) >= len(known), "a variant is lost"
        return True


_ODD = [0.0, -1.0, math.nan, math.inf, -math.inf, 1e-300, 1e-45, 1e-6, 0.5, 1.0, 1e30, 1e300, True]
_OPTIONS = st.sampled_from([*_ODD, None, "x", 10**30])


def transport_arguments(data: st.DataObject) -> bool:
    """Any options: a finite plan, or a ValueError that names the option."""
    from optical_core.transport import METHODS, TransportSettings, solve

    method = data.draw(st.sampled_from([*METHODS, "unbalanced"]))
    names = ["epsilon", "tolerance", "max_iterations"]
    names += ["mass_penalty"] if method == "unbalanced" else []
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
    options = {"max_iterations": 20} | {name: data.draw(_OPTIONS) for name in chosen}
    options |= {"max_iterations": 20} if options["max_iterations"] == 10**30 else {}
    scale = data.draw(st.sampled_from([0.0, 1e-38, 1e-6, 1.0, 1e6, 1e37]))
    cost = torch.tensor([[[0.0, 1.0, 0.3], [-0.5, 0.2, 0.9]]]) * scale
    a, b = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.25, 0.75, 0.0]])
    try:
        found = solve(cost, a, b, TransportSettings(method, **options))
    except ValueError as error:
        assert any(name in str(error) for name in options), f"names no option: {error}"  # noqa: PT017
        return False
    for value in (found.plan, found.cost, found.marginal_error):
        assert torch.isfinite(value).all(), f"{options}: {value}"
    assert (found.plan >= 0).all()
    return True


LANGUAGE_LAWS = {
    "codes": codes_of_both_sides,
    "collection variants": variants_of_a_collection,
    "bitext variants": variants_of_a_bitext,
    "transport arguments": transport_arguments,
}
