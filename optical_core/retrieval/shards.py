"""Indexes of corpora with many files: each file is encoded by itself, then all are joined.

    OUT.shards/<file>-<key>/   a TokenIndex of one file; the key hashes what decides its vectors
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
from typing import Any

import numpy as np

from optical_core.data.lines import read_json
from optical_core.data.passages import read_passages
from optical_core.data.records import file_hash
from optical_core.errors import InputError
from optical_core.models.pair_store import load_pair
from optical_core.models.precision import VARIABLE, precision
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.formats import HASHES
from optical_core.retrieval.index_files import write_facts
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.token_index import TokenIndex
from optical_core.retrieval.windows import WHOLE, Windows
from optical_core.storage import exclusive, replace_folder

logger = logging.getLogger(__name__)

LOCAL = "local"
"""Address of a cluster that is started for the purpose, on this machine alone."""
_REACH_SECONDS = 10


def index_files(
    out: Path,
    files: Sequence[Path],
    model: str,
    *,
    ray: str | None = None,
    windows: Windows = WHOLE,
    batch_size: int = 32,
    device: str | None = None,
    progress: bool = False,
) -> TokenIndex:
    """Encode files of passages with a model's teacher, and join their indexes into one.

    After an interruption, the same call does the rest. With more files, it encodes only the new
    ones.

    Args:
        out: folder of the index.
        files: JSON Lines or Parquet, see `read_passages`.
        model: a name or folder of a student or encoder.
        ray: address of a Ray cluster (`auto`, `ray://HOST:10001`, …), or `local`; None: no Ray.
        windows: how passages are cut.
        batch_size: passages encoded together.
        device: of the encoder; on a cluster that has GPUs each task takes one, unless it is `cpu`.
        progress: show a progress bar?

    Raises:
        InputError: a file can't be read, an id comes twice, there is no such model or cluster, or
            machines encode in different precisions.
    """
    out = Path(os.path.abspath(out))
    work = out.with_name(f"{out.name}.shards")
    paths = (Path(os.path.abspath(file)) for file in files)
    tasks = [(path, work, model, device, batch_size, windows) for path in paths]
    made = map(_shard, tasks) if ray is None else _shards_of_a_cluster(tasks, ray)
    shards = list(_watched(made, len(tasks), progress))
    return join_indexes(out, shards)


def index_shard(
    file: Path,
    work: Path,
    encoder: TokenEncoder,
    *,
    windows: Windows = WHOLE,
    batch_size: int = 32,
) -> Path:
    """The folder of a file's index under `work`; built if it is missing, whole or not at all."""
    decisive: tuple[object, ...] = (
        file_hash(file),
        encoder.hash,
        precision(encoder.model.device),
        batch_size,
    )
    if not windows.plain:
        decisive = (*decisive, windows)
    key = hashlib.blake2b(repr(decisive).encode(), digest_size=8).hexdigest()
    folder = work / f"{file.name}-{key}"
    if (folder / "index.json").is_file():
        try:
            return TokenIndex.open(folder).folder
        except InputError as error:
            logger.warning("%s; it is built again", error)
    return build_index(
        folder, read_passages(file), encoder, windows=windows, batch_size=batch_size
    ).folder


def join_indexes(out: Path, folders: Sequence[Path]) -> TokenIndex:
    """Join the indexes in some folders, in their order, into one in `out`; vectors are streamed.

    An index that was joined from the same folders stays.

    Raises:
        InputError: there are no folders, an id comes twice, or the indexes are of different
            encoders or precisions.
    """
    names = [folder.name for folder in folders]
    if not names:
        raise InputError("there are no files to index")
    with exclusive(out):
        if (out / "index.json").is_file() and read_json(out / "index.json").get("shards") == names:
            return TokenIndex.open(out)
        info = read_json(folders[0] / "index.json")
        seen: set[str] = set()
        ids: list[str] = []
        offsets = [np.zeros(1, np.int64)]
        with replace_folder(out) as temporary:
            with (temporary / "vectors.f16").open("wb") as vectors:
                for folder in folders:
                    _check_alike(info, read_json(folder / "index.json"), folder)
                    part = TokenIndex.open(folder)
                    if twice := seen.intersection(part.ids):
                        raise InputError(
                            f"the passage id {min(twice)!r} of {folder.name} came before"
                        )
                    seen.update(part.ids)
                    ids += part.ids
                    offsets.append(part.offsets[1:] + offsets[-1][-1])
                    with (folder / "vectors.f16").open("rb") as source:
                        shutil.copyfileobj(source, vectors, 1 << 20)
            if all((folder / HASHES).is_file() for folder in folders):
                hashes = b"".join((folder / HASHES).read_bytes() for folder in folders)
                (temporary / HASHES).write_bytes(hashes)
            facts = info | {"texts": None, "shards": names}
            write_facts(temporary, facts, ids, np.concatenate(offsets))
    return TokenIndex.open(out)


def _check_alike(first: dict[str, Any], other: dict[str, Any], folder: Path) -> None:
    for key in ("encoder_hash", "precision"):
        if first[key] != other[key]:
            raise InputError(
                f"{folder} was encoded with {key.replace('_', ' ')} {other[key]}, the shards "
                f"before it with {first[key]}: give all machines the same model, and set {VARIABLE}"
            )


@lru_cache(maxsize=1)
def _teacher(model: str, device: str | None) -> TokenEncoder:
    """The teacher: a process opens it once for all its files."""
    return load_pair(model, device=device).teacher


def _shard(task: tuple[Path, Path, str, str | None, int, Windows]) -> Path:
    file, work, model, device, batch_size, windows = task
    encoder = _teacher(model, device)
    return index_shard(file, work, encoder, windows=windows, batch_size=batch_size)


def _shard_or_reason(task: tuple[Path, Path, str, str | None, int, Windows]) -> tuple[Path, str]:
    """The shard, or the reason why there is none: Ray would wrap an exception in pages of text."""
    try:
        return _shard(task), ""
    except InputError as error:
        return Path(), str(error)


def _shards_of_a_cluster(tasks: Sequence[tuple], address: str) -> Iterator[Path]:
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
        on_gpu = tasks[0][3] != "cpu" and ray.cluster_resources().get("GPU", 0) >= 1
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
