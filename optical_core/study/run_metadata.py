"""Metadata of a run in a YAML file beside it, in the schema of ir-metadata.org (version 0.1).

The schema puts it into comments at the head of the run, which ir-measures refuses to read, so here
it is a separate file, `<run>.metadata.yaml`. Unknown values are left out.
"""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import yaml

from optical_core.analysis.metrics import MEASURES
from optical_core.data.collection import Collection
from optical_core.data.records import environment
from optical_core.storage import replace_file

TREC_EVAL = {
    "AP": "map",
    "nDCG@10": "ndcg_cut_10",
    "R@100": "recall_100",
    "P@10": "P_10",
    "RR": "recip_rank",
    "AP@100": "map_cut_100",
    "AP@10": "map_cut_10",
}
"""Measures -> the names that the schema wants; the others have trec_eval's name, or none there."""
_COMMANDS = ("optical", "__main__.py")


def run_metadata(
    tag: str,
    collection: Collection,
    *,
    depth: int,
    measures: Sequence[str] = MEASURES,
    precision: str = "",
) -> dict[str, Any]:
    """Collect the metadata of a model's runs on a collection.

    Args:
        tag: the runs' last column.
        collection: whose queries were asked.
        depth: passages ranked for each query.
        measures: that are reported.
        precision: in which the passages' vectors were encoded; empty without any.
    """
    retrieval: dict[str, Any] = {"name": tag, "depth": depth}
    if precision:
        retrieval["precision of passages"] = precision
    reported = [TREC_EVAL.get(name, name) for name in measures]
    known = environment()
    source = {"lang": ["python"], "package": f"optical-workbench=={known['optical']}"}
    if known["commit"]:
        source["commit"] = known["commit"]
    implementation: dict[str, Any] = {"source": source}
    if Path(sys.argv[0]).name in _COMMANDS:
        implementation["executable"] = {"cmd": shlex.join(["optical", *sys.argv[1:]])}
    libraries = [f"{name}=={version}" for name, version in known["packages"].items()]
    return {
        "schema-version": 0.1,
        "run-version": 1.0,
        "tag": tag,
        "platform": {
            "hardware": {
                "cpu": {"architecture": platform.machine(), "number of cores": os.cpu_count()},
                "ram": f"{psutil.virtual_memory().total / 2**30:.0f} GB",
            },
            "operating system": {"kernel": f"{platform.system()} {platform.release()}"},
            "software": {"libraries": {"python": libraries}},
        },
        "research goal": {"evaluation": {"reported measures": reported}},
        "implementation": implementation,
        "method": {
            "automatic": True,
            "score ties": "falling document id",
            "retrieval": [retrieval],
        },
        "data": {
            "test collection": {
                "name": collection.info.name,
                "source": collection.info.source,
                "fingerprint": collection.fingerprint,
            }
        },
    }


def write_run_metadata(run: Path, content: dict[str, Any], *, language: str) -> None:
    """Write `<run>.metadata.yaml`, with the language of the topics added."""
    text = yaml.safe_dump({**content, "topic language": language}, sort_keys=False)
    marked = f"# ir_metadata.start\n{text}# ir_metadata.end\n"
    with replace_file(run.with_name(f"{run.name}.metadata.yaml")) as temporary:
        temporary.write_text(marked, encoding="utf-8")
