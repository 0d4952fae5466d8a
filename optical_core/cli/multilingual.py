"""Commands that make copies of a model for passages in many languages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optical_core.cli.application import Device, Languages, Student, app

Name = Annotated[str, typer.Option(help="Name of the copy.")]


@app.command(epilog="Example:  optical both optical-lowres --name lowres-both")
def both(student: Student, name: Name) -> None:
    """Copy a student and let it encode passages too, in any of its languages."""
    from optical_core.models.pair_copies import both_sides
    from optical_core.retrieval.model_names import new_model_folder

    folder = new_model_folder(name)
    both_sides(student, folder)
    print(f"student {name} -> {folder}")


@app.command(epilog="Example:  optical centre embedded demo --name embedded-centred")
def centre(
    model: Annotated[str, typer.Argument(help="A student or encoder.")],
    bitext: Annotated[list[str], typer.Argument(help="Bitext files or folders; demo is shipped.")],
    name: Name,
    languages: Languages = "",
    pairs: Annotated[int, typer.Option(min=1, help="Most sentences of each language.")] = 500,
    licence: Annotated[str, typer.Option(help="Of the bitext.")] = "unknown",
    device: Device = None,
) -> None:
    """Copy a model and take each language's mean vector off, on both sides, without training."""
    from optical_core.data.bitext import read_bitexts
    from optical_core.data.languages import language_codes
    from optical_core.distill.sampling import first_pairs
    from optical_core.models.pair_copies import centred
    from optical_core.retrieval.model_names import new_model_folder
    from optical_core.storage import assets

    folder = new_model_folder(name)
    paths = [assets("demo", "bitext.tsv") if path == "demo" else Path(path) for path in bitext]
    read = read_bitexts(paths, language_codes(languages) or None)
    drawn = list(first_pairs(read.pairs, pairs, seed=1))
    sentences = {"en": list(dict.fromkeys(pair.english for pair in drawn))[:pairs]}
    for pair in drawn:
        sentences.setdefault(pair.language, []).append(pair.foreign)
    centred(model, sentences, folder, source=", ".join(bitext), licence=licence, device=device)
    print(f"{name}, without the means of {', '.join(sentences)} -> {folder}")
