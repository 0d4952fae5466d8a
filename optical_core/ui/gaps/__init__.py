"""The page Language gaps: which languages are served worse, by how much, and what predicts it."""
