"""Pictures of what predicts how well a language is served."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from optical_core.analysis.predictors import PREDICTORS
from optical_core.data.languages import language
from optical_core.ui.escaping import plotly_text
from optical_core.ui.gap_figures import NAMES
from optical_core.ui.theme import layout, model_colours, model_symbols, note
from optical_core.wording import counted


def predictor_scatter(
    values: pd.DataFrame, correlations: pd.DataFrame, measure: str, *, dark: bool
) -> go.Figure:
    """A panel a predictor: its value against the measure, a marker a model and language.

    values: of `language_values`; correlations: of `correlation_table`, for the hover text.
    """
    shown = (
        [] if values.empty else [n for n in PREDICTORS if n in values and values[n].nunique() > 1]
    )
    if not shown:
        return note("Choose at least two languages beside English.", dark=dark)
    models = list(dict.fromkeys(values["model"]))
    colours, symbols = model_colours(models), model_symbols(models)
    found = {
        (row["model"], row["predictor"]): f"Spearman {row['spearman']:+.2f} over "
        f"{counted(row['languages'], 'language')}"
        for row in correlations.to_dict("records")
    }
    figure = make_subplots(rows=1, cols=len(shown), shared_yaxes=True, horizontal_spacing=0.02)
    for column, name in enumerate(shown, 1):
        for index, model in enumerate(models):
            rows = values[values["model"] == model].dropna(subset=[name])
            figure.add_scatter(
                x=rows[name],
                y=rows["value"],
                row=1,
                col=column,
                mode="markers+text",
                name=plotly_text(model),
                legendgroup=model,
                showlegend=column == 1,
                marker={"color": colours[model], "symbol": symbols[model], "size": 10},
                # One label a language: on the last model, which is drawn on top.
                text=rows["language"] if index == len(models) - 1 else None,
                textposition="top center",
                textfont={"size": 12},
                customdata=[language(code).name for code in rows["language"]],
                hovertemplate="%{customdata}, %{fullData.name}: %{y:.4f}<br>%{x:.3g}<br>"
                f"{found.get((model, name), '')}<extra></extra>",
            )
        figure.update_xaxes(title_text=PREDICTORS[name], row=1, col=column)
    layout(figure, dark=dark, height=400)
    figure.update_layout(legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0})
    if "latin" in shown:
        figure.update_xaxes(
            tickvals=[0, 1], ticktext=["no", "yes"], range=[-0.5, 1.5],
            row=1, col=shown.index("latin") + 1,
        )  # fmt: skip
    figure.update_yaxes(title_text=NAMES.get(measure, measure), col=1)
    return figure
