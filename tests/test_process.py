import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from optical_core import process
from optical_core.process import cores, prepare, quota
from optical_core.storage import replace_file, replace_folder
from optical_core.transport import TransportSettings, solve


def groups(root: Path, of_process: str, **files: str) -> Path:
    """A machine's files: the process's control group, and files of groups by path."""
    for name, text in {"proc/self/cgroup": of_process, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def test_the_smallest_quota_of_nested_groups_counts(tmp_path):
    root = groups(
        tmp_path,
        "0::/pod/container",
        **{
            "sys/fs/cgroup/pod/container/cpu.max": "max 100000",
            "sys/fs/cgroup/pod/cpu.max": "150000 100000",
            "sys/fs/cgroup/cpu.max": "400000 100000",
        },
    )
    assert quota(root) == 1.5


def test_a_container_sees_its_own_group_as_the_root(tmp_path):
    root = groups(tmp_path, "0::/", **{"sys/fs/cgroup/cpu.max": "50000 100000"})
    assert quota(root) == 0.5


def test_the_first_version_of_control_groups(tmp_path):
    root = groups(
        tmp_path,
        "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x",
        **{
            "sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us": "200000",
            "sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        },
    )
    assert quota(root) == 2


def test_without_control_groups_there_is_no_quota(tmp_path):
    assert quota(tmp_path) == math.inf
    assert quota(groups(tmp_path, "no colon")) == math.inf


def test_threads_follow_the_quota_and_the_user(monkeypatch):
    monkeypatch.setattr(process, "_visible_cores", lambda: 8)
    monkeypatch.setattr(process, "quota", lambda: 2.5)
    assert cores() == 3
    monkeypatch.setattr(os, "environ", environment := {})
    prepare()
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"
    assert environment["OMP_NUM_THREADS"] == "3"
    environment |= {"OMP_WAIT_POLICY": "ACTIVE", "OMP_NUM_THREADS": "7"}
    prepare()
    assert (environment["OMP_WAIT_POLICY"], environment["OMP_NUM_THREADS"]) == ("ACTIVE", "7")


def test_without_a_quota_the_number_of_threads_is_the_libraries_own(monkeypatch):
    monkeypatch.setattr(process, "quota", lambda: math.inf)
    monkeypatch.setattr(os, "environ", environment := {})
    prepare()
    assert "OMP_NUM_THREADS" not in environment


ENTRIES = {
    "the command": "from optical_core import cli; cli.app = said; cli.main()",
    "a training": "import runpy; from optical_core.distill import jobs; jobs.update_job = said; "
    "sys.argv = ['worker', 'x']; "
    "runpy.run_module('optical_core.distill.worker', run_name='__main__')",
    "the app": "import streamlit; streamlit.set_page_config = said; import runpy; "
    "runpy.run_path('app.py', run_name='__main__')",
    "a benchmark": "import tests.benchmarks; said()",
}
SAID = (
    "import os, sys\n"
    "def said(*_, **__):\n"
    "    loaded = 'torch' in sys.modules\n"
    "    print('policy', os.environ.get('OMP_WAIT_POLICY'), loaded, os.nice(0), flush=True)\n"
    "    os._exit(0)\n"
)


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_settles_threads_before_torch_is_loaded(entry, home):
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", f"{SAID}{ENTRIES[entry]}"],
        cwd=Path(__file__).parent.parent,
        env=environment,
        capture_output=True,
        text=True,
    )
    nice = os.nice(0) + (process.NICENESS if entry == "a training" else 0)
    assert f"policy PASSIVE False {min(nice, 19)}" in done.stdout, done.stderr


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="asks Linux for the umask")
def test_calls_from_many_threads_leave_the_process_as_it_was(tmp_path):
    cost, half = torch.rand(2, 2, 2), torch.full((2, 2), 0.5)
    threads, mask = torch.get_num_threads(), umask()

    def work(number: int) -> None:
        for turn in range(4):
            solve(cost, half, half, TransportSettings("sinkhorn"))
            with replace_file(tmp_path / f"file-{number}-{turn}") as file:
                file.write_text("x")
            with replace_folder(tmp_path / f"folder-{number}") as folder:
                (folder / "y").write_text("y")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == threads
    assert umask() == mask
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.glob("file-*")}
    assert modes == {0o666 & ~mask}
    assert (tmp_path / "folder-1").stat().st_mode & 0o777 == 0o777 & ~mask


def umask() -> int:
    """As Linux tells it: os.umask would set it for a moment."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1], 8) for line in lines if line.startswith("Umask"))


def test_interrupted_while_it_is_loaded_the_command_ends_without_a_traceback():
    code = (
        "import sys\n"
        "class Interrupts:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'optical_core.cli': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupts())\n"
        "from optical_core.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
