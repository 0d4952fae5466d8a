"""Where the time goes, and how far that is from the machine's limits.

`python -m tests.benchmarks.where` prints the tables of assets/docs/pages/speed.md. First it
measures how fast this machine reads memory and multiplies matrices. Then it times the parts of a
training step, of indexing, of a search and of the app's first page, each beside the least time that
its reading or multiplying must take. If the index of `optical bench search` is missing, it is made.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from optical_core.data.collection import Passage
from optical_core.distill import objectives
from optical_core.distill.teacher_vectors import KeptVectors
from optical_core.errors import InputError
from optical_core.models.onnx_queries import OnnxQueries
from optical_core.models.precision import precision
from optical_core.models.token_encoder import TokenEncoder
from optical_core.retrieval.candidates import WINDOW, CandidateIndex, candidates
from optical_core.retrieval.indexing import build_index
from optical_core.retrieval.quantised import RESCORED, QuantisedIndex
from optical_core.retrieval.token_index import TokenIndex
from tests.benchmarks import distill, encode, search
from tests.benchmarks.timing import machine
from tests.benchmarks.translations import demo_pairs

REPEATS = 7
PASSAGES = 64


class Stopwatch:
    """Seconds spent in functions, each without the seconds of watched functions that it calls."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inner: list[float] = []

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            self._inner.append(0.0)
            begin = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                spent = time.perf_counter() - begin
                self.seconds[part] += spent - self._inner.pop()
                if self._inner:
                    self._inner[-1] += spent

        return run

    def watch(self, stack: ExitStack, part: str, owner: Any, name: str) -> None:
        stack.enter_context(mock.patch.object(owner, name, self.timed(part, getattr(owner, name))))


def limits() -> dict[str, float]:
    """Measure GB/s of reading memory, and GFLOP/s of large matrix products.

    The products are in fp32 and, if passages and trainings use it, in bf16.
    """
    large = torch.ones(64 * 2**20)
    peak = {"GB/s": 4 * large.numel() / _best(large.sum) / 1e9}
    for name in dict.fromkeys(("fp32", precision())):
        size, dtype = 2048, torch.bfloat16 if name == "bf16" else torch.float32
        left, right = (torch.ones(size, size, dtype=dtype) for _ in range(2))
        peak[name] = 2 * size**3 / _best(lambda left=left, right=right: left @ right) / 1e9
    return peak


def _best(run: Callable[[], Any]) -> float:
    def once() -> float:
        begin = time.perf_counter()
        run()
        return time.perf_counter() - begin

    return min(once() for _ in range(REPEATS))


def weights(encoder: TokenEncoder) -> int:
    """Count the weights that multiply each token: all but the embeddings."""
    named = encoder.model[0].model.named_parameters()
    return sum(p.numel() for name, p in named if "embeddings" not in name and "pooler" not in name)


def training_step(peak: dict[str, float]) -> Iterator[str]:
    """Time a step of 32 pairs of 24 tokens, with the teacher's vectors kept."""
    pairs = distill._about(distill.TOKENS, demo_pairs(2000))
    watch = Stopwatch()
    steps = 4
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        trainer = distill._ours(pairs, Path(folder), steps, KeptVectors())
        trainer.train()
        watch.watch(stack, "transport", objectives, "solve")
        watch.watch(stack, "teacher's vectors, looked up", trainer.loss._teacher, "batch")
        watch.watch(stack, "student forward, costs", trainer, "compute_loss")
        watch.watch(stack, "backward", trainer.accelerator, "backward")
        watch.watch(stack, "tokenizing, optimizer, the rest", trainer, "_inner_training_loop")
        trainer.train()
    total = sum(watch.seconds.values())
    for part, seconds in sorted(watch.seconds.items(), key=lambda item: -item[1]):
        yield _line(part, seconds / (1 + steps), total / (1 + steps))
    tokens = distill.BATCH * distill.TOKENS
    # Forward, and backward through frozen weights, which only reaches the activations.
    least = 2 * 2 * weights(distill.encoder()) * tokens / 1e9 / peak[precision()]
    yield _limit(f"products of the weights in {precision()}", least, total / (1 + steps))


def indexing(peak: dict[str, float]) -> Iterator[str]:
    """Time the indexing of passages of 128 tokens."""
    encoder = TokenEncoder.load("embedded")
    english = " ".join(pair.english for pair in demo_pairs(2000))
    texts = encode.passages_of(encoder, english)[:PASSAGES]
    passages = [Passage(str(number), "", text) for number, text in enumerate(texts)]
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        watch.watch(stack, "tokenizing", encoder.model, "preprocess")
        watch.watch(stack, "transformer", encoder.model[0], "forward")
        whole = watch.timed("masks, normalising, writing", build_index)
        whole(Path(folder) / "warm", passages, encoder)
        watch.seconds.clear()
        whole(Path(folder) / "index", passages, encoder)
    total = sum(watch.seconds.values())
    for part, seconds in sorted(watch.seconds.items(), key=lambda item: -item[1]):
        yield _line(part, seconds, total)
    tokens = encode.PASSAGE_TOKENS * len(passages)
    least = 2 * weights(encoder) * tokens / 1e9 / peak[precision()]
    yield _limit(f"products of the weights in {precision()}", least, total)


def _line(part: str, seconds: float, total: float) -> str:
    return f"| {part} | {_shown(seconds)} | {seconds / total:.0%} |"


def _limit(cause: str, least: float, total: float) -> str:
    return f"| *limit: {cause}* | {_shown(least)} | {least / total:.0%} |"


def _shown(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"


def searching(index: TokenIndex, peak: dict[str, float]) -> Iterator[str]:
    """Time one query, as the median of many."""
    encoder = TokenEncoder.load("embedded")
    _, questions = search._sentences(quick=False)
    fast = OnnxQueries(encoder)
    vectors = encoder.encode_queries(questions)
    eight = QuantisedIndex.open(index)
    few = CandidateIndex.open(eight)
    length = statistics.mean(map(len, vectors))

    def median(act: Callable[[int], Any]) -> float:
        spent = []
        for number in range(len(questions)):
            begin = time.perf_counter()
            act(number)
            spent.append(time.perf_counter() - begin)
        return statistics.median(spent[1:])

    fp32 = median(lambda number: encoder.encode_queries([questions[number]]))
    int8 = median(lambda number: fast.encode_queries([questions[number]]))
    size = weights(encoder)
    yield _line("encoding a query, fp32", fp32, fp32)
    yield _limit("reading the weights", 4 * size / 1e9 / peak["GB/s"], fp32)
    yield _line("encoding a query, `int8`", int8, int8)
    yield _limit("reading the weights", size / 1e9 / peak["GB/s"], int8)
    scan = median(lambda number: eight.tokens.scores(vectors[number]))
    whole = median(lambda number: eight.search(vectors[number]))
    yield _line(f"`int8`: {len(index):,} passages in 8 bits", scan, whole)
    yield _line(f"`int8`: the best {RESCORED} exactly", whole - scan, whole)
    yield _limit("reading the vectors", eight.tokens.blocks.nbytes / 1e9 / peak["GB/s"], whole)
    first = median(lambda number: few.pooled.scores(vectors[number]))
    total = median(lambda number: few.search(vectors[number]))
    yield _line(f"`candidates`: {len(index):,} passages by means of {WINDOW} tokens", first, total)
    chosen = candidates(len(index))
    yield _line(f"`candidates`: the best {chosen:,} in 8 bits, exactly", total - first, total)
    share = chosen / len(index)
    least = (few.pooled.blocks.nbytes + share * eight.tokens.blocks.nbytes) / 1e9 / peak["GB/s"]
    yield _limit("reading the vectors", least, total)
    yield f"| *tokens of a query, mean* | {length:.1f} | |"


def first_page() -> Iterator[str]:
    """Time the steps of the app's process until the first plan is on the screen."""
    parts = {
        "streamlit": "import streamlit",
        "torch": "import torch",
        "transformers, sentence-transformers": "import sentence_transformers.multi_vector_encoder",
        "the encoder's weights": (
            "from optical_core.models.teachers import open_shared; open_shared('embedded')"
        ),
        "the student": (
            "from optical_core.ui.library import Library; library = Library();"
            "student = library.default_models()[1]; library.pair(student)"
        ),
        "a plan": (
            "from optical_core.ui.alignment.plans import plan_of_texts;"
            "from pages.start import FOREIGN, ENGLISH;"
            "plan_of_texts(library, student, FOREIGN, ENGLISH)"
        ),
    }
    script = "import time\n" + "\n".join(
        f"begin = time.perf_counter()\n{code}\nprint(time.perf_counter() - begin)"
        for code in parts.values()
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    spent = [float(line) for line in done.stdout.split()]
    for part, seconds in zip(parts, spent, strict=True):
        yield _line(part, seconds, sum(spent))


def main() -> None:
    peak = limits()
    about = machine()
    print(f"{about['processor']}, {about['threads']} threads.", end=" ")
    products = ", ".join(f"{peak[name]:.0f} in {name}" for name in ("fp32", "bf16") if name in peak)
    print(f"It reads {peak['GB/s']:.1f} GB/s and multiplies, in GFLOP/s, {products}.")
    english, _ = search._sentences(quick=False)
    index = search._index(search.PASSAGES, english, TokenEncoder.load("embedded"), search.SENTENCES)
    for title, lines in (
        ("A step of distillation", training_step(peak)),
        (f"Indexing {PASSAGES} passages", indexing(peak)),
        ("A search", searching(index, peak)),
        ("The first page", first_page()),
    ):
        print(f"\n## {title}\n\n| part | time | share |\n|---|---|---|", flush=True)
        for line in lines:
            print(line, flush=True)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(str(error))
