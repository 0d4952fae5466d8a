"""The page Language gaps: who is served worse, by how much, and what goes with it."""
