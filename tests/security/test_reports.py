"""Nothing that the package starts reports to its makers."""

import os
import tomllib

import pytest

from optical_core.models.onnx_queries import onnx_folder
from optical_core.models.token_encoder import TokenEncoder
from tests.processes import ROOT, Program

ENCODING = """
import sys

def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.connect"):
        print("reached for", arguments)

sys.addaudithook(watch)
assert "openvino" not in sys.modules
from optical_core.models.onnx_queries import OnnxQueries
from optical_core.models.token_encoder import TokenEncoder

encoder = OnnxQueries(TokenEncoder.load(sys.argv[1], device="cpu"))
print(len(encoder.encode_queries(["bahari"])))
assert "openvino_telemetry" not in sys.modules  # what asks for it later has it
"""


def test_streamlits_statistics_are_off():
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["browser"]["gatherUsageStats"] is False


@pytest.mark.slow
def test_openvino_is_imported_without_its_telemetry(exported_once, tiny_encoder, monkeypatch):
    monkeypatch.delenv("CI", raising=False)  # there it is silent by itself
    # The file is made here: the child needs only to read it.
    onnx_folder(TokenEncoder.load(str(tiny_encoder), device="cpu"), int8=True)
    code, output, errors = Program(ENCODING, tiny_encoder, environment=os.environ).ended()
    assert (output, code) == ("1\n", 0), errors
