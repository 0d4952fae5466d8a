"""Words in every script: by spaces if there are any, else by ICU's dictionaries, or in pairs."""

import logging
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from optical_core.data import words as module
from optical_core.data.collection import CollectionInfo, Passage, write_collection
from optical_core.data.overlap import collection_sentences
from optical_core.data.words import fold, has_unspaced, word_rules, word_spans, word_starts, words

SENTENCES = {
    "Thai": "ภาษาไทยเป็นภาษาที่มีระดับเสียงของคำแน่นอน ทุกๆ วัน",
    "Khmer": "ភាសាខ្មែរគឺជាភាសាកំណើតរបស់ជនជាតិខ្មែរ។",
    "Lao": "ພາສາລາວເປັນພາສາທີ່ໃຊ້ໃນປະເທດລາວ",
    "Burmese": "မြန်မာဘာသာစကားသည် မြန်မာနိုင်ငံ၏ ရုံးသုံးဘာသာစကားဖြစ်သည်။",
    "Chinese": "北京大学的学生，喝了三杯咖啡😀然后去图书馆看书。",
    "Japanese": "日本語の文章を単語に分割するのは「難しい」。𠮷野家でカレーを食べた",
}
KNOWN = {
    "ฉันกินข้าว": ["ฉัน", "กิน", "ข้าว"],
    "海水是咸的": ["海水", "是", "咸", "的"],
    "我用iPhone手机，走了3.5公里": "我 用 iphone 手机 走了 3 5 公里".split(),
    "ＮＨＫのｶﾞｲﾄﾞ": ["nhk", "の", "ガイド"],
    "don't 海水": ["don't", "海水"],
}
PAIRS = {
    "海水是咸的": ["海水", "水是", "是咸", "咸的"],
    "海 water 水": ["海", "water", "水"],
    "ភាសាខ្មែរ": ["ភាសា", "សាខ្", "ខ្មែ", "មែរ"],
    "ＮＨＫの話": ["nhk", "の話"],
}


@pytest.fixture
def icu():
    return pytest.importorskip("icu4py.breakers", reason='needs pip install ".[words]"')


@pytest.fixture
def no_icu(monkeypatch):
    monkeypatch.setattr(module, "_icu", lambda: None)
    module._told_pairs.cache_clear()


@pytest.mark.parametrize("text", SENTENCES.values(), ids=SENTENCES)
def test_scripts_without_spaces_are_cut_as_icu_cuts_them(icu, text):
    wanted = [word for word in icu.WordBreaker(text, "en") if any(map(str.isalnum, word))]
    assert words(text) == wanted
    assert len(wanted) > 2 * len(text.split())


@pytest.mark.parametrize(("text", "wanted"), KNOWN.items())
def test_spaces_and_scripts_without_them_may_be_mixed(icu, text, wanted):
    assert words(text) == wanted


@pytest.mark.parametrize(("text", "wanted"), PAIRS.items())
def test_without_icu_words_are_pairs_of_characters_with_their_marks(no_icu, text, wanted):
    assert words(text) == wanted


def test_pairs_are_told_once_and_only_where_they_occur(no_icu, caplog):
    with caplog.at_level(logging.WARNING):
        words("bahari ina chumvi")
        assert not caplog.records
        assert words("海水") == words("海水") == ["海水"]
    (record,) = caplog.records
    assert 'pip install "optical-workbench[words]"' in record.message
    assert word_rules() == "pairs of characters"


def test_what_cuts_words_is_told(icu):
    assert word_rules().startswith("icu4py 1.")


def test_which_texts_need_it():
    assert all(map(has_unspaced, SENTENCES.values()))
    assert not has_unspaced("सूर्य བོད་སྐད ስላም 안녕 ฿5 a・b")


def shown(text):
    starts = word_starts(text)
    return [text[a:b].strip() for a, b in pairwise([*starts, len(text)])]


def test_a_view_of_words_leaves_nothing_out(icu):
    assert shown("(Sea, salt) don't co-op") == ["(Sea,", "salt)", "don't", "co-op"]
    assert shown("他说：「你好」，3.5公里。") == ["他", "说：", "「你好」，", "3.5", "公里。"]
    assert shown('海 "水" (海水)') == ["海", '"水"', "(海水)"]
    assert shown(" ") == []


def test_without_icu_a_view_of_words_has_characters(no_icu):
    assert shown("海水 sea") == ["海", "水", "sea"]


ALPHABET = "aéZ'ʼ’-. (「」。ภาที่ไทยខ្មែរລາວမြန်海水ガｶﾞー々がＡ\u200d\u200b\u0301😀𠮷"


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet=ALPHABET, max_size=30))
def test_words_follow_one_another_and_have_all_letters(text):
    pytest.importorskip("icu4py", reason='needs pip install ".[words]"')
    folded = fold(text)
    spans = word_spans(folded)
    assert [folded[s.start : s.end] for s in spans] == words(text)
    for before, after in pairwise(spans):
        assert before.end <= after.start
    kept = "".join(words(text))
    assert [c for c in folded if c.isalnum()] == [c for c in kept if c.isalnum()]
    assert "".join(shown(text)) == "".join(text.split())


def test_sentences_without_spaces_count_in_the_check_of_training_data(icu, tmp_path):
    info = CollectionInfo(name="x", licence="x", source="x", languages=("zh",), parallel=False)
    texts = "河水把盐带到海里。月亮的引力使海洋涨潮。"
    collection = write_collection(
        tmp_path / "x", info, [Passage("p", "", texts)], {"zh": {"q": "盐"}}, {"q": {"p": 1}}
    )
    found = collection_sentences(collection)
    assert {"河水把盐带到海里", "月亮的引力使海洋涨潮"} < found
    assert "盐" not in found


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=[chr(code) for code in range(128)], max_size=40))
@example("Don't 'stop' it's_2 o''clock\x1c4")
def test_texts_in_ascii_have_a_shorter_way_to_the_same_words(text):
    folded = fold(text)
    assert words(text) == [folded[span.start : span.end] for span in word_spans(folded)]
