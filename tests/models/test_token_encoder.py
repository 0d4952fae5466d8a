import shutil

import numpy as np
import pytest
from sentence_transformers import MultiVectorEncoder

from optical_core.errors import InputError
from optical_core.models.backbones import open_encoder
from optical_core.models.token_encoder import TokenEncoder

LAYOUTS = ["tiny_encoder", "pylate_folder", "stanford_folder", "tiny_bert", "tiny_xlmr"]


@pytest.fixture(params=LAYOUTS)
def encoder(request):
    return TokenEncoder.load(str(request.getfixturevalue(request.param)), device="cpu")


TEXT = "the big sea , salty water ."


def test_every_layout_gives_unit_vectors_that_match_its_tokens(encoder):
    for side, encode in (("query", encoder.encode_queries), ("passage", encoder.encode_passages)):
        vectors = encode([TEXT, "fish"])
        assert [v.dtype for v in vectors] == [np.float32] * 2
        assert vectors[0].shape == (len(encoder.scored_tokens(TEXT, side)), encoder.dimension)
        np.testing.assert_allclose(np.linalg.norm(vectors[0], axis=1), 1, atol=1e-5)


def test_passages_drop_punctuation_and_queries_keep_it(encoder):
    roles = [token.role for token in encoder.scored_tokens(TEXT, "passage")]
    assert "punctuation" not in roles
    assert [t.piece for t in encoder.scored_tokens(TEXT, "query") if t.role == "punctuation"] == [
        ",",
        ".",
    ]


def test_tokens_know_their_span_and_word(encoder):
    tokens = [t for t in encoder.describe(TEXT, "query") if t.role in ("text", "punctuation")]
    assert "".join(t.piece for t in tokens) == TEXT.replace(" ", "")
    for token in tokens:
        assert TEXT[token.start : token.end] == token.piece
    assert [t.word for t in tokens][-1] == len(TEXT.split()) - 1


def test_order_and_batch_size_do_not_matter(encoder):
    texts = [TEXT, "fish", "the moon", "a red bird in a tree", "sun"]
    together = encoder.encode_passages(texts, batch_size=5)
    apart = [encoder.encode_passages([text], batch_size=1)[0] for text in texts]
    for left, right in zip(together, apart, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)


def test_saved_and_opened_by_plain_sentence_transformers_it_is_the_same(encoder, tmp_path):
    encoder.save(tmp_path / "saved")
    plain = MultiVectorEncoder(str(tmp_path / "saved"), device="cpu")
    np.testing.assert_allclose(
        plain.encode_query(TEXT).numpy(), encoder.encode_queries([TEXT])[0], atol=1e-6
    )
    again = TokenEncoder.load(str(tmp_path / "saved"), device="cpu")
    assert again.hash == encoder.hash


def test_special_and_marker_tokens_of_our_own_encoders_are_not_scored(tiny_bert, tiny_xlmr):
    for folder in (tiny_bert, tiny_xlmr):
        encoder = TokenEncoder.load(str(folder), device="cpu")
        described = encoder.describe("the sea", "query")
        assert [t.role for t in described] == ["special", "prefix", "text", "text", "special"]
        assert [t.scored for t in described] == [False, False, True, True, False]


def test_markers_are_unused_pieces_where_there_are_some_and_new_tokens_where_not(
    tiny_bert, tiny_xlmr
):
    from transformers import AutoModel

    bert = TokenEncoder.load(str(tiny_bert), device="cpu").model
    assert bert.prompts["query"] == "[unused0]"
    xlmr = TokenEncoder.load(str(tiny_xlmr), device="cpu").model
    assert xlmr.prompts == {"query": "[Q]", "document": "[D]"}
    before = AutoModel.from_pretrained(tiny_xlmr).get_input_embeddings().num_embeddings
    assert xlmr[0].model.get_input_embeddings().num_embeddings == before + 2


def test_colbert_checkpoints_keep_their_own_query_expansion(pylate_folder, stanford_folder):
    for folder in (pylate_folder, stanford_folder):
        encoder = TokenEncoder.load(str(folder), device="cpu")
        assert encoder.encode_queries(["the sea"])[0].shape == (12, 8)
        kinds = [token.role for token in encoder.scored_tokens("the sea", "query")]
        assert kinds.count("mask") == 12 - 5


def test_text_of_nothing_to_score_has_no_vectors(tiny_bert):
    encoder = TokenEncoder.load(str(tiny_bert), device="cpu")
    assert encoder.encode_passages(["", "..."])[0].shape == (0, 32)
    assert encoder.encode_queries([]) == []


def test_too_long_a_text_is_cut_and_the_cut_counted(tiny_bert):
    encoder = TokenEncoder.load(str(tiny_bert), device="cpu")
    assert encoder.truncated("sea " * 10, "query") == 0
    assert encoder.truncated("sea " * 100, "query") == 100 + 3 - 64
    assert len(encoder.encode_queries(["sea " * 100])[0]) == 64 - 3


def test_the_hash_tells_weights_apart(tiny_bert, tmp_path):
    from safetensors.torch import load_file, save_file

    other = tmp_path / "other"
    shutil.copytree(tiny_bert, other)
    weights = load_file(other / "model.safetensors")
    weights["encoder.layer.0.output.dense.bias"] += 1e-3
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    first, second = (TokenEncoder.load(str(f), device="cpu").hash for f in (tiny_bert, other))
    assert first != second
    assert first == TokenEncoder.load(str(tiny_bert), device="cpu").hash


def test_pickled_weights_are_refused(tmp_path, tiny_bert):
    folder = tmp_path / "pickled"
    shutil.copytree(tiny_bert, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="pickle"):
        TokenEncoder.load(str(folder))


def test_unknown_names_and_empty_folders_are_one_sentence(tmp_path):
    for name in ("no-such-model", "owner/no-such-model", str(tmp_path)):
        with pytest.raises(InputError) as caught:
            TokenEncoder.load(name)
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)


@pytest.mark.slow
def test_words_of_the_prompt_typed_by_a_user_are_scored(with_embedded):
    encoder = TokenEncoder.load("embedded", device="cpu")
    pieces = [t.piece for t in encoder.scored_tokens("query: passage", "query")]
    assert pieces == ["que", "ry", ":", "passage"]
    roles = [t.role for t in encoder.describe("Ẹja, समुद्र!", "query")]
    assert roles[:4] == ["special", "prefix", "prefix", "prefix"]
    assert encoder.dimension == 384


def test_a_name_that_nothing_answers_to_is_refused_without_retries(monkeypatch):
    asked = []

    def model_info(self, name, **options):
        asked.append(name)
        raise ConnectionError("no route to the hub")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", model_info)
    with pytest.raises(InputError, match=r"unknown model 'nope': .*no route to the hub"):
        TokenEncoder.load("nope")
    assert asked == ["nope"]


@pytest.mark.parametrize("name", ["bm25", "bm25-stem-stopp", "psq", "bm25%", "bm25 embedded"])
def test_a_model_of_words_is_told_to_be_no_encoder(monkeypatch, name):
    def model_info(self, name, **options):
        raise ConnectionError("no route to the hub")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", model_info)
    with pytest.raises(InputError, match="is no encoder: the models of words are bm25 and psq@"):
        TokenEncoder.load(name)
    with pytest.raises(InputError, match="unknown model 'bm25s'"):
        TokenEncoder.load("bm25s")


def test_names_of_the_hub_open_from_its_cache(tiny_encoder, tiny_bert, tmp_path, monkeypatch):
    folders = {"org/multi": tiny_encoder, "org/plain": tiny_bert}
    for name, folder in folders.items():
        place = tmp_path / "hub" / f"models--{name.replace('/', '--')}"
        shutil.copytree(folder, place / "snapshots" / ("0" * 40))
        (place / "refs").mkdir()
        (place / "refs" / "main").write_text("0" * 40)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    found = [TokenEncoder.load(name, device="cpu").hash for name in folders]
    local = [TokenEncoder.load(str(folder), device="cpu").hash for folder in folders.values()]
    assert found == local


@pytest.mark.parametrize("content", [b"[]", b"\xff", b"[" * 100_000])
def test_a_damaged_description_of_an_encoder_is_passed_over(tiny_bert, tmp_path, content):
    folder = shutil.copytree(tiny_bert, tmp_path / "bert")
    (folder / "config_sentence_transformers.json").write_bytes(content)
    assert open_encoder(str(folder), device="cpu")[0].model.config.model_type == "bert"
