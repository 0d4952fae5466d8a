"""Two processes that share a training come to the student that one comes to.

Tolerance: adapter weights of about .1 to 1 differ by less than 1e-4 after eight steps at a learning
rate of 1e-2. What remains is fp32 rounding: the ranks' batches are padded to other lengths.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from optical_core.data.lines import read_json
from optical_core.distill import ranks
from optical_core.distill.config import DistillConfig
from optical_core.distill.logs import read_log
from optical_core.distill.trainer import distill
from optical_core.errors import InputError
from optical_core.storage import home as home_folder
from tests.processes import OPTICAL, ROOT, Program

TOLERANCE = 1e-4

ARMS = {
    "optical": {"objective": "optical", "score_weight": 0.5},
    "blurred": {"solver": "sinkhorn", "epsilon": 0.5, "plan_layer": 1, "accumulate": 2},
    "greedy": {"objective": "greedy", "score_weight": 0.0},
    "maxsim-kd": {"objective": "maxsim-kd"},
    "translate-train": {"objective": "translate-train"},
}

SCRIPT = """
import json, sys
from optical_core.distill.config import DistillConfig
from optical_core.distill.trainer import distill
for settings in json.loads(sys.argv[1]):
    distill(DistillConfig(**settings), device="cpu", progress=False)
"""


class Ranks:
    """A program in two processes, with what `torchrun` sets for each, in a home of its own."""

    def __init__(self, folder, code, *arguments):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        shared = {"OPTICAL_HOME": str(folder), "OMP_NUM_THREADS": "1", "WORLD_SIZE": "2"}
        shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "LOCAL_WORLD_SIZE": "2"}
        self.programs = [
            Program(
                code,
                *arguments,
                environment=os.environ | shared | {"RANK": rank, "LOCAL_RANK": rank},
            )
            for rank in ("0", "1")
        ]

    def ended(self):
        """Exit codes, and what both wrote."""
        ends = [program.ended() for program in self.programs]
        codes, *written = zip(*ends, strict=True)
        return codes, *map("".join, written)


@pytest.fixture
def settings(tiny_encoder, bitext_file):
    """Sentences of unlike lengths, so that the ranks' batches are padded differently."""
    lines = bitext_file.read_text().splitlines()
    longer = [line + " maji na mti" * (number % 4) for number, line in enumerate(lines)]
    bitext_file.write_text("\n".join(longer) + "\n")
    return {
        "teacher": str(tiny_encoder),
        "bitext": [str(bitext_file)],
        "steps": 8,
        "batch_size": 6,
        "lora_rank": 4,
        "learning_rate": 1e-2,
        "checkpoint_every": 4,
        "bf16": False,
    }


def adapter(folder, name):
    return load_file(folder / "models" / name / "adapter" / "adapter_model.safetensors")


def logged(folder, name, log):
    return [row["step"] for row in read_log(folder / "runs" / name / log)]


def assert_alike(found, wanted):
    assert found.keys() == wanted.keys()
    for key, tensor in wanted.items():
        torch.testing.assert_close(found[key], tensor, atol=TOLERANCE, rtol=0, msg=key)
    moved = max(float(tensor.abs().max()) for key, tensor in wanted.items() if "lora_B" in key)
    assert moved > 100 * TOLERANCE


@pytest.mark.slow
def test_two_processes_train_the_student_that_one_trains(settings, collection, home, tmp_path):
    arms = [{**settings, "name": name, **changes} for name, changes in ARMS.items()]
    arms.append({**settings, "name": "watched", "dev": str(collection.folder), "dev_every": 4})
    codes, _, errors = Ranks(tmp_path / "shared", SCRIPT, json.dumps(arms)).ended()
    assert codes == (0, 0), errors
    for arm in arms:
        distill(DistillConfig(**arm), device="cpu", progress=False)
    for name in ARMS:
        assert_alike(adapter(tmp_path / "shared", name), adapter(home, name))
    found, wanted = (
        read_json(folder / "models" / "watched" / "record.json")["dev_map"]
        for folder in (tmp_path / "shared", home)
    )
    assert found == pytest.approx(wanted)
    assert logged(tmp_path / "shared", "watched", "dev.csv") == ["0", "4", "8"]


@pytest.mark.slow
def test_the_command_in_two_processes_ends_well_or_with_a_sentence(settings, tmp_path):
    command = ["distill", "--name", "both", "--device", "cpu"]
    command += ["--teacher", settings["teacher"], "--bitext", settings["bitext"][0]]
    command += ["--set", "batch_size=4", "--steps"]
    codes, output, errors = Ranks(tmp_path / "shared", OPTICAL, *command, "2").ended()
    assert codes == (0, 0), errors
    assert output.count("student both -> ") == 1
    codes, _, errors = Ranks(tmp_path / "shared", OPTICAL, *command, "3").ended()
    assert 0 not in codes
    assert "optical: a run 'both' with other settings exists" in errors
    assert "InputError" not in errors


RANKS = """
from optical_core.distill import ranks
ranks.join(cpu=True)
print(f"{ranks.rank()} of {ranks.count()}", flush=True)
ranks.leave()
"""


@pytest.mark.slow
def test_torchrun_gives_its_processes_their_ranks(tmp_path):
    script = tmp_path / "ranks.py"
    script.write_text(RANKS)
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [sys.executable, *torchrun, str(script)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    # Both write to one pipe: their lines may run into each other.
    assert sorted(re.findall(r"\d of \d", done.stdout)) == ["0 of 2", "1 of 2"], done.stderr


@pytest.mark.slow
def test_two_that_were_killed_go_on_as_one(settings, home, tmp_path, monkeypatch):
    """The command, and one process that takes up what two began."""
    arm = {**settings, "name": "cut", "steps": 60, "learning_rate": 1e-3}
    file = tmp_path / "arm.json"
    file.write_text(json.dumps(arm))
    cut = tmp_path / "cut"
    run = cut / "runs" / "cut"
    both = Ranks(cut, OPTICAL, "distill", "--config", file, "--device", "cpu")
    first, second = both.programs
    first.kill_when(lambda: list(run.glob("checkpoint-*/complete.json")))
    second.send(signal.SIGKILL)
    second.ended()
    assert list(run.glob("checkpoint-*"))
    distill(DistillConfig(**arm), device="cpu", progress=False)
    monkeypatch.setenv("OPTICAL_HOME", str(cut))
    distill(DistillConfig(**arm), device="cpu", progress=False)
    assert_alike(adapter(cut, "cut"), adapter(home, "cut"))
    assert logged(cut, "cut", "log.csv") == logged(home, "cut", "log.csv")


@pytest.mark.parametrize(
    ("changes", "device", "message"),
    [
        ({"batch_size": 7}, "cpu", "batch_size that is a multiple of 2"),
        ({"objective": "mlm"}, "cpu", "mlm trains in one process"),
        ({}, "cuda:1", "a GPU of its own"),
    ],
)
def test_what_processes_cannot_share_is_refused(settings, monkeypatch, changes, device, message):
    monkeypatch.setattr(ranks, "count", lambda: 2)
    with pytest.raises(InputError, match=message):
        distill(DistillConfig(**{**settings, "name": "none", **changes}), device=device)
    assert not (home_folder("runs") / "none").exists()
