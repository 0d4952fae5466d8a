import math

import numpy as np
import pytest
import torch

from optical_core.data.bitext import SentencePair
from optical_core.distill.config import DistillConfig
from optical_core.distill.objectives import OBJECTIVES
from optical_core.distill.rarity import rarities, rarity
from optical_core.distill.token_batch import TokenBatch
from optical_core.distill.trainer import distill
from optical_core.models.pair_store import load_pair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.transport import TransportSettings
from optical_core.transport.marginals import real_tokens


@pytest.fixture
def tokenizer(tiny_encoder):
    return TokenEncoder.load(str(tiny_encoder), device="cpu").model.tokenizer


def number(tokenizer, word) -> int:
    (piece,) = tokenizer(word, add_special_tokens=False).input_ids
    return piece


def test_a_piece_counts_in_the_language_where_it_is_most_frequent(tokenizer):
    sentences = [("en", "the sea"), ("en", "the water"), ("en", "the big city"), ("en", "snow")]
    sentences += [("sw", "maji ya bahari"), ("sw", "the bahari")]
    found = rarity(sentences, tokenizer)
    for word, share in (("the", 3 / 4), ("sea", 1 / 4), ("bahari", 1), ("maji", 1 / 2)):
        assert float(found[number(tokenizer, word)]) == pytest.approx(math.log1p(1 / share)), word
    assert len(found) == len(tokenizer)
    assert float(found.max()) == float(found[number(tokenizer, "samaki")])  # never seen


def test_one_tokenizer_has_one_table(tokenizer):
    pair = SentencePair("the sea", "bahari", "sw")
    own, teachers = rarities([[pair, pair], [pair]], tokenizer, tokenizer)
    assert teachers is own
    assert float(own[number(tokenizer, "bahari")]) == pytest.approx(math.log(2))


def test_tokens_get_mass_in_proportion_to_their_weights():
    mask = torch.tensor([[True, True, False], [False, False, False]])
    weights = torch.tensor([[1.0, 3.0, 9.0], [1.0, 1.0, 1.0]])
    assert real_tokens(mask, weights).tolist() == [[0.25, 0.75, 0.0], [0.0, 0.0, 0.0]]


def test_plans_move_the_mass_that_tokens_have():
    generator = torch.Generator().manual_seed(0)
    vectors = torch.nn.functional.normalize(torch.randn(2, 1, 3, 4, generator=generator), dim=-1)
    mask, none = torch.ones(1, 3, dtype=torch.bool), torch.zeros(1, 3, dtype=torch.bool)
    weights = torch.tensor([[1.0, 1.0, 1e6]])
    student, teacher = (
        TokenBatch(side, mask, none, weights=weight)
        for side, weight in zip(vectors, (weights, weights), strict=True)
    )
    loss, _ = OBJECTIVES["optical"].token_loss(
        student, teacher, TransportSettings("exact", epsilon_share=0.1)
    )
    last = 1 - float(vectors[0, 0, 2] @ vectors[1, 0, 2])
    assert float(loss[0]) == pytest.approx(last, abs=1e-4)


def test_a_student_learns_with_masses_by_rarity(tiny_encoder, bitext_file):
    settings = {"teacher": str(tiny_encoder), "bitext": (str(bitext_file),), "steps": 3}
    settings |= {"batch_size": 4, "learning_rate": 1e-2, "bf16": False}
    vectors = []
    for name in ("even", "rarity"):
        distill(DistillConfig(name=name, masses=name, **settings), device="cpu", progress=False)
        vectors.append(load_pair(name, device="cpu").student.encode_queries(["maji ya bahari"])[0])
    assert np.isfinite(vectors[1]).all()
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-4


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"marginals": "mask-augmented"}, "real-tokens"), ({"objective": "greedy"}, "has no plans")],
)
def test_masses_by_rarity_need_plans_over_real_tokens(changes, message):
    with pytest.raises(ValueError, match=message):
        DistillConfig(name="x", bitext=("demo",), masses="rarity", **changes)


def test_masses_by_the_ranking_need_a_corpus():
    with pytest.raises(ValueError, match="need a corpus"):
        DistillConfig(name="x", bitext=("demo",), masses="ranking")
