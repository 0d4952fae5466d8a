import numpy as np
import pytest

from optical_core.analysis.alignment_error import alignment_error_rate
from optical_core.analysis.word_aligners import plan_links, word_links
from optical_core.data.gold import dev_file, gold_name, read_gold
from optical_core.errors import InputError


def test_the_two_file_form(tmp_path):
    (tmp_path / "x.src-tgt").write_text("la mer bleue ||| the blue sea\n")
    (tmp_path / "x.gold").write_text("1-1 2-3 3p2\n")
    for name in ("x.src-tgt", "x.gold"):
        (pair,) = read_gold(tmp_path / name)
        assert (pair.foreign, pair.english) == ("la mer bleue", "the blue sea")
        assert pair.sure == {(0, 0), (1, 2)}
        assert pair.possible == {(0, 0), (1, 2), (2, 1)}


def test_xl_wa_has_english_first_and_counts_from_0(tmp_path):
    (tmp_path / "dev.tsv").write_text("the sea\tel mar azul\t0-0 1-1 1-2\n")
    (pair,) = read_gold(tmp_path / "dev.tsv")
    assert pair.foreign == "el mar azul"
    assert pair.sure == {(0, 0), (1, 1), (2, 1)}


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.tsv", "one\ttwo\n", "line 1: English, foreign and links"),
        ("a.tsv", "one\ttwo\t0:0\n", "'0:0' is no link"),
        ("a.tsv", "one\ttwo\t0-4\n", "names a word that the sentence lacks"),
        ("a.src-tgt", "one two\n", "no such file"),
    ],
)
def test_bad_files_are_named(tmp_path, name, text, complaint):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=complaint):
        read_gold(tmp_path / name)


def test_files_of_different_length_are_refused(tmp_path):
    (tmp_path / "x.src-tgt").write_text("a ||| b\na ||| b\n")
    (tmp_path / "x.gold").write_text("1-1\n")
    with pytest.raises(InputError, match="has 2 lines"):
        read_gold(tmp_path / "x.gold")


def test_aer_is_och_and_neys():
    sure, possible = {(0, 0), (1, 1)}, {(0, 0), (1, 1), (2, 2)}
    assert alignment_error_rate(sure, sure, possible) == 0
    assert alignment_error_rate({(2, 2)}, sure, possible) == pytest.approx(1 - 1 / 3)
    assert alignment_error_rate({(0, 1)}, sure, possible) == 1
    assert alignment_error_rate(set(), set(), set()) == 0


def test_links_of_a_plan_are_where_the_mass_goes():
    mass = np.array([[0.5, 0.0], [0.1, 0.4], [0.0, 0.0]])
    assert word_links(plan_links(mass), (0, 2, 3), (0, 1)) == {(0, 0), (2, 1)}
    assert word_links(plan_links(mass, share=0.1), range(3), range(2)) == {(0, 0), (1, 0), (1, 1)}


def test_a_gold_file_of_parts_has_its_dev_part_beside_it(tmp_path):
    (tmp_path / "es").mkdir()
    test = tmp_path / "es" / "test.tsv"
    assert dev_file(test) is None
    (tmp_path / "es" / "dev.tsv").touch()
    assert dev_file(test) == tmp_path / "es" / "dev.tsv"
    assert dev_file(tmp_path / "es" / "dev.tsv") is None
    assert gold_name(test) == "es-test"


def test_an_ideographic_space_between_spaces_is_a_word(tmp_path):
    (tmp_path / "jaen.src-tgt").write_text("海 \u3000 塩 ||| salty sea\n", encoding="utf-8")
    (tmp_path / "jaen.gold").write_text("3-1 1-2\n")
    (pair,) = read_gold(tmp_path / "jaen.gold")
    assert pair.sure == {(2, 0), (0, 1)}
    assert pair.foreign.split() == ["海", "␣", "塩"]
