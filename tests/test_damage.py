"""Every reader is held to its law (see `tests/laws.py`), and so are the command and the solvers."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.damage import read_or_refused
from tests.laws import LAWS
from tests.readers import SAMPLES

FEW = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""Some seconds for all laws together; `python -m tests.benchmarks.fuzz` tries thousands."""


@pytest.mark.parametrize("name", SAMPLES)
def test_an_undamaged_sample_is_read(name):
    assert read_or_refused(SAMPLES[name], SAMPLES[name].files)


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
@FEW
@given(data=st.data())
def test_the_law_is_kept(name, data):
    LAWS[name](data)
