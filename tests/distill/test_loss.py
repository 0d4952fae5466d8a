"""OpticalLoss in sentence-transformers' own trainer, without the rest of our code."""

import pytest
import torch
from datasets import Dataset
from sentence_transformers import (
    MultiVectorEncoder,
    MultiVectorEncoderTrainer,
    MultiVectorEncoderTrainingArguments,
)

from optical_core.distill.loss import OpticalLoss
from optical_core.distill.teacher_vectors import KeptVectors, TeacherVectors

ROWS = {
    "foreign": ["maji ya bahari", "samaki wapi ?", "mji kubwa", "jua"] * 4,
    "english": ["sea water", "where is the fish ?", "big city", "the sun"] * 4,
}


def features(model, rows, task):
    inputs = model.preprocess(rows, prompt=model.prompts[task], task=task)
    return {**inputs, "task": task}


@pytest.fixture
def models(tiny_encoder):
    return [MultiVectorEncoder(str(tiny_encoder), device="cpu") for _ in range(2)]


@pytest.mark.slow
def test_it_trains_in_the_librarys_trainer(models, tmp_path):
    student, teacher = models
    frozen = {key: value.clone() for key, value in teacher.state_dict().items()}
    loss = OpticalLoss(student, teacher, score_weight=0.5)
    trainer = MultiVectorEncoderTrainer(
        model=student,
        args=MultiVectorEncoderTrainingArguments(
            output_dir=str(tmp_path),
            max_steps=30,
            per_device_train_batch_size=4,
            learning_rate=2e-3,
            use_cpu=True,
            router_mapping={"foreign": "query", "english": "query", "passage": "document"},
            report_to=[],
            logging_steps=1,
            disable_tqdm=True,
            save_strategy="no",
        ),
        train_dataset=Dataset.from_dict({**ROWS, "passage": ROWS["english"]}),
        loss=loss,
    )
    trainer.train()
    history = [entry["optical"] for entry in trainer.state.log_history if "optical" in entry]
    assert sum(history[-5:]) < 0.8 * sum(history[:5])
    assert {"mean_cosine", "effective_rank", "marginal_error", "tokens"} <= set(loss.figures)
    assert all(torch.equal(value, frozen[key]) for key, value in teacher.state_dict().items())
    assert not any("teacher" in name for name, _ in loss.named_parameters())


def test_collapse_alarms_are_computed_now_and_then(models, monkeypatch):
    from optical_core.distill import loss as module

    computed = []
    monkeypatch.setattr(module, "ALARM_EVERY", 3)
    monkeypatch.setattr(
        module, "collapse_alarms", lambda batch: computed.append(batch) or {"rank": len(computed)}
    )
    student, teacher = models
    loss = OpticalLoss(student, teacher)
    columns = [features(student, ROWS[name][:4], "query") for name in ("foreign", "english")]
    seen = []
    for _ in range(7):
        loss([dict(column) for column in columns])
        seen.append(loss.figures["rank"])
    assert seen == [1, 1, 1, 2, 2, 2, 3]


def test_the_teachers_vectors_are_computed_once(models):
    student, teacher = models
    calls = []
    teacher.register_forward_hook(lambda *_: calls.append(1))
    loss = OpticalLoss(student, teacher)
    columns = [features(student, ROWS[key][:4], "query") for key in ("foreign", "english")]
    first = loss(columns)["optical"]
    second = loss(columns)["optical"]
    assert len(calls) == 1
    assert torch.equal(first, second)
    loss([columns[0], features(student, ["a new sea", *ROWS["english"][1:4]], "query")])
    assert len(calls) == 2


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_a_sentence_that_is_query_and_passage_is_encoded_once(models, weight):
    student, teacher = models
    calls = []
    teacher.register_forward_hook(lambda *_: calls.append(1))
    loss = OpticalLoss(student, teacher, score_weight=weight)
    columns = [features(student, ROWS[key][:4], "query") for key in ("foreign", "english")]
    columns.append(columns[1])  # without prompts both sides have the same tokens
    loss(columns)
    assert len(calls) == 1
    assert loss._teacher.store.held == sum(
        int(loss._teacher.batch(columns[i], task, torch.device("cpu")).mask.sum())
        for i, task in ((1, "query"), (2, "document"))[: 2 if weight else 1]
    )
    apart = TeacherVectors(teacher, tasks=())
    for task in ("query", "document"):
        ours = loss._teacher.batch(columns[1], task, torch.device("cpu"))
        alone = apart.batch(columns[1], task, torch.device("cpu"))
        assert torch.equal(ours.vectors, alone.vectors)


def test_the_cache_forgets_when_it_is_full(models):
    student, teacher = models
    loss = OpticalLoss(student, teacher, store=KeptVectors(5))
    columns = [features(student, ROWS[key][:4], "query") for key in ("foreign", "english")]
    plenty = OpticalLoss(student, teacher)(columns)["optical"]
    assert torch.equal(loss(columns)["optical"], plenty)
    assert loss._teacher.store.held <= 5


def test_query_and_passage_vectors_of_a_sentence_are_kept_apart(models):
    student, teacher = models
    loss = OpticalLoss(student, teacher, objective="maxsim-kd")
    sentence = ["the sea , water ."]
    query = loss._teacher.batch(features(student, sentence, "query"), "query", torch.device("cpu"))
    passage = loss._teacher.batch(
        features(student, sentence, "document"), "document", torch.device("cpu")
    )
    assert query.mask.sum() == 5
    assert passage.mask.sum() == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": "magic"}, "objective"),
        ({"objective": "mlm"}, "objective must be one of optical, .*, translate-train, got"),
        ({"plan_layer": 3}, "plan_layer must be from 0 to 2, got 3"),
    ],
)
def test_bad_options_are_named(models, options, message):
    with pytest.raises(ValueError, match=message):
        OpticalLoss(*models, **options)


@pytest.mark.parametrize("layer", [0, 1])
def test_plans_of_an_inner_layer_are_its_own_and_the_loss_stays_the_outputs(models, layer):
    student, teacher = models
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in student.named_parameters():
            if "encoder.layer.1" in name:
                parameter.normal_()  # the output goes wrong, the layers before it stay as they were
    columns = [features(student, ROWS["english"][:3], "query") for _ in range(2)]
    free = OpticalLoss(student, teacher)
    inner = OpticalLoss(student, teacher, plan_layer=layer)
    outputs = []
    ours, theirs = (dict(column) for column in columns)  # a forward pass changes what it is given
    for batch in (inner._student(ours), inner._teacher.batch(theirs, "query", student.device)):
        outputs.append(batch.vectors[batch.mask])
        assert batch.plan_vectors.shape[:2] == batch.vectors.shape[:2]
        assert not batch.plan_vectors.requires_grad
    itself = 1 - (outputs[0] * outputs[1]).sum(-1)
    by_inner, by_output = (loss([dict(c) for c in columns])["optical"] for loss in (inner, free))
    # The same sentence on both sides: by the inner layer each token goes to itself.
    counts = inner._student(dict(columns[0])).mask.sum(1).tolist()
    expected = torch.stack([part.mean() for part in itself.split(counts)]).mean()
    torch.testing.assert_close(by_inner, expected, atol=2e-3, rtol=0)
    assert by_output.item() < by_inner.item() - 0.01
    by_inner.backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in student.parameters())


def test_a_missing_column_is_named(models):
    student, teacher = models
    loss = OpticalLoss(student, teacher, score_weight=1.0)
    columns = [features(student, ROWS[key][:2], "query") for key in ("foreign", "english")]
    with pytest.raises(ValueError, match="passage"):
        loss(columns)
