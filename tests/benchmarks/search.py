"""Search among 10,000 and 100,000 passages, one query at a time; with `--quick` among 300.

10,000 passages are English sentences of Tatoeba (with `--quick` 300 of the demo), joined to about
60 tokens; 100,000 of 60 tokens are drawn around these (see `drawn`). Queries are foreign sentences
whose translations are in no passage. The embedded encoder gives vectors of 384 dimensions, which
are also projected on their 128 principal directions. An index is made once and kept under bench/ of
the home (some minutes, and 7 GB). Files that a mode derives from it are made and timed in each run.
`recall@10` compares with the first ten of exhaustive exact MaxSim.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import torch

from optical_core.data.bitext import read_bitext
from optical_core.data.collection import Passage
from optical_core.data.lines import read_json
from optical_core.errors import InputError
from optical_core.models.token_encoder import TokenEncoder, unit_rows
from optical_core.retrieval.index_files import write_facts
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.maxsim import maxsim_scores, top_passages
from optical_core.retrieval.modes import MODE_FILES, open_mode
from optical_core.retrieval.packed_tokens import principal_basis
from optical_core.retrieval.quantised import QuantisedIndex
from optical_core.retrieval.token_index import TokenIndex
from optical_core.storage import assets, home, replace_folder
from tests.benchmarks.drawn import Drawn
from tests.benchmarks.peers import peer
from tests.benchmarks.plaid import plaid
from tests.benchmarks.timing import Row, side_by_side

PACKAGES = ("torch", "faiss-cpu", "maxsim-cpu", "cffi")
QUERIES = 100
ROUNDS = 30
_QUICK_QUERIES, _QUICK_PASSAGES = 14, 300
PASSAGES, DRAWN, TOKENS = 10_000, 100_000, 60
SENTENCES, QUICK_SENTENCES = 8, 4
"""Sentences of a passage: the demo's sentences are longer."""
_DATA = "OPTICAL_BENCH_DATA"
_NEIGHBOURS, _CANDIDATES, _PROBED = 512, 1024, 0.1
"""FAISS: passage tokens looked up for a query token, passages scored, share of lists searched."""
_TRAINED = 100_000
"""Tokens whose values decide FAISS's steps of 8 bits in a graph."""
_MOST_OF_SLOW = 10_000
"""Most passages of the slow peers: fast-plaid's k-means and FAISS's graph take minutes for these
and hours for more, and maxsim-cpu takes ten seconds a query for 100,000."""
_REDUCED = 128

Search = Callable[[np.ndarray], list[str]]


def rows(quick: bool) -> Iterator[Row]:
    encoder = TokenEncoder.load("embedded")
    english, questions = _sentences(quick)
    queries = encoder.encode_queries(questions)
    if quick:
        few = _index(_QUICK_PASSAGES, english, encoder, QUICK_SENTENCES)
        yield from _with_peers(few, queries)
        return
    real = _index(PASSAGES, english, encoder, SENTENCES)
    for whole in (real, _drawn_around(real)):
        yield from _with_peers(whole, queries)
        reduced, basis = _reduced(whole)
        yield from _with_peers(reduced, [unit_rows(query @ basis) for query in queries])


def _with_peers(index: TokenIndex, queries: Sequence[np.ndarray]) -> Iterator[Row]:
    with ExitStack() as stack:
        built: dict[str, tuple[Search, float]] = {}
        for bits in (4, 8) if len(index) <= _MOST_OF_SLOW else ():
            if opened := stack.enter_context(plaid(index, bits)):
                built[f"fast-plaid, {bits} bits"] = opened
        yield from _case(index, queries, built)


def _case(
    index: TokenIndex, queries: Sequence[np.ndarray], built: dict[str, tuple[Search, float]]
) -> Iterator[Row]:
    """A row for each of our modes, all timed together; `built` are peers and their seconds."""
    for file in (name for names in MODE_FILES.values() for name in names):
        (index.folder / file).unlink(missing_ok=True)
    eight, int8_seconds = _timed(lambda: QuantisedIndex.open(index))
    pooled, candidate_seconds = _timed(lambda: open_mode(index, "candidates"))
    engine, faiss_seconds = _timed(lambda: _faiss_engine(index))
    tokens = torch.from_numpy(index.vectors).float()
    lengths = np.diff(index.offsets)
    owners = torch.from_numpy(np.repeat(np.arange(len(index)), lengths))
    modes: dict[str, Search] = {
        "exact": lambda query: [passage for passage, _ in index.search(query)],
        "int8": lambda query: [passage for passage, _ in eight.search(query)],
        "candidates": lambda query: [passage for passage, _ in pooled.search(query)],
    }
    peers: dict[str, Search] = {
        "torch fp32": lambda query: _torch(index, tokens, owners, query),
        "faiss + torch": lambda query: _faiss(index, engine, query),
    }
    built = {"faiss + torch": (peers["faiss + torch"], faiss_seconds), **built}
    if len(index) <= _MOST_OF_SLOW:
        graph, graph_seconds = _timed(lambda: _faiss_graph(index))
        built["faiss HNSW + torch"] = (lambda query: _faiss(index, graph, query), graph_seconds)
    peers |= {name: search for name, (search, _) in built.items()}
    maxsim_cpu = peer("maxsim_cpu") if len(index) <= _MOST_OF_SLOW else None
    if maxsim_cpu is not None:
        pieces = np.split(tokens.numpy(), index.offsets[1:-1])
        peers["maxsim-cpu"] = lambda query: _ids(
            index, torch.from_numpy(maxsim_cpu.maxsim_scores_variable(query, pieces))
        )
    exact = [{passage for passage, _ in ranking} for ranking in index.search_many(queries)]
    width = 2 * index.dimension * len(index.vectors) / len(index)
    int8_width = width + eight.tokens.blocks.nbytes / len(index)
    made = (index.folder / file for file in MODE_FILES["candidates"])
    small = sum(file.stat().st_size for file in made if file.is_file())
    pooled_width = int8_width + small / len(index)
    costs = {
        "exact": (width, 0.0),
        "int8": (int8_width, int8_seconds),
        "candidates": (pooled_width, int8_seconds + candidate_seconds),
    }
    theirs = {
        f"{name}: recall@10, build s": f"{_recall(exact, search, queries)}, {seconds:.3g}"
        for name, (search, seconds) in built.items()
    }
    timings = side_by_side(
        {name: _next(search, queries) for name, search in (modes | peers).items()},
        repeats=min(ROUNDS, len(queries) // 2),
        least_seconds=0,  # a query a round: the median is over queries
        before=1,
    )
    for mode, search in modes.items():
        size, seconds = costs[mode]
        quality = {
            "recall@10": 1.0 if mode == "exact" else _recall(exact, search, queries),
            "bytes a passage": round(size),
            "build s": seconds,
            "times torch fp32": timings["torch fp32"].median / timings[mode].median,
            **theirs,
        }
        case = f"{len(index):,} passages, {index.dimension} dimensions, {mode}"
        yield Row("search", case, timings[mode], {name: timings[name] for name in peers}, quality)


def _next(search: Search, queries: Sequence[np.ndarray]) -> Callable[[], list[str]]:
    """Search for the next query with each call: the median is then over queries."""
    turns = cycle(queries)
    return lambda: search(next(turns))


def _timed(make: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.perf_counter()
    made = make()
    return made, time.perf_counter() - begin


def _recall(exact: Sequence[set[str]], search: Search, queries: Sequence[np.ndarray]) -> str:
    """Compute the mean share of the exact top ten, with a 95 % bootstrap interval over queries."""
    shares = np.array(
        [
            len(best.intersection(search(query))) / len(best)
            for best, query in zip(exact, queries, strict=True)
        ]
    )
    draws = np.random.default_rng(0).integers(0, len(shares), (10_000, len(shares)))
    low, high = np.quantile(shares[draws].mean(1), [0.025, 0.975])
    return f"{shares.mean():.4f} [{low:.4f}, {high:.4f}]"


def _torch(
    index: TokenIndex, tokens: torch.Tensor, owners: torch.Tensor, query: np.ndarray
) -> list[str]:
    """Search with one product of the query and all tokens in fp32."""
    (scores,) = maxsim_scores([torch.from_numpy(query)], tokens, owners, len(index))
    return _ids(index, scores)


def _ids(index: TokenIndex, scores: torch.Tensor) -> list[str]:
    return [identifier for identifier, _ in top_passages(scores, index.ids, 10)]


def _faiss_engine(index: TokenIndex) -> Any:
    """Build an inverted file over 8-bit token vectors, with 4 sqrt(T) lists."""
    import faiss

    lists = int(4 * np.sqrt(len(index.vectors)))
    engine = faiss.index_factory(index.dimension, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    count = min(len(index.vectors), 40 * lists)
    sample = np.random.default_rng(0).choice(len(index.vectors), count, replace=False)
    engine.train(index.vectors[np.sort(sample)].astype(np.float32))
    for tokens, _, _ in index.blocks():
        engine.add(tokens.numpy())
    engine.nprobe = int(_PROBED * lists)
    return engine


def _faiss_graph(index: TokenIndex) -> Any:
    """Build a graph (HNSW) over 8-bit token vectors, which finds as many neighbours."""
    import faiss

    engine = faiss.index_factory(index.dimension, "HNSW32,SQ8", faiss.METRIC_INNER_PRODUCT)
    engine.train(index.vectors[:_TRAINED].astype(np.float32))
    for tokens, _, _ in index.blocks():
        engine.add(tokens.numpy())
    engine.hnsw.efSearch = _NEIGHBOURS
    return engine


def _faiss(index: TokenIndex, engine: Any, query: np.ndarray) -> list[str]:
    """Rank the passages of the nearest tokens by their similarities, and score the best exactly.

    If a query token has no near token in a passage, its lowest similarity counts there.
    """
    similarity, tokens = engine.search(query, _NEIGHBOURS)
    owners = np.searchsorted(index.offsets, tokens, "right") - 1
    passages, inverse = np.unique(owners, return_inverse=True)
    best = np.repeat(similarity.min(1)[None], len(passages), axis=0)
    columns = np.broadcast_to(np.arange(len(query))[:, None], tokens.shape)
    np.maximum.at(best, (inverse.reshape(tokens.shape), columns), similarity)
    chosen = passages[np.argsort(-best.sum(1))[:_CANDIDATES]]
    return [identifier for identifier, _ in index.score(query, chosen)[:10]]


def _sentences(quick: bool) -> tuple[list[str], list[str]]:
    """Read English sentences for passages, and foreign ones with held-out translations as queries.

    Raises:
        InputError: the sentences of the large cases are missing.
    """
    if quick:
        pairs = read_bitext(assets("demo", "bitext.tsv")).pairs
    elif folder := _data():
        pairs = read_bitext(folder).pairs
    else:
        raise InputError(
            f"search wants Tatoeba's sentences: {_DATA}=path/to/tatoeba names their folder; "
            "--quick runs on the demo's"
        )
    order = np.random.default_rng(0).permutation(len(pairs))
    held = [pairs[number] for number in order[: _QUICK_QUERIES if quick else QUERIES]]
    out = {pair.english for pair in held}
    return sorted({pair.english for pair in pairs} - out), [pair.foreign for pair in held]


def _data() -> Path | None:
    """Find the folder of Tatoeba's sentences: `$OPTICAL_BENCH_DATA`, or beside the checkout."""
    if named := os.environ.get(_DATA):
        return Path(named)
    beside = Path(__file__).parents[3] / "shared/data/tatoeba"
    return beside if beside.is_dir() else None


def _index(count: int, english: Sequence[str], encoder: TokenEncoder, sentences: int) -> TokenIndex:
    folder = home("bench", f"search-{count}-{encoder.hash}")
    if (folder / "index.json").is_file():
        return TokenIndex.open(folder)
    generator = np.random.default_rng(1)

    def passages() -> Iterator[Passage]:
        for number in range(count):
            chosen = generator.choice(len(english), sentences, replace=False)
            yield Passage(str(number), "", " ".join(english[position] for position in chosen))

    return build_index(folder, passages(), encoder, progress=True)


def _drawn_around(source: TokenIndex) -> TokenIndex:
    folder = source.folder.with_name(f"{source.folder.name}-drawn-{DRAWN}")
    if (folder / "index.json").is_file():
        return TokenIndex.open(folder)
    passages = (Passage(str(number), "", "text") for number in range(DRAWN))
    return build_index(folder, passages, Drawn(source, TOKENS, pool=1), count=DRAWN)


def _reduced(index: TokenIndex) -> tuple[TokenIndex, np.ndarray]:
    """Project the index on its principal directions; also returns these (d, 128)."""
    basis = principal_basis(index, _REDUCED)
    folder = index.folder.with_name(f"{index.folder.name}-{_REDUCED}")
    if not (folder / "index.json").is_file():
        with replace_folder(folder) as temporary:
            with (temporary / "vectors.f16").open("wb") as file:
                for tokens, _, _ in index.blocks():
                    file.write(unit_rows((tokens @ basis).numpy()).astype(np.float16).tobytes())
            about = read_json(index.folder / "index.json")
            facts = {name: about[name] for name in ("encoder", "encoder_hash")}
            write_facts(temporary, facts | {"dimension": _REDUCED}, index.ids, index.offsets)
    return TokenIndex.open(folder), basis.numpy()
