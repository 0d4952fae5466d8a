import json
import re
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optical_core.data.bitext import (
    Bitext,
    SentencePair,
    filter_pairs,
    normalise,
    read_bitext,
    read_bitexts,
)
from optical_core.data.xml import LARGEST
from optical_core.errors import InputError

TMX = """<?xml version="1.0" encoding="UTF-8"?>
<tmx version="1.4"><header srclang="en" segtype="sentence"/><body>
<tu tuid="1"><tuv xml:lang="en"><seg>The sea is <b>salty</b>.</seg></tuv>
<tuv xml:lang="sw"><seg>Bahari ni chumvi.</seg></tuv></tu>
<tu tuid="2"><tuv xml:lang="EN-us"><seg>The moon.</seg></tuv>
<tuv lang="sw-KE"><seg>Mwezi huu.</seg></tuv></tu>
</body></tmx>"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def texts(bitext):
    return [(p.english, p.foreign, p.language) for p in bitext.pairs]


TWO = [("The sea is salty.", "Bahari ni chumvi.", "sw"), ("The moon.", "Mwezi huu.", "sw")]


def test_two_columns_with_the_language_in_the_name(tmp_path):
    path = write(
        tmp_path / "eng-swa.tsv",
        "The sea is salty.\tBahari ni chumvi.\textra\nThe moon.\tMwezi huu.\n",
    )
    assert texts(read_bitext(path)) == TWO


def test_a_header_of_codes_pairs_english_with_every_other(tmp_path):
    path = write(tmp_path / "all.tsv", "fil\ten\tmr\nAng dagat\tThe sea\tसमुद्र आहे\n")
    assert texts(read_bitext(path)) == [
        ("The sea", "Ang dagat", "tl"),
        ("The sea", "समुद्र आहे", "mr"),
    ]
    assert texts(read_bitext(path, ["mar"])) == [("The sea", "समुद्र आहे", "mr")]


@pytest.mark.parametrize("names", [("train.en", "train.sw"), ("eng.txt", "swa.txt")])
def test_moses(tmp_path, names):
    write(tmp_path / names[0], "The sea is salty.\nThe moon.\n")
    write(tmp_path / names[1], "Bahari ni chumvi.\nMwezi huu.\n")
    assert texts(read_bitext(tmp_path)) == TWO
    assert texts(read_bitext(tmp_path / names[0])) == TWO


def test_moses_sides_of_unlike_length_are_refused(tmp_path):
    write(tmp_path / "train.en", "The sea.\nThe moon.\n")
    write(tmp_path / "train.sw", "Bahari.\n")
    with pytest.raises(InputError, match="2 lines"):
        read_bitext(tmp_path)


def test_tmx_plain_and_zipped(tmp_path):
    write(tmp_path / "a.tmx", TMX)
    assert texts(read_bitext(tmp_path / "a.tmx")) == TWO
    with zipfile.ZipFile(tmp_path / "b.tmx.zip", "w") as archive:
        archive.writestr("b.tmx", TMX)
        archive.writestr("__MACOSX/._b.tmx", "junk")
    assert texts(read_bitext(tmp_path / "b.tmx.zip")) == TWO


def test_tmx_of_any_number_of_units(tmp_path):
    """What is bounded is one unit's size, not the file's."""
    unit = (
        '<tu><tuv xml:lang="en"><seg>line {0}</seg></tuv>'
        '<tuv xml:lang="sw"><seg>mstari {0}</seg></tuv></tu>'
    )
    count = LARGEST // 4 + 1
    body = "".join(unit.format(number) for number in range(count))
    write(tmp_path / "many.tmx", f'<tmx version="1.4"><body>{body}</body></tmx>')
    assert len(read_bitext(tmp_path / "many.tmx").pairs) == count
    write(tmp_path / "one.tmx", f"<tmx><body><tu>{'<prop/>' * LARGEST}</tu></body></tmx>")
    with pytest.raises(InputError, match="too many in one tu"):
        read_bitext(tmp_path / "one.tmx")


def test_truncated_tmx_and_a_false_zip_are_one_sentence(tmp_path):
    for name, content in (("a.tmx", TMX[:250]), ("b.tmx.zip", "no zip")):
        with pytest.raises(InputError, match=name.split(".")[0]) as caught:
            read_bitext(write(tmp_path / name, content))
        assert "\n" not in str(caught.value)


def test_jsonl_in_its_three_forms(tmp_path):
    rows = [
        {"en": "The sea is salty.", "sw": "Bahari ni chumvi."},
        {"english": "The moon.", "foreign": "Mwezi huu.", "language": "swa"},
        {"translation": {"en": "The sun.", "so": "Qorraxda."}, "id": 3},
    ]
    path = write(tmp_path / "x.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert texts(read_bitext(path)) == [*TWO, ("The sun.", "Qorraxda.", "so")]


def test_a_datasets_folder(tmp_path):
    from datasets import Dataset

    Dataset.from_dict({"en": [p[0] for p in TWO], "sw": [p[1] for p in TWO]}).save_to_disk(
        tmp_path / "saved"
    )
    assert texts(read_bitext(tmp_path / "saved")) == TWO


def test_each_filter_drops_what_it_is_for_and_counts_it():
    pairs = [
        SentencePair("The sea is salty.", "Bahari ni chumvi.", "sw"),
        SentencePair("The sea is salty!", "bahari ni chumvi", "sw"),
        SentencePair("", "Bahari", "sw"),
        SentencePair("The moon.", "...", "sw"),
        SentencePair("Jupiter", "Jupiter", "sw"),
        SentencePair("The moon is a cold and small star.", "Mwezi", "sw"),
        SentencePair("The sun is hot.", "सूर्य गरम आहे", "sw"),
        SentencePair("The sun is hot.", "The sun is hot, yes", "mr"),
        SentencePair("Jupiter", "Jupiter", "en"),
    ]
    bitext = filter_pairs(pairs)
    assert len(bitext) == 2
    assert bitext.dropped == {
        "duplicate": 1,
        "empty": 2,
        "identical": 1,
        "length ratio": 1,
        "wrong script": 2,
    }
    assert "wrong script 2" in bitext.report()


def test_a_bad_line_is_told_with_its_number_and_passed_over(tmp_path, caplog):
    lines = [f"the sea {i}\tbahari {i}" for i in range(200)]
    lines[120] = "no tab here"
    path = write(tmp_path / "x.sw.tsv", "\n".join(lines))
    with caplog.at_level("WARNING"):
        assert len(read_bitext(path)) == 199
    assert "line 121" in caplog.text
    assert "x.sw.tsv" in caplog.text


def test_above_one_per_cent_of_bad_lines_it_stops(tmp_path):
    lines = [f"the sea {i}\tbahari {i}" for i in range(100)]
    lines[3] = lines[90] = "no tab here"
    with pytest.raises(InputError, match=r"2 of 100 lines.*line 4"):
        read_bitext(write(tmp_path / "x.sw.tsv", "\n".join(lines)))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.sw.tsv", b"", "empty"),
        ("x.sw.tsv", b"one column\n", "two tab-separated columns"),
        ("x.sw.tsv", "the sea\tbahar\xed\n".encode("latin-1"), "not UTF-8"),
        ("pairs.tsv", b"the sea\tbahari\n", "language can't be told"),
        ("x.docx", b"anything", "unknown form"),
        ("x.jsonl", b"{broken\n", "unreadable"),
    ],
)
def test_bad_files_are_one_sentence(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_bitext(path)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_a_missing_file_an_empty_folder_and_an_absent_language(tmp_path):
    with pytest.raises(InputError, match="no such"):
        read_bitext(tmp_path / "gone.tsv")
    with pytest.raises(InputError, match="has no bitext"):
        read_bitext(tmp_path)
    path = write(tmp_path / "x.sw.tsv", "the sea\tbahari\n")
    with pytest.raises(InputError, match="so"):
        read_bitext(path, ["so"])
    with pytest.raises(InputError, match="unknown language code 'qq'"):
        read_bitext(path, ["qq"])


@given(st.text())
def test_normalising_twice_is_normalising_once(text):
    assert normalise(normalise(text)) == normalise(text)


def test_the_hash_tells_versions_of_a_bitext_apart():
    sea, moon = SentencePair("sea", "bahari", "sw"), SentencePair("moon", "mwezi", "sw")
    assert Bitext((sea, moon)).hash == Bitext((sea, moon), {"empty": 1}).hash
    others = [(moon, sea), (sea,), (sea, SentencePair("moon", "mwezi", "so"))]
    assert len({Bitext(pairs).hash for pairs in [(sea, moon), *others]}) == 4


def test_a_language_may_lie_in_one_of_several_files(tmp_path):
    files = [
        write(tmp_path / "a.sw.tsv", "The sea.\tBahari.\n"),
        write(tmp_path / "b.so.tsv", "The sun.\tQorraxda.\n"),
    ]
    assert texts(read_bitexts(files, ["so"])) == [("The sun.", "Qorraxda.", "so")]
    assert len(read_bitexts(files).pairs) == 2
    with pytest.raises(InputError, match=r"no sentence pairs in ha in .*a\.sw\.tsv, .*b\.so\.tsv"):
        read_bitexts(files, ["ha"])


@pytest.mark.parametrize(
    ("english", "foreign"),
    [
        ("x.en", "x.sw"),
        ("x.eng_Latn", "x.swh_Latn"),
        ("x.en-US", "x.sw_KE"),
        ("x.EN", "x.SW"),
        ("x.[1].en", "x.[1].sw"),
        ("eng_Latn.txt", "swh_Latn.txt"),
        ("en.txt", "swa.txt"),
    ],
)
def test_both_sides_of_a_moses_pair_are_known_by_any_form_of_their_codes(
    tmp_path, caplog, english, foreign
):
    write(tmp_path / english, "The sea is salty.\nThe moon.\n")
    write(tmp_path / foreign, "Bahari ni chumvi.\nMwezi huu.\n")
    assert texts(read_bitext(tmp_path)) == TWO
    assert texts(read_bitext(tmp_path / english)) == TWO
    assert not caplog.text


@pytest.mark.parametrize(
    "root",
    ['<tmx xmlns="http://www.lisa.org/tmx14">', '<t:tmx xmlns:t="http://www.lisa.org/tmx14">'],
)
def test_tmx_with_a_namespace(tmp_path, root):
    prefix = "t:" if "t:" in root else ""
    tag = re.compile(r"(</?)(tmx|header|body|tu|tuv|seg|b)(?=[ >/])")
    named = tag.sub(rf"\1{prefix}\2", TMX.replace("<tmx version", f"{root[:-1]} version", 1))
    path = write(tmp_path / "a.tmx", named.replace("<t:t:", "<t:"))
    assert texts(read_bitext(path)) == TWO


def test_files_beside_bitext_that_are_not_read_are_named(tmp_path, caplog):
    write(tmp_path / "x.en", "The sea is salty.\n")
    write(tmp_path / "x.sw", "Bahari ni chumvi.\n")
    assert len(read_bitext(tmp_path)) == 1
    assert not caplog.text
    write(tmp_path / "more" / "b.sw.csv", "The moon.,Mwezi huu.\n")
    assert len(read_bitext(tmp_path)) == 1
    assert "passed over, since bitext has other forms: more/b.sw.csv" in caplog.text
