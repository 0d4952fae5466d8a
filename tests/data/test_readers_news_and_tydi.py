"""Mr. TyDi, HC4 and NeuCLIR: made-up files in the published layouts."""

import gzip
import json

import pytest

from optical_core.data.readers import import_collection
from optical_core.errors import InputError


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def rows(*values):
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def refused(form, source, match, **options):
    target = source.parent / "installed" / "out"
    with pytest.raises(InputError, match=match) as caught:
        import_collection(form, source, target, **options)
    assert "\n" not in str(caught.value)
    assert not target.parent.exists() or not list(target.parent.iterdir())


# --- Mr. TyDi -----------------------------------------------------------------------------------


@pytest.fixture
def archive(source):
    folder = source / "mrtydi-v1.1-swahili"
    write(folder / "topic.test.tsv", "0\tBahari ni nini?\n1\tMwezi uko wapi?\n")
    write(folder / "qrels.test.txt", "0 Q0 7#1 1\n1 Q0 8#0 1\n")
    write(folder / "topic.train.tsv", "9\tSamaki?\n")
    write(folder / "qrels.train.txt", "9 Q0 8#0 1\n")
    write(
        folder / "collection" / "docs.jsonl.gz",
        rows(
            {"id": "7#1", "contents": "Bahari\n\nMaji ya chumvi."},
            {"id": "8#0", "contents": "Mwezi unazunguka dunia."},
        ),
    )
    return folder


def test_mrtydi_takes_the_test_split_of_a_language(archive, source, tmp_path):
    made = import_collection("mrtydi", source, tmp_path / "out")
    assert made.languages == ("sw",)
    assert not made.info.parallel
    assert made.info.passage_language == "sw"
    assert made.queries("sw") == {"0": "Bahari ni nini?", "1": "Mwezi uko wapi?"}
    assert made.by_id["7#1"].title == "Bahari"
    assert made.by_id["8#0"].text == "Mwezi unazunguka dunia."
    assert made.qrels("sw") == {"0": {"7#1": 1}, "1": {"8#0": 1}}


def test_mrtydi_as_the_hub_has_it_and_by_its_own_folder(source, tmp_path):
    folder = source / "mrtydi-v1.1-telugu"
    write(folder / "ir-format-data" / "topics.dev.txt", "3\tసముద్రం ఏమిటి?\n")
    write(folder / "ir-format-data" / "qrels.dev.txt", "3 Q0 1#2 1\n")
    write(folder / "corpus.jsonl.gz", rows({"docid": "1#2", "title": "సముద్రం", "text": "నీరు"}))
    made = import_collection("mrtydi", folder, tmp_path / "out")
    assert made.queries("te") == {"3": "సముద్రం ఏమిటి?"}
    assert made.by_id["1#2"].title == "సముద్రం"


def test_mrtydi_of_several_languages_asks_which(archive, source, tmp_path):
    write(source / "mrtydi-v1.1-finnish" / "topic.test.tsv", "0\tMeri?\n")
    refused("mrtydi", source, "several languages .fi, sw.: say which")
    assert import_collection("mrtydi", source, tmp_path / "o", unit="swa").languages == ("sw",)
    refused("mrtydi", source, "no Mr. TyDi in 'ko', only fi, sw", unit="ko")
    refused("mrtydi", source, "no topic.<split>.tsv", unit="fi")


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("topic.test.tsv", "0 Bahari\n", "line 1"),
        ("qrels.test.txt", "0 Q0 7#1\n", "line 1"),
        ("collection/docs.jsonl.gz", '{"id": "7#1"}\n', "line 1: id and contents"),
        ("collection/docs.jsonl.gz", '{"id": "7#1", "cont', "line 1"),
    ],
)
def test_mrtydi_with_a_wrong_line_names_it(archive, source, name, content, match):
    write(archive / name, content)
    refused("mrtydi", source, match)


def test_mrtydi_elsewhere_is_refused(source):
    refused("mrtydi", source, "no folder mrtydi-v1.1-")


def test_mrtydi_cut_short_is_refused(archive, source):
    path = archive / "collection" / "docs.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-12])
    refused("mrtydi", source, "docs.jsonl.gz")


# --- HC4 and NeuCLIR ----------------------------------------------------------------------------


def topic(identifier, english, chinese, judged=("zho",)):
    forms = [
        ("eng", "original", english),
        ("zho", "human translation", chinese),
        ("fas", "20220114-scale21-sockeye2-tm1", "machine"),
    ]
    return {
        "topic_id": identifier,
        "languages_with_qrels": list(judged),
        "narratives": {},
        "report": {"url": "", "text": "", "date": ""},
        "topics": [
            {"lang": code, "source": origin, "topic_title": text, "topic_description": f"{text}."}
            for code, origin, text in forms
        ],
    }


@pytest.fixture
def hc4(source):
    resources = source / "resources" / "hc4"
    write(resources / "dev.topics.v1-0.jsonl", rows(topic("1", "Sea", "海")))
    write(
        resources / "test.topics.v1-0.jsonl", rows(topic("2", "Moon", "月"), topic("3", "X", "x"))
    )
    write(resources / "zho" / "dev.qrels.v1-0.txt", "1 0 d1 3\n")
    write(resources / "zho" / "test.qrels.v1-0.txt", "2 0 d2 1\n2 0 d1 0\n")
    write(resources / "zho" / "ids.jsonl.gz", rows({"id": "d1"}))
    other = {"cc_file": "f", "time": None, "url": "u"}
    documents = [
        {"id": "d1", "title": "海", "text": "盐水", **other},
        {"id": "d2", "title": None, "text": "月亮", **other},
    ]
    write(source / "data" / "zho" / "hc4_docs.jsonl", rows(*documents))
    return source


def test_hc4_has_english_needs_and_their_human_translations(hc4, tmp_path):
    made = import_collection("neuclir", hc4, tmp_path / "out")
    assert made.queries("en") == {"2": "Moon Moon."}
    assert made.queries("zh") == {"2": "月 月."}
    assert made.info.parallel
    assert made.info.passage_language == "zh"
    assert sorted(made.by_id) == ["d1", "d2"]
    assert made.by_id["d2"].title == ""
    assert made.qrels("en") == {"2": {"d2": 1, "d1": 0}}


def test_neuclir_names_the_language_in_its_qrels_files(source, tmp_path):
    write(source / "topics.0720.utf8.jsonl", rows(topic("114", "Virus", "病毒")))
    write(source / "2022-qrels.zho", "114 0 d1 1\n")
    write(source / "2022-qrels.rus", "114 0 r1 1\n")
    write(source / "neuclir1" / "zho" / "docs.jsonl.gz", rows({"id": "d1", "text": "盐水"}))
    refused("neuclir", source, "several languages .zho, rus.: say which")
    made = import_collection("neuclir", source, tmp_path / "out", unit="zh")
    assert made.qrels("zh") == {"114": {"d1": 1}}
    refused("neuclir", source, "no rus/", unit="ru")
    refused("neuclir", source, "no judgements in 'fas'", unit="fas")


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("resources/hc4/test.topics.v1-0.jsonl", '{"topic_id": "2"}\n', "line 1"),
        ("resources/hc4/test.topics.v1-0.jsonl", '{"topic_id": "2", "topics": [3]}\n', "line 1"),
        ("resources/hc4/test.topics.v1-0.jsonl", '{"topic_id": "8", "topics": []}\n', "is judged"),
        ("resources/hc4/zho/test.qrels.v1-0.txt", "2 0 d2\n", "line 1"),
        ("data/zho/hc4_docs.jsonl", '{"id": "d1"}\n', "line 1"),
        ("data/zho/hc4_docs.jsonl", '{"id": "d1", "te', "line 1"),
    ],
)
def test_hc4_with_a_wrong_line_names_it(hc4, name, content, match):
    write(hc4 / name, content)
    refused("neuclir", hc4, match)


def test_neuclir_elsewhere_is_refused(source):
    refused("neuclir", source, "a folder of HC4 or NeuCLIR")
