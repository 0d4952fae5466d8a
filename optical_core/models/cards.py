"""ModelCard: what a trained model is, for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ModelCard(BaseModel):
    """What a trained model is: data, licence, recipe and figures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    summary: str = ""
    languages: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    licence: str = "unknown"
    recipe: dict[str, Any] = Field(default_factory=dict)
    figures: dict[str, Any] = Field(default_factory=dict)

    def text(self, name: str, facts: Sequence[str], *, kind: str) -> str:
        """The card as Markdown; `facts` come before the data, `kind` where there is no summary."""
        lines = [
            f"# {name}",
            "",
            self.summary or kind,
            "",
            *[f"- {fact}" for fact in facts],
            f"- Query languages: {', '.join(self.languages) or 'not stated'}",
            f"- Training data: {'; '.join(self.data) or 'not stated'}",
            f"- Licence: {self.licence}",
            "",
            "## Recipe",
            "",
            *[f"- {key}: {value}" for key, value in self.recipe.items()],
        ]
        if self.figures:
            figures = [f"- {key}: {value}" for key, value in self.figures.items()]
            lines += ["", "## Figures", "", *figures]
        return "\n".join(lines) + "\n"
