"""Queries encoded in onnxruntime on a CPU, as 8-bit integers: several times as fast as fp32.

A single query is too small for bf16 to pay: what it costs is reading the weights. Only the
transformer is exported; masks, projection and normalisation stay the modules that they are. The
file lies under `$OPTICAL_HOME/models`, named by the encoder's content hash.

Weights and activations are rounded in blocks of 128 (MatMulNBits with int8 products). Per-channel
dynamic quantisation is a little faster, but it has one scale for all tokens of a batch: centred
token vectors keep a mean cosine of .983 with those of fp32, against .999 here, where a query's
vectors are also the same whatever it is batched with. The word embeddings stay fp32.

sentence-transformers' own ONNX backend needs Optimum, whose releases end at transformers 4; the
files here have the names of inputs and outputs that it expects.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from optical_core.errors import InputError
from optical_core.models.token_encoder import Side, TokenEncoder, unit_rows
from optical_core.storage import exclusive, home, replace_folder
from optical_core.threads import one_torch_thread

FILE = "model.onnx"
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_OUTPUT = "last_hidden_state"
_LOUD = ("torch.onnx", "onnxruntime", "onnxscript", "onnx_ir")
_BLOCK = 128
_OPSET = 23
"""The first that has attention as one operator."""
_INT8_PRODUCTS = 4
"""onnxruntime's `accuracy_level`: 4 rounds the activations too."""


class OnnxQueries(TokenEncoder):
    """An encoder whose queries run in onnxruntime on the CPU; its passages are the original's.

    Raises InputError without the extra `onnx`.
    """

    def __init__(self, original: TokenEncoder, *, int8: bool = True) -> None:
        backbone: Any = original.model[0].model
        session = OnnxBackbone(onnx_folder(original, int8=int8) / FILE, backbone.config)
        super().__init__(copy.deepcopy(original.model, {id(backbone): session}), name=original.name)
        self.original = original
        # The weights are no longer among the modules: which encoder this is, the original knows.
        self.hash = original.hash

    def encode(self, texts: Iterable[str], side: Side, **options: Any) -> Iterator[np.ndarray]:
        """As TokenEncoder's."""
        if side == "passage":
            return self.original.encode(texts, side, **options)
        return super().encode(texts, side, **options)

    def encode_queries(
        self, texts: Sequence[str], *, batch_size: int = 32, progress: bool = False
    ) -> list[np.ndarray]:
        """As TokenEncoder's; one batch without the library's loop, a sixth of a query's time."""
        if len(texts) > batch_size or not texts:
            return super().encode_queries(texts, batch_size=batch_size, progress=progress)
        with torch.inference_mode(), self._running("query"):
            features = self.model.preprocess(
                list(texts), prompt=self.model.prompts.get("query"), task="query"
            )
            found = self.model(features, task="query")
            kept = zip(found["token_embeddings"], found["attention_mask"].bool(), strict=True)
            return [unit_rows(vectors[mask].numpy()) for vectors, mask in kept]

    def _running(self, side: Side) -> AbstractContextManager:
        return one_torch_thread()


class OnnxBackbone(nn.Module):
    """A transformer's forward pass in onnxruntime, with as many threads as torch has."""

    def __init__(self, path: Path, config: Any) -> None:
        super().__init__()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.inter_op_num_threads = 1
        # Threads that spin between two queries take the cores from the search itself; within one
        # they meet too often to sleep.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self.config = config
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._names = [value.name for value in self._session.get_inputs()]

    def forward(self, **features: Any) -> dict[str, Tensor]:
        """Token vectors (B, tokens, d) under the name that the library looks for."""
        inputs = {name: features[name].cpu().numpy() for name in self._names}
        return {_OUTPUT: torch.from_numpy(self._session.run([_OUTPUT], inputs)[0])}


def onnx_folder(encoder: TokenEncoder, *, int8: bool) -> Path:
    """Folder with an encoder's transformer as `model.onnx`, exported on first use.

    Raises InputError without the extra `onnx`.
    """
    require_onnx()
    kind = "int8" if int8 else "fp32"
    folder = home("models", f"onnx-{encoder.hash}-{kind}-v3")
    with exclusive(folder):
        if not (folder / FILE).is_file():
            with replace_folder(folder) as temporary:
                export_backbone(encoder, temporary / FILE, int8=int8)
    return folder


def export_backbone(encoder: TokenEncoder, target: Path, *, int8: bool) -> None:
    """Write an encoder's transformer as ONNX: token ids and mask in, token vectors out.

    Weights of fp32 may lie beside the file, in `<name>.data`. Raises InputError without the
    extra `onnx`, or for a transformer that the exporter can't follow.
    """
    require_onnx()
    backbone: Any = encoder.model[0].model
    features = encoder.model.preprocess(["a", "a longer text"], task="query")
    names = [name for name in _INPUTS if name in features]
    wrapped = _Backbone(backbone, names).eval()
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens", min=2)}
    fp32 = target.with_suffix(".fp32.onnx") if int8 else target
    try:
        with torch.no_grad(), _quiet():
            torch.onnx.export(
                wrapped,
                tuple(features[name] for name in names),
                fp32,
                input_names=names,
                output_names=[_OUTPUT],
                dynamic_shapes={"values": tuple(axes for _ in names)},
                dynamo=True,
                verbose=False,
                opset_version=_OPSET,
            )
            if int8:
                _round_to_int8(fp32, target)
    except torch.onnx.errors.OnnxExporterError as error:
        first_line = str(error).strip().splitlines()[0]
        raise InputError(f"{encoder.name} can't be exported to ONNX: {first_line}") from error
    finally:
        encoder.model.eval()  # the exporter can leave it in training mode
        if int8:
            for part in target.parent.glob(f"{fp32.name}*"):
                part.unlink()


def require_onnx() -> None:
    """Raise InputError if the extra `onnx` isn't installed."""
    if not all(find_spec(name) for name in ("onnx", "onnxruntime", "onnxscript")):
        raise InputError('ONNX is an optional extra: pip install "optical-workbench[onnx]"')


class _Backbone(nn.Module):
    """A transformer with one tensor out and its inputs in a fixed order."""

    def __init__(self, model: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *values: Tensor) -> Tensor:
        return self.model(**dict(zip(self.names, values, strict=True))).last_hidden_state


def _round_to_int8(source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    model = onnx.load(source)
    _join_projections(model.graph)
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


def _join_projections(graph: Any) -> None:
    """One product in place of those that share their input, as attention's queries, keys and
    values do: it is rounded once, and threads meet a third as often. Tied weights stay alone."""
    from onnx import helper, numpy_helper

    weights = {tensor.name: tensor for tensor in graph.initializer}
    uses = Counter(name for node in graph.node for name in node.input)
    sharing: defaultdict[str, list[Any]] = defaultdict(list)
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights and uses[node.input[1]] == 1:
            sharing[node.input[0]].append(node)
    for source, nodes in sharing.items():
        if len(nodes) == 1:
            continue
        parts = [numpy_helper.to_array(weights[node.input[1]]) for node in nodes]
        name = f"{nodes[0].output[0]}_joined"
        sizes = np.array([part.shape[1] for part in parts], np.int64)
        graph.initializer.append(numpy_helper.from_array(np.hstack(parts), f"{name}_weights"))
        graph.initializer.append(numpy_helper.from_array(sizes, f"{name}_sizes"))
        outputs = [node.output[0] for node in nodes]
        place = list(graph.node).index(nodes[0])
        for made in (
            helper.make_node("Split", [name, f"{name}_sizes"], outputs, axis=-1),
            helper.make_node("MatMul", [source, f"{name}_weights"], [name], name=name),
        ):
            graph.node.insert(place, made)
        for node in nodes:
            graph.node.remove(node)
            graph.initializer.remove(weights[node.input[1]])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Exporter and quantiser report every node."""
    loggers = [logging.getLogger(name) for name in _LOUD]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
