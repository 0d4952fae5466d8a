"""ModelCard: the description of a trained model, for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ModelCard(BaseModel):
    """The description of a trained model: data, licence, recipe and figures.

    Attributes:
        summary: one sentence.
        languages: codes of the query languages.
        data: what it was trained on, an entry a source.
        licence: of the model.
        recipe: setting -> value.
        figures: name -> value, as measured.

    Examples:
        >>> card = ModelCard(summary="A student for Somali.", languages=("so",), licence="CC0-1.0")
        >>> print(card.text("so-student", [], kind="A query encoder.").splitlines()[0])
        # so-student
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    summary: str = ""
    languages: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    licence: str = "unknown"
    recipe: dict[str, Any] = Field(default_factory=dict)
    figures: dict[str, Any] = Field(default_factory=dict)

    def text(self, name: str, facts: Sequence[str], *, kind: str) -> str:
        """Write the card as Markdown.

        Args:
            name: of the model.
            facts: lines to put before the languages.
            kind: used where there is no summary.
        """
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
