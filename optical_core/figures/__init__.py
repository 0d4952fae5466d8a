"""Pictures that the app and a study's report share: look, labels, levels by language."""
