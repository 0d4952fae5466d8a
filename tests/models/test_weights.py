import torch

from optical_core.models.weights import write_tensors


def test_weights_are_readable_by_those_who_may_read_the_other_files(tmp_path):
    beside = tmp_path / "beside.txt"
    beside.write_text("")
    write_tensors(tmp_path / "model.safetensors", {"x": torch.ones(2)})
    assert (tmp_path / "model.safetensors").stat().st_mode == beside.stat().st_mode
