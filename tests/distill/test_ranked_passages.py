import csv
import json

import numpy as np
import pytest
import torch

from optical_core.distill import ranked_passages
from optical_core.distill.config import DistillConfig
from optical_core.distill.ranked_passages import rank_passages
from optical_core.distill.score_losses import ranked_distillation, ranking_weights
from optical_core.distill.token_batch import TokenBatch
from optical_core.distill.trainer import distill
from optical_core.errors import InputError
from optical_core.models.pair_store import load_pair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.indexing import collection_index
from optical_core.storage import home

SENTENCES = ["the salty sea", "a big city", "rain and snow"]


@pytest.fixture
def teacher(tiny_encoder):
    return TokenEncoder.load(str(tiny_encoder), device="cpu")


def batch(*texts: np.ndarray) -> TokenBatch:
    vectors = [torch.from_numpy(text) for text in texts]
    mask = [torch.ones(len(text), dtype=torch.bool) for text in vectors]
    padded = torch.nn.utils.rnn.pad_sequence(vectors, batch_first=True)
    present = torch.nn.utils.rnn.pad_sequence(mask, batch_first=True)
    return TokenBatch(padded, present, torch.zeros_like(present))


def test_the_teachers_best_passages_are_found_once(collection, teacher, monkeypatch):
    ranked = rank_passages(str(collection.folder), SENTENCES, teacher, count=3)
    index = collection_index(collection, teacher)
    for sentence, found in zip(SENTENCES, ranked.found, strict=True):
        hits = index.search(teacher.encode_queries([sentence])[0], top=3)
        assert found.tolist() == [name for name, _ in hits]
    monkeypatch.setattr(ranked_passages.LiveIndex, "search_many", None)  # nothing is searched again
    again = rank_passages(str(collection.folder), SENTENCES, teacher, count=3)
    assert again.found.tolist() == ranked.found.tolist()


def test_a_batch_has_the_passages_of_each_sentence_together(collection, teacher):
    ranked = rank_passages(str(collection.folder), SENTENCES, teacher, count=2)
    passages = ranked.batch(torch.tensor([2, 0]), torch.device("cpu"))
    ids = [*ranked.found[2], *ranked.found[0]]
    assert len(passages.vectors) == len(ids) == 4
    for name, vectors, mask in zip(ids, passages.vectors, passages.mask, strict=True):
        np.testing.assert_array_equal(vectors[mask].numpy(), ranked.index.passage_vectors(name))


def test_the_loss_is_the_divergence_of_the_two_rankings():
    generator = np.random.default_rng(0)

    def texts(*lengths):
        vectors = [generator.standard_normal((n, 6)).astype(np.float32) for n in lengths]
        return [each / np.linalg.norm(each, axis=1, keepdims=True) for each in vectors]

    student, teacher, passages = texts(3, 5), texts(4, 2), texts(5, 3, 2, 6)
    loss = ranked_distillation(batch(*student), batch(*teacher), batch(*passages), temperature=0.1)
    for pair in range(2):
        own = passages[2 * pair : 2 * pair + 2]

        def ranking(query, own=own):
            scores = np.array([(query @ passage.T).max(1).mean() for passage in own]) / 0.1
            return np.exp(scores) / np.exp(scores).sum()

        p, q = ranking(teacher[pair]), ranking(student[pair])
        assert float(loss[pair]) == pytest.approx((p * np.log(p / q)).sum(), rel=1e-4)
    same = ranked_distillation(batch(*teacher), batch(*teacher), batch(*passages), temperature=0.1)
    assert same.tolist() == pytest.approx([0, 0], abs=1e-6)


def test_tokens_that_decide_the_ranking_have_more_weight():
    east, north, up = np.eye(3, dtype=np.float32)
    query = np.stack([east, north, up])
    passages = [np.stack([east, north]), np.stack([east, up]), np.stack([east, (north + up) / 2])]
    weights = ranking_weights(batch(query, query[:1]), batch(*passages, *passages))
    deviation = np.std([1.0, 0.0, 0.5], ddof=1)
    floor = 0.1 * 2 * deviation / 3  # of `east`, which all passages have
    np.testing.assert_allclose(weights[0], [floor, deviation, deviation], rtol=1e-6)
    assert (weights[1] > 0).all()


@pytest.fixture
def settings(collection, tiny_encoder, bitext_file):
    return {
        "teacher": str(tiny_encoder),
        "bitext": (str(bitext_file),),
        "batch_size": 4,
        "learning_rate": 1e-2,
        "bf16": False,
        "corpus": str(collection.folder),
        "ranked": 4,
    }


def test_a_student_learns_with_masses_by_the_ranking(settings):
    vectors = []
    for name in ("rarity", "ranking"):
        config = DistillConfig(name=name, masses=name, steps=3, **settings)
        distill(config, device="cpu", progress=False)
        vectors.append(load_pair(name, device="cpu").student.encode_queries(["maji ya bahari"])[0])
    assert np.isfinite(vectors[1]).all()
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-4


def test_a_student_learns_the_ranking_of_a_corpus(settings):
    config = DistillConfig(name="ranking", steps=20, **settings)
    folder = distill(config, device="cpu", progress=False)
    assert json.loads((folder / "record.json").read_text())["config"]["ranked"] == 4
    with home("runs", "ranking", "log.csv").open() as file:
        losses = [float(row["ranked"]) for row in csv.DictReader(file)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"score_weight": 0.0}, "score_weight must be above 0"), ({"objective": "mlm"}, "no scores")],
)
def test_a_corpus_without_a_loss_over_scores_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        DistillConfig(name="x", bitext=("demo",), corpus="demo", **changes)


def test_a_corpus_with_too_few_passages_is_refused(collection, teacher):
    with pytest.raises(InputError, match=r"has 6 passages, fewer than the 7"):
        rank_passages(str(collection.folder), SENTENCES, teacher, count=7)
    with pytest.raises(InputError, match="no collection 'nowhere'"):
        rank_passages("nowhere", SENTENCES, teacher, count=2)
