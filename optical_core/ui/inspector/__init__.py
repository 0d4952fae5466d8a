"""The page Query inspector: every query, and what each model makes of it."""
