"""What a package names as public is there, and documented."""

import inspect
import types

import pytest

from optical_core import data, study
from optical_core.lazy import lazy_names

PACKAGES = ["analysis", "data", "distill", "models", "retrieval", "serve", "study", "transport"]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_class_and_function_has_an_example_or_describes_its_attributes(package):
    module = __import__(f"optical_core.{package}", fromlist=["*"])
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, type | types.FunctionType):
            text = inspect.getdoc(value) or ""
            described = isinstance(value, type) and "Attributes:" in text
            assert "Examples:" in text or described, f"{package}.{name}"


def test_a_name_that_is_not_public_is_refused():
    names = lazy_names(data.__name__, data.__file__)
    with pytest.raises(AttributeError, match=r"optical_core\.data.*no attribute 'nothing'"):
        names("nothing")


def test_a_public_name_may_be_a_module():
    assert lazy_names(study.__name__, study.__file__)("evaluate").evaluate
