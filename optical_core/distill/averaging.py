"""Averages of a training's weights: they move less than the weights of any one step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn
from transformers import TrainerCallback


class WeightAverage(TrainerCallback):
    """Keeps the exponential moving average of the trained weights (Polyak and Juditsky 1992).

    After step t, average = d average + (1 - d) weights, where d is `decay`, or (1 + t) / (10 + t)
    if that is less: early averages forget the untrained weights.

    Args:
        model: in training; all its parameters that require a gradient are averaged.
        decay: from 0 to below 1; at 0.99, about the last hundred steps count.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        named = model.named_parameters()
        self._trained = {name: value for name, value in named if value.requires_grad}
        self.weights = {name: value.detach().clone() for name, value in self._trained.items()}

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        step = state.global_step
        update = get_ema_multi_avg_fn(min(self.decay, (1 + step) / (10 + step)))
        now = [value.detach() for value in self._trained.values()]
        update(list(self.weights.values()), now, step)

    def load(self, weights: dict[str, Tensor]) -> None:
        """Take the average of a checkpoint."""
        for name, value in self.weights.items():
            value.copy_(weights[name])

    def apply(self) -> None:
        """Give the model the averaged weights for good."""
        self._give(self.weights)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the model the averaged weights for a while."""
        own = {name: value.detach().clone() for name, value in self._trained.items()}
        self.apply()
        try:
            yield
        finally:
            self._give(own)

    def _give(self, weights: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self._trained.items():
                parameter.copy_(weights[name])
