"""Model soups: the mean weights of students, and of teachers."""

import json

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from typer.testing import CliRunner

from optical_core import load_pair
from optical_core.cli import app
from optical_core.data.lines import read_json
from optical_core.data.records import write_record
from optical_core.errors import InputError
from optical_core.models import mean_weights
from optical_core.models.cards import ModelCard
from optical_core.models.deltas import CHANGED, LORA, LORA_SETTINGS, clone_model, resized
from optical_core.models.info import read_pair, read_teacher
from optical_core.models.pair_copies import centred
from optical_core.models.pair_store import add_lexicons, save_pair
from optical_core.models.pieces import move_pieces, moved_pieces
from optical_core.models.soups import soup
from optical_core.models.teachers import open_shared, save_teacher
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.weights import read_tensors, write_tensors
from optical_core.storage import home

RANK = 4


@pytest.fixture
def base(tiny_encoder):
    return TokenEncoder.load(str(tiny_encoder), device="cpu")


def with_lora(model, seed, *, rank=RANK, targets=("query", "dense"), **settings):
    """Give a model adapters, with one part of their rank a training."""
    settings = {"lora_alpha": 2 * rank, "target_modules": list(targets)} | settings
    lora = LoraConfig(r=rank, **settings)
    model[0].model = get_peft_model(model[0].model, lora)
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_A" in name:
                parameter.copy_(0.1 * torch.randn_like(parameter))
            if "lora_B" in name:
                parameter[:, seed] = 0.1 * torch.randn(len(parameter))
    return model


def with_lora_of_full_rank(base, seed, *, rank):
    model = with_lora(clone_model(base), 0, rank=rank)
    torch.manual_seed(seed)
    for name, parameter in model.named_parameters():
        if "lora" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def rank_of(name):
    """The rank of a model's adapter, whose scale is as before."""
    folder = home("models", name)
    settings = read_json(folder / LORA_SETTINGS)
    rank = settings["r"]
    assert settings["lora_alpha"] == 2 * rank
    assert all(rank in matrix.shape for matrix in read_tensors(folder / LORA).values())
    return rank


def save_student(base, name, model, **facts):
    facts = {"languages": ("sw",), "data": ("ours",), "licence": "CC0"} | facts
    folder = home("models", name)
    save_pair(folder, name=name, teacher=base, student_model=model, card=ModelCard(**facts))


def save_taught(base, name, *, seed=1, projection=None, lora=True):
    matrix = torch.eye(8, base.dimension) if projection is None else projection
    model = resized(base, 8, matrix).model
    if lora:
        with_lora(model, seed)
    save_teacher(home("models", name), name=name, base=base, model=model, card=ModelCard())


def moved_student(base, words, by):
    model = clone_model(base)
    pieces = model.tokenizer(words, add_special_tokens=False).input_ids
    pieces = torch.tensor(sorted(set(pieces)))
    width = model[0].model.get_input_embeddings().weight.shape[1]
    move_pieces(model, pieces, by * torch.ones(len(pieces), width))
    return model


def weights(name):
    """The query encoder's weights, adapters and moved pieces put in."""
    return load_pair(name, device="cpu").student.model.state_dict()


def assert_mean(name, models, strength, base, *, atol=1e-4):
    """Check a soup's weights against those of the models in it."""
    found, before = weights(name), base.model.state_dict()
    states = [weights(model) for model in models]
    changed = 0
    for key, value in found.items():
        mean = torch.stack([state[key] for state in states]).float().mean(0)
        if key in before and before[key].shape == mean.shape:
            mean = before[key].lerp(mean.to(before[key]), strength)
            changed += not torch.equal(mean, before[key])
        torch.testing.assert_close(value, mean.to(value), atol=atol, rtol=0)
    assert changed


@pytest.mark.parametrize("strength", [1, 0.5])
def test_adapters_are_averaged_as_if_multiplied_out(base, strength):
    for seed in (1, 2):
        save_student(base, f"seed-{seed}", with_lora(clone_model(base), seed))
    soup(["seed-1", "seed-2"], home("models", "mean"), strength=strength)
    assert_mean("mean", ["seed-1", "seed-2"], strength, base)
    assert rank_of("mean") == RANK
    assert read_json(home("models", "mean") / "record.json")["rank"] == RANK


def test_the_rank_grows_where_the_mean_would_not_fit(base):
    """As for seeds that begin apart, which share no part of their rank."""
    for seed, rank in ((1, 1), (2, 2), (3, 2)):
        save_student(base, f"seed-{seed}", with_lora_of_full_rank(base, seed, rank=rank))
    soup(["seed-1", "seed-2", "seed-3"], home("models", "mean"), strength=0.5)
    assert_mean("mean", ["seed-1", "seed-2", "seed-3"], 0.5, base)
    assert rank_of("mean") == 5
    soup(["seed-2", "seed-2"], home("models", "same"))
    assert rank_of("same") == 2
    soup(["mean", "seed-3"], home("models", "further"))
    assert_mean("further", ["mean", "seed-3"], 1, base)


def test_a_part_too_small_to_matter_adds_no_rank(base, monkeypatch):
    large = with_lora_of_full_rank(base, 1, rank=2)
    small = with_lora_of_full_rank(base, 2, rank=2)
    with torch.no_grad():
        for name, parameter in small.named_parameters():
            if "lora_B" in name:
                parameter.mul_(1e-3)
    save_student(base, "large", large)
    save_student(base, "small", small)
    soup(["large", "small"], home("models", "mean"))
    assert rank_of("mean") == 2
    assert_mean("mean", ["large", "small"], 1, base, atol=1e-3)
    monkeypatch.setattr(mean_weights, "MOST_LOST", 1e-6)
    soup(["large", "small"], home("models", "exact"))
    assert rank_of("exact") == 4


def test_changed_tensors_and_moved_pieces_are_averaged(base):
    for number, words in enumerate(("bahari maji", "maji samaki"), 1):
        model = moved_student(base, words, by=number / 10)
        with torch.no_grad():
            model[0].model.encoder.layer[number % 2].output.dense.bias.add_(number)
        save_student(base, f"student-{number}", model)
    soup(["student-1", "student-2"], home("models", "mean"), strength=0.5)
    models = [load_pair(name, device="cpu").student.model for name in ("student-1", "student-2")]
    mean = load_pair("mean", device="cpu").student.model
    ids = torch.tensor(mean.tokenizer("bahari maji samaki ya", add_special_tokens=False).input_ids)
    before = base.model[0].model.get_input_embeddings()(ids)
    moves = [moved_pieces(model)(ids) - before for model in models]
    found = moved_pieces(mean)(ids) - before
    torch.testing.assert_close(found, sum(moves) * 0.5 / 2, atol=1e-3, rtol=0)
    assert all(move.abs().max() > 0.05 for move in moves)
    biases = [model[0].model.encoder.layer[1].output.dense.bias for model in (base.model, mean)]
    torch.testing.assert_close(biases[1] - biases[0], torch.full((len(biases[0]),), 0.25))


def test_a_soup_of_teachers_is_a_teacher(base):
    near = torch.eye(8, base.dimension) + 0.05 * torch.ones(8, base.dimension)
    save_taught(base, "one", seed=1)
    save_taught(base, "two", seed=2, projection=near)
    soup(["one", "two"], home("models", "mean"), strength=0.5)
    assert_mean("mean", ["one", "two"], 0.5, base)
    found = open_shared("mean", device="cpu")
    assert found.dimension == 8
    info = read_teacher(home("models", "mean"))
    assert found.hash == info.hash != open_shared("one", device="cpu").hash
    assert (home("models", "mean") / "base").is_dir()


def test_a_soup_is_described(base):
    save_student(base, "one", with_lora(clone_model(base), 1))
    write_record(home("models", "one") / "record.json", {"config": {"seed": 1}})
    save_student(
        base, "two", with_lora(clone_model(base), 2), languages=("so",), data=("b", "ours")
    )
    run = CliRunner().invoke(app, ["soup", "one", "two", "--name", "both", "--strength", "0.9"])
    assert run.exit_code == 0, run.output
    assert "both, the mean of one, two -> " in run.output
    card = read_pair(home("models", "both")).card
    assert (card.languages, card.data, card.licence) == (
        ("so", "sw"),
        ("one: ours", "two: b, ours"),
        "CC0",
    )
    assert card.recipe == {"soup": ["one", "two"], "strength": 0.9}
    assert "mean weights of `one` and `two`" in (home("models", "both") / "README.md").read_text()
    record = read_json(home("models", "both") / "record.json")
    assert [model["name"] for model in record["models"]] == ["one", "two"]
    assert record["models"][0]["record"]["config"] == {"seed": 1}
    assert record["models"][0]["files"] == read_pair(home("models", "one")).files
    text = ["kwa nini bahari"]
    vectors = [load_pair(n, device="cpu").student.encode_queries(text)[0] for n in ("one", "both")]
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-4
    run = CliRunner().invoke(app, ["soup", "one", "two", "--name", "free", "--licence", "MIT"])
    assert read_pair(home("models", "free")).card.licence == "MIT"


def test_what_has_no_mean_is_refused(base):
    save_student(base, "one", with_lora(clone_model(base), 1))
    save_student(base, "moved", moved_student(base, "bahari", by=0.1))
    save_taught(base, "taught")
    save_taught(base, "plain", lora=False)
    torch.manual_seed(3)
    save_taught(base, "astray", projection=torch.randn(8, base.dimension))
    save_taught(open_shared("plain"), "of-plain")
    add_lexicons(
        "one", {"sw": {"bahari": {"sea": 0.9}}}, home("models", "gloss"), source="s", licence="CC0"
    )
    sentences = {"en": ["the sea"] * 20, "sw": ["maji ya bahari"] * 20}
    centred("one", sentences, home("models", "centred"), source="s")
    for models, sentence in (
        (["one"], "two models or more"),
        (["one", "nobody"], "'nobody' is no student or teacher"),
        (["nobody", "one"], "'nobody' is no student or teacher"),
        (["taught", "one"], "'one' is a student, 'taught' a teacher: name models of one kind"),
        (["x" * 300, "one"], "longer than a path may be"),
        (["one", "taught"], "'one' is a student, 'taught' a teacher"),
        (["one", "moved"], "one was trained with LoRA, moved without: name trainings"),
        (["taught", "plain"], "taught was trained with LoRA, plain without"),
        (["taught", "astray"], r"point in different directions \(cosine"),
        (["taught", "of-plain"], "differ in their encoder before training"),
        (["one", "gloss"], "gloss has lexicons or takes the means"),
        (["centred", "one"], "centred has lexicons or takes the means"),
    ):
        with pytest.raises(InputError, match=sentence):
            soup(models, home("models", "mean"))
        assert not home("models", "mean").exists()
    with pytest.raises(InputError, match="strength is above 0 and at most 1, got 0"):
        soup(["one", "one"], home("models", "mean"), strength=0)
    with pytest.raises(InputError, match="'one' exists"):
        soup(["one", "one"], home("models", "one"))
    path = home("models", "one") / LORA
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(InputError, match=r"adapter_model\.safetensors"):
        soup(["one", "one"], home("models", "mean"))


def test_adapters_of_other_settings_are_refused(base):
    save_student(base, "one", with_lora(clone_model(base), 1))
    for name, settings in (
        ("scaled", {"lora_alpha": RANK}),
        ("elsewhere", {"targets": ["query"]}),
        ("magnitudes", {"use_dora": True}),
        ("rooted", {"use_rslora": True}),
        ("uneven", {"rank_pattern": {"query": 2}}),
    ):
        save_student(base, name, with_lora(clone_model(base), 1, **settings))
        for models in (["one", name], [name, "one"]):
            with pytest.raises(InputError, match="must be plain LoRA with the same modules"):
                soup(models, home("models", "mean"))


def test_a_rank_above_a_layers_width_is_kept(base):
    for seed in (1, 2):
        save_student(base, f"wide-{seed}", with_lora(clone_model(base), seed, rank=64))
    soup(["wide-1", "wide-2"], home("models", "mean"))
    assert_mean("mean", ["wide-1", "wide-2"], 1, base)


def test_missing_or_damaged_weights_are_not_taken_for_none(base):
    save_student(base, "old", moved_student(base, "bahari", by=0.1))
    changed = clone_model(base)
    with torch.no_grad():
        changed[0].model.encoder.layer[1].output.dense.bias.add_(1)
    save_student(base, "lost", changed)
    lost = home("models", "lost")
    describe_as_once(lost / "retriever.json")
    (lost / CHANGED).unlink()
    with pytest.raises(InputError, match=r"changed\.safetensors can't be read"):
        soup(["old", "lost"], home("models", "mean"))
    for name in ("one", "two"):
        save_taught(base, name)
        path = home("models", name) / LORA
        write_tensors(path, {key: 2 * value for key, value in read_tensors(path).items()})
    with pytest.raises(InputError, match=r"one.*damaged"):
        soup(["one", "one"], home("models", "mean"))
    describe_as_once(home("models", "two") / "teacher.json")
    with pytest.raises(InputError, match="is damaged: its weights have the hash"):
        soup(["two", "two"], home("models", "mean"))


def describe_as_once(path):
    """Take the checksums out of a model's description, as in one of an older version."""
    path.write_text(json.dumps(json.loads(path.read_text()) | {"files": {}}))


def test_a_name_of_a_training_is_not_free(base):
    save_student(base, "one", with_lora(clone_model(base), 1))
    home("runs", "stopped").mkdir(parents=True)
    with pytest.raises(InputError, match="a training 'stopped' exists"):
        soup(["one", "one"], home("models", "stopped"))


def test_students_of_both_sides_or_of_another_backbone(base, tiny_bert):
    for seed in (1, 2):
        for name, both in ((f"both-{seed}", True), (f"queries-{seed}", False)):
            model = with_lora(clone_model(base), seed)
            save_pair(
                home("models", name),
                name=name,
                teacher=base,
                student_model=model,
                card=ModelCard(),
                both=both,
            )
    with pytest.raises(InputError, match="differ in their encoder of passages"):
        soup(["both-1", "queries-1"], home("models", "mean"))
    soup(["both-1", "both-2"], home("models", "mean"))
    pair = load_pair("mean", device="cpu")
    assert pair.teacher is pair.student
    other = TokenEncoder.load(str(tiny_bert), device="cpu")
    backbone = resized(other, base.dimension)
    for seed in (1, 2):
        model = with_lora(clone_model(backbone), seed)
        folder = home("models", f"other-{seed}")
        save_pair(
            folder,
            name=folder.name,
            teacher=base,
            backbone=other,
            student_model=model,
            card=ModelCard(),
        )
    with pytest.raises(InputError, match="differ in their backbone"):
        soup(["other-1", "queries-1"], home("models", "of-two"))
    with pytest.raises(InputError, match="not with another backbone"):
        soup(["other-1", "other-2"], home("models", "of-two"), strength=0.5)
