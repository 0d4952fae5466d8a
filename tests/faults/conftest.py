"""What the faults happen to."""

from types import SimpleNamespace

import numpy as np
import pytest


class Encoder:
    """Two vectors a text, at once: the index doesn't ask where they come from."""

    name, hash, dimension = "fake", "0123456789abcdef", 4
    model = SimpleNamespace(device="cpu")

    def room(self, side):
        return 1 << 20

    def encode(self, texts, side, **_):
        for text in texts:
            yield np.full((2, 4), 0.5 + len(text) % 3, np.float32)


@pytest.fixture
def encoder():
    return Encoder()
