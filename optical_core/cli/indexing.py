"""Commands that build indexes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from optical_core.cli.application import (
    SETTINGS,
    Application,
    Device,
    Engine,
    Model,
    Uri,
    app,
    default_student,
)
from optical_core.errors import InputError
from optical_core.wording import counted

if TYPE_CHECKING:
    from optical_core.retrieval.compression import Compression
    from optical_core.retrieval.live_index import LiveIndex
    from optical_core.retrieval.token_index import TokenIndex
    from optical_core.retrieval.windows import Windows

_BUILD = "build"

Bits = Annotated[
    int | None,
    typer.Option(help="Bits a dimension: 16 (fp16), or compressed to 8, 4 or 2."),
]
Pool = Annotated[
    int | None,
    typer.Option(help="Keep one vector for this many tokens of a passage: 1 (all), 2, 3."),
]
Dims = Annotated[
    int | None,
    typer.Option(help="Compress only so many principal directions, as 128; default all."),
]
Window = Annotated[
    int | None,
    typer.Option(min=0, help="Cut long passages into windows of so many tokens; 0: whole."),
]
Stride = Annotated[
    int | None,
    typer.Option(min=1, help="Tokens from one window to the next; by default half a window."),
]
Aggregate = Annotated[
    str | None,
    typer.Option(help="A passage's score is its windows' max (the default), first or sum."),
]


class _IndexGroup(TyperGroup):
    """`optical index COLLECTION` builds; what follows `index` may also be a subcommand."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self.with_command(args))

    def with_command(self, args: list[str]) -> list[str]:
        """The arguments, after the name of their subcommand."""
        return args if args and args[0] in self.commands else [_BUILD, *args]


index_app = Application(cls=_IndexGroup, context_settings=SETTINGS)
app.add_typer(
    index_app, name="index", help="Index a collection; update, delete and compact change it."
)


@index_app.command(
    _BUILD,
    hidden=True,
    epilog="Example:  optical index demo\n\n"
    "Its subcommands update, delete and compact change what is indexed: optical index update -h",
)
def index(
    collection: Annotated[
        str, typer.Argument(help="A name of `optical collections`, or a folder.")
    ],
    model: Model = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the index; the cache by default.")
    ] = None,
    append: Annotated[bool, typer.Option(help="Add passages to the index in --out.")] = False,
    approximate: Annotated[
        bool, typer.Option(help="Also make the files of `search --mode` and measure their recall.")
    ] = False,
    bits: Bits = None,
    pool: Pool = None,
    dims: Dims = None,
    window: Window = None,
    stride: Stride = None,
    aggregate: Aggregate = None,
    engine: Engine = "local",
    uri: Uri = None,
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
    device: Device = None,
) -> None:
    """Encode a collection's passages with a model's teacher and write the token index."""
    from optical_core.data.collection import open_collection
    from optical_core.models.pair_store import load_pair
    from optical_core.retrieval import indexing
    from optical_core.retrieval.compression import UNCOMPRESSED
    from optical_core.retrieval.vector_stores import LOCAL, fill_store

    opened = open_collection(collection)
    if engine == LOCAL and uri:
        if out:
            raise InputError("--uri and --out both name the folder of the index: give one")
        out = Path(uri)
    if append and out is None:
        raise InputError("--append needs --out, the folder of the index to add to")
    compression = _compression(bits, dims, pool)
    windowed = (window, stride, aggregate) != (None, None, None)
    if append and (compression or windowed):
        raise InputError(
            "--bits, --dims, --pool, --window, --stride and --aggregate are for new indexes; "
            "--append keeps their form"
        )
    if engine != LOCAL and (out or append or approximate or compression or windowed):
        raise InputError(
            "--out, --append, --approximate, --bits, --dims, --pool, --window, --stride and "
            f"--aggregate belong to the engine local; {engine} writes the missing passages whole "
            "to --uri"
        )
    pair = load_pair(model or default_student(), device=device)
    teacher = pair.teacher
    options: dict[str, Any] = {"batch_size": batch_size, "progress": True}
    if engine != LOCAL:
        written = fill_store(engine, uri, opened, teacher, **options)
        print(f"{counted(written, 'passage')} written -> {engine} at {uri}")
        return
    built: TokenIndex | LiveIndex
    if out is None:
        existing = indexing.existing_index(opened, teacher) if windowed else None
        windows = _windows(window, stride, aggregate, existing) if windowed else None
        built = indexing.collection_index(
            opened, teacher, compression=compression, windows=windows, **options
        )
    elif append:
        built = indexing.append_to_index(out, opened.passages(), teacher, **options)
    else:
        options["compression"] = compression or UNCOMPRESSED
        options["windows"] = _windows(window, stride, aggregate, None)
        built = indexing.build_index(out, opened.passages(), teacher, **options)
    print(f"{_sizes(built)} -> {built.folder}")
    if compression and (kept := built.kept) is not None:
        print(f"compressed: keeps {kept:.1%} of the exact top 10 (queries made from passages)")
    if approximate:
        from optical_core.retrieval.live_index import LiveIndex
        from optical_core.retrieval.recall import recall

        texts = [q for code in opened.languages for q in opened.queries(code).values()]
        sample = texts[:: max(1, len(texts) // 100)]
        queries = pair.student.encode_queries(sample)
        for mode in ("int8", "candidates", "lists"):
            share = recall(built, LiveIndex(built.folder, mode), queries)
            asked = counted(len(sample), "query", "queries")
            print(f"{mode}: keeps {share:.1%} of the exact top 10 ({asked})")


def _compression(bits: int | None, dims: int | None, pool: int | None) -> Compression | None:
    """The form that is asked for; None if none is."""
    from optical_core.retrieval.compression import PLAIN_BITS, Compression

    if (bits, dims, pool) == (None, None, None):
        return None
    bits, pool = PLAIN_BITS if bits is None else bits, 1 if pool is None else pool
    return Compression(bits=bits, dims=dims, pool=pool)


def _windows(
    window: int | None, stride: int | None, aggregate: str | None, index: LiveIndex | None
) -> Windows:
    """The windows that are asked for; those of an index where only --aggregate is given.

    Raises:
        InputError: the options don't go together.
    """
    from optical_core.retrieval.windows import WHOLE, Windows

    if window is None:
        known = index.windows if index else WHOLE
        if stride is not None or (aggregate and known.plain):
            raise InputError("--stride and --aggregate need --window, such as --window 180")
        return replace(known, aggregate=aggregate or known.aggregate)
    if not window and (stride or aggregate):
        raise InputError("--window 0 indexes whole passages: leave out --stride and --aggregate")
    return Windows(window, stride or (window + 1) // 2, aggregate or "max") if window else WHOLE


def _sizes(index: TokenIndex | LiveIndex) -> str:
    passages, tokens = counted(len(set(index.ids)), "passage"), counted(index.tokens, "token")
    if index.windows.plain:
        return f"{passages}, {tokens}"
    return f"{passages} in {counted(int(index.rows), 'window')}, {tokens}"


@app.command(
    "index-files",
    epilog="Example:  optical index-files corpus/*.jsonl --out big --ray local\n\n"
    "Example:  optical index-files /shared/corpus --out /shared/big --ray ray://HOST:10001",
)
def index_files(
    files: Annotated[
        list[Path],
        typer.Argument(help="JSON Lines or Parquet (_id, text, title), or folders of them."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the index; shards are beside it.")],
    model: Model = "",
    ray: Annotated[
        str | None,
        typer.Option(
            help="Encode on a Ray cluster: its address, auto, or local for this machine "
            "(needs the extra ray). All machines must see the files and --out."
        ),
    ] = None,
    bits: Bits = None,
    pool: Pool = None,
    dims: Dims = None,
    window: Window = None,
    stride: Stride = None,
    aggregate: Aggregate = None,
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
    device: Device = None,
) -> None:
    """Index a corpus of many files. After an interruption, run the same command again."""
    from optical_core.data.passages import passage_files
    from optical_core.retrieval import shards
    from optical_core.retrieval.compression import UNCOMPRESSED

    built = shards.index_files(
        out,
        passage_files(files),
        model or default_student(),
        ray=ray,
        compression=_compression(bits, dims, pool) or UNCOMPRESSED,
        windows=_windows(window, stride, aggregate, None),
        batch_size=batch_size,
        device=device,
        progress=True,
    )
    print(f"{_sizes(built)} -> {built.folder}")
    print(f"{built.folder}.shards is only needed to add files; it may be removed")
