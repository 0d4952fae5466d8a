"""Tiny encoders in every layout, a tiny collection and bitext. Nothing is downloaded."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from optical_core.errors import InputError
from optical_core.process import prepare

prepare()
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# The same numbers on every machine; the tests of bf16 ask for it.
os.environ.setdefault("OPTICAL_PRECISION", "fp32")
import torch  # noqa: E402  its threads are as `prepare` has it

# Before anything imports Triton: without a GPU its kernels run in its interpreter.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"

ROOT = Path(__file__).parent.parent
WORDS = (
    "the a is of in and water sea salt salty moon sun star fish bird tree river lake city old new "
    "big small red blue green hot cold what where why who how does maji bahari chumvi mwezi jua "
    "nyota samaki ndege mti mto ziwa mji mpya kubwa ndogo nini wapi kwa ya ni na , . ? !"
).split()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A file is one process's; so are all tests in the browser, which share a running app."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return (
                "browser" if nodeid.startswith("tests/browser/") else super()._split_scope(nodeid)
            )

    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def onnx() -> None:
    """Skips without the extra; importing OpenVINO here would report it to its makers."""
    from optical_core.models.onnx_queries import require_onnx

    try:
        require_onnx()
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def shared(tmp_path_factory, request) -> Path:
    """A folder that all processes of this run of pytest share; what is in it is read only."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if hasattr(request.config, "workerinput") else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def exported_once(onnx, shared, monkeypatch) -> None:
    """An encoder is traced for ONNX, which takes ten seconds, once in a run of pytest."""
    from optical_core.models import onnx_queries
    from optical_core.storage import replace_folder

    export = onnx_queries._export

    def copied(encoder, target):
        folder = shared / f"onnx-{encoder.hash}"
        with FileLock(f"{folder}.lock"):
            if not folder.is_dir():
                with replace_folder(folder) as temporary:
                    export(encoder, temporary / target.name)
        for path in folder.iterdir():
            shutil.copy(path, target.parent)

    monkeypatch.setattr(onnx_queries, "_export", copied)


@pytest.fixture(scope="session")
def embedded_home(shared) -> Path:
    """A home with the embedded backbone converted once for all processes."""
    home = shared / "embedded-home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPTICAL_HOME", str(home))
        from optical_core.models.embedded import embedded_folder

        embedded_folder()
    return home


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """Every test has a home of its own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("OPTICAL_HOME", str(folder))
    return folder


@pytest.fixture
def with_embedded(embedded_home, home) -> Iterator[Path]:
    """This test's home, with the converted backbone in it (linked, not copied)."""
    (home / "models").mkdir(parents=True)
    for folder in (embedded_home / "models").iterdir():
        (home / "models" / folder.name).symlink_to(folder)
    # Its checksums too: half a gigabyte is read once, not in every home.
    shutil.copytree(embedded_home / "checked", home / "checked")
    yield home
    if _resident() > 2 << 30:
        give_back_memory()


@pytest.fixture(autouse=True, scope="module")
def nothing_large_stays_open() -> Iterator[None]:
    """What a file's tests have opened is closed after them, if it is much."""
    yield
    if _resident() > 3 << 29:
        from optical_core.models import teachers

        teachers._embedded.cache_clear()
        give_back_memory()


def give_back_memory() -> None:
    """Encoders are in reference cycles: half a gigabyte each waits for the collector.

    What it frees stays with the process until the allocator is told to give it back.
    """
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def _resident() -> int:
    """Bytes of memory that this process has."""
    return psutil.Process().memory_info().rss


def write_bert(folder: Path, *, markers: bool = True, seed: int = 0) -> Path:
    """A plain tiny BERT with a WordPiece tokenizer, as mBERT's folder is laid out."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    unused = [f"[unused{i}]" for i in range(4)] if markers else []
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    pieces = [*special, *unused, *dict.fromkeys([*WORDS, *letters]), *(f"##{c}" for c in letters)]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    BertTokenizerFast(vocab=vocabulary, model_max_length=64).save_pretrained(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def write_xlmr(folder: Path) -> Path:
    """A plain tiny XLM-R: Unigram tokenizer, no [unused] pieces."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    folder.mkdir(parents=True, exist_ok=True)
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁", *(f"▁{w}" for w in WORDS)]
    pieces += [chr(c) for c in range(ord("a"), ord("z") + 1)]
    vocabulary = [(p, 0.0 if i < 4 else -float(i) / 10) for i, p in enumerate(pieces)]
    tokenizer = Tokenizer(models.Unigram([*vocabulary, ("<mask>", 0.0)], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=64,
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(folder)
    torch.manual_seed(1)
    config = XLMRobertaConfig(
        vocab_size=len(vocabulary) + 1,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=68,
        pad_token_id=1,
    )
    XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory) -> Path:
    return write_bert(tmp_path_factory.mktemp("models") / "tiny-bert")


@pytest.fixture(scope="session")
def tiny_xlmr(tmp_path_factory) -> Path:
    return write_xlmr(tmp_path_factory.mktemp("models") / "tiny-xlmr")


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory, tiny_bert) -> Path:
    """A sentence-transformers multi-vector folder with a projection to 16 dimensions."""
    from sentence_transformers import MultiVectorEncoder

    from optical_core.models.backbones import assemble, load_transformer

    folder = tmp_path_factory.mktemp("models") / "tiny-encoder"
    torch.manual_seed(2)
    model = assemble(
        load_transformer(str(tiny_bert)),
        query_prompt="[unused0]",
        passage_prompt="[unused1]",
        hidden=["[unused0]", "[unused1]"],
        projection=torch.randn(16, 32),
        device="cpu",
    )
    assert isinstance(model, MultiVectorEncoder)
    model.save(str(folder))
    return folder


@pytest.fixture(scope="session")
def pylate_folder(tmp_path_factory, tiny_bert) -> Path:
    """PyLate 1.x layout: modules.json names pylate's Dense, markers in the top-level config."""
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("models") / "tiny-pylate"
    shutil.copytree(tiny_bert, folder)
    (folder / "1_Dense").mkdir()
    torch.manual_seed(3)
    save_file({"linear.weight": torch.randn(8, 32)}, folder / "1_Dense" / "model.safetensors")
    dense = {
        "in_features": 32,
        "out_features": 8,
        "bias": False,
        "activation_function": "torch.nn.modules.linear.Identity",
    }
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Dense", "type": "pylate.models.Dense.Dense"},
    ]
    own = {
        "model_type": "ColBERT",
        "query_prefix": "[unused0]",
        "document_prefix": "[unused1]",
        "query_length": 12,
        "document_length": 40,
        "attend_to_expansion_tokens": False,
        "skiplist_words": [",", "."],
    }
    (folder / "1_Dense" / "config.json").write_text(json.dumps(dense))
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "config_sentence_transformers.json").write_text(json.dumps(own))
    (folder / "sentence_bert_config.json").write_text(
        json.dumps({"max_seq_length": 40, "do_lower_case": False})
    )
    return folder


@pytest.fixture(scope="session")
def stanford_folder(tmp_path_factory, tiny_bert) -> Path:
    """Stanford ColBERT layout: HF_ColBERT, the projection inside the weights, artifact.metadata."""
    from safetensors.torch import load_file, save_file

    folder = tmp_path_factory.mktemp("models") / "tiny-stanford"
    shutil.copytree(tiny_bert, folder)
    weights = {
        f"bert.{key}": value for key, value in load_file(folder / "model.safetensors").items()
    }
    torch.manual_seed(4)
    weights["linear.weight"] = torch.randn(8, 32)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["HF_ColBERT"]
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "artifact.metadata").write_text(
        json.dumps(
            {
                "query_token_id": "[unused0]",
                "doc_token_id": "[unused1]",
                "query_maxlen": 12,
                "doc_maxlen": 40,
                "mask_punctuation": True,
                "attend_to_mask_tokens": False,
            }
        )
    )
    return folder


@pytest.fixture
def collection(tmp_path):
    return tiny_collection(tmp_path / "tiny")


@pytest.fixture
def shipped(collection, tmp_path, monkeypatch) -> Path:
    """The folder of what is shipped: the tiny collection in the demo's place, and nothing else."""
    folder = tmp_path / "shipped"
    shutil.copytree(collection.folder, folder / "demo" / "collection")
    path = folder / "demo" / "collection" / "collection.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"name": "demo"}))

    def assets(*parts):
        replaced = parts[0] in ("results", "students", "teachers") or parts[:2] == (
            "demo",
            "collection",
        )
        return folder.joinpath(*parts) if replaced else ROOT.joinpath("assets", *parts)

    for module in ("data.collection", "models.info", "models.teachers", "study.results"):
        monkeypatch.setattr(f"optical_core.{module}.assets", assets)
    return folder


@pytest.fixture
def mixed(home):
    """Nine passages, three in each of three languages, installed as `mixed`."""
    return mixed_collection(home / "collections" / "mixed")


def mixed_collection(folder: Path):
    """A parallel pool: what each query needs is there in English, Swahili and French."""
    from optical_core.data.collection import CollectionInfo, Passage, write_collection

    texts = {
        "en": ("the sea is salty water", "the moon is a small cold star", "a fish in the river"),
        "swa": ("bahari ni maji ya chumvi", "mwezi ni nyota ndogo", "samaki ni ya mto"),
        "fra": ("la mer est salée", "la lune est une petite étoile", "un poisson de la rivière"),
    }
    passages = [
        Passage(f"p{number}-{code[:2]}", "", text, {"lang": code})
        for code, of_code in texts.items()
        for number, text in enumerate(of_code, 1)
    ]
    queries = {
        "en": {"q1": "salty sea", "q2": "cold moon", "q3": "river fish"},
        "sw": {"q1": "chumvi ya bahari", "q2": "mwezi", "q3": "samaki"},
    }
    qrels = {f"q{n}": {f"p{n}-{code[:2]}": 1 for code in texts} for n in (1, 2, 3)}
    info = CollectionInfo(
        name="mixed",
        licence="CC0",
        source="the tests",
        languages=tuple(queries),
        parallel=True,
        passage_language=None,
    )
    return write_collection(folder, info, passages, queries, qrels)


@pytest.fixture
def unjudged(collection, home):
    """The tiny collection, installed as `mine`, without judgements."""
    from optical_core.data.collection import open_collection

    folder = home / "collections" / "mine"
    shutil.copytree(collection.folder, folder)
    path = folder / "collection.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"name": "mine"}))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n")
    return open_collection(folder)


def tiny_collection(folder: Path):
    """Six passages, three needs in English and Swahili."""
    from optical_core.data.collection import CollectionInfo, Passage, write_collection

    passages = [
        Passage("p1", "Sea", "the sea is salty water"),
        Passage("p2", "Moon", "the moon is a small cold star"),
        Passage("p3", "Fish", "a fish is in the water of the river"),
        Passage("p4", "Bird", "the bird is in the old tree"),
        Passage("p5", "City", "a big new city in the sun"),
        Passage("p6", "Lake", "the blue lake of hot water"),
    ]
    queries = {
        "en": {"q1": "why is the sea salty ?", "q2": "where is the fish", "q3": "big city"},
        "sw": {"q1": "kwa nini bahari ni chumvi ?", "q2": "samaki wapi", "q3": "mji kubwa"},
    }
    qrels = {"q1": {"p1": 2, "p6": 1}, "q2": {"p3": 1}, "q3": {"p5": 1}}
    info = CollectionInfo(
        name="tiny", licence="CC0", source="the tests", languages=("en", "sw"), parallel=True
    )
    return write_collection(folder, info, passages, queries, qrels)


@pytest.fixture
def bitext_file(tmp_path) -> Path:
    return tiny_bitext(tmp_path / "train.sw.tsv")


def tiny_bitext(path: Path) -> Path:
    """Two dozen made-up pairs, English and Swahili."""
    lines = []
    for index in range(24):
        english = f"{WORDS[6 + index % 10]} {WORDS[16 + index % 9]} water {WORDS[10 + index % 12]}"
        swahili = (
            f"maji {WORDS[36 + index % 12]} {WORDS[38 + index % 9]} ya {WORDS[35 + index % 11]}"
        )
        lines.append(f"{english}\t{swahili}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
