"""The page Live search: rankings side by side, and why a passage has its rank."""
