"""Teachers: saved as what differs from their base, opened by name wherever an encoder is."""

import json
import shutil

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model

from optical_core.checksums import check_files
from optical_core.errors import InputError
from optical_core.models import teachers
from optical_core.models.cards import ModelCard
from optical_core.models.catalogue import list_models
from optical_core.models.deltas import load_delta, resized
from optical_core.models.info import read_teacher
from optical_core.models.pair_store import load_pair
from optical_core.models.teachers import open_shared, save_teacher
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.weights import read_tensors, write_tensors
from optical_core.storage import assets, home

TEXTS = ["the sea is salty water", "a fish"]


def taught(base, *, dimension=8, lora=True, moved=0.1):
    """A copy of a base whose weights are other ones, as after a training."""
    torch.manual_seed(7)
    model = resized(base, dimension, torch.randn(dimension, base.dimension)).model
    if lora:
        targets = ["query", "dense"]
        model[0].model = get_peft_model(model[0].model, LoraConfig(r=2, target_modules=targets))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora" in name or (not lora and "layer.1" in name):
                parameter.add_(moved * torch.randn_like(parameter))
    return model


def vectors(encoder):
    return np.concatenate(encoder.encode_passages(TEXTS))


@pytest.mark.parametrize("lora", [True, False])
def test_a_teacher_is_opened_by_name_as_it_was_taught(tiny_encoder, lora):
    base = TokenEncoder.load(str(tiny_encoder), device="cpu")
    model = taught(base, lora=lora)
    folder = home("models", "tiny-teacher")
    card = ModelCard(languages=("en",), data=("nq",))
    save_teacher(folder, name="tiny-teacher", base=base, model=model, card=card)
    opened = open_shared("tiny-teacher", device="cpu")
    assert opened.dimension == 8
    np.testing.assert_allclose(vectors(opened), vectors(TokenEncoder(model, name="m")), atol=2e-2)
    assert np.abs(vectors(open_shared(str(folder), device="cpu")) - vectors(opened)).max() == 0
    assert (folder / "adapter").is_dir() == lora
    assert "Taught from: `base`" in (folder / "README.md").read_text()
    pair = load_pair("tiny-teacher", device="cpu")
    assert not pair.distilled
    assert pair.teacher.hash == read_teacher(folder).hash
    assert [(e.name, e.languages) for e in list_models() if e.kind == "teacher"] == [
        ("optical-compact", ("en",)),
        ("optical-reader", ("en",)),
        ("tiny-teacher", ("en",)),
    ]


def test_a_base_that_is_known_by_name_is_not_copied(tiny_encoder):
    base = TokenEncoder.load(str(tiny_encoder), device="cpu")
    save_teacher(home("models", "one"), name="one", base=base, model=taught(base), card=ModelCard())
    first = open_shared("one", device="cpu")
    model = taught(first, dimension=4)
    save_teacher(home("models", "two"), name="two", base=first, model=model, card=ModelCard())
    assert not (home("models", "two") / "base").exists()
    assert open_shared("two", device="cpu").dimension == 4
    shutil.rmtree(home("models", "one"))
    save_teacher(
        home("models", "one"), name="one", base=base, model=taught(base, moved=1), card=ModelCard()
    )
    with pytest.raises(InputError, match="another version of one"):
        open_shared("two", device="cpu")


def test_a_damaged_teacher_is_refused(tiny_encoder):
    base = TokenEncoder.load(str(tiny_encoder), device="cpu")
    folder = home("models", "one")
    save_teacher(folder, name="one", base=base, model=taught(base), card=ModelCard())
    path = folder / "adapter" / "adapter_model.safetensors"
    tensors = read_tensors(path)
    name = next(name for name in tensors if "lora_B" in name)
    write_tensors(path, {**tensors, name: -tensors[name]})
    with pytest.raises(InputError, match="damaged"):
        open_shared("one", device="cpu")
    facts = json.loads((folder / "teacher.json").read_text())
    (folder / "teacher.json").write_text(json.dumps(facts | {"files": {}}))  # as once saved
    with pytest.raises(InputError, match="is damaged: its weights have the hash"):
        open_shared("one", device="cpu")
    (folder / "teacher.json").write_text('{"format": 1}')
    with pytest.raises(InputError, match=r"teacher\.json: name: it is missing"):
        open_shared("one", device="cpu")
    assert "one" not in [entry.name for entry in list_models()]


def test_an_older_teacher_without_checksums_is_opened(tiny_encoder):
    base = TokenEncoder.load(str(tiny_encoder), device="cpu")
    folder = home("models", "one")
    save_teacher(folder, name="one", base=base, model=taught(base), card=ModelCard())
    facts = json.loads((folder / "teacher.json").read_text())
    del facts["files"]
    (folder / "teacher.json").write_text(json.dumps(facts))
    assert open_shared("one", device="cpu").hash == facts["hash"]


def test_a_teacher_has_its_hash_on_every_processor(tiny_encoder, monkeypatch):
    """Where an adapter is merged, a processor may round otherwise."""
    base = TokenEncoder.load(str(tiny_encoder), device="cpu")
    folder = home("models", "one")
    save_teacher(folder, name="one", base=base, model=taught(base), card=ModelCard())

    def rounded(folder, base):
        model = load_delta(folder, base)
        with torch.no_grad():
            next(model.parameters()).mul_(1 + 1e-6)
        return model

    monkeypatch.setattr(teachers, "load_delta", rounded)
    assert open_shared("one", device="cpu").hash == read_teacher(folder).hash


def test_resizing_goes_after_what_the_encoder_has(tiny_encoder, tiny_bert):
    for folder in (tiny_encoder, tiny_bert):
        base = TokenEncoder.load(str(folder), device="cpu")
        same = resized(base, base.dimension)
        np.testing.assert_allclose(vectors(same), vectors(base), atol=1e-5)
        matrix = torch.linalg.qr(torch.randn(base.dimension, 4)).Q.T
        small = vectors(resized(base, 4, matrix))
        wanted = vectors(base) @ matrix.numpy().T
        wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
        np.testing.assert_allclose(small, wanted, atol=1e-4)


def test_a_shipped_teacher_is_whole_and_names_its_data():
    folders = sorted(assets("teachers").iterdir())
    assert [folder.name for folder in folders] == ["optical-compact", "optical-reader"]
    for folder in folders:
        info = read_teacher(folder)
        assert info.name == folder.name
        assert any(name.endswith(".safetensors") for name in info.files)
        check_files(folder, info.files)
        assert not any("/" in name for name in info.card.data[:-1])  # no path of a machine
        assert "MIT" in info.card.licence


@pytest.mark.slow
@pytest.mark.parametrize("name", ["optical-compact", "optical-reader"])
def test_a_shipped_teacher_ranks_with_vectors_of_128_dimensions(with_embedded, name):
    reader = open_shared(name, device="cpu")
    assert reader.dimension == 128
    passages = reader.encode_passages(["The sea is salty.", "The capital of France is Paris."])
    (query,) = reader.encode_queries(["Kwa nini bahari ina chumvi?"])
    sea, paris = ((query @ passage.T).max(1).sum() for passage in passages)
    assert sea > paris
