"""One form of a language's code on both sides; variants apart; unknown ones left out and said."""

import gzip
import json
import lzma

import pytest
from typer.testing import CliRunner

from optical_core.cli import app
from optical_core.data.bitext import read_bitext
from optical_core.data.bitext_names import foreign_language
from optical_core.data.collection import open_collection
from optical_core.data.languages import find_language, language, matching
from optical_core.data.lexicons import lexicon_of, lexicons_of
from optical_core.data.readers import import_collection
from optical_core.distill.config import DistillConfig
from optical_core.errors import InputError
from optical_core.models.translator import _tag_of, language_of_tag
from optical_core.study.config import StudyConfig
from optical_core.study.results import read_results

FLORES = (
    "ace_Arab ace_Latn acm_Arab aka_Latn arb_Arab arb_Latn asm_Beng azb_Arab azj_Latn bho_Deva "
    "ckb_Arab dzo_Tibt hat_Latn kab_Latn kas_Arab kas_Deva lvs_Latn mri_Latn nno_Latn nob_Latn "
    "nso_Latn quy_Latn sat_Olck srp_Cyrl tso_Latn twi_Latn tzm_Tfng ydd_Hebr yue_Hant zho_Hans "
    "zho_Hant"
).split()
"""Of FLORES-200's 204 files, those that are easily taken for one another, or unknown."""


def save(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def beir(folder, *codes):
    save(folder / "corpus.jsonl", {"_id": "d1", "title": "", "text": "salty sea water"})
    for code in codes:
        save(folder / "queries" / f"{code}.jsonl", {"_id": "q1", "text": f"sea in {code}"})
    (folder / "qrels.tsv").write_text("q1\td1\t1\n")
    return folder


def collection(folder, *codes):
    info = {"name": "c", "licence": "CC0", "source": "x", "languages": codes, "parallel": True}
    save(beir(folder, *codes) / "collection.json", info)
    return folder


def test_languages_of_flores_stay_apart():
    codes = [language(code).code for code in FLORES]
    assert len(set(codes)) == len(FLORES)
    assert {"zh", "zh-Hant", "ar", "ar-Latn", "ak", "tw", "nn", "no"} <= set(codes)


@pytest.mark.parametrize(
    ("forms", "code", "script"),
    [
        ("pt-BR pt_br por_BR PT-br pt-Latn-BR", "pt-BR", "LATIN"),
        ("zh-Hant zho_Hant ZH_HANT chi-hant", "zh-Hant", "CJK"),
        ("zh zh-Hans zho_Hans cmn zh_Hani", "zh", "CJK"),
        ("zh-TW zh-Hant-TW", "zh-TW", "CJK"),
        ("sr-Latn srp_Latn", "sr-Latn", "LATIN"),
        ("sr sr-Cyrl SRP", "sr", "CYRILLIC"),
        ("tl fil tgl tgl_Latn", "tl", "LATIN"),
        ("he iw heb", "he", "HEBREW"),
        ("en en_XX eng_Latn", "en", "LATIN"),
        ("es-419", "es-419", "LATIN"),
    ],
)
def test_a_code_has_one_form(forms, code, script):
    assert {(language(form).code, language(form).script) for form in forms.split()} == {
        (code, script)
    }


@pytest.mark.parametrize("code", ["qq", "en-foo", "en-train", "", "zh-", "x-klingon", "sw-Qqqq"])
def test_what_is_no_code_is_none(code):
    assert find_language(code) is None


def test_a_code_without_region_takes_its_regions_and_no_other_script():
    assert matching("pt", ["en", "pt-BR", "pt", "pt-PT"]) == ["pt-BR", "pt", "pt-PT"]
    assert matching("zh-Hant", ["zh", "zh-CN", "zh-TW", "zh-Hant"]) == ["zh-TW", "zh-Hant"]
    assert matching("sr", ["sr-Latn"]) == []


def test_both_chinese_scripts_are_imported(tmp_path):
    made = import_collection("beir", beir(tmp_path / "in", "zh-Hans", "zh-Hant"), tmp_path / "out")
    assert made.languages == ("zh", "zh-Hant")
    assert made.queries("zho_Hant") == {"q1": "sea in zh-Hant"}
    assert made.queries("zh-hans") == {"q1": "sea in zh-Hans"}


@pytest.mark.parametrize("codes", [("tl", "fil"), ("sw", "swh_Latn"), ("zh", "zh-Hans")])
def test_two_files_of_one_language_are_named(tmp_path, codes):
    with pytest.raises(InputError) as caught:
        import_collection("beir", beir(tmp_path / "in", *codes), tmp_path / "out")
    assert all(f"{code}.jsonl" in str(caught.value) for code in codes)
    with pytest.raises(InputError, match=f"{codes[0]} and {codes[1]} are both"):
        open_collection(collection(tmp_path / "col", *codes))


def test_flores_as_published_is_imported_and_says_what_it_left_out(tmp_path, caplog):
    folder = tmp_path / "flores"
    (folder / "dev").mkdir(parents=True)
    (folder / "metadata_dev.tsv").write_text("URL\tdomain\n" + "a\tn\n" * 2 + "b\tn\n" * 2)
    for code in ("eng_Latn", "qqq_Latn", *FLORES):
        (folder / "dev" / f"{code}.dev").write_text(f"{code} 0\n1\n{code} 2\n3\n")
    made = import_collection("flores200", folder, tmp_path / "out")
    assert len(made.languages) == 1 + len(FLORES)
    assert made.queries("zh-Hant")["a000"] == "zho_Hant 0"
    assert "qqq_Latn.dev" in caplog.text


@pytest.mark.parametrize(
    ("form", "files", "known"),
    [
        (
            "trec",
            {
                "topics.sw.tsv": "1\tbahari\n",
                "topics.qqq.tsv": "1\tx\n",
                "qrels.txt": "1 0 d 1\n",
                "docs.tsv": "d\tsea\n",
            },
            {"sw"},
        ),
        (
            "xquad_r",
            {
                f"{c}.json": json.dumps(
                    {
                        "data": [
                            {
                                "title": "t",
                                "paragraphs": [
                                    {"context": "sea", "qas": [{"id": "1", "question": c}]}
                                ],
                            }
                        ]
                    }
                )
                for c in ("en", "hi", "qqq")
            },
            {"en", "hi"},
        ),
        (
            "ntrex128",
            {
                "DOCUMENT_IDS.tsv": "a\na\n",
                **{
                    f"newstest2019-{c}.txt": f"{c}\nx\n"
                    for c in (
                        "src.eng",
                        "ref.eng-GB",
                        "ref.zho-CN",
                        "ref.zho-TW",
                        "ref.srp-Latn",
                        "ref.srp-Cyrl",
                        "ref.por",
                        "ref.por-BR",
                        "ref-2.por",
                        "ref.qqq",
                    )
                },
            },
            {"en", "zh-CN", "zh-TW", "sr", "sr-Latn", "pt"},
        ),
    ],
)
def test_unknown_languages_are_left_out_and_said(tmp_path, caplog, form, files, known):
    for name, text in files.items():
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text(text)
    made = import_collection(form, tmp_path / "in", tmp_path / "out")
    assert set(made.languages) == known
    assert "qqq" in caplog.text


@pytest.mark.parametrize(
    ("codes", "asked"),
    [
        (("en", "pt-BR"), "en,pt-BR"),
        (("en", "pt-BR"), "EN,pt_br"),
        (("en", "pt-BR"), "eng,pt"),
        (("eng_Latn", "por_BR"), "en,pt-BR"),
        (("en", "swh"), "en,SW"),
        (("en", "iw"), "en,heb"),
        (("en", "fil"), "en,tgl"),
    ],
)
def test_a_language_is_measured_whichever_form_either_side_has(tmp_path, codes, asked):
    folder = collection(tmp_path / "col", *codes)
    out = tmp_path / "out"
    arguments = ["evaluate", str(folder), "--models", "bm25", "--languages", asked]
    done = CliRunner().invoke(app, [*arguments, "--out", str(out)])
    assert done.exit_code == 0, done.output
    measured = {path.stem for path in (out / "bm25").glob("*.csv")}
    assert measured == {language(code).code for code in codes}
    assert set(read_results(out).languages) == measured


def test_settings_bring_codes_to_their_form():
    config = DistillConfig(
        name="x", bitext=("demo",), languages="swa, fil", dev_languages=["pt_br"]
    )
    assert (config.languages, config.dev_languages) == (("sw", "tl"), ("pt-BR",))
    study = StudyConfig(name="x", collections=("demo",), languages=["EN", "swa"], low=["swh"])
    assert (study.languages, study.low) == (("en", "sw"), ("sw",))
    with pytest.raises(ValueError, match="write 'no' in quotes"):
        StudyConfig(name="x", collections=("demo",), languages=["en", False])


def test_a_lexicon_is_found_by_any_form_of_its_name(tmp_path):
    (tmp_path / "swh.tsv").write_text("bahari\tsea\t1\n")
    assert lexicon_of(tmp_path, "sw") == lexicon_of(tmp_path, "sw-KE") == {"bahari": {"sea": 1.0}}
    (tmp_path / "swa.tsv").write_text("bahari\tsea\t1\n")
    with pytest.raises(InputError, match=r"swa\.tsv and .*swh\.tsv"):
        lexicon_of(tmp_path, "sw")


def test_all_lexicons_of_a_folder_are_read_packed_or_not(tmp_path):
    assert lexicons_of(tmp_path / "none") == {}
    line = "bahari\tsea\t1\n"
    (tmp_path / "so.tsv.gz").write_bytes(gzip.compress(line.encode()))
    for name in ("swh.tsv", "._swh.tsv", "notes.txt"):
        (tmp_path / name).write_text(line)
    assert lexicons_of(tmp_path) == {code: {"bahari": {"sea": 1.0}} for code in ("so", "sw")}
    (tmp_path / "swh.tsv.xz").write_bytes(lzma.compress(line.encode()))
    with pytest.raises(InputError, match="are both there"):
        lexicons_of(tmp_path)


def test_a_translator_keeps_scripts_apart():
    tags = {language_of_tag(tag): tag for tag in ("zho_Hans", "zho_Hant", "srp_Cyrl", "eng_Latn")}
    assert (_tag_of("zh", tags), _tag_of("zh-TW", tags)) == ("zho_Hans", "zho_Hant")
    assert _tag_of("sr-Latn", tags) is None
    assert _tag_of("zh-Hant", {"zh": "__zh__"}) == "__zh__"
    assert _tag_of("pt-BR", {"pt": "pt_XX"}) == "pt_XX"


def test_variants_of_a_bitext_stay_apart(tmp_path):
    (tmp_path / "all.tsv").write_text("en\tzh-Hans\tzh-Hant\tqqq\nThe sea\t海水咸\t海水鹹\tx\n")
    pairs = read_bitext(tmp_path / "all.tsv").pairs
    assert [(p.foreign, p.language) for p in pairs] == [("海水咸", "zh"), ("海水鹹", "zh-Hant")]
    assert len(read_bitext(tmp_path / "all.tsv", ["zho_Hant"])) == 1


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("eng-swa.tsv", "sw"),
        ("news.zh-TW.tsv", "zh-TW"),
        ("en-pt_br.tsv", "pt-BR"),
        ("pt-br.tsv", "pt-BR"),
        ("en-IN.tsv", None),
        ("en-it.tsv.gz", "it"),
        ("swa-eng.tsv", "sw"),
        ("eng_Latn-zho_Hant.tsv", "zh-Hant"),
        ("train.tsv", None),
        ("en-sw-TZ.txt", "sw"),
    ],
)
def test_a_name_tells_a_language_with_its_script_and_region(tmp_path, name, code):
    assert foreign_language(tmp_path / name) == code


def test_a_folder_is_read_without_the_files_of_unknown_languages(tmp_path, caplog):
    (tmp_path / "sw.tsv").write_text("The sea\tbahari\n")
    (tmp_path / "qqq.tsv").write_text("The sea\tx\n")
    save(tmp_path / "x.jsonl", {"en": "The moon", "sw": "mwezi", "qqq": "x", "url": "http://x"})
    assert len(read_bitext(tmp_path)) == 2
    assert "qqq.tsv" in caplog.text
    assert "qqq 1" in caplog.text
    (tmp_path / "sw.tsv").unlink()
    (tmp_path / "x.jsonl").unlink()
    with pytest.raises(InputError, match="language can't be told"):
        read_bitext(tmp_path)


def test_endless_blank_lines_are_refused(tmp_path):
    path = tmp_path / "x.sw.tsv.gz"
    path.write_bytes(gzip.compress(b"The sea\tbahari\n" + b"\n" * 1_100_000))
    with pytest.raises(InputError, match="more than 1,000,000 blank lines"):
        read_bitext(path)
