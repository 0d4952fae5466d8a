"""Indexes of corpora with many files: each file is encoded by itself, then all are joined.

    OUT.shards/<file>-<key>/   a TokenIndex of one file; the key hashes what decides its vectors
    OUT.shards/codec-<key>/    the codec of compressed vectors, which all shards share
    OUT/                       the index of all files, joined in their order

A file is the unit of work, batching and repetition. Its vectors are the same whichever process
encodes it, and a finished shard is never made again. Without Ray, this process encodes the files
one after another. With Ray, the tasks of a cluster do, and the cluster repeats the tasks of a dead
worker. Ray Data isn't used: it divides its blocks anew, and batches would depend on the cluster.
All machines must see the files, OUT and the model under the same paths.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import socket
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from optical_core.data.passages import read_passages
from optical_core.data.records import file_hash
from optical_core.errors import InputError
from optical_core.models.pair_store import load_pair
from optical_core.models.precision import VARIABLE, precision
from optical_core.models.token_encoder import TokenEncoder
from optical_core.paths import check_ours
from optical_core.retrieval.codec import BITS, Codec
from optical_core.retrieval.codec import FILE as CODEC
from optical_core.retrieval.compression import UNCOMPRESSED, Compression
from optical_core.retrieval.formats import INDEX_FILE
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.joining import check_as_built, join_indexes
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.windows import WHOLE, Windows
from optical_core.storage import exclusive, replace_folder

logger = logging.getLogger(__name__)

LOCAL = "local"
"""Address of a cluster that is started for the purpose, on this machine alone."""
_REACH_SECONDS = 10


class _Form(NamedTuple):
    """How shards are written: their form, and the folder of a codec for it."""

    compression: Compression
    windows: Windows
    codec: Path | None = None


class _Task(NamedTuple):
    """A file to index: what a worker needs to know."""

    file: Path
    work: Path
    model: str
    device: str | None
    batch_size: int
    form: _Form


def index_files(
    out: Path,
    files: Sequence[Path],
    model: str,
    *,
    ray: str | None = None,
    compression: Compression = UNCOMPRESSED,
    windows: Windows = WHOLE,
    batch_size: int = 32,
    device: str | None = None,
    progress: bool = False,
) -> TokenIndex:
    """Encode files of passages with a model's teacher, and join their indexes into one.

    After an interruption, the same call does the rest. With more files, it encodes only the new
    ones. The largest file's index trains the codec of compressed vectors.

    Args:
        out: folder of the index.
        files: JSON Lines or Parquet, see `read_passages`.
        model: a name or folder of a student or encoder.
        ray: address of a Ray cluster (`auto`, `ray://HOST:10001`, …), or `local`; None: no Ray.
        compression: the form of the vectors.
        windows: how passages are cut.
        batch_size: passages encoded together.
        device: of the encoder; on a cluster that has GPUs each task takes one, unless it is `cpu`.
        progress: show a progress bar?

    Raises:
        InputError: a file can't be read, an id comes twice, there is no such model or cluster,
            machines encode in different precisions, or the index has been updated.
    """
    out = Path(os.path.abspath(out))
    check_ours(out, [INDEX_FILE])
    check_as_built(out)
    work = out.with_name(f"{out.name}.shards")
    paths = [Path(os.path.abspath(file)) for file in files]
    form = _Form(compression, windows)
    if compression.bits in BITS and paths:
        form = _with_codec(form, work, paths, _teacher(model, device), batch_size)
    tasks = [_Task(path, work, model, device, batch_size, form) for path in paths]
    made = map(_shard, tasks) if ray is None else _shards_of_a_cluster(tasks, ray)
    shards = list(_watched(made, len(tasks), progress))
    return join_indexes(out, shards)


def index_shard(
    file: Path,
    work: Path,
    encoder: TokenEncoder,
    *,
    compression: Compression = UNCOMPRESSED,
    codec: Codec | None = None,
    windows: Windows = WHOLE,
    count: int = 0,
    batch_size: int = 32,
) -> Path:
    """The folder of a file's index under `work`; built if it is missing, whole or not at all.

    Other arguments are those of `build_index`.
    """
    decisive: tuple[object, ...] = (
        file_hash(file),
        encoder.hash,
        precision(encoder.model.device),
        batch_size,
    )
    if not windows.plain:
        decisive = (*decisive, windows)
    if not compression.plain:
        decisive = (*decisive, compression)
    key = hashlib.blake2b(repr(decisive).encode(), digest_size=8).hexdigest()
    folder = work / f"{file.name}-{key}"
    if (folder / INDEX_FILE).is_file():
        try:
            return TokenIndex.open(folder).folder
        except InputError as error:
            logger.warning("%s; it is built again", error)
    return build_index(
        folder,
        read_passages(file),
        encoder,
        compression=compression,
        codec=codec,
        windows=windows,
        count=count,
        batch_size=batch_size,
    ).folder


def _with_codec(
    form: _Form, work: Path, files: Sequence[Path], encoder: TokenEncoder, batch_size: int
) -> _Form:
    """The form with the folder of the codec that all shards share; trained if there is none."""
    name = hashlib.blake2b(repr((form.compression, encoder.hash)).encode(), digest_size=8)
    folder = work / f"codec-{name.hexdigest()}"
    with exclusive(folder):
        if not (folder / CODEC).is_file():
            largest = max(files, key=lambda file: file.stat().st_size)
            shard = index_shard(
                largest,
                work,
                encoder,
                compression=form.compression,
                windows=form.windows,
                count=sum(1 for file in files for _ in read_passages(file)),
                batch_size=batch_size,
            )
            with replace_folder(folder) as temporary:
                shutil.copyfile(shard / CODEC, temporary / CODEC)
    return form._replace(codec=folder)


@lru_cache(maxsize=1)
def _teacher(model: str, device: str | None) -> TokenEncoder:
    """The teacher: a process opens it once for all its files."""
    return load_pair(model, device=device).teacher


def _shard(task: _Task) -> Path:
    form = task.form
    return index_shard(
        task.file,
        task.work,
        _teacher(task.model, task.device),
        compression=form.compression,
        codec=Codec.open(form.codec) if form.codec else None,
        windows=form.windows,
        batch_size=task.batch_size,
    )


def _shard_or_reason(task: _Task) -> tuple[Path, str]:
    """The shard, or the reason why there is none: Ray would wrap an exception in pages of text."""
    try:
        return _shard(task), ""
    except InputError as error:
        return Path(), str(error)


def _shards_of_a_cluster(tasks: Sequence[_Task], address: str) -> Iterator[Path]:
    """The tasks' shards in their order, made by a Ray cluster."""
    if find_spec("ray") is None:
        raise InputError('Ray is an optional extra: pip install "optical-workbench[ray]"')
    import ray
    from ray.exceptions import RayError, RayTaskError

    # What decides the vectors must be the same everywhere, and so must the home of the models.
    names = (VARIABLE, "OPTICAL_HOME", "OMP_WAIT_POLICY")
    variables = {name: os.environ[name] for name in names if name in os.environ}
    try:
        _reach(address)
        ray.init(
            None if address == LOCAL else address,
            runtime_env={"env_vars": variables},
            include_dashboard=False if address == LOCAL else None,
            log_to_driver=False,
            logging_level=logging.WARNING,
        )
    except Exception as error:  # Ray raises this very class if a node doesn't start in time
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"no Ray cluster at {address!r} ({reason}): start one with `ray start --head`, "
            f"or give {LOCAL!r} to use this machine alone"
        ) from error
    try:
        on_gpu = tasks[0].device != "cpu" and ray.cluster_resources().get("GPU", 0) >= 1
        # A killed worker isn't the file's fault: its task runs again elsewhere.
        encode = ray.remote(num_gpus=1 if on_gpu else 0, max_retries=5)(_shard_or_reason)
        for reference in [encode.remote(task) for task in tasks]:
            shard, reason = ray.get(reference)
            if reason:
                raise InputError(reason)
            yield shard
    except RayTaskError:
        raise
    except RayError as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"the Ray cluster gave up ({reason}); the same command does what is left"
        ) from error
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """Check that something listens at `host:port`: Ray itself would try for minutes.

    Raises:
        OSError: nothing does.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_SECONDS).close()


def _watched(shards: Iterator[Path], count: int, progress: bool) -> Iterator[Path]:
    from tqdm import tqdm

    return iter(tqdm(shards, total=count, unit=" files", desc="shards", disable=not progress))
