"""Queries encoded in OpenVINO on a CPU, as 8-bit integers: several times as fast as fp32.

A single query is too small to gain from bf16: most of its time goes into reading the weights. Only
the transformer is exported, as ONNX. Masks, projection and normalisation remain torch modules. The
file is under `$OPTICAL_HOME/models`, named by the encoder's content hash.

Weights and activations are rounded in blocks of 128 (MatMulNBits with int8 products). Per-channel
dynamic quantisation is a little faster, but it has one scale for all tokens of a batch. Its centred
token vectors have a mean cosine of .983 with those of fp32, against .999 here. Here a query's
vectors also don't depend on its batch. The word embeddings stay fp32. OpenVINO multiplies such
blocks faster than onnxruntime, which is needed only to make them.

sentence-transformers' own ONNX backend needs Optimum, whose releases end at transformers 4. The
files here use the names of inputs and outputs that it expects.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import shutil
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from optical_core.checksums import check_noted, note
from optical_core.errors import InputError
from optical_core.models.token_encoder import Side, TokenEncoder, unit_rows
from optical_core.process import BORROWING
from optical_core.storage import exclusive, home, replace_folder

logger = logging.getLogger(__name__)

FILE = "model.onnx"
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_OUTPUT = "last_hidden_state"
_LOUD = ("torch.onnx", "onnxruntime", "onnxscript", "onnx_ir")
_BLOCK = 128
_LENGTHS = (16, 32)
"""Lengths in tokens to which a single query is padded."""
_TELEMETRY = "openvino_telemetry"
_OPSET = 23
"""The first opset with attention as one operator."""
_INT8_PRODUCTS = 4
"""onnxruntime's `accuracy_level`: 4 rounds the activations too."""


class OnnxQueries(TokenEncoder):
    """An encoder whose queries run in OpenVINO on the CPU; the original encodes passages.

    Raises:
        InputError: the extra `onnx` isn't installed.
    """

    def __init__(self, original: TokenEncoder, *, int8: bool = True) -> None:
        backbone: Any = original.model[0].model
        path = onnx_folder(original, int8=int8) / FILE
        try:
            session = OnnxBackbone(path, backbone.config)
        except RuntimeError as error:
            logger.warning("%s is damaged (%s): made again", path, str(error).splitlines()[0])
            path.unlink()
            session = OnnxBackbone(onnx_folder(original, int8=int8) / FILE, backbone.config)
        super().__init__(copy.deepcopy(original.model, {id(backbone): session}), name=original.name)
        self.original = original
        # The weights are no longer among the modules, so the hash must be the original's.
        self.hash = original.hash

    def encode(self, texts: Iterable[str], side: Side, **options: Any) -> Iterator[np.ndarray]:
        """Encode as TokenEncoder does."""
        if side == "passage":
            return self.original.encode(texts, side, **options)
        return super().encode(texts, side, **options)

    def encode_queries(
        self, texts: Sequence[str], *, batch_size: int = 32, progress: bool = False
    ) -> list[np.ndarray]:
        """Encode as TokenEncoder does; one batch skips the library's loop, a sixth of the time."""
        if len(texts) > batch_size or not texts:
            return super().encode_queries(texts, batch_size=batch_size, progress=progress)
        with torch.inference_mode(), self._running("query"):
            features = self.model.preprocess(
                list(texts), prompt=self.model.prompts.get("query"), task="query"
            )
            outputs = self.model(features, task="query")
            kept = zip(outputs["token_embeddings"], outputs["attention_mask"].bool(), strict=True)
            return [unit_rows(vectors[mask].numpy()) for vectors, mask in kept]

    def _running(self, side: Side) -> AbstractContextManager:
        return contextlib.nullcontext()


class OnnxBackbone(nn.Module):
    """A transformer's forward pass in OpenVINO, with as many threads as torch has.

    A graph for any shape is set up again whenever the shape changes, which takes longer than a
    query. So a single query is padded to one of a few lengths. Each length has its own graph, made
    on first use. Batches and longer queries share the graph for any shape.
    """

    def __init__(self, path: Path, config: Any) -> None:
        super().__init__()
        self.config = config
        self._core = _openvino().Core()
        self._graph = self._core.read_model(path)
        self._names = [value.get_any_name() for value in self._graph.inputs]
        self._requests: dict[int | None, Any] = {}
        self._threads = torch.get_num_threads()
        self._lock = Lock()

    def forward(self, **features: Any) -> dict[str, Tensor]:
        """Compute token vectors (B, tokens, d), under the name that the library reads."""
        inputs = {name: features[name].cpu().numpy() for name in self._names}
        batch, tokens = inputs["input_ids"].shape
        longest = getattr(self.config, "max_position_embeddings", None) or max(_LENGTHS)
        fits = (n for n in _LENGTHS if batch == 1 and tokens <= n <= longest)
        length = next(fits, None)
        if length:
            padding = ((0, 0), (0, length - tokens))
            inputs = {name: np.pad(value, padding) for name, value in inputs.items()}
        with self._lock:  # a request serves one thread at a time; its result is a copy
            vectors = self._request(length).infer(inputs, share_inputs=True)[0]
        return {_OUTPUT: torch.from_numpy(vectors[:, :tokens])}

    def _request(self, length: int | None) -> Any:
        if length not in self._requests:
            graph = self._graph
            if length:
                graph = graph.clone()
                graph.reshape({name: [1, length] for name in self._names})
            options = {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_NUM_THREADS": self._threads,
                "INFERENCE_PRECISION_HINT": "f32",
                "DYNAMIC_QUANTIZATION_GROUP_SIZE": _BLOCK,
            }
            compiled = self._core.compile_model(graph, "CPU", options)
            self._requests[length] = compiled.create_infer_request()
        return self._requests[length]


def onnx_folder(encoder: TokenEncoder, *, int8: bool) -> Path:
    """Find the folder with an encoder's transformer as `model.onnx`, exported on first use.

    Raises:
        InputError: the extra `onnx` isn't installed.
    """
    require_onnx()
    kind = "int8" if int8 else "fp32"
    folder = home("models", f"onnx-{encoder.hash}-{kind}-v4")
    with exclusive(folder):
        if not _is_whole(folder):
            with replace_folder(folder) as temporary:
                export_backbone(encoder, temporary / FILE, int8=int8)
                for path in list(temporary.iterdir()):
                    note(path)
    return folder


def _is_whole(folder: Path) -> bool:
    if not (folder / FILE).is_file():
        return False
    try:
        for path in folder.glob(f"{FILE}*"):
            check_noted(path)
    except InputError as error:
        logger.warning("%s: made again", str(error).partition(";")[0])
        return False
    return True


def export_backbone(encoder: TokenEncoder, target: Path, *, int8: bool) -> None:
    """Write an encoder's transformer as ONNX: token ids and mask in, token vectors out.

    Weights in fp32 may be in a second file, `<name>.data`.

    Raises:
        InputError: the extra `onnx` isn't installed, or the exporter can't follow the transformer.
    """
    require_onnx()
    fp32 = target.parent / "fp32" / target.name if int8 else target
    try:
        with torch.no_grad(), _quiet():
            fp32.parent.mkdir(exist_ok=True)
            _export(encoder, fp32)
            if int8:
                _round_to_int8(fp32, target)
    except torch.onnx.errors.OnnxExporterError as error:
        first_line = str(error).strip().splitlines()[0]
        raise InputError(f"{encoder.name} can't be exported to ONNX: {first_line}") from error
    finally:
        encoder.model.eval()  # the exporter can leave it in training mode
        if int8:
            shutil.rmtree(fp32.parent, ignore_errors=True)


def _export(encoder: TokenEncoder, target: Path) -> None:
    backbone: Any = encoder.model[0].model
    features = encoder.model.preprocess(["a", "a longer text"], task="query")
    names = [name for name in _INPUTS if name in features]
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens", min=2)}
    torch.onnx.export(
        _Backbone(backbone, names).eval(),
        tuple(features[name] for name in names),
        target,
        input_names=names,
        output_names=[_OUTPUT],
        dynamic_shapes={"values": tuple(axes for _ in names)},
        dynamo=True,
        verbose=False,
        opset_version=_OPSET,
    )


def require_onnx() -> None:
    """Check for the extra `onnx`.

    Raises:
        InputError: it isn't installed.
    """
    if not all(find_spec(name) for name in ("onnx", "onnxruntime", "onnxscript", "openvino")):
        raise InputError('ONNX is an optional extra: pip install "optical-workbench[onnx]"')


def _openvino() -> Any:
    """Import OpenVINO without its telemetry, which would report the import to a web service."""
    missing = object()
    with BORROWING:
        before = sys.modules.get(_TELEMETRY, missing)
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # as if it weren't installed
        try:
            import openvino
        finally:
            if before is missing:
                del sys.modules[_TELEMETRY]
            else:
                sys.modules[_TELEMETRY] = before  # type: ignore[assignment]
    return openvino


class _Backbone(nn.Module):
    """A transformer with its inputs in a fixed order and one tensor as output."""

    def __init__(self, model: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *values: Tensor) -> Tensor:
        return self.model(**dict(zip(self.names, values, strict=True))).last_hidden_state


def _round_to_int8(source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    model = onnx.load(source)
    quantizer = MatMulNBitsQuantizer(
        model,
        bits=8,
        block_size=_BLOCK,
        is_symmetric=True,
        accuracy_level=_INT8_PRODUCTS,
        op_types_to_quantize=("MatMul",),
    )
    quantizer.process()
    quantizer.model.save_model_to_file(str(target), False)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter and the quantiser, which report every node."""
    loggers = [logging.getLogger(name) for name in _LOUD]
    with BORROWING, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
