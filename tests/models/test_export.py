"""Exports, opened by what they are for: plain sentence-transformers, onnxruntime."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

from optical_core.errors import InputError
from optical_core.models import onnx_queries
from optical_core.models.backbones import assemble, load_transformer
from optical_core.models.cards import ModelCard
from optical_core.models.deltas import clone_model
from optical_core.models.export import export_hub, export_onnx, hub_card
from optical_core.models.pair import EncoderPair
from optical_core.models.token_encoder import TokenEncoder

QUERIES = ["kwa nini bahari ni chumvi ?", "samaki"]
PASSAGES = ["the sea is salty water .", "a fish is in the water"]
CARD = ModelCard(
    languages=("sw", "so"), data=("tico19", "tatoeba"), licence="MIT; trained on CC0 data"
)


@pytest.fixture
def pair(tiny_encoder):
    """A pair with one vocabulary, whose student is not its teacher."""
    teacher = TokenEncoder.load(str(tiny_encoder), device="cpu")
    model = clone_model(teacher)
    torch.manual_seed(5)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "attention" in name:
                weight += 0.2 * torch.randn_like(weight)
    return EncoderPair("tiny-student", teacher, TokenEncoder(model, name="tiny-student"), CARD)


@pytest.fixture
def crossed(tiny_encoder, tiny_xlmr):
    """A pair of two vocabularies."""
    teacher = TokenEncoder.load(str(tiny_encoder), device="cpu")
    torch.manual_seed(6)
    model = assemble(
        load_transformer(str(tiny_xlmr)),
        query_prompt="",
        passage_prompt="",
        hidden=[],
        projection=torch.randn(16, 32),
        device="cpu",
    )
    return EncoderPair("crossed", teacher, TokenEncoder(model, name="crossed"), CARD)


def front_matter(folder):
    _, head, body = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(head), body


def check_vectors(pair, queries, passages):
    ours = [
        *pair.student.encode_queries(QUERIES),
        *pair.teacher.encode_passages(PASSAGES),
    ]
    for found, expected in zip([*queries, *passages], ours, strict=True):
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_plain_sentence_transformers_opens_the_pair_as_one_model(pair, tmp_path):
    from sentence_transformers import MultiVectorEncoder

    export_hub(pair, tmp_path / "hub")
    model = MultiVectorEncoder(str(tmp_path / "hub"), device="cpu")
    queries, passages = model.encode_query(QUERIES), model.encode_document(PASSAGES)
    check_vectors(pair, queries, passages)
    expected = [
        [float((q @ p.T).max(1).sum()) for p in pair.teacher.encode_passages(PASSAGES)]
        for q in pair.student.encode_queries(QUERIES)
    ]
    np.testing.assert_allclose(model.similarity(queries, passages), expected, atol=1e-4)
    as_passages = pair.student.encode_passages(PASSAGES)
    assert not np.allclose(passages[0].numpy(), as_passages[0], atol=1e-3)


def test_an_undistilled_encoder_is_one_plain_folder_that_we_open_too(pair, tmp_path):
    plain = EncoderPair("plain", pair.teacher, pair.teacher, CARD)
    export_hub(plain, tmp_path / "hub")
    assert TokenEncoder.load(str(tmp_path / "hub"), device="cpu").hash == plain.teacher.hash


def test_two_vocabularies_are_two_folders(crossed, tmp_path):
    from sentence_transformers import MultiVectorEncoder

    export_hub(crossed, tmp_path / "hub")
    student, teacher = (
        MultiVectorEncoder(str(tmp_path / "hub" / side), device="cpu")
        for side in ("query", "passage")
    )
    check_vectors(crossed, student.encode_query(QUERIES), teacher.encode_document(PASSAGES))
    assert 'FOLDER + "/query"' in front_matter(tmp_path / "hub")[1]


def test_the_card_has_licence_languages_and_data_for_the_hub(pair, tmp_path):
    export_hub(pair, tmp_path / "hub")
    head, body = front_matter(tmp_path / "hub")
    assert head["license"] == "mit"
    assert head["language"] == ["sw", "so"]
    assert head["training_data"] == ["tico19", "tatoeba"]
    assert head["library_name"] == "sentence-transformers"
    assert "MIT; trained on CC0 data" in body
    assert "encode_query" in body


def test_the_card_says_that_lexicons_stay_behind(pair, tmp_path):
    glossed = replace(pair, lexicon_folder=tmp_path)
    sentence = "The lexicons of the student aren't exported"
    assert [sentence in hub_card(p, "") for p in (pair, glossed)] == [False, True]


def test_a_licence_that_the_hub_does_not_know_is_named(pair, tmp_path):
    card = CARD.model_copy(update={"licence": "house licence"})
    export_hub(EncoderPair("x", pair.teacher, pair.student, card), tmp_path / "hub")
    head, _ = front_matter(tmp_path / "hub")
    assert (head["license"], head["license_name"]) == ("other", "house licence")


@pytest.mark.slow
def test_the_onnx_folder_gives_the_students_vectors(exported_once, pair, tmp_path):
    import onnxruntime
    from sentence_transformers.base.modules import Dense

    export_onnx(pair, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.safetensors"))
    session = onnxruntime.InferenceSession(str(tmp_path / "out" / "onnx" / "model.onnx"))
    model = pair.student.model
    features = model.preprocess(QUERIES[:1], prompt=model.prompts["query"], task="query")
    names = [value.name for value in session.get_inputs()]
    (hidden,) = session.run(None, {name: features[name].numpy() for name in names})
    dense = Dense.load(str(tmp_path / "out"), subfolder="3_Dense")
    vectors = torch.nn.functional.normalize(dense.linear(torch.from_numpy(hidden[0])), dim=-1)
    expected = pair.student.encode_queries(QUERIES[:1])[0]
    scored = [token.scored for token in pair.student.describe(QUERIES[0], "query")]
    np.testing.assert_allclose(vectors.detach()[torch.tensor(scored)], expected, atol=1e-5)


def test_without_the_extra_nothing_is_written(pair, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_queries, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install"):
        export_onnx(pair, tmp_path / "out")
    assert not (tmp_path / "out").exists()
