"""Pictures that the app and a study's report share: their look, labels, levels by language."""
