"""The command that fits fusions."""

from __future__ import annotations

from typing import Annotated

import typer

from optical_core.cli.application import Device, Json, Languages, app, print_json


@app.command(
    epilog="Example:  optical fuse optical-lowres bm25 --on demo --name mine --languages sw,so"
)
def fuse(
    models: Annotated[list[str], typer.Argument(help="Two to four models.")],
    on: Annotated[str, typer.Option(help="Dev collection: not one that you evaluate on.")],
    name: Annotated[str, typer.Option(help="Name of the fusion, for every command and page.")],
    languages: Languages = "",
    measure: Annotated[str, typer.Option(help="What to make as large as possible.")] = "AP",
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 5,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Fit the weights of a fusion by cross-validation, and keep it under a name."""
    from optical_core.analysis.measure_names import mean_name
    from optical_core.data.collection import open_collection
    from optical_core.data.languages import language_codes
    from optical_core.models.fusions import save_fusion
    from optical_core.study.fuse import fit_weights

    fitted = fit_weights(
        name,
        models,
        open_collection(on),
        language_codes(languages),
        measure=measure,
        folds=folds,
        device=device,
        progress=True,
    )
    path = save_fusion(fitted.fusion)
    if as_json:
        print_json({"expression": fitted.fusion.expression, **fitted.fusion.record})
        return
    called = mean_name(fitted.fusion.record["measure"])
    for model, value in fitted.single.items():
        print(f"{called} {value:.4f}  {model}")
    low, high = fitted.interval
    print(
        f"{called} {fitted.held_out:.4f}  fused, on queries that the weights weren't chosen on: "
        f"{fitted.gain:+.4f} against the best one (95 % CI {low:+.4f} to {high:+.4f})"
    )
    print(f"{fitted.fusion.name} = {fitted.fusion.expression} -> {path}")
