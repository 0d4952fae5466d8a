"""What a token's text is: one after the other, the tokens read as the text."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from optical_core.data.words import word_starts
from optical_core.models.embedded import MARKERS, QUERY_PROMPT
from optical_core.models.tokens import describe_tokens, visible
from optical_core.ui.links import label

TEXTS = {
    "Thai": "หมอให้ยาแก่คนไข้ทุกวัน",
    "Chinese": "医生每天给病人开药。",
    "Japanese": "医者は毎日、患者に薬を出します。",
    "Khmer": "គ្រូពេទ្យផ្តល់ថ្នាំដល់អ្នកជំងឺរាល់ថ្ងៃ។",
    "Lao": "ທ່ານໝໍໃຫ້ຢາແກ່ຄົນເຈັບທຸກມື້",
    "Burmese": "ဆရာဝန်က လူနာကို နေ့တိုင်း ဆေးပေးတယ်။",
    "Hindi": "डॉक्टर हर दिन मरीज़ को दवा देता है।",
    "Arabic": "الطَّبِيبُ يُعْطِي المَرِيضَ دَوَاءً كُلَّ يَوْمٍ؟",
    "Hebrew": "שָׁלוֹם עֲלֵיכֶם, עולם!",
    "Amharic": "ሐኪሙ ለታካሚው መድሃኒት ይሰጣል።",
    "Tibetan": "བཀྲ་ཤིས་བདེ་ལེགས།",
    "decomposed": "e\u0301te\u0301 cafe\u0301s \u1112\u1161\u11ab",
    "full width": "ＡＢＣ １２３ ｶﾞ ﬁne ½ ㍿ ﷺ says ﷺ",
    "emoji": "hi 👩‍👩‍👧 flag 🇸🇴 ok👍🏽 ❤️",
    "blanks": "  a\u00a0b \u200bc\t\n d ",
    "own marks": "a Ġ b ## c",
    "special tokens": "a <mask>b </s> [MASK] c",
}


def byte_level():
    """RoBERTa's and its heirs' kind: bytes as characters, blanks as Ġ."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=280, initial_alphabet=alphabet, special_tokens=["<mask>"]
    )
    tokenizer.train_from_iterator(["医生 หมอ ok "] * 3, trainer)
    return tokenizer


def byte_fallback():
    """Gemma's and Llama's kind: pieces, and bytes where there is none."""
    from tokenizers import Tokenizer, models, normalizers

    pieces = ["<unk>", "<mask>", *(f"<0x{byte:02X}>" for byte in range(256)), *"▁hiok医"]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=[], byte_fallback=True, unk_token="<unk>")
    )
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    return tokenizer


@pytest.fixture(scope="module")
def tokenizers(tiny_bert, tiny_xlmr):
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    folders = {"BERT": tiny_bert, "XLM-R": tiny_xlmr}
    opened = {name: AutoTokenizer.from_pretrained(folder) for name, folder in folders.items()}
    for name, made in (("bytes", byte_level()), ("fallback", byte_fallback())):
        opened[name] = PreTrainedTokenizerFast(tokenizer_object=made, mask_token="<mask>")
    return opened


@pytest.fixture(scope="module")
def embedded(embedded_home):
    """The embedded encoder's tokenizer: 250,000 pieces, half a gigabyte while it is read."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(next((embedded_home / "models").iterdir()))


@pytest.fixture
def tokenizer(kind, request):
    if kind == "embedded":
        return request.getfixturevalue("embedded")
    return request.getfixturevalue("tokenizers")[kind]


KINDS = (pytest.param("embedded", marks=pytest.mark.slow), "BERT", "XLM-R", "bytes", "fallback")


def tokens_of(tokenizer, text, prompt="", length=10_000, spaces=True):
    markers = frozenset(tokenizer.convert_tokens_to_ids(list(MARKERS))) if prompt else frozenset()
    found = describe_tokens(tokenizer, text, prompt, markers, length, spaces=spaces)
    return [token for token in found if token.role in ("text", "punctuation")]


def read(tokens):
    return "".join(token.piece for token in tokens)


def words(tokens):
    made = {}
    for token in tokens:
        made[token.word] = made.get(token.word, "") + token.piece
    return list(made.values())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_tokens_read_as_the_text(tokenizer, kind, text):
    tokens = tokens_of(tokenizer, text)
    assert read(tokens) == "".join(text.split())
    assert words(tokens) == text.split()
    assert all(text[token.start : token.end] == token.piece for token in tokens)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_in_scripts_without_spaces_tokens_belong_to_words(tokenizer, kind, text):
    tokens = tokens_of(tokenizer, text, spaces=False)
    assert read(tokens) == "".join(text.split()) == "".join(words(tokens))
    numbers = [token.word for token in tokens if token.piece]
    assert numbers == sorted(numbers)
    starts = word_starts(text)
    edges = list(pairwise([*starts, len(text)]))
    whole = [text[a:b].strip() for a, b in edges]
    if kind == "fallback":  # its tokens are within characters
        assert words(tokens) == whole
    assert set(numbers) <= set(range(len(whole)))
    for token in tokens:
        cuts = [max(0, min(token.end, b) - max(token.start, a)) for a, b in edges]
        assert not token.piece or cuts[token.word] == max(cuts)


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_with_a_prompt_they_read_as_the_text_too(embedded, text):
    for prompt in (QUERY_PROMPT, "query: "):
        assert read(tokens_of(embedded, text, prompt)) == "".join(text.split())


@pytest.mark.slow
def test_a_lone_mark_takes_no_letter_and_belongs_to_the_word_that_it_begins(embedded):
    tokens = tokens_of(embedded, TEXTS["Thai"])
    assert [token.piece for token in tokens[:3]] == ["", "หมอ", "ให้"]
    tokens = tokens_of(embedded, TEXTS["Burmese"])
    marks = [(token.word, token.piece) for token in tokens if not token.piece]
    assert marks == [(2, ""), (3, "")]


def test_of_a_character_in_several_tokens_the_first_has_the_text(tokenizers):
    pieces = [token.piece for token in tokens_of(tokenizers["fallback"], "每天")]
    assert pieces == ["每", "", "", "天", "", ""]


@pytest.mark.slow
def test_of_a_text_that_is_cut_the_end_is_left_out(embedded):
    text = TEXTS["Thai"]
    tokens = tokens_of(embedded, text, length=5)
    assert read(tokens) == "หมอให้"
    assert tokens_of(embedded, " \t")[0].word == -1


SCRIPTS = "aé e\u0301ก็ขคนไข้医生ひらがなក្រុមມື້ကို\u1039क्षी\u0652عربي\u200d👩🏽‍🚀ＡﬁーΣß "


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet=SCRIPTS, max_size=40))
@example(text="\u200d ")
@example(text="\u200d  a \u200d b")
def test_whatever_the_mixture_nothing_is_doubled_or_lost(tokenizers, embedded, text):
    for tokenizer in (embedded, tokenizers["bytes"], tokenizers["fallback"]):
        tokens = tokens_of(tokenizer, text)
        # A word of joiners alone is dropped by SentencePiece's normalisation: it may have no token.
        kept = [word for word in text.split() if word.strip("\u200d")]
        assert [word for word in words(tokens) if word.strip("\u200d")] == kept
        spans = [(token.start, token.end) for token in tokens]
        assert spans == sorted(spans)


def test_what_can_not_be_seen_alone_has_a_sign():
    assert [visible(piece) for piece in ("", "\u200d", "\ufe0f", "หมอ")] == ["▁", "▁", "▁", "หมอ"]
    assert visible("\u0e37\u0e49") == "◌\u0e37\u0e49"
    assert label("") == "▁"


def test_a_label_is_cut_between_letters_with_their_accents():
    assert label("กื้" * 3, 3) == "กื้" * 3
    assert label("กื้" * 4, 3) == "กื้" * 2 + "…"
    assert label("👩‍👩‍👧👩‍👩‍👧", 10) == "👩‍👩‍👧…"
    assert label("医生每天给病人", 8) == "医生每…"
