"""Nothing that the package starts reports to its makers."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ENCODING = """
import sys

def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.connect"):
        print("reached for", arguments)

sys.addaudithook(watch)
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
def test_openvino_is_imported_without_its_telemetry(onnx, tiny_encoder, monkeypatch):
    monkeypatch.delenv("CI", raising=False)  # there it is silent by itself
    command = [sys.executable, "-c", ENCODING, str(tiny_encoder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr
