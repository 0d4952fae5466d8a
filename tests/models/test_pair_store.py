import json
import shutil

import numpy as np
import pytest
import torch

from optical_core import load_pair
from optical_core.checksums import check_files
from optical_core.data.lexicons import read_lexicon
from optical_core.errors import InputError
from optical_core.models.alignment import align_texts
from optical_core.models.cards import ModelCard
from optical_core.models.catalogue import list_models
from optical_core.models.deltas import clone_model
from optical_core.models.info import read_pair
from optical_core.models.pair_store import add_lexicons, save_pair
from optical_core.models.token_encoder import TokenEncoder
from optical_core.models.weights import write_tensors
from optical_core.storage import assets, home
from tests.test_checksums import inverted


@pytest.fixture
def saved(tiny_encoder):
    """A pair whose student differs in one bias, saved under models/."""
    teacher = TokenEncoder.load(str(tiny_encoder), device="cpu")
    student = clone_model(teacher)
    with torch.no_grad():
        student[0].model.encoder.layer[1].output.dense.bias.add_(0.5)
    card = ModelCard(
        summary="A test.",
        languages=("en", "sw"),
        licence="CC0",
        data=("a",),
        recipe={"steps": 1},
        figures={"MAP": 0.5},
    )
    folder = home("models", "pair")
    save_pair(folder, name="pair", teacher=teacher, student_model=student, card=card)
    return folder, teacher, TokenEncoder(student, name="pair")


def test_a_pair_is_loaded_by_name_and_by_folder(saved):
    folder, teacher, student = saved
    for name in ("pair", str(folder)):
        pair = load_pair(name, device="cpu")
        assert pair.distilled
        assert pair.card.languages == ("en", "sw")
        text = ["the salty sea"]
        np.testing.assert_array_equal(
            pair.student.encode_queries(text)[0], student.encode_queries(text)[0]
        )
        np.testing.assert_array_equal(
            pair.teacher.encode_passages(text)[0], teacher.encode_passages(text)[0]
        )
    assert ("pair", "student") in [(entry.name, entry.kind) for entry in list_models()]


def test_only_what_differs_is_saved_and_the_card_is_for_people(saved):
    from safetensors.torch import load_file

    folder = saved[0]
    assert list(load_file(folder / "changed.safetensors")) == [
        "0.model.encoder.layer.1.output.dense.bias"
    ]
    card = (folder / "README.md").read_text()
    assert "Query languages: en, sw" in card
    assert "Licence: CC0" in card
    assert "- MAP: 0.5" in card


def test_a_student_gets_lexicons_in_a_copy_of_its_own(saved):
    _, _, student = saved
    lexicons = {"sw": {"maji": {"water": 0.5, "sea": 0.4}, "ya": {"of": 0.1}}, "so": {}}
    copy = home("models", "glossed")
    options = {"source": "lexicon", "licence": "CC0"}
    add_lexicons("pair", lexicons, copy, **options, unfamiliar=["sw"])
    pair = load_pair("glossed", device="cpu")
    assert pair.name == "glossed"
    assert (pair.unfamiliar, load_pair("pair", device="cpu").unfamiliar) == (("sw",), ())
    with pytest.raises(InputError, match="no lexicon of the unfamiliar so"):
        add_lexicons("pair", lexicons, home("models", "other"), **options, unfamiliar=["so", "sw"])
    with pytest.raises(InputError, match=r"lexicon: glosses need words with a translation of prob"):
        add_lexicons("pair", {"sw": {"ya": {"of": 0.1}}}, home("models", "other"), **options)
    assert pair.lexicons == {"sw": {"maji": {"water": 0.5}}}
    assert load_pair("pair", device="cpu").lexicons == {}
    assert pair.card.licence == "CC0; lexicons: CC0"
    assert pair.card.languages == ("en", "sw")
    assert json.loads((copy / "record.json").read_text())["words"] == {"sw": 1}
    text = ["the salty sea"]
    np.testing.assert_array_equal(
        pair.student.encode_queries(text)[0], student.encode_queries(text)[0]
    )
    assert [path.name for path in (copy / "lexicons").iterdir()] == ["sw.tsv"]
    for name, message in (("glossed", "exists"), ("x", "is no student")):
        with pytest.raises(InputError, match=message):
            add_lexicons(
                "x" if name == "x" else "pair", {}, home("models", name), source="", licence=""
            )
    path = copy / "lexicons" / "sw.tsv"
    path.write_text(path.read_text().replace("water", "sea"))
    with pytest.raises(InputError, match="is damaged"):
        load_pair("glossed", device="cpu")


def test_lexicons_are_read_when_they_are_asked_for(saved, monkeypatch):
    read = []
    monkeypatch.setattr(
        "optical_core.data.lexicons.read_lexicon",
        lambda path: read.append(path) or read_lexicon(path),
    )
    sea = {"sw": {"bahari": {"sea": 1.0}}}
    add_lexicons("pair", sea, home("models", "glossed"), source="lexicon", licence="CC0")
    pair = load_pair("glossed", device="cpu")
    assert read == []
    assert pair.lexicons == pair.lexicons == sea
    assert len(read) == 1


def test_an_encoders_name_gives_it_undistilled(tiny_encoder):
    pair = load_pair(str(tiny_encoder), device="cpu")
    assert not pair.distilled
    assert pair.teacher is pair.student


def edit(folder, **changes):
    path = folder / "retriever.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_student_of_another_teacher_is_refused(saved):
    edit(saved[0], teacher_hash="0" * 16)
    with pytest.raises(InputError, match="another version of the teacher"):
        load_pair("pair", device="cpu")


def put_tensor(folder, name):
    write_tensors(folder / "changed.safetensors", {name: torch.zeros(3)})
    edit(folder, files={})  # as an older version saved it


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "changed.safetensors").write_bytes(b"half"), "can't be read"),
        (lambda f: (f / "changed.safetensors").unlink(), "can't be read"),
        (lambda f: put_tensor(f, "nowhere.weight"), "its tensor nowhere.weight is unknown"),
        (lambda f: put_tensor(f, "0.model.encoder.layer.0.output.dense.bias"), "size mismatch"),
        (lambda f: edit(f, format=9), "format 9"),
        (lambda f: edit(f, surprise=1), "surprise"),
        (lambda f: (f / "retriever.json").write_text("{"), "not JSON"),
    ],
)
def test_a_damaged_pair_is_one_sentence(saved, damage, message):
    damage(saved[0])
    with pytest.raises(InputError, match=message) as caught:
        load_pair(str(saved[0]), device="cpu")
    assert "\n" not in str(caught.value)


def test_eight_bytes_inverted_in_any_file_of_a_student_are_told(saved):
    folder = saved[0]
    files = [path for path in folder.rglob("*") if path.is_file()]
    decisive = [path for path in files if path.name not in ("README.md", "retriever.json")]
    assert {"changed.safetensors", "tokenizer.json", "model.safetensors"} <= {
        path.name for path in decisive
    }
    for path in decisive:
        whole = path.read_bytes()
        inverted(path, len(whole) // 2)
        with pytest.raises(InputError, match="is damaged") as caught:
            load_pair("pair", device="cpu")
        assert str(path) in str(caught.value)
        path.write_bytes(whole)
    load_pair("pair", device="cpu")


def test_a_student_without_checksums_opens_and_says_so_once(saved, caplog):
    edit(saved[0], files={})
    for _ in range(2):
        load_pair("pair", device="cpu")
    assert caplog.text.count("has no checksums") == 1


@pytest.mark.parametrize("text", ["{", "\0\0", '{"format": 1, "name": "pair"}'])
def test_a_damaged_record_is_told_as_damage_not_as_an_unknown_model(saved, text):
    (saved[0] / "retriever.json").write_text(text)
    with pytest.raises(InputError, match=r"retriever\.json") as caught:
        load_pair("pair", device="cpu")
    assert "hub" not in str(caught.value)


def test_a_teacher_that_cannot_be_opened_may_be_a_damaged_record(saved):
    shutil.rmtree(saved[0] / "teacher")
    edit(saved[0], teacher="embeXded", files={})
    with pytest.raises(InputError, match=r"retriever\.json names can't be opened, or that file is"):
        load_pair("pair", device="cpu")


def test_every_shipped_student_has_checksums():
    for path in assets("students").glob("*/retriever.json"):
        info = read_pair(path.parent)
        assert any(name.endswith(".safetensors") for name in info.files)
        check_files(path.parent, info.files)


def test_an_adapters_settings_are_in_one_order(tiny_encoder, tmp_path):
    from peft import LoraConfig, get_peft_model

    teacher = TokenEncoder.load(str(tiny_encoder), device="cpu")
    student = clone_model(teacher)
    wanted = ["value", "query", "key", "dense"]
    student[0].model = get_peft_model(student[0].model, LoraConfig(r=2, target_modules=wanted))
    card = ModelCard()
    save_pair(tmp_path / "s", name="s", teacher=teacher, student_model=student, card=card)
    config = json.loads((tmp_path / "s" / "adapter" / "adapter_config.json").read_text())
    assert config["target_modules"] == sorted(wanted)


def test_a_damaged_student_does_not_hide_the_others(saved, caplog):
    (saved[0] / "retriever.json").write_text("{")
    names = [entry.name for entry in list_models()]
    assert "embedded" in names
    assert "pair" not in names
    assert "left out" in caplog.text


@pytest.mark.slow
def test_the_shipped_student_loads_and_says_what_it_is(with_embedded):
    entry = next(entry for entry in list_models() if entry.default)
    pair = load_pair(entry.name, device="cpu")
    assert {"sw", "so", "tl", "mr"} <= set(pair.card.languages)
    assert pair.card.data
    assert "CC" in pair.card.licence
    queries = ["Badda maxay u milixdaa?"]
    before, after = (e.encode_queries(queries)[0] for e in (pair.teacher, pair.student))
    assert before.shape == after.shape
    assert np.abs(before - after).max() > 0.01


def test_alignment_is_a_plan_between_the_texts_tokens(tiny_encoder):
    pair = load_pair(str(tiny_encoder), device="cpu")
    plan = align_texts(pair, "maji ya bahari", "sea water")
    assert plan.source == ("maji", "ya", "bahari")
    assert plan.target == ("sea", "water")
    np.testing.assert_allclose(plan.plan.sum(1), 1 / 3, atol=1e-6)
    np.testing.assert_allclose(plan.plan.sum(0), 1 / 2, atol=1e-6)
    assert plan.report["converged"]
    same = align_texts(pair, "sea water", "sea water")
    assert same.total_cost == pytest.approx(0, abs=1e-5)
    for blank in ("  ", "\u200b\u200e", "\x00"):
        for texts in ((blank, "sea"), ("sea", blank)):
            with pytest.raises(InputError, match="no tokens"):
                align_texts(pair, *texts)


@pytest.mark.slow
def test_students_share_the_embedded_teacher_while_it_is_held(with_embedded):
    first = load_pair("embedded", device="cpu")
    assert load_pair("embedded", device="cpu").teacher is first.teacher
    student = load_pair("optical-lowres", device="cpu")
    assert student.teacher is first.teacher
    assert student.student is not first.teacher
