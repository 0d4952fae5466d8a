"""The page Query inspector: every query, and how well each model answers it."""
