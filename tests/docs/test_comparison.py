"""The table of other systems: complete, in its few words, each small number with its note."""

from __future__ import annotations

import re

import pytest

from tests.docs.blocks import PAGES

TEXT = (PAGES / "comparison.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ")
]
SYSTEMS, FEATURES = ROWS[0][1:], ROWS[1:]
CELL = re.compile(r"(yes|partly|package|no|\?)([¹²³⁰⁴-⁹]*)")


def test_every_cell_is_one_of_the_words_and_says_more_where_it_must():
    for feature, *cells in FEATURES:
        assert len(cells) == len(SYSTEMS), feature
        for cell in cells:
            word, note = CELL.fullmatch(cell).groups()
            assert note or word not in ("partly", "package"), (feature, cell)


@pytest.mark.parametrize("system", SYSTEMS)
def test_small_numbers_and_notes_agree(system):
    column = SYSTEMS.index(system) + 1
    named = {CELL.fullmatch(row[column])[2] for row in FEATURES} - {""}
    paragraph = next(text for text in TEXT.split("\n\n") if re.match(rf"\*\*\[?{system}\b", text))
    notes = re.findall(r"([¹²³⁰⁴-⁹]+) ", paragraph)
    assert len(notes) == len(set(notes))
    assert set(notes) == named
