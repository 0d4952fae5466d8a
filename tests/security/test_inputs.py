"""What is let in: weights, archives, XML, paths from the browser, names."""

import gzip
import io
import json
import os
import pickle
import shutil
import stat
import time
import zipfile

import pytest

from optical_core.analysis.export import csv_text, latex, markdown
from optical_core.data.allowance import Allowance, allowed
from optical_core.data.archives import open_zip
from optical_core.data.bitext import read_bitext
from optical_core.data.collection import open_collection
from optical_core.data.lines import LONGEST, read_lines
from optical_core.data.readers import import_collection
from optical_core.errors import InputError
from optical_core.escaping import html_text, markdown_text
from optical_core.models.pair_store import load_pair, load_student
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.model_names import model_and_source
from optical_core.retrieval.token_index import TokenIndex
from optical_core.storage import home
from optical_core.study.study_files import read_study
from optical_core.study.uploaded_results import read_results_zip
from optical_core.ui.library import Library
from optical_core.ui.paths import typed_path
from optical_core.ui.uploads import keep_bitext, unpacked, uploaded
from tests.samples import COLLECTIONS, FOLDER, TMX, write_files

# --- weights ------------------------------------------------------------------------------------


class Bomb:
    """Unpickled, it leaves a file behind."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (os.mkdir, (str(self.mark),))


@pytest.fixture
def mark(tmp_path):
    return tmp_path / "code-was-run"


def test_a_pickle_is_never_opened(tiny_bert, tmp_path, mark):
    for name in ("pytorch_model.bin", "model.pt", "model.pth"):
        folder = tmp_path / name
        shutil.copytree(tiny_bert, folder)
        (folder / "model.safetensors").unlink()
        (folder / name).write_bytes(pickle.dumps(Bomb(mark)))
        with pytest.raises(InputError, match="pickle"):
            TokenEncoder.load(str(folder), device="cpu")
    assert not mark.exists()


def test_a_pickled_adapter_is_never_opened(tiny_encoder, tmp_path, mark):
    folder = tmp_path / "student" / "adapter"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 2}')
    (folder / "adapter_model.bin").write_bytes(pickle.dumps(Bomb(mark)))
    base = TokenEncoder.load(str(tiny_encoder), device="cpu")
    with pytest.raises(InputError, match=r"adapter_model\.safetensors"):
        load_student(folder.parent, base, "student")
    assert not mark.exists()


def test_code_beside_weights_is_never_run(tiny_bert, tiny_encoder, tmp_path, mark):
    code = f"import os\nos.mkdir({str(mark)!r})\nclass Evil: pass\n"
    plain, modules = tmp_path / "plain", tmp_path / "modules"
    shutil.copytree(tiny_bert, plain)
    config = json.loads((plain / "config.json").read_text())
    config |= {
        "model_type": "evil",
        "auto_map": {"AutoModel": "evil.Evil", "AutoConfig": "evil.Evil"},
    }
    (plain / "config.json").write_text(json.dumps(config))
    shutil.copytree(tiny_encoder, modules)
    described = json.loads((modules / "modules.json").read_text())
    described[-1]["type"] = "evil.Evil"
    (modules / "modules.json").write_text(json.dumps(described))
    for folder in (plain, modules):
        (folder / "evil.py").write_text(code)
        with pytest.raises(InputError) as caught:
            TokenEncoder.load(str(folder), device="cpu")
        assert "\n" not in str(caught.value)
    assert not mark.exists()


# --- archives -----------------------------------------------------------------------------------


def zipped(**members):
    return archive((name.replace("__", "/"), data) for name, data in members.items())


def archive(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members:
            file.writestr(name, data)
    return buffer.getvalue()


def link(name):
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


def named(name):
    """A member with a name that the library itself would cut."""
    member = zipfile.ZipInfo("x")
    member.filename = name
    return member


READ_ZIP = {
    "upload": lambda data, folder: unpacked(data).__enter__(),
    "results": lambda data, folder: read_results_zip(data),
    "bitext": lambda data, folder: read_bitext(save(folder / "x.tmx.zip", data)),
}


def save(path, data):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("read", READ_ZIP.values(), ids=READ_ZIP)
@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/etc/x",
        "..\\x",
        "C:\\x",
        "C:/x",
        link("a"),
        link("a.tmx"),
        named("\0evil"),
    ],
)
def test_paths_that_lead_out_and_links_are_refused(read, name, tmp_path):
    with pytest.raises(InputError, match="refused"):
        read(archive([(name, b"/etc/passwd")]), tmp_path)


def named(name):
    member = zipfile.ZipInfo("x")
    member.filename = member.orig_filename = name
    return member


@pytest.mark.parametrize("read", READ_ZIP.values(), ids=READ_ZIP)
@pytest.mark.parametrize("name", ["\0evil", "a\0.tmx", "", "x" * 5000, "a/" * 3000, "é" * 200])
def test_paths_that_no_file_can_have_are_refused(read, name, tmp_path):
    with pytest.raises(InputError, match="which no file can have: refused") as caught:
        read(archive([(named(name), b"x")]), tmp_path)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("read", READ_ZIP.values(), ids=READ_ZIP)
def test_too_much_content_is_refused_by_what_is_declared(read, tmp_path):
    with allowed(Allowance(members=3)), pytest.raises(InputError, match="than 3 members"):
        read(archive((f"{number}.csv", b"") for number in range(4)), tmp_path)


def test_what_is_declared_is_what_is_read(tmp_path):
    honest = zipped(a=b"0" * 1_000_000)
    with (
        allowed(Allowance(zipped=999_999)),
        pytest.raises(InputError, match="unpacks to more than 1 MB"),
        open_zip(honest),
    ):
        pass
    # A liar: both headers say 10 bytes, the stream holds a million.
    size = (1_000_000).to_bytes(4, "little")
    liar = honest.replace(size, (10).to_bytes(4, "little"))
    assert liar != honest
    with pytest.raises(InputError), unpacked(liar):
        pass


def test_a_line_that_fills_the_memory_is_refused(tmp_path):
    path = tmp_path / "x.tsv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(3):
            file.write(b"a" * (LONGEST // 2))
    assert path.stat().st_size < 2_000_000
    with pytest.raises(InputError, match="longer than 64 MB"):
        list(read_lines(path))


# --- XML and YAML -------------------------------------------------------------------------------


def laughs(depth=9):
    lines = ['<!ENTITY l0 "ha">']
    lines += [f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, depth + 1)]
    return f"<!DOCTYPE tmx [{''.join(lines)}]>", f"&l{depth};"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("compressed", [False, True])
def test_entities_are_refused(tmp_path, encoding, compressed):
    declared, laugh = laughs()
    text = TMX.decode().replace("UTF-8", encoding)
    text = text.replace("<tmx ", f"{declared}<tmx ").replace("Bahari", laugh)
    data = text.encode(encoding)
    path = tmp_path / ("x.tmx.zip" if compressed else "x.tmx")
    path.write_bytes(archive([("x.tmx", data)]) if compressed else data)
    begin = time.process_time()
    with pytest.raises(InputError, match="declares the entity 'l0'"):
        read_bitext(path)
    assert time.process_time() - begin < 2


def test_an_entity_that_names_a_file_is_refused(tmp_path):
    secret = save(tmp_path / "secret", b"password")
    declared = f'<!DOCTYPE tmx [<!ENTITY x SYSTEM "file://{secret}">]>'
    text = TMX.decode().replace("<tmx ", f"{declared}<tmx ").replace("Bahari", "&x;")
    with pytest.raises(InputError, match="declares the entity 'x'"):
        read_bitext(save(tmp_path / "x.tmx", text.encode()))


def test_tmx_with_the_usual_document_type_is_read(tmp_path):
    text = TMX.decode().replace("<tmx ", '<!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx ')
    assert len(read_bitext(save(tmp_path / "x.tmx", text.encode()))) == 1


@pytest.mark.parametrize("inside", ["<a>" * 200_000, "<tu>" + "<tuv/>" * 20_000, "<a/>" * 50_000])
def test_xml_that_is_all_elements_takes_no_memory(tmp_path, inside):
    import tracemalloc

    path = save(tmp_path / "x.tmx", f"<tmx>{inside}".encode())
    tracemalloc.start()
    with pytest.raises(InputError):
        read_bitext(path)
    assert tracemalloc.get_traced_memory()[1] < 8_000_000
    tracemalloc.stop()


def test_sgml_resolves_no_entities_of_its_own(tmp_path):
    declared, laugh = laughs()
    files = dict(COLLECTIONS["trec"])
    files["docs.sgml"] = f"{declared}<DOC><DOCNO>LA-1</DOCNO><TEXT>{laugh}</TEXT></DOC>".encode()
    made = import_collection("trec", write_files(tmp_path / "source", files), tmp_path / "out")
    assert made.by_id["LA-1"].text == laugh


def test_yaml_that_grows_or_makes_objects_is_refused(tmp_path, mark):
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises(InputError, match="its aliases followed"):
        read_study(str(save(tmp_path / "s.yaml", "\n".join(rows).encode())))
    with pytest.raises(InputError, match="its aliases followed"):
        read_study(str(save(tmp_path / "s.yaml", b"name: x\narms: &a {b: *a}")))
    with pytest.raises(InputError, match="no YAML"):
        read_study(
            str(save(tmp_path / "s.yaml", f"!!python/object/apply:os.mkdir [{mark}]".encode()))
        )
    assert not mark.exists()


# --- paths and names ----------------------------------------------------------------------------


@pytest.fixture
def started(tmp_path, monkeypatch):
    """The folder that the app was started in."""
    folder = tmp_path / "started"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


OPENED = {
    "typed": typed_path,
    "gold": lambda text: Library().gold_pairs(text),
    "collection": open_collection,
    "model": load_pair,
    "bitext": read_bitext,
    "index": TokenIndex.open,
    "study": read_study,
    "lines": lambda text: list(read_lines(text)),
    "asked": model_and_source,
}


@pytest.mark.parametrize("text", ["x" * 5000, "a/" * 3000, "x" * 4000 + "@y"])
@pytest.mark.parametrize("opened", OPENED.values(), ids=OPENED)
def test_a_name_that_no_file_can_have_is_one_sentence(opened, text):
    with pytest.raises(InputError) as caught:
        opened(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["/etc/passwd", "..", "../x", "~", "/", "~root/x", "\0", "~nobody-such/x", "out/x", "x" * 5000],
)
def test_the_browser_reaches_nothing_outside(started, text):
    (started / "out").symlink_to("/etc")
    with pytest.raises(InputError):
        typed_path(text)
    with pytest.raises(InputError):
        Library().gold_pairs(text)


def test_the_browser_reaches_the_home_and_the_folder_of_the_start(started):
    assert typed_path("gold/dev.tsv") == started / "gold" / "dev.tsv"
    assert typed_path(str(home("collections", "x"))) == home("collections", "x").resolve()
    save(started / "dev.tsv", b"the sea\tel mar\t0-0 1-1\n")
    assert len(Library().gold_pairs("dev.tsv")) == 1


@pytest.mark.parametrize(
    "name", ["..", ".", "", "../../x.sw.tsv", "/etc/x", "C:\\x\\y", "\0", "a b"]
)
def test_an_uploads_name_leads_nowhere(name):
    kept = keep_bitext(name, b"The sea\tBahari\n")
    assert kept.is_file()
    assert kept.parent.parent == home("bitext", "x").parent
    with uploaded([(name, b"x")]) as (path,):
        assert path.is_file()
        assert path.parent.name == "0"


@pytest.mark.parametrize("name", ["../x", "..", ".hidden", "a/b", "a\\b", "a\0", "", "x" * 200])
def test_a_collections_name_leads_nowhere(tmp_path, name):
    folder = write_files(tmp_path / "c", FOLDER)
    info = json.loads(FOLDER["collection.json"]) | {"name": name}
    (folder / "collection.json").write_text(json.dumps(info))
    with pytest.raises(InputError, match="can't name a collection"):
        open_collection(folder)
    source = write_files(tmp_path / "beir", COLLECTIONS["beir"])
    with pytest.raises(InputError, match="can't name a collection"):
        import_collection("beir", source, tmp_path / "out", name=name or "/")


@pytest.mark.parametrize("code", ["sw_/../../x", "../en", "sw/x", "", "s"])
def test_a_collections_language_leads_nowhere(tmp_path, code):
    folder = write_files(tmp_path / "c", FOLDER)
    info = json.loads(FOLDER["collection.json"]) | {"languages": [code]}
    (folder / "collection.json").write_text(json.dumps(info))
    with pytest.raises(InputError, match="no language code"):
        open_collection(folder)


# --- what is shown and exported -----------------------------------------------------------------

NASTY = '=cmd|"/c calc"!A1'


def test_exports_hold_no_formula_no_markup_and_no_command():
    import pandas as pd

    names = [
        NASTY,
        "+1+1",
        "-x",
        "@SUM(A1)",
        "\t=1",
        "-0.5",
        "a|b\n<script>[x](y)`",
        "\\input{x} #$%",
    ]
    table = pd.DataFrame({"=model": names, "value": [-0.5] * len(names)})
    text = csv_text(table)
    assert text.splitlines()[0] == "'=model,value"
    read = pd.read_csv(io.StringIO(text), dtype=str)
    assert list(read.iloc[:, 0]) == [
        "'" + NASTY,
        "'+1+1",
        "'-x",
        "'@SUM(A1)",
        "'\t=1",
        "-0.5",
        names[6],
        names[7],
    ]
    assert set(read["value"]) == {"-0.5"}
    shown = markdown(table).splitlines()
    assert len(shown) == 2 + len(names)
    assert r"a\|b \<script\>\[x\](y)\`" in shown[8]
    assert r"\textbackslash{}input\{x\} \#\$\%" in latex(table)
    assert "\n<script>" not in latex(table)


def test_text_is_shown_as_it_is():
    assert html_text("<img src=x onerror='a'>\u202e\0") == "&lt;img src=x onerror=&#x27;a&#x27;&gt;"
    assert markdown_text("[a](http://b) :red[x] $y$ `z`\n# no").replace("\u2060", "") == (
        r"\[a\](http://b) :red\[x\] \$y\$ \`z\` \# no"
    )
