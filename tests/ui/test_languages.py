"""One query in many languages: which texts, what stands beside each, and the table."""

import numpy as np
import pytest

from optical_core.data.words import knows_words
from optical_core.errors import InputError
from optical_core.transport import TransportPlan, TransportSettings
from optical_core.ui.alignment.languages import (
    InLanguage,
    asked_texts,
    language_table,
    told,
    typed_texts,
)
from optical_core.ui.alignment.view import AlignmentView
from optical_core.ui.library import Library

VIEW = AlignmentView(
    "maji", "water", "earth-q01", ("m",), "word", "ribbons", TransportSettings("exact"), False, 0.0,
    language="sw",
)  # fmt: skip


def plan(cost: float, pieces=("ma", "ji", "ya", "[MASK]"), words=(0, 0, 1, -1)) -> TransportPlan:
    even = np.full((len(pieces), 1), 1 / len(pieces))
    return TransportPlan(even, np.full_like(even, cost), pieces, ("water",), words, (0,))


def row(name: str, code: str, before: float, after: float, **precision: float) -> InLanguage:
    return InLanguage(name, code, "maji ya", {"a": plan(before), "b": plan(after)}, precision)


def test_what_was_typed_takes_the_place_of_the_demo_s_query():
    from dataclasses import replace

    library = Library()
    demo = dict(asked_texts(library, VIEW, ["so", "sw"]))
    assert list(demo) == ["so", "sw"]
    assert "maji" not in demo.values()
    view = replace(VIEW, left_typed=True, others=(("am", "ውሃ"), ("so", "biyo"), ("so", "biyaha")))
    texts = asked_texts(library, view, ["so", "sw", "yo"])
    assert texts[:4] == [("sw", "maji"), ("am", "ውሃ"), ("so", "biyo"), ("so", "biyaha")]
    assert [code for code, _ in texts[4:]] == ["yo"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("so: biyo\nmaji", "line 2 of the texts begins with 'maji'"),
        ("qqq: x", "line 1 of the texts"),
        ("so:  ", "line 1 of the texts"),
        ("so: biyo\n" * 25, "there are 25 texts: give at most 24"),
    ],
)
def test_texts_without_a_language_are_one_sentence(typed, sentence):
    with pytest.raises(InputError, match=sentence):
        typed_texts(typed)


def test_the_table_has_cost_fertility_and_ap_of_each_model():
    rows = [row("Somali", "so", 0.5, 0.25, a=0.5, b=1.0), row("Swahili", "sw", 0.5, 0.5)]
    table = language_table(rows)
    assert list(table) == [
        "language", "cost a", "cost b", "tokens a word", "AP a", "AP b", "text",
    ]  # fmt: skip
    assert table["tokens a word"].tolist() == [1.5, 1.5]
    assert table["AP b"].isna().tolist() == [False, True]
    assert told(rows[0]) == "cost 0.500 → 0.250 · 1.5 tokens a word · AP 0.500 → 1.000"
    assert rows[0].cost == pytest.approx(0.25)
    finer = InLanguage("Hausa", "ha", "ruwa", {"a": plan(0.1), "b": plan(0.2, ("ruwa",), (0,))}, {})
    assert {"tokens a word a", "tokens a word b"} <= set(language_table([finer]))
    assert "AP a" not in language_table([finer])


def test_fertility_needs_words():
    chinese = InLanguage("Chinese", "zh", "海水", {"a": plan(0.1)}, {})
    assert (chinese.fertility("a") is None) != knows_words()
    alone = InLanguage("Swahili", "sw", "?", {"a": plan(0.1, ("[MASK]",), (-1,))}, {})
    assert alone.fertility("a") is None
    assert told(alone) == "cost 0.100"
