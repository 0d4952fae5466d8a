"""Saved evaluations as the pages name them."""

from __future__ import annotations

from optical_core.analysis.measurements import Measurements
from optical_core.study.results import find_results, study_label


def labelled_evaluations() -> dict[str, Measurements]:
    """Saved evaluations by label. A collection measured in two versions has two labels."""
    labelled: dict[str, Measurements] = {}
    for saved in find_results():
        label = study_label(saved.collection, saved.study) if saved.study else saved.collection
        if label in labelled:
            label = f"{saved.collection} ({(saved.fingerprint or 'unknown')[:6]})"
        labelled[label] = saved
    return labelled
