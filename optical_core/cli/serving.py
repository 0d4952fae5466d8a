"""The command that serves searches."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from optical_core.cli.application import Device, Engine, Uri, app, default_student
from optical_core.wording import split_names


@app.command(
    epilog="Example:  optical serve --collections demo --models optical-lowres,embedded,bm25"
)
def serve(
    collections: Annotated[str, typer.Option(help="Collections to serve, comma-separated.")],
    models: Annotated[str, typer.Option(help="Models to serve, comma-separated.")] = "",
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free port.")] = 8601,
    allow_host: Annotated[
        str,
        typer.Option(help="Further names of the server, comma-separated; * for any."),
    ] = "",
    mode: Annotated[str, typer.Option(help="How indexes are searched, see `search`.")] = "exact",
    longest_query: Annotated[int, typer.Option(help="Most characters in a query.")] = 1000,
    largest_body: Annotated[int, typer.Option(help="Most bytes in a request's body.")] = 65_536,
    most_results: Annotated[int, typer.Option(help="Most passages in an answer.")] = 1000,
    most_queries: Annotated[int, typer.Option(help="Most queries in one request.")] = 32,
    most_searches: Annotated[
        int, typer.Option(help="Most searches at once, waiting ones included; more get 503.")
    ] = 256,
    batch_size: Annotated[int, typer.Option(help="Most queries encoded together.")] = 32,
    batch_characters: Annotated[
        int, typer.Option(help="Most characters encoded together, each query as the longest.")
    ] = 2048,
    most_connections: Annotated[int, typer.Option(help="Most connections open at once.")] = 512,
    rate: Annotated[
        float, typer.Option(help="Most searches per second from one client; 0 for any number.")
    ] = 0.0,
    cache: Annotated[
        int, typer.Option(help="Bytes of answers kept for queries that come again; 0 for none.")
    ] = 32 << 20,
    engine: Engine = "local",
    uri: Uri = None,
    device: Device = None,
) -> None:
    """Answer searches over HTTP (POST /search). The documentation is at /docs.

    If the environment variable OPTICAL_TOKEN is set, requests need that token.
    """
    from optical_core.serve.access import environment_token
    from optical_core.serve.command import serve as run_server
    from optical_core.serve.limits import Limits

    *named, known = (
        split_names(text) for text in (collections, models or default_student(), allow_host)
    )
    limits = Limits(
        query=longest_query,
        body=largest_body,
        top=most_results,
        queries=most_queries,
        searches=most_searches,
        batch=batch_size,
        characters=batch_characters,
        connections=most_connections,
        rate=rate,
        cache=cache,
    )
    index: dict[str, Any] = {"mode": mode, "engine": engine, "uri": uri}
    token = environment_token()
    run_server(
        *named,
        host=host,
        port=port,
        limits=limits,
        names=known,
        token=token,
        device=device,
        **index,
    )
