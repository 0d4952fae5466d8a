"""Commands of judging: make a pool, compare judges, write their judgements."""

from __future__ import annotations

from itertools import combinations
from typing import Annotated

import typer

from optical_core.cli.application import SETTINGS, Application, Device, Languages, app
from optical_core.wording import counted, split_names

judge_app = Application(
    help="Judge a collection of your own: pool what models find, then grade it on the page Judge.",
    context_settings=SETTINGS,
    no_args_is_help=True,
)
app.add_typer(judge_app, name="judge")

_Collection = Annotated[str, typer.Argument(help="A name that `optical collections` lists.")]


@judge_app.command(epilog="Example:  optical judge pool mine --models bm25,embedded --depth 10")
def pool(
    collection: _Collection,
    models: Annotated[str, typer.Option(help="Comma-separated.")] = "bm25,embedded",
    languages: Languages = "",
    depth: Annotated[
        int, typer.Option(help="Passages of each model for each query, 1 to 100.")
    ] = 10,
    device: Device = None,
) -> None:
    """Pool the best passages of several models. A pool that is there grows."""
    from optical_core.data.collection import open_collection
    from optical_core.study.pooling import make_pool

    names, codes = split_names(models), split_names(languages)
    opened = open_collection(collection)
    made = make_pool(opened, names, codes, depth=depth, device=device)
    items, queries = counted(len(made.items), "passage"), counted(made.queries, "query", "queries")
    print(f"{items} to judge for {queries}; next: the page Judge of `optical app`")


@judge_app.command(epilog="Example:  optical judge agreement mine")
def agreement(collection: _Collection) -> None:
    """Compare each two judges: share of equal grades, Cohen's kappa, kappa of relevant or not."""
    from optical_core.analysis import agreement as compared
    from optical_core.data.judging import judges, read_grades, read_pool

    pool = read_pool(collection)
    grades = {judge: read_grades(collection, judge) for judge in judges(collection)}
    if not grades:
        print("nobody has judged yet")
    for judge, given in grades.items():
        done = sum(item in given for item in pool.items)
        print(f"{judge}: {done:,} of {counted(len(pool.items), 'passage')} judged")
    for one, two in combinations(grades, 2):
        found = compared.agreement(grades[one], grades[two])
        if found.both:
            print(
                f"{one}, {two}: {found.both:,} judged by both, {found.same:.0%} equal, "
                f"kappa {found.kappa:.2f}, of relevant or not {found.binary:.2f}"
            )


@judge_app.command(epilog="Example:  optical judge write mine --judges ann,ben")
def write(
    collection: _Collection,
    judges: Annotated[str, typer.Option(help="Comma-separated; by default all.")] = "",
) -> None:
    """Write the judgements into the collection. Where judges differ, the lowest grade counts."""
    from optical_core.data import judging
    from optical_core.data.collection import open_collection

    opened = open_collection(collection)
    names = split_names(judges)
    count = judging.write_judgements(opened, names or judging.judges(opened.name))
    print(f"{counted(count, 'judgement')} -> {opened.name}; next: optical evaluate {opened.name}")
