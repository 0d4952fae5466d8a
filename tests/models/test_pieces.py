import numpy as np
import pytest
import torch

from optical_core import load_pair
from optical_core.errors import InputError
from optical_core.models.cards import ModelCard
from optical_core.models.deltas import clone_model
from optical_core.models.export import export_hub
from optical_core.models.pair_store import save_pair
from optical_core.models.pieces import (
    FILE,
    load_pieces,
    merge_pieces,
    move_pieces,
    moved_pieces,
    own_pieces,
)
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.weights import write_tensors
from optical_core.storage import home

TEXTS = ["maji ya bahari", "the sea"]


@pytest.fixture
def teacher(tiny_encoder):
    return TokenEncoder.load(str(tiny_encoder), device="cpu")


def ids(teacher, text) -> torch.Tensor:
    return torch.tensor(teacher.model.tokenizer(text, add_special_tokens=False).input_ids)


def student_with_moves(teacher):
    """A copy of the teacher in which the pieces of "bahari" are elsewhere."""
    student = clone_model(teacher)
    pieces = torch.unique(ids(teacher, "bahari"))
    width = teacher.model[0].model.get_input_embeddings().weight.shape[1]
    move_pieces(student, pieces, torch.linspace(-1, 1, width).repeat(len(pieces), 1))
    return student


def test_only_texts_with_moved_pieces_change_and_the_teacher_stays(teacher):
    before = teacher.encode_queries(TEXTS)
    student = TokenEncoder(student_with_moves(teacher), name="student")
    sea, english = student.encode_queries(TEXTS)
    assert np.abs(sea - before[0]).max() > 1e-3
    np.testing.assert_array_equal(english, before[1])
    for now, then in zip(teacher.encode_queries(TEXTS), before, strict=True):
        np.testing.assert_array_equal(now, then)
    embeddings = teacher.model[0].model.get_input_embeddings()
    assert moved_pieces(student.model).weight is embeddings.weight
    assert student.hash != teacher.hash


def test_pieces_that_move_again_keep_their_first_move(teacher):
    student = student_with_moves(teacher)
    before = moved_pieces(student)
    more = torch.unique(ids(teacher, "bahari maji"))
    looked_up = before(more).detach()
    move_pieces(student, more)
    after = moved_pieces(student)
    assert after.pieces.tolist() == more.tolist()
    torch.testing.assert_close(after(more), looked_up)


def test_a_student_with_moved_pieces_is_saved_loaded_and_exported(teacher, tmp_path):
    student = student_with_moves(teacher)
    folder = home("models", "moved")
    save_pair(folder, name="moved", teacher=teacher, student_model=student, card=ModelCard())
    pair = load_pair("moved", device="cpu")
    expected = TokenEncoder(student, name="moved").encode_queries(TEXTS)
    for now, then in zip(pair.student.encode_queries(TEXTS), expected, strict=True):
        np.testing.assert_allclose(now, then, atol=5e-3)  # saved in 8 bits
    assert (folder / FILE).stat().st_size < 20_000
    export_hub(pair, tmp_path / "hub")
    from sentence_transformers import MultiVectorEncoder

    hub = MultiVectorEncoder(str(tmp_path / "hub"), device="cpu")
    for now, then in zip(hub.encode_query(TEXTS), expected, strict=True):
        np.testing.assert_allclose(np.asarray(now), then, atol=5e-3)
    assert moved_pieces(pair.student.model), "the export merges a copy, not the student itself"


def test_merged_embeddings_encode_as_moved_ones(teacher):
    student = student_with_moves(teacher)
    expected = TokenEncoder(student, name="s").encode_queries(TEXTS)
    merge_pieces(student)
    assert moved_pieces(student) is None
    merged = TokenEncoder(student, name="s").encode_queries(TEXTS)
    for now, then in zip(merged, expected, strict=True):
        np.testing.assert_allclose(now, then, atol=1e-6)


@pytest.mark.parametrize(
    "tensors",
    [
        {"pieces": torch.tensor([10**6]), "moves": torch.zeros(1, 32), "scales": torch.ones(1, 1)},
        {"pieces": torch.tensor([1]), "moves": torch.zeros(1, 3), "scales": torch.ones(1, 1)},
        {"pieces": torch.tensor([1])},
    ],
    ids=["beyond the vocabulary", "another width", "no moves"],
)
def test_moved_pieces_of_another_encoder_are_refused(teacher, tmp_path, tensors):
    write_tensors(tmp_path / FILE, tensors)
    with pytest.raises(InputError, match="doesn't belong to this encoder"):
        load_pieces(tmp_path, clone_model(teacher))


def test_own_pieces_are_the_frequent_ones_of_the_foreign_sides(teacher):
    tokenizer = teacher.model.tokenizer
    pairs = [("bahari bahari maji", "sea sea water"), ("bahari sea maji", "sea sea"), ("wapi", "x")]
    own = own_pieces(pairs, tokenizer, 100)
    assert set(ids(teacher, "bahari maji").tolist()) <= set(own.tolist())
    assert not set(own.tolist()) & set(ids(teacher, "sea").tolist())
    assert own.tolist() == sorted(own.tolist())
    few = own_pieces(pairs, tokenizer, 1)
    assert len(few) == 1
    assert set(few.tolist()) <= set(ids(teacher, "bahari").tolist())
