"""Commands with lexicons: learn them, add them to a student, switch words with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optical_core.cli.application import Device, Languages, Student, app
from optical_core.errors import InputError
from optical_core.wording import counted


@app.command(
    epilog="Example:  optical lexicon tico19 --languages so,sw --out lexicon   and then   "
    "optical evaluate demo --models psq@lexicon --languages so,sw --out r"
)
def lexicon(
    bitext: Annotated[list[Path], typer.Argument(help="Bitext files or folders.")],
    out: Annotated[Path, typer.Option(help="Folder for <language>.tsv files.")],
    aligner: Annotated[
        str, typer.Option(help="eflomal (an extra), or ot: an encoder's transport plans.")
    ] = "eflomal",
    encoder: Annotated[str, typer.Option(help="Of the aligner ot: a model.")] = "embedded",
    pairs: Annotated[
        int | None, typer.Option(min=1, help="Most sentence pairs of each language.")
    ] = None,
    languages: Languages = "",
    device: Device = None,
) -> None:
    """Learn translation probabilities from bitext, for structured queries and glosses."""
    from optical_core.data.bitext import read_bitexts
    from optical_core.data.languages import language_codes
    from optical_core.data.lexicons import write_lexicon
    from optical_core.data.records import write_record
    from optical_core.distill.sampling import first_pairs
    from optical_core.models.pair_store import load_pair
    from optical_core.paths import check_apart
    from optical_core.study import lexicon as lexicons

    if aligner not in ("eflomal", "ot"):
        raise InputError(f"the aligner must be eflomal or ot, got {aligner!r}")
    wanted = language_codes(languages) or None
    read = list(read_bitexts(bitext, wanted).pairs)
    if pairs:
        read = list(first_pairs(read, pairs, seed=1))
    align = (
        lexicons.eflomal_aligner()
        if aligner == "eflomal"
        else lexicons.ot_aligner(load_pair(encoder, device=device).student)
    )
    sizes = {}
    for code in sorted({pair.language for pair in read}):
        check_apart(out / f"{code}.tsv", bitext)
        cut = lexicons.sentence_words((p.foreign, p.english) for p in read if p.language == code)
        made = lexicons.build_lexicon(cut, align)
        write_lexicon(out / f"{code}.tsv", made)
        sizes[code] = {"pairs": len(cut), "words": len(made)}
        learnt = f"{counted(len(made), 'word')} from {counted(len(cut), 'pair')}"
        print(f"{code}: {learnt} -> {out / f'{code}.tsv'}")
    settings = {
        "bitext": list(map(str, bitext)),
        "aligner": aligner,
        "most pairs": pairs,
        "encoder": encoder if aligner == "ot" else None,
        "languages": sizes,
    }
    write_record(out / "record.json", settings)


@app.command(epilog="Example:  optical gloss optical-lowres lexicon --name optical-mine")
def gloss(
    student: Student,
    lexicons: Annotated[Path, typer.Argument(help="Folder of `optical lexicon`.")],
    name: Annotated[str, typer.Option(help="Name of the new student.")],
    licence: Annotated[str, typer.Option(help="Of the lexicons.")] = "unknown",
    unfamiliar: Annotated[
        str,
        typer.Option(help="Languages that the student hardly knows: there the gloss counts more."),
    ] = "",
) -> None:
    """Copy a student and add lexicons: its queries are then asked with glosses too."""
    from optical_core.data.languages import language_codes
    from optical_core.data.lexicons import lexicons_of
    from optical_core.data.records import read_record
    from optical_core.models.pair_store import add_lexicons
    from optical_core.retrieval.model_names import new_model_folder

    if not lexicons.is_dir():
        raise InputError(f"{lexicons} is no folder: give the one that `optical lexicon` wrote")
    added = lexicons_of(lexicons)
    if not added:
        raise InputError(f"{lexicons} holds no lexicon, such as sw.tsv")
    folder = new_model_folder(name)
    bitext = read_record(lexicons / "record.json").get("bitext")
    known = isinstance(bitext, list) and all(isinstance(path, str) for path in bitext)
    add_lexicons(
        student,
        added,
        folder,
        source=", ".join(bitext if bitext and known else [str(lexicons)]),
        licence=licence,
        unfamiliar=language_codes(unfamiliar),
    )
    print(f"student {name} -> {folder}")


@app.command(
    epilog="Example:  optical switch english.txt --lexicon lexicon --languages sw --out switched   "
    "and then   optical distill --bitext switched --name my-student\n\nExample:  optical switch nq "
    "--relevance --lexicon lexicon --languages sw --out nq-switched"
)
def switch(
    english: Annotated[
        list[str],
        typer.Argument(
            help="Text files of English sentences, a line each, or bitext, whose English side is "
            "taken; with --relevance, what `optical teach --relevance` takes."
        ),
    ],
    lexicon: Annotated[
        Path,
        typer.Option(
            help="Folder or file: <language>.tsv of `optical lexicon`, or of English and foreign "
            "in two columns; or a *.jsonl of Wiktionary (wiktextract)."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    languages: Languages = "",
    rate: Annotated[float, typer.Option(help="Share of the words to replace.")] = 0.5,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 1,
    relevance: Annotated[
        bool, typer.Option("--relevance", help="Switch the queries of relevance data.")
    ] = False,
) -> None:
    """Replace words of English sentences or queries by a lexicon's translations, to train on."""
    from optical_core.data import switched_files
    from optical_core.data.dictionaries import read_dictionaries
    from optical_core.data.languages import language_codes
    from optical_core.data.switching import Switcher

    dictionaries = read_dictionaries(lexicon, language_codes(languages))
    switchers = {
        code: Switcher(dictionary, rate=rate, seed=seed)
        for code, dictionary in dictionaries.items()
    }
    write = switched_files.write_relevance if relevance else switched_files.write_bitext
    for code, (count, share) in write(out, english, switchers, lexicon=lexicon).items():
        unit = ("query", "queries") if relevance else ("sentence",)
        print(f"{code}: {counted(count, *unit)}, {share:.0%} of the words replaced -> {out}")
