import numpy as np
import pytest
import torch

from optical_core.errors import InputError
from optical_core.models import precision as module
from optical_core.models.precision import (
    encoding,
    precision,
    query_precision,
    training_precision,
)
from optical_core.models.token_encoder import TokenEncoder


@pytest.mark.parametrize("has", [None, "_is_avx512_bf16_supported", "_is_amx_tile_supported"])
def test_bf16_is_for_processors_that_have_it(monkeypatch, has):
    monkeypatch.delenv("OPTICAL_PRECISION")
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda name=name: name == has)
    assert precision("cpu") == ("bf16" if has else "fp32")
    assert training_precision("auto", "cpu") == precision("cpu")
    with encoding("cpu"):
        assert torch.is_autocast_enabled("cpu") is bool(has)


def test_a_training_may_decide_for_itself(monkeypatch):
    monkeypatch.setattr(module, "_native_bf16", lambda kind: True)
    assert training_precision(False, "cpu") == "fp32"
    assert training_precision(True, "cpu") == "bf16"


@pytest.mark.parametrize("setting", ["OPTICAL_PRECISION=bf16", "bf16=true"])
def test_bf16_where_there_is_none_is_warned_of_once(monkeypatch, caplog, setting):
    monkeypatch.setattr(module, "_native_bf16", lambda kind: False)
    module._warn.cache_clear()
    if setting == "bf16=true":
        found = [training_precision(True, "cpu") for _ in range(2)]
    else:
        monkeypatch.setenv("OPTICAL_PRECISION", "bf16")
        found = [precision("cpu") for _ in range(2)]
    assert found == ["bf16", "bf16"]
    assert [record.getMessage().split(",")[0] for record in caplog.records] == [setting]


@pytest.mark.parametrize("wanted", ["bf16", "fp32"])
def test_the_variable_decides(monkeypatch, wanted):
    monkeypatch.setenv("OPTICAL_PRECISION", wanted)
    monkeypatch.setattr(module, "_native_bf16", lambda kind: wanted == "fp32")
    assert precision("cpu") == wanted


def test_queries_are_in_fp32_unless_asked(monkeypatch, tiny_encoder):
    encoder = TokenEncoder.load(str(tiny_encoder), device="cpu")
    exact = encoder.encode_queries(["the salty sea"])[0]
    monkeypatch.setattr(module, "_native_bf16", lambda kind: True)
    monkeypatch.setenv("OPTICAL_PRECISION", "auto")
    assert (query_precision("cpu"), precision("cpu")) == ("fp32", "bf16")
    assert np.array_equal(encoder.encode_queries(["the salty sea"])[0], exact)
    monkeypatch.setenv("OPTICAL_PRECISION", "bf16")
    assert query_precision("cpu") == "bf16"
    assert not np.array_equal(encoder.encode_queries(["the salty sea"])[0], exact)


def test_another_word_is_refused(monkeypatch):
    monkeypatch.setenv("OPTICAL_PRECISION", "fp8")
    with pytest.raises(
        InputError, match="OPTICAL_PRECISION must be auto, bf16, fp32, int8, got 'fp8'"
    ):
        precision("cpu")


def test_int8_is_for_queries_on_a_cpu_and_all_else_runs_as_with_auto(monkeypatch):
    monkeypatch.setenv("OPTICAL_PRECISION", "int8")
    monkeypatch.setattr(module, "_native_bf16", lambda kind: kind == "cuda")
    assert (query_precision("cpu"), precision("cpu")) == ("int8", "fp32")
    assert (query_precision("cuda"), precision("cuda")) == ("fp32", "bf16")
    monkeypatch.setenv("OPTICAL_PRECISION", "fp32")
    assert query_precision("cpu") == "fp32"


@pytest.mark.slow
def test_bf16_vectors_are_those_of_fp32_and_of_unit_length(with_embedded, monkeypatch):
    encoder = TokenEncoder.load("embedded", device="cpu")
    texts = ["Kwa nini bahari ina chumvi?", "Why is the sea salty?", "", "!"]
    exact = encoder.encode_passages(texts)
    monkeypatch.setenv("OPTICAL_PRECISION", "bf16")
    rounded = encoder.encode_passages(texts)
    assert [len(v) for v in rounded] == [len(v) for v in exact]
    ours, theirs = np.concatenate(rounded), np.concatenate(exact)
    assert not np.array_equal(ours, theirs)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-6)
    assert (ours * theirs).sum(1).min() > 0.999
