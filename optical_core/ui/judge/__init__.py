"""The page Judge: passages to grade, one at a time, and how far judges agree."""
