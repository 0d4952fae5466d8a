"""Tables with more than two columns, markup in sentences, names that look like patterns."""

import pytest

from optical_core.data.bitext import read_bitext
from optical_core.data.readers.sgml import field, plain_text
from optical_core.data.sentence_pairs import plain_sentence
from optical_core.errors import InputError

PAIRS = [("Let us try that now.", "Ngoja tujaribu sasa."), ("The sea and you.", "Bahari na wewe.")]
TABLES = {
    "plain": "{0}\t{1}\n",
    "ids": "127{n}\t{0}\t7{n}\t{1}\n",
    "codes": "1{n}\teng\t{0}\t2{n}\tswa\t{1}\n",
    "score first": "1.0{n}5\t{0}\t{1}\n",
    "scores last": "{0}\t{1}\t0.9{n}\t1e-{n}\n",
    "addresses": "https://a.org/{n}\thttps://b.org/{n}\t{0}\t{1}\t0.5\n",
    "credits": "{0}\t{1}\tCC-BY 2.0 (France) Attribution #{n}\n",
}


def read(path, text):
    path.write_text("\ufeff" + text, encoding="utf-8")
    return [(pair.english, pair.foreign) for pair in read_bitext(path).pairs]


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("form", TABLES.values(), ids=TABLES)
def test_sentences_are_found_among_other_columns(tmp_path, form, swapped):
    sides = [(b, a) if swapped else (a, b) for a, b in PAIRS]
    text = "".join(form.format(*pair, n=n) for n, pair in enumerate(sides, 1))
    name = "swa-eng.tsv" if swapped else "eng-swa.tsv"
    assert read(tmp_path / name, text) == PAIRS


def test_what_the_columns_hold_outweighs_the_name(tmp_path):
    text = "समुद्र खारा आहे\tSalty sea water\nचंद्र थंड आहे\tCold moon\n"
    assert read(tmp_path / "eng-mar.tsv", text)[0] == ("Salty sea water", "समुद्र खारा आहे")


@pytest.mark.parametrize(
    "header", ["id\ten\tsw\tscore", "ID\tEnglish\tSwahili\tscore", "n\teng_Latn\tswh_Latn\tx"]
)
def test_a_header_names_the_columns(tmp_path, header):
    rows = "".join(f"{n}\t{a}\t{b}\t0.{n}\n" for n, (a, b) in enumerate(PAIRS, 1))
    assert read(tmp_path / "x.tsv", f"{header}\n{rows}") == PAIRS


@pytest.mark.parametrize("header", ["source\ttarget", "src_text\ttgt_text", "sentence1\tsentence2"])
def test_a_header_without_languages_is_no_pair(tmp_path, header):
    rows = "".join(f"{a}\t{b}\n" for a, b in PAIRS)
    assert read(tmp_path / "x.sw.tsv", f"{header}\n{rows}") == PAIRS


def test_indonesian_is_no_id(tmp_path):
    assert read(tmp_path / "x.tsv", "en\tid\nThe sea\tLaut\n") == [("The sea", "Laut")]
    path = tmp_path / "x.jsonl"
    path.write_text('{"en": "The sea", "id": "Laut"}\n{"id": "x7", "en": "Moon", "sw": "Mwezi"}\n')
    assert [(p.foreign, p.language) for p in read_bitext(path).pairs] == [
        ("Laut", "id"),
        ("Mwezi", "sw"),
    ]


@pytest.mark.parametrize(
    "text", ["1276\tHelp!\n1277\tRun!\n", "Help!\thttp://a.org\nRun!\thttp://b\n"]
)
def test_numbers_and_addresses_are_no_sentences(tmp_path, text):
    with pytest.raises(InputError, match="has numbers or addresses"):
        read(tmp_path / "eng-swa.tsv", text)


TMX = """<?xml version="1.0"?><tmx version="1.4"><header/><body><tu>
<tuv xml:lang="en-US"><seg>Press <bpt i="1">&lt;b&gt;</bpt>Save<ept i="1">&lt;/b&gt;</ept>
<hi>now</hi>
<ph><sub>x</sub>{0}</ph>, &lt;i&gt;please&lt;/i&gt; &amp;amp;
go<it pos="begin">&lt;p&gt;</it>.</seg></tuv>
<tuv xml:lang="en-GB"><seg>Kindly press it.</seg></tuv>
<tuv xml:lang="pt-BR"><seg>Aperte <ut>{\\b }</ut><!-- no --><g id="1">Salvar</g>.</seg></tuv>
<tuv xml:lang="pt-PT"><seg>Prima Guardar.</seg></tuv>
<tuv xml:lang="qqq"><seg>x</seg></tuv></tu></body></tmx>"""


def test_markup_of_a_translation_memory_is_no_text(tmp_path):
    (tmp_path / "t.tmx").write_text(TMX)
    pairs = read_bitext(tmp_path / "t.tmx", max_length_ratio=9).pairs
    assert {(p.foreign, p.language) for p in pairs} == {
        ("Aperte Salvar.", "pt-BR"),
        ("Prima Guardar.", "pt-PT"),
    }
    assert {p.english for p in pairs} == {"Press Save now , please & go.", "Kindly press it."}
    assert len(pairs) == 4


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("AT&T &amp; 3 < 4 &quot;x&#39;", "AT&T & 3 < 4 \"x'"),
        ("x &lt; y &para m", "x < y &para m"),
        ('<g id="1">Sa</g>ve<br/>it, <xliff:g>%s</xliff:g>', "Save it, %s"),
        ("a <name> and <b", "a <name> and <b"),
    ],
)
def test_tags_and_entities_become_text(text, plain):
    assert plain_sentence(text) == plain


def test_sgml_with_comments_attributes_and_sections():
    assert plain_text("<P>a <!-- <b> > --> b <![CDATA[c]]> <?x y?>d</P>") == "a b c d"
    assert field('<TEXT lang="en">sea</TEXT >', "TEXT") == "sea"


@pytest.mark.parametrize("stem", ["train[1]", "a*b", "x?", "[!a]"])
def test_a_name_is_no_pattern(tmp_path, stem):
    folder = tmp_path / "data[x]*"
    folder.mkdir()
    (folder / f"{stem}.en").write_text("Hello my friend.\n")
    (folder / f"{stem}.sw").write_text("Habari rafiki yangu.\n")
    assert len(read_bitext(folder / f"{stem}.en")) == len(read_bitext(folder)) == 1
