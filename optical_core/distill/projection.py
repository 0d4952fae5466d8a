"""Where a projection to fewer dimensions begins: the principal directions of token vectors."""

from __future__ import annotations

import random

import numpy as np
import torch
from torch import Tensor

from optical_core.data.relevance import Relevance
from optical_core.models.token_encoder import TokenEncoder

PASSAGES = 200
QUERIES = 400


def principal_directions(
    encoder: TokenEncoder, relevance: Relevance, dimension: int, *, seed: int
) -> Tensor:
    """Rows (dimension, d), orthonormal, that keep most of the dot products of unit token vectors.

    Eigenvectors of their second moment, over a sample of queries and of relevant passages.
    """
    generator = random.Random(seed)
    drawn = generator.sample(relevance.examples, min(QUERIES, len(relevance)))
    passages = [relevance.passages[e.positives[0]].full_text for e in drawn[:PASSAGES]]
    vectors = [
        *encoder.encode_queries([e.query for e in drawn]),
        *encoder.encode_passages(passages),
    ]
    moment = np.zeros((encoder.dimension, encoder.dimension))
    for part in vectors:
        moment += part.T.astype(np.float64) @ part
    _, directions = np.linalg.eigh(moment)  # by rising eigenvalue
    return torch.from_numpy(directions[:, ::-1][:, :dimension].T.copy()).float()
