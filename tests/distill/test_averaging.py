"""The average of a training's weights: what it is, and that models get it."""

import json
from types import SimpleNamespace

import pytest
import torch

from optical_core.distill.averaging import WeightAverage
from optical_core.distill.trainer import distill
from optical_core.models.pair_store import load_pair
from optical_core.storage import home
from tests.distill.test_trainer import config


def after_steps(average, parameter, values):
    for step, value in enumerate(values, start=1):
        parameter.data.fill_(value)
        average.on_step_end(None, SimpleNamespace(global_step=step), None)


def test_the_average_is_exponential_and_forgets_the_start_soon():
    model = torch.nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(7.0)
    average = WeightAverage(model, 0.25)
    after_steps(average, model.weight, [1.0, 2.0, 3.0])
    early = [2 / 11, 0.25, 0.25]  # (1 + t) / (10 + t) until that is more than the decay
    expected = 7.0
    for decay, value in zip(early, [1.0, 2.0, 3.0], strict=True):
        expected = decay * expected + (1 - decay) * value
    assert average.weights["weight"].item() == pytest.approx(expected)
    assert model.weight.item() == 3.0


def test_the_average_stands_in_for_a_while_or_for_good():
    model = torch.nn.Linear(2, 2)
    model.bias.requires_grad_(False)
    average = WeightAverage(model, 0.5)
    assert set(average.weights) == {"weight"}
    after_steps(average, model.weight, [1.0, 5.0])
    mean = average.weights["weight"].clone()
    with pytest.raises(KeyError), average.applied():
        assert torch.equal(model.weight, mean)
        raise KeyError
    assert torch.equal(model.weight, torch.full((2, 2), 5.0))
    average.apply()
    assert torch.equal(model.weight, mean)


@pytest.mark.slow
@pytest.mark.parametrize("dev", [False, True])
def test_a_student_gets_the_averaged_weights(tiny_encoder, bitext_file, collection, dev):
    measured = {"dev": str(collection.folder), "dev_every": 12} if dev else {}

    def weights(name, **changes):
        settings = config(tiny_encoder, bitext_file, name=name, **changes)
        distill(settings, device="cpu", progress=False)
        return load_pair(name, device="cpu").student.model.state_dict()

    last, mean = weights("last"), weights("mean", average=0.9, **measured)
    start = load_pair(str(tiny_encoder), device="cpu").teacher.model.state_dict()
    key = next(k for k in last if k.endswith("layer.0.attention.self.query.weight"))
    moved, averaged = last[key] - start[key], mean[key] - start[key]
    best = json.loads((home("models", "mean") / "record.json").read_text())["dev_map"]
    if best and best["step"] == 0:
        assert averaged.norm() == 0
    else:
        assert 0 < averaged.norm() < 0.99 * moved.norm()
