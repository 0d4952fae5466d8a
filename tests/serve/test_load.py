"""The load test's judge: noise is let through, a wrong answer is not."""

import pytest

from optical_core.serve.schema import Result, SearchAnswer
from tests.benchmarks.load import same


def answer(*hits, query="q"):
    results = [
        Result(rank=rank, id=identifier, score=score, title="", text="")
        for rank, (identifier, score) in enumerate(hits, 1)
    ]
    return SearchAnswer(collection="c", model="m", query=query, results=results)


EXPECTED = answer(("a", 3.0), ("b", 2.0), ("c", 1.9999))


@pytest.mark.parametrize(
    "found",
    [
        EXPECTED,
        answer(("a", 3.0001), ("b", 2.0), ("c", 1.9999)),
        answer(("a", 3.0), ("c", 2.0), ("b", 2.0)),
        answer(("a", 3.0), ("b", 2.0), ("d", 1.9999)),
    ],
)
def test_noise_is_let_through(found):
    assert same(found, EXPECTED)


@pytest.mark.parametrize(
    "found",
    [
        answer(),
        answer(("a", 3.0), ("b", 2.0)),
        answer(("a", 3.001), ("b", 2.0), ("c", 1.9999)),
        answer(("b", 3.0), ("a", 2.0), ("c", 1.9999)),
        answer(("x", 3.0), ("b", 2.0), ("c", 1.9999)),
        answer(("a", 3.0), ("b", 2.0), ("c", 1.9999), query="another"),
    ],
)
def test_a_wrong_answer_is_not(found):
    assert not same(found, EXPECTED)
