"""Model names that are expressions: what they are read as, and how they are written again."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optical_core.errors import InputError
from optical_core.models.fusions import Fusion, save_fusion
from optical_core.retrieval.expression_reader import is_name, parse
from optical_core.retrieval.expressions import Chain, Cut, Name, Reciprocal, Weighted, names
from optical_core.retrieval.model_names import expanded, folder_name, label


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("bm25", Name("bm25")),
        ("tlm+optical", Name("tlm+optical")),
        ("psq@/data/lexicon", Name("psq@/data/lexicon")),
        ("runs/my model", Name("runs/my model")),
        ("a%5", Cut(Name("a"), 5)),
        ("a >> b", Chain((Cut(Name("a"), 100), Name("b")))),
        ("a%7>>b>>c%9", Chain((Cut(Name("a"), 7), Cut(Name("b"), 100), Cut(Name("c"), 9)))),
        ("0.9*a + .1 * b@x", Weighted(((0.9, Name("a")), (0.1, Name("b@x"))))),
        ("0.5*tlm+optical+0.5*b", Weighted(((0.5, Name("tlm+optical")), (0.5, Name("b"))))),
        ("0.0001*a+999999*b", Weighted(((0.0001, Name("a")), (999999, Name("b"))))),
        ("rrf(a,b%5,k=20)", Reciprocal((Name("a"), Cut(Name("b"), 5)), 20)),
        ("(0.5*a+0.5*b)%9", Cut(Weighted(((0.5, Name("a")), (0.5, Name("b")))), 9)),
        ('rrf("k=3",b)', Reciprocal((Name("k=3"), Name("b")))),
        ('"a (new), 2*b" % 3', Cut(Name("a (new), 2*b"), 3)),
    ],
)
def test_an_expression_is_read_and_written_again(text, tree):
    assert parse(text) == tree
    assert parse(str(tree)) == tree
    assert is_name(text) == isinstance(tree, Name)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a>>", "can't be read at its end: an expression is like"),
        ("a>> ", "can't be read at its end"),
        ('" ">>a', "can't be read at"),
        ("a)%5", "can't be read at ')%5'"),
        ("a*b", "can't be read at '*b'"),
        (">>a", "can't be read at '>>a'"),
        ("rrf(a", "can't be read at its end"),
        ("rrf(a)", "rrf needs two models or more"),
        ("rrf(a,b,k=0)", "a k from 1 on"),
        ("0.9*a", "a sum needs two models or more, with weights of 0.0001 to 999999"),
        ("0*a+1*b", "with weights of"),
        ("0.00001*a+1*b", "with weights of"),
        ("1*a+1000000*b", "with weights of"),
        ("a%0", "after % a number from 1 on was expected"),
        ("(" * 300 + "a", "more than 10 parentheses"),
        ("a>>" * 11 + "b", "more than 10 models"),
        ("a%5" + " " * 1000, "longer than an expression may be"),
    ],
)
def test_what_is_no_expression_gets_one_sentence(text, sentence):
    with pytest.raises(InputError, match=r"^[^\n]+$") as error:
        parse(text)
    assert sentence in str(error.value)


def test_what_lies_on_the_disk_is_a_name_whatever_its_signs(tmp_path, monkeypatch):
    (tmp_path / "2*a+3*b(x)").mkdir()
    monkeypatch.chdir(tmp_path)
    assert parse("2*a+3*b(x)") == Name("2*a+3*b(x)")
    assert list(names(parse('rrf("2*a+3*b(x)",bm25)'))) == ["2*a+3*b(x)", "bm25"]


def test_labels_and_folders_are_short():
    assert label("bm25@/data/nllb >> 0.9*/models/mine+0.1*psq@/data/lexicon") == (
        "bm25@nllb%100>>0.9*models-mine+0.1*psq@lexicon"
    )
    assert folder_name("rrf(a,b)") == "rrf-a-b"
    assert folder_name("an arm of a study") == "an arm of a study"


def test_a_stored_fusion_stands_for_its_expression(home):
    save_fusion(Fusion(name="both", expression="0.9*a+0.1*b"))
    assert str(expanded(parse("bm25%50>>both"))) == "bm25%50>>0.9*a+0.1*b"
    save_fusion(Fusion(name="b", expression="rrf(both,c)"))
    with pytest.raises(InputError, match="is part of itself"):
        expanded(parse("both"))
    with pytest.raises(InputError, match="the name of a fusion: letters, digits"):
        save_fusion(Fusion(name="../x", expression="a"))


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(text=st.text('ab1.0*+%>(),"=krf @/', max_size=30))
def test_any_text_is_read_and_written_in_one_form_or_refused(text):
    tree = None
    with contextlib.suppress(InputError):
        tree = parse(text)
    if tree is not None and not isinstance(tree, Name):
        assert parse(str(tree)) == tree
