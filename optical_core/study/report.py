"""A study's report: one self-contained HTML page, and the same text as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd
import plotly.graph_objects as go

from optical_core.analysis.export import markdown, number_text, write_table
from optical_core.analysis.measure_names import mean_name
from optical_core.data.records import environment
from optical_core.escaping import html_text
from optical_core.figures.curves import learning_curve
from optical_core.figures.levels import differences, level_dots
from optical_core.storage import replace_file
from optical_core.study.answer import answer, limits
from optical_core.study.config import StudyConfig
from optical_core.study.curves import curve_table
from optical_core.study.evaluate import label
from optical_core.study.results import study_label
from optical_core.study.summary import Findings, tables, write_results

APP = "http://127.0.0.1:8501"
_TITLES = {
    "levels": "{measure} by model and language",
    "others": "Other measures by model and language",
    "seeds": "Spread over seeds",
    "groups": "Groups of languages against {baseline}",
    "rivals": "Groups of languages against the arm {reference}",
    "gaps": "Gap between high- and low-resource languages",
    "changes": "Gains against {baseline}, and their difference",
    "comparisons": "Paired tests against {baseline}, Holm over all",
    "power": "Topics that a difference of .01 would need",
}
_STYLE = """
body {font: 16px/1.5 "Noto Sans", "Source Sans 3", system-ui, sans-serif; margin: 2rem auto;
      max-width: 72rem; padding: 0 1rem; color: #1d2433; background: #fff}
.scroll {overflow-x: auto}
table {border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums}
th, td {padding: .25rem .7rem; border-bottom: 1px solid #dfe3ea; text-align: right;
        white-space: nowrap}
th:first-child, td:first-child {text-align: left}
"""


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, and a table or a picture."""

    title: str
    level: int = 2
    paragraphs: tuple[str, ...] = ()
    table: pd.DataFrame | None = None
    figure: go.Figure | None = None
    link: str = ""
    """Address of the live view in the app."""


def write_report(config: StudyConfig, findings: list[Findings], out: Path, command: str) -> Path:
    """Write results, tables, report.md and report.html from what is measured so far.

    Args:
        config: of the study.
        findings: one a collection.
        out: the study's folder.
        command: named in the report as the one that reproduces it.

    Returns:
        The HTML page.

    Examples:
        >>> from optical_core.study import read_study, study_collections, study_findings
        >>> config, out = read_study("demo"), Path("out")  # doctest: +SKIP
        >>> findings = study_findings(config, study_collections(config), out)  # doctest: +SKIP
        >>> write_report(config, findings, out, "optical study demo").name  # doctest: +SKIP
        'report.html'
    """
    sections = list(_sections(config, findings, out, command))
    for name, text in (
        ("report.md", as_markdown(config, sections)),
        ("report.html", as_html(config, sections)),
    ):
        with replace_file(out / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return out / "report.html"


def _sections(
    config: StudyConfig, findings: list[Findings], out: Path, command: str
) -> Iterable[Section]:
    made = [tables(config, each) for each in findings]
    answers = [p for each, t in zip(findings, made, strict=True) for p in answer(config, each, t)]
    yield Section("Answer", paragraphs=(config.question, *answers))
    yield Section("Limits", paragraphs=tuple(limits(config, findings)))
    baseline = label(config.baseline)
    names = {"baseline": baseline, "reference": config.reference}
    names["measure"] = mean_name(config.measure)
    for each, collection_tables in zip(findings, made, strict=True):
        write_results(config, each, out)
        name = each.info.name
        where = {"results": study_label(name, config.name)}
        link = f"{APP}/gaps?{urlencode(where)}"
        yield Section(name, paragraphs=(each.info.description,))
        measure = each.comparison.measure
        levels = level_dots(collection_tables["measures"], measure, dark=False)
        changes = differences(collection_tables["comparisons"], measure, dark=False)
        figures = (("Level by language", levels), (f"Difference to {baseline}", changes))
        for title, figure in figures:
            yield Section(title, level=3, figure=figure, link=link)
        yield from _curves(config, each, out)
        for key, title in _TITLES.items():
            table = collection_tables[key]
            if not table.empty:
                write_table(table, out / "tables", f"{name}-{key}")
                yield Section(title.format(**names), level=3, table=table)
    made_by = environment()
    packages = ", ".join(f"{name} {version}" for name, version in made_by["packages"].items())
    teaching, training = _written(config.teaching), _written(config.training)
    yield Section(
        "How it was made",
        paragraphs=(
            f"Command: {command}",
            f"OPTICAL Workbench {made_by['optical']}, commit {made_by['commit'] or 'unknown'}, "
            f"Python {made_by['python']}; {packages}.",
            f"Seeds: {', '.join(map(str, config.seeds))}. "
            + (f"Teaching of all taught models: {teaching}. " if config.taught else "")
            + f"Training of all arms: {training}.",
        ),
        table=pd.DataFrame(
            [
                {"arm": name, "differs in": _written(config.differences[name])}
                for name in config.trained
            ]
        ),
    )


def _curves(config: StudyConfig, findings: Findings, out: Path) -> Iterable[Section]:
    """The study's learning curves on one collection, as far as they are measured."""
    measure = findings.comparison.measure
    for curve in config.curves:
        table = curve_table(config, curve, findings)
        if table.empty:
            continue
        write_table(table, out / "tables", f"{findings.info.name}-curve-{curve.label}")
        picture = learning_curve(table, curve.setting, measure, dark=False)
        yield Section(f"Learning curve: {curve.label}", level=3, figure=picture)
        yield Section(f"Learning curve: {curve.label}, values", level=3, table=table)


def as_markdown(config: StudyConfig, sections: Iterable[Section]) -> str:
    """Write the report without its pictures."""
    lines = [f"# Study {config.name}", ""]
    for section in sections:
        if section.figure is not None:
            continue
        lines += ["#" * section.level + f" {section.title}", ""]
        for paragraph in section.paragraphs:
            lines += [paragraph, ""]
        if section.table is not None and not section.table.empty:
            lines += [markdown(_rounded(section.table))]
    return "\n".join(lines)


def as_html(config: StudyConfig, sections: Iterable[Section]) -> str:
    """Write the report as one page that needs no other file: it includes plotly's code, once."""
    parts = [f"<h1>Study {html_text(config.name)}</h1>"]
    scripted = False
    for section in sections:
        parts.append(f"<h{section.level}>{html_text(section.title)}</h{section.level}>")
        parts += [f"<p>{html_text(text)}</p>" for text in section.paragraphs]
        if section.table is not None and not section.table.empty:
            table = _rounded(section.table).to_html(index=False, border=0, na_rep="", escape=True)
            parts.append(f'<div class="scroll">{table}</div>')
        if section.figure is not None:
            parts.append(
                section.figure.to_html(
                    full_html=False, include_plotlyjs=not scripted, config={"displaylogo": False}
                )
            )
            scripted = True
        if section.link:
            link = html_text(section.link)
            parts.append(f'<p><a href="{link}">Open as a live view</a> (with the app running)</p>')
    title = html_text(f"Study {config.name}")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _written(settings: Mapping[str, object]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in settings.items()) or "-"


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers to 4 places, missing ones empty."""
    cells = table.astype(object).where(table.notna(), "")
    for column in cells:
        cells[column] = [
            number_text(column, value) if isinstance(value, float) else value
            for value in cells[column]
        ]
    return cells
