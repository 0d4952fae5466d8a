"""A training on relevance: from files to a teacher that is used by name."""

import copy
import json
import random
from collections import Counter
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from optical_core.data.lines import write_jsonl
from optical_core.distill.logs import read_log
from optical_core.distill.projection import matched_directions
from optical_core.distill.relevance_batches import plan_rows
from optical_core.distill.settings import resolve_teaching
from optical_core.distill.teach import load_relevance, teach
from optical_core.distill.teach_config import TeachConfig
from optical_core.distill.teaching_losses import teaching_loss
from optical_core.errors import InputError
from optical_core.models.pair_store import load_pair
from optical_core.models.teachers import open_shared
from optical_core.storage import home
from tests.conftest import WORDS

NEEDS = WORDS[6:30]


def write_source(folder, *, scored=False):
    """Two dozen needs: each query names a word, and the passages about it repeat that word."""
    generator = random.Random(5)
    folder.mkdir(parents=True)
    queries, corpus, rows = [], [], []
    for number, word in enumerate(NEEDS):
        text = f"{word} {generator.choice(WORDS)} {word} in the {generator.choice(WORDS)} of {word}"
        queries.append({"_id": f"q{number}", "text": f"where is the {word}"})
        corpus.append({"_id": f"p{number}", "title": "", "text": text})
        other = (number + 1) % len(NEEDS)
        rows.append([f"q{number}", [f"p{number}", 9.0], [f"p{other}", 1.0]])
    if scored:
        (folder / "examples.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
        for name, texts in (("queries.train", queries), ("collection", corpus)):
            lines = "".join(f"{row['_id']}\t{row['text']}\n" for row in texts)
            (folder / f"{name}.tsv").write_text(lines)
        return folder
    write_jsonl(folder / "queries.jsonl", queries)
    write_jsonl(folder / "corpus.jsonl", corpus)
    lines = [f"q{number}\tp{number}\t1" for number in range(len(NEEDS))]
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(lines) + "\n")
    return folder


@pytest.fixture
def source(tmp_path):
    return write_source(tmp_path / "needs")


def config(tiny_encoder, source, **changes) -> TeachConfig:
    settings = {
        "name": "tiny-teacher",
        "encoder": str(tiny_encoder),
        "relevance": (str(source),),
        "steps": 6,
        "batch_size": 4,
        "lora_rank": 4,
        "learning_rate": 1e-2,
        "checkpoint_every": 2,
        "dimension": 8,
        "depth": 10,
        "bf16": False,
    }
    return TeachConfig(**{**settings, **changes})


def run(*arguments, **changes):
    return teach(config(*arguments, **changes), device="cpu", progress=False)


@pytest.mark.slow
def test_a_teacher_is_taught_and_used_by_its_name(tiny_encoder, source, bitext_file):
    from optical_core.distill.config import DistillConfig
    from optical_core.distill.trainer import distill

    folder = run(tiny_encoder, source)
    record = json.loads((folder / "record.json").read_text())
    assert record["relevance"]["sources"] == {"needs": 24}
    assert len(record["relevance"]["hash"]) == 16
    assert "Training data" in (folder / "README.md").read_text()
    assert open_shared("tiny-teacher", device="cpu").dimension == 8
    assert not list(home("runs", "tiny-teacher", "x").parent.glob("checkpoint-*"))
    student = DistillConfig(
        name="its-student",
        teacher="tiny-teacher",
        bitext=(str(bitext_file),),
        steps=2,
        batch_size=4,
        lora_rank=2,
        bf16=False,
    )
    distill(student, device="cpu", progress=False)
    pair = load_pair("its-student", device="cpu")
    assert pair.distilled
    assert pair.teacher.hash == open_shared("tiny-teacher", device="cpu").hash


@pytest.mark.slow
@pytest.mark.parametrize("trainable", ["lora", "encoder", "full"])
def test_teaching_lowers_the_loss(tiny_encoder, source, trainable):
    run(tiny_encoder, source, steps=60, batch_size=8, trainable=trainable)
    losses = [float(row["loss"]) for row in read_log(home("runs", "tiny-teacher") / "log.csv")]
    assert len(losses) == 9  # after the steps 1, 2 and 5, and after every tenth
    assert np.mean(losses[-2:]) < 0.7 * losses[0]
    rows = read_log(home("runs", "tiny-teacher") / "log.csv")
    measured = [float(row["effective_rank"]) for row in rows if row["effective_rank"]]
    assert len(measured) < len(rows)
    assert all(1 <= rank <= 8 for rank in measured)
    assert all(float(row["tokens_per_second"]) > 0 for row in rows)
    before = load_pair(str(tiny_encoder), device="cpu").teacher
    embeddings = [
        e.model[0].model.get_input_embeddings().weight
        for e in (before, open_shared("tiny-teacher", device="cpu"))
    ]
    assert bool((embeddings[0] == embeddings[1]).all()) == (trainable != "full")


@pytest.mark.parametrize(
    "changes",
    [
        {"objective": "kl"},
        {"objective": "margin-mse"},
        {"negatives": 0},
        {"mini_batch": 2, "dimension": None},
        {"accumulate": 2, "negatives": 3},
        {"keep": 1.0},
    ],
)
def test_every_objective_and_option_teaches(tiny_encoder, tmp_path, changes):
    scored = "objective" in changes
    run(tiny_encoder, write_source(tmp_path / "needs", scored=scored), steps=2, **changes)
    vectors = open_shared("tiny-teacher", device="cpu").encode_passages(["the sea"])[0]
    assert np.isfinite(vectors).all()
    assert vectors.shape[1] == (changes.get("dimension", 8) or 16)


def test_scores_that_are_kept_hold_a_model_to_its_encoder(tiny_encoder, source):
    """KL is 0 at equal distributions, pulls towards the encoder's, and trains nothing of it."""
    base = open_shared(str(tiny_encoder), device="cpu").model
    model = copy.deepcopy(base)
    settings = {"negatives": 0, "temperature": 0.05, "keep_temperature": 0.05}
    plain = teaching_loss(config(tiny_encoder, source, keep=1e-9, **settings), model, base)
    keeping = teaching_loss(config(tiny_encoder, source, keep=3.0, **settings), model, base)

    def read(*texts):
        tasks = ("query", "document", "document")
        pairs = zip(tasks, texts, strict=True)
        return [base.preprocess(part, task=task) | {"task": task} for task, part in pairs]

    columns = read(["where is the sea", "old city"], ["the salty sea", "a city"], ["sea", "old"])
    alone = read(["where is the sea"], ["the city"], ["the sea"])
    assert plain(alone).item() == pytest.approx(0, abs=1e-6)  # its own last passage is no negative
    assert (keeping(columns) - plain(columns)).item() == pytest.approx(0, abs=1e-6)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model[0].parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    moved = keeping(columns) - plain(columns)
    assert moved.item() > 1e-4
    assert not [name for name, _ in keeping.named_parameters() if not name.startswith("model.")]
    moved.backward()
    assert all(parameter.grad is None for parameter in base.parameters())
    with torch.no_grad():
        for parameter in model[0].parameters():
            if parameter.grad is not None:
                parameter.sub_(0.001 * parameter.grad)
    assert (keeping(columns) - plain(columns)).item() < moved.item()


@pytest.mark.slow
@pytest.mark.parametrize("trainable", ["lora", "encoder"])
def test_strength_moves_the_encoder_part_of_the_way_and_keeps_the_projection(
    tiny_encoder, source, trainable
):
    def weights(name):
        return open_shared(name, device="cpu").model.state_dict()

    before = load_pair(str(tiny_encoder), device="cpu").teacher.model.state_dict()
    for name, strength in (("whole", 1.0), ("half", 0.5)):
        run(tiny_encoder, source, name=name, strength=strength, trainable=trainable)
    whole, half = weights("whole"), weights("half")
    moved = next(key for key in whole if key.endswith("layer.0.attention.self.query.weight"))
    change = whole[moved] - before[moved]
    assert change.abs().max() > 1e-3
    np.testing.assert_allclose(half[moved] - before[moved], 0.5 * change, atol=2e-4)
    projection = [
        key for key in whole if key not in before or whole[key].shape != before[key].shape
    ]
    assert projection
    assert all(torch.equal(whole[key], half[key]) for key in projection)


@pytest.mark.slow
@pytest.mark.parametrize("trainable", ["lora", "encoder"])
def test_teaching_goes_on_from_a_teacher(tiny_encoder, source, trainable):
    run(tiny_encoder, source, steps=3, trainable=trainable)
    slow = {"steps": 1, "learning_rate": 1e-12, "trainable": trainable}
    run(tiny_encoder, source, name="further", start="tiny-teacher", **slow)
    run(tiny_encoder, source, name="anew", **slow)
    first, further, anew = (
        open_shared(name, device="cpu").encode_queries(["the old sea"])[0]
        for name in ("tiny-teacher", "further", "anew")
    )
    np.testing.assert_allclose(further, first, atol=1e-3)
    assert not np.allclose(anew, first, atol=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"start": "nothing"}, "'nothing' is no teacher"),
        ({"dimension": 4}, "has 8 dimensions"),
        ({"lora_rank": 2}, "of rank 4, not 2: go on with lora_rank=4"),
        ({"trainable": "encoder"}, "was trained with LoRA"),
        ({"encoder": "TINY_BERT"}, "from another encoder"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(tiny_encoder, tiny_bert, source, changes, said):
    run(tiny_encoder, source, steps=1)
    given = {k: str(tiny_bert) if v == "TINY_BERT" else v for k, v in changes.items()}
    with pytest.raises(InputError, match=said):
        run(tiny_encoder, source, **{"name": "two", "start": "tiny-teacher", "steps": 1} | given)
    assert not home("models", "two").exists()
    assert not home("runs", "two").exists()


@pytest.mark.slow
def test_later_rounds_are_mined_by_the_model_itself(tiny_encoder, source):
    folder = run(tiny_encoder, source, rounds=3, steps=7)
    counted = json.loads((folder / "record.json").read_text())["negatives"]
    assert len(counted) == 3
    mined = [
        json.loads((home("runs", "tiny-teacher") / f"negatives-{n}.json").read_text())["negatives"]
        for n in (1, 2, 3)
    ]
    assert mined[0] != mined[1]
    assert not list(home("runs", "tiny-teacher").glob("index-*"))
    assert all(keys for keys in mined[0])
    assert config(tiny_encoder, source, rounds=3, steps=7).round_ends == [2, 4, 7]


@pytest.mark.slow
def test_interrupted_it_goes_on_to_the_same_teacher(tiny_encoder, source, monkeypatch):
    from optical_core.distill.monitor import LogMonitor

    settings = {"rounds": 2, "steps": 8, "checkpoint_every": 1, "dropout": 0.1, "average": 0.8}
    straight = run(tiny_encoder, source, name="straight", **settings)

    class KilledError(Exception):
        pass

    begin = LogMonitor.on_step_begin
    for at in (2, 4, 6):

        def die(self, args, state, control, at=at, **kwargs):
            if state.global_step == at:
                raise KilledError

        monkeypatch.setattr(LogMonitor, "on_step_begin", die)
        with pytest.raises(KilledError):
            run(tiny_encoder, source, name="cut", **settings)
    monkeypatch.setattr(LogMonitor, "on_step_begin", begin)
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr("optical_core.distill.teach.save_teacher", Mock(side_effect=KilledError))
        run(tiny_encoder, source, name="cut", **settings)
    cut = run(tiny_encoder, source, name="cut", **settings)
    for name in ("changed.safetensors", "adapter/adapter_model.safetensors"):
        assert (cut / name).read_bytes() == (straight / name).read_bytes()
    assert run(tiny_encoder, source, name="cut", **settings) == cut
    with pytest.raises(InputError, match="other settings"):
        run(tiny_encoder, source, name="cut", **settings, seed=2)


@pytest.mark.slow
def test_it_stops_when_dev_gains_nothing_more(tiny_encoder, source, collection):
    folder = run(
        tiny_encoder,
        source,
        steps=40,
        learning_rate=1e-12,
        dev=str(collection.folder),
        dev_every=2,
        dev_languages=("en",),
        patience=3,
        overlap="drop",
    )
    assert json.loads((folder / "record.json").read_text())["dev_map"]["step"] == 0
    looks = [row["step"] for row in read_log(home("runs", "tiny-teacher") / "dev.csv")]
    assert looks == ["0", "2", "4", "6"]


def test_a_projection_begins_with_directions_in_which_matches_agree():
    """Of eight directions six tell words apart; one is loud noise, and one is the same in all."""
    generator = np.random.default_rng(4)
    words = generator.normal(size=(40, 6))

    def vectors(chosen):
        noise, constant = generator.normal(size=(len(chosen), 1)) * 1.5, np.ones((len(chosen), 1))
        raw = np.hstack([words[chosen], noise, constant])
        return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)

    pairs = []
    for _ in range(200):
        passage = generator.choice(40, 20, replace=False)
        pairs.append((vectors(passage[:5]), vectors(passage)))
    empty = np.zeros((0, 8), np.float32)
    directions = matched_directions([*pairs, (empty, pairs[0][1])], 8, 5)
    assert directions.shape == (5, 8)
    shares = directions.abs() / directions.norm(dim=1, keepdim=True)
    assert shares[:, 6:].max().item() < 0.3
    assert torch.equal(directions, matched_directions(pairs, 8, 5))
    assert directions.norm(dim=1).mean().item() == pytest.approx(1)


def test_batches_have_one_source_and_documents_of_their_own(tiny_encoder, tmp_path):
    sources = (str(write_source(tmp_path / "a")), str(write_source(tmp_path / "b")) + ":12")
    relevance = load_relevance(config(tiny_encoder, sources[0], relevance=sources))
    planned = plan_rows(relevance, batches=40, batch_size=6, seed=3)
    assert planned == plan_rows(relevance, batches=40, batch_size=6, seed=3)
    assert planned != plan_rows(relevance, batches=40, batch_size=6, seed=4)
    named = [[relevance.examples[row.example].source for row in batch] for batch in planned]
    assert all(len(set(batch)) == 1 for batch in named)
    assert all(len({row.positive for row in batch}) == 6 for batch in planned)
    drawn = Counter(batch[0] for batch in named)
    assert drawn["a"] > drawn["b"] > 0
    small = plan_rows(relevance, batches=2, batch_size=30, seed=3)
    assert [len(batch) for batch in small] == [30, 30]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dimension": 32}, "dimension goes up to the encoder's 16, got 32"),
        ({"objective": "kl"}, "needs passages with scores"),
        ({"relevance": ("test-scifact",)}, "never for training"),
        ({"encoder": "nowhere/none"}, "unknown model"),
    ],
)
def test_what_cannot_be_taught_is_told(tiny_encoder, source, changes, message):
    with pytest.raises(InputError, match=message):
        run(tiny_encoder, source, **changes)
    assert not (home("models", "tiny-teacher") / "teacher.json").exists()


def test_too_few_scored_passages_are_counted(tiny_encoder, tmp_path):
    folder = write_source(tmp_path / "needs", scored=True)
    settings = config(tiny_encoder, folder, objective="kl", negatives=2)
    with pytest.raises(InputError, match="fewer than 3 scored passages 24"):
        load_relevance(settings)


def test_settings_are_layered_and_named_when_wrong(tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"name": "x", "relevance": ["nq"], "steps": 7, "seed": 5}))
    resolved = resolve_teaching({"steps": 9}, file, ["seed=6", "languages=swa"])
    assert (resolved.steps, resolved.seed, resolved.languages) == (9, 6, ("sw",))
    assert (resolved.dimension, resolved.encoder) == (128, "embedded")
    for given, wrong, message in (
        ({}, ["rounds=9"], "9 rounds need as many steps"),
        ({}, ["negatives=0", "rounds=2"], "rounds mine negatives"),
        ({}, ["objective=kl", "mini_batch=2"], "mini_batch is for the objective contrastive"),
        ({}, ["objective=kl", "keep=1"], "keep is for the objective contrastive"),
        ({}, ["mini_batch=2", "keep=1"], "keep is for the objective contrastive, without mini_b"),
        ({}, ["objective=kl", "negatives=0"], "needs negatives"),
        ({}, ["objective=kl", "rounds=2"], "rounds must be 1"),
        ({}, ["patience=2"], "choose one"),
        ({}, ["objective=magic"], "objective"),
        ({"name": ""}, [], "the teacher needs a name"),
        ({"relevance": []}, [], "nothing to train on"),
    ):
        with pytest.raises(InputError, match=message):
            resolve_teaching(given, file, wrong)
