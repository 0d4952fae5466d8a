"""Translation by a tiny sequence-to-sequence model that the test makes."""

import json

import pytest
import torch
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.errors import InputError
from optical_core.models.translator import Translator
from tests.conftest import WORDS


def write_translator(folder, tags=()):
    """A tiny BART with a word-level tokenizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BartConfig, BartForConditionalGeneration, PreTrainedTokenizerFast

    pieces = ["<s>", "<pad>", "</s>", "<unk>", *dict.fromkeys(WORDS)]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=32,
    )
    fast.add_tokens(list(tags), special_tokens=True)
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = BartConfig(
        vocab_size=len(fast),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=96,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
        forced_eos_token_id=2,
    )
    BartForConditionalGeneration(config).save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_texts_are_translated_in_their_order(tmp_path):
    translator = Translator.load(str(write_translator(tmp_path / "mt")))
    texts = ["maji ya bahari", "samaki", "mji kubwa ni wapi ?"]
    together = translator.translate(texts, "sw", batch_size=2)
    assert len(together) == 3
    assert [translator.translate([text], "sw")[0] for text in texts] == together


def test_a_model_with_language_tokens_is_told_both_languages(tmp_path):
    translator = Translator.load(str(write_translator(tmp_path / "mt", ["swh_Latn", "eng_Latn"])))
    english = translator.tokenizer.convert_tokens_to_ids("eng_Latn")
    assert translator._choose("sw") == {"forced_bos_token_id": english}
    assert translator.tokenizer.src_lang == "swh_Latn"
    with pytest.raises(InputError, match="does not translate from Somali"):
        translator.translate(["badda"], "so")


def test_what_is_no_translator_is_refused(tiny_bert, tmp_path):
    for name in (str(tiny_bert), str(tmp_path / "nowhere")):
        with pytest.raises(InputError, match="can't be opened as a translation model"):
            Translator.load(name)


@pytest.mark.slow
def test_translated_queries_are_searched(tmp_path, collection):
    model = write_translator(tmp_path / "mt")
    out = tmp_path / "translations"
    done = CliRunner().invoke(
        app, ["translate", str(collection.folder), "--model", str(model), "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in (out / "sw.jsonl").read_text().splitlines()]
    assert [row["_id"] for row in rows] == ["q1", "q2", "q3"]
    spec = f"bm25@{out}"
    results = tmp_path / "results"
    done = CliRunner().invoke(
        app,
        ["evaluate", str(collection.folder), "--models", f"bm25,{spec}", "--out", str(results)],
    )
    assert done.exit_code == 0, done.output
    assert any(path.name.startswith("bm25@") for path in results.iterdir())


def test_an_unknown_model_is_refused_by_one_question_to_the_hub(monkeypatch):
    asked = []

    def model_info(self, name, **options):
        asked.append((name, options))
        raise ConnectionError("no route to the hub")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", model_info)
    with pytest.raises(InputError, match=r"'nope' can't be opened as a .*: no route to the hub"):
        Translator.load("nope")
    assert asked == [("nope", {"timeout": 10})]
