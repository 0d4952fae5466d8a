import csv
import json
import os
import random
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from optical_core.data.bitext import SentencePair
from optical_core.distill import monitor, run
from optical_core.distill.arguments import training_arguments
from optical_core.distill.config import DistillConfig
from optical_core.distill.logs import Stage, read_stage
from optical_core.distill.loss import OpticalLoss
from optical_core.distill.monitor import BEST, DevMonitor, LogMonitor
from optical_core.distill.sampling import first_pairs, plan_batches
from optical_core.distill.settings import resolve_config
from optical_core.distill.student import check_no_student
from optical_core.distill.teacher_vectors import shared_vectors
from optical_core.distill.trainer import distill
from optical_core.distill.training_bitext import load_bitext
from optical_core.errors import InputError
from optical_core.models import precision
from optical_core.models.pair_copies import both_sides, centred
from optical_core.models.pair_store import load_pair
from optical_core.models.pieces import moved_pieces
from optical_core.models.token_encoder import TokenEncoder
from optical_core.storage import home
from tests.processes import Program


def config(tiny_encoder, bitext_file, **changes) -> DistillConfig:
    settings = {
        "name": "tiny-student",
        "teacher": str(tiny_encoder),
        "bitext": (str(bitext_file),),
        "steps": 12,
        "batch_size": 4,
        "lora_rank": 4,
        "learning_rate": 1e-2,
        "checkpoint_every": 4,
        "bf16": False,
    }
    return DistillConfig(**{**settings, **changes})


TEXTS = ["maji ya bahari", "samaki wapi ?"]


@pytest.mark.slow
@pytest.mark.parametrize("trainable", ["lora", "encoder", "full"])
def test_a_student_is_trained_saved_and_loaded(tiny_encoder, bitext_file, trainable):
    folder = distill(
        config(tiny_encoder, bitext_file, trainable=trainable), device="cpu", progress=False
    )
    pair = load_pair("tiny-student", device="cpu")
    assert pair.distilled
    assert pair.card.languages == ("en", "sw")
    teacher, student = (e.encode_queries(TEXTS) for e in (pair.teacher, pair.student))
    assert np.abs(teacher[0] - student[0]).max() > 1e-3
    original = load_pair(str(tiny_encoder), device="cpu").teacher
    assert pair.teacher.hash == original.hash
    for name in ("retriever.json", "record.json", "README.md"):
        assert (folder / name).is_file()
    record = json.loads((folder / "record.json").read_text())
    assert record["config"]["seed"] == 1
    assert len(record["bitext"]["hash"]) == 16
    assert record["environment"]["packages"]["torch"]
    embeddings = [
        e.model[0].model.get_input_embeddings().weight for e in (pair.teacher, pair.student)
    ]
    same = bool((embeddings[0] == embeddings[1]).all())
    assert same == (trainable != "full")


@pytest.mark.slow
def test_a_training_takes_the_precision_of_the_processor_and_records_it(
    tiny_encoder, bitext_file, monkeypatch
):
    monkeypatch.delenv("OPTICAL_PRECISION")
    asked = []
    for native in (False, True):
        monkeypatch.setattr(precision, "_native_bf16", lambda kind, native=native: native)
        settings = config(tiny_encoder, bitext_file, name=f"auto-{native}", steps=1, bf16="auto")
        monkeypatch.setattr(
            run,
            "training_arguments",
            lambda *given, **named: asked.append(training_arguments(*given, **named)) or asked[-1],
        )
        folder = distill(settings, device="cpu", progress=False)
        record = json.loads((folder / "record.json").read_text())
        assert record["precision"] == ("bf16" if native else "fp32")
    assert [arguments.bf16 for arguments in asked] == [False, True]


def test_a_run_that_left_the_precision_open_goes_on_where_it_means_the_same(
    tiny_encoder, bitext_file, monkeypatch
):
    open_, fixed = (config(tiny_encoder, bitext_file, bf16=bf16) for bf16 in ("auto", True))
    monkeypatch.delenv("OPTICAL_PRECISION")
    for native in (False, True):
        monkeypatch.setattr(precision, "_native_bf16", lambda kind, native=native: native)
        assert open_.is_saved_as(fixed.model_dump()) is native


def test_a_training_leaves_the_callers_random_numbers_alone(tiny_encoder, bitext_file):
    random.seed(7), np.random.seed(7), torch.manual_seed(7)
    expected = (random.random(), np.random.rand(), torch.rand(1).item())
    random.seed(7), np.random.seed(7), torch.manual_seed(7)
    distill(config(tiny_encoder, bitext_file, steps=1), device="cpu", progress=False)
    assert (random.random(), np.random.rand(), torch.rand(1).item()) == expected


@pytest.mark.slow
def test_training_reads_texts_with_prompts_where_that_is_asked(
    tiny_encoder, bitext_file, monkeypatch
):
    seen = {}

    def spy(self, features, labels=None):
        columns = list(features)
        seen.update(zip(("foreign", "english", "passage"), columns, strict=True))
        return forward(self, columns, labels)

    forward = OpticalLoss.forward
    monkeypatch.setattr(OpticalLoss, "forward", spy)
    prompted = config(tiny_encoder, bitext_file, steps=1, score_weight=0.5, prompts=True)
    distill(prompted, device="cpu", progress=False)
    model = load_pair(str(tiny_encoder), device="cpu").teacher.model
    for column, task in (("foreign", "query"), ("english", "query"), ("passage", "document")):
        prompt = model.tokenizer(model.prompts[task], add_special_tokens=False).input_ids
        assert prompt
        assert seen[column]["input_ids"][:, 1 : 1 + len(prompt)].tolist() == [prompt] * 4
    bare = config(tiny_encoder, bitext_file, name="bare", steps=1, score_weight=0.5)
    distill(bare, device="cpu", progress=False)
    assert prompt[0] not in seen["foreign"]["input_ids"]


def test_a_run_tells_its_stages_and_its_first_step_at_once(tiny_encoder, bitext_file, monkeypatch):
    told = []
    for module in (run, monitor):
        monkeypatch.setattr(module, "write_stage", lambda folder, stage: told.append(stage))
    distill(config(tiny_encoder, bitext_file, steps=3), device="cpu", progress=False)
    doing = list(dict.fromkeys(stage.doing for stage in told))
    assert doing == [
        "reading the bitext",
        "loading the teacher",
        "planning the batches",
        "making the student",
        "at the first step",
        "training",
        "saving the student",
    ]
    first = next(stage for stage in told if stage.doing == "training")
    assert first.step == 1
    assert first.seconds_left > 0


def test_the_time_left_is_told_from_steps_after_the_first(monkeypatch, tmp_path):
    clock = [0.0]
    monkeypatch.setattr(monitor.time, "monotonic", lambda: clock[0])
    log = LogMonitor(tmp_path / "log.csv", SimpleNamespace(figures={}), progress=False)
    arguments = SimpleNamespace(gradient_accumulation_steps=1, world_size=1)
    state = SimpleNamespace(global_step=0, max_steps=10)
    control = SimpleNamespace(should_log=False)
    log.on_train_begin(arguments, state, control)
    for step, seconds in ((1, 60.0), (2, 4.0), (3, 4.0)):
        clock[0] += seconds
        state.global_step = step
        log.on_step_end(arguments, state, control)
        expected = 9 * 60.0 if step == 1 else (10 - step) * 4.0
        assert read_stage(tmp_path) == Stage("training", step, expected)
    log.on_train_end(arguments, state, control)


def test_the_time_left_has_the_measurements_on_the_dev_collection(monkeypatch, tmp_path):
    clock = [0.0]
    monkeypatch.setattr(monitor.time, "monotonic", lambda: clock[0])
    dev = object.__new__(monitor.DevMonitor)
    dev.every, dev.seconds, dev.spent = 4, 30.0, 30.0
    loss = SimpleNamespace(figures={})
    log = LogMonitor(tmp_path / "log.csv", loss, progress=False, dev=dev)
    arguments = SimpleNamespace(gradient_accumulation_steps=1, world_size=1)
    state = SimpleNamespace(global_step=0, max_steps=10)
    control = SimpleNamespace(should_log=False)
    log.on_train_begin(arguments, state, control)
    # Measured after the steps 4, 8 and 10; the measurement between two steps is no part of a step.
    for step, looked, left in ((1, 0, 9 * 5 + 3 * 30), (5, 30, 5 * 5 + 2 * 30), (10, 60, 30)):
        clock[0] += 5.0 + looked
        dev.spent += looked
        state.global_step = step
        log.on_step_end(arguments, state, control)
        assert read_stage(tmp_path) == Stage("training", step, left)
    log.on_train_end(arguments, state, control)


@pytest.mark.slow
def test_the_log_has_loss_alarms_and_speed(tiny_encoder, bitext_file):
    distill(config(tiny_encoder, bitext_file, steps=20), device="cpu", progress=False)
    with home("runs", "tiny-student", "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["1", "2", "5", "10", "20"]
    for column in ("loss", "optical", "effective_rank", "mean_cosine", "tokens_per_second"):
        assert float(rows[0][column]) == float(rows[0][column])


@pytest.mark.parametrize(
    "changes",
    [
        {"objective": "greedy"},
        {"objective": "mean-pool"},
        {"objective": "maxsim-kd"},
        {"objective": "translate-train"},
        {"objective": "optical-unbalanced"},
        {"solver": "sinkhorn", "score_weight": 1.0},
        {"marginals": "mask-augmented", "query_tokens": 12},
        {"accumulate": 2, "bf16": True},
    ],
)
def test_every_objective_and_option_trains(tiny_encoder, bitext_file, changes):
    distill(config(tiny_encoder, bitext_file, steps=3, **changes), device="cpu", progress=False)
    vectors = load_pair("tiny-student", device="cpu").student.encode_queries(TEXTS)
    assert all(np.isfinite(vector).all() for vector in vectors)


def test_a_student_of_both_sides_encodes_the_passages(tiny_encoder, bitext_file, collection):
    dev = {"dev": str(collection.folder), "dev_every": 2, "dev_languages": ("sw",)}
    settings = config(tiny_encoder, bitext_file, steps=2, sides="both", **dev)
    folder = distill(settings, device="cpu", progress=False)
    pair = load_pair("tiny-student", device="cpu")
    assert pair.distilled
    assert pair.teacher is pair.student
    assert json.loads((folder / "record.json").read_text())["dev_map"]["step"] in (0, 2)


@pytest.mark.parametrize("trainable", ["lora", "encoder"])
@pytest.mark.parametrize("sides", ["queries", "both"])
def test_a_training_goes_on_from_a_student_of_both_sides(
    tiny_encoder, bitext_file, trainable, sides
):
    settings = config(tiny_encoder, bitext_file, name="one", trainable=trainable, steps=3)
    distill(settings, device="cpu", progress=False)
    both_sides("one", home("models", "both"))
    changes = {"steps": 1, "learning_rate": 1e-12, "trainable": trainable, "sides": sides}
    further = config(tiny_encoder, bitext_file, name="two", start="both", **changes)
    distill(further, device="cpu", progress=False)
    first, second = (load_pair(name, device="cpu") for name in ("one", "two"))
    assert (second.teacher is second.student) == (sides == "both")
    for one, two in zip(
        first.student.encode_queries(TEXTS), second.student.encode_queries(TEXTS), strict=True
    ):
        np.testing.assert_allclose(one, two, atol=1e-3)
    assert first.student.hash != first.teacher.hash


@pytest.mark.parametrize("setting", ["teacher", "backbone"])
def test_a_student_where_an_encoder_is_wanted_is_told_to_be_one(tiny_encoder, bitext_file, setting):
    distill(config(tiny_encoder, bitext_file, name="one", steps=1), device="cpu", progress=False)
    wrong = {setting: "one", "name": "two", "steps": 1, "trainable": "encoder"}
    with pytest.raises(InputError, match=f"{setting}: 'one' is a student; an encoder was expected"):
        distill(config(tiny_encoder, bitext_file, **wrong), device="cpu", progress=False)
    with pytest.raises(InputError, match="encoder: 'one' is a student"):
        check_no_student("encoder", "one")


def test_a_training_does_not_go_on_from_a_copy_that_takes_means_off(tiny_encoder, bitext_file):
    distill(config(tiny_encoder, bitext_file, name="one", steps=1), device="cpu", progress=False)
    texts = [
        f"the sea is {word} {other}" for word in TEXTS for other in "a b c d e f g h i j k".split()
    ]
    centred("one", {"en": texts, "sw": texts}, home("models", "less"), source="tests")
    settings = config(tiny_encoder, bitext_file, name="two", start="less", steps=1)
    with pytest.raises(InputError, match="'less' takes the means of languages off"):
        distill(settings, device="cpu", progress=False)


def test_pieces_of_the_bitext_move_beside_lora_and_the_rest_stays(tiny_encoder, bitext_file):
    folder = distill(config(tiny_encoder, bitext_file, pieces=5), device="cpu", progress=False)
    pair = load_pair("tiny-student", device="cpu")
    moved = moved_pieces(pair.student.model)
    tokenizer = pair.student.model.tokenizer
    bitext = bitext_file.read_text(encoding="utf-8")
    assert len(moved.pieces) == 5
    assert all(tokenizer.decode([piece]).strip() in bitext for piece in moved.pieces)
    assert (moved.moves.weight[1:].abs().amax(1) > 1e-4).all()
    assert not moved.moves.weight[0].any()
    assert moved.weight is pair.teacher.model[0].model.get_input_embeddings().weight
    record = json.loads((folder / "record.json").read_text())
    assert record["config"]["pieces"] == 5
    with pytest.raises(ValueError, match="pieces must be 0"):
        config(tiny_encoder, bitext_file, pieces=5, trainable="full")


@pytest.mark.slow
def test_strength_moves_the_student_part_of_the_way(tiny_encoder, bitext_file):
    def delta(strength, trainable):
        name = f"s-{trainable}-{strength}".replace(".", "")
        settings = config(
            tiny_encoder, bitext_file, name=name, strength=strength, trainable=trainable, pieces=5
        )
        distill(settings, device="cpu", progress=False)
        pair = load_pair(name, device="cpu")
        weights = [e.model.state_dict() for e in (pair.student, pair.teacher)]
        key = next(k for k in weights[0] if k.endswith("layer.0.attention.self.query.weight"))
        moves = moved_pieces(pair.student.model).moves.weight.detach()
        return torch.cat([weights[0][key] - weights[1][key], moves])

    for trainable in ("lora", "encoder"):
        full, half = delta(1.0, trainable), delta(0.5, trainable)
        np.testing.assert_allclose(half.numpy(), 0.5 * full.numpy(), atol=2e-4)
        assert full.abs().max() > 1e-3


@pytest.mark.slow
def test_the_best_dev_step_is_kept(tiny_encoder, bitext_file, collection):
    settings = config(
        tiny_encoder, bitext_file, dev=str(collection.folder), dev_every=4, dev_languages=("sw",)
    )
    folder = distill(settings, device="cpu", progress=False)
    best = json.loads((folder / "record.json").read_text())["dev_map"]
    assert best["step"] in (0, 4, 8, 12)
    assert 0 <= best["mean"] <= 1


@pytest.mark.slow
def test_the_same_seed_gives_the_same_student(tiny_encoder, bitext_file):
    vectors = []
    for name in ("one", "two"):
        distill(config(tiny_encoder, bitext_file, name=name), device="cpu", progress=False)
        vectors.append(load_pair(name, device="cpu").student.encode_queries(TEXTS)[0])
    np.testing.assert_array_equal(*vectors)


TRAINING = """
import json, sys
from optical_core.distill.config import DistillConfig
from optical_core.distill.trainer import distill
distill(DistillConfig(**json.loads(sys.argv[1])), device="cpu", progress=False)
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_to_the_same_result(
    tiny_encoder, bitext_file, collection, tmp_path
):
    settings = config(
        tiny_encoder,
        bitext_file,
        steps=60,
        checkpoint_every=5,
        dev=str(collection.folder),
        dev_every=10,
        dropout=0.1,
        pieces=8,
        average=0.9,
    )
    straight = tmp_path / "straight"
    interrupted = tmp_path / "interrupted"
    work = interrupted / "runs" / "tiny-student"

    def start(folder):
        environment = {**os.environ, "OPTICAL_HOME": str(folder), "OMP_NUM_THREADS": "1"}
        return Program(TRAINING, settings.model_dump_json(), environment=environment)

    def reached(wanted):
        return any(int(p.name.split("-")[1]) >= wanted for p in work.glob("checkpoint-*"))

    first = start(straight).ended()
    assert first.code == 0, first.errors
    for wanted in (5, 30):
        start(interrupted).kill_when(lambda wanted=wanted: reached(wanted))
    last = start(interrupted).ended()
    assert last.code == 0, last.errors
    students = [
        [
            (folder / "models" / "tiny-student" / name).read_bytes()
            for name in ("adapter/adapter_model.safetensors", "pieces.safetensors")
        ]
        for folder in (straight, interrupted)
    ]
    assert students[0] == students[1]
    logs = []
    for folder in (straight, interrupted):
        with (folder / "runs" / "tiny-student" / "log.csv").open() as file:
            logs.append([(row["step"], row["optical"]) for row in csv.DictReader(file)])
    assert [step for step, _ in logs[1]] == [step for step, _ in logs[0]]
    records = [
        json.loads((folder / "models" / "tiny-student" / "record.json").read_text())
        for folder in (straight, interrupted)
    ]
    assert records[0]["dev_map"] == records[1]["dev_map"]


def test_a_finished_run_is_not_trained_again(tiny_encoder, bitext_file):
    settings = config(tiny_encoder, bitext_file, steps=2)
    folder = distill(settings, device="cpu", progress=False)
    stamp = (folder / "record.json").stat().st_mtime_ns
    assert distill(settings, device="cpu", progress=False) == folder
    assert (folder / "record.json").stat().st_mtime_ns == stamp
    assert not list(home("runs", "tiny-student", "x").parent.glob("checkpoint-*"))


def test_a_checkpoint_that_was_cut_off_is_not_resumed_from(tiny_encoder, bitext_file):
    settings = config(tiny_encoder, bitext_file)
    broken = home("runs", "tiny-student", "checkpoint-8")
    broken.mkdir(parents=True)
    (broken / "trainable.safetensors").write_bytes(b"half")
    distill(settings, device="cpu", progress=False)
    assert load_pair("tiny-student", device="cpu").distilled


def test_a_name_with_other_settings_is_refused(tiny_encoder, bitext_file):
    distill(config(tiny_encoder, bitext_file, steps=2), device="cpu", progress=False)
    with pytest.raises(InputError, match="other settings"):
        distill(config(tiny_encoder, bitext_file, steps=3), device="cpu", progress=False)


def test_training_on_an_evaluated_collection_is_refused(tiny_encoder, collection, tmp_path):
    path = tmp_path / "leak.sw.tsv"
    path.write_text("Why is the sea salty?\tkwa nini bahari\nthe cold moon\tmwezi\n")
    with pytest.raises(InputError, match=r"Why is the sea salty\?"):
        load_bitext(config(tiny_encoder, path, dev=str(collection.folder)))
    kept = load_bitext(config(tiny_encoder, path, dev=str(collection.folder), overlap="drop"))
    assert [pair.english for pair in kept.pairs] == ["the cold moon"]
    assert kept.dropped["part of tiny"] == 1


def test_training_on_a_benchmark_by_name_is_refused(tiny_encoder, tmp_path):
    with pytest.raises(InputError, match="flores"):
        load_bitext(config(tiny_encoder, tmp_path / "flores200" / "dev.sw.tsv"))


def pairs(**counts):
    return [
        SentencePair(f"word{'s' * (i % 9)} {i}", f"neno {i}", code)
        for code, count in counts.items()
        for i in range(count)
    ]


def test_batches_are_planned_alike_for_a_seed_and_balanced():
    data = pairs(sw=400, so=40)
    options = {"steps": 50, "batch_size": 16}
    planned = plan_batches(data, seed=3, **options)
    assert planned == plan_batches(data, seed=3, **options)
    assert planned != plan_batches(data, seed=4, **options)
    assert [len(batch) for batch in planned] == [16] * 50
    share = sum(p.language == "so" for b in planned for p in b) / 800
    assert 0.4 < share < 0.6
    natural = plan_batches(data, seed=3, temperature=1.0, **options)
    assert sum(p.language == "so" for b in natural for p in b) / 800 < 0.2


def test_every_pair_is_seen_before_one_is_seen_again():
    data = pairs(sw=64)
    planned = plan_batches(data, steps=8, batch_size=16, seed=0)
    seen = [p for batch in planned for p in batch]
    assert sorted(p.english for p in seen) == sorted(p.english for p in data * 2)


def test_batches_hold_pairs_of_like_length_and_the_wanted_english():
    planned = plan_batches(pairs(sw=500), steps=40, batch_size=16, seed=0, english_share=0.25)
    spreads = [
        max(lengths) - min(lengths)
        for lengths in ([len(p.foreign) for p in batch] for batch in planned)
    ]
    assert np.mean(spreads) < 4
    share = sum(p.foreign == p.english for b in planned for p in b) / 640
    assert 0.18 < share < 0.32
    sevens = plan_batches(
        pairs(sw=500),
        steps=16,
        batch_size=16,
        seed=0,
        lengths=lambda some: [int(p.english.split()[1]) % 7 for p in some],
    )
    kinds = [{int(p.english.split()[1]) % 7 for p in batch} for batch in sevens]
    assert np.mean([len(kind) for kind in kinds]) < 2


def test_settings_are_layered_and_named_when_wrong(tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"name": "x", "bitext": ["b.tsv"], "steps": 7, "seed": 5}))
    resolved = resolve_config({"steps": 9}, file, ["seed=6", "languages=swa,fil"], demo=False)
    assert (resolved.steps, resolved.seed, resolved.languages) == (9, 6, ("sw", "tl"))
    for wrong, message in (
        (["stepz=3"], "stepz"),
        (["steps=0"], "steps"),
        (["objective=magic"], "objective"),
        (["nonsense"], "key=value"),
        (["languages=xx"], "xx"),
        (["dev="], "dev: a text was expected, got ''"),
        (["teacher="], "teacher: a text was expected, got ''"),
        (['bitext=[""]'], "bitext.0: a text was expected, got ''"),
        (["steps=100000000000"], "steps: at most 10000000 was expected"),
        (["batch_size=1000000000000"], "batch_size: at most 1000000 was expected"),
        (["languages=,"], "languages: it is empty: give language codes, or leave it out"),
        (['languages=["so", " "]'], "languages: a language code is empty"),
    ):
        with pytest.raises(InputError, match=message):
            resolve_config({}, file, wrong, demo=False)


def test_the_demos_settings_are_a_training_and_none_are_not(tmp_path):
    demo = resolve_config({"name": "mine"}, None, [], demo=True)
    assert (demo.name, demo.bitext) == ("mine", ("demo",))
    for given, message in (
        ({}, "the student needs a name"),
        ({"name": "x"}, "nothing to train on"),
    ):
        with pytest.raises(InputError, match=message):
            resolve_config(given, None, [], demo=False)
    file = tmp_path / "settings.json"
    file.write_text("[1]")
    with pytest.raises(InputError, match="an object of settings was expected"):
        resolve_config({}, file, [], demo=False)


def test_fewer_pairs_are_a_part_of_more_in_every_language():
    some = [SentencePair(f"e{n}", f"f{n}", "sw" if n % 3 else "so") for n in range(60)]
    few, more = first_pairs(some, 5, seed=1), first_pairs(some, 15, seed=1)
    for kept, most in ((few, 5), (more, 15)):
        assert Counter(pair.language for pair in kept) == {"sw": most, "so": most}
    assert set(few) < set(more)
    assert first_pairs(some, 5, seed=2) != few


def test_a_run_that_cannot_be_is_refused_before_it_takes_a_name(tiny_encoder, bitext_file):
    with pytest.raises(InputError, match="plan_layer goes from 0 to 2, got 7"):
        distill(config(tiny_encoder, bitext_file, plan_layer=7), device="cpu", progress=False)
    folder = home("models", "tiny-student")
    folder.mkdir(parents=True)
    (folder / "retriever.json").write_text("{}")
    with pytest.raises(InputError, match="a model 'tiny-student' exists"):
        distill(config(tiny_encoder, bitext_file), device="cpu", progress=False)


def test_a_damaged_file_of_the_best_step_is_left(tiny_encoder, bitext_file, collection, caplog):
    settings = config(tiny_encoder, bitext_file, dev=str(collection.folder))
    teacher = TokenEncoder.load(str(tiny_encoder), device="cpu")
    work = home("runs", "dev")
    work.mkdir(parents=True)
    for content in (b"no safetensors", b""):
        (work / BEST).write_bytes(content)
        assert DevMonitor(work, settings, teacher, teacher.model).best is None
        assert "is damaged" in caplog.text
        caplog.clear()


def test_tensorboard_gets_the_curves_where_it_is_installed(tiny_encoder, bitext_file):
    event_accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason='needs pip install ".[tensorboard]"',
    )
    distill(config(tiny_encoder, bitext_file, name="curves"), device="cpu", progress=False)
    files = list(home("runs", "curves").rglob("events.out.*"))
    assert files
    found = event_accumulator.EventAccumulator(str(files[0])).Reload()
    assert "train/loss" in found.Tags()["scalars"]


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["mlm", "tlm"])
def test_language_modelling_learns_the_pieces_of_the_bitext(tiny_encoder, bitext_file, objective):
    settings = config(
        tiny_encoder, bitext_file, objective=objective, steps=150, trainable="encoder"
    )
    distill(settings, device="cpu", progress=False)
    with home("runs", "tiny-student", "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    losses = [float(row[objective]) for row in rows]
    assert np.mean(losses[-5:]) < 0.92 * losses[0]
    assert all(0 <= float(row["masked_accuracy"]) <= 1 for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize("pieces", [0, 6])
@pytest.mark.parametrize("trainable", ["lora", "encoder"])
def test_training_goes_on_from_another_student(tiny_encoder, bitext_file, trainable, pieces):
    first = config(
        tiny_encoder,
        bitext_file,
        name="first",
        objective="optical" if pieces else "mlm",
        trainable=trainable,
        pieces=pieces,
    )
    distill(first, device="cpu", progress=False)
    second = config(
        tiny_encoder,
        bitext_file,
        name="second",
        start="first",
        trainable=trainable,
        pieces=pieces // 2,
        steps=1,
        learning_rate=1e-9,
    )
    distill(second, device="cpu", progress=False)
    before, after = (
        load_pair(name, device="cpu").student.encode_queries(TEXTS)[0]
        for name in ("first", "second")
    )
    np.testing.assert_allclose(after, before, atol=1e-3)
    teacher = load_pair("first", device="cpu").teacher.encode_queries(TEXTS)[0]
    assert np.abs(before - teacher).max() > 1e-2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": "first", "trainable": "encoder"}, "was trained with LoRA"),
        ({"start": "first", "lora_rank": 8}, "go on with lora_rank=4"),
        ({"start": "TEACHER"}, "is no student"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(tiny_encoder, bitext_file, changes, message):
    first = config(tiny_encoder, bitext_file, name="first", steps=1)
    distill(first, device="cpu", progress=False)
    if changes["start"] == "TEACHER":
        changes = {"start": str(tiny_encoder)}
    with pytest.raises(InputError, match=message):
        distill(
            config(tiny_encoder, bitext_file, name="second", **changes),
            device="cpu",
            progress=False,
        )
    assert not home("runs", "second").exists()
    corrected = config(tiny_encoder, bitext_file, name="second", start="first", steps=1)
    assert distill(corrected, device="cpu", progress=False).is_dir()


def test_arms_of_a_study_share_the_teachers_vectors_of_their_batches():
    teacher = SimpleNamespace(hash="0" * 16, model=SimpleNamespace(device="cpu"))
    batches = [[SentencePair("sea", "bahari", "sw")], [SentencePair("moon", "mwezi", "sw")]]
    arm = DistillConfig(name="a", bitext=("demo",))
    store = shared_vectors(arm, teacher, batches)
    assert shared_vectors(arm.model_copy(update={"objective": "greedy"}), teacher, batches) is store
    assert shared_vectors(arm, teacher, batches[::-1]) is not store
    for other in ({"prompts": True}, {"marginals": "mask-augmented"}, {"plan_layer": 1}):
        assert shared_vectors(arm.model_copy(update=other), teacher, batches) is not store
